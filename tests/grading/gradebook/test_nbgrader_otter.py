"""Courses that run on nbgrader or otter keep working: proven with the real programs, in a folder of their own."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pacslab.grading.course.course import init_course
from pacslab.grading.course.roster import Student
from pacslab.grading.gradebook.gradebook import Gradebook
from pacslab.grading.gradebook.outputs import as_json
from pacslab.grading.gradebook.points import grade
from pacslab.grading.replay.facts import Replay
from pacslab.notebook import build
from pacslab.scenario import load_scenario
from tests.support.instructor_guide import GUIDE, commands_in
from tests.support.places import ROOT

# What they need beyond the lab's own environment; nothing is installed into that.
PROGRAMS = ["nbgrader==0.9.6", "sqlalchemy", "alembic", "mako", "rapidfuzz", "otter-grader==7.0.0"]
PROGRAMS += ["dill", "fica", "python-on-whales", "python-frontmatter", "ipylab<2", "wrapt<2"]
SOURCE = """# %% [markdown]
# # A lab of one question

# %%
from pacslab import Lab

lab = Lab("open-archive")

# %%
### BEGIN SOLUTION
title = "ARCHIVE"
### END SOLUTION

# %%
lab.check("archive-title", title)
"""
pytestmark = pytest.mark.timeout(900)
ANNA, BEN = Student(id="anna", name="Müller, Anna"), Student(id="ben", name="O'Neil, Ben")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Return a function that runs a Python module with nbgrader and otter beside the lab."""
    folder = tmp_path_factory.mktemp("programs")
    install = ["uv", "pip", "install", "-q", "--no-deps", "--python", sys.executable, "--target", str(folder)]
    subprocess.run([sys.executable, "-m", *install, *PROGRAMS], check=True, timeout=800)
    beside = os.environ.get("PYTHONPATH", "")
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, [beside, str(ROOT / "src"), str(folder)])),
        "PATH": os.pathsep.join([str(folder / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]]),
        "HOME": str(tmp_path_factory.mktemp("home")),
    }

    def run(place, *command, good=True, program=sys.executable):
        result = subprocess.run(
            [program, *map(str, command)],
            cwd=place,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=800,
        )
        assert (result.returncode == 0) is good, result.stdout + result.stderr
        return result.stdout if good else result.stderr

    return run


@pytest.fixture(scope="module")
def nbcourse(run, tmp_path_factory):
    """A course of nbgrader with the labs of the open archive and one of a single question; the latter was handed in."""
    folder = tmp_path_factory.mktemp("nbcourse")
    (folder / "nbgrader_config.py").write_text('c = get_config()\nc.CourseDirectory.course_id = "pacs"\n')
    labs, small = folder / "source" / "open-archive", folder / "source" / "small"
    labs.mkdir(parents=True)
    small.mkdir()
    for path in sorted((ROOT / "instructor" / "solutions").glob("*.ipynb")):
        if 'Lab("open-archive")' in path.read_text("utf-8").replace('\\"', '"'):
            (labs / path.name).write_bytes(path.read_bytes())
    source = folder / "01_small.py"
    source.write_text(SOURCE, encoding="utf-8")
    built = build(source)
    (small / "small.ipynb").write_text(built.instructor, encoding="utf-8")
    for assignment in ("open-archive", "small"):
        run(folder, "-m", "nbgrader", "generate_assignment", assignment, "--create")
    handed_in = folder / "submitted" / "anna" / "small" / "small.ipynb"
    handed_in.parent.mkdir(parents=True)
    handed_in.write_text(built.student, encoding="utf-8")
    return folder


def cells(path):
    """Return the lines of each cell, without the line that nbgrader adds to a stub."""
    sources = ["".join(cell["source"]) for cell in json.loads(path.read_text("utf-8"))["cells"]]
    lines = [[line.rstrip() for line in source.splitlines()] for source in sources]
    return [[line for line in log_line if line and line.strip() != "raise NotImplementedError()"] for log_line in lines]


def test_nbgrader_releases_notebooks_as_shipped(nbcourse):
    released = sorted((nbcourse / "release" / "open-archive").glob("*.ipynb"))
    assert len(released) >= 5
    for path in released:
        assert cells(path) == cells(ROOT / "labs" / path.name), path.name


def test_nbgrader_validates_solved_and_grades_unsolved(nbcourse, run):
    solved = nbcourse / "source" / "small" / "small.ipynb"
    assert "Success" in run(nbcourse, "-m", "nbgrader", "validate", solved)
    run(nbcourse, "-m", "nbgrader", "autograde", "small", "--create")
    assert (nbcourse / "autograded" / "anna" / "small" / "small.ipynb").is_file()


