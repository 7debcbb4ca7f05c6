"""The audit of a whole cohort: every study's own audit, and what only several studies together show.

One patient keeps one pseudonym and one secret number of days in all studies; two patients never share a pseudonym.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from datetime import date
from typing import TYPE_CHECKING

from pacslab.cohort import describe_key_origin
from pacslab.deid.audit.checks.conformance import check_conformance
from pacslab.deid.audit.checks.utility import check_icons_readable
from pacslab.deid.audit.parallel_scan import scan_all
from pacslab.deid.audit.reader import OutputAuditor
from pacslab.deid.audit.report.model import AuditCheck, CheckId, CohortReport, Tally
from pacslab.deid.audit.study import STRAY, all_failed, directory_tally, judge, nothing_in, quiet_pydicom
from pacslab.deid.audit.verdicts import AuditVerdicts
from pacslab.deid.audit.wording import patients_of, pictures_of, tell_leaks
from pacslab.deid.dicom.output_sources import open_source
from pacslab.errors import DeidError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from pacslab.cohort import AnswerKey, StudyKey
    from pacslab.deid.audit.evidence import OutputEvidence, OutputFile
    from pacslab.deid.audit.report.model import DeidReport

FEW = 60
"""Up to this many files one process is quicker than several."""


def audit_cohort(
    output: Path | str,
    key: AnswerKey,
    studies: Iterable[str] | None = None,
    *,
    workers: int | None = None,
    conformance: bool = False,
    progress: Callable[[str, float], None] | None = None,
) -> CohortReport:
    """Return the audit of the de-identified files of many studies.

    Parameters
    ----------
    output
        A folder, a ZIP file, or the address of a lab's Orthanc server; any names, any order.
    key
        The answer key of the cohort, complete for these studies.
    studies
        The original Study Instance UIDs that were to be de-identified; all of the cohort unless given.
    workers
        How many processes read files; as many as there are processor cores unless given.
    conformance
        Whether to ask ``dciodvfy`` (Debian's dicom3tools) for errors in each kind of file.
    progress
        Called with words and the share done.

    Raises
    ------
    DeidError
        If the answer key knows no such study.
    UnsafeAddressError
        If the address is none of the lab's.

    """
    chosen = _chosen(key, studies)
    source = open_source(output)
    source.notes += filter(None, [describe_key_origin(key.origin)])
    images = sum(len(study.instances) for study in chosen)
    workers = workers or (1 if images <= FEW else os.cpu_count() or 1)

    def said(number: int) -> None:
        if progress is not None:
            progress("Auditing the files", min(1.0, number / max(1, images)))

    planted = {
        study.study_instance_uid: key.planted_in({one.sop_instance_uid for one in study.instances}) for study in chosen
    }
    with quiet_pydicom():
        reader = OutputAuditor(key, chosen)
        try:
            submission = reader.gather(scan_all(reader, source, workers, said), source)
            failure = "" if submission.files else nothing_in(source)
        except DeidError as error:
            submission, failure = None, str(error)
        if failure or submission is None:
            reports = [all_failed(study, planted[study.study_instance_uid], failure, []) for study in chosen]
            return _together(key, reports, None, source.notes)
        reports = [
            judge(key, study, planted[study.study_instance_uid], submission.of_study(study), []) for study in chosen
        ]
        across = AuditVerdicts()
        check_patients(across, key, chosen, submission)
        if conformance:
            check_conformance(across, submission, source)
        return _together(key, reports, submission, source.notes, across)


def _chosen(key: AnswerKey, studies: Iterable[str] | None) -> tuple[StudyKey, ...]:
    if studies is None:
        if not key.complete:
            raise DeidError(
                f"the answer key of {key.student!r} is complete for one study only",
                "Name that study, or give a whole key.",
            )
        return key.studies()
    try:
        return tuple(key.study(uid) for uid in studies)
    except KeyError as missing:
        raise DeidError(f"the cohort of {key.student!r} has no study {missing}", "Give the UIDs of the task.") from None


def _together(
    key: AnswerKey,
    reports: list[DeidReport],
    submission: OutputEvidence | None,
    notes: list[str],
    across: AuditVerdicts | None = None,
) -> CohortReport:
    across = across or AuditVerdicts()
    indices = [
        one.index
        for one in key.patients
        if {study.study_instance_uid for study in one.studies} & {report.study for report in reports}
    ]
    extra: tuple[str, ...] = ()
    if submission is not None:
        told = AuditVerdicts()
        tell_leaks(told, submission.leaks)
        check_icons_readable(told, submission)
        extra = tuple(file.name for file in submission.files if file.instance is None)
        notes = [*notes, *(f"{name} {STRAY}" for name in extra)]
        for check in CheckId:
            for sentence, file in told.faults(check):
                across.wrong(check, sentence, file)
    leaks = submission.leaks if submission is not None else []
    leaky = {check for check in CheckId if across.faults(check)}
    checks = tuple(_merged(check, reports, across, leaky=check in leaky) for check in CheckId)
    return CohortReport(
        studies=tuple(reports),
        checks=checks,
        files_expected=sum(one.files_expected for one in reports),
        files_found=len(submission.files) if submission is not None else 0,
        leaks=tuple(submission.leaks) if submission is not None else (),
        removed=(*_added(report.removed for report in reports), *directory_tally(key, set(indices), leaks)),
        kept=_added([*(report.kept for report in reports), across.kept]),
        patients=patients_of(indices, submission) if submission is not None else (),
        pictures=pictures_of(submission) if submission is not None else (),
        extra=extra,
        notes=tuple(notes),
    )


def _merged(check: CheckId, reports: list[DeidReport], across: AuditVerdicts, *, leaky: bool) -> AuditCheck:
    """Return a check over all studies: leaks told once for all, other faults study by study."""
    mine = across.checked(check)
    ones = [report.check(check) for report in reports]
    sentences = list(mine.worst)
    known = {sentence.split(" (")[0] for sentence in sentences}
    for one in ones:
        sentences += [said for said in one.worst if said.split(" (")[0] not in known]
    sentences = [said for said in dict.fromkeys(sentences) if not _COUNTED.fullmatch(said)]
    if len(sentences) > MOST:
        sentences = [*sentences[:MOST], f"and {len(sentences) - MOST} more"]
    count = max(mine.count, sum(one.count for one in ones)) if leaky else sum(one.count for one in ones)
    passed = mine.passed and all(one.passed for one in ones)
    return AuditCheck(id=check, title=mine.title, passed=passed, worst=tuple(sentences), count=count)


_COUNTED = re.compile(r"and \d+ more")
MOST = 10
"""How many sentences of one check are told."""


def _added(groups: Iterable[tuple[Tally, ...]]) -> tuple[Tally, ...]:
    added: dict[str, list[int]] = {}
    for tallies in groups:
        for one in tallies:
            counts = added.setdefault(one.name, [0, 0])
            counts[0] += one.good
            counts[1] += one.total
    return tuple(Tally(name=name, good=good, total=total) for name, (good, total) in added.items())


def check_patients(
    verdicts: AuditVerdicts, key: AnswerKey, studies: tuple[StudyKey, ...], submission: OutputEvidence
) -> None:
    """Check that patients can be told apart, one patient's studies belong together, and the days between them."""
    # Somebody who was registered under two numbers is two people to whoever de-identifies.
    owner = {
        study.study_instance_uid: (patient.index, study.patient_id)
        for patient in key.patients
        for study in patient.studies
    }
    of_instance = {one.sop_instance_uid: study for study in studies for one in study.instances}
    ids: dict[tuple[int, str], set[str]] = defaultdict(set)
    people: dict[str, set[int]] = defaultdict(set)
    shifts: dict[tuple[int, str], dict[int, OutputFile]] = defaultdict(dict)
    chosen = [owner[study.study_instance_uid] for study in studies]
    several = sorted({one for one in chosen if chosen.count(one) > 1})
    for file in submission.files:
        if file.instance is None:
            continue
        study = of_instance[file.instance.sop_instance_uid]
        patient = owner[study.study_instance_uid]
        new = file.contents.text_of("PatientID")
        ids[patient].add(new)
        people[new].add(patient[0])
        before, after = _day(study.date), _day(file.contents.text_of("StudyDate"))
        if before and after:
            shifts[patient].setdefault((after - before).days, file)
    for new, here in people.items():
        verdicts.keep("patients told apart", bool(new) and len(here) == 1)
        if len(here) > 1:
            said = f"{new[:20]!r} is the PatientID of {len(here)} different patients" if new else "PatientID is empty"
            verdicts.wrong(CheckId.USEFUL, f"{said}: give each patient a pseudonym of their own")
    for patient in several:
        verdicts.keep("patients' studies together", len(ids[patient]) == 1)
        if len(ids[patient]) > 1:
            verdicts.wrong(
                CheckId.USEFUL,
                f"patient {patient[0]} has {len(ids[patient])} different pseudonyms: keep one patient's in all studies",
            )
        verdicts.keep("intervals between studies", len(shifts[patient]) == 1)
        if len(shifts[patient]) > 1:
            verdicts.wrong(
                CheckId.DATES,
                f"the days between patient {patient[0]}'s studies are lost: move all dates of a patient by the same "
                "number of days",
            )


def _day(text: str) -> date | None:
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:8]))
    except ValueError:
        return None
