"""Server processes: a handle names that very process, and a lab's processes are found by their environment."""

import os
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest

from pacslab.pacs.runtimes.process.processes import Handle, birth, kill, marked

LAB = f"processes-{os.getpid()}"


@pytest.fixture
def process():
    """Start a process that carries the marks of a lab's server."""
    marks = {"PACSLAB_LAB": LAB, "PACSLAB_DEPLOYMENT": "a-deployment", "PACSLAB_DEADLINE": "1"}
    with subprocess.Popen(["sleep", "60"], env=marks) as process:
        yield process
        process.kill()


def wait_for_zombie(pid):
    deadline = time.monotonic() + 10
    while Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z":
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_handle_read_from_text_names_the_same_process(process, tmp_path):
    handle = Handle.of(process.pid, tmp_path / "a: folder")
    assert handle.alive
    assert Handle.read(str(handle)) == handle


def test_handle_counts_ticks_since_boot_whatever_the_clock_says(process, tmp_path):
    fields = Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    assert Handle.of(process.pid, tmp_path).birth == int(fields[19])


def test_handle_of_a_pid_that_was_used_again_is_not_alive(process, tmp_path):
    handle = Handle.of(process.pid, tmp_path)
    assert not replace(handle, birth=handle.birth - 1).alive


def test_handle_of_an_ended_process_is_not_alive(process, tmp_path):
    handle = Handle.of(process.pid, tmp_path)
    kill(process.pid)
    wait_for_zombie(process.pid)
    assert not handle.alive, "a zombie has ended"
    assert birth(process.pid) == 0
    process.wait()
    assert not handle.alive
    kill(process.pid)  # no error


def test_marked_finds_the_processes_of_its_lab_alone(process):
    assert marked(LAB) == [(process.pid, "a-deployment")]
    assert marked(f"{LAB}-other") == []
    kill(process.pid)
    wait_for_zombie(process.pid)
    assert marked(LAB) == []
