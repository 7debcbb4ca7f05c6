"""The class in containers: everybody with one fix missing, and one of every other family, earns what it must.

Of a family that is told apart by its files, and not by its server, there is another one each day
(PACSLAB_DAY=738000 takes that day's).
"""

import os
from datetime import UTC, datetime

import pytest

from pacslab.grading.selftest.sample_submissions import submission_profiles
from tests.support.hostile_submissions import CONFIGURATIONS, SANDBOXED
from tests.support.hostile_zips import ZIPS
from tests.support.submissions import Class

DAY = int(os.environ.get("PACSLAB_DAY") or datetime.now(UTC).toordinal())
EVERY = submission_profiles()
IN_SANDBOX = [profile.name for profile in SANDBOXED]


def todays(names):
    return sorted(names)[DAY % len(names)]


FAMILIES = {
    "perfect": ["perfect"],
    "a fix missing": ["everything as shipped", *(profile.name for profile in EVERY.values() if profile.exposes)],
    "a broken clinic": [todays([profile.name for profile in EVERY.values() if not profile.clinic])],
    "a leak": [todays([profile.name for profile in EVERY.values() if profile.leak])],
    "late": ["two days late"],
    "copied": ["copied"],
    "empty": ["empty"],
    "a hostile ZIP file": [todays(ZIPS)],
    "a hostile configuration": [todays(CONFIGURATIONS)],
    "what needs the sandbox": IN_SANDBOX,
}

pytestmark = [pytest.mark.docker, pytest.mark.timeout(1500)]


@pytest.fixture(scope="module")
def contained(tmp_path_factory):
    return Class(tmp_path_factory.mktemp("contained"), [name for names in FAMILIES.values() for name in names])


@pytest.fixture(scope="module")
def graded(contained):
    return contained.grade("docker")


def test_class_in_docker_grades_follow_from_submissions(contained, graded):
    assert contained.wrong(graded) == {}
    assert graded.certain
    assert len(graded.counting()) == len(contained.roster)
    factors = {contained.made[grade.student].profile.name: grade.late_factor for grade in graded.counting()}
    assert factors.pop("two days late") == pytest.approx(0.8)
    assert set(factors.values()) == {1.0}


def test_class_in_docker_runs_servers_in_containers(contained, graded):
    looked_at = {replay.student for replay in graded.replays.values() if replay.assessment}
    started = {student for student, made in contained.made.items() if made.profile.readable and made.profile.started}
    assert looked_at == started
    assert {replay.runtime for replay in graded.replays.values()} == {"docker"}


def test_class_in_docker_leaves_nothing(contained, graded):
    assert graded.replayed
    assert contained.left_by() == []


def test_class_in_processes_uses_the_sandbox_where_needed(tmp_path):
    """And what ran beside it in a process of this machine is not touched by it."""
    beside = Class(tmp_path, ["perfect", *IN_SANDBOX[1:3], "known password"])
    book = beside.grade("process")
    assert beside.wrong(book) == {}
    runtimes = {beside.made[replay.student].profile.name: replay.runtime for replay in book.replays.values()}
    assert runtimes == {"perfect": "process", "known password": "process", **dict.fromkeys(IN_SANDBOX[1:3], "docker")}
    assert beside.left_by() == []
