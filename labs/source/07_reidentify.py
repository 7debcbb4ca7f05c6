# %% [markdown]
# # 7 · Re-identify
#
# In lab 6 you cleaned one study, and the audit found nothing left. Other people are in a hurry. This is the lab in which
# you sit on the other side: a "de-identified" set has been published, and you find out who is in it - with nothing but
# what everybody in the town knows.
#
# **After this lab you can**
# - join what was left in a release with a list, and count how many people fit;
# - undo a hash and a date shift that were made without a secret;
# - render a face from an MR of the head, and find out whose it is;
# - choose what to keep for a research question, and measure both sides of that choice.
#
# **Time:** 55 minutes. **Points:** 10. **Before:** [6 · De-identify](06_deidentify.ipynb).
#
# Everybody here is invented: the patients, the town, the list and the newspaper. Doing this to real people is an offence
# in most countries, and breaks the terms under which real data are shared. You practise it once, here, to know what you
# must not leave behind.

# %%
from pacslab import Lab

lab = Lab("open-archive")
lab.start()

# %% [markdown]
# ## What everybody knows
#
# Two things got around in the town. A **list of admissions** was left in a printer: who came on which day, how old, to
# which department. And the **newspaper** had a story.

# %%
admissions, story = lab.session.background_knowledge()
print(len(admissions), "people on the list; for example:")
for person in admissions[:4]:
    print("   ", person.day, person.name, person.sex, person.age, person.department)
print()
print(story.text)

# %% [markdown]
# ## A release made in a hurry
#
# You come as the administrator once more and take one image of each study. Then a hurried person "anonymises" them: names,
# addresses, comments, private tags and orders are removed, and each patient gets a pseudonym. Only the dates stay as they
# were - "research needs dates".

# %%
import io

import pydicom

from pacslab.deid import Mistake, read_records, release_badly

account = lab.handover.web.administrator
archive = lab.archive(account.username, account.password)

originals = []
for study in archive.get_studies():
    for instance in archive.get_studies_id_instances(study):
        content = archive.get_instances_id_file(instance["ID"])
        if pydicom.dcmread(io.BytesIO(content), stop_before_pixels=True).Modality not in {"OT", "DOC"}:
            originals.append(content)  # the first image of the study, no scanned page and no report
            break
print(len(originals), "studies")


def published(mistake):
    """Return what a release with this mistake says of each study."""
    folder = lab.work / "releases" / mistake.name.lower()
    release_badly(originals, folder, mistake)
    return read_records(folder)


records = published(Mistake.DATES_KEPT)
for record in records[:4]:
    print(record.pseudonym, record.sex, record.ages[0], "years", record.day, record.department)

# %% [markdown]
# No name, no number. Would you sign that this is anonymous?
#
# ## Attack 1: join it with the list
#
# For each record count the people of the list whom it fits: same day, same department, same sex, same age. Where exactly
# one fits, the pseudonym has a name again.


# %%
def fitting(record):
    """Return the people of the list whom a record fits."""
    people = []
    ### BEGIN SOLUTION
    people = [
        person
        for person in admissions
        if (person.day, person.department, person.sex, person.age)
        == (record.day, record.department, record.sex, record.ages[0])
    ]
    ### END SOLUTION
    return people


found = {record.pseudonym: fitting(record)[0].name for record in records if len(fitting(record)) == 1}
print(len(found), "of", len({record.pseudonym for record in records}), "pseudonyms have a name again")

# %% [markdown]
# The lab's own version of this attack says the same, and by what it found each of them:

# %%
from pacslab.deid import follow_the_news, join_with_admissions

for link in join_with_admissions(records, admissions)[:5]:
    print(link.pseudonym, "is", link.person, "-", link.by)
for link in follow_the_news(records, story):
    print("The newspaper's person is", link.pseudonym)

# %% [markdown]
# ## Attack 2: a hash is no secret
#
# Somebody else thought: a pseudonym must be computed from the number, so that the same patient is the same in the next
# release. A **hash** (here SHA-256) turns any text into 64 digits, and nobody can compute it backwards.
#
# Nobody has to. There are only so many numbers: compute *forwards*, for each of them, and compare.

# %%
import hashlib

hashed = published(Mistake.NUMBER_HASHED)
print(hashed[0].pseudonym)

names = {}  # fill this: the hash of each listed person's number -> the person's name
### BEGIN SOLUTION
names = {hashlib.sha256(person.number.encode()).hexdigest(): person.name for person in admissions}
### END SOLUTION
print(sum(record.pseudonym in names for record in hashed), "of", len(hashed), "pseudonyms undone")

# %% [markdown]
# And without the list? The hospital writes its numbers like `JA14-######`. Six digits are a million numbers, which is about
# a second:

# %%
from pacslab.deid import numbers_of, undo_hashes

undone = undo_hashes(hashed, numbers_of("JA14-######"))
print("numbers of that form found:", undone or "none this time; there are ten such forms, ten seconds in all")

# %% [markdown]
# ## Attack 3: a date shift without a secret
#
# A tool that people really use moves each patient's dates by a number of days that it computes from the MD5 of the
# patient's number. The tool is public. So everybody can compute the shift of everybody on the list - and see whose shift
# leads back to the day on which that person came.

