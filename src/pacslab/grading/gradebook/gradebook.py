"""Grade a class: gather, replay, judge, look for signals, and choose which submission counts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pacslab.errors import CourseError
from pacslab.grading.gradebook.integrity_signals import (
    borrowed_answers,
    canaries_of,
    foreign_data,
    shared_secrets,
    timeline_signals,
)
from pacslab.grading.gradebook.marking import read_marks
from pacslab.grading.gradebook.points import Grade, Mark, Signal, grade
from pacslab.grading.replay.batch import TIME_LIMIT, Batch, default_workers
from pacslab.grading.replay.collect import CollectedSubmission, gather
from pacslab.grading.replay.facts import Replay, replay_key
from pacslab.grading.replay.replay import ReplayJob
from pacslab.pacs import choose_runtime
from pacslab.scenario import load_scenario, make_variant

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pacslab.grading.course.course import Course
    from pacslab.grading.course.roster import Student
    from pacslab.scenario import Scenario

    Progress = Callable[[str, float], None]

MARKING = "marking.csv"


@dataclass
class Gradebook:
    """The grades of a class. ``strays`` are files that belong to nobody on the class list, and why."""

    course: Course
    roster: tuple[Student, ...]
    grades: tuple[Grade, ...]
    strays: dict[str, str] = field(default_factory=dict)
    replays: dict[str, Replay] = field(default_factory=dict)
    replayed: int = 0

    def counting(self) -> tuple[Grade, ...]:
        """Return the grade that counts for each student and scenario, in the order of the class list."""
        return tuple(one for one in self.grades if one.counts)

    @property
    def certain(self) -> bool:
        """Return whether the lab saw everything that it wanted to see."""
        return all(one.state != "grade again" for one in self.grades)


def grade_class(
    submissions: Path,
    course: Course,
    roster: tuple[Student, ...],
    results: Path,
    *,
    runtime: str | None = None,
    workers: int | None = None,
    limit: float = TIME_LIMIT,
    progress: Progress = lambda _text, _part: None,
) -> Gradebook:
    """Grade every submission of a folder.

    Parameters
    ----------
    submissions
        The folder with the ZIP files.
    course, roster
        Whose submissions they are.
    results
        The folder that keeps what was replayed, and a person's marks.
    runtime
        ``docker`` or ``process``; chosen unless given.
    workers, limit
        How many are replayed at once, and the seconds that one may take.
    progress
        Called with a message and the fraction done.

    Raises
    ------
    CourseError
        If the course, its secret or the folder cannot be used.
    RuntimeUnavailableError
        If no server can run on this machine.

    """
    chosen = choose_runtime(runtime).name
    key = course.course_key()
    scenarios = {one.id: load_scenario(one.id) for one in course.scenarios}
    found = gather(submissions, course, roster)
    results.mkdir(parents=True, exist_ok=True)
    tasks: dict[int, ReplayJob] = {}
    for number, one in enumerate(found):
        if one.file is not None and not one.problem:
            variant = make_variant(one.scenario, one.student, key)
            name = replay_key(one.file.sha256, scenarios[one.scenario], variant, chosen)
            tasks[number] = ReplayJob(one.file, variant, name, chosen, one.issued)
    batch = Batch(results, workers or default_workers(), limit)
    replays = batch.run(tasks.values(), progress)
    marks = read_marks(results / MARKING)
    graded = [
        _grade(one, tasks.get(number), replays, course, roster, scenarios, marks) for number, one in enumerate(found)
    ]
    grades = _with_signals(found, graded, replays, course, roster, scenarios)
    missing = [
        grade(student, scenario, course, None)
        for student in roster
        for scenario in scenarios.values()
        if not any(one.student == student.id and one.scenario == scenario.id for one in grades)
    ]
    order = {student.id: number for number, student in enumerate(roster)}
    everything = sorted([*grades, *missing], key=lambda one: (order[one.student], one.scenario, one.file))
    strays = {
        str(one.path.relative_to(submissions)): one.problem or "nobody on the class list"
        for one in found
        if not _whose(one, roster)
    }
    return Gradebook(course, roster, tuple(_counted(everything, course)), strays, replays, batch.replayed)


def _whose(found: CollectedSubmission, roster: tuple[Student, ...]) -> Student | None:
    return next((one for one in roster if one.id == found.student), None)


def _grade(  # noqa: PLR0917
    found: CollectedSubmission,
    task: ReplayJob | None,
    replays: dict[str, Replay],
    course: Course,
    roster: tuple[Student, ...],
    scenarios: dict[str, Scenario],
    marks: dict[tuple[str, str], dict[str, Mark]],
) -> Grade | None:
    student = _whose(found, roster)
    if student is None:
        return None
    scenario = scenarios.get(found.scenario) or next(iter(scenarios.values()))
    replay = replays[task.key] if task else _unreadable(found, student, scenario)
    made = grade(student, scenario, course, replay, found.sent, marks.get((student.id, scenario.id)))
    return made.model_copy(update={"file": found.path.name})


def _unreadable(found: CollectedSubmission, student: Student, scenario: Scenario) -> Replay:
    return Replay(
        key="",
        sha256=found.file.sha256 if found.file else "",
        scenario=scenario.id,
        student=student.id,
        runtime="",
        unreadable=found.problem,
    )


def _with_signals(  # noqa: PLR0917
    found: list[CollectedSubmission],
    graded: list[Grade | None],
    replays: dict[str, Replay],
    course: Course,
    roster: tuple[Student, ...],
    scenarios: dict[str, Scenario],
) -> list[Grade]:
    """Return the grades with what an instructor should look at."""
    finished: list[Grade] = []
    for scenario in scenarios.values():
        canaries = canaries_of(course, scenario, roster)
        of_scenario = [
            (here, made) for here, made in zip(found, graded, strict=True) if made and made.scenario == scenario.id
        ]
        by_student: dict[str, list[Replay]] = {}
        for _, made in of_scenario:
            if made.key:
                by_student.setdefault(made.student, []).append(replays[made.key])
        secrets = shared_secrets(by_student)
        for here, made in of_scenario:
            signals = [Signal(kind="ticket", words=words) for words in here.signals]
            if made.key:
                replay = replays[made.key]
                signals += foreign_data(made.student, replay, canaries)
                signals += borrowed_answers(made.student, scenario, by_student)
                signals += secrets.get(made.student, [])
                signals += timeline_signals(replay)
            finished.append(made.model_copy(update={"signals": tuple(signals)}))
    return finished


def _counted(grades: list[Grade], course: Course) -> list[Grade]:
    """Say which of several submissions counts: the best, or the last one that was sent."""
    groups: dict[tuple[str, str], list[Grade]] = {}
    for one in grades:
        groups.setdefault((one.student, one.scenario), []).append(one)

    def sent(one: Grade) -> float:
        return one.sent.timestamp() if one.sent else 0.0

    chosen = set()
    for group in groups.values():
        by_last = max(group, key=lambda one: (sent(one), one.file))
        best = max(group, key=lambda one: (one.points, sent(one), one.file))
        chosen.add(id(best if course.counts == "best" else by_last))
    return [one.model_copy(update={"counts": id(one) in chosen}) for one in grades]


def find_roster(course: Course, given: Path | None) -> Path:
    """Return the class list: the one given, else ``roster.csv`` beside the course.

    Raises
    ------
    CourseError
        If there is none.

    """
    path = given or course.folder / "roster.csv"
    if not path.is_file():
        raise CourseError(
            f"there is no class list {path}", "Give one with --roster, or put roster.csv beside the course."
        )
    return path
