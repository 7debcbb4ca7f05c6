"""Deployments on real servers: start, find again, side by side, bad configurations, and a complete end."""

import fcntl
import io
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time

import httpx
import pydicom
import pytest
import yaml

import docker
from pacslab.errors import ConfigurationError, DeploymentError, PacslabError, ScenarioError, ServerStartError
from pacslab.pacs.archive.snapshot import ArchiveData
from pacslab.pacs.deployment.teardown import lab_id, list_running, remove_expired, stop_all
from pacslab.pacs.runtimes.docker import containers
from pacslab.pacs.runtimes.process import runtime as process_runtime
from pacslab.pacs.runtimes.process.listening_sockets import listeners
from pacslab.pacs.runtimes.process.processes import marked
from pacslab.pacs.runtimes.select import open_runtime
from pacslab.paths import state_root
from pacslab.scenario import load_scenario, make_variant
from pacslab.session import Session
from tests.support.servers import sessions, start_briefly


def edit(session, **options):
    """Set options of the student's orthanc.json, as a student does."""
    path = session.work / "orthanc.json"
    lines = path.read_text(encoding="utf-8").splitlines()
    for name, value in options.items():
        kept = [line for line in lines if f'"{name}"' not in line]
        kept.insert(1, f'  "{name}" : {json.dumps(value)},')
        lines = kept
    path.write_text("\n".join(lines), encoding="utf-8")


def left_over(runtime):
    return open_runtime(runtime).deployments(lab_id())


def test_deployment_has_four_servers_at_four_addresses(running):
    status = running.status()
    assert status.running
    assert [server.name for server in status.servers] == ["archive", "CT01", "WS01", "ROGUE"]
    addresses = running.deployment.state.network.addresses
    assert len({addresses[server.name] for server in status.servers}) == 4
    assert len({server.url for server in status.servers} | {server.dicom for server in status.servers}) == 8
    system = running.archive().get_system()
    assert (system["DicomAet"], system["Version"]) == ("ARCHIVE", status.orthanc)
    assert len(running.archive().get_instances()) >= 150


def test_answer_key_is_made_on_demand_and_kept_in_the_snapshot(running):
    data = running.deployment.data
    kept = data.folder / "answer_key.json"
    kept.unlink(missing_ok=True)
    key = data.answer_key()
    assert key.complete
    assert len(key.instances()) == len(running.archive().get_instances())
    other = key.model_copy(update={"student": "kept"})
    kept.write_text(other.model_dump_json())
    assert data.answer_key() == other, "it is read, not made again"
    kept.unlink()
    assert data.answer_key() == key
    assert [path.name for path in data.folder.glob("answer_key*")] == [kept.name]


def test_answer_key_of_a_lost_snapshot_is_made_and_not_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("PACSLAB_CACHE", str(tmp_path))
    data = ArchiveData(load_scenario("open-archive"), make_variant("open-archive", "asha"), "process", "1.12.7")
    assert data.answer_key().complete
    assert not data.folder.exists()


def test_configuration_finds_the_peers_by_variable(running):
    addresses = running.deployment.state.network.addresses
    modalities = running.archive().get_modalities({"expand": ""})
    assert {name: modality["Host"] for name, modality in modalities.items()} == {
        "CT01": addresses["CT01"],
        "WS01": addresses["WS01"],
        "SERVICE": addresses["ROGUE"],
    }


def test_deployment_is_found_again_by_a_new_program(running):
    code = (
        "from pacslab.session import Session\n"
        f"print(Session('open-archive', student={running.student!r}).start().servers[0].url)"
    )
    again = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert again.stdout.strip() == running.url


def test_deployment_started_twice_stays_as_it_is(running):
    before = running.deployment.state
    running.start()
    assert running.deployment.state == before


def test_deployments_of_two_students_share_nothing(running, start):
    other = start("side-by-side")
    mine, theirs = running.deployment.state, other.deployment.state
    assert not set(mine.network.addresses.values()) & set(theirs.network.addresses.values())
    endpoints = [
        {str(server.http) for server in state.servers.values()}
        | {str(server.dicom) for server in state.servers.values()}
        for state in (mine, theirs)
    ]
    assert not endpoints[0] & endpoints[1]
    assert running.work != other.work
    numbers = [
        {patient["MainDicomTags"]["PatientID"] for patient in session.archive().get_patients({"expand": ""})}
        for session in (running, other)
    ]
    assert not numbers[0] & numbers[1]
    assert running.start().running


