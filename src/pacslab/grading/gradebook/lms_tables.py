"""The gradebook as the tables that spreadsheets and learning platforms take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pacslab.grading.course.csv_cells import write_table
from pacslab.scenario import Stage

if TYPE_CHECKING:
    from pathlib import Path

    from pacslab.grading.gradebook.gradebook import Gradebook
    from pacslab.grading.gradebook.points import Grade


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def write_gradebook(path: Path, book: Gradebook) -> None:
    """Write every submission with its points by part and by objective; ``counts`` says which one is the grade."""
    objectives = dict.fromkeys(name for grade in book.grades for name in _tasks(grade))
    header = [
        *("student", "name", "scenario", "file", "sent", "counts", "state", "points", "out of", "percent"),
        *("late factor", "hints", "minutes at work", "signals", "not marked yet"),
        *(str(stage) for stage in Stage),
        *objectives,
        "problems",
    ]
    write_table(path, header, [_row(one, list(objectives)) for one in book.grades])


def _tasks(grade: Grade) -> list[str]:
    return [one.id for one in grade.objectives] + [one.id for one in grade.written]


def _row(grade: Grade, objectives: list[str]) -> list[str]:
    points: dict[str, float | None] = {one.id: one.points for one in grade.objectives}
    points |= {one.id: one.points for one in grade.written}
    stages = [sum(one.points for one in grade.objectives if one.stage == stage) for stage in Stage]
    return [
        *(grade.student, grade.name, grade.scenario, grade.file, grade.sent.isoformat() if grade.sent else ""),
        *("yes" if grade.counts else "no", grade.state, _number(grade.points), _number(grade.out_of)),
        *(_number(grade.percent), _number(grade.late_factor), str(sum(one.hints for one in grade.objectives))),
        *(_number(grade.seconds_at_work / 60), str(len(grade.signals)), str(len(grade.unmarked))),
        *(_number(one) for one in stages),
        *(_number(value) if (value := points.get(one)) is not None else "" for one in objectives),
        "; ".join(grade.problems),
    ]


def write_canvas(path: Path, book: Gradebook) -> None:
    """Write the file that Canvas's gradebook imports: its own five columns, points possible in the second line."""
    scenarios = [one.id for one in book.course.scenarios]
    possible = {one.scenario: one.out_of for one in book.counting()}
    points = {(one.student, one.scenario): one.points for one in book.counting()}
    header = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", *scenarios]
    rows = [["    Points Possible", "", "", "", "", *(_number(possible[one]) for one in scenarios)]]
    rows += [
        [one.name, one.lms, one.sis, one.login or one.id, one.section, *(_number(points[one.id, s]) for s in scenarios)]
        for one in book.roster
    ]
    write_table(path, header, rows)


def write_moodle(path: Path, book: Gradebook) -> None:
    """Write the file that Moodle's grade import takes: students by user name, number and address."""
    scenarios = [one.id for one in book.course.scenarios]
    points = {(one.student, one.scenario): one.points for one in book.counting()}
    header = ["Username", "ID number", "Email address", "Full name", *scenarios]
    rows = [
        [one.login or one.id, one.sis, one.email, one.name, *(_number(points[one.id, s]) for s in scenarios)]
        for one in book.roster
    ]
    write_table(path, header, rows)


def write_nbgrader(path: Path, book: Gradebook) -> None:
    """Write grades in the columns of ``nbgrader export``, one line a student and scenario."""
    header = [*("assignment", "duedate", "timestamp", "student_id", "last_name", "first_name", "email")]
    header += [*("raw_score", "late_submission_penalty", "score", "max_score")]
    due = {one.id: one.due for one in book.course.scenarios}
    people = {one.id: one for one in book.roster}
    rows = []
    for one in book.counting():
        deadline = due[one.scenario]
        family, _, given = people[one.student].name.partition(", ")
        rows.append(
            (
                *(one.scenario, deadline.isoformat() if deadline else "", one.sent.isoformat() if one.sent else ""),
                *(one.student, family, given, people[one.student].email),
                *(_number(one.earned), _number(one.earned - one.points), _number(one.points), _number(one.out_of)),
            )
        )
    write_table(path, header, rows)
