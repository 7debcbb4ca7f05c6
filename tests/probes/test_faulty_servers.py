"""A server that hangs, talks nonsense, stops in the middle or never stops: a finding that says so, and no points.

The servers here are made up, as a real Orthanc does none of this on demand.
"""

import json
import socket
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import replace

import httpx
import pytest
from pydicom.dataset import Dataset
from pynetdicom import AE, evt
from pynetdicom.sop_class import (
    PatientRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelFind,
    Verification,
)

from pacslab.grading import write_reference_fix
from pacslab.pacs import ArchivePort, Endpoint, archive_entries
from pacslab.probes import bounded_http, run_probes, target
from pacslab.probes.findings import Outcome, Side
from pacslab.probes.registry import PROBES
from pacslab.probes.target import Target

JSON = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def hangs(connection):
    while connection.recv(4096):
        pass


def talks_nonsense(connection):
    connection.recv(4096)
    connection.sendall(bytes(range(256)) * 16)


def closes_in_the_middle(connection):
    connection.recv(4096)
    connection.sendall(JSON + b'Content-Length: 4096\r\n\r\n[{"ID": "')


def streams_without_end(connection):
    connection.recv(4096)
    connection.sendall(JSON + b"\r\n")
    while True:
        connection.sendall(b"[" * 65536)


def drips(connection):
    connection.recv(4096)
    for byte in JSON + b"X-Slow: " + b"s" * 4096:
        connection.sendall(bytes([byte]))
        time.sleep(0.4)


def nests_without_reason(connection):
    connection.recv(4096)
    body = b"[" * 100_000 + b"]" * 100_000
    connection.sendall(JSON + b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body)


def answers_another_question(connection):
    connection.recv(4096)
    body = json.dumps({"error": ["nothing", None, 3]}).encode()
    connection.sendall(JSON + b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body)


def refuses_slowly(connection):
    """Answer each request by a refusal, but only after longer than a body is waited for."""
    connection.recv(4096)
    time.sleep(1.2)
    connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


def hangs_in_the_middle_of_a_list(connection):
    """Refuse some guesses, and answer no more."""
    for _ in range(50):
        if not connection.recv(4096):
            return
        connection.sendall(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")
    hangs(connection)


@contextmanager
def serving(behave):
    """Yield the port of a server on loopback that does one thing to whoever connects."""
    ended = threading.Event()

    def serve(connection):
        with connection, suppress(OSError):
            connection.settimeout(40)
            behave(connection)

    def accept():
        while not ended.is_set():
            with suppress(OSError):
                threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        listener.settimeout(0.5)
        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1]
        ended.set()


@contextmanager
def answering_without_end():
    """Yield the port of a DICOM device on loopback that has one more answer to every C-FIND."""
    ended = threading.Event()

    def one_more(event):
        answer = Dataset()
        answer.QueryRetrieveLevel = event.identifier.QueryRetrieveLevel
        answer.StudyInstanceUID = "2.25.1"
        while not ended.wait(0.02):
            yield 0xFF00, answer

    device = AE(ae_title="ENDLESS")
    device.maximum_associations = 64
    for context in (
        Verification,
        StudyRootQueryRetrieveInformationModelFind,
        PatientRootQueryRetrieveInformationModelFind,
    ):
        device.add_supported_context(context)
    server = device.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_FIND, one_more)])
    try:
        yield server.socket.getsockname()[1]
    finally:
        ended.set()
        server.shutdown()


@pytest.fixture
def impatient(monkeypatch):
    """Wait less for a server that will never answer: the same limits, sooner over."""
    monkeypatch.setattr(bounded_http, "TIMEOUT", 2.0)
    monkeypatch.setattr(bounded_http, "WHOLE", 6.0)
    monkeypatch.setattr(target, "TIMEOUT", 5.0)


@pytest.fixture(scope="module")
def hospital():
    from tests.support.servers import sessions  # noqa: PLC0415

    with sessions("process", "faults") as start:
        session = start("faults")
        write_reference_fix(session.scenario.id, session.work)
        session.restart()
        yield session


