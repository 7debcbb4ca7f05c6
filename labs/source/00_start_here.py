# %% [markdown]
# # 0 · Start here
#
# **Welcome to PACS Lab.** In the next hours you will sit in front of a hospital's image archive that lets everybody in,
# and you will do what very few people get to do with one: look at what a stranger sees, close the door while the
# hospital goes on working, and prepare a patient's images so that research may use them.
#
# The archive is **real software, really running on your own computer**. The patients are not real: every one of them is
# invented, and made for you alone. Your neighbour's archive holds other people.
#
# **After this notebook you can** start, look at and stop the lab; run cells, answer a question and ask for help.
#
# **Time:** 15 minutes. **You need:** some Python (variables, lists, loops). **You do not need** to know anything about
# hospitals, about DICOM or about networks: every such word is explained where it first stands.

# %% [markdown]
# ## Why this lab exists
#
# In February 2020 a security researcher in India counted the hospital image archives that the whole internet could
# reach. He found **305**. Of these, **193 asked for no password and set no other limit**: anybody with a free image
# viewer could open the X-rays, with name, age and date of birth. Records went back to 2012. On some web portals they
# could even be changed and deleted. [1]
#
# The same was found all over the world before and after: 719 fully open servers in 2016 [2], 24 million records in 52
# countries in 2019 [3].
#
# Nobody had broken into these archives. There was nothing to break. Somebody had set them up so that "everything works
# on the first day", and nobody came back on the second. That is good news for you: **what a setting has opened, a
# setting can close** - if you know which one, and what the hospital needs it for.

# %% [markdown]
# ## The rules, before anything else
#
# You are going to use the very steps that strangers used. What makes them right here and wrong elsewhere is not the
# technique, it is **permission**.
#
# 1. **Only here.** Everything in this lab talks to servers on your own computer that were started for you. The lab's own
#    tools refuse every other address.
# 2. **Never try this on a server that is not yours**, not even "just to see whether it is open", not even when it asks
#    for no password. In most countries access without permission is an offence, whether or not there was a lock: India's
#    Information Technology Act (sections 43 and 66), the UK's Computer Misuse Act, section 202a of the German criminal
#    code, the Computer Fraud and Abuse Act of the USA. An open door is no invitation.
# 3. **Should you ever come across a real open archive**, stop at once, copy nothing, and tell those who can close it:
#    the hospital, or your country's CERT (Computer Emergency Response Team). In India that is CERT-In.
# 4. **Treat the invented patients as if they were real.** You will read diagnoses. Practise the respect along with the
#    technique.
#
# **Is my own computer safe?** Yes. The lab's servers listen on addresses that only your computer can reach, they cannot
# call out to the internet, they end by themselves after some hours, and they do so even if you switch the notebook off.

# %% [markdown]
# ## How a notebook works
#
# This page is a *notebook*: text like this, and *cells* with Python in them. Click into a cell and press
# **Shift + Enter**: it runs, what it says appears below, and you are in the next one. Three things to know:
#
# - **Order counts.** A cell sees what the cells *that have already run* have left behind. Go from top to bottom.
# - The Python behind the notebook is the *kernel*. If something hangs, choose *Kernel → Restart Kernel* in the menu. The
#   lab's servers do not mind: they go on running, and the notebook finds them again.
# - Your changes are saved with **Ctrl + S**.
#
# Try it with the next cell.

# %%
print("It works. Two and two is", 2 + 2)

# %% [markdown]
# ## Start the lab
#
# The next cell starts a small hospital network. The first time takes a few seconds longer, because your patients have to
# be invented and their images drawn.

# %%
from pacslab import Lab

lab = Lab("open-archive")
lab.start()

# %% [markdown]
# You see four machines. Each is a real server with an address of its own:
#
# | machine | what it is |
# |---|---|
# | **archive** | the hospital's image archive. The trade calls it a **PACS** (picture archiving and communication system): scanners put images in, doctors take them out |
# | **CT01** | the hospital's CT scanner; it sends images to the archive all day |
# | **WS01** | the workstation at which a radiologist (a doctor who reads images) looks at them |
# | **ROGUE** | a stranger's computer. The hospital has never heard of it. In the next lab, this is you |
#
# The archive's address is a link: click it, and your web browser shows the archive's own page. It asks you nothing. Just
# note how that feels, and come back.

