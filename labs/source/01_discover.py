# %% [markdown]
# # 1 · Discover
#
# A journalist has called the director of Jan Arogya District Hospital. She has seen the X-ray of a well-known person, on
# her own laptop, at home - with name, date of birth and diagnosis. "I did not break anything," she said. "I asked, and
# your archive answered."
#
# Before anybody can repair this, somebody has to find out **what exactly the archive tells to whom**. That somebody is
# you. In this lab you are a stranger, and you do only what a stranger can do.
#
# **After this lab you can**
# - find out what an image archive says about itself to somebody who has not logged in;
# - search an archive through both of its doors, the web and DICOM;
# - read what a medical image carries besides the picture: in its tags, in its pixels, in documents inside it;
# - say what such a leak costs, with the evidence in your hand.
#
# **Time:** 60 minutes. **Points:** 60.
#
# *Everything here is invented, and everything happens on your own computer. What you do here is an offence anywhere
# else: [the rules](00_start_here.ipynb).*

# %%
from pacslab import Lab

lab = Lab("open-archive")
lab.start()

# %% [markdown]
# Leave that table in sight. If you would rather press buttons, `lab.panel()` shows them:

# %%
lab.panel()

# %% [markdown]
# ## The first door: the web
#
# The archive's software, *Orthanc*, has a web interface. Behind the pages for people lies a **REST API**: addresses (such
# as `/patients`) that a program can ask and that answer with data. `lab.archive()` gives you a client for it, from the
# Python package *pyorthanc*. It logs in to nothing: you come from outside, without a name and without a password.
#
# What would you ask a server that you know nothing about? Perhaps who it is. Orthanc has a page for that, `/system`:

# %%
archive = lab.archive()

archive.get_system()

# %% [markdown]
# That is a lot for a first question: the name of the hospital, the exact version of the software (somebody who collects
# weaknesses by version would be grateful), and the archive's *AE title*.
#
# An **AE title** (*application entity title*) is the name by which DICOM programs call each other: at most 16 letters,
# usually printed on a sticker on the machine. And **DICOM** (*Digital Imaging and Communications in Medicine*) is the
# standard that makes a scanner of one company and a workstation of another understand each other: it says what an image
# file looks like, and how it travels. Remember the title; DICOM is the second door, and the title is what you knock with.

# %%
lab.task("archive-title")

# %%
# The answer above is a dictionary. Take the AE title out of it.
title = ...
### BEGIN SOLUTION
title = archive.get_system()["DicomAet"]
### END SOLUTION

# %%
lab.check("archive-title", title)

# %% [markdown]
# ## How many people
#
# Orthanc sorts what it holds as DICOM does, in four levels. You will need these words all the time:
#
# - a **patient** has one or more
# - **studies**: one examination on one day, which has one or more
# - **series**: what the machine took in one go - the slices of one CT scan, say -, which has one or more
# - **instances**: a single image, or a single document.
#
# Each level has a page: `/patients`, `/studies`, `/series`, `/instances`. In pyorthanc they are `archive.get_patients()`
# and so on. They return a list of identifiers, one for each.

# %%
lab.task("patient-count")

# %%
count = ...
### BEGIN SOLUTION
count = len(archive.get_patients())
### END SOLUTION

# %%
lab.check("patient-count", count)

# %% [markdown]
# So far these are only numbers. Here is one of those people. (`{"expand": ""}` asks for the records themselves instead
# of their identifiers.)

# %%
people = archive.get_patients({"expand": ""})

people[0]["MainDicomTags"]

# %% [markdown]
# A name, a date of birth, a sex, and a number. These are DICOM **tags** (also called *attributes*): named values that
# every DICOM file carries beside its picture. `PatientName` is written family name first, with a `^` between the parts.
# `PatientID` is the number by which the hospital knows the patient.
#
# This hospital had an idea that made its work easier: it uses the **national identity number** as patient ID. Everybody
# has one, nobody has two, and nobody has to invent another.

# %%
lab.task("number-owner")

