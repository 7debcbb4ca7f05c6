"""Decide whether an objective is reached: by the answer, by the live server, or by the files that were made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel

from pacslab.grading.answers import same_answer
from pacslab.probes import Assessment, Outcome

if TYPE_CHECKING:
    from pathlib import Path

    from pacslab.cohort import AnswerKey
    from pacslab.deid import DeidReport
    from pacslab.scenario import AnswerCheck, DeidObjective, Objective, ProbeCheck, Scenario

_WORST = 3


class Verdict(BaseModel):
    """Whether an objective is reached (None: the lab could not look), and why, in words."""

    reached: bool | None
    message: str
    reasons: tuple[str, ...] = ()


def judge_answer(check: AnswerCheck, answer: object, key: AnswerKey) -> Verdict:
    """Return the verdict on an answer."""
    if check.compare == "release":
        return judge_release(answer, key)
    expected = check.equals if check.equals is not None else key.facts[str(check.fact)]
    if same_answer(answer, expected, check.compare):
        return Verdict(reached=True, message="Right.")
    kind = {
        "number": "A number is expected.",
        "name": "A person's name is expected, given name and family name.",
        "digits": "The digits of a number are expected.",
        "text": "A few words are expected.",
    }[check.compare]
    return Verdict(reached=False, message=f"{str(answer)[:80]!r} is not the answer. {kind}")


def judge_release(answer: object, key: AnswerKey) -> Verdict:
    """Return the verdict on what a release tells, measured against the town's list and the research question."""
    from pacslab.deid import admissions, read_choices, records_of, weigh  # noqa: PLC0415 - pandas takes its time

    choices = read_choices(str(answer))
    if choices is None:
        return Verdict(
            reached=False,
            message=f"{str(answer)[:80]!r} is no release. Give Choices, or write 'sex=yes age_band=5 dates=moved'.",
        )
    result = weigh(records_of(key), choices, admissions(key))
    first, *reasons = str(result).splitlines()
    return Verdict(reached=result.passed, message=first, reasons=tuple(reasons))


def judge_probes(check: ProbeCheck, assessment: Assessment) -> Verdict:
    """Return the verdict on the live server: these ways must be closed, and the whole hospital must work."""
    findings = [assessment.finding(name) for name in check.closed]
    failed = [finding for finding in (*findings, *assessment.failures) if finding.outcome is Outcome.LAB_FAILURE]
    if failed:
        return Verdict(
            reached=None,
            message="The lab itself could not look, and nothing changes in your points. Try again.",
            reasons=tuple(dict.fromkeys(finding.evidence for finding in failed)),
        )
    still_open = [finding for finding in findings if finding.outcome is Outcome.EXPOSED]
    if still_open:
        return Verdict(
            reached=False,
            message=f"Still open: {len(still_open)} of {len(findings)} ways in.",
            reasons=tuple(f"{finding.title}: {finding.evidence} {finding.explanation}" for finding in still_open),
        )
    if assessment.broken:
        return Verdict(
            reached=False,
            message="Strangers are kept out, but the hospital cannot work any more, so this does not count yet.",
            reasons=tuple(
                f"{finding.title}: {finding.evidence} {finding.explanation}" for finding in assessment.broken
            ),
        )
    return Verdict(
        reached=True, message="Closed, and the hospital works.", reasons=tuple(finding.evidence for finding in findings)
    )


def judge_deid(check: DeidObjective, report: DeidReport) -> Verdict:
    """Return the verdict on a de-identified study, from the audit's checks that this objective needs."""
    failing = [result for result in map(report.check, check.checks) if not result.passed]
    if not failing:
        return Verdict(reached=True, message="The audit found nothing wrong here.")
    return Verdict(
        reached=False,
        message=f"{len(failing)} of {len(check.checks)} checks of the audit did not pass.",
        reasons=tuple(f"{result.title}: {'; '.join(result.worst[:_WORST])}" for result in failing),
    )


def audit_output(check: DeidObjective, output: Path, key: AnswerKey) -> DeidReport:
    """Audit the folder of a student's output against the study that an objective names.

    Raises
    ------
    DeidError
        If the folder cannot be read at all.

    """
    from pacslab.deid import audit_study  # noqa: PLC0415 - scipy takes its time

    return audit_study(output, key, key.facts[check.study])


def objectives_of(scenario: Scenario, kind: type[AnswerCheck | ProbeCheck | DeidObjective]) -> tuple[Objective, ...]:
    """Return the objectives that are checked in this way."""
    return tuple(objective for objective in scenario.objectives if isinstance(objective.check, kind))
