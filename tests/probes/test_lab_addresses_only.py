"""Safety rule 3 for every probe there is: an archive that claims to be elsewhere is sent nothing."""

import socket
from dataclasses import dataclass, replace

import pytest

from pacslab.errors import RefusedError, UnsafeAddressError
from pacslab.pacs import ArchivePort, Endpoint, archive_entries, require_lab_address
from pacslab.probes.registry import PROBES
from pacslab.probes.target import DicomPeer, Target

ELSEWHERE = "192.0.2.1"  # TEST-NET-1, RFC 5737


@dataclass
class Mute:
    """A device that cannot reach the archive, so that only the probe's own connections are left."""

    def __getattr__(self, name):
        def refuse(*_args, **_options):
            raise RefusedError("not connected")

        answers = {"forget": None, "hold": "x", "address_archive": None, "forget_modality": None}
        return (lambda *_: answers[name]) if name in answers else refuse


@pytest.fixture
def moved(running, monkeypatch):
    """The site of a running deployment whose archive has moved out of the lab, and a list of where anybody connects."""
    called = []
    real = socket.socket.connect

    def connect(self, address):
        if isinstance(address, tuple):
            called.append(address[0])
            require_lab_address(address[0])
        return real(self, address)

    with Target.of(running.deployment) as site:
        monkeypatch.setattr(socket.socket, "connect", connect)
        place = Endpoint(ELSEWHERE, 8042)
        yield (
            replace(
                site,
                archive=replace(site.archive, address=ELSEWHERE, http=place, dicom=Endpoint(ELSEWHERE, 4242)),
                archive_address=ELSEWHERE,
                endpoints={
                    ArchivePort.HTTP: place,
                    ArchivePort.HTTPS: Endpoint(ELSEWHERE, 8443),
                    ArchivePort.DICOM: place,
                },
                peers=dict.fromkeys(site.peers, Mute()),
            ),
            called,
        )


@pytest.mark.parametrize("name", PROBES)
def test_probe_sends_nothing_to_an_address_outside_the_lab(moved, name):
    site, called = moved
    try:
        seen = PROBES[name].look(site)
    except UnsafeAddressError as refusal:
        assert ELSEWHERE in str(refusal)  # noqa: PT017
    else:  # what only devices do, or only the configuration tells
        assert seen.evidence
    assert ELSEWHERE not in called


def test_c_move_to_an_address_outside_the_lab_is_not_asked(running):
    state = running.deployment.running_state()
    device = DicomPeer("CT01", state.servers["CT01"], state.password)
    with pytest.raises(UnsafeAddressError, match="nothing was sent"):
        device.address_archive(archive_entries("CT01", "ARCHIVE", ELSEWHERE))
    device.close()
