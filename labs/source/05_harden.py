# %% [markdown]
# # 5 · Harden
#
# You have changed sides. The director of the hospital has read your findings, gone a little pale, and given you the
# administrator's chair. "Close it," she says. "But the wards are full. The scanner cannot stop for a minute, and if a
# doctor cannot open an image tonight, somebody may die of it."
#
# That is the whole difficulty of this lab, and of the profession. Switching a server off is easy. **A fix counts only if
# the attack fails *and* the hospital still works.** So everything you do is judged from both sides.
#
# **After this lab you can**
# - read the configuration of a real image archive, and say of each line whom it lets in;
# - close an archive step by step, and check after each step what is closed and who can no longer work;
# - explain why half a fix is often none.
#
# **Time:** 60 minutes. **Points:** 50. **Before:** [1 · Discover](01_discover.ipynb).

# %%
from pacslab import Lab

lab = Lab("open-archive")
lab.start()

# %% [markdown]
# ## Where you stand
#
# The first look, before you touch anything. The upper table is the stranger's, the lower one the hospital's.

# %%
lab.assess()

# %% [markdown]
# ## The file
#
# An Orthanc server does what its configuration file says. This is yours, as the vendor left it. You can open it in
# JupyterLab's editor: click the link `orthanc.json` in the table above, or find it on the left under `work`. It is JSON,
# a format of names and values, and Orthanc allows comments in it (`//`).

# %%
print((lab.work / "orthanc.json").read_text())

# %% [markdown]
# Read it before you go on, and guess: which lines let the stranger in? There are two doors to think of, as you know from
# the last lab.
#
# You may change the file in the editor and save it. Or from a cell: `lab.set_options(Name="...")` changes one option and
# leaves all the rest, comments too, as it is. **Nothing happens until the archive starts again with the new file:**
# `lab.restart()`. Should your file have a mistake in it, the archive goes on running as before, and you are told the
# line. You cannot break anything that `lab.reset()` would not repair.

# %% [markdown]
# ## A fix that is none
#
# The quickest idea first, because nearly everybody has it: nobody from outside shall connect at all. There is an option
# that sounds right, `RemoteAccessAllowed`. Let us see.

# %%
lab.set_options(RemoteAccessAllowed=False)
lab.restart()
lab.assess()

# %% [markdown]
# Look at both tables; the lines above them say what has turned since the last look. On the web the stranger is out - and so are the radiologist and the administrator, who sit at
# *other* computers. They are "remote", too. Meanwhile the stranger's C-FIND goes through as before: the option is about
# the web, and **DICOM is a door of its own**.
#
# So: everybody locked out on one side, nobody on the other. Take it back.

# %%
lab.set_options(RemoteAccessAllowed=True)
lab.restart()
lab.assess()

# %% [markdown]
# ## Step 1: a password on the web
#
# Orthanc can ask for user and password. Two options belong together:
#
# - `AuthenticationEnabled` - shall it ask at all?
# - `RegisteredUsers` - who may come in: `{"name": "password"}`
#
# The hospital has two kinds of people who come over the web: **radiologists**, who look at images, and one
# **administrator**. Give each a password that *nobody could guess and no list contains*. A person cannot invent such
# passwords; the module `secrets` can.

# %%
import secrets

# Draw two passwords, and switch authentication on with the users "radiologist" and "administrator".
# (The variables are used again below.)
radiologist_password = ...
administrator_password = ...
### BEGIN SOLUTION
radiologist_password = secrets.token_urlsafe(16)
administrator_password = secrets.token_urlsafe(16)
lab.set_options(
    AuthenticationEnabled=True,
    RegisteredUsers={"radiologist": radiologist_password, "administrator": administrator_password},
)
### END SOLUTION

# %%
lab.restart()
lab.assess()

# %% [markdown]
# If you have done that, the web door is closed - and now the lower table says who stands in front of it: the
# radiologist and the administrator. **Nobody has told them their passwords.**
#
# This is where real hospitals fail. A password that does not reach the staff is written on a note beside the screen
# within a day, or the whole thing is switched off again. In this lab, what the staff have been told stands in the file
# `handover.yaml`, and the clinic's probes know that file and nothing else.

# %%
print((lab.work / "handover.yaml").read_text())

# %% [markdown]
# ## Step 2: tell the staff
#
# Write user names and passwords into `handover.yaml`: in the editor, or by program. (YAML is a format like JSON, with
# indentation in place of braces. Mind the spaces.)

