"""The locks are complete, hashed, name no index, and are what 'make lock' would write today."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.places import ROOT

LOCKS = ("requirements.lock", "requirements-dev.lock")
PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>\S+)(?: ; (?P<marker>.*?))? \\$", re.MULTILINE)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def pins(path):
    """Return the pinned versions by name and marker."""
    found = PIN.finditer(path.read_text(encoding="utf-8"))
    return {
        (canonicalize_name(requirement["name"]), requirement["marker"] or ""): requirement["version"]
        for requirement in found
    }


def versions(path):
    """Return the pinned versions by name; a marker may be wider where more packages need the same one."""
    pinned = {}
    for (name, _), version in pins(path).items():
        pinned.setdefault(name, set()).add(version)
    return pinned


def unsatisfied(lock, requirements):
    """Return the requirements that the lock does not meet."""
    locked = {}
    for (name, _), version in pins(ROOT / lock).items():
        locked.setdefault(name, []).append(version)

    def met(requirement):
        versions = locked.get(canonicalize_name(requirement.name), [])
        return bool(versions) and all(requirement.specifier.contains(number) for number in versions)

    return [pin for pin in requirements if not met(Requirement(pin))]


def test_lock_holds_what_pacslab_needs():
    assert unsatisfied("requirements.lock", PROJECT["project"]["dependencies"]) == []


def test_lock_holds_what_building_needs():
    assert unsatisfied("requirements.lock", PROJECT["build-system"]["requires"]) == []


def test_lock_holds_what_developing_needs():
    extras = PROJECT["project"]["optional-dependencies"]
    needed = (
        [requirement for requirement in extras["dev"] if not requirement.startswith("pacslab[")]
        + extras["league"]
        + extras["docs"]
    )
    assert unsatisfied("requirements-dev.lock", [*PROJECT["project"]["dependencies"], *needed]) == []


def test_lock_is_what_the_tests_run():
    users, developers = (versions(ROOT / lock) for lock in LOCKS)
    assert {name: developers.get(name) for name in users} == users


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_pins_have_hashes_and_no_address(lock):
    text = (ROOT / lock).read_text(encoding="utf-8")
    entries = [word for word in re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE) if "==" in word]
    assert len(entries) == len(pins(ROOT / lock)) > 50
    assert [entry.splitlines()[0] for entry in entries if "--hash=sha256:" not in entry] == []
    assert re.findall(r"(?m)^\s*-.*$|\S*://\S*|\S*\.(?:org|com|net|io)\b", re.sub(r"--hash=\S+", "", text)) == []


@pytest.mark.slow
def test_locks_are_current(tmp_path):
    uv = Path(sys.executable).with_name("uv")
    made = subprocess.run(
        [ROOT / "tools/lock.sh", "--into", tmp_path],
        env={**os.environ, "UV": str(uv)},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    if made.returncode and not os.environ.get("PACSLAB_REQUIRE_TOOLS"):
        pytest.skip(f"the locks could not be resolved here: {made.stderr.strip().splitlines()[-1]}")
    assert made.returncode == 0, made.stderr
    for lock in LOCKS:
        assert pins(tmp_path / lock) == pins(ROOT / lock), f"{lock} is not current: run 'make lock'"
