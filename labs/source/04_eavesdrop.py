# %% [markdown]
# # 4 · Eavesdrop
#
# Jan Arogya District Hospital has learned. Its passwords are drawn by a program, its lists are tidy, nobody comes in who
# is not known. The auditors are pleased.
#
# It is night. You stand in the cabinet with the switches, in a cleaner's coat, and you have brought a computer as small as
# a matchbox. You plug it in between two cables and close the door. **You will not log in to anything. You will listen.**
#
# In 2018 a researcher did exactly this in a hospital that had agreed to it. From the next room he read the name of every
# patient who was examined, and then he began to change what he saw.
#
# **After this lab you can**
# - record what crosses a cable, and read names and passwords in it;
# - say what a certificate proves, and what it does not;
# - put a reverse proxy with TLS in front of an archive, and TLS with client certificates under DICOM;
# - tell a line that is encrypted from a line that is safe.
#
# **Time:** 100 minutes. **Points:** 115. **Before:** [2 · The DICOM network](02_dicom_network.ipynb).
#
# **The rules.** To listen to other people's lines is a crime of its own, beside the one of breaking in: in the USA the
# Wiretap Act, in Germany section 202b of the criminal code, and there is one in nearly every country. It is so even on a
# network that you administer, if nobody has agreed. The lab's tap listens at the lab's cables and nowhere else:
# [the rules](00_start_here.ipynb).

# %%
from pacslab import Lab

lab = Lab("cleartext")
lab.start()

# %% [markdown]
# There is one machine more than before: the **proxy**. A *reverse proxy* is a web server that stands in front of another
# one, takes the questions of the staff and passes them on. It has a plain door (`http`, for everybody) and an encrypted one
# (`https`, which nobody uses yet).
#
# ## Listen
#
# `lab.eavesdrop()` puts a tap into two cables, the one of the workstation and the one of the ward, and lets the hospital
# work: WS01 searches for a patient, and the radiologist logs in. Whatever passed is in a file, `capture.pcap`, in the
# format of all network tools. You can open it in *Wireshark*, if you have it.

# %%
capture = lab.eavesdrop()

capture.name

# %% [markdown]
# The oldest of these tools is *tcpdump*. `-r` reads a file, `-A` shows what is inside as letters. The first packets:

# %%
lab.run("tcpdump", "-n", "-A", "-c", "8", "-r", str(capture))

# %% [markdown]
# Everything on a network travels in small packets. To read what was *said*, they have to be put together again, for each
# direction of each conversation. `read_pcap` does that. And as much of it is not text, we keep what is: every piece of at
# least four letters in a row.

# %%
import re

from pacslab.pacs import read_pcap


def conversations(capture):
    """Return what was said, by the address of who said it and of who was told."""
    streams = read_pcap(capture.read_bytes()).streams()
    return {f"{sender} > {receiver}": content for (sender, receiver), content in streams.items()}


def letters(content):
    """Return the readable pieces of some bytes, as text."""
    return [piece.decode() for piece in re.findall(rb"[ -~]{4,}", content)]


said = conversations(capture)
for who, content in said.items():
    print(f"{who:45} {len(content):6} bytes")

# %%
# The first conversation that was on port 4242: DICOM.
question = next((content for who, content in said.items() if who.endswith(":4242")), b"")

for piece in letters(question)[:12]:
    print(piece)

# %% [markdown]
# A DICOM conversation opens with a message called `A-ASSOCIATE-RQ`, and you see the beginning of it: two AE titles, each
# filled up with spaces to 16 letters. First whom it calls, then who is calling. After them come long numbers with dots, the
# *UIDs* of what it wants to do.

# %%
lab.task("name-on-the-cable")

# %%
title = ...
### BEGIN SOLUTION
title = letters(question)[0].split()[0]
### END SOLUTION

# %%
lab.check("name-on-the-cable", title)

# %% [markdown]
# ## A password
#
# Now the other cable, the ward's. A browser does not log in once and then come in: it shows user and password **with every
# single request**, in a line that begins with `Authorization: Basic`. What follows looks like a secret, and is *Base64*:
# another way to write the same letters. Python reads it with `base64.b64decode`.

# %%
login = next((content for content in said.values() if b"Authorization" in content), b"")

print(login.decode("latin-1")[:400])

# %%
lab.task("password-on-the-cable")

# %%
import base64

# Take the piece behind "Basic ", decode it, and split it at the colon.
user = ...
password = ...
### BEGIN SOLUTION
secret = re.search(rb"Basic ([A-Za-z0-9+/=]+)", login).group(1)
user, password = base64.b64decode(secret).decode().split(":")
### END SOLUTION