def test_restart_reads_the_students_file_and_keeps_data(started):
    session = started
    client = session.archive()
    first = client.get_instances()[0]
    client.delete_instances_id(first)
    before = sorted(client.get_instances())
    url = session.url
    edit(session, Name="Changed by the student")
    session.restart()
    assert session.url == url
    assert session.archive().get_system()["Name"] == "Changed by the student"
    assert sorted(session.archive().get_instances()) == before


def test_deleted_instance_is_gone_and_others_are_readable(started):
    client = started.archive()
    count = len(client.get_instances())
    stored = [path for path in (started.deployment.data.folder).rglob("*-*-*-*-*") if path.is_file()]
    assert len(stored) == count
    assert len({path.parent for path in stored}) == 1
    client.delete_patients_id(client.get_patients()[0])
    left = client.get_instances()
    assert 0 < len(left) < count
    started.restart()
    for leftover in left:
        assert started.archive().get_instances_id_file(leftover)[128:132] == b"DICM"
    assert all(path.exists() for path in stored), "the snapshot serves other deployments, too"


def test_restart_reads_the_socket_table_again(program, monkeypatch):
    """Safety rule 1 holds for whatever the student has changed, once the server listens at all of its ports."""
    program("Orthanc")
    looks = {}

    def watched(pid):
        looks[pid] = listeners(pid)
        return looks[pid]

    with sessions("process", "table") as start:
        session = start("student")
        edit(session, Name="Changed by the student")
        monkeypatch.setattr(process_runtime, "listeners", watched)
        session.restart()
        archive = session.deployment.state.servers["archive"]
        assert {
            (socket_address.address, socket_address.port) for socket_address in looks[int(archive.handle.split(":")[0])]
        } == {
            (archive.address, 8042),
            (archive.address, 4242),
        }


def test_reset_restores_data_and_configuration(started):
    session = started
    count = len(session.archive().get_instances())
    session.archive().delete_patients_id(session.archive().get_patients()[0])
    edit(session, Name="Mine")
    session.reset()
    assert session.archive().get_system()["Name"] == "Jan Arogya District Hospital"
    assert len(session.archive().get_instances()) == count
    assert "Mine" in (session.work / "before-reset.orthanc.json").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ('{\n "Name": "x"\n "DicomAet": "A"}', ConfigurationError, "line 3, column 2"),
        ('{"Nmae": "x"}', ConfigurationError, "Did you mean 'Name'"),
        ('{"HttpBindAddresses": ["0.0.0.0"]}', ConfigurationError, "binds every server"),
        ('{"DicomAet": 17}', ServerStartError, "runs as it did before"),
    ],
)
def test_restart_with_a_bad_configuration_keeps_the_server(started, text, error, words):
    session = started
    instances = sorted(session.archive().get_instances())
    good = (session.work / "orthanc.json").read_text(encoding="utf-8")
    (session.work / "orthanc.json").write_text(text, encoding="utf-8")
    with pytest.raises(error, match=words) as caught:
        session.restart()
    if error is ServerStartError:
        assert caught.value.details
    assert sorted(session.archive().get_instances()) == instances
    assert session.start().running
    (session.work / "orthanc.json").write_text(good, encoding="utf-8")
    session.restart()
    assert sorted(session.archive().get_instances()) == instances


def running_of(session):
    """Return how many servers run for a deployment, known to it or not."""
    if session.deployment.runtime.name == "process":
        return sum(owner == session.deployment.id for _, owner in marked(lab_id()))
    mine = {"label": [f"pacslab.lab={lab_id()}", f"pacslab.deployment={session.deployment.id}"]}
    return len(docker.from_env().api.containers(all=True, filters=mine))


def test_restart_that_fails_halfway_ends_what_it_started(started):
    """Devices get new certificates and start; the archive then does not."""
    session = started
    session.make_certificates()
    before = session.deployment.state
    handover = (session.work / "handover.yaml").read_text(encoding="utf-8")
    told = yaml.safe_load(handover)
    devices = {title: {"certificate": f"certs/{title}.pem", "key": f"certs/{title}.key"} for title in ("CT01", "WS01")}
    told["dicom"]["tls"] = {"ca": "certs/hospital-ca.pem", "devices": devices}
    (session.work / "handover.yaml").write_text(yaml.safe_dump(told), encoding="utf-8")
    configuration = (session.work / "orthanc.json").read_text(encoding="utf-8")
    (session.work / "orthanc.json").write_text('{"DicomAet": 17}', encoding="utf-8")
    with pytest.raises(ServerStartError, match="runs as it did before"):
        session.restart()
    assert session.status().running
    assert running_of(session) == len(session.deployment.state.machines) == 4
    assert session.deployment.state.devices == before.devices
    # The devices speak in clear text again, as the archive that ran understands.
    (session.work / "handover.yaml").write_text(handover, encoding="utf-8")
    (session.work / "orthanc.json").write_text(configuration, encoding="utf-8")
    assert not session.assess().broken
    assert session.start().running


