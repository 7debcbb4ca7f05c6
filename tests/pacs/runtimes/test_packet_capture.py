"""The tap on the cable: a capture that others open, showing what crossed readable and nothing of what did not."""

import shutil
import socket
import socketserver
import subprocess
import threading

import pytest

from pacslab.errors import UnsafeAddressError
from pacslab.grading import write_reference_fix
from pacslab.pacs.addresses import Endpoint
from pacslab.pacs.runtimes.pcap import Capture, read_pcap
from pacslab.pacs.runtimes.relay import relay_connections
from pacslab.probes import Target, names_in, passwords_in
from tests.support.servers import sessions


class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        while content := self.request.recv(4096):
            self.request.sendall(content.upper())


@pytest.fixture
def echo():
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Echo) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield Endpoint(*server.server_address)
        server.shutdown()


def test_relay_passes_everything_on_and_captures_it(echo, tmp_path):
    capture = Capture()
    sent = b"quiet please " * 5000
    with (
        relay_connections(Endpoint("127.0.0.1", 0), echo, "127.0.0.9", capture) as place,
        socket.create_connection((place.host, place.port)) as client,
    ):
        client.sendall(sent)
        client.shutdown(socket.SHUT_WR)
        back = b"".join(iter(lambda: client.recv(65536), b""))
    assert back == sent.upper()
    path = capture.save(tmp_path / "capture.pcap")
    streams = read_pcap(path.read_bytes()).streams()
    assert {(stream.host, other) for stream, other in streams} == {
        ("127.0.0.9", echo),
        (echo.host, next(iter(streams))[0]),
    }
    assert sorted(streams.values()) == sorted([sent, sent.upper()])


def test_capture_is_read_by_tcpdump_with_right_checksums(echo, tmp_path, program):
    capture = Capture()
    with (
        relay_connections(Endpoint("127.0.0.1", 0), echo, None, capture) as place,
        socket.create_connection((place.host, place.port)) as client,
    ):
        client.sendall(b"A password: swordfish\r\n")
        assert client.recv(100)
    path = capture.save(tmp_path / "capture.pcap")
    shown = subprocess.run(
        [program("tcpdump"), "-nvv", "-A", "-r", path], capture_output=True, text=True, check=True, errors="replace"
    ).stdout
    assert "A password: swordfish" in shown
    assert "Flags [S.]" in shown
    assert "incorrect" not in shown


def test_relay_beyond_the_lab_is_refused():
    for listen, target in (("127.0.0.1", "192.0.2.1"), ("0.0.0.0", "127.0.0.1"), ("127.0.0.1", "example.org")):
        with (
            pytest.raises(UnsafeAddressError),
            relay_connections(Endpoint(listen, 0), Endpoint(target, 80), None, Capture()),
        ):
            pass


@pytest.mark.parametrize("content", [b"", b"not a capture at all, but long enough", b"\xd4\xc3\xb2\xa1" + bytes(20)])
def test_capture_file_that_is_none_is_refused(content):
    with pytest.raises(ValueError, match=r"pcap|link type"):
        read_pcap(content)


def test_capture_shows_names_and_passwords_until_encrypted(runtime):
    with sessions(runtime, "cable", "cleartext") as start:
        session = start(runtime)
        path = session.eavesdrop()
        capture = read_pcap(path.read_bytes())
        assert passwords_in(capture) == ["radiologist:marble-window-35-tamarind"]
        with Target.of(session.deployment) as site:
            (name,) = names_in(capture, site)
            study = site.key.study(site.key.facts["clinic_study_uid"])
        assert study.study_instance_uid.encode() in b"".join(capture.streams().values())
        if shutil.which("tcpdump"):
            subprocess.run(["tcpdump", "-n", "-r", path], capture_output=True, check=True)
        write_reference_fix("cleartext", session.work)
        session.restart()
        hidden = read_pcap(session.eavesdrop().read_bytes())
        assert passwords_in(hidden) == []
        content = b"".join(hidden.streams().values())
        assert len(content) > 4000  # two conversations did take place
        assert name.encode() not in content
        assert study.study_instance_uid.encode() not in content
