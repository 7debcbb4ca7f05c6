"""A class of 60: every grade is the one that follows from how the submission was made, and hostile ones change nothing.

Each of the class's students differs in one thing, so a grader that misses anything, or punishes anything else, is seen.
"""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from multiprocessing import forkserver

import pytest

from pacslab.grading.gradebook import gradebook
from pacslab.grading.gradebook.gradebook import GradingRequest, grade_class
from pacslab.grading.replay.collect import gather
from pacslab.grading.selftest.sample_submissions import submission_profiles
from pacslab.pacs import ready_runtimes
from tests.support.hostile_submissions import CONFIGURATIONS, SANDBOXED, hostile_profiles
from tests.support.hostile_zips import ZIPS
from tests.support.submissions import Class, everything_but_time, seen_of

# What needs the sandbox is graded in test_a_class_in_containers.py.
HOSTILE = [name for name in hostile_profiles() if name not in {profile.name for profile in SANDBOXED}]
SAMPLE = ["perfect", "everything as shipped", "titles believed", "DICOM switched off", "leak: picture", "a quine"]

_CRASHING_READER = """
import os, sys, threading, time


def wait():
    name = "pacslab.grading.replay.replay"
    while name not in sys.modules or not hasattr(sys.modules[name], "replay"):
        time.sleep(0.005)
    module = sys.modules[name]
    honest = module.audit_study

    def audit_study(output, key, study):
        if key.student == "s01":
            os.kill(os.getpid(), 11)
        return honest(output, key, study)

    module.audit_study = audit_study


threading.Thread(target=wait, daemon=True).start()
"""

pytestmark = pytest.mark.timeout(1500)


@pytest.fixture(scope="module")
def big(tmp_path_factory):
    return Class(tmp_path_factory.mktemp("big"), [*submission_profiles(), *HOSTILE])


@pytest.fixture(scope="module")
def graded(big):
    return big.grade("process")


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return Class(tmp_path_factory.mktemp("small"), SAMPLE)


def test_class_grades_follow_from_the_submissions(big, graded):
    assert big.wrong(graded) == {}
    assert graded.certain
    assert len(graded.counting()) == len(big.roster)
    assert not graded.strays
    assert str(big.folder) not in everything_but_time(graded), "where the grader keeps its files is nobody's business"
    lateness = {"an hour late": 0.9, "two days late": 0.8, "a month late": 0.0}
    for grade in graded.counting():
        name = big.made[grade.student].profile.name
        assert grade.late_factor == pytest.approx(lateness.get(name, 1.0)), name
        assert grade.points == pytest.approx(sum(big.made[grade.student].points.values()) * grade.late_factor)


def test_class_broken_submission_says_why(big, graded):
    for grade in graded.counting():
        profile = big.made[grade.student].profile
        if not profile.readable:
            assert grade.state == "broken", profile.name
            assert grade.problems
            assert all(objective.message for objective in grade.objectives)
        elif profile.name in CONFIGURATIONS:
            assert grade.state == "partly broken"
            assert any(option in grade.problems[0] for option in CONFIGURATIONS[profile.name])
        elif not profile.started:
            assert grade.state == "partly broken", profile.name
            assert len(grade.problems[0]) > 20
    states = Counter(grade.state for grade in graded.counting())
    assert states["broken"] == len(ZIPS)
    assert states["partly broken"] > len(CONFIGURATIONS)


def test_class_leaves_nothing_running_and_nothing_outside(big, graded):
    assert graded.replayed
    assert big.left_by() == []


def test_class_graded_again_replays_nothing(big, graded):
    again = big.grade("process")
    assert again.replayed == 0
    assert everything_but_time(again) == everything_but_time(graded)


@pytest.mark.parametrize("hostile", [False, True], ids=["honest ones alone", "hostile ones alone"])
def test_class_graded_anew_in_another_order_is_the_same(big, graded, hostile, tmp_path, monkeypatch):
    """Neither who else is graded beside them, nor the order, nor the second time changes anything."""
    again = [member.id for member in big.roster if (big.made[member.id].profile.name in HOSTILE) is hostile][::3]
    submissions = tmp_path / "in"
    submissions.mkdir()
    for path in (big.made[student_id].path for student_id in again):
        if path.is_fifo():
            os.mkfifo(submissions / path.name)
        else:
            shutil.copyfile(path, submissions / path.name, follow_symlinks=False)
    monkeypatch.setattr(gradebook, "gather", lambda *what: gather(*what)[::-1])
    book = grade_class(GradingRequest(submissions, big.course, big.roster, tmp_path / "grades", runtime="process"))
    assert book.replayed == sum(bool(grade.key) for grade in book.counting() if grade.student in again) > 5
    assert seen_of(book, again) == seen_of(graded, again)


