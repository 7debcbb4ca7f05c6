"""The commands, as people and machines run them: exit status, one line for what went wrong, JSON."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest

from pacslab import demo
from pacslab.cli import main
from pacslab.pacs import lab_id, open_runtime, stop_all

pytestmark = pytest.mark.usefixtures("places")


def run(*arguments, **environment):
    """Run the command line in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "pacslab", *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        timeout=240,
        check=False,
    )


@pytest.mark.parametrize(
    ("arguments", "environment", "words"),
    [
        (["start", "open-archiv"], {}, "Did you mean 'open-archive'?"),
        (["start", "--student", "../x"], {}, "the student id '../x' cannot be used"),
        (["start", "--runtime", "dokcer"], {}, "Use 'docker' or 'process'"),
        (["start", "--hours", "-3"], {}, "hours cannot be set"),
        (["start", "--hours", "many"], {}, "not a valid float"),
        (["start", "--runtime", "process"], {"PACSLAB_ORTHANC": "/no/such"}, "there is no Orthanc program"),
        (["start", "--runtime", "docker"], {"DOCKER_HOST": "tcp://127.0.0.1:1"}, "no Docker engine answers"),
        (["start"], {"DOCKER_HOST": "tcp://127.0.0.1:1", "PACSLAB_ORTHANC": "/no/such"}, "neither a Docker engine nor"),
        (["start"], {"PACSLAB_HOME": "/dev/null/home"}, "refused (Not a directory: /dev/null/home"),
        (["start"], {"PACSLAB_STATE": "/dev/null/state"}, "PACSLAB_STATE"),
        (["assess"], {}, "is not running"),
        (["restart"], {}, "is not running"),
        (["lab", "--port", "99999"], {}, "99999"),
        (["frobnicate"], {}, "'pacslab --help' lists the commands"),
        (["course", "tickets", "no.csv"], {}, "course.toml does not exist"),
        (["course", "init", "/dev/null/x"], {}, "Not a directory"),
        (["submit"], {"PACSLAB_TICKET": "/no/such"}, "the ticket /no/such cannot be read"),
    ],
)
def test_command_with_bad_input_exits_with_two(arguments, environment, words):
    result = run(*arguments, **environment)
    assert result.returncode == 2
    assert words in result.stderr
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("pacslab: ")
    assert not result.stdout
    assert not [deployment for name in ("process",) for deployment in open_runtime(name).deployments(lab_id())]


def test_server_that_does_not_answer_is_one_line(monkeypatch, capsys):
    def hang(*_):
        raise httpx.ReadTimeout("timed out")

    monkeypatch.setattr(demo, "run_demo", hang)
    monkeypatch.setattr(sys, "argv", ["pacslab", "demo"])
    with pytest.raises(SystemExit) as ended:
        main.main()
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith("pacslab: a server of the lab did not answer as it should (timed out)")


def test_errors_as_json():
    result = run("start", "open-archiv", "--json")
    assert result.returncode == 2
    assert json.loads(result.stdout)["error"]["remedy"].startswith("Did you mean 'open-archive'?")


def test_port_in_use_is_reported():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = run("lab", "--no-browser", "--port", str(port))
    assert result.returncode == 2
    assert f"port {port} of 127.0.0.1 is in use" in result.stderr


def test_configuration_error_is_reported_with_its_place(places, runtime):
    work = places / "home" / "work" / "asha" / "open-archive"
    work.mkdir(parents=True)
    (work / "orthanc.json").write_text('{"DicomAet": 17}', encoding="utf-8")
    try:
        result = run("start", "--student", "asha", "--runtime", runtime)
        assert result.returncode == 2
        assert "the server archive started and ended again" in result.stderr
        assert "\n    " in result.stderr  # Orthanc's own last lines
        assert not open_runtime(runtime).deployments(lab_id())
        (work / "orthanc.json").unlink()
        assert run("start", "--student", "asha", "--runtime", runtime).returncode == 0
        (work / "orthanc.json").write_text('{\n  "Name" "x"\n}', encoding="utf-8")
        result = run("restart", "--student", "asha")
        assert result.returncode == 2
        assert "line 2, column 10" in result.stderr
        (work / "orthanc.json").write_text('{"DicomAet": 17}', encoding="utf-8")
        result = run("restart", "--student", "asha")
        assert result.returncode == 2
        assert "runs as it did before" in result.stderr
        assert "\n    " in result.stderr
        assert run("start", "--student", "asha", "--json").returncode == 0
        status = json.loads(run("status", "--json").stdout)
        assert [server["running"] for server in status] == [True]
    finally:
        run("stop", "--all")


def test_start_interrupted_leaves_nothing_running(places, runtime):
    command = [sys.executable, "-m", "pacslab", "start", "--student", "asha", "--runtime", runtime]
    # With images to make, the middle is some seconds long.
    empty = {**os.environ, "PACSLAB_CACHE": str(places / "cache")}
    program = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=empty,
        # Whatever runs in the background of a script ignores Ctrl+C, and so would this.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )
    live = open_runtime(runtime)
    while not live.deployments(lab_id()):
        assert program.poll() is None
        time.sleep(0.01)
    program.send_signal(signal.SIGINT)
    _, said = program.communicate(timeout=120)
    try:
        assert program.returncode == 130
        assert said.strip().splitlines()[-1].startswith("pacslab: interrupted")
        assert "Traceback" not in said
        assert not live.deployments(lab_id())
    finally:
        stop_all()


