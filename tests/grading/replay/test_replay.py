"""One submission replayed: where it runs, what is refused, and that nothing of it stays."""

import dataclasses
import os
import threading
from pathlib import Path

import pytest

from pacslab.grading.course.roster import Student
from pacslab.grading.gradebook.points import grade
from pacslab.grading.replay import replay as replaying
from pacslab.grading.replay.disk_guard import DiskGuard, room_taken
from pacslab.grading.replay.facts import replay_key
from pacslab.grading.replay.replay import ReplayJob, replay
from pacslab.grading.replay.unpack import read_submission
from pacslab.grading.selftest.sample_submissions import SubmissionProfile, make_submission
from pacslab.pacs import lab_id, ready_runtimes
from pacslab.scenario import load_scenario, make_variant
from tests.support.hostile_submissions import CONFIGURATIONS, FILLS_THE_DISK, hostile_profiles

ANNA = Student(id="anna", name="Anna")
LUA = SubmissionProfile("runs Lua", options={"ExecuteLuaEnabled": True})


@pytest.fixture
def replayed(course, places):
    """Return a function that replays a submission made by a profile, in the process runtime."""

    def run(profile, **changes):
        path = make_submission(course, ANNA, profile, places).path
        variant = make_variant("open-archive", "anna", course.course_key())
        job = ReplayJob(read_submission(path), variant, key="key", runtime="process", **changes)
        result = replay(job, places / "scratch")
        assert not (places / "scratch").exists()
        lab = lab_id((places / "scratch" / "state").resolve())
        assert all(not runtime.deployments(lab) for runtime in ready_runtimes())
        return result

    return run


@pytest.mark.docker
def test_replay_of_code_runs_in_the_sandbox(replayed):
    result = replayed(LUA)
    assert result.runtime == "docker"
    assert result.assessment is not None
    assert result.server_problem == ""
    assert not result.assessment.broken


@pytest.mark.docker
def test_replay_of_a_script_that_fills_the_disk_is_refused(replayed, monkeypatch):
    monkeypatch.setattr(replaying, "sandbox_ready", lambda: True)
    passwords = Path("/etc/passwd").read_bytes()
    result = replayed(FILLS_THE_DISK)
    assert result.assessment is None
    assert "evil.lua uses 'os'" in result.server_problem
    assert Path("/etc/passwd").read_bytes() == passwords
    assert not list(Path("/tmp").glob("pacslab-outside*"))


def test_replay_server_that_takes_too_much_disk_is_ended(replayed, monkeypatch):
    """Its index alone is more than this limit."""
    monkeypatch.setattr(replaying, "_MOST_WRITTEN", 1 << 10)
    monkeypatch.setattr("pacslab.grading.replay.disk_guard._PAUSE", 0.01)
    result = replayed(SubmissionProfile("perfect", leak="nothing"))
    assert result.assessment is None
    assert "wrote more than" in result.server_problem
    assert result.failure == ""


def test_replay_server_that_writes_without_end_is_ended(tmp_path):
    ended = threading.Event()
    with DiskGuard(tmp_path, 1 << 20, ended.set) as guard:
        (tmp_path / "shared").write_bytes(bytes(4 << 20))
        os.link(tmp_path / "shared", tmp_path / "beside")
        assert room_taken(tmp_path) == 0
        (tmp_path / "own").write_bytes(bytes(2 << 20))
        assert ended.wait(60)
    assert guard.tripped


@pytest.mark.parametrize("kind", [name for name in hostile_profiles() if name.startswith("a handover with code as ")])
def test_replay_runs_no_code_of_a_handover_field(replayed, monkeypatch, kind):
    monkeypatch.setattr(replaying, "_audit", lambda *_: None)
    result = replayed(dataclasses.replace(hostile_profiles()[kind], leak="nothing"))
    assert result.server_problem
    assert result.assessment is None
    assert result.answers


def test_replay_without_a_sandbox_refuses_and_counts_the_rest(replayed, monkeypatch, course):
    monkeypatch.setattr(replaying, "sandbox_ready", lambda: False)
    result = replayed(LUA)
    assert result.assessment is None
    assert "ExecuteLuaEnabled runs code" in result.server_problem
    assert "no engine answers" in result.server_problem
    points = {
        objective.stage: 0.0 for objective in grade(ANNA, load_scenario("open-archive"), course, result).objectives
    }
    for objective in grade(ANNA, load_scenario("open-archive"), course, result).objectives:
        points[objective.stage] += objective.points
    assert points["harden"] == 0
    assert points["deidentify"] > 0
    assert points["read"] > 0


@pytest.mark.parametrize("kind", ["loads a plugin", "points at another host", "takes another port"])
def test_replay_refused_starts_no_server(replayed, monkeypatch, kind):
    def start(*_):
        raise AssertionError("a server was started")

    monkeypatch.setattr(replaying.Deployment, "start", start)
    result = replayed(SubmissionProfile(kind, options=CONFIGURATIONS[kind], started=False))
    assert result.server_problem
    assert result.assessment is None
    assert result.reports


def test_replay_fault_of_the_grader_costs_no_points(replayed, monkeypatch, course):
    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(replaying, "replayable", fail)
    result = replayed(SubmissionProfile("perfect", leak="nothing"))
    assert "No space left" in result.failure
    assert not result.certain
    assert grade(ANNA, load_scenario("open-archive"), course, result).state == "grade again"


def test_replay_leaves_out_parts_that_crashed_a_worker(replayed):
    result = replayed(
        SubmissionProfile("perfect", leak="nothing"), skip={"server": "it crashed", "deid": "it crashed, too"}
    )
    assert result.server_problem.startswith("it crashed")
    assert result.deid_problem == "it crashed, too"
    assert result.answers
    assert result.facts


def test_replay_of_another_versions_patients_is_a_note(replayed, monkeypatch):
    skip = {"server": "left out", "deid": "left out"}
    assert replayed(SubmissionProfile("perfect", leak="nothing"), skip=skip).notes == ()
    monkeypatch.setattr(replaying, "GENERATOR_VERSION", "99")
    (note,) = replayed(SubmissionProfile("perfect", leak="nothing"), skip=skip).notes
    assert "they are other patients" in note
    assert "Grade with pacslab" in note


def test_replay_key_depends_on_what_decides_the_result(course):
    scenario = load_scenario("open-archive")
    variant = make_variant("open-archive", "anna", course.course_key())
    key = replay_key("a" * 64, scenario, variant, "process")
    cheaper = [objective.model_copy(update={"points": 1, "hints": ()}) for objective in scenario.objectives]
    reworded = scenario.model_copy(update={"objectives": tuple(cheaper), "story": "Another."})
    assert replay_key("a" * 64, reworded, variant, "process") == key
    others = {
        replay_key("b" * 64, scenario, variant, "process"),
        replay_key("a" * 64, scenario, variant, "docker"),
        replay_key("a" * 64, scenario, make_variant("open-archive", "ben", course.course_key()), "process"),
        replay_key("a" * 64, scenario.model_copy(update={"archive_ae_title": "OTHER"}), variant, "process"),
    }
    assert key not in others
    assert len(others) == 4
