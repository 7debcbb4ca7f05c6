"""The audit: a student's de-identified files against the answer key. Twelve checks, each with its worst cases in words.

The generator planted every identifier, so each is looked for everywhere: attributes however nested, private
blocks, file header, preamble, what follows the end, PDF, decoded pixels and file names. What research needs is measured
beside it, so that neither an untouched nor an emptied file passes.
"""

from __future__ import annotations

import warnings
from collections import defaultdict
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pydicom.config import IGNORE, settings

from pacslab.cohort import Location, describe_key_origin
from pacslab.deid.audit.checks.uids_and_dates import check_dates, check_uids
from pacslab.deid.audit.checks.utility import (
    check_anatomy,
    check_flags,
    check_icons_readable,
    check_pixels_readable,
    check_present,
    check_useful,
)
from pacslab.deid.audit.evidence import OutputEvidence
from pacslab.deid.audit.reader import OutputAuditor
from pacslab.deid.audit.report.model import LOCATION_NAMES, CheckId, DeidReport, Tally
from pacslab.deid.audit.verdicts import AuditVerdicts
from pacslab.deid.audit.wording import patients_of, pictures_of, tell_leaks
from pacslab.deid.dicom.output_sources import open_source
from pacslab.errors import DeidError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from pacslab.cohort import AnswerKey, PlantedIdentifier, StudyKey
    from pacslab.deid.audit.report.model import Leak
    from pacslab.deid.dicom.output_folder import Source

STRAY = "is none of the study's images, or a second copy of one"


def audit_study(output: Path | str, key: AnswerKey, study_uid: str) -> DeidReport:
    """Return the audit of the de-identified files of one study.

    Parameters
    ----------
    output
        The folder with the files, any names, any subfolders; or a ZIP file of it; or the address of a lab's Orthanc.
        It is read and never changed, links are not followed.
    key
        The answer key of the student's cohort.
    study_uid
        The original Study Instance UID of the study that was to be de-identified.

    Returns
    -------
    DeidReport
        With every check failed, and what to do, where the output is missing, empty or cannot be used.

    Raises
    ------
    DeidError
        If the answer key knows no such study.
    UnsafeAddressError
        If the address is none of the lab's.

    """
    try:
        study = key.study(study_uid)
    except KeyError:
        raise DeidError(
            f"the cohort of {key.student!r} has no study {study_uid!r}", "Give the UID that the task names."
        ) from None
    planted = key.planted_in({one.sop_instance_uid for one in study.instances})
    source = open_source(output)
    source.notes += filter(None, [describe_key_origin(key.origin)])
    with quiet_pydicom():
        try:
            submission = OutputAuditor(key, (study,)).read(source)
        except DeidError as error:
            return all_failed(study, planted, str(error), source.notes)
        if not submission.files:
            return all_failed(study, planted, nothing_in(source), source.notes)
        source.notes += [f"{file.name} {STRAY}" for file in submission.files if file.instance is None]
        report = judge(key, study, planted, submission, source.notes)
        owner = {one.index for one in key.patients if study in one.studies}
        return report.model_copy(update={"removed": (*report.removed, *directory_tally(key, owner, submission.leaks))})


@contextmanager
def quiet_pydicom() -> Iterator[None]:
    """Spare pydicom the search for values that are not of their kind: the checks say what matters of that."""
    before = settings.reading_validation_mode
    settings.reading_validation_mode = IGNORE
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        settings.reading_validation_mode = before


def nothing_in(source: Source) -> str:
    """Return what to say of an output without any DICOM file."""
    reasons = "; ".join(source.notes[:3])
    return f"{source.root} holds no DICOM file that can be read ({reasons}). Write the images there as DICOM."