# %%
from pacslab.deid import undo_date_shifts

shifted = published(Mistake.DATES_FROM_MD5)
print("joined with the list as it is:", len(join_with_admissions(shifted, admissions)), "people found")
print("with the shifts undone:", len(undo_date_shifts(shifted, admissions)), "people found")

# %% [markdown]
# The cure is one and the same for both: a **secret**. With a random key that only the hospital has, pseudonyms and shifts
# stay the same for the same patient, and nobody else can compute them (that is what the lab's reference recipe does, with
# a function called HMAC).
#
# ## Attack 4: a face
#
# The hospital in the city has an **MR** (*magnetic resonance*: a machine that images soft tissue) and releases heads for
# research on the brain. Its headers are clean: no name, no number, no date. What is left is the picture, and nobody is
# named in it.
#
# But a head is more than a brain. Lay the slices on top of each other, go from the front to the first place that is not
# air, and you have the skin. Light it from one side:

# %%
from IPython.display import Image

from pacslab.deid import heads_of, portraits_around, relief, render_faces, side_by_side, unlike

city = lab.session.city_hospital()
heads = heads_of(city)
release_badly(heads, lab.work / "releases" / "heads", Mistake.FACES_KEPT)

faces = render_faces(lab.work / "releases" / "heads")
print(len(heads), "slices,", len(faces), "faces:", ", ".join(face.pseudonym for face in faces))
Image(side_by_side([face.picture for face in faces]))

# %% [markdown]
# Faces are all over the internet. These are portraits of people of that city; some of them were patients, most were not.
# `unlike(face.depth, portrait.depth)` says by how many millimetres two faces differ.

# %%
portraits = portraits_around(city)


def whose(face):
    """Return the portrait that is least unlike a face."""
    portrait = None
    ### BEGIN SOLUTION
    portrait = min(portraits, key=lambda portrait: unlike(face.depth, portrait.depth))
    ### END SOLUTION
    return portrait


print(len(portraits), "portraits")
for face in faces:
    portrait = whose(face)
    if portrait:
        print(face.pseudonym, "is", portrait.name, f"- {unlike(face.depth, portrait.depth):.1f} mm apart")

# %% [markdown]
# See for yourself: on the left what came out of the MR, on the right the portrait.

# %%
portrait = whose(faces[0])
Image(side_by_side([faces[0].picture] + ([relief(portrait.depth)] if portrait else [])))

# %% [markdown]
# The cure is called **defacing**: what lies in front of the brain is taken out of every slice. The lab's reference recipe
# finds it by the shape of the skull, leaves the brain as it is, and says so in the file (RecognizableVisualFeatures is
# `NO`, method 113102). It needs the whole series: in a single slice nobody can tell what is face.

# %%
import secrets

from pacslab.deid import match_faces
from pacslab.deid import deidentify_study

deidentify_study(heads, lab.work / "releases" / "defaced", secret=secrets.token_bytes(32))
defaced = render_faces(lab.work / "releases" / "defaced")
print(len(match_faces(faces, portraits)), "people found before,", len(match_faces(defaced, portraits)), "after")
Image(side_by_side([face.picture for face in defaced]))

# %% [markdown]
# ## How small is the smallest group?
#
# If *k* people share all that a release tells, nobody can say which of them it is: this is **k-anonymity**. Whoever is
# alone (k = 1) is found by anybody who knows these things. See how k falls as more is told:

# %%
from pacslab.deid import smallest_group

for told in (["modality"], ["modality", "sex"], ["modality", "sex", "ages"], ["modality", "sex", "ages", "day"]):
    print(f"{', '.join(told):32} k = {smallest_group(records, told)}")

# %% [markdown]
# In a small release k falls to 1 at once. What protects the patients then is the *town*: among how many people of the list
# does each of them disappear?
#
# ## Choose what to keep
#
# The research group asks: *how fast do findings grow between two examinations, in women and men of different ages (in
# groups of ten years)?* You decide what the release tells. Try choices until both sides hold: the question can be answered,
# and everybody disappears among at least ten people.

# %%
from pacslab.deid import Choices, weigh

print(weigh(records, Choices(sex=True, age_band=1, dates="kept"), admissions))

# %%
choice = None  # such as Choices(sex=True, age_band=1, dates="kept")
### BEGIN SOLUTION
choice = Choices(sex=True, age_band=10, dates="moved")
### END SOLUTION
if choice:
    print(weigh(records, choice, admissions))

# %%
lab.check("release", choice)

# %% [markdown]
# ## What no recipe can help
#
# A CT slice without any text in it is the same picture before and after. Whoever saw it while the archive stood open
# recognises it, pixel by pixel, in every release; the inside of a head is somebody's, too. And a rare disease is rare:
# three people in the district have it, and everybody knows one of them. That is why releases come with a contract, and
# why "anonymous" is a word to be careful with.
#
# **To think about:** the days *between* two examinations were kept, because the question needs them. Could somebody use
# just those? What would you have to know about a person?
