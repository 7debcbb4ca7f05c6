"""Eavesdropping: capture the packets of a DICOM association or a web session, and read names and passwords."""

from __future__ import annotations

import base64
import binascii
import re
import uuid
from contextlib import suppress
from typing import TYPE_CHECKING

import httpx

from pacslab.errors import RefusedError
from pacslab.pacs import WORKSTATION, Capture, Endpoint, hospital_transport, modality_entry, relay_connections
from pacslab.probes.bounded_http import BoundedClient
from pacslab.probes.findings import Side
from pacslab.probes.registry import ProbeResult, probe
from pacslab.scenario import Severity

if TYPE_CHECKING:
    from pacslab.probes.target import Target

CAPTURE_FILE = "capture.pcap"
_BASIC = re.compile(rb"Authorization: Basic ([A-Za-z0-9+/=]+)", re.IGNORECASE)


def listen_to_workstation(target: Target) -> Capture:
    """Return the packets between workstation and archive during a C-FIND."""
    workstation = target.peers[WORKSTATION]
    name = f"tapped-{uuid.uuid4().hex[:8]}"
    with target.tapped() as (host, capture):
        entry = modality_entry(target.handover.dicom.called_ae_title, host, tls=target.devices_speak_tls)
        workstation.address_archive({name: entry})
        try:
            wanted = {"StudyInstanceUID": target.key.facts["clinic_study_uid"], "PatientName": "", "PatientID": ""}
            with suppress(RefusedError):
                workstation.find("Study", wanted, name)
        finally:
            workstation.forget_modality(name)
    return capture


def listen_to_radiologist(target: Target) -> Capture:
    """Return the packets between the radiologist and the archive during a login and a search."""
    web, capture = target.handover.web, Capture()
    door = target.endpoints.get(web.door)
    if door is None:
        return capture
    account = web.radiologist
    with relay_connections(Endpoint("127.0.0.1", 0), door, target.outsider, capture) as place:
        transport = hospital_transport(web, target.work, {web.door: place})
        with (
            suppress(httpx.HTTPError),
            BoundedClient(base_url=web.url, auth=account.credentials, transport=transport) as client,
        ):
            question = {"Level": "Study", "Query": {"StudyInstanceUID": target.key.facts["clinic_study_uid"]}}
            client.post("/tools/find", json={**question, "Expand": True})
    return capture


def passwords_in(capture: Capture) -> list[str]:
    """Return the user names and passwords (``user:password``, RFC 7617) that stand readable in a capture."""
    found: list[str] = []
    for content in capture.streams().values():
        for match in _BASIC.finditer(content):
            with suppress(binascii.Error, UnicodeDecodeError):
                found.append(base64.b64decode(match.group(1)).decode())
    return list(dict.fromkeys(found))


def names_in(capture: Capture, target: Target) -> list[str]:
    """Return the patients' names (PN values) that stand readable in a capture, sorted."""
    content = b"\n".join(capture.streams().values())
    written = {patient.name for patient in target.key.patients}
    return sorted(name for name in written if name and name.encode() in content)


def _tcpdump_command(target: Target) -> str:
    return f"tcpdump -n -A -r {target.work / CAPTURE_FILE}  # lab.eavesdrop() writes it; Wireshark opens it"


@probe("wire-dicom", Side.ATTACK, "Listen to the workstation's cable", Severity.HIGH)
def eavesdrop_on_workstation(target: Target) -> ProbeResult:
    """Listen between WS01 and the archive while it searches, and look for names in what passes."""
    names = names_in(listen_to_workstation(target), target)
    if names:
        shown = ", ".join(name.replace("^", " ").strip() for name in names[:3])
        return ProbeResult(
            True,
            f"While {WORKSTATION} searched, its cable carried the name {shown} readable.",
            _tcpdump_command(target),
        )
    return ProbeResult(
        False, f"While {WORKSTATION} searched, its cable carried no patient's name readable.", _tcpdump_command(target)
    )


@probe("wire-web", Side.ATTACK, "Listen to the radiologist's cable", Severity.HIGH)
def eavesdrop_on_radiologist(target: Target) -> ProbeResult:
    """Listen between the ward and the archive while the radiologist logs in, and look for passwords and names."""
    capture = listen_to_radiologist(target)
    passwords, names = passwords_in(capture), names_in(capture, target)
    readable = []
    if passwords:
        user, _, password = passwords[0].partition(":")
        readable.append(f"the password of {user!r} ({len(password)} characters, it begins with {password[:2]!r})")
    if names:
        readable.append(f"the name {names[0].replace('^', ' ').strip()}")
    if readable:
        words = f"While the radiologist logged in, the cable carried {' and '.join(readable)} readable."
        return ProbeResult(True, words, _tcpdump_command(target))
    return ProbeResult(
        False, "While the radiologist logged in, the cable carried nothing readable.", _tcpdump_command(target)
    )