# %% [markdown]
# ## The control panel
#
# Everything that you do with cells you can also do with buttons. This is the panel; every notebook can show it.

# %%
lab.panel()

# %% [markdown]
# | button | call | what it does |
# |---|---|---|
# | Start | `lab.start()` | starts the servers, or finds them again |
# | Restart | `lab.restart()` | starts the archive again with *your* settings; patients and images stay |
# | Assess | `lab.assess()` | attacks the archive, and plays a day in the hospital: are the strangers out, can the staff work? |
# | Reset | `lab.reset()` | everything as on the first day; your files are kept beside it |
# | Stop | `lab.stop()` | ends all servers; your files and points are kept |

# %% [markdown]
# ## Your first answer
#
# This is how every task looks: a cell to fill, and a cell that checks it at once. Where you read `# YOUR CODE HERE`,
# write Python. Often one line is enough, and the three dots `...` stand for "nothing yet".
#
# **Task.** How many machines does the hospital's network have - how many rows has the table in the control panel? Put
# the number in place of the dots.

# %%
machines = ...
### BEGIN SOLUTION
machines = 4
### END SOLUTION

# %%
lab.practice(machines)

# %% [markdown]
# A check never punishes: try as often as you like. When you are stuck, two calls help. They work for every task that
# has a name (you will meet the names in the next lab):
#
# - `lab.task("patient-count")` shows once more what is asked.
# - `lab.hint("patient-count")` gives a hint. Call it again for a stronger one; there are up to three.
#
# And this shows what you have reached so far:

# %%
lab.score

# %% [markdown]
# ## Your files
#
# You have a work folder of your own. In it lies the archive's real configuration file, `orthanc.json` (the archive's
# software is called *Orthanc*). In a later lab you will edit exactly this file, as an administrator would.

# %%
for file in sorted(lab.work.iterdir()):
    if not file.name.startswith("."):
        print(file.name)

# %% [markdown]
# ## The labs
#
# | lab | what you do | minutes |
# |---|---|---|
# | [1 · Discover](01_discover.ipynb) | be the stranger: find the archive, read it, count what it costs | 60 |
# | [2 · The DICOM network](02_dicom_network.ipynb) | the web is locked: speak the machines' own language, and forge an examination | 75 |
# | [3 · Take over](03_take_over.ipynb) | from one reader's password to the machine itself, and back | 90 |
# | [4 · Eavesdrop](04_eavesdrop.ipynb) | read passwords and patients off the cable, then encrypt it | 100 |
# | [5 · Harden](05_harden.ipynb) | be the administrator: close every door, and keep the hospital working | 60 |
# | [6 · De-identify](06_deidentify.ipynb) | be the data manager: make one study fit for research | 60 |
# | [7 · Re-identify](07_reidentify.ipynb) | find out who is in a release that was made in a hurry, and choose what to keep | 45 |
#
# They build on each other; take them in this order.

# %% [markdown]
# ## Stop
#
# When you leave, stop the servers. (If you forget, they end by themselves.) Nothing of yours is lost: the next lab starts
# them again, with the same patients.

# %%
lab.stop()

# %% [markdown]
# ## To think about
#
# The archive in this lab was set up by a vendor who wrote into the configuration: *"everything must work on the first
# day"*. Who, in a hospital, would have been in a position to notice that everybody else could use it, too? What would
# have had to happen for them to look?
#
# **References.** [1] Sai Krishna Kothapalli, blog article on Indian healthcare data, as of 11 February 2020. [2] O. Stites
# and O. Pianykh, *How secure is your radiology department?*, American Journal of Roentgenology 206 (2016). [3] Greenbone
# Networks, report on unprotected image archives, September 2019.
