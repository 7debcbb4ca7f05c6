"""What all tests share: places of their own, what to do without Docker or a tool, and a last look for leftovers.

A run that leaves a server, a container or a network has failed, whatever its tests said.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
from collections import Counter
from contextlib import suppress
from functools import cache
from pathlib import Path

import pytest

import docker
from pacslab.errors import RuntimeUnavailableError
from pacslab.pacs import connect_to_engine, find_orthanc

pytest_plugins = ["tests.support.servers", "tests.support.outputs"]

PLACES = ("HOME", "STATE", "CACHE")
PERSONAL = ("PACSLAB_RUNTIME", "PACSLAB_STUDENT", "PACSLAB_TOKEN", "PACSLAB_PORT", "PACSLAB_COURSE_KEY")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
DURATIONS = Path(__file__).parent / "durations.json"
"""Seconds that each file of tests took, as ``--record-durations`` wrote them: the longest is begun first."""
DEEPEST_STATE = 5  # folders below pytest's own in which a test may keep a lab's state


def _missing(what: str, variable: str) -> None:
    """Skip the test with the reason; fail it where the gate requires what is missing."""
    if os.environ.get(variable):
        pytest.fail(f"{what}, and {variable} is set", pytrace=False)
    pytest.skip(f"{what} (set {variable}=1 to fail instead)")


@cache
def _engine_answers() -> bool:
    try:
        connect_to_engine().close()
    except RuntimeUnavailableError:
        return False
    return True


def _need_docker() -> None:
    if not _engine_answers():
        _missing("no Docker engine answers", "PACSLAB_REQUIRE_DOCKER")


def _need_program(*names: str) -> str:
    found = next((path for path in map(shutil.which, names) if path), None)
    if found is None:
        _missing(f"this machine has no {' or '.join(names)}", "PACSLAB_REQUIRE_TOOLS")
    return str(found)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Apply the markers ``docker`` and ``browser``; fail where pytest-xdist took no notice of the groups."""
    if item.config.getoption("loadgroup", default=False) and "@" not in item.nodeid:
        pytest.fail("pytest-xdist ignores the tests' groups: its version does not fit pytest's", pytrace=False)
    if item.get_closest_marker("docker"):
        _need_docker()
    if item.get_closest_marker("browser"):
        _need_program(*BROWSERS)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that writes the durations."""
    parser.addoption("--record-durations", action="store_true", help=f"write {DURATIONS.name} from this run")


def _file_of(nodeid: str) -> str:
    return nodeid.partition("::")[0]


def _group_of(item: pytest.Item) -> str:
    """Return the tests that one worker has to run: a file's, or those that its marker puts together."""
    if isinstance(item, pytest.DoctestItem):
        return "doctests"
    marker = item.get_closest_marker("worker_group")
    callspec = getattr(item, "callspec", None)
    return marker.args[0](callspec.params if callspec else {}) if marker else _file_of(item.nodeid)


@pytest.hookimpl(tryfirst=True)  # pytest-xdist reads the groups in this same hook
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files that take longest first, and tell the workers which tests belong together."""
    seconds = json.loads(DURATIONS.read_text(encoding="utf-8"))
    items.sort(key=lambda item: -seconds.get(_file_of(item.nodeid), 0))
    for item in items:
        item.add_marker(pytest.mark.xdist_group(_group_of(item)))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Add a test's time to its file's."""
    _SECONDS[_file_of(report.nodeid)] += report.duration


_SECONDS: Counter[str] = Counter()


def _record_durations() -> None:
    known = json.loads(DURATIONS.read_text(encoding="utf-8"))
    known.update({name: round(seconds) for name, seconds in _SECONDS.items()})
    there = {name: seconds for name, seconds in known.items() if seconds and (DURATIONS.parents[1] / name).is_file()}
    DURATIONS.write_text(json.dumps(there, indent=1, sort_keys=True) + "\n", encoding="utf-8")


