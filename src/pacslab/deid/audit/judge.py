"""Judge the evidence of one study: every check, and what was removed and kept, as a report."""

from __future__ import annotations

from collections import defaultdict
from itertools import chain
from typing import TYPE_CHECKING

from pacslab.cohort import Location
from pacslab.deid.audit.checks.flags import check_flags
from pacslab.deid.audit.checks.pictures import (
    check_anatomy,
    check_icons_readable,
    check_pixels_readable,
    check_present,
)
from pacslab.deid.audit.checks.uids_and_dates import check_dates, check_uids
from pacslab.deid.audit.checks.utility import check_useful
from pacslab.deid.audit.evidence import Evidence, required_images
from pacslab.deid.audit.report.model import LOCATION_NAMES, CheckId, DeidReport, Tally
from pacslab.deid.audit.verdicts import AuditVerdicts, Fault
from pacslab.deid.audit.wording import leak_faults, patients_of, pictures_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pacslab.cohort import AnswerKey, PlantedIdentifier, StudyKey
    from pacslab.deid.audit.report.model import Leak


def judge(key: AnswerKey, study: StudyKey, evidence: Evidence, notes: Iterable[str]) -> DeidReport:
    """Return the report on one study's files.

    Parameters
    ----------
    key, study
        The answer key, and the study of it that was to be de-identified.
    evidence
        The files that were made from its images, and the leaks in them.
    notes
        What to add to the report, such as which files were skipped.

    """
    planted = _planted(key, study)
    verdicts = AuditVerdicts(
        chain(
            check_present(study, evidence),
            leak_faults(evidence.leaks),
            check_useful(key, study, evidence),
            check_uids(study, planted, evidence),
            check_dates(study, planted, evidence),
            check_pixels_readable(study, evidence),
            check_icons_readable(evidence),
            check_anatomy(study, evidence),
            check_flags(study, planted, evidence),
        )
    )
    patient = next(patient.index for patient in key.patients if study in patient.studies)
    return DeidReport(
        study=study.study_instance_uid,
        checks=tuple(verdicts.checked(check) for check in CheckId),
        files_expected=len(required_images(study)),
        files_found=len(evidence.files),
        leaks=evidence.leaks,
        removed=_removed(study, planted, evidence),
        kept=verdicts.kept,
        patients=patients_of([patient], evidence.files, evidence.leaks),
        pictures=pictures_of(evidence.files, evidence.leaks, evidence.thumbnails),
        notes=tuple(notes),
    )


def all_failed(key: AnswerKey, study: StudyKey, sentence: str, notes: Iterable[str]) -> DeidReport:
    """Return a report on which no check passed, for one and the same reason."""
    verdicts = AuditVerdicts(Fault(check, sentence) for check in CheckId)
    expected = len(required_images(study))
    return DeidReport(
        study=study.study_instance_uid,
        checks=tuple(verdicts.checked(check) for check in CheckId),
        files_expected=expected,
        files_found=0,
        removed=_removed(study, _planted(key, study), Evidence()),
        kept=(Tally(name="images", good=0, total=expected),),
        notes=tuple(notes),
    )


def stray_notes(evidence: Evidence) -> list[str]:
    """Return a note on each file that was made from no image of the studies."""
    return [
        f"{file.name} is none of the study's images, or a second copy of one"
        for file in evidence.files
        if file.instance is None
    ]


def directory_tally(key: AnswerKey, patients: Iterable[int], leaks: Iterable[Leak]) -> tuple[Tally, ...]:
    """Return the share of identifiers in the original DICOMDIR that are absent from the output's.

    There is none where the originals had no DICOMDIR.
    """
    wanted = set(patients)
    planted = [text for text in key.planted if text.location is Location.DICOMDIR and text.patient in wanted]
    left = {leak.token for leak in leaks if leak.location is Location.DICOMDIR}
    good = sum(text.token not in left for text in planted)
    return (Tally(name=LOCATION_NAMES[Location.DICOMDIR], good=good, total=len(planted)),) if planted else ()


def _planted(key: AnswerKey, study: StudyKey) -> tuple[PlantedIdentifier, ...]:
    return key.planted_in({instance.sop_instance_uid for instance in study.instances})


def _removed(study: StudyKey, planted: tuple[PlantedIdentifier, ...], evidence: Evidence) -> tuple[Tally, ...]:
    """Return how many planted identifiers are gone, by where they stood; those of a missing image are not.

    An identifier that was only moved to another place is not gone either.
    """
    instances = {instance.sop_instance_uid: instance for instance in study.instances}
    names = {uid: file.name for uid, instance in instances.items() if (file := evidence.file_of(instance)) is not None}
    leaked: dict[tuple[str, str], set[str]] = defaultdict(set)
    for leak in evidence.leaks:
        leaked[leak.file, leak.token].add(leak.place)
    same_token: dict[tuple[str, str], list[PlantedIdentifier]] = defaultdict(list)
    paths: dict[str, set[str]] = defaultdict(set)
    for identifier in planted:
        paths[identifier.sop_instance_uid].add(identifier.path)
        same_token[identifier.sop_instance_uid, identifier.token].append(identifier)
    counted: dict[Location, list[bool]] = defaultdict(list)
    for (uid, token), identifiers in same_token.items():
        name = names.get(uid)
        left = leaked.get((name, token), set()) if name is not None else set()
        moved = bool(left - paths[uid])
        for identifier in identifiers:
            if name is None:
                gone = instances[uid].document and bool(evidence.files)
            else:
                gone = identifier.path not in left and not moved
            counted[identifier.location].append(gone)
            moved = False
    return tuple(
        Tally(name=LOCATION_NAMES[location], good=sum(counted[location]), total=len(counted[location]))
        for location in Location
        if counted[location]
    )
