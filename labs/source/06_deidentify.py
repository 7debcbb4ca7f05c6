# %% [markdown]
# # 6 · De-identify
#
# A university wants to teach a program to find stones in ultrasound images, and asks the hospital for one. The director
# says yes - on one condition: *nobody must be able to tell whose images they are*.
#
# "That is easy," says somebody in the meeting, "we just remove the name." In this lab you will remove the name. And then
# you will find it again: in places that you did not think of, one after the other, until you know why serious people
# need a 600-row table for this task.
#
# **After this lab you can**
# - read and write DICOM files with the Python package *pydicom*;
# - find identifiers in headers, in nested sequences, in private tags, in dates, in UIDs, in text, in pixels and in
#   documents, and treat each in the way that it needs;
# - keep what research needs, and say honestly in the file what you did.
#
# **Time:** 60 minutes. **Points:** 40. **Before:** [1 · Discover](01_discover.ipynb).
#
# Two words that are often mixed up. **De-identified** means: the identifiers are gone. **Anonymous** means: nobody can find
# the person by any means. The first you can do and check. The second nobody can promise, and you will see why.

# %%
from pacslab import Lab

lab = Lab("open-archive")
lab.start()

# %% [markdown]
# ## Export the study
#
# The task names the study by its UID. A **UID** (*unique identifier*) is a number with dots that no two things in the
# world share; every study, series and instance has one.

# %%
lab.task("deid-headers")

# %% [markdown]
# You come as the administrator now, with the password that `handover.yaml` gives (none, if you have not done lab 5). The
# export asks the archive for the study and keeps its files as bytes, in memory. They are the originals: you will never
# change them, only make copies.

# %%
account = lab.handover.web.administrator
archive = lab.archive(account.username, account.password)