@pytest.fixture
def instead(monkeypatch):
    """Return a function that puts another server in the archive's place for the next look."""
    real = Target.of

    def put(port):
        endpoint = Endpoint("127.0.0.1", port)

        @contextmanager
        def of(deployment):
            with real(deployment) as here:
                title = here.handover.dicom.called_ae_title
                for name, peer in here.peers.items():
                    entries = archive_entries(name, title, "127.0.0.1")
                    peer.address_archive({key: {**entry, "Port": port} for key, entry in entries.items()})
                archive = replace(here.archive, http=endpoint, dicom=endpoint)
                yield replace(
                    here, archive=archive, endpoints={ArchivePort.HTTP: endpoint, ArchivePort.DICOM: endpoint}
                )

        monkeypatch.setattr(run_probes.Target, "of", of)

    return put


@pytest.fixture
def looked_at_alone(hospital, instead, monkeypatch):
    """Return a function that looks by one probe at another server in the archive's place."""

    def look(name, port):
        monkeypatch.setattr(run_probes, "probes_for", lambda _scenario: [PROBES[name]])
        instead(port)
        return run_probes.assess(hospital.deployment).findings[0]

    return look


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("behave", "words"),
    [
        (hangs, "did not answer within"),
        (talks_nonsense, "not HTTP"),
        (closes_in_the_middle, "closed"),
        (streams_without_end, "without an end"),
        (drips, "within 6 s"),
        (nests_without_reason, "makes no sense"),
        (answers_another_question, "makes no sense"),
    ],
)
def test_faulty_server_is_reported_and_earns_nothing(hospital, instead, behave, words):
    with serving(behave) as port:
        instead(port)
        assessment = hospital.assess()
    told = [
        (shown_finding.id, shown_finding.outcome.value, shown_finding.evidence) for shown_finding in assessment.findings
    ]
    assert {shown_finding.outcome for shown_finding in assessment.side(Side.CLINIC)} == {Outcome.BROKEN}, told
    assert {shown_finding.outcome for shown_finding in assessment.side(Side.ATTACK)} == {Outcome.CLOSED}, told
    assert words in assessment.finding("clinic-radiologist-views").evidence, told
    assert hospital.score.stage("harden")[0] == 0


@pytest.mark.usefixtures("impatient")
def test_search_with_endless_answers_is_given_up(hospital, instead):
    with answering_without_end() as port:
        instead(port)
        assessment = hospital.assess()
    told = [
        (shown_finding.id, shown_finding.outcome.value, shown_finding.evidence) for shown_finding in assessment.findings
    ]
    assert {shown_finding.outcome for shown_finding in assessment.side(Side.CLINIC)} == {Outcome.BROKEN}, told
    assert {shown_finding.outcome for shown_finding in assessment.side(Side.ATTACK)} == {Outcome.CLOSED}, told
    assert "did not come to an end within 10 s" in assessment.finding("clinic-workstation-finds").evidence, told
    assert hospital.score.stage("harden")[0] == 0


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("behave", "name", "outcome"),
    [
        (refuses_slowly, "http-reader-restarts", Outcome.CLOSED),
        (hangs_in_the_middle_of_a_list, "http-known-password", Outcome.LAB_FAILURE),
    ],
)
def test_slow_server_is_neither_permission_nor_refusal(looked_at_alone, behave, name, outcome):
    with serving(behave) as port:
        finding = looked_at_alone(name, port)
    assert finding.outcome is outcome, finding.evidence


def test_archive_put_back_in_its_place_earns_everything(hospital):
    assessment = hospital.assess()
    assert assessment.good
    earned, possible = hospital.score.stage("harden")
    assert earned == possible


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(("behave", "words"), [(streams_without_end, "without an end"), (drips, "within 6 s")])
def test_password_guess_is_bounded_like_other_requests(behave, words):
    with (
        serving(behave) as port,
        bounded_http.BoundedClient(base_url=f"http://127.0.0.1:{port}", transport=httpx.HTTPTransport()) as client,
        pytest.raises(bounded_http.TooMuchError, match=words),
    ):
        client.send_as_it_is(client.build_request("GET", "/system"))
