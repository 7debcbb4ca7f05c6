"""Background knowledge of an outsider, all invented: a leaked list of admissions, and a story in a newspaper.

The list holds the cohort's patients among several times as many people who were never examined with images. For every
patient there are others of the same sex and age who came to the same department on other days: in a town, age and sex
alone find nobody.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

from pacslab.scenario import Variant

if TYPE_CHECKING:
    from pacslab.cohort import AnswerKey, PatientKey, StudyKey
    from pacslab.scenario import Stream

DEPARTMENTS = {"CT": "CT", "CR": "X-ray", "DX": "X-ray", "US": "ultrasound", "MR": "MRI", "MG": "mammography"}
ALIKE = 4
"""People of the same sex and age in the same department, for every study."""
ABOUT = 6
"""People of the same sex and about the same age there: in the same band of five years."""
BAND = 5
OTHERS = 10
"""Further people, for every study."""
_SPREAD = 200
"""Days around an examination on which people like the patient came."""
FIRST_NAMES = (
    "Ama",
    "Bina",
    "Chandra",
    "Devi",
    "Esha",
    "Farid",
    "Gopal",
    "Hari",
    "Indu",
    "Jaya",
    "Kiran",
    "Lata",
    "Mohan",
)
LAST_NAMES = ("Nair", "Ojha", "Pillai", "Rana", "Sahu", "Thakur", "Uppal", "Verghese", "Wagh", "Yadav", "Zaidi")


@dataclass(frozen=True)
class Admission:
    """One line of the list: who came when, how old, to which department.

    ``patient`` is the number in the answer key, None for somebody who is not in the archive.
    """

    name: str
    sex: str
    age: int
    day: date
    department: str
    number: str
    patient: int | None = None


@dataclass(frozen=True)
class Story:
    """A newspaper's story about one person: who, on which day, in which department, and what the person does."""

    text: str
    person: str
    day: date
    department: str
    occupation: str
    patient: int


def day_of(text: str) -> date | None:
    """Return a DICOM date, or None where it is none."""
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:8]))
    except ValueError:
        return None


def age_on(patient: PatientKey, day: date) -> int:
    """Return a patient's age in years on a day."""
    born = day_of(patient.birth_date) or day
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def department_of(modality: str) -> str:
    """Return the department in which images of a modality are made."""
    return DEPARTMENTS.get(modality, "other")


def admissions(key: AnswerKey) -> tuple[Admission, ...]:
    """Return the list, in the order of days; the same for the same cohort."""
    uids = "".join(study.study_instance_uid for study in key.studies())
    stream = Variant(key.scenario, key.student, hashlib.sha256(uids.encode()).digest()).stream("admissions")
    listed: list[Admission] = []
    for patient in key.patients:
        for study in patient.studies:
            real = _real(patient, study)
            listed += [real, *_around(stream, real)]
    return tuple(sorted(listed, key=lambda admission: (admission.day, admission.name)))


def _real(patient: PatientKey, study: StudyKey) -> Admission:
    day = day_of(study.date) or date(2000, 1, 1)
    return Admission(
        name=patient.spoken_name,
        sex=patient.sex,
        age=age_on(patient, day),
        day=day,
        department=department_of(study.modality),
        number=patient.record_number or patient.patient_id,
        patient=patient.index,
    )


def _around(stream: Stream, real: Admission) -> list[Admission]:
    """Return invented people: some like the patient, on other days; others of any sex and age, on any day."""
    people = []
    for number in range(ALIKE + ABOUT + OTHERS):
        alike = number < ALIKE + ABOUT
        age = real.age if number < ALIKE else real.age // BAND * BAND + stream.below(BAND)
        away = stream.between(3, _SPREAD) * (1 if stream.below(2) else -1)
        people.append(
            Admission(
                name=f"{stream.choice(FIRST_NAMES)} {stream.choice(LAST_NAMES)}",
                sex=real.sex if alike else stream.choice("FM"),
                age=age if alike else stream.between(1, 95),
                day=real.day + timedelta(days=away),
                department=real.department if alike else stream.choice(sorted(set(DEPARTMENTS.values()))),
                number=f"JA{stream.between(10, 19)}-{stream.digits(6)}",
            )
        )
    return people


def newspaper(key: AnswerKey) -> Story:
    """Return the story about the cohort's prominent patient."""
    patient = next((patient for patient in key.patients if patient.prominent), key.patients[0])
    study = patient.studies[0]
    day = day_of(study.date) or date(2000, 1, 1)
    occupation = key.facts.get("prominent_occupation", "well-known person")
    department = department_of(study.modality)
    text = (
        f"{patient.spoken_name}, the {occupation.lower()}, was driven to the hospital on {day:%A}, {day.day} "
        f"{day:%B %Y}. Staff who asked not to be named spoke of an examination in the {department} department."
    )
    return Story(text, patient.spoken_name, day, department, occupation, patient.index)


def background_knowledge(key: AnswerKey) -> tuple[tuple[Admission, ...], Story]:
    """Return the list and the story as an outsider has them, without the patients' numbers in the answer key."""
    return tuple(replace(admission, patient=None) for admission in admissions(key)), replace(newspaper(key), patient=-1)