def test_restart_with_a_broken_handover_stops_nothing(started):
    (started.work / "handover.yaml").write_text("dicom:\n  called_ae_titel: X\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"called_ae_titel.*Did you mean 'called_ae_title'"):
        started.restart()
    assert started.status().running


def test_upload_of_data_that_is_not_synthetic_is_refused(started):
    """Safety rule 6."""
    content = started.archive().get_instances_id_file(started.archive().get_instances()[0])
    dataset = pydicom.dcmread(io.BytesIO(content if isinstance(content, bytes) else content.content))
    real = pydicom.Dataset()
    for keyword in ("SOPClassUID", "StudyInstanceUID", "SeriesInstanceUID", "Modality"):
        setattr(real, keyword, getattr(dataset, keyword))
    real.SOPInstanceUID = "1.2.840.99999.1"
    real.PatientName = "Somebody^Real"
    real.PatientID = "4711"
    real.file_meta = pydicom.dataset.FileMetaDataset()
    real.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    real.file_meta.MediaStorageSOPClassUID = real.SOPClassUID
    real.file_meta.MediaStorageSOPInstanceUID = real.SOPInstanceUID
    buffer = io.BytesIO()
    pydicom.dcmwrite(buffer, real, enforce_file_format=True)
    started.archive().post_instances(buffer.getvalue())
    with pytest.raises(DeploymentError, match=r"not synthetic \(1\.2\.840\.99999\.1\)"):
        started.assess()
    with pytest.raises(DeploymentError, match="not synthetic"):
        started.restart()
    started.reset()
    assert started.start().running


def test_teardown_ends_everything_and_keeps_the_work(start, runtime):
    session = start("stopped")
    deployment = session.deployment.id
    (session.work / "deid" / "mine.txt").write_text("kept", encoding="utf-8")
    endpoint = session.deployment.state.servers["archive"].http
    assert session.stop() == 4
    assert deployment not in left_over(runtime)
    assert not (state_root() / "deployments" / deployment).exists()
    assert (session.work / "deid" / "mine.txt").exists()
    with pytest.raises(httpx.TransportError):
        httpx.get(f"http://{endpoint}/system", timeout=2, trust_env=False)
    with pytest.raises(DeploymentError, match="is not running"):
        session.archive()
    assert session.stop() == 0


def test_teardown_finds_what_a_killed_program_left(monkeypatch, tmp_path, runtime):
    """SIGKILL in the middle of a start, and after it."""
    monkeypatch.setenv("PACSLAB_STATE", str(tmp_path / "state"))
    code = (
        "import sys; from pacslab.session import Session\n"
        f"s=Session('open-archive', student='killed', runtime={runtime!r})\n"
        "print('begun', flush=True); s.start(); print('started', flush=True); import time; time.sleep(600)"
    )
    for word in ("begun", "started"):
        program = subprocess.Popen(
            [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=dict(os.environ)
        )
        while program.stdout.readline().strip() != word:
            assert program.poll() is None
        if word == "begun":
            deadline = time.monotonic() + 60
            while not left_over(runtime) and time.monotonic() < deadline:
                time.sleep(0.01)
        assert left_over(runtime)
        program.send_signal(signal.SIGKILL)
        program.wait()
        assert left_over(runtime)
        if word == "begun":  # whoever starts again need not know of it
            session = Session("open-archive", student="killed", runtime=runtime)
            assert session.start().running
            assert session.stop() == 4
            continue
        stop_all()
        assert not left_over(runtime)
        assert not list_running()


def test_teardown_happens_at_the_time_limit(start, runtime):
    session = start_briefly(start, "short-lived")
    deadline = time.monotonic() + 90
    while session.deployment.state is not None and time.monotonic() < deadline:
        time.sleep(0.2)
    time.sleep(2)
    live = open_runtime(runtime)
    state = json.loads((state_root() / "deployments" / session.deployment.id / "state.json").read_text())
    assert state["owner"]["deadline"] < time.time()
    addresses = state["servers"]["archive"]["http"]
    with pytest.raises(httpx.TransportError):
        httpx.get(f"http://{addresses['host']}:{addresses['port']}/system", timeout=2, trust_env=False)
    assert session.deployment.id in remove_expired()
    assert session.deployment.id not in live.deployments(lab_id())


def test_teardown_spares_a_deployment_being_started_again(places):
    """Another program has just seen that its time is over, and looks again before it ends anything."""
    folder = state_root() / "deployments" / "open-archive-0123456789abcdef"
    folder.mkdir(parents=True)
    (folder / "state.json").write_text('{"owner": {"deadline": 1.0}}', encoding="utf-8")
    locks = places / "state" / "locks"
    locks.mkdir()
    with (locks / folder.name).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert remove_expired() == []
        assert folder.is_dir()
    assert remove_expired() == [folder.name]
    assert not folder.exists()


def test_server_that_died_comes_back_with_its_data(started, runtime):
    archive = started.deployment.state.servers["archive"]
    count = len(started.archive().get_instances())
    open_runtime(runtime).stop(archive)
    assert not started.status().running
    started.start()
    assert started.status().running
    assert len(started.archive().get_instances()) == count


def take(endpoint):
    """Listen at an endpoint, as soon as the threads of the server that was killed there have let go of it."""
    deadline = time.monotonic() + 20
    while True:
        try:
            return socket.create_server((endpoint.host, endpoint.port))
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.01)


@pytest.mark.docker
def test_port_taken_for_a_moment_is_waited_for(monkeypatch):
    def give_back(reason):
        taken.close()
        return is_port_in_use(reason)

    is_port_in_use = containers.is_port_in_use
    monkeypatch.setattr(containers, "is_port_in_use", give_back)
    with sessions("docker", "moment") as start:
        session = start("a")
        archive = session.deployment.state.servers["archive"]
        open_runtime("docker").stop(archive)
        with take(archive.http) as taken:
            session.start()
            assert taken.fileno() < 0
        assert session.deployment.state.servers["archive"].http == archive.http
        assert session.status().running


LENT = 32_768
"""The first port that Linux lends to a program's own connections, unless it is told otherwise (ip_local_port_range)."""


@pytest.mark.docker
def test_port_of_a_container_is_never_ephemeral(monkeypatch):
    """One that is lent while its container is replaced would be gone for as long as that connection stays."""
    drawn = []
    with sessions("docker", "ports") as start, socket.create_server(("127.0.0.1", 0)) as taken:
        busy, free_port = taken.getsockname()[1], containers.draw_free_port

        def busy_at_first():
            drawn.append(free_port() if drawn else busy)
            return drawn[-1]

        monkeypatch.setattr(containers, "draw_free_port", busy_at_first)
        session = start("a")
        servers = session.deployment.state.servers.values()
        ports = {endpoint.port for server in servers for endpoint in (server.http, server.dicom)}
    assert len(ports) == 8
    assert ports <= set(drawn)
    assert len(drawn) > len(ports)
    assert max(ports) < LENT


def test_address_in_use_is_reported_and_nothing_is_lost(started, runtime):
    archive = started.deployment.state.servers["archive"]
    instances = sorted(started.archive().get_instances())
    open_runtime(runtime).stop(archive)
    with take(archive.http):
        for attempt in (started.restart, started.start):
            with pytest.raises(DeploymentError, match=r"archive.* in use by another program") as caught:
                attempt()
            assert "pacslab stop" in caught.value.remedy
    assert started.deployment.id not in left_over(runtime)
    started.start()
    assert sorted(started.archive().get_instances()) == instances


def test_deployment_started_by_two_programs_starts_once(runtime):
    sessions = [Session("open-archive", student="twice", runtime=runtime) for _ in range(2)]
    threads = [threading.Thread(target=session.start) for session in sessions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    try:
        assert sessions[0].url == sessions[1].url
        assert len(sessions[0].deployment.servers_running()) == 4
    finally:
        sessions[0].stop()


def test_deployment_in_another_runtime_is_refused(running, runtime):
    other = {"process": "docker", "docker": "process"}[runtime]
    with pytest.raises(DeploymentError, match=f"already runs in the runtime '{runtime}'"):
        Session("open-archive", student=running.student, runtime=other).start()


@pytest.mark.parametrize("hours", [0, -1, 1000])
def test_time_limit_that_makes_no_sense_is_refused(hours):
    with pytest.raises(DeploymentError, match="hours cannot be set"):
        Session("open-archive", student="x", hours=hours)


def test_student_id_that_is_odd_is_refused_before_a_start():
    with pytest.raises(ScenarioError, match="student id"):
        Session("open-archive", student="../../etc")


def test_error_has_a_remedy():
    with pytest.raises(PacslabError) as caught:
        Session("open-archiv")
    assert caught.value.remedy