@pytest.fixture(scope="session")
def program():
    """Return a function that finds a program of this machine by any of its names, or skips the test."""
    return _need_program


@pytest.fixture(scope="session")
def chromium():
    """Return the browser's path."""
    return _need_program(*BROWSERS)


@pytest.fixture(scope="session", params=["process", pytest.param("docker", marks=pytest.mark.docker)])
def runtime(request):
    """Run the test in each runtime; the value is its name."""
    if request.param == "docker":
        _need_docker()
    elif find_orthanc() is None:
        _missing("this machine has no Orthanc program", "PACSLAB_REQUIRE_TOOLS")
    return request.param


@pytest.fixture(scope="session", autouse=True)
def _lab_of_the_tests(tmp_path_factory):
    """Keep every test out of the developer's own lab; the cache is shared by all tests of a run."""
    base = tmp_path_factory.mktemp("lab")
    of_the_run = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        of_the_run = of_the_run.parent  # the folder in which every worker has one of its own
    with pytest.MonkeyPatch.context() as patch:
        for name in PLACES[:2]:
            patch.setenv(f"PACSLAB_{name}", str(base / name.lower()))
        patch.setenv("PACSLAB_CACHE", str(of_the_run / "cache"))
        for name in PERSONAL:
            patch.delenv(name, raising=False)
        yield


@pytest.fixture
def places(tmp_path, monkeypatch):
    """Give one test a workspace and a state of its own, as another user would have; returns their folder."""
    for name in PLACES[:2]:
        monkeypatch.setenv(f"PACSLAB_{name}", str(tmp_path / name.lower()))
    return tmp_path


def _labs_of_this_run(base: Path) -> set[str]:
    """Return the ids of every lab whose state folder could lie below pytest's own folder."""
    folders = [base]
    found: set[str] = set()
    for _ in range(DEEPEST_STATE):
        with suppress(OSError):
            folders = [
                path for folder in folders for path in folder.iterdir() if path.is_dir() and not path.is_symlink()
            ]
        found |= {hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:12] for path in folders}
    return found


def _left_processes(labs: set[str]) -> list[str]:
    left = []
    for entry in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            values = entry.read_bytes().split(b"\0")
            mine = next((value[12:].decode() for value in values if value.startswith(b"PACSLAB_LAB=")), None)
            if mine in labs:
                left.append(f"process {entry.parent.name}: {(entry.parent / 'comm').read_text().strip()}")
                os.kill(int(entry.parent.name), signal.SIGKILL)
    return left


def _left_in_docker(labs: set[str]) -> list[str]:
    left = []
    client = docker.from_env()
    for container in client.containers.list(all=True, filters={"label": "pacslab.lab"}, ignore_removed=True):
        if container.labels["pacslab.lab"] in labs:
            left.append(f"container {container.name}: {container.status}")
            container.remove(force=True, v=True)
    for network in client.networks.list(filters={"label": "pacslab.lab"}):
        if network.attrs["Labels"]["pacslab.lab"] in labs:
            left.append(f"network {network.name}")
            network.remove()
    client.close()
    return left


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the run, by name, for everything that it left running; and end it."""
    factory = getattr(session.config, "_tmp_path_factory", None)
    a_worker = hasattr(session.config, "workerinput")  # the run that started it looks when all workers have ended
    if factory is None or session.config.option.collectonly or a_worker:
        return
    if session.config.option.record_durations:
        _record_durations()
    labs = _labs_of_this_run(factory.getbasetemp())
    left = _left_processes(labs) + (_left_in_docker(labs) if _engine_answers() else [])
    session.config.stash[_LEFT] = left
    if left:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


_LEFT = pytest.StashKey[list[str]]()


def pytest_terminal_summary(terminalreporter, config) -> None:
    """Name what was left running."""
    for leftover in config.stash.get(_LEFT, []):
        terminalreporter.write_line(f"LEFT RUNNING by the tests (ended now): {leftover}", red=True)
