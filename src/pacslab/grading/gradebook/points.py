"""Score a replay: its facts by the scenario's rubric, the course's points, hints and dates, and a person's marks."""

from __future__ import annotations

import re
from datetime import datetime  # noqa: TC003  (pydantic reads it)
from typing import TYPE_CHECKING

from pydantic import BaseModel

from pacslab.grading.answers import same_answer
from pacslab.grading.gradebook.late_penalty import late_factor
from pacslab.grading.judging import Verdict, judge_deid, judge_probes
from pacslab.scenario import AnswerCheck, ProbeCheck, Stage

if TYPE_CHECKING:
    from pacslab.grading.course.course import Course, Hints
    from pacslab.grading.course.roster import Student
    from pacslab.grading.replay.facts import Replay
    from pacslab.scenario import DeidObjective, Objective, Scenario

_LAB_FAILED = "The lab itself could not look. This is open until it is graded again, and is not counted as a failure."


class ObjectiveGrade(BaseModel):
    """Points of one objective, and the findings that earned or lost them. ``reached`` is None where the lab failed."""

    id: str
    stage: str
    title: str
    reached: bool | None
    points: float
    out_of: float
    hints: int = 0
    attempts: int = 0
    hint_cost: float = 0.0
    message: str
    reasons: tuple[str, ...] = ()
    explanation: str = ""


class WrittenGrade(BaseModel):
    """A written answer; ``points`` is None until a person has marked it."""

    id: str
    title: str
    points: float | None
    out_of: float
    rubric: tuple[str, ...]
    text: str
    comment: str = ""


class Signal(BaseModel):
    """Something that an instructor should look at. It is a signal and no verdict, and takes no points."""

    kind: str
    words: str
    others: tuple[str, ...] = ()


class Grade(BaseModel):
    """One submission's grade: points by objective, what is to be marked, what was lost to lateness, signals."""

    student: str
    name: str
    scenario: str
    file: str = ""
    sha256: str = ""
    key: str = ""
    sent: datetime | None = None
    counts: bool = True
    state: str
    problems: tuple[str, ...] = ()
    objectives: tuple[ObjectiveGrade, ...]
    written: tuple[WrittenGrade, ...]
    late_factor: float = 1.0
    seconds_at_work: float = 0.0
    signals: tuple[Signal, ...] = ()

    @property
    def earned(self) -> float:
        """Return the points before lateness; what is not marked yet earns nothing yet."""
        return sum(part.points for part in self.objectives) + sum(part.points or 0.0 for part in self.written)

    @property
    def points(self) -> float:
        """Return the points."""
        return round(self.earned * self.late_factor, 2)

    @property
    def out_of(self) -> float:
        """Return what can be earned."""
        return sum(part.out_of for part in self.objectives) + sum(part.out_of for part in self.written)

    @property
    def unmarked(self) -> tuple[WrittenGrade, ...]:
        """Return the written answers that nobody has marked."""
        return tuple(task for task in self.written if task.points is None)

    @property
    def percent(self) -> float:
        """Return the points as a share of 100."""
        return round(100 * self.points / self.out_of, 1) if self.out_of else 0.0


class Mark(BaseModel):
    """A person's mark of a written answer."""

    points: float
    comment: str = ""


def grade(  # noqa: PLR0917
    student: Student,
    scenario: Scenario,
    course: Course,
    replay: Replay | None,
    sent: datetime | None = None,
    marks: dict[str, Mark] | None = None,
) -> Grade:
    """Return the grade of a replay; without a replay, that of a student who handed in nothing.

    Parameters
    ----------
    student, scenario, course
        Whose work is graded, and by which rubric.
    replay
        The facts.
    sent
        When it was handed in; what the submission says, unless given.
    marks
        A person's marks, by written task.

    Returns
    -------
    Grade
        Points are those of the scenario's objectives unless the course sets its own; hints are taken off each
        objective, lateness off the sum.

    """
    prices = course.scenario(scenario.id)
    moment = sent or (replay.sent if replay else None)
    problems = _problems(replay)
    return Grade(
        student=student.id,
        name=student.name,
        scenario=scenario.id,
        sha256=replay.sha256 if replay else "",
        key=replay.key if replay else "",
        sent=moment,
        state=_state(replay, problems),
        problems=problems,
        objectives=tuple(
            _objective(objective, prices.points.get(objective.id, float(objective.points)), course.hints, replay)
            for objective in scenario.objectives
        ),
        written=tuple(
            WrittenGrade(
                id=task.id,
                title=task.title,
                points=_marked(marks, task.id, prices.points.get(task.id, float(task.points)), replay, task.title),
                out_of=prices.points.get(task.id, float(task.points)),
                rubric=task.rubric,
                text=written_answer(replay.written, task.title) if replay else "",
                comment=marks[task.id].comment if marks and task.id in marks else "",
            )
            for task in scenario.written
        ),
        late_factor=late_factor(course.late, prices.due, moment) if moment else 1.0,
        seconds_at_work=replay.timing.seconds if replay else 0.0,
    )


