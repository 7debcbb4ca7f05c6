"""One student's work on a scenario: the calls of notebooks, the command line and the grader.

Plain data goes in and comes out; the caller displays it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pacslab.deid import background_knowledge
from pacslab.errors import ObjectiveError
from pacslab.grading import (
    Receipt,
    Verdict,
    audit_output,
    changing_progress,
    find_ticket,
    judge_answer,
    judge_deid,
    judge_probes,
    objectives_of,
    read_progress,
    write_submission,
)
from pacslab.pacs import no_progress
from pacslab.probes import assess
from pacslab.scenario import AnswerCheck, DeidObjective, Objective, ProbeCheck, did_you_mean
from pacslab.session_models import CheckResult, Hint, ObjectiveStatus
from pacslab.session_servers import Machines, default_student

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pacslab.cohort import AnswerKey, Cohort
    from pacslab.deid import Admission, DeidReport, Story
    from pacslab.probes import Assessment

    ProgressCall = Callable[[str, float], None]

__all__ = ["Session", "default_student"]

_VERDICT_WORDS = {True: "reached", False: "not reached", None: "lab failure"}
_LONGEST_ANSWER = 4000


class Session(Machines):
    """One student at a scenario: the servers, the objectives, and the progress."""

    @property
    def key(self) -> AnswerKey:
        """Return the answer key: for instructors, and for the solution notebooks."""
        return self.deployment.answer_key

    def _objective(self, name: str) -> Objective:
        try:
            return self.scenario.objective(name)
        except KeyError:
            known = [objective.id for objective in self.scenario.objectives]
            hint = did_you_mean(str(name), known)
            raise ObjectiveError(
                f"the scenario {self.scenario.id!r} has no objective {name!r}",
                f"{hint} The objectives are: {', '.join(known)}.".strip(),
            ) from None

    def task(self, objective: str) -> ObjectiveStatus:
        """Return an objective's question, with the facts of this student's variant filled in.

        Raises
        ------
        ObjectiveError
            If there is no such objective.

        """
        found = self._objective(objective)
        done = read_progress(self.deployment.work.path).of(found.id)
        text = found.task
        if "{" in text:
            text = text.format_map({name: self.key.facts[name] for name in self.key.told})
        return ObjectiveStatus(
            id=found.id,
            stage=found.stage,
            title=found.title,
            text=text,
            points=found.points,
            earned=done.earned,
            hints_taken=done.hints,
            hints_left=len(found.hints) - done.hints,
            needs_answer=isinstance(found.check, AnswerCheck),
        )

    def hint(self, objective: str) -> Hint:
        """Return the next hint, and count it; after the last hint, the last again.

        Raises
        ------
        ObjectiveError
            If there is no such objective.

        """
        found = self._objective(objective)
        if not found.hints:
            return Hint(objective=found.id, number=0, out_of=0, text="")
        with changing_progress(self.work) as progress:
            done = progress.of(found.id)
            done.hints = min(done.hints + 1, len(found.hints))
            number = done.hints
        self.note("hint", found.id, str(number))
        return Hint(objective=found.id, number=number, out_of=len(found.hints), text=found.hints[number - 1])

    def check(self, objective: str, answer: Any = None) -> CheckResult:
        """Check an objective now: the answer, the live server or the files.

        Returns
        -------
        CheckResult
            Passed or not, with message, reasons and points; the progress on disk follows it.

        Raises
        ------
        ObjectiveError
            If there is no such objective.
        DeploymentError
            If the server is needed and not running.
        ConfigurationError
            If ``handover.yaml`` is needed and cannot be read.

        """
        found = self._objective(objective)
        check = found.check
        if isinstance(check, AnswerCheck):
            if answer is None or answer is Ellipsis or not str(answer).strip():
                return self._result(
                    found,
                    Verdict(reached=None, message=f"No answer was given yet: lab.check({found.id!r}, your_answer)."),
                )
            verdict = judge_answer(check, answer, self.key)
            self._record({found.id: verdict}, found.id, sticky=True)
            self._keep_answer(found.id, str(answer), right=bool(verdict.reached))
        elif isinstance(check, ProbeCheck):
            verdict = self._judge_server(self._assess(no_progress), found.id)[found.id]
        else:
            verdict = self._judge_files(found.id)[found.id]
        self.note("check", found.id, _VERDICT_WORDS[verdict.reached])
        return self._result(found, verdict)

    def _keep_answer(self, objective: str, answer: str, *, right: bool) -> None:
        with changing_progress(self.work) as progress:
            done = progress.of(objective)
            if right or not done.earned:
                done.answer = answer[:_LONGEST_ANSWER]

    def _result(self, objective: Objective, verdict: Verdict) -> CheckResult:
        earned = read_progress(self.deployment.work.path).of(objective.id).earned
        return CheckResult(
            objective=objective.id,
            title=objective.title,
            passed=verdict.reached,
            points=objective.points if earned else 0,
            out_of=objective.points,
            message=verdict.message,
            reasons=verdict.reasons,
            explanation=objective.explanation if verdict.reached else "",
        )

    def _record(self, verdicts: dict[str, Verdict], tried: str | None = None, *, sticky: bool = False) -> None:
        """Record verdicts in the progress; what depends on a server or on files is lost if it no longer holds."""
        with changing_progress(self.work) as progress:
            if tried is not None:
                progress.of(tried).attempts += 1
            for name, verdict in verdicts.items():
                if verdict.reached is not None:
                    done = progress.of(name)
                    done.earned = verdict.reached or (sticky and done.earned)

    def assess(self, progress: ProgressCall = no_progress) -> Assessment:
        """Run every attack and clinic probe; the points of all hardening objectives follow their findings.

        Raises
        ------
        DeploymentError
            If nothing is running.
        ConfigurationError
            If ``handover.yaml`` cannot be read.

        """
        assessment = self._assess(progress)
        self._judge_server(assessment)
        self.note("assess", outcome=f"{len(assessment.exposed)} open, {len(assessment.broken)} broken")
        return assessment

    def _assess(self, progress: ProgressCall) -> Assessment:
        return assess(self.deployment, progress)

    def _judge_server(self, assessment: Assessment, tried: str | None = None) -> dict[str, Verdict]:
        verdicts = {
            objective.id: judge_probes(objective.check, assessment)
            for objective in objectives_of(self.scenario, ProbeCheck)
            if isinstance(objective.check, ProbeCheck)
        }
        self._record(verdicts, tried)
        return verdicts

    def background_knowledge(self) -> tuple[tuple[Admission, ...], Story]:
        """Return the town's background knowledge: an invented list of admissions and an invented newspaper story."""
        return background_knowledge(self.key)

    def city_hospital(self) -> Cohort:
        """Return the hospital in the city, which has an MR and releases heads for research, with patients of its own.

        It is another hospital than the scenario's and runs no server: its images are made while they are read.
        """
        from pacslab.deid import city_hospital  # noqa: PLC0415 - it loads what draws faces

        return city_hospital(self.deployment.variant)

    def audit(self) -> DeidReport:
        """Audit the work folder's ``deid`` and return the whole report; the points of its objectives follow it.

        Raises
        ------
        ObjectiveError
            If the scenario asks for no de-identification.
        DeidError
            If the folder cannot be read at all.

        """
        asked = objectives_of(self.scenario, DeidObjective)
        if not asked or not isinstance(asked[0].check, DeidObjective):
            raise ObjectiveError(f"the scenario {self.scenario.id!r} asks for no de-identification")
        report = audit_output(asked[0].check, self.deployment.work.deid, self.key)
        self._record(self._deid_verdicts(report))
        self.note("audit", outcome=f"{sum(check.passed for check in report.checks)} of {len(report.checks)} checks")
        return report

    def _deid_verdicts(self, report: DeidReport) -> dict[str, Verdict]:
        return {
            objective.id: judge_deid(objective.check, report)
            for objective in objectives_of(self.scenario, DeidObjective)
            if isinstance(objective.check, DeidObjective)
        }

    def _judge_files(self, tried: str) -> dict[str, Verdict]:
        check = self._objective(tried).check
        if not isinstance(check, DeidObjective):
            raise ObjectiveError(f"the objective {tried!r} asks for no files")
        report = audit_output(check, self.deployment.work.deid, self.key)
        verdicts = self._deid_verdicts(report)
        self._record(verdicts, tried)
        return verdicts

    def submit(self, target: Path | None = None) -> Receipt:
        """Write everything that is graded into a ZIP file, replacing the previous one, and return the receipt.

        Parameters
        ----------
        target
            The file, or the folder to put it into; ``submissions/`` in the workspace unless given.

        Raises
        ------
        SubmissionError
            If the work is too large, or the file cannot be written.
        TicketError
            If there is a ticket that cannot be used.

        """
        found = find_ticket()
        mine = found is not None and found[0].student == self.student and self.scenario.id in found[0].seeds
        self.note("submit")
        return write_submission(
            self.scenario,
            self.student,
            self.deployment.work,
            found[1] if found is not None and mine else None,
            found[0].course_title if found is not None and mine else "self-paced",
            target,
        )
