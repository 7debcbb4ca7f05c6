"""Grade a class: collect, replay, judge, look for signals, and choose which submission counts.

The way of a ZIP file to a row of the gradebook: ``replay.collect`` reads its note and finds whose it is,
``replay.batch`` hands it to a worker, ``replay.unpack`` unpacks it there, ``replay.config_allowlist`` decides whether
its configuration may run, ``replay.replay`` runs and audits it, ``gradebook.points`` judges what was found, and
``gradebook.late_penalty`` takes off what lateness costs.
"""

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
        return tuple(grade for grade in self.grades if grade.counts)

    @property
    def certain(self) -> bool:
        """Return whether the lab saw everything that it wanted to see."""
        return all(grade.state != "grade again" for grade in self.grades)


@dataclass(frozen=True)
class GradingRequest:
    """A class to grade.

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

    """

    submissions: Path
    course: Course
    roster: tuple[Student, ...]
    results: Path
    runtime: str | None = None
    workers: int | None = None
    limit: float = TIME_LIMIT


@dataclass(frozen=True)
class _Class:
    """What a submission is graded by: the course, its scenarios, its students, and a person's marks."""

    course: Course
    roster: tuple[Student, ...]
    scenarios: dict[str, Scenario]
    marks: dict[tuple[str, str], dict[str, Mark]]

    def student(self, submission: CollectedSubmission) -> Student | None:
        return next((student for student in self.roster if student.id == submission.student), None)


@dataclass(frozen=True)
class _Graded:
    """A submission with its replay and its grade."""

    submission: CollectedSubmission
    replay: Replay
    grade: Grade


def grade_class(request: GradingRequest, progress: Progress = lambda _text, _part: None) -> Gradebook:
    """Grade every submission of a folder.

    Parameters
    ----------
    request
        The class, and how it is replayed.
    progress
        Called with a message and the fraction done.

    Returns
    -------
    Gradebook
        A grade for each submission, and one without a file for each student and scenario of which none was found; of
        several of a student, the grade that counts is marked.

    Raises
    ------
    CourseError
        If the course, its secret or the folder cannot be used.
    RuntimeUnavailableError
        If no server can run on this machine.

    """
    course, roster, results = request.course, request.roster, request.results
    runtime = choose_runtime(request.runtime).name
    key = course.course_key()
    scenarios = {entry.id: load_scenario(entry.id) for entry in course.scenarios}
    submissions = gather(request.submissions, course, roster)
    results.mkdir(parents=True, exist_ok=True)
    jobs = [_job(submission, scenarios, key, runtime) for submission in submissions]
    batch = Batch(results, request.workers or default_workers(), request.limit)
    replays = batch.run([job for job in jobs if job is not None], progress)
    whole = _Class(course, roster, scenarios, read_marks(results / MARKING))
    graded = [
        made
        for submission, job in zip(submissions, jobs, strict=True)
        if (made := _graded(submission, replays[job.key] if job else None, whole)) is not None
    ]
    grades = _with_signals(graded, whole)
    order = {student.id: number for number, student in enumerate(roster)}
    grades = sorted(
        [*grades, *_missing(grades, whole)], key=lambda made: (order[made.student], made.scenario, made.file)
    )
    strays = {
        str(submission.path.relative_to(request.submissions)): submission.problem or "nobody on the class list"
        for submission in submissions
        if whole.student(submission) is None
    }
    return Gradebook(course, roster, tuple(counting_marked(grades, course)), strays, replays, batch.replayed)


def _job(
    submission: CollectedSubmission, scenarios: dict[str, Scenario], course_key: bytes, runtime: str
) -> ReplayJob | None:
    """Return how a submission is replayed, or None where it cannot be read."""
    if submission.file is None or submission.problem:
        return None
    variant = make_variant(submission.scenario, submission.student, course_key)
    key = replay_key(submission.file.sha256, scenarios[submission.scenario], variant, runtime)
    return ReplayJob(submission.file, variant, key, runtime, submission.issued)


def _graded(submission: CollectedSubmission, replay: Replay | None, whole: _Class) -> _Graded | None:
    """Return a submission's grade, or None where it belongs to nobody on the class list."""
    student = whole.student(submission)
    if student is None:
        return None
    scenario = whole.scenarios.get(submission.scenario) or next(iter(whole.scenarios.values()))
    replay = replay or _unreadable(submission, student, scenario)
    made = grade(student, scenario, whole.course, replay, submission.sent, whole.marks.get((student.id, scenario.id)))
    return _Graded(submission, replay, made.model_copy(update={"file": submission.path.name}))


def _unreadable(submission: CollectedSubmission, student: Student, scenario: Scenario) -> Replay:
    return Replay(
        key="",
        sha256=submission.file.sha256 if submission.file else "",
        scenario=scenario.id,
        student=student.id,
        runtime="",
        unreadable=submission.problem,
    )


def _missing(grades: list[Grade], whole: _Class) -> list[Grade]:
    """Return the grade of nothing for each student and scenario without a submission."""
    there = {(made.student, made.scenario) for made in grades}
    return [
        grade(student, scenario, whole.course, None)
        for student in whole.roster
        for scenario in whole.scenarios.values()
        if (student.id, scenario.id) not in there
    ]


def _with_signals(graded: list[_Graded], whole: _Class) -> list[Grade]:
    """Return the grades with what an instructor should look at."""
    finished: list[Grade] = []
    for scenario in whole.scenarios.values():
        canaries = canaries_of(whole.course, scenario, whole.roster)
        of_scenario = [made for made in graded if made.grade.scenario == scenario.id]
        by_student: dict[str, list[Replay]] = {}
        for made in of_scenario:
            if made.grade.key:
                by_student.setdefault(made.grade.student, []).append(made.replay)
        secrets = shared_secrets(by_student)
        for made in of_scenario:
            signals = [Signal(kind="ticket", words=words) for words in made.submission.signals]
            if made.grade.key:
                student = made.grade.student
                signals += foreign_data(student, made.replay, canaries)
                signals += borrowed_answers(student, scenario, by_student)
                signals += secrets.get(student, [])
                signals += timeline_signals(made.replay)
            finished.append(made.grade.model_copy(update={"signals": tuple(signals)}))
    return finished


def counting_marked(grades: list[Grade], course: Course) -> list[Grade]:
    """Mark which of several submissions of a student counts: the best, or the last that was sent."""
    by_task: dict[tuple[str, str], list[Grade]] = {}
    for made in grades:
        by_task.setdefault((made.student, made.scenario), []).append(made)

    def sent(made: Grade) -> float:
        return made.sent.timestamp() if made.sent else 0.0

    chosen = set()
    for attempts in by_task.values():
        last = max(attempts, key=lambda made: (sent(made), made.file))
        best = max(attempts, key=lambda made: (made.points, sent(made), made.file))
        chosen.add(id(best if course.counts == "best" else last))
    return [made.model_copy(update={"counts": id(made) in chosen}) for made in grades]


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
            f"there is no class list {path}", "Give grade with --roster, or put roster.csv beside the course."
        )
    return path
