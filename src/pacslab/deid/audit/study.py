"""The audit: a student's de-identified files against the answer key. Twelve checks, each with its worst cases in words.

The generator planted every identifier, so each is sought everywhere: attributes however nested, private blocks, file
header, preamble, what follows the end, PDF, decoded pixels and file names. What research needs is measured beside it,
so that neither an untouched nor an emptied file passes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pacslab.deid.audit.audit_key import AuditKey
from pacslab.deid.audit.judge import judge
from pacslab.deid.audit.parallel_scan import read_output
from pacslab.deid.audit.removal import directory_tally
from pacslab.deid.dicom.output_sources import open_source
from pacslab.errors import DeidError

if TYPE_CHECKING:
    from pathlib import Path

    from pacslab.cohort import AnswerKey
    from pacslab.deid.audit.changed_pictures import SearchBudget
    from pacslab.deid.audit.report.model import DeidReport


def audit_study(
    output: Path | str, key: AnswerKey, study_uid: str, *, budget: SearchBudget | None = None
) -> DeidReport:
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
    budget
        How many pictures that are none of the study's may be searched for its text.

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
    archive = AuditKey(key, (study,))
    read = read_output(open_source(output), archive, budget=budget)
    notes = (*read.notes, *read.evidence.stray_notes())
    report = judge(key, study, read.evidence, notes, failure=read.failure)
    if read.failure:
        return report
    tally = directory_tally(key, archive.patients, read.evidence.leaks)
    return report.model_copy(update={"removed": (*report.removed, *tally)})
