"""Which runtime is taken: the one asked for, else Docker where an engine answers, else the Orthanc of this machine."""

import pytest

from pacslab.errors import RuntimeUnavailableError
from pacslab.pacs.runtimes.select import choose_runtime

NO_ENGINE = "unix:///no/such/engine.sock"


@pytest.mark.docker
def test_runtime_is_docker_where_an_engine_answers():
    assert choose_runtime().name == "docker"
    assert choose_runtime("auto").name == "docker"


@pytest.mark.docker
def test_runtime_argument_beats_variable_beats_engine(monkeypatch, program):
    program("Orthanc")
    monkeypatch.setenv("PACSLAB_RUNTIME", "process")
    assert choose_runtime().name == "process"
    assert choose_runtime("docker").name == "docker"


def test_runtime_is_process_where_no_engine_answers(monkeypatch, program):
    program("Orthanc")
    monkeypatch.setenv("DOCKER_HOST", NO_ENGINE)
    assert choose_runtime().name == "process"


def test_runtime_asked_for_is_not_exchanged(monkeypatch, program):
    program("Orthanc")
    monkeypatch.setenv("DOCKER_HOST", NO_ENGINE)
    with pytest.raises(RuntimeUnavailableError, match="no Docker engine answers"):
        choose_runtime("docker")


def test_runtime_missing_names_both_ways_out(monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", NO_ENGINE)
    monkeypatch.setenv("PACSLAB_ORTHANC", "/no/such/Orthanc")
    with pytest.raises(RuntimeUnavailableError, match=r"Start Docker, or install Orthanc .*apt-get install orthanc"):
        choose_runtime()
