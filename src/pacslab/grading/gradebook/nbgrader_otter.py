"""For courses that run on nbgrader or otter: our result becomes theirs, cell by cell.

nbgrader: the released notebooks' graded cells are called ``check-<objective>``. :func:`apply_to_nbgrader` writes what
was achieved as the cells' manual scores, which nbgrader counts instead of what a student's notebook says of itself;
``pacslab course nbgrader`` does so with a graded class.

otter: :func:`otter_test` gives the file of one test, and one cell of the notebook runs it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pacslab.errors import CourseError
from pacslab.grading.gradebook.points import Grade

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pacslab.scenario import Scenario

PREFIX = "check-"


def nbgrader_scores(grade: Grade) -> dict[str, float]:
    """Return the points of each graded cell by its name, lateness taken off as nbgrader has no cell for it."""
    return {f"{PREFIX}{objective.id}": round(objective.points * grade.late_factor, 4) for objective in grade.objectives}


def apply_to_nbgrader(grades: Iterable[Grade], gradebook: Any, assignment: str) -> dict[str, int]:
    """Write grades into an nbgrader gradebook, and return how many cells were set for each student.

    Parameters
    ----------
    grades
        The grades that count (``Gradebook.counting()``).
    gradebook
        An open ``nbgrader.api.Gradebook`` that knows the assignment, which must have been generated before.
    assignment
        What the assignment is called there.

    """
    cells_set = {}
    for grade in grades:
        scores = nbgrader_scores(grade)
        gradebook.update_or_create_student(grade.student)
        submission = gradebook.update_or_create_submission(assignment, grade.student)
        if grade.sent is not None:
            submission.timestamp = grade.sent.replace(tzinfo=None)
        count = 0
        for notebook in submission.notebooks:
            for cell in notebook.grades:
                if cell.name in scores:
                    cell.manual_score = min(scores[cell.name], cell.max_score)
                    cell.needs_manual_grade = False
                    count += 1
            notebook.needs_manual_grade = False
        gradebook.db.commit()
        cells_set[grade.student] = count
    return cells_set


def write_to_nbgrader(grades: Path, database: str, assignment: str, scenario: str) -> dict[str, int]:
    """Write a graded class into nbgrader's gradebook, and return how many cells were set for each student.

    Parameters
    ----------
    grades
        The folder that ``pacslab grade`` wrote.
    database
        Where nbgrader keeps its gradebook, such as ``sqlite:///gradebook.db``.
    assignment, scenario
        What the assignment is called there, and whose grades it gets.

    Raises
    ------
    CourseError
        If nbgrader is not installed, it does not know the assignment or none of its cells is the scenario's, or nothing
        was graded yet.

    """
    try:
        from nbgrader.api import (  # type: ignore[import-not-found]  # noqa: PLC0415 - few courses run on it
            Gradebook,
            MissingEntry,
        )
    except ImportError:
        raise CourseError(
            "nbgrader is not installed beside the lab", "Install it there: python -m pip install nbgrader."
        ) from None
    counting = [grade for grade in _read_grades(grades) if grade.counts and grade.scenario == scenario]
    if not counting:
        raise CourseError(f"{grades} holds no grade of {scenario!r}", "Name the scenario that was graded.")
    with Gradebook(database) as gradebook:
        try:
            gradebook.find_assignment(assignment)
        except MissingEntry:
            raise CourseError(
                f"nbgrader's gradebook {database} knows no assignment {assignment!r}",
                f"Make it first: nbgrader generate_assignment {assignment} --create.",
            ) from None
        cells_set = apply_to_nbgrader(counting, gradebook, assignment)
    if not any(cells_set.values()):
        raise CourseError(
            f"no cell of the assignment {assignment!r} belongs to {scenario!r}",
            "Put the scenario's notebooks of instructor/solutions into the assignment's source folder.",
        )
    return cells_set


def _read_grades(folder: Path) -> list[Grade]:
    try:
        content = json.loads((folder / "results.json").read_text(encoding="utf-8"))
        return [Grade.model_validate(grade) for grade in content["grades"]]
    except (OSError, ValueError, KeyError, TypeError):
        raise CourseError(f"{folder} holds no graded class", "Run 'pacslab grade' first, and give its --to.") from None


_OTTER = '''\
"""{title}: reached on the student's own server or files; the course's grade replays it."""

from otter.test_files import test_case

OK_FORMAT = False

name = "{name}"
points = {points}


@test_case(points={points}, hidden=False)
def test_reached(lab):
    assert lab.earned("{name}"), "not reached yet: the lab's own check says why"
'''


def otter_test(scenario: Scenario, objective_id: str) -> str:
    """Return the text of an otter test file for one objective: ``tests/<objective>.py`` beside the notebook.

    The cell that runs it is ``grader.check("<objective>")``; otter gives the test the notebook's ``lab``.

    Raises
    ------
    KeyError
        If the scenario has no such objective.

    """
    objective = scenario.objective(objective_id)
    title = objective.title.replace("\\", " ").replace('"', "'")
    return _OTTER.format(title=title, name=objective.id, points=objective.points)


def write_otter_tests(folder: Path, scenario: Scenario) -> list[Path]:
    """Write the test file of each objective into a folder, and return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for objective in scenario.objectives:
        path = folder / f"{objective.id}.py"
        path.write_text(otter_test(scenario, objective.id), encoding="utf-8")
        written.append(path)
    return written