def test_commands_from_start_to_stop(runtime):
    try:
        started = json.loads(run("start", "--runtime", runtime, "--student", "asha", "--json").stdout)
        assert started["running"]
        assert started["runtime"] == runtime
        assert "asha" in run("status").stdout
        assessed = run("assess", "--student", "asha", "--details")
        assert assessed.returncode == 1
        assert "✗ EXPOSED" in assessed.stdout
        assert all(word in assessed.stdout for word in ("CWE-306", "9.3", "Breaks:", "HIPAA", "happened:", "curl"))
        findings = json.loads(run("assess", "--student", "asha", "--json").stdout)["findings"]
        assert {finding["outcome"] for finding in findings} == {"exposed", "works"}
        log = json.loads(run("log", "--student", "asha", "--lines", "5", "--json").stdout)["lines"]
        assert 1 <= len(log) <= 5
        assert log[-1] in run("log", "--student", "asha").stdout
        assert run("reset", "--student", "asha").returncode == 0
    finally:
        stopped = run("stop", "--all", "--json")
    assert json.loads(stopped.stdout) == {"deployments": 1, "servers": 4}
    assert run("stop", "--all").stdout == "Nothing was running.\n"


def test_demo_shows_before_and_after_and_leaves_nothing(places, runtime):
    result = run("demo", "--json", "--runtime", runtime)
    assert result.returncode == 0, result.stdout + result.stderr
    demo = json.loads(result.stdout)
    assert demo["good"]
    assert demo["runtime"] == runtime
    assert demo["leaked_before"]["patients"] >= 12
    assert demo["leaked_before"]["instances"] >= 150
    assert demo["leaked_before"]["studies_over_dicom"] == demo["leaked_before"]["studies"]
    assert demo["leaked_after"] == {"patients": 0, "studies": 0, "instances": 0, "studies_over_dicom": 0}
    assert all(demo["deid_checks"].values())
    assert demo["points"] == demo["out_of"] - demo["points_for_eyes"]
    assert lab_id() not in run("status").stdout
    assert not open_runtime(runtime).deployments(lab_id())
    assert not list((places / "home" / "work").glob("demo/*"))


def test_doctor_lists_what_is_there_and_what_is_missing():
    result = run("doctor", "--json")
    report = json.loads(result.stdout)
    assert result.returncode == (0 if report["ready"] else 1)
    lacking = run("doctor", DOCKER_HOST="tcp://127.0.0.1:1", PACSLAB_ORTHANC="/no/such")
    assert lacking.returncode == 1
    assert "apt-get install orthanc" in lacking.stdout
    assert "cannot run here yet" in lacking.stdout


def test_scenarios_are_listed():
    assert "open-archive" in {entry["id"] for entry in json.loads(run("scenarios", "--json").stdout)}
    assert "open-archive" in run("scenarios").stdout


class Relay:
    """A way to the Docker engine that can be cut in the middle."""

    def __init__(self, path, engine="/var/run/docker.sock"):
        self.engine = engine
        self.server = socket.socket(socket.AF_UNIX)
        self.server.bind(str(path))
        self.server.listen(64)
        self.open = []
        self.requests = 0
        self.cut_after = None
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.server.accept()
            except OSError:
                return
            engine = socket.socket(socket.AF_UNIX)
            engine.connect(self.engine)
            self.open += [client, engine]
            threading.Thread(target=self.pump, args=(client, engine, True), daemon=True).start()
            threading.Thread(target=self.pump, args=(engine, client, False), daemon=True).start()

    def pump(self, source, target, outward):
        try:
            while data := source.recv(65536):
                if outward and b"/containers/create" in data:
                    self.requests += 1
                    if self.cut_after is not None and self.requests > self.cut_after:
                        self.cut()
                        return
                target.sendall(data)
        except OSError:
            return

    def cut(self):
        self.server.close()
        for connection in self.open:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue


@pytest.mark.docker
def test_engine_lost_in_the_middle_is_one_line(places):
    engine = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock").removeprefix("unix://")
    path = Path(places) / "engine.sock"
    relay = Relay(path, engine)
    relay.cut_after = 2
    result = run("start", "--runtime", "docker", "--student", "asha", DOCKER_HOST=f"unix://{path}")
    try:
        assert result.returncode == 2
        errors = [line for line in result.stderr.splitlines() if line.startswith("pacslab: ")]
        assert len(errors) == 1
        assert "the Docker engine went away while" in errors[0]
        assert "Traceback" not in result.stderr
    finally:
        stop_all()  # the engine itself is still there in this test, and so is what was started in it
    assert not open_runtime("docker").deployments(lab_id())


@pytest.mark.docker
def test_engine_lost_is_reported_by_every_command():
    away = {"DOCKER_HOST": "unix:///no/such/engine.sock"}
    try:
        assert run("start", "--runtime", "docker", "--student", "asha").returncode == 0
        hers = ("--student", "asha")
        for command in (("restart", *hers), ("assess", *hers), ("stop", *hers), ("stop", "--all"), ("status",)):
            result = run(*command, **away)
            assert (result.returncode, result.stdout) == (2, ""), result
            *progress, told = result.stderr.strip().splitlines()
            assert told.startswith("pacslab: ")
            assert "Docker engine" in told
            assert not [words for words in progress if words.startswith(("pacslab", "Traceback"))]
        assert [entry["running"] for entry in json.loads(run("status", "--json").stdout)] == [True]
    finally:
        assert json.loads(run("stop", "--all", "--json").stdout)["servers"] == 4
