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
    write_table(path, header, [_row(grade, list(objectives)) for grade in book.grades])


def _tasks(grade: Grade) -> list[str]:
    return [objective.id for objective in grade.objectives] + [objective.id for objective in grade.written]


def _row(grade: Grade, objectives: list[str]) -> list[str]:
    points: dict[str, float | None] = {objective.id: objective.points for objective in grade.objectives}
    points |= {task.id: task.points for task in grade.written}
    stages = [sum(objective.points for objective in grade.objectives if objective.stage == stage) for stage in Stage]
    return [
        *(grade.student, grade.name, grade.scenario, grade.file, grade.sent.isoformat() if grade.sent else ""),
        *("yes" if grade.counts else "no", grade.state, _number(grade.points), _number(grade.out_of)),
        *(
            _number(grade.percent),
            _number(grade.late_factor),
            str(sum(objective.hints for objective in grade.objectives)),
        ),
        *(_number(grade.seconds_at_work / 60), str(len(grade.signals)), str(len(grade.unmarked))),
        *(_number(earned) for earned in stages),
        *(_number(value) if (value := points.get(name)) is not None else "" for name in objectives),
        "; ".join(grade.problems),
    ]


def write_canvas(path: Path, book: Gradebook) -> None:
    """Write the file that Canvas's gradebook imports: its own five columns, points possible in the second line."""
    scenarios = [scenario.id for scenario in book.course.scenarios]
    possible = {grade.scenario: grade.out_of for grade in book.counting()}
    points = {(grade.student, grade.scenario): grade.points for grade in book.counting()}
    header = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", *scenarios]
    rows = [["    Points Possible", "", "", "", "", *(_number(possible[name]) for name in scenarios)]]
    rows += [
        [
            student.name,
            student.lms,
            student.sis,
            student.login or student.id,
            student.section,
            *(_number(points[student.id, name]) for name in scenarios),
        ]
        for student in book.roster
    ]
    write_table(path, header, rows)


def write_moodle(path: Path, book: Gradebook) -> None:
    """Write the file that Moodle's grade import takes: students by user name, number and address."""
    scenarios = [scenario.id for scenario in book.course.scenarios]
    points = {(grade.student, grade.scenario): grade.points for grade in book.counting()}
    header = ["Username", "ID number", "Email address", "Full name", *scenarios]
    rows = [
        [
            student.login or student.id,
            student.sis,
            student.email,
            student.name,
            *(_number(points[student.id, name]) for name in scenarios),
        ]
        for student in book.roster
    ]
    write_table(path, header, rows)


def write_nbgrader(path: Path, book: Gradebook) -> None:
    """Write grades in the columns of ``nbgrader export``, one line a student and scenario."""
    header = [*("assignment", "duedate", "timestamp", "student_id", "last_name", "first_name", "email")]
    header += [*("raw_score", "late_submission_penalty", "score", "max_score")]
    due = {scenario.id: scenario.due for scenario in book.course.scenarios}
    people = {student.id: student for student in book.roster}
    rows = []
    for grade in book.counting():
        deadline = due[grade.scenario]
        family, _, given = people[grade.student].name.partition(", ")
        rows.append(
            (
                *(
                    grade.scenario,
                    deadline.isoformat() if deadline else "",
                    grade.sent.isoformat() if grade.sent else "",
                ),
                *(grade.student, family, given, people[grade.student].email),
                *(
                    _number(grade.earned),
                    _number(grade.earned - grade.points),
                    _number(grade.points),
                    _number(grade.out_of),
                ),
            )
        )
    write_table(path, header, rows)
