"""What only several studies of one patient show, lost in each of three hospitals: intervals, pseudonyms, patients."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import pydicom
import pytest

from pacslab.cohort import build_cohort, load_recipe
from pacslab.deid.audit.cohort import audit_cohort
from pacslab.deid.deidentify.pseudonyms import Pseudonyms
from pacslab.deid.deidentify.study import deidentify_study
from pacslab.scenario import make_variant
from tests.support.outputs import SECRET
from tests.support.single_faults import HOSPITALS, paint_out

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pydicom.dataset import FileDataset

    from pacslab.cohort import AnswerKey, PatientKey
    from pacslab.deid.audit.report.model import CohortReport


@dataclass(frozen=True)
class Returning:
    """A patient with several studies, and somebody else; all of their files as they came from the archive."""

    key: AnswerKey
    patients: tuple[PatientKey, ...]
    files: tuple[bytes, ...]

    @property
    def uids(self) -> list[str]:
        return [study.study_instance_uid for patient in self.patients for study in patient.studies]


def number_of_files(patient: PatientKey) -> int:
    return sum(len(study.instances) for study in patient.studies)


def pictured(patient: PatientKey) -> bool:
    """Whether a patient has one study, with images: what they show says whose it is, whatever it is labelled."""
    shown = [
        instance
        for study in patient.studies
        for instance in study.instances
        if instance.pixels_outside and not instance.document
    ]
    return len(patient.studies) == 1 and len(shown) > 0


def returned(patient: PatientKey) -> bool:
    """Whether a patient has several studies, all under one number."""
    numbers = [study.patient_id for study in patient.studies]
    return len(numbers) > 1 and len(set(numbers)) == 1


@cache
def returning(name: str) -> Returning:
    cohort = build_cohort(load_recipe(name), make_variant("hospitals", "student"))
    key = cohort.answer_key()
    several = min((person for person in key.patients if returned(person)), key=number_of_files)
    patients = (several, min((person for person in key.patients if pictured(person)), key=number_of_files))
    wanted = {study.study_instance_uid for patient in patients for study in patient.studies}
    plans = [plan for plan in cohort.plan.studies if plan.uid in wanted]
    files = tuple(content for plan in plans for _, content in cohort.study_files(plan))
    return Returning(key, patients, files)


@pytest.fixture(params=HOSPITALS)
def here(request: pytest.FixtureRequest) -> Returning:
    return returning(request.param)


@pytest.fixture
def folder(here: Returning, tmp_path: Path) -> Path:
    deidentify_study(here.files, tmp_path / "deid", secret=SECRET)
    studies = [study for patient in here.patients for study in patient.studies]
    of_new = {
        Pseudonyms(SECRET).uid(instance.sop_instance_uid): instance for study in studies for instance in study.instances
    }
    for path in (tmp_path / "deid").iterdir():
        dataset = pydicom.dcmread(path)
        planted = here.key.planted_in({of_new[dataset.SOPInstanceUID].sop_instance_uid})
        burned = [identifier for identifier in planted if identifier.path == "pixels"]
        if burned:
            paint_out(dataset, burned)
            dataset.save_as(path)
    return tmp_path / "deid"


def audited(here: Returning, folder: Path) -> CohortReport:
    return audit_cohort(folder, here.key, here.uids, workers=1)


def edit(folder: Path, study: str, change: Callable[[FileDataset], object]) -> None:
    """Change every file with a Study Instance UID."""
    for path in sorted(folder.iterdir()):
        dataset = pydicom.dcmread(path)
        if study == dataset.StudyInstanceUID:
            change(dataset)
            dataset.save_as(path)


def studies_of(folder: Path) -> dict[str, set[str]]:
    """Return the Study Instance UIDs by pseudonym."""
    found: dict[str, set[str]] = {}
    for path in folder.iterdir():
        dataset = pydicom.dcmread(path, stop_before_pixels=True)
        found.setdefault(dataset.PatientID, set()).add(dataset.StudyInstanceUID)
    return found


def four_years_later(dataset: FileDataset) -> None:
    for element in dataset.iterall():
        if element.VR in ("DA", "DT") and element.value:
            element.value = f"{int(element.value[:4]) + 4}{element.value[4:]}"


def test_linked_studies_without_loss_pass(here: Returning, folder: Path) -> None:
    report = audited(here, folder)
    assert report.passed, report.summary()
    assert {tally.name: tally.total for tally in report.kept}["intervals between studies"] == 1


def test_linked_studies_lost_intervals_are_reported(here: Returning, folder: Path) -> None:
    studies = next(study for study in studies_of(folder).values() if len(study) > 1)
    edit(folder, min(studies), four_years_later)
    report = audited(here, folder)
    assert report.failed() == ("dates",)
    assert not report.leaks
    assert f"the days between patient {here.patients[0].index}'s studies are lost" in report.check("dates").worst[0]
    lost = {tally.name: tally.total - tally.good for tally in report.kept if tally.good < tally.total}
    assert lost == {"intervals between studies": 1}


def test_pseudonym_differing_in_a_linked_study_is_reported(here: Returning, folder: Path) -> None:
    study = min(next(other_study for _, other_study in sorted(studies_of(folder).items()) if len(other_study) > 1))
    edit(folder, study, lambda dataset: setattr(dataset, "PatientID", "PSOMEBODY"))
    report = audited(here, folder)
    assert report.failed() == ("useful",)
    assert "has 2 different pseudonyms" in report.check("useful").worst[0]


def test_pseudonym_of_two_linked_patients_is_reported(here: Returning, folder: Path) -> None:
    other_study, other, *_ = sorted(studies_of(folder))
    for study in studies_of(folder)[other_study]:
        edit(folder, study, lambda dataset: setattr(dataset, "PatientID", other))
    report = audited(here, folder)
    assert report.failed() == ("useful",)
    assert "is the PatientID of 2 different patients" in report.check("useful").worst[0]
