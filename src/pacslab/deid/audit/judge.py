"""Judge the evidence of one study: every check, and what was removed and kept, as a report."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from pacslab.deid.audit.checks.flags import check_flags
from pacslab.deid.audit.checks.identifiers import leak_faults
from pacslab.deid.audit.checks.pictures import check_anatomy, check_icons_readable, check_pixels_readable
from pacslab.deid.audit.checks.presence import check_present
from pacslab.deid.audit.checks.uids_and_dates import check_dates, check_uids
from pacslab.deid.audit.checks.utility import check_useful
from pacslab.deid.audit.removal import removed_in_study
from pacslab.deid.audit.report.model import CheckId, DeidReport
from pacslab.deid.audit.report.wording import patients_of, pictures_of
from pacslab.deid.audit.study_evidence import evidence_of_study
from pacslab.deid.audit.verdicts import AuditVerdicts, Fault, Kept

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pacslab.cohort import AnswerKey, StudyKey
    from pacslab.deid.audit.evidence import Evidence
    from pacslab.deid.audit.study_evidence import StudyEvidence
    from pacslab.deid.audit.verdicts import Finding


def judge(
    key: AnswerKey, study: StudyKey, evidence: Evidence, notes: Iterable[str] = (), *, failure: str = ""
) -> DeidReport:
    """Return the report on one study's files.

    Parameters
    ----------
    key, study
        The answer key, and the study of it that was to be de-identified.
    evidence
        The files that were made from its images, and the leaks in them.
    notes
        What to add to the report, such as which files were skipped.
    failure
        Why the output cannot be used: no check passes then, and there is no evidence.

    """
    within = evidence_of_study(key, study, evidence)
    verdicts = AuditVerdicts(_failed(within, failure) if failure else _findings(key, within))
    return DeidReport(
        study=study.study_instance_uid,
        checks=tuple(verdicts.checked(check) for check in CheckId),
        files_expected=len(within.required),
        files_found=len(within.files),
        leaks=within.leaks,
        removed=removed_in_study(within),
        kept=verdicts.kept,
        patients=() if failure else patients_of([within.patient.index], within.files, within.leaks),
        pictures=pictures_of(within.files, within.leaks, within.thumbnails),
        notes=tuple(notes),
    )


def _findings(key: AnswerKey, evidence: StudyEvidence) -> Iterable[Finding]:
    return chain(
        check_present(evidence),
        leak_faults(evidence.leaks),
        check_useful(key, evidence),
        check_uids(evidence),
        check_dates(evidence),
        check_anatomy(evidence),
        check_pixels_readable(evidence),
        check_icons_readable(evidence.unsearched),
        check_flags(evidence),
    )


def _failed(evidence: StudyEvidence, failure: str) -> list[Finding]:
    """Return a fault of every check, for one and the same reason, and no image kept."""
    return [*(Fault(check, failure) for check in CheckId), *(Kept("images", kept=False) for _ in evidence.required)]
