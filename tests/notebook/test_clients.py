"""A notebook's programs speak to the lab and to nobody else, whatever a student writes."""

import socket
import subprocess

import pytest

from pacslab.errors import PacslabError, UnsafeAddressError
from pacslab.notebook import clients
from pacslab.notebook.clients import PROGRAMS, command_line, run_client

SPEAKING = sorted(name for name, client in PROGRAMS.items() if client.peer)


NEVER = pytest.mark.usefixtures("nothing_runs")


@pytest.fixture
def nothing_runs(monkeypatch):
    """Fail the test where a program is started all the same."""
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("a program was started"))


@NEVER
@pytest.mark.parametrize("program", SPEAKING)
@pytest.mark.parametrize(
    "host", ["192.0.2.17", "8.8.8.8", "pacs.example.org", "localhost", "0.0.0.0", "::1", "10.0.0.7"]
)
def test_client_refuses_an_address_outside_the_lab(program, host):
    with pytest.raises(UnsafeAddressError, match="nothing was sent"):
        run_client(program, (), host, 104)


@NEVER
@pytest.mark.parametrize("program", SPEAKING)
@pytest.mark.parametrize("smuggled", ["192.0.2.17", "pacs.example.org", "hospital"])
def test_client_refuses_an_address_among_the_options(program, smuggled):
    with pytest.raises(UnsafeAddressError, match="nothing was sent"):
        run_client(program, (smuggled, "104"), "127.0.0.1", 4242)


@NEVER
@pytest.mark.parametrize(
    ("program", "options"),
    [("nmap", ("-iR", "100")), ("nmap", ("-iLtargets",)), ("nmap", ("--script=default",)), ("tcpdump", ("-i", "any"))],
)
def test_client_refuses_an_option_that_leads_elsewhere(program, options):
    with pytest.raises(PacslabError, match="does not take"):
        run_client(program, options, "127.0.0.1", 4242)


@NEVER
def test_client_tcpdump_reads_files_and_never_listens():
    with pytest.raises(PacslabError, match="incomplete"):
        run_client("tcpdump", ("-A",), "127.0.0.1", 4242)


def test_client_query_is_written_for_dcmtk():
    options = ("-S", "-aet", "ROGUE", "-k", "PatientName=*RAO*")
    assert command_line("findscu", options, "127.0.0.5", 4242) == ["findscu", *options, "127.0.0.5", "4242"]


def test_client_not_installed_is_named_with_its_package(monkeypatch):
    monkeypatch.setattr(clients.shutil, "which", lambda _: None)
    said = run_client("echoscu", (), "127.0.0.1", 4242)
    assert "not installed" in said
    assert "dcmtk" in said


def test_client_output_is_shown_with_the_command(program):
    program("echoscu")
    with socket.socket() as taken:  # bound and not listening: nobody answers there
        taken.bind(("127.0.0.1", 0))
        said = run_client("echoscu", ("-v",), "127.0.0.1", taken.getsockname()[1])
    assert said.startswith("$ echoscu -v 127.0.0.1")
    assert "Connection refused" in said