def judge(
    key: AnswerKey,
    study: StudyKey,
    planted: tuple[PlantedIdentifier, ...],
    submission: OutputEvidence,
    notes: list[str],
) -> DeidReport:
    """Return the audit of one study's files."""
    verdicts = AuditVerdicts()
    check_present(verdicts, study, submission)
    tell_leaks(verdicts, submission.leaks)
    check_useful(verdicts, key, study, submission)  # first, as most elements are not decoded yet
    check_uids(verdicts, study, planted, submission)
    check_dates(verdicts, study, planted, submission)
    check_pixels_readable(verdicts, study, submission)
    check_icons_readable(verdicts, submission)
    check_anatomy(verdicts, study, submission)
    check_flags(verdicts, planted, study, submission)
    patient = next(one.index for one in key.patients if study in one.studies)
    return DeidReport(
        study=study.study_instance_uid,
        checks=tuple(verdicts.checked(check) for check in CheckId),
        files_expected=_expected(study),
        files_found=len(submission.files),
        leaks=tuple(submission.leaks),
        removed=_removed(study, planted, submission),
        kept=verdicts.kept,
        patients=patients_of([patient], submission),
        pictures=pictures_of(submission),
        notes=tuple(notes),
    )


def directory_tally(key: AnswerKey, patients: set[int], leaks: Iterable[Leak]) -> tuple[Tally, ...]:
    """Return how much of what a DICOMDIR said of patients is gone from the output's, where the originals had one."""
    said = [one for one in key.planted if one.location is Location.DICOMDIR and one.patient in patients]
    left = {leak.token for leak in leaks if leak.location is Location.DICOMDIR}
    good = sum(one.token not in left for one in said)
    return (Tally(name=LOCATION_NAMES[Location.DICOMDIR], good=good, total=len(said)),) if said else ()


def all_failed(study: StudyKey, planted: tuple[PlantedIdentifier, ...], sentence: str, notes: list[str]) -> DeidReport:
    """Return a report on which no check passed, for one and the same reason."""
    verdicts = AuditVerdicts()
    for check in CheckId:
        verdicts.wrong(check, sentence)
    return DeidReport(
        study=study.study_instance_uid,
        checks=tuple(verdicts.checked(check) for check in CheckId),
        files_expected=_expected(study),
        files_found=0,
        removed=_removed(study, planted, OutputEvidence()),
        kept=(Tally(name="images", good=0, total=_expected(study)),),
        notes=tuple(notes),
    )


def _expected(study: StudyKey) -> int:
    return sum(not one.document for one in study.instances)


def _removed(study: StudyKey, planted: tuple[PlantedIdentifier, ...], submission: OutputEvidence) -> tuple[Tally, ...]:
    """Return how many planted identifiers are gone, by where they stood; those of a missing image are not.

    An identifier that was only moved to another place is not gone either.
    """
    instances = {one.sop_instance_uid: one for one in study.instances}
    names = {uid: file.name for uid, one in instances.items() if (file := submission.of(one)) is not None}
    leaked: dict[tuple[str, str], set[str]] = defaultdict(set)
    for leak in submission.leaks:
        leaked[leak.file, leak.token].add(leak.place)
    places: dict[tuple[str, str], list[PlantedIdentifier]] = defaultdict(list)
    paths: dict[str, set[str]] = defaultdict(set)
    for one in planted:
        paths[one.sop_instance_uid].add(one.path)
        places[one.sop_instance_uid, one.token].append(one)
    counted: dict[Location, list[bool]] = defaultdict(list)
    for (uid, token), ones in places.items():
        name = names.get(uid)
        left = leaked.get((name, token), set()) if name is not None else set()
        moved = bool(left - paths[uid])
        for one in ones:
            if name is None:
                gone = instances[uid].document and bool(submission.files)
            else:
                gone = one.path not in left and not moved
            counted[one.location].append(gone)
            moved = False
    return tuple(
        Tally(name=LOCATION_NAMES[location], good=sum(counted[location]), total=len(counted[location]))
        for location in Location
        if counted[location]
    )