# %%
lab.check("password-on-the-cable", password)

# %% [markdown]
# How strong a password is matters to somebody who *guesses*. To somebody who reads it off the cable, it is all the same.
#
# ## And with it, the archive
#
# What WS01 asked for stands in the capture, too, and so does the answer: a patient's name, and the number of the
# examination (a `StudyInstanceUID`; in this hospital they begin with `2.25.`).

# %%
def names(content):
    """Return what looks like a patient's name as DICOM writes it: Family^Given."""
    return sorted(
        {name.decode() for name in re.findall(rb"[A-Z][a-z]{2,}\^[A-Z][a-z]{2,}", content)}
    )


for who, content in said.items():
    if names(content):
        print(who, *names(content), sep="\n    ")

# %%
lab.task("whose-name")

# %%
# lab.archive(user, password) logs in. Ask it for the study, and for the number of its instances:
# client.post_tools_find({"Level": "Study", "Query": {"StudyInstanceUID": ...}}) gives identifiers,
# client.get_studies_id_statistics(identifier)["CountInstances"] the number.
instances = ...
### BEGIN SOLUTION
client = lab.archive(user, password)
uid = re.search(rb"2\.25\.\d+", question).group(0).decode()
study = client.post_tools_find({"Level": "Study", "Query": {"StudyInstanceUID": uid}})[0]
instances = client.get_studies_id_statistics(study)["CountInstances"]
### END SOLUTION

# %%
lab.check("whose-name", instances)

# %% [markdown]
# You are the radiologist now, for every log that the hospital keeps. Use it twice more, to see how far it goes.

# %%
lab.task("number-owner")

# %%
owner = ...
### BEGIN SOLUTION
text = lab.session.task("number-owner").text
ending = "".join(digit for digit in text if digit.isdigit())
people = [patient["MainDicomTags"] for patient in client.get_patients({"expand": ""})]
owner = next(
    person["PatientName"] for person in people if person["PatientID"].endswith(ending)
)
### END SOLUTION

# %%
lab.check("number-owner", owner)

# %%
lab.task("prominent-patient")

# %%
# As in lab 1: one instance of each study, all its tags, and a comment that makes you look twice.
prominent = ...
### BEGIN SOLUTION
for study in client.get_studies():
    tags = client.get_instances_id_simplified_tags(client.get_studies_id_instances(study)[0]["ID"])
    if "VIP" in tags.get("PatientComments", ""):
        prominent = tags["PatientName"]
### END SOLUTION

# %%
lab.check("prominent-patient", prominent)

# %% [markdown]
# ## The door that nobody uses
#
# "But we *have* encryption," says the vendor. It is true. The proxy has an encrypted door. Before two sides encrypt, the
# server shows a **certificate**: a name, a public key, and the signature of somebody who vouches that the two belong
# together, the *issuer*. Whoever has the private key that belongs to it can prove to be that server.
#
# So look at the certificate. Who vouches for it?

# %%
import ssl
from urllib.parse import urlsplit

from cryptography import x509


def certificate_of(url):
    """Return the certificate that a server shows, without checking anything."""
    place = urlsplit(url)
    return x509.load_pem_x509_certificate(ssl.get_server_certificate((place.hostname, place.port)).encode())


proxy = next(
    server.url for server in lab.session.status().servers if server.name == "proxy"
)
certificate = certificate_of(proxy)

print("for:       ", certificate.subject.rfc4514_string())
print("issued by: ", certificate.issuer.rfc4514_string())

# %%
lab.task("self-signed")

# %%
issuer = ...
### BEGIN SOLUTION
issuer = certificate.issuer.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value
### END SOLUTION

# %%
lab.check("self-signed", issuer)

# %% [markdown]
# It vouches for itself. And there is worse: look into your work folder. `vendor.pem` and `vendor.key` lie there, the
# certificate *and the private key*, and the same two files are on every appliance that this vendor has ever sold. Somebody
# who buys a used one for fifty euros can be this archive.

# %% [markdown]
# ## Change sides

# %%
lab.assess()

# %% [markdown]
# ### Step 1: somebody who vouches
#
# The hospital needs an authority of its own, a **CA** (*certificate authority*): a key that does nothing but sign, and
# lies in a safe. `lab.make_certificates()` makes one, and with it certificates for the archive, the scanner and the
# workstation. Each consists of two files: `.pem` for everybody, `.key` for its owner alone.

# %%
lab.make_certificates()

