"""Fixtures that give tests running deployments, and end them."""

import hashlib
from contextlib import contextmanager, suppress

import pytest

from pacslab.errors import PacslabError
from pacslab.session import Session

in_process = pytest.mark.parametrize("runtime", ["process"], indirect=True)
"""Of a test that asks something of the configuration, and not of how servers run: one runtime answers it."""


@contextmanager
def sessions(runtime, prefix, scenario="open-archive"):
    """Yield a function that starts a student's session of a scenario; all of them are stopped afterwards."""
    made = []

    def start(student, **options):
        session = Session(scenario, student=f"{prefix}-{student}", runtime=runtime, **options)
        made.append(session)
        session.start()
        return session

    try:
        yield start
    finally:
        for session in made:
            session.stop()


def start_briefly(start, student):
    """Start a deployment whose time is over in seconds; in more of them where a busy machine was too slow."""
    for seconds in (8, 16, 32, 64):
        with suppress(PacslabError):
            session = start(student, hours=seconds / 3600)
            if session.status().running:
                return session
    raise AssertionError("no deployment started within a minute")


@pytest.fixture(scope="session")
def running(runtime):
    """Return a running deployment that tests only look at."""
    with sessions(runtime, "shared") as start:
        yield start(runtime)


@pytest.fixture(scope="module")
def module_session(runtime, request):
    """Return a function that starts a deployment for the tests of one module."""
    with sessions(runtime, f"{request.module.__name__.rsplit('.', 1)[-1]}-{runtime}") as start:
        yield start


@pytest.fixture
def start(runtime, request):
    """Return a function that starts a deployment for one test."""
    mark = hashlib.sha256(request.node.nodeid.encode()).hexdigest()[:8]
    with sessions(runtime, mark) as start_one:
        yield start_one


@pytest.fixture
def started(module_session):
    """Return a deployment that a test may change; it is as shipped again for the next one."""
    session = module_session("changed")
    session.reset()
    return session
