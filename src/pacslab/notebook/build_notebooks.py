"""Build the student's and the instructor's notebook of each lab from a single source.

A source is ``labs/source/NN_name.py``: a Python file in the percent format, with nbgrader's own marks around
solutions. A cell that calls ``lab.check("objective", ...)`` is graded with the objective's points. The instructor's
notebook keeps the marks and gets a hidden test for each graded cell, so it can stand in an nbgrader course's
``source`` folder as it is; the student's is what nbgrader would release.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pacslab.errors import ScenarioError
from pacslab.scenario import load_scenario

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pacslab.scenario import Scenario

STUB = "# YOUR CODE HERE"
SOLUTION = re.compile(r"^([ \t]*)### BEGIN SOLUTION\n.*?^[ \t]*### END SOLUTION *$", re.MULTILINE | re.DOTALL)
HIDDEN = re.compile(r"\n?^[ \t]*### BEGIN HIDDEN TESTS\n.*?^[ \t]*### END HIDDEN TESTS *$", re.MULTILINE | re.DOTALL)
_CHECK = re.compile(r'^lab\.check\("([a-z0-9-]+)"', re.MULTILINE)
_LAB = re.compile(r'\bLab\("([a-z0-9-]+)"')
_KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}


@dataclass(frozen=True)
class Built:
    """One lab's notebooks, as the text of their files."""

    name: str
    student: str
    instructor: str


def sources(folder: Path) -> list[Path]:
    """Return every source of a folder ``labs/source``, in teaching order."""
    return sorted(folder.glob("[0-9][0-9]_*.py"))


def build(source: Path) -> Built:
    """Return the two notebooks of a source.

    Raises
    ------
    ScenarioError
        If a cell checks an objective that the lab's scenario does not have, or one that another cell checks, or is also
        to be filled.

    """
    import jupytext  # type: ignore[import-untyped]  # noqa: PLC0415 - building needs it, running does not

    text = source.read_text(encoding="utf-8")
    named = _LAB.search(text)
    scenario = load_scenario(named.group(1) if named else "open-archive")
    cells = [(cell.cell_type, cell.source) for cell in jupytext.reads(text, fmt="py:percent").cells]
    instructor = list(_instructor_cells(cells, scenario, source))
    student = [{**cell, "source": _released(cell["source"])} for cell in instructor]
    return Built(source.stem, _notebook(student), _notebook(instructor))


def _instructor_cells(cells: list[tuple[str, str]], scenario: Scenario, source: Path) -> Iterator[dict[str, Any]]:
    solutions, graded = 0, set[str]()
    for number, (kind, text) in enumerate(cells):
        cell: dict[str, Any] = {"cell_type": kind, "id": f"{source.stem}-{number:02}".replace("_", "-"), "metadata": {}}
        if kind == "code":
            cell |= {"execution_count": None, "outputs": []}
            checks = _CHECK.findall(text)
            if checks and SOLUTION.search(text):
                raise ScenarioError(
                    f"{source} checks {checks[0]!r} in a cell that is also to be filled",
                    "Check it in a cell of its own: graded cells are locked in a course.",
                )
            if checks:
                points = sum(_points(objective, scenario, source) for objective in checks)
                if graded.intersection(checks):
                    raise ScenarioError(f"{source} checks {checks[0]!r} in two cells", "Check it in one of them.")
                graded.update(checks)
                cell["metadata"] = _grading(f"check-{checks[0]}", points=points)
                lines = [f'assert lab.earned("{objective}")' for objective in checks]
                cell["source"] = "\n".join([text, "### BEGIN HIDDEN TESTS", *lines, "### END HIDDEN TESTS"])
            elif SOLUTION.search(text):
                solutions += 1
                cell["metadata"] = _grading(f"answer-{solutions}")
        yield {"source": text, **cell}


def _points(objective: str, scenario: Scenario, source: Path) -> int:
    try:
        return scenario.objective(objective).points
    except KeyError:
        known = ", ".join(objective.id for objective in scenario.objectives)
        raise ScenarioError(
            f"{source} checks {objective!r}, which is no objective of {scenario.id!r}", f"Its objectives are: {known}."
        ) from None


def _grading(grade_id: str, points: int | None = None) -> dict[str, Any]:
    """Return nbgrader's metadata (schema 3): of a graded, locked cell with points, or of a cell to fill."""
    graded = points is not None
    common = {"grade": graded, "grade_id": grade_id, "locked": graded, "schema_version": 3, "solution": not graded}
    return {"nbgrader": common | {"task": False} | ({"points": points} if graded else {})}


def _released(text: str) -> str:
    """Return a cell as students get it: a stub instead of each solution, no hidden test."""
    return SOLUTION.sub(rf"\1{STUB}", HIDDEN.sub("", text))


def _notebook(cells: list[dict[str, Any]]) -> str:
    lines = [{**cell, "source": cell["source"].splitlines(keepends=True)} for cell in cells]
    content = {
        "cells": [dict(sorted(cell.items())) for cell in lines],
        "metadata": {"kernelspec": _KERNEL, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def targets(root: Path, built: Built) -> dict[Path, str]:
    """Return the paths of a lab's notebooks in a checkout, with their contents."""
    return {
        root / "labs" / f"{built.name}.ipynb": built.student,
        root / "instructor" / "solutions" / f"{built.name}.ipynb": built.instructor,
    }


def stale(root: Path) -> dict[Path, str | None]:
    """Return every notebook of a checkout that differs from its source, with its new text; None without a source."""
    wanted: dict[Path, str] = {}
    for source in sources(root / "labs" / "source"):
        wanted |= targets(root, build(source))
    found = [*(root / "labs").glob("*.ipynb"), *(root / "instructor" / "solutions").glob("*.ipynb")]
    strays: dict[Path, str | None] = {path: None for path in found if path not in wanted}
    old = {path: text for path, text in wanted.items() if not path.exists() or path.read_text("utf-8") != text}
    return {**old, **strays}


def write_notebooks(root: Path) -> list[Path]:
    """Bring every notebook of a checkout up to date and return those that changed."""
    changed = stale(root)
    for path, text in changed.items():
        if text is None:
            path.unlink()
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    return sorted(changed)
