"""Written answers: a sheet with each answer and its rubric to read, and a table to put the marks into."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pacslab.errors import CourseError
from pacslab.grading.course.csv_cells import read_cell, read_table, write_table
from pacslab.grading.gradebook.points import Grade, Mark

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

COLUMNS = ("student", "name", "scenario", "task", "out of", "points", "comment")


def read_marks(path: Path) -> dict[tuple[str, str], dict[str, Mark]]:
    """Return the marks by (student, scenario), then by task; a table that is not there yet holds none.

    Raises
    ------
    CourseError
        If points are no number, with the line; or a column is missing.

    """
    marks: dict[tuple[str, str], dict[str, Mark]] = {}
    rows = read_table(path, "student", "scenario", "task", "points")
    for number, row in enumerate(rows, start=2):
        text = row["points"].strip().replace(",", ".")
        if not text:
            continue
        try:
            points = float(text)
        except ValueError:
            raise CourseError(f"{path}, line {number}: {text!r} is not a number of points", "Correct it.") from None
        key = (read_cell(row["student"]), read_cell(row["scenario"]))
        mark = Mark(points=points, comment=read_cell(row.get("comment", "")))
        marks.setdefault(key, {})[read_cell(row["task"])] = mark
    return marks


def write_marking_table(path: Path, grades: Iterable[Grade]) -> int:
    """Write the table of marks, those that were given kept, and return how many are still missing."""
    rows, missing = [], 0
    for grade in grades:
        for task in grade.written:
            if not task.text:
                continue
            given = task.points is not None
            missing += not given
            points = f"{task.points:g}" if task.points is not None else ""
            rows.append((grade.student, grade.name, grade.scenario, task.id, f"{task.out_of:g}", points, task.comment))
    write_table(path, COLUMNS, rows)
    return missing
