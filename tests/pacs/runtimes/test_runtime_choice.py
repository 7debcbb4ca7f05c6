"""Which runtime is taken: the one asked for, else Docker where an engine answers, else the Orthanc of this machine."""

import pytest

from pacslab.errors import RuntimeUnavailableError
from pacslab.pacs.runtimes.select import choose_runtime

NO_ENGINE = "unix:///no/such/engine.sock"


@pytest.mark.docker
def test_docker_is_taken_where_an_engine_answers():
    assert choose_runtime().name == "docker"
    assert choose_runtime("auto").name == "docker"


@pytest.mark.docker
def test_the_variable_comes_before_the_engine_and_the_argument_before_the_variable(monkeypatch, program):
    program("Orthanc")
    monkeypatch.setenv("PACSLAB_RUNTIME", "process")
    assert choose_runtime().name == "process"
    assert choose_runtime("docker").name == "docker"


def test_the_program_of_this_machine_is_taken_where_no_engine_answers(monkeypatch, program):
    program("Orthanc")
    monkeypatch.setenv("DOCKER_HOST", NO_ENGINE)
    assert choose_runtime().name == "process"


def test_what_was_asked_for_is_not_exchanged_for_what_is_there(monkeypatch, program):
    program("Orthanc")
    monkeypatch.setenv("DOCKER_HOST", NO_ENGINE)
    with pytest.raises(RuntimeUnavailableError, match="no Docker engine answers"):
        choose_runtime("docker")


def test_with_neither_both_ways_out_are_named(monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", NO_ENGINE)
    monkeypatch.setenv("PACSLAB_ORTHANC", "/no/such/Orthanc")
    with pytest.raises(RuntimeUnavailableError, match=r"Start Docker, or install Orthanc .*apt-get install orthanc"):
        choose_runtime()