def graded(scenario, course, student, reached):
    answers = {"archive-title": "ARCHIVE", "study-count": "none"} if reached else {}
    replay = Replay(
        key=student.id, sha256="0" * 64, scenario=scenario.id, student=student.id, runtime="process", answers=answers
    )
    return grade(student, scenario, course, replay), replay


def exported(nbcourse, run):
    run(nbcourse, "-m", "nbgrader", "export")
    with (nbcourse / "grades.csv").open(newline="") as file:
        return {(row["assignment"], row["student_id"]): float(row["score"] or 0) for row in csv.DictReader(file)}


def test_nbgrader_gradebook_takes_a_graded_class(nbcourse, run, tmp_path):
    """One command; what the notebook said of itself does not count, and again it changes nothing."""
    scenario = load_scenario("open-archive")
    course = init_course(tmp_path / "course", "pacs", "PACS", ("open-archive",))
    pairs = [graded(scenario, course, ANNA, reached=True), graded(scenario, course, BEN, reached=False)]
    book = Gradebook(course, (ANNA, BEN), tuple(pair for pair, _ in pairs), {}, {pair.key: pair for _, pair in pairs})
    (tmp_path / "results.json").write_text(as_json(book), encoding="utf-8")
    points = pairs[0][0].points
    assert points > 0
    command = ("-m", "pacslab", "course", "nbgrader", tmp_path)
    for _ in range(2):
        told = run(nbcourse, *command, "--json")
        assert json.loads(told) == {"anna": len(scenario.objectives), "ben": len(scenario.objectives)}
        scores = exported(nbcourse, run)
        assert scores["open-archive", "anna"] == points
        assert scores["open-archive", "ben"] == 0
    assert "knows no assignment 'other'" in run(nbcourse, *command, "--assignment", "other", good=False)
    assert "holds no grade of 'cleartext'" in run(nbcourse, *command, "--scenario", "cleartext", good=False)


def test_nbgrader_commands_of_the_guide_work(run, tmp_path):
    """In a new course of nbgrader, from the solved notebooks to its own table of scores."""
    scenario = load_scenario("open-archive")
    course = init_course(tmp_path / "course", "pacs", "PACS", ("open-archive",))
    pairs = [graded(scenario, course, ANNA, reached=True), graded(scenario, course, BEN, reached=False)]
    book = Gradebook(course, (ANNA, BEN), tuple(pair for pair, _ in pairs), {}, {pair.key: pair for pair, _ in pairs})
    place = tmp_path / "nbgrader course"
    (place / "grades").mkdir(parents=True)
    (place / "grades" / "results.json").write_text(as_json(book), encoding="utf-8")
    (place / "instructor").symlink_to(ROOT / "instructor")
    told = [run(place, "-c", line, program="bash") for line in commands_in("With nbgrader")]
    assert told[-2].startswith(f"Set {2 * len(scenario.objectives)} cells of 2 students.")
    assert len(list((place / "release" / "open-archive").glob("*.ipynb"))) == 5
    with (place / "grades.csv").open(newline="") as file:
        table = {row["student_id"]: (float(row["score"]), float(row["max_score"])) for row in csv.DictReader(file)}
    possible = sum(objective.points for objective in scenario.objectives)
    assert table == {"anna": (pairs[0][0].points, possible), "ben": (0, possible)}
    assert f"{possible:g} points for the objectives" in GUIDE


def test_nbgrader_missing_says_what_to_install(tmp_path):
    command = [sys.executable, "-m", "pacslab", "course", "nbgrader", str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert result.returncode == 2
    assert "pip install nbgrader" in result.stderr


OTTER_LAB = """
class lab:
    earned = {answer}.__contains__


{cell}
print(otter.Notebook(tests_dir="tests").check("archive-title", global_env=globals()).grade)
"""


@pytest.mark.parametrize(("reached", "share"), [({"archive-title"}, "1.0"), (set(), "0.0")])
def test_otter_cell_says_whether_an_objective_is_reached(run, tmp_path, reached, share):
    """With the test files and the cell that the guide says."""
    command, cell = commands_in("With otter")
    run(tmp_path, "-c", command, program="bash")
    objectives = {objective.id for objective in load_scenario("open-archive").objectives}
    assert {path.stem for path in (tmp_path / "tests").iterdir()} == objectives
    (tmp_path / "cell.py").write_text(OTTER_LAB.format(answer=repr(reached), cell=cell), encoding="utf-8")
    assert share in run(tmp_path, "cell.py")