def _state(replay: Replay | None, problems: tuple[str, ...]) -> str:
    if replay is None:
        return "missing"
    if not replay.certain:
        return "grade again"
    if replay.unreadable:
        return "broken"
    return "partly broken" if problems else "graded"


def _problems(replay: Replay | None) -> tuple[str, ...]:
    if replay is None:
        return ()
    found = (replay.unreadable, replay.failure, replay.server_problem, replay.deid_problem)
    return tuple(problem for problem in found if problem) + replay.notes


def _marked(marks: dict[str, Mark] | None, task: str, out_of: float, replay: Replay | None, title: str) -> float | None:
    if marks and task in marks:
        return min(max(marks[task].points, 0.0), out_of)
    if not out_of:
        return 0.0
    return None if replay and written_answer(replay.written, title) else 0.0


def _objective(objective: Objective, out_of: float, prices: Hints, replay: Replay | None) -> ObjectiveGrade:
    verdict = _verdict(objective, replay)
    hints = min(replay.hints.get(objective.id, 0), len(objective.hints)) if replay else 0
    cost = min(out_of, hints * prices.cost)
    return ObjectiveGrade(
        id=objective.id,
        stage=str(objective.stage),
        title=objective.title,
        reached=verdict.reached,
        points=out_of - cost if verdict.reached else 0.0,
        out_of=out_of,
        hints=hints,
        attempts=replay.attempts.get(objective.id, 0) if replay else 0,
        hint_cost=cost if verdict.reached else 0.0,
        message=verdict.message,
        reasons=verdict.reasons,
        explanation=objective.explanation if replay else "",
    )


def _verdict(objective: Objective, replay: Replay | None) -> Verdict:
    if replay is None:
        return Verdict(reached=False, message="Nothing was handed in.")
    if replay.unreadable:
        return Verdict(reached=False, message=replay.unreadable)
    if replay.failure:
        return Verdict(reached=None, message=_LAB_FAILED, reasons=(replay.failure,))
    if isinstance(objective.check, AnswerCheck):
        return _answered(objective.check, objective.id, replay)
    return (
        _probed(objective.check, replay)
        if isinstance(objective.check, ProbeCheck)
        else _audited(objective.check, replay)
    )


def _probed(check: ProbeCheck, replay: Replay) -> Verdict:
    if replay.assessment is None:
        return Verdict(reached=False, message=replay.server_problem, reasons=replay.server_details)
    verdict = judge_probes(check, replay.assessment)
    return verdict if verdict.reached is not None else verdict.model_copy(update={"message": _LAB_FAILED})


def _audited(check: DeidObjective, replay: Replay) -> Verdict:
    report = replay.reports.get(check.study)
    if report is None:
        return Verdict(reached=False, message=replay.deid_problem or "No de-identified file was handed in.")
    if check.study in replay.strangers:
        return Verdict(reached=False, message=replay.strangers[check.study])
    return judge_deid(check, report)


def _answered(check: AnswerCheck, objective: str, replay: Replay) -> Verdict:
    given = replay.answers.get(objective, "")
    expected = check.equals if check.equals is not None else replay.facts.get(str(check.fact), "")
    if not given.strip():
        return Verdict(reached=False, message="No answer was handed in.")
    if check.compare == "release" and objective in replay.releases:
        return replay.releases[objective]
    if same_answer(given, expected, check.compare):
        return Verdict(reached=True, message=f"{given[:80]!r} is right.")
    return Verdict(reached=False, message=f"{given[:80]!r} is not the answer.")


_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)


def written_answer(report: str, title: str) -> str:
    """Return what stands in a report below the heading of a written task, without the page's own comments."""
    sections = re.split(r"^#{1,3}[ \t]+(.+?)[ \t]*$", report, flags=re.MULTILINE)
    wanted = title.casefold().strip()
    texts = [body for head, body in zip(sections[1::2], sections[2::2], strict=False) if head.casefold() == wanted]
    return _COMMENT.sub("", "\n".join(texts)).strip()


def stages_of(objectives: tuple[ObjectiveGrade, ...]) -> dict[Stage, tuple[float, float]]:
    """Return the points of each part of a lab, and what they are out of."""
    return {
        stage: (
            sum(objective.points for objective in objectives if objective.stage == stage),
            sum(objective.out_of for objective in objectives if objective.stage == stage),
        )
        for stage in Stage
        if any(objective.stage == stage for objective in objectives)
    }
