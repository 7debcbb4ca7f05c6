"""Check that patients can be told apart, and that the studies of one patient still belong together."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from pacslab.deid.audit.report.model import CheckId
from pacslab.deid.audit.verdicts import Fault, Kept
from pacslab.deid.dicom.dates import date_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pacslab.cohort import StudyKey
    from pacslab.deid.audit.audit_key import AuditKey
    from pacslab.deid.audit.evidence import Evidence
    from pacslab.deid.audit.verdicts import Finding


def check_patients(archive: AuditKey, evidence: Evidence) -> Iterator[Finding]:
    """Check that each patient has a PatientID of their own, the same one in all studies, and the days between them."""
    pseudonyms: dict[tuple[int, str], set[str]] = defaultdict(set)
    bearers: dict[str, set[int]] = defaultdict(set)
    shifts: dict[tuple[int, str], set[int]] = defaultdict(set)
    for file in evidence.files:
        if file.instance is None:
            continue
        study = archive.study_of(file.instance)
        patient = _registered(archive, study)
        pseudonym = file.contents.text_of("PatientID")
        pseudonyms[patient].add(pseudonym)
        bearers[pseudonym].add(patient[0])
        before, after = date_of(study.date), date_of(file.contents.text_of("StudyDate"))
        if before and after:
            shifts[patient].add((after - before).days)
    for pseudonym, patients in bearers.items():
        yield Kept("patients told apart", bool(pseudonym) and len(patients) == 1)
        if len(patients) > 1:
            shared = f"{pseudonym[:20]!r} is the PatientID of {len(patients)} different patients"
            said = shared if pseudonym else "PatientID is empty"
            yield Fault(CheckId.USEFUL, f"{said}: give each patient a pseudonym of their own")
    studies = Counter(_registered(archive, study) for study in archive.studies)
    for patient in sorted(patient for patient, count in studies.items() if count > 1):
        yield from _check_studies(patient[0], pseudonyms[patient], shifts[patient])


def _check_studies(patient: int, pseudonyms: set[str], shifts: set[int]) -> Iterator[Finding]:
    """Check that a patient's studies have one pseudonym, and that all were moved by the same number of days."""
    yield Kept("patients' studies together", len(pseudonyms) == 1)
    if len(pseudonyms) > 1:
        yield Fault(
            CheckId.USEFUL,
            f"patient {patient} has {len(pseudonyms)} different pseudonyms: keep one patient's in all studies",
        )
    yield Kept("intervals between studies", len(shifts) == 1)
    if len(shifts) > 1:
        yield Fault(
            CheckId.DATES,
            f"the days between patient {patient}'s studies are lost: move all dates of a patient by the same "
            "number of days",
        )


def _registered(archive: AuditKey, study: StudyKey) -> tuple[int, str]:
    """Return the patient of a study as the hospital knows them: somebody registered under two numbers is two people."""
    return archive.person(study).index, study.patient_id
