"""The two notebooks of a lab: built from one source, current, the same each time, and fit for an nbgrader course."""

import json
import re

import nbformat
import pytest

from pacslab.errors import ScenarioError
from pacslab.notebook.build_notebooks import build, sources, stale, targets, write_notebooks
from pacslab.scenario import load_scenario, scenario_ids
from tests.support.places import ROOT

SOURCES = sources(ROOT / "labs" / "source")
EACH = pytest.mark.parametrize("source", SOURCES, ids=[source.stem for source in SOURCES])

SMALL = '''# %% [markdown]
# # A lab

# %%
lab = Lab("open-archive")

# %%
def counted(patients):
    """Count them."""
    ### BEGIN SOLUTION
    return len(patients)
    ### END SOLUTION

# %%
lab.check("patient-count", counted([]))
'''


def cells(text):
    notebook = nbformat.reads(text, as_version=4)
    nbformat.validate(notebook)
    return notebook.cells


def source_of(folder, text=SMALL):
    path = folder / "labs" / "source" / "01_small.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_notebooks_of_this_checkout_are_current():
    found = [str(path.relative_to(ROOT)) for path in stale(ROOT)]
    assert found == [], "run 'make notebooks' and commit what it writes"


def test_notebooks_of_a_course_are_there():
    assert {
        "00_start_here",
        "01_discover",
        "02_dicom_network",
        "03_take_over",
        "04_eavesdrop",
        "05_harden",
        "06_deidentify",
    } <= {source.stem for source in SOURCES}


@EACH
def test_notebooks_built_twice_have_the_same_bytes(source):
    assert build(source) == build(source)


@EACH
def test_notebook_of_a_student_has_no_solution_and_no_output(source):
    student = build(source).student
    assert not re.search(r"BEGIN|END (SOLUTION|HIDDEN)|session\.key|answer_key", student)
    for cell in cells(student):
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None


@EACH
def test_notebook_cell_to_fill_says_so_and_runs(source):
    filled = [cell for cell in cells(build(source).student) if cell.metadata.get("nbgrader", {}).get("solution")]
    assert filled
    for cell in filled:
        assert "# YOUR CODE HERE" in cell.source
        compile(cell.source, cell.id, "exec")


@EACH
def test_notebooks_of_student_and_instructor_have_equal_cells(source):
    built = build(source)
    student, instructor = cells(built.student), cells(built.instructor)
    assert [(cell.id, cell.metadata) for cell in student] == [(cell.id, cell.metadata) for cell in instructor]
    assert len({cell.id for cell in student}) == len(student)


def test_notebook_links_lead_to_something():
    told = [cell.source for source in SOURCES for cell in cells(build(source).student) if cell.cell_type == "markdown"]
    links = {link for text in told for link in re.findall(r"\]\(([^)#]+)\)", text)}
    assert len(links) >= len(SOURCES)
    assert [link for link in sorted(links) if not (ROOT / "labs" / link).is_file()] == []


def test_notebook_objectives_are_each_asked_in_one_lab():
    asked = [
        cell.metadata.nbgrader.grade_id.removeprefix("check-")
        for source in SOURCES
        if 'Lab("open-archive")' in source.read_text(encoding="utf-8")
        for cell in cells(build(source).student)
        if cell.metadata.get("nbgrader", {}).get("grade")
    ]
    objectives = [objective.id for objective in load_scenario("open-archive").objectives]
    assert sorted(asked) == sorted(objectives)
    assert "open-archive" in scenario_ids()


def test_notebook_metadata_is_read_by_nbgrader(tmp_path):
    _, _, answer, check = cells(build(source_of(tmp_path)).student)
    common = {"schema_version": 3, "task": False}
    assert answer.metadata.nbgrader == {
        **common,
        "grade": False,
        "grade_id": "answer-1",
        "locked": False,
        "solution": True,
    }
    assert check.metadata.nbgrader == {
        **common,
        "grade": True,
        "grade_id": "check-patient-count",
        "locked": True,
        "points": 5,
        "solution": False,
    }


def test_notebook_solution_in_a_function_leaves_a_function(tmp_path):
    built = build(source_of(tmp_path))
    assert cells(built.student)[2].source == 'def counted(patients):\n    """Count them."""\n    # YOUR CODE HERE'
    assert "    return len(patients)" in cells(built.instructor)[2].source


def test_notebook_of_the_instructor_fails_without_points(tmp_path):
    check = cells(build(source_of(tmp_path)).instructor)[3].source
    assert check.endswith('### BEGIN HIDDEN TESTS\nassert lab.earned("patient-count")\n### END HIDDEN TESTS')


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (SMALL.replace("patient-count", "patient-cuont"), "'patient-cuont', which is no objective of 'open-archive'"),
        (SMALL + '\n# %%\nlab.check("patient-count", 3)\n', "checks 'patient-count' in two cells"),
        (SMALL.replace("\n\n# %%\nlab.check", "\nlab.check"), "in a cell that is also to be filled"),
    ],
)
def test_notebook_check_that_cannot_be_graded_is_refused(tmp_path, text, words):
    with pytest.raises(ScenarioError, match=words):
        build(source_of(tmp_path, text))


def test_notebook_without_source_goes_and_stale_is_found(tmp_path):
    source = source_of(tmp_path)
    assert write_notebooks(tmp_path) == sorted(targets(tmp_path, build(source)))
    assert stale(tmp_path) == {}
    (tmp_path / "labs" / "09_left_over.ipynb").write_text(json.dumps({}), encoding="utf-8")
    source_of(tmp_path, SMALL.replace("# A lab", "# A better lab"))
    changed = {path.relative_to(tmp_path).as_posix() for path in write_notebooks(tmp_path)}
    assert changed == {"labs/01_small.ipynb", "instructor/solutions/01_small.ipynb", "labs/09_left_over.ipynb"}
    assert not (tmp_path / "labs" / "09_left_over.ipynb").exists()
