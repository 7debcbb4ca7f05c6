"""The built wheel, installed into an empty environment outside any checkout, is the whole lab."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
import zipfile
from pathlib import Path

import pytest

from tests.support.places import ROOT
from tests.support.servers import in_process

SHARED = ("labs/", "scenarios/open-archive/scenario.yaml", "synthetic_data/", "instructor/", "docker/orthanc/")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def run(*command, **options):
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, **options)
    assert result.returncode == 0, f"{command}: {result.stdout[-2000:]}\n{result.stderr[-4000:]}"
    return result.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    target = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(target), cwd=ROOT)
    (built,) = target.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def elsewhere(wheel, tmp_path_factory):
    """Return an empty folder outside the checkout, and the installed ``pacslab`` command."""
    folder = tmp_path_factory.mktemp("elsewhere")
    uv = str(Path(sys.executable).with_name("uv"))
    run(uv, "venv", "--quiet", "--python", sys.executable, str(folder / "venv"))
    python = folder / "venv/bin/python"
    constraint = ("--constraint", str(ROOT / "requirements.lock"))
    run(uv, "pip", "install", "--quiet", "--python", str(python), *constraint, str(wheel), cwd=folder)
    return folder, folder / "venv/bin/pacslab"


@pytest.fixture
def at_home(elsewhere, tmp_path):
    """Return a function that runs the installed ``pacslab`` as a user with a home of their own would."""
    folder, pacslab = elsewhere
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PACSLAB_", "PYTHON"))}
    home = {f"PACSLAB_{name}": str(tmp_path / name.lower()) for name in ("HOME", "STATE")}
    environment = {**kept, **home, "PACSLAB_CACHE": os.environ["PACSLAB_CACHE"]}

    def call(*arguments, **more):
        return run(str(pacslab), *arguments, cwd=folder, env={**environment, **more})

    call.environment, call.command, call.folder, call.home = environment, pacslab, folder, tmp_path / "home"
    return call


def test_wheel_holds_labs_scenarios_and_images(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert [folder for folder in SHARED if not any(name.startswith(f"pacslab/_share/{folder}") for name in names)] == []
    assert {"pacslab/py.typed", "pacslab/deid/__init__.pyi"} <= set(names)
    assert [name for name in names if "__pycache__" in name or name.startswith("tests")] == []


def test_wheel_prints_version_and_scenarios(at_home):
    assert at_home("--version").startswith("pacslab, version ")
    assert "open-archive" in {entry["id"] for entry in json.loads(at_home("scenarios", "--json"))}


@in_process
def test_wheel_demo_runs_outside_a_checkout(at_home, runtime):
    result = json.loads(at_home("demo", "--json", PACSLAB_RUNTIME=runtime))
    assert result["good"]
    assert json.loads(at_home("status", "--json")) == []


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_wheel_lab_serves_the_notebooks_and_ends(at_home):
    port = free_port()
    server = subprocess.Popen(
        [at_home.command, "lab", "--no-browser", "--port", str(port)],
        cwd=at_home.folder,
        env={**at_home.environment, "PACSLAB_TOKEN": "a-token"},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        said = ""
        while "PACS Lab:" not in said:
            line = server.stdout.readline()
            assert line, said
            said += line
        assert f"http://127.0.0.1:{port}/lab/tree/labs/00_start_here.ipynb?token=a-token" in said
        base = f"http://127.0.0.1:{port}"  # it answers at once: the address is told when it does
        listing = json.load(urllib.request.urlopen(f"{base}/api/contents/labs?token=a-token", timeout=10))
        assert "00_start_here.ipynb" in {entry["name"] for entry in listing["content"]}
        page = urllib.request.urlopen(f"{base}/lab/tree/labs/00_start_here.ipynb?token=a-token", timeout=10).read()
        assert b"jupyter" in page.lower()
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(f"{base}/api/contents/labs", timeout=10)
    finally:
        server.send_signal(signal.SIGINT)
        said, _ = server.communicate(timeout=30)
    assert server.returncode == 0
