"""Set-up on machines that it cannot set up: one line that says what to do, and nothing touched."""

import os
import shutil
import subprocess
import sys

import pytest

from tests.support.places import ROOT

ORDINARY = "bash cat chmod cksum cut dirname env grep head ls mktemp rm sed sleep sort tail touch tr"


class Machine:
    """A checkout on a machine that has only the programs it is given."""

    def __init__(self, folder):
        self.bin = folder / "bin"
        self.checkout = folder / "checkout"
        self.bin.mkdir()
        self.checkout.mkdir()
        shutil.copytree(ROOT / "tools", self.checkout / "tools")
        for name in ("pyproject.toml", "requirements.lock", "requirements-dev.lock"):
            shutil.copy(ROOT / name, self.checkout / name)
        for name in ORDINARY.split():
            (self.bin / name).symlink_to(shutil.which(name))
        self.has("python3", f'exec "{sys.executable}" "$@"')
        self.has("uname", "echo Linux")
        self.has("id", "echo 1000")

    def has(self, name, script):
        program = self.bin / name
        program.write_text(f"#!{shutil.which('bash')}\n{script}\n", encoding="utf-8")
        program.chmod(0o755)

    def set_up(self, what="lab", **environment):
        return subprocess.run(
            [self.bin / "bash", self.checkout / "tools/setup.sh", what],
            env={"PATH": str(self.bin), "HOME": str(self.checkout), "DOCKER_HOST": "unix:///nowhere", **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def refuses(self, *words, what="lab", **environment):
        """Check that the last line is for people and that nothing was made."""
        result = self.set_up(what, **environment)
        assert result.returncode == 2, result
        (line,) = result.stderr.strip().splitlines()
        assert line.startswith("PACS Lab: ")
        assert [word for word in words if word not in line] == []
        assert not (self.checkout / ".venv").exists()
        return result.stdout


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def test_setup_on_linux_without_apt_says_what_to_install(machine):
    machine.refuses("no Docker engine answers", "start Docker", "install Orthanc", "C compiler")


def test_setup_on_a_mac_names_docker(machine):
    machine.has("uname", "echo Darwin")
    machine.refuses("install and start Docker")


def test_setup_with_an_old_python_names_the_needed_one(machine):
    machine.has("python3", "exit 1")
    machine.refuses("Python 3.11 or newer", "install it")


def test_setup_with_a_missing_python_names_it(machine):
    machine.refuses("'python9'", "3.11", PYTHON="python9")


def test_setup_without_root_names_the_packages(machine):
    machine.has("apt-get", "exit 100")
    machine.has("dpkg-query", "exit 1")
    machine.refuses("needs root", "apt-get install orthanc orthanc-dicomweb orthanc-gdcm gcc libc6-dev")


def test_setup_announces_sudo_before_it_asks(machine):
    machine.has("apt-get", "exit 100")
    machine.has("dpkg-query", "exit 1")
    machine.has("sudo", "exit 1")
    said = machine.refuses("sudo refused", "apt-get install orthanc")
    assert "sudo may ask for your password: orthanc orthanc-dicomweb orthanc-gdcm gcc libc6-dev" in said


def test_setup_refuses_an_unknown_target(machine):
    result = machine.set_up("everything")
    assert result.returncode == 2
    assert "say 'lab' or 'test'" in result.stderr


def test_setup_never_starts_debians_orthanc_service(machine):
    calls, policy = machine.checkout / "calls", machine.checkout / "policy-rc.d"
    machine.has("dpkg-query", "exit 1")
    # Long output: whoever stops reading early must not take it for a failure.
    machine.has(
        "apt-cache", 'echo "  Candidate: 1"; for ((i = 0; i < 20000; i++)); do echo "a line of the table"; done'
    )
    machine.has("apt-get", f'echo "$*" >>{calls}; "$POLICY_RC_D" || echo "services: $?" >>{calls}')
    for name in ("systemctl", "update-rc.d"):
        machine.has(name, f'echo "{name} $*" >>{calls}')
    result = subprocess.run(
        [machine.bin / "bash", machine.checkout / "tools/install-packages.sh", "orthanc", "--if-offered", "dcmtk"],
        env={"PATH": str(machine.bin), "POLICY_RC_D": str(policy)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert result.returncode == 0, result.stderr
    assert calls.read_text(encoding="utf-8").splitlines() == [
        "install -y -q --no-install-recommends orthanc dcmtk",
        "services: 101",
        "systemctl disable --now orthanc.service",
        "update-rc.d orthanc disable",
    ]
    assert not policy.exists()


def test_shell_scripts_pass_shellcheck(program):
    folders = ("tools", "docker", ".ci")
    scripts = [
        path
        for folder in folders
        for path in sorted((ROOT / folder).rglob("*"))
        if path.is_file() and path.read_bytes().startswith((b"#!/bin/sh", b"#!/bin/bash", b"#!/usr/bin/env bash"))
    ]
    assert len(scripts) >= 7
    result = subprocess.run([program("shellcheck"), *scripts], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout
    assert [path.name for path in scripts if not os.access(path, os.X_OK)] == []