study_uid = next(word for word in lab.session.task("deid-headers").text.split() if word.startswith("2.25."))
study = archive.post_tools_find({"Level": "Study", "Query": {"StudyInstanceUID": study_uid}})[0]
originals = [archive.get_instances_id_file(instance["ID"]) for instance in archive.get_studies_id_instances(study)]
print(len(originals), "files,", sum(map(len, originals)) // 1000, "kB")

# %% [markdown]
# Here is what one of them holds. *pydicom* turns the bytes into a **dataset**, which behaves much like a dictionary:
# `dataset.PatientName` reads a tag, `dataset.PatientName = "..."` writes it, `del dataset.PatientName` removes it, and
# `"PatientName" in dataset` asks whether it is there.

# %%
import io

import pydicom


def read(content):
    """Return a fresh dataset of an original file."""
    return pydicom.dcmread(io.BytesIO(content))


pydicom.DataElement.maxBytesToDisplay = 400  # print long texts whole, and only pictures in short

pictures = [read(content) for content in originals]
ultrasound = next(picture for picture in pictures if picture.Modality == "US")
ultrasound

# %% [markdown]
# Take two minutes and read it from top to bottom. In each line: **tag** (two hexadecimal numbers), name, a two-letter
# **VR** (*value representation*: `PN` is a person's name, `DA` a date, `UI` a UID, `LO` a line of text, `SQ` a sequence,
# which holds further datasets inside), and the value. Mark for yourself what tells you who this is.

# %% [markdown]
# ## The tool that you will build
#
# You will write one small function for each kind of hiding place. Each takes a dataset and changes it. The next cell holds
# what is always the same: take each original, apply all steps so far, and write the copies into your folder `deid`. A step
# may return `False`, which means: leave this file out.

# %%
import shutil


def write_copies(*steps):
    """Apply the steps to a copy of every original, and write the copies into the folder deid."""
    folder = lab.work / "deid"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    written = 0
    for content in originals:
        dataset = read(content)
        if all(step(dataset) is not False for step in steps):
            written += 1
            dataset.save_as(folder / f"image-{written:03}.dcm", enforce_file_format=True)
    print(written, "files written to", folder.name)


write_copies()
lab.check_deid()

# %% [markdown]
# That was the audit, on copies that nobody has cleaned yet. It knows every identifier of your study, because the lab has
# planted them, and looks for them *everywhere* in the files. Twelve checks, and two sides again: what has gone, and what
# research can still use. An empty folder would pass the first side and be worth nothing.

# %% [markdown]
# ## Step 1: the header
#
# The tags at the top level of the dataset. Some of them DICOM wants to be there, even if empty (or with a substitute):
# those are emptied. The others can go altogether.
#
# For the patient's name and number use a **pseudonym**, a made-up name that is the same in all files, so that images of
# one person still belong together.

# %%
TO_EMPTY = ["PatientBirthDate", "ReferringPhysicianName", "AccessionNumber", "StudyID"]
TO_DELETE = []  # fill this list: which other tags of the header say who, where, or by whom?
### BEGIN SOLUTION
TO_DELETE = [
    "IssuerOfPatientID",
    "OtherPatientIDsSequence",
    "PatientAddress",
    "PatientTelephoneNumbers",
    "PatientComments",
    "Occupation",
    "InstitutionName",
    "InstitutionAddress",
    "StationName",
    "DeviceSerialNumber",
    "PerformingPhysicianName",
    "OperatorsName",
    "DocumentTitle",
]
### END SOLUTION


def clean_header(dataset):
    """Put a pseudonym in place of the patient, and empty or delete what else identifies somebody."""
    ### BEGIN SOLUTION
    dataset.PatientName = dataset.PatientID = "RESEARCH-001"
    for keyword in TO_EMPTY:
        setattr(dataset, keyword, "")
    for keyword in TO_DELETE:
        if keyword in dataset:
            delattr(dataset, keyword)
    ### END SOLUTION


write_copies(clean_header)

# %%
lab.check("deid-headers")

# %% [markdown]
# If this is your first ✓, enjoy it: many programs stop here, and their makers publish the result. Now look at what the
# same files still say.

# %%
lab.check_deid("nested", "private", "dates", "uids", "free_text")

# %% [markdown]
# ## Step 2: nested, and private
#
# Two places that a list of top-level tags cannot reach:
#
# - A **sequence** (VR `SQ`) holds datasets of its own, and these may hold sequences again. The order for the examination,
#   with the patient's name in plain text, sits one level down.
# - **Private tags** are a manufacturer's own (their first number is odd: `(0009,1001)`). What they mean stands in no
#   standard. Here the ultrasound machine keeps a second copy of the name there.
#
# What nobody needs for research can go as a whole; pydicom has `dataset.remove_private_tags()` for the second kind.


# %%
def clean_deep(dataset):
    """Remove the order's details (RequestAttributesSequence) and all private tags."""
    ### BEGIN SOLUTION
    dataset.remove_private_tags()
    if "RequestAttributesSequence" in dataset:
        del dataset.RequestAttributesSequence
    ### END SOLUTION


write_copies(clean_header, clean_deep)
lab.check_deid("headers", "nested", "private")

# %% [markdown]
# ## Step 3: dates and UIDs
#
# **Dates.** "An ultrasound on 29 December, man, 30 years": whoever has the hospital's appointment list needs nothing
# more. But research needs *intervals* - how many days between two scans? So do not delete dates: **shift** all dates of a
# patient by the same secret number of days.
#
# **UIDs.** The original UID of an image is also in the hospital's archive. Whoever has both copies has the name again. So
# each UID gets a new one - *the same new one wherever the old one stood*, or the references between images break. UIDs
# that begin with `1.2.840.10008.` belong to the standard itself ("this is an ultrasound image") and must stay.
#
# Both stand at many places, nested ones too. `dataset.walk(function)` calls a function for every element, at any depth.

# %%
import datetime
import secrets

from pydicom.uid import generate_uid

SHIFT = datetime.timedelta(days=365 + secrets.randbelow(3000))  # nobody knows it, and you forget it
new_uids = {}


def shifted(date):
    """Return a DICOM date (YYYYMMDD) moved back by the secret number of days."""
    return (datetime.datetime.strptime(date, "%Y%m%d") - SHIFT).strftime("%Y%m%d")


def new_uid(old):
    """Return the new UID for an old one, always the same; the standard's own UIDs stay."""
    if old.startswith("1.2.840.10008."):
        return old
    return new_uids.setdefault(old, generate_uid(prefix="2.25."))


def change_element(parent, element):
    """Shift the element if it is a date (VR DA), renew it if it is a UID (VR UI)."""
    # element.VR is the two letters, element.value the value. Empty values stay empty.
    # The VR DT is a date and a time in one (YYYYMMDDHHMMSS): shift its first eight characters.
    ### BEGIN SOLUTION
    if not element.value:
        return
    if element.VR == "DA":
        element.value = shifted(element.value)
    elif element.VR == "DT":
        element.value = shifted(element.value[:8]) + element.value[8:]
    elif element.VR == "UI":
        element.value = new_uid(element.value)
    ### END SOLUTION


def clean_dates_and_uids(dataset):
    """Change every element, and repeat the image's new UID in the file header."""
    dataset.walk(change_element)
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID


write_copies(clean_header, clean_deep, clean_dates_and_uids)
lab.check_deid("dates", "uids")

# %% [markdown]
# ## Step 4: text
#
# One tag is left that is both: medical *and* personal. Somebody has typed the patient into the comment on an image,
# together with the finding.

# %%
print(next(picture.ImageComments for picture in pictures if "ImageComments" in picture))

# %% [markdown]
# Delete the comment, and the research loses the finding - the very thing it came for. Keep it, and the name stays. So it
# must be *cleaned*: the personal words go, the medical words stay.


# %%
def clean_text(dataset):
    """Keep of ImageComments only the medical part."""
    # The comment has the form "person: finding".
    ### BEGIN SOLUTION
    if "ImageComments" in dataset:
        dataset.ImageComments = dataset.ImageComments.split(": ")[-1]
    ### END SOLUTION


write_copies(clean_header, clean_deep, clean_dates_and_uids, clean_text)
lab.check_deid("free_text", "useful")

# %% [markdown]
# ## Step 5: documents
#
# The study holds six files, and two of them are no images: the scanned page and the PDF report. Their *tags* are as clean
# as the others' now. Look again at what is in them.

# %%
lab.show([picture for picture in pictures if picture.Modality == "OT"])

# %% [markdown]
# A document *about* a person cannot be made into an image of a body. A research set simply leaves it out. Let your step
# return `False` for the modalities `OT` and `DOC`.


# %%
def leave_out_documents(dataset):
    """Return False for a scanned page or a report."""
    ### BEGIN SOLUTION
    return dataset.Modality not in ("OT", "DOC")
    ### END SOLUTION


write_copies(clean_header, clean_deep, clean_dates_and_uids, clean_text, leave_out_documents)

# %%
lab.check("deid-deep")

# %% [markdown]
# ## Step 6: pixels
#
# All tags are clean, all documents gone. Send it to the university?

# %%
lab.show([picture for picture in pictures if picture.Modality == "US"])

# %% [markdown]
# You cannot `del` this one. `dataset.pixel_array` gives the picture as a NumPy array, rows first: `pixels[:10]` are the
# ten uppermost rows. Black is 0. Which rows hold the writing? Cover them and **not one row more**: what the doctor needs
# begins close below. (The image is 480 rows high. Try, look, and try again.)


# %%
def clean_pixels(dataset):
    """Blacken the rows that the machine has written the patient into."""
    if "PixelData" not in dataset:
        return
    pixels = dataset.pixel_array.copy()
    ### BEGIN SOLUTION
    pixels[:48] = 0
    dataset.BurnedInAnnotation = "NO"  # said only after it has become true
    ### END SOLUTION
    dataset.PixelData = pixels.tobytes()


steps = [clean_header, clean_deep, clean_dates_and_uids, clean_text, leave_out_documents, clean_pixels]
write_copies(*steps)
lab.show(lab.work / "deid")

# %%
lab.check("deid-pixels")

# %% [markdown]
# ## Step 7: say what you did
#
# Whoever receives these files must be able to tell that they were changed, and how. DICOM has tags for that:
#
# | tag | value |
# |---|---|
# | `PatientIdentityRemoved` | `YES` |
# | `DeidentificationMethod` | in your own words, what was done |
# | `LongitudinalTemporalInformationModified` | `MODIFIED`: the dates are not the real ones |
# | `BurnedInAnnotation` | `NO`, if (and only if) no text is left in the picture |


# %%
def tell(dataset):
    """Write into the file how it was de-identified."""
    ### BEGIN SOLUTION
    dataset.PatientIdentityRemoved = "YES"
    dataset.DeidentificationMethod = "Pseudonym; dates shifted; new UIDs; private tags and banner removed"
    dataset.LongitudinalTemporalInformationModified = "MODIFIED"
    dataset.BurnedInAnnotation = "NO"
    ### END SOLUTION


write_copies(*steps, tell)

# %%
lab.check("deid-useful")

# %% [markdown]
# ## The whole audit
#
# Twelve checks, and both sides of the balance.

# %%
lab.check_deid()

# %%
lab.score

# %% [markdown]
# ## Hand in
#
# If you take this lab in a course, `lab.submit()` packs what is graded - your configuration, the handover, the
# de-identified files - into one file, and shows you what is in it.

# %%
lab.submit()

# %% [markdown]
# ## To think about
#
# You have removed every identifier that this lab planted, and the audit can prove it - because it knew them all. In a real
# archive nobody has a list of what is hidden where. How would you find out whether *your* function is good enough for ten
# thousand studies that nobody has read?
#
# And: the images are still of one particular body. A rare finding, an age, a sex and a rough date may be enough for
# somebody who knows the person. Would you still call the study *anonymous* in a sentence to the patient? Write the sentence.
#
# **Next:** [7 · Re-identify](07_reidentify.ipynb), in which you are the one who knows the person.
#
# **References.** DICOM PS3.15, annex E: *Attribute Confidentiality Profiles* (the 600-row table). 45 CFR 164.514(b)(2), the
# "Safe Harbor" list of eighteen kinds of identifiers. The MIDI-B challenge (MICCAI 2024), which measured how well teams did.