# %%
# Look through all records: whose PatientID ends as the task says? Give the name.
owner = ...
### BEGIN SOLUTION
text = lab.session.task("number-owner").text
ending = "".join(digit for digit in text if digit.isdigit())
owner = next(
    patient["MainDicomTags"]["PatientName"]
    for patient in people
    if patient["MainDicomTags"]["PatientID"].endswith(ending)
)
### END SOLUTION

# %%
lab.check("number-owner", owner)

# %% [markdown]
# ## The second door: DICOM
#
# Suppose the hospital puts a password on the web page tomorrow. Is that the end of it? Let us try the other door.
#
# DICOM programs talk to each other over a connection that is called an **association**: the caller says its own AE title
# and the title of whom it calls, and the other side accepts or refuses. Over an association it can ask for *services*.
# Four of them matter here:
#
# | service | what it does | in the words of the hospital |
# |---|---|---|
# | **C-ECHO** | "are you there?" | the service engineer's test |
# | **C-FIND** | search | "has this patient been here before?" |
# | **C-MOVE**, **C-GET** | have images sent | "open that study on my screen" |
# | **C-STORE** | send an image | the scanner, all day long |
#
# `lab.modality("ROGUE")` is the stranger's machine as a DICOM program (a *modality* is DICOM's word for such a machine).
# It is on no list of the hospital. First, knock:

# %%
rogue = lab.modality("ROGUE")

rogue.echo()

# %% [markdown]
# `True` is a short word, and a welcome: the archive accepted an association from a machine that it does not know,
# and answered. (A refusal would have been `False`.) Now ask a real question. A C-FIND names a *level* and what you look
# for; empty fields match everything.

# %%
lab.task("stranger-find")

# %%
answer = rogue.query({"Level": "Study", "Query": {"PatientName": "", "StudyDate": "", "StudyDescription": ""}})

# ROGUE keeps what it was told as a numbered list; this fetches it with readable names.
studies_found = lab.device("ROGUE").get_queries_id_answers(answer["ID"], {"expand": "", "simplify": ""})

studies_found[0]

# %%
# How many studies did the stranger get to see?
found = ...
### BEGIN SOLUTION
found = len(studies_found)
### END SOLUTION

# %%
lab.check("stranger-find", found)

# %% [markdown]
# This is what the surveys did, and why their numbers are so large: they counted how many archives answer a C-FIND. It
# takes one question, and a program can ask a thousand archives in a minute.

# %% [markdown]
# ## Who the journalist saw
#
# A list of names is long. How would anybody find the one patient whom a newspaper pays for? Often the hospital's own
# staff have marked the record, with the best of intentions.
#
# So far you have seen only the *main* tags. An instance has many more. This collects all tags of the first instance of
# every study (the loop goes down the four levels):

# %%
first_of_study = {}
for study in archive.get_studies({"expand": ""}):
    instance = archive.get_studies_id_instances(study["ID"])[0]["ID"]
    first_of_study[study["ID"]] = archive.get_instances_id_simplified_tags(instance)

some_study = next(iter(first_of_study))
for name, value in first_of_study[some_study].items():
    if isinstance(value, str):
        print(f"{name:35} {value}")

# %% [markdown]
# Read that list slowly, as a stranger would: an address, a telephone number, an occupation, who examined and when. Nobody
# would call this "only images".

# %%
lab.task("prominent-patient")

# %%
# Which study has a comment that makes you look twice? Keep its identifier in `study_id`,
# and the patient's name in `prominent`.
study_id = ...
prominent = ...
### BEGIN SOLUTION
study_id, tags = next(
    (study, tags)
    for study, tags in first_of_study.items()
    if "VIP" in tags.get("PatientComments", "")
)
prominent = tags["PatientName"]
### END SOLUTION

# %%
lab.check("prominent-patient", prominent)

# %% [markdown]
# ## The pictures
#
# Now the images themselves. First somebody else's: a CT scan. **CT** (*computed tomography*) shows a body in slices, as if
# it were cut across; the pictures below are one series of them. Drag the slider, or click it and use the arrow keys.

# %%
ct_series = next(
    series
    for series in archive.get_series({"expand": ""})
    if series["MainDicomTags"]["Modality"] == "CT"
)

lab.show(ct_series["ID"])

