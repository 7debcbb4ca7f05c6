"""A course of every scenario: the reference fix of each, handed in and replayed, earns all that is measured."""

import pytest

from pacslab.grading.course.course import init_course
from pacslab.grading.course.roster import Student
from pacslab.grading.gradebook.gradebook import GradingRequest, grade_class
from pacslab.grading.selftest.sample_submissions import SubmissionProfile, make_submission
from pacslab.scenario import scenario_ids

pytestmark = pytest.mark.timeout(900)
ANNA = Student(id="anna", name="Anna")


@pytest.mark.docker
def test_reference_fix_of_every_scenario_earns_everything(tmp_path):
    """What needs Lua goes to the sandbox by itself; everything else runs as processes."""
    course = init_course(tmp_path / "course", "all", "All", tuple(scenario_ids()))
    (tmp_path / "in").mkdir()
    for scenario in scenario_ids():
        make_submission(course, ANNA, SubmissionProfile("perfect"), tmp_path / "in", scenario)
    book = grade_class(GradingRequest(tmp_path / "in", course, (ANNA,), tmp_path / "grades", runtime="process"))
    assert book.certain
    lost = {
        f"{grade.scenario}: {objective.id}": (objective.message, *objective.reasons, *grade.problems)
        for grade in book.counting()
        for objective in grade.objectives
        if objective.points != objective.out_of
    }
    assert lost == {}
    assert {grade.scenario for grade in book.counting()} == set(scenario_ids())
