"""Write a graded class: tables, pages, and all of it as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pacslab.grading.gradebook.gradebook import MARKING
from pacslab.grading.gradebook.html import write_pages
from pacslab.grading.gradebook.lms_tables import write_canvas, write_gradebook, write_moodle, write_nbgrader
from pacslab.grading.gradebook.marking import write_marking_table

if TYPE_CHECKING:
    from pathlib import Path

    from pacslab.grading.gradebook.gradebook import Gradebook


def write_outputs(folder: Path, book: Gradebook) -> int:
    """Write the gradebook, the platforms' files, the pages and ``results.json``; return how many marks are missing."""
    folder.mkdir(parents=True, exist_ok=True)
    write_gradebook(folder / "gradebook.csv", book)
    write_canvas(folder / "canvas.csv", book)
    write_moodle(folder / "moodle.csv", book)
    write_nbgrader(folder / "nbgrader.csv", book)
    missing = write_marking_table(folder / MARKING, book.counting())
    write_pages(folder, book, MARKING)
    (folder / "results.json").write_text(as_json(book), encoding="utf-8")
    return missing


def as_json(book: Gradebook) -> str:
    """Return every grade, finding and report as JSON; the course's secret is no part of it."""
    content = {
        "schema_version": 1,
        "course": book.course.model_dump(mode="json"),
        "grades": [
            {**grade.model_dump(mode="json"), "points": grade.points, "out_of": grade.out_of, "percent": grade.percent}
            for grade in book.grades
        ],
        "replays": {key: replay.model_dump(mode="json") for key, replay in sorted(book.replays.items())},
        "strays": book.strays,
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"
