"""``docker compose up``: the same notebooks from the student image, shut in as it promises."""

import json
import os
import re
import secrets
import socket
import subprocess
import urllib.error
import urllib.request

import pytest

import docker
from tests.support.network_neighbour import neighbour
from tests.support.places import ROOT

TOKEN = secrets.token_hex(8)

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(900)]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def run(*command, **environment):
    result = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, check=False, timeout=800
    )
    assert result.returncode == 0, f"{command}: {result.stdout[-2000:]}\n{result.stderr[-4000:]}"
    return result.stdout


class Composed:
    """The composed lab, as the person who started it sees it."""

    def __init__(self, port):
        self.port = port
        self.project = f"pacslab-test-{secrets.token_hex(3)}"
        self.environment = {"PACSLAB_PORT": str(port), "PACSLAB_TOKEN": TOKEN}

    def compose(self, *arguments):
        return run("docker", "compose", "--project-name", self.project, *arguments, **self.environment)

    def inside(self, *command):
        return self.compose("exec", "-T", "lab", *command)

    def get(self, path, token=TOKEN):
        query = f"?token={token}" if token else ""
        return urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}{query}", timeout=20).read()

    @property
    def container(self):
        (name,) = self.compose("ps", "--quiet").split()
        return docker.from_env().containers.get(name).attrs


@pytest.fixture(scope="module")
def composed():
    if subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode:
        missing = "the docker command has no 'compose' (tools/install-compose.sh gives it one)"
        (pytest.fail if os.environ.get("PACSLAB_REQUIRE_TOOLS") else pytest.skip)(missing)
    run("tools/build-images.sh", "student")
    lab = Composed(free_port())
    try:
        lab.compose("up", "--detach", "--wait", "--no-build")
        yield lab
    finally:
        lab.compose("down", "--volumes", "--timeout", "20")
        client = docker.from_env()
        mine = {"label": f"com.docker.compose.project={lab.project}"}
        assert client.containers.list(all=True, filters=mine) == []
        assert client.networks.list(filters=mine) == []
        assert client.volumes.list(filters=mine) == []


def test_compose_is_healthy_and_serves_the_first_lab(composed):
    assert composed.container["State"]["Health"]["Status"] == "healthy"
    notebook = json.loads(composed.get("/api/contents/labs/00_start_here.ipynb"))
    assert notebook["type"] == "notebook"
    assert notebook["content"]["cells"]
    assert b"jupyter" in composed.get("/lab/tree/labs/00_start_here.ipynb").lower()


def test_compose_without_the_token_lets_nobody_in(composed):
    with pytest.raises(urllib.error.HTTPError, match="403"):
        composed.get("/api/contents/labs", token="")


def test_compose_prints_the_address_to_open(composed):
    address = f"http://127.0.0.1:{composed.port}/lab/tree/labs/00_start_here.ipynb?token={TOKEN}"
    assert address in composed.compose("logs", "lab")


def test_compose_is_reached_from_this_machine_only(composed):
    published = composed.container["NetworkSettings"]["Ports"]
    addresses = [binding["HostIp"] for bindings in published.values() for binding in bindings or []]
    assert addresses == ["127.0.0.1"]
    (network,) = composed.container["NetworkSettings"]["Networks"]
    options = docker.from_env().networks.get(network).attrs["Options"]
    assert options["com.docker.network.bridge.enable_ip_masquerade"] == "false"


def test_compose_container_address_answers_no_neighbour(composed):
    """Engines before 28 pass on what a neighbour sends to a container, published on loopback or not."""
    (network,) = composed.container["NetworkSettings"]["Networks"].values()
    address = network["IPAddress"]
    assert b"version" in urllib.request.urlopen(f"http://{address}:8888/api", timeout=20).read()
    with neighbour() as outside:
        assert not outside.reaches(address, 8888, "/api")


def test_compose_container_has_no_power_over_the_machine(composed):
    host = composed.container["HostConfig"]
    assert host["CapDrop"] == ["ALL"]
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert not host["Privileged"]
    assert host["Memory"] > 0
    assert host["PidsLimit"] > 0
    assert [mount["Type"] for mount in composed.container["Mounts"]] == ["volume"]
    assert composed.inside("id", "-u").strip() == "1000"
    assert composed.inside("sh", "-c", "command -v cc gcc docker || echo none").strip() == "none"


def test_compose_deployment_listens_on_loopback_only(composed):
    status = json.loads(composed.inside("pacslab", "start", "--json"))
    try:
        assert status["runtime"] == "process"
        table = composed.inside("cat", "/proc/net/tcp", "/proc/net/tcp6")
        listening = re.findall(r"^\s*\d+: ([0-9A-F]+):([0-9A-F]{4}) \S+ 0A ", table, re.MULTILINE)
        beyond = {int(port, 16) for address, port in listening if not is_loopback(address)}
        # The container's own name server of the engine listens on 127.0.0.11; JupyterLab is what is published.
        assert beyond == {8888}
        assert len(listening) >= 1 + 2 * 4
    finally:
        composed.inside("pacslab", "stop", "--all")


def is_loopback(address):
    return address.endswith("7F") if len(address) == 8 else address == "0" * 24 + "01000000"


def test_compose_work_outlives_the_container(composed):
    composed.inside("sh", "-c", "echo kept > /home/student/pacslab/work/note.txt")
    composed.compose("down", "--timeout", "20")
    composed.compose("up", "--detach", "--wait", "--no-build")
    assert composed.inside("cat", "/home/student/pacslab/work/note.txt").strip() == "kept"
