"""The audit of a whole cohort: every study's own audit, and what only several studies together show.

One patient keeps one pseudonym and one secret number of days in all studies; two patients never share a pseudonym.
"""

from __future__ import annotations

import os
import re
from itertools import chain
from typing import TYPE_CHECKING

from pacslab.deid.audit.audit_key import AuditKey
from pacslab.deid.audit.checks.conformance import check_conformance, conformance_notes
from pacslab.deid.audit.checks.identifiers import leak_faults
from pacslab.deid.audit.checks.patients import check_patients
from pacslab.deid.audit.checks.pictures import check_icons_readable
from pacslab.deid.audit.judge import judge
from pacslab.deid.audit.parallel_scan import read_output
from pacslab.deid.audit.removal import directory_tally
from pacslab.deid.audit.report.model import AuditCheck, CheckId, CohortReport, Tally
from pacslab.deid.audit.report.wording import patients_of, pictures_of
from pacslab.deid.audit.verdicts import AuditVerdicts
from pacslab.deid.dicom.output_sources import open_source
from pacslab.errors import DeidError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from pacslab.cohort import AnswerKey, StudyKey
    from pacslab.deid.audit.evidence import Evidence
    from pacslab.deid.audit.report.model import DeidReport
    from pacslab.deid.audit.verdicts import Finding

FEW = 60
"""Up to this many files one process is quicker than several."""
MOST = 10
"""How many sentences of one check are in the report."""
_COUNTED = re.compile(r"and \d+ more")


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
    archive = AuditKey(key, chosen)
    images = len(archive.instances)

    def scanned(number: int) -> None:
        if progress is not None:
            progress("Auditing the files", min(1.0, number / max(1, images)))

    source = open_source(output)
    workers = workers or (1 if images <= FEW else os.cpu_count() or 1)
    read = read_output(source, archive, workers=workers, progress=scanned)
    evidence = read.evidence
    reports = [judge(key, study, evidence.of_study(study), failure=read.failure) for study in chosen]
    if read.failure:
        return _together(key, reports, evidence, (), read.notes)
    notes = [*read.notes]
    findings = [*check_patients(archive, evidence)]
    if conformance:
        notes += conformance_notes()
        findings += check_conformance(evidence, source.again)
    return _together(key, reports, evidence, findings, [*notes, *evidence.stray_notes()])


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
    key: AnswerKey, reports: list[DeidReport], evidence: Evidence, findings: Iterable[Finding], notes: Iterable[str]
) -> CohortReport:
    """Return the reports of all studies as one.

    Parameters
    ----------
    key, reports
        The answer key, and the report of each study.
    evidence
        All files, those without a study as well.
    findings
        What only several studies together show.
    notes
        What to add to the report.

    """
    indices = [
        patient.index
        for patient in key.patients
        if {study.study_instance_uid for study in patient.studies} & {report.study for report in reports}
    ]
    across = AuditVerdicts(chain(findings, leak_faults(evidence.leaks), check_icons_readable(evidence.unsearched)))
    return CohortReport(
        studies=tuple(reports),
        checks=tuple(_merged(check, reports, across) for check in CheckId),
        files_expected=sum(report.files_expected for report in reports),
        files_found=len(evidence.files),
        leaks=evidence.leaks,
        removed=(
            *_added(report.removed for report in reports),
            *directory_tally(key, set(indices), evidence.leaks),
        ),
        kept=_added([*(report.kept for report in reports), across.kept]),
        patients=patients_of(indices, evidence.files, evidence.leaks) if evidence.files else (),
        pictures=pictures_of(evidence.files, evidence.leaks, evidence.thumbnails),
        extra=tuple(file.name for file in evidence.files if file.instance is None),
        notes=tuple(notes),
    )


def _merged(check: CheckId, reports: list[DeidReport], across: AuditVerdicts) -> AuditCheck:
    """Return a check over all studies: leaks once for all, other faults study by study."""
    mine = across.checked(check)
    checks = [report.check(check) for report in reports]
    sentences = list(mine.worst)
    known = {sentence.split(" (")[0] for sentence in sentences}
    for single in checks:
        sentences += [sentence for sentence in single.worst if sentence.split(" (")[0] not in known]
    sentences = [sentence for sentence in dict.fromkeys(sentences) if not _COUNTED.fullmatch(sentence)]
    if len(sentences) > MOST:
        sentences = [*sentences[:MOST], f"and {len(sentences) - MOST} more"]
    count = sum(single.count for single in checks)
    if across.failed(check):
        count = max(mine.count, count)
    passed = mine.passed and all(single.passed for single in checks)
    return AuditCheck(id=check, title=mine.title, passed=passed, worst=tuple(sentences), count=count)


def _added(groups: Iterable[tuple[Tally, ...]]) -> tuple[Tally, ...]:
    """Return the sums of tallies of the same name."""
    added: dict[str, list[int]] = {}
    for tallies in groups:
        for tally in tallies:
            counts = added.setdefault(tally.name, [0, 0])
            counts[0] += tally.good
            counts[1] += tally.total
    return tuple(Tally(name=name, good=good, total=total) for name, (good, total) in added.items())