for file in sorted((lab.work / "certs").iterdir()):
    print(file.name)

# %% [markdown]
# Three things belong together, and two of them are forgotten most of the time:
#
# 1. **the proxy shows it**: `ssl_certificate` and `ssl_certificate_key` in `nginx.conf`;
# 2. **the staff use that door**: `url` in `handover.yaml`, `https://archive.hospital.test`;
# 3. **the staff's browsers know the authority**: `ca` in `handover.yaml`.
#
# This is the proxy's file as it came:

# %%
print((lab.work / "nginx.conf").read_text())

# %%
lab.task("worthy-certificate")

# %%
# Change nginx.conf and handover.yaml: in the editor, or here, with text = path.read_text(), text.replace(...)
# and path.write_text(text).
### BEGIN SOLUTION
nginx = lab.work / "nginx.conf"
text = nginx.read_text()
text = text.replace("ssl_certificate vendor.pem;", "ssl_certificate certs/archive.pem;")
text = text.replace("ssl_certificate_key vendor.key;", "ssl_certificate_key certs/archive.key;")
nginx.write_text(text)

handover = f"""web:
  url: https://archive.hospital.test
  ca: certs/hospital-ca.pem
  radiologist:
    username: radiologist
    password: "{lab.handover.web.radiologist.password}"
  administrator:
    username: administrator
    password: "{lab.handover.web.administrator.password}"
dicom:
  called_ae_title: ARCHIVE
"""
_ = (lab.work / "handover.yaml").write_text(handover)
### END SOLUTION

# %%
lab.restart()
lab.check("worthy-certificate")

# %% [markdown]
# ### Step 2: no old envelopes
#
# **TLS** (*transport layer security*) is the name of the encryption, and it has versions and, in each, *cipher suites*. The
# two sides agree on something that both know. So an old version that you still offer is an old version that an attacker can
# talk you into. Today that leaves TLS 1.2 and 1.3, and suites with *forward secrecy* (`ECDHE`): whoever records today and
# steals the key in five years can still read nothing.

# %%
lab.task("strong-ciphers")

# %%
# Two lines of nginx.conf: ssl_protocols and ssl_ciphers.
### BEGIN SOLUTION
text = nginx.read_text()
text = text.replace("ssl_protocols TLSv1 TLSv1.1 TLSv1.2;", "ssl_protocols TLSv1.2 TLSv1.3;")
suites = "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES128-GCM-SHA256"
text = text.replace('ssl_ciphers "ALL:@SECLEVEL=0";', f"ssl_ciphers {suites};")
_ = nginx.write_text(text)
### END SOLUTION

# %%
lab.restart()
lab.check("strong-ciphers")

# %% [markdown]
# ### Step 3: no open door beside it
#
# Everybody *has been told* to use the encrypted door. The old ones are still open, and somebody has a bookmark. Which
# doors are readable? Two: the proxy's on port 8080, and the archive's own, which is behind the proxy and can be reached
# beside it. What the outside reaches stands in `network.yaml`:

# %%
print((lab.work / "network.yaml").read_text())

# %%
lab.task("encrypt-web")

# %%
# Leave the outside the doors that it needs: DICOM (for now), and the encrypted one.
### BEGIN SOLUTION
_ = (lab.work / "network.yaml").write_text("outside: [https, dicom]\n")
### END SOLUTION

# %%
lab.restart()
lab.check("encrypt-web")

# %% [markdown]
# ### Step 4: images in envelopes
#
# DICOM has known TLS since the year 2000. It is rarely used, and the reason is not that it is difficult: **every device
# has to be told at the same time.** An archive that speaks TLS is deaf for a scanner that does not.
#
# In `orthanc.json`:
#
# - `DicomTlsEnabled`, and the archive's own `DicomTlsCertificate` and `DicomTlsPrivateKey`;
# - `DicomTlsTrustedCertificates`: whose signature the archive believes;
# - in `DicomModalities`, `"UseDicomTls": true` for each device, because the archive also calls *them*;
# - `DicomTlsRemoteCertificateRequired`: whether a device has to show a certificate, too. Set it to `false` for the moment,
#   as many hospitals do to get started.
#
# And in `handover.yaml`, what the devices are told: the authority, and for each its certificate and key. The file that the
# vendor left showed how, in its comments.

# %%
lab.task("encrypt-dicom")