def test_class_with_other_points_replays_nothing(big, graded):
    course = big.course.model_copy(
        update={
            "hints": big.course.hints.model_copy(update={"cost": 2.5}),
            "scenarios": (big.course.scenarios[0].model_copy(update={"points": {"close-web": 50.0}}),),
        }
    )
    book = big.grade("process", course=course)
    assert book.replayed == 0
    names = {big.made[student_grade.student].profile.name: student_grade for student_grade in book.counting()}
    before = {big.made[student_grade.student].profile.name: student_grade for student_grade in graded.counting()}
    assert names["perfect"].points == before["perfect"].points + 40
    assert names["with hints"].points == before["with hints"].points + 40 - 9
    assert names["no password"].points == before["no password"].points


@pytest.fixture
def fresh_workers():
    """Let workers be copies of a program that begins anew, in the environment of the test, and ends with it."""
    forkserver._forkserver._stop()
    yield
    forkserver._forkserver._stop()


@pytest.mark.usefixtures("fresh_workers")
def test_class_file_that_crashes_its_reader_costs_its_part(small, monkeypatch, tmp_path):
    """A parser that crashes takes the worker with it: the server's points stay, and the others' grades."""
    (tmp_path / "sitecustomize.py").write_text(_CRASHING_READER)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    book = small.grade("process", to="grades-crash")
    grades = {student_grade.student: student_grade for student_grade in book.counting()}
    assert grades["s01"].state == "partly broken"
    assert "reading the de-identified files ended the program" in grades["s01"].problems[0]
    assert {objective.id for objective in grades["s01"].objectives if not objective.points} == {
        objective.id
        for objective in grades["s01"].objectives
        if objective.id.startswith("deid-")  # the release is an answer
    }
    wrong = small.wrong(book)
    assert all(name.startswith("perfect: deid") for name in wrong)


@pytest.mark.usefixtures("fresh_workers")
def test_class_without_workers_is_the_labs_failure(small, monkeypatch, tmp_path):
    (tmp_path / "sitecustomize.py").write_text("import gc, os\ngc.freeze = lambda: os._exit(3)\n")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    book = small.grade("process", to="grades-none")
    readable = [
        student_grade for student_grade in book.counting() if small.made[student_grade.student].profile.readable
    ]
    assert {submission.state for submission in readable} == {"grade again"}
    assert all("before it looked at this one" in submission.problems[0] for submission in readable)
    assert not book.certain
    assert not list((small.folder / "grades-none").glob("replays/*.json"))


def test_class_submission_that_takes_too_long_is_given_up(small):
    book = small.grade("process", to="grades-short", limit=0.5, workers=2)
    assert {student_grade.state for student_grade in book.counting()} <= {"broken", "partly broken", "grade again"}
    assert any("took longer than" in problem for student_grade in book.counting() for problem in student_grade.problems)
    assert not list((small.folder / "grades-short").glob("replays/*.json"))


def test_class_interrupted_leaves_nothing_and_resumes(small, tmp_path):
    """The command is ended from outside after the first result; the second run replays only what is missing."""
    roster = tmp_path / "roster.csv"
    roster.write_text("student\n" + "\n".join(student.id for student in small.roster) + "\n", encoding="utf-8")
    to = tmp_path / "grades"
    command = [sys.executable, "-m", "pacslab", "grade", str(small.submissions), "--course", str(small.course.folder)]
    command += ["--roster", str(roster), "--to", str(to), "--runtime", "process", "--workers", "1", "--json"]
    first = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 240
    while not list(to.glob("replays/*.json")) and time.monotonic() < deadline and first.poll() is None:
        time.sleep(0.05)
    first.send_signal(signal.SIGTERM)
    first.communicate(timeout=120)
    assert first.returncode == 130
    kept = {path.name for path in to.glob("replays/*.json")}
    assert 0 < len(kept) < 5
    lab = hashlib.sha256(str((to / "scratch" / "0" / "state").resolve()).encode()).hexdigest()[:12]
    assert all(not runtime.deployments(lab) for runtime in ready_runtimes())
    second = subprocess.run(command, capture_output=True, text=True, check=False, timeout=400)
    assert second.returncode == 0, second.stderr
    assert f'"replayed": {5 - len(kept)}' in second.stdout
    assert (to / "gradebook.csv").is_file()
