"""``make lab`` on a fresh Debian machine with nothing but git, make and Python: a container plays the machine."""

import io
import json
import os
import re
import subprocess
import tarfile
import time
import urllib.error
import urllib.request
from contextlib import closing

import pytest

import docker
from tests.support.places import ROOT

DEBIAN = "debian:bookworm-slim"
NOTHING_BUT = "git make python3"
ADDRESS = re.compile(r"PACS Lab: (http://127\.0\.0\.1:\d+)\S*\?token=(\S+)")
# What Ctrl+C does, on a machine without pkill.
INTERRUPT = r"""for one in /proc/[0-9]*; do
    if tr '\0' ' ' <$one/cmdline 2>/dev/null | grep -q 'bin/pacsla[b] lab'; then kill -INT ${one#/proc/}; fi
done"""

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(900)]


def checkout():
    """Return this checkout as a tar file: what git knows, as it stands now."""
    names = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout.split(b"\0")
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name in sorted(scenario_name.decode() for scenario_name in names if scenario_name):
            if (ROOT / name).exists():
                archive.add(ROOT / name, name)
    return buffer.getvalue()


class Machine:
    """A Debian machine on which one person works."""

    def __init__(self, container):
        self.container = container

    def run(self, command, folder="/root"):
        status, output = self.container.exec_run(["sh", "-c", command], workdir=folder)
        assert status == 0, output.decode(errors="replace")[-4000:]
        return output.decode(errors="replace")

    def said(self):
        return self.run("cat /root/said 2>/dev/null || true")


@pytest.fixture(scope="module")
def machine():
    made = subprocess.run(
        [ROOT / "docker/orthanc/base-image.sh", DEBIAN] if not _held() else ["true"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    with closing(docker.from_env()) as client:
        pip = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
        container = client.containers.run(
            DEBIAN, ["sleep", "850"], detach=True, network_mode="host", init=True, environment=pip
        )
        try:
            debian = Machine(container)
            debian.run(f"apt-get update -q && apt-get install -y -q --no-install-recommends {NOTHING_BUT}")
            debian.run("mkdir pacslab")
            container.put_archive("/root/pacslab", checkout())
            yield debian
        finally:
            container.remove(force=True, v=True)


def _held():
    with closing(docker.from_env()) as client:
        return any(DEBIAN in image.tags for image in client.images.list())


def test_fresh_machine_make_lab_serves_the_first_lab(machine):
    machine.container.exec_run(
        ["sh", "-c", "make lab >/root/said 2>&1; echo ended $? >>/root/said"], detach=True, workdir="/root/pacslab"
    )
    deadline = time.monotonic() + 600
    while not (found := ADDRESS.search(machine.said())):
        assert "ended" not in machine.said(), machine.said()
        assert time.monotonic() < deadline, machine.said()
        time.sleep(1)
    base, token = found.groups()
    while True:
        try:
            listing = json.load(urllib.request.urlopen(f"{base}/api/contents/labs?token={token}", timeout=10))
            break
        except (urllib.error.URLError, ConnectionError):
            assert time.monotonic() < deadline, machine.said()
            time.sleep(0.5)
    assert "00_start_here.ipynb" in {entry["name"] for entry in listing["content"]}
    assert "Traceback" not in machine.said()
    machine.run(INTERRUPT)
    while "ended 0" not in machine.said():
        assert time.monotonic() < deadline, machine.said()
        time.sleep(0.5)


def test_fresh_machine_make_demo_shows_the_whole_job(machine):
    said = machine.run("make demo", folder="/root/pacslab")
    assert "EXPOSED" in said
    assert "Nothing is left running." in said
    assert "Runtime process" in said
