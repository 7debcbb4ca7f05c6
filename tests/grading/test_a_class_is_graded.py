"""A class of 60: every grade is the one that follows from how the submission was made, and hostile ones change nothing.

Each of the class's students differs in one thing, so a grader that misses anything, or punishes anything else, is seen.
"""

import hashlib
import os
import signal
import subprocess
import sys
import time
from multiprocessing import forkserver
from pathlib import Path

import pytest

from pacslab.grading.classroom import manners
from pacslab.grading.gradebook import grade_class
from pacslab.grading.hostile import CONFIGURATIONS, DICOM, HARMLESS, ZIPS
from pacslab.pacs.choosing import ready_runtimes
from pacslab.pacs.ending import lab_id

from .classes import Class, everything_but_time, points_of

# Each ZIP file and each configuration of these kinds is also refused in a test of its own, without a server.
HOSTILE = [
    *(name for name in ZIPS if name not in {"a bomb that says so", "a pipe instead of a file"}),
    *HARMLESS,
    *(f"hides {name}" for name in DICOM),
    "loads a plugin",
    "names /etc/passwd as certificate",
    "points at another host",
    "asks for 10,000 threads",
    "a handover with code",
    "a handover of many brackets",
    "a handover that unfolds",
]
SAMPLE = ["perfect", "everything as shipped", "titles believed", "DICOM switched off", "leak: picture", "a quine"]

_CRASHING_READER = """
import os, sys, threading, time


def wait():
    name = "pacslab.grading.replay"
    while name not in sys.modules or not hasattr(sys.modules[name], "replay"):
        time.sleep(0.005)
    module = sys.modules[name]
    honest = module.audit

    def audit(output, key, study):
        if key.student == "s01":
            os.kill(os.getpid(), 11)
        return honest(output, key, study)

    module.audit = audit


threading.Thread(target=wait, daemon=True).start()
"""

pytestmark = pytest.mark.timeout(1500)


@pytest.fixture(scope="module")
def big(tmp_path_factory):
    names = [*manners(), *HOSTILE]
    assert len(names) >= 60
    return Class(tmp_path_factory.mktemp("big"), names)


@pytest.fixture(scope="module")
def graded(big):
    book = big.grade("process")
    assert not list(Path("/tmp").glob("pacslab-outside*"))
    return book


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return Class(tmp_path_factory.mktemp("small"), SAMPLE)


def test_every_grade_is_the_one_that_follows_from_how_the_work_was_made(big, graded):
    assert big.wrong(graded) == {}
    assert graded.certain
    assert len(graded.counting()) == len(big.roster)
    assert not graded.strays
    lateness = {"an hour late": 0.9, "two days late": 0.8, "a month late": 0.0}
    for one in graded.counting():
        name = big.made[one.student].manner.name
        assert one.late_factor == pytest.approx(lateness.get(name, 1.0)), name
        assert one.points == pytest.approx(sum(big.made[one.student].points.values()) * one.late_factor)


def test_what_is_broken_says_why(big, graded):
    for one in graded.counting():
        manner = big.made[one.student].manner
        if not manner.readable:
            assert one.state == "broken", manner.name
            assert one.problems
            assert all(objective.message for objective in one.objectives)
        elif manner.name in CONFIGURATIONS:
            assert one.state == "partly broken"
            assert any(option in one.problems[0] for option in CONFIGURATIONS[manner.name])


def test_nothing_is_left_running_or_lying_about(big, graded):
    assert graded.replayed
    assert not (big.folder / "grades" / "scratch").exists()
    for number in range(8):
        lab = lab_id((big.folder / "grades" / "scratch" / str(number) / "state").resolve())
        assert all(not runtime.deployments(lab) for runtime in ready_runtimes())


def test_graded_again_nothing_is_replayed_and_nothing_changes(big, graded):
    again = big.grade("process")
    assert again.replayed == 0
    assert everything_but_time(again) == everything_but_time(graded)


def test_hostile_neighbours_change_no_grade(big, graded, tmp_path):
    """The same honest submissions graded with no hostile ones beside them, anew: the same to the point."""
    names = {"perfect", "web switched off", "leak: date"}
    alone = [one for one in big.roster if big.made[one.id].manner.name in names]
    for one in alone:
        (tmp_path / big.made[one.id].path.name).write_bytes(big.made[one.id].path.read_bytes())
    book = grade_class(tmp_path, big.course, tuple(alone), tmp_path / "grades", runtime="process")
    assert book.replayed == len(names)
    beside = points_of(graded)
    assert not list(tmp_path.parent.glob("outside*"))
    assert points_of(book) == {one.id: beside[one.id] for one in alone}


def test_a_sample_in_each_runtime_is_graded_alike(small, runtime):
    book = small.grade(runtime, to=f"grades-{runtime}")
    assert small.wrong(book) == {}
    assert book.certain
    assert {one.runtime for one in book.replays.values()} == {runtime}


@pytest.mark.slow
@pytest.mark.docker
@pytest.mark.skipif(not os.environ.get("PACSLAB_SLOW"), reason="takes ten minutes (set PACSLAB_SLOW=1)")
def test_the_whole_class_in_containers(big):
    book = big.grade("docker", to="grades-docker")
    assert big.wrong(book) == {}


def test_other_points_replay_nothing(big, graded):
    course = big.course.model_copy(
        update={
            "hints": big.course.hints.model_copy(update={"cost": 2.5}),
            "scenarios": (big.course.scenarios[0].model_copy(update={"points": {"close-web": 50.0}}),),
        }
    )
    course._folder = big.course.folder
    book = big.grade("process", course=course)
    assert book.replayed == 0
    names = {big.made[one.student].manner.name: one for one in book.counting()}
    before = {big.made[one.student].manner.name: one for one in graded.counting()}
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
def test_a_file_that_ends_its_reader_costs_only_its_own_part(small, monkeypatch, tmp_path):
    """A parser that crashes takes the worker with it: the server's points stay, and the others' grades."""
    (tmp_path / "sitecustomize.py").write_text(_CRASHING_READER)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    book = small.grade("process", to="grades-crash")
    grades = {one.student: one for one in book.counting()}
    assert grades["s01"].state == "partly broken"
    assert "reading the de-identified files ended the program" in grades["s01"].problems[0]
    assert {one.id for one in grades["s01"].objectives if not one.points} == {
        one.id
        for one in grades["s01"].objectives
        if one.id.startswith("deid-")  # the release is an answer
    }
    wrong = small.wrong(book)
    assert all(name.startswith("perfect: deid") for name in wrong)


def test_one_that_takes_too_long_is_given_up(small):
    book = small.grade("process", to="grades-short", limit=0.01, workers=2)
    assert {one.state for one in book.counting()} <= {"broken", "partly broken"}
    assert any("took longer than" in problem for one in book.counting() for problem in one.problems)
    assert not list((small.folder / "grades-short").glob("replays/*.json"))


def test_interrupted_it_leaves_nothing_and_goes_on_where_it_was(small, tmp_path):
    """The command is ended from outside after the first result; the second run replays only what is missing."""
    roster = tmp_path / "roster.csv"
    roster.write_text("student\n" + "\n".join(one.id for one in small.roster) + "\n", encoding="utf-8")
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