# %% [markdown]
# The tag `Modality` says what made an image: `CT`, `CR` (an X-ray), `US` (ultrasound), or `OT` (*other*) and `DOC` for
# documents. Next, everything in the prominent patient's study that has a picture. Again, drag the slider to the end.

# %%
lab.show(study_id)

# %% [markdown]
# Two things to notice.
#
# **The ultrasound machine has written name, number and date into the picture itself.** Such text is called *burned in*:
# it is no tag, it is white dots among the others. No program that cleans tags touches it.
#
# **The last picture is no medical image at all.** It is a paper form that somebody put on a scanner and filed with the
# study: in DICOM a *secondary capture*. In 2020 pages like this were the worst of what was found: everything about a
# person on one sheet.

# %%
lab.task("cover-diagnosis")

# %%
# Here your eyes are the tool. Type what you read.
diagnosis = ...
### BEGIN SOLUTION
diagnosis = lab.session.key.facts["prominent_diagnosis"]  # read from the page
### END SOLUTION

# %%
lab.check("cover-diagnosis", diagnosis)

# %% [markdown]
# ## The documents
#
# DICOM can wrap a PDF file, as a doctor's letter: an *encapsulated PDF*, with the modality `DOC`. The archive hands out
# the PDF itself at `/instances/{id}/pdf`, and the package *pypdf* reads text from it.

# %%
import io

import pypdf


def text_of_pdf(instance):
    """Return the text of a report in the archive."""
    content = archive.get_instances_id_pdf(instance)
    pages = pypdf.PdfReader(io.BytesIO(content)).pages
    return "\n".join(page.extract_text() for page in pages)


reports = [
    series
    for series in archive.get_series({"expand": ""})
    if series["MainDicomTags"]["Modality"] == "DOC"
]
print(len(reports), "reports. The first one begins:")
print(text_of_pdf(reports[0]["Instances"][0])[:160])

# %%
lab.task("report-phone")

# %%
# Read the reports until you meet the patient of the task, and take the relative's telephone number.
phone = ...
### BEGIN SOLUTION
patient = lab.session.task("report-phone").text.split("The report of ")[1].split(" lies")[0]
texts = [text_of_pdf(report["Instances"][0]) for report in reports]
text = next(text for text in texts if patient in text)
phone = text.split("Telephone of relative")[1].split("\n")[1]
### END SOLUTION

# %%
lab.check("report-phone", phone)

# %% [markdown]
# ## What it costs
#
# Count once more, this time as the person who has to write to the patients. In a few minutes, and without any password,
# a stranger could take:

# %%
statistics = archive.get_statistics()

print(statistics["CountPatients"], "people,", statistics["CountStudies"], "examinations,", statistics["CountInstances"])
print("images and documents:", statistics["TotalDiskSizeMB"], "megabytes - a minute's download.")

# %% [markdown]
# After real leaks of this kind people were blackmailed, strangers were treated and billed under their numbers, and -
# harder to count - patients stopped telling their doctors what the doctors needed to know.
#
# `lab.assess()` runs all of this, and more, by program. It looks at **both sides**: what strangers can do, and whether
# the hospital can do its work. Open "why it matters" on some lines: there you also find how to try each attack by hand.

# %%
lab.assess()

# %% [markdown]
# ## Your score

# %%
lab.score

# %% [markdown]
# ## To think about
#
# The archive asked you for nothing and told you everything. Suppose you are the researcher of 2020: you have just seen,
# on a *real* server, that it answers a C-FIND. You want to tell the hospital, and you need evidence, or nobody will
# believe you. How much would you look at - one answer? One name? One image? Where does proving end and reading begin?
# Write down the line that you would draw, and one sentence why.
#
# **Next:** [2 · The DICOM network](02_dicom_network.ipynb), in which somebody has locked the web. (In a short course:
# [5 · Harden](05_harden.ipynb), in which you change sides.)
#
# **References.** Sai Krishna Kothapalli, blog article on Indian healthcare data, as of 11 February 2020 (305 archives of
# India reachable, 193 without any restriction). O. Stites and O. Pianykh, *How secure is your radiology department?*,
# American Journal of Roentgenology 206 (2016). The DICOM standard: PS3.3 (what an image holds), PS3.4 (the services).