# %%
### BEGIN SOLUTION
lab.set_options(
    DicomTlsEnabled=True,
    DicomTlsCertificate="certs/archive.pem",
    DicomTlsPrivateKey="certs/archive.key",
    DicomTlsTrustedCertificates="certs/hospital-ca.pem",
    DicomTlsRemoteCertificateRequired=False,
    DicomModalities={
        "CT01": {
            "AET": "CT01", "Host": "${CT01_HOST}", "Port": 4242, "UseDicomTls": True,
            "AllowEcho": True, "AllowStore": True, "AllowFind": False, "AllowGet": False, "AllowMove": False,
        },
        "WS01": {
            "AET": "WS01", "Host": "${WS01_HOST}", "Port": 4242, "UseDicomTls": True,
            "AllowEcho": True, "AllowStore": False, "AllowFind": True, "AllowGet": True, "AllowMove": True,
        },
    },
)
handover += """\
  tls:
    ca: certs/hospital-ca.pem
    devices:
      CT01: { certificate: certs/CT01.pem, key: certs/CT01.key }
      WS01: { certificate: certs/WS01.pem, key: certs/WS01.key }
"""
_ = (lab.work / "handover.yaml").write_text(handover)
### END SOLUTION

# %%
lab.restart()
lab.check("encrypt-dicom")

# %% [markdown]
# ### Step 5: senders who can prove it
#
# Everything is encrypted now. Is it safe? Try it as a stranger: open TLS, show no certificate at all, say `WS01`, and
# search. (The client does not check whom it reaches either. A thief does not ask for a passport.)

# %%
from pydicom.dataset import Dataset
from pynetdicom import AE
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelFind


def search_as(title):
    """Search over TLS, without a certificate, under somebody's title; return the names that come back."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    ae = AE(ae_title=title)
    ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = 10
    ae.add_requested_context(StudyRootQueryRetrieveInformationModelFind)
    association = ae.associate(*lab.dicom_address, ae_title="ARCHIVE", tls_args=(context, None))
    if not association.is_established:
        return "no association"
    wanted = Dataset()
    wanted.QueryRetrieveLevel = "STUDY"
    wanted.PatientName = ""
    answers = association.send_c_find(wanted, StudyRootQueryRetrieveInformationModelFind)
    found = [str(answer.PatientName) for _, answer in answers if answer is not None]
    association.release()
    return f"{len(found)} answers, such as {found[:2]}"


print("WS01: ", search_as("WS01"))

# %% [markdown]
# If you have done step 4 as it was written, you read everything, and nobody on the cable can see that you do.
# **Encryption hides what is said. It does not say who is speaking.**
#
# That is what the devices' certificates are for. A title can be read off the machine, and an address can be taken; a
# private key does not leave the device. Require it. And since a stolen key should be worth little elsewhere, bind each
# title to its address as well.

# %%
lab.task("proof-of-identity")

# %%
### BEGIN SOLUTION
lab.set_options(DicomTlsRemoteCertificateRequired=True, DicomCheckModalityHost=True)
### END SOLUTION

# %%
lab.restart()
lab.check("proof-of-identity")

print("WS01, without a certificate: ", search_as("WS01"))

# %% [markdown]
# ## The same cables, once more
#
# The matchbox is still in the cabinet. Look at what it hears now, with the same eyes as before.

# %%
said = conversations(lab.eavesdrop())

for who, content in said.items():
    passwords = content.count(b"Authorization: Basic")
    print(f"{who:45} {len(content):6} bytes, names: {len(names(content))}, passwords: {passwords}")

# %% [markdown]
# If you have closed everything, there is nothing to read in any line. What is *still* there? Who speaks to whom, when, and
# how much. An archive that sends two hundred megabytes to the ward at three in the morning tells a story, too, and so does
# the mammography machine that calls on a Sunday. TLS does not hide that.
#
# ## The whole picture

# %%
lab.changes()
lab.assess()

# %%
lab.score

# %% [markdown]
# ## To think about
#
# Your certificates end some day. (`certificate.not_valid_after_utc` tells when.) On that day, at that minute, a scanner in
# this hospital can no longer store, and a patient lies in it. Who knows of it a month before? How? And what would you tell
# the engineer who calls you that night and says: *"Just switch the checking off until Monday"*?
#
# **Next:** [5 · Harden](05_harden.ipynb).
#
# **References.** Y. Mirsky and others, *CT-GAN: malicious tampering of 3D medical imagery using deep learning*, 28th USENIX
# Security Symposium (2019). DICOM PS3.15 annex B (secure transport). BCP 195, RFC 9325 (how to use TLS), and RFC 8996 (the
# versions that must not be used any more). The Orthanc Book, chapters *DICOM TLS* and *Securing Orthanc*.