# %%
# Write the file anew, with the four values filled in: (lab.work / "handover.yaml").write_text(...)
# YAML of this form:
#
# web:
#   radiologist:
#     username: radiologist
#     password: "..."
#   administrator:
#     username: administrator
#     password: "..."
# dicom:
#   called_ae_title: ARCHIVE
### BEGIN SOLUTION
handover = f"""web:
  radiologist:
    username: radiologist
    password: "{radiologist_password}"
  administrator:
    username: administrator
    password: "{administrator_password}"
dicom:
  called_ae_title: ARCHIVE
"""
(lab.work / "handover.yaml").write_text(handover)
### END SOLUTION

# %%
lab.assess()
lab.check("close-web")

# %% [markdown]
# ## Step 3: would it withstand a list?
#
# Programs that try well-known pairs - `orthanc`/`orthanc`, `admin`/`admin`, the hospital's name and the year - find an
# archive within minutes of its appearing on a network. The next check tries some hundred of them, also with *your*
# user names.

# %%
lab.check("no-known-password")

# %% [markdown]
# ## Step 4: no search for strangers
#
# Now the second door. Orthanc keeps a list of devices that it knows, `DicomModalities`. For each it has the AE title,
# the address (`Host`; Orthanc replaces `${WS01_HOST}` by the real one at the start) and the port. That is a good list.
# It does not help, because of the options that begin with `DicomAlwaysAllow...`: *always* means *for everybody, listed or
# not*.
#
# Close the search (C-FIND) for everybody who is not on the list.

# %%
# Set the option that decides about C-FIND.
### BEGIN SOLUTION
lab.set_options(DicomAlwaysAllowFind=False)
### END SOLUTION

# %%
lab.restart()
lab.assess()
lab.check("close-find")

# %% [markdown]
# ## Step 5: no images for strangers
#
# A stranger who cannot search can still *fetch*, if he knows or guesses a study's number. DICOM has two ways of
# fetching:
#
# - **C-MOVE**: "archive, send this study to the machine called X". The archive opens a new connection to X.
# - **C-GET**: "archive, give me this study right here", over the connection that is open already.
#
# Each has an option of its own. Predict before you run it: what happens if you close only one of the two?

# %%
# Set both options.
### BEGIN SOLUTION
lab.set_options(DicomAlwaysAllowMove=False, DicomAlwaysAllowGet=False)
### END SOLUTION

# %%
lab.restart()
lab.assess()
lab.check("close-move")

# %% [markdown]
# ## Step 6: whom do you trust, and why?
#
# Now the list decides. So the list had better be right. Two questions:
#
# **Who is on it?** Read `DicomModalities` again, with the comments. Does the hospital still have all of these devices? A
# device that has left is still trusted, and somebody else may have its address today.
#
# **How does the archive know that it is really they?** A stranger can *say* any AE title: it is a name, not a secret.
# `DicomCheckModalityHost` makes Orthanc believe a title only if it comes from the address that the list gives.

# %%
# Take the device away that is no longer there, and bind titles to addresses.
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
lab.assess()
lab.check("old-device")

# %% [markdown]
# ## The whole picture
#
# Here is everything that you have changed, and what came of it. Compare with the first assessment.

# %%
lab.changes()
lab.assess()

# %% [markdown]
# If everything is green (and says ✓): you have closed an archive of the kind of which 193 stood open in India in 2020,
# and no scanner stopped.
#
# **One thing more, for no points.** The stranger cannot read any more. Can he *write*? Look at `DicomAlwaysAllowStore`: a
# forged image in a patient's record may be worse than a stolen one. Set it to `False`, restart, and assess whether CT01
# can still store. Why can it?

# %%
lab.score

# %% [markdown]
# ## Four more archives
#
# Somebody has thought about each of these, and closed what you have just closed. They have stories, tasks and hints of
# their own, and the same two tables. Begin with `lab = Lab("...")`, `lab.start()` and `lab.panel()`.
#
# - `Lab("well-known-password")`: there is a password, and everybody has the same one.
# - `Lab("borrowed-title")`: only listed devices are answered, and a title is all that they have to say.
# - `Lab("unlocked-side-door")`: a reverse proxy asks for the password; beside it, other doors stand open.
# - `Lab("silent-overwrite")`: an image can be replaced, and nothing tells that it was.

# %% [markdown]
# ## To think about
#
# Everything that you have changed today, the vendor could have changed in 2014, in ten minutes. Nobody is evil in this
# story. So why was it not done - and what would you change in the hospital, not in the file, so that the *next* archive
# starts closed?
#
# And a harder one: you bound titles to addresses. Somebody with a cable in the hospital's own network can take over an
# address as well. What would the archive have to ask for, so that not even that helps?
#
# **Next:** [6 · De-identify](06_deidentify.ipynb).
#
# **References.** The Orthanc Book, chapter *Securing Orthanc*. CWE-306 (missing authentication), CWE-862 (missing
# authorisation), CWE-290 (authentication by something that can be borrowed). Sai Krishna Kothapalli, blog article on Indian
# healthcare data, as of 11 February 2020.
