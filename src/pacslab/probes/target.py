"""The target of every probe: the archive from outside, and the peers that speak DICOM to it."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx

from pacslab.errors import DeploymentError, LabFailureError, LimitReachedError, RefusedError
from pacslab.pacs import (
    ARCHIVE,
    LAB_ACCOUNT,
    ORTHANC_KEEPALIVE,
    PEERS,
    STRANGER,
    WORKSTATION,
    ArchivePort,
    archive_entries,
    hospital_transport,
    require_lab_address,
    served_paths,
)
from pacslab.probes.bounded_http import BoundedClient

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from pacslab.cohort import AnswerKey
    from pacslab.pacs import Account, Capture, Deployment, Endpoint, Handover, Server

TIMEOUT = 10.0  # seconds, of every DICOM request

AS_NOBODY_KNOWS = "archive-by-a-wrong-title"
"""A device's entry for the archive under a called title that is not the archive's."""

WRONG_TITLE = "WHOEVER"

LEVELS = {"Patient": "PATIENT", "Study": "STUDY", "Series": "SERIES", "Instance": "IMAGE"}
"""Query/retrieve levels (PS3.4 C.6) by Orthanc's names for them."""

_LOG_LINES = 10_000  # of the archive's log that are read; an assessment writes some hundred
_CANCELLED = "0xFE00"


class DicomPeer:
    """A hospital device or a stranger: a real Orthanc that opens DICOM associations with the archive.

    It is driven over its own REST API: C-ECHO, C-FIND, C-MOVE and C-STORE leave from its own address, under its own AE
    title.
    """

    def __init__(self, name: str, server: Server, password: str) -> None:
        self.name = name
        require_lab_address(server.http.host)
        self._client = httpx.Client(
            base_url=server.url,
            auth=(LAB_ACCOUNT, password),
            timeout=2 * TIMEOUT,
            limits=ORTHANC_KEEPALIVE,
            trust_env=False,
            follow_redirects=False,
            verify=False,  # noqa: S501  (no TLS on the lab's own line; to read the world's authorities takes 50 ms)
        )

    def close(self) -> None:
        """Close its connections."""
        self._client.close()

    def _ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            return self._client.request(method, path, **options)
        except httpx.HTTPError as reason:
            raise LabFailureError(f"the lab's own machine {self.name} did not answer ({reason})") from None

    def _own(self, method: str, path: str, **options: Any) -> Any:
        """Send a request about the peer itself, where a refusal is the lab's fault."""
        answer = self._ask(method, path, **options)
        if answer.is_error:
            raise LabFailureError(f"the lab's own machine {self.name} answered {answer.status_code} to {path}")
        return answer.json() if answer.content else None

    def _dicom(self, path: str, **options: Any) -> Any:
        """Have the peer send a DIMSE request, where a refusal is the archive's."""
        try:
            answer = self._client.request("POST", path, **options)
        except httpx.TimeoutException:
            self.about_itself()
            raise RefusedError(f"it did not come to an end within {2 * TIMEOUT:.0f} s") from None
        except httpx.HTTPError as reason:
            raise LabFailureError(f"the lab's own machine {self.name} did not answer ({reason})") from None
        # The archive's refusal comes back as 500; whatever else goes wrong is between the lab and its own machine.
        if answer.status_code in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN, httpx.codes.NOT_FOUND}:
            raise LabFailureError(f"the lab's own machine {self.name} answered {answer.status_code} to {path}")
        if answer.is_error:
            words = _reason(answer)
            raise (LimitReachedError if _CANCELLED in words else RefusedError)(words)
        return answer.json() if answer.content else None

    def about_itself(self) -> dict[str, Any]:
        """Return the peer's own ``/system``: the quickest answer that it has.

        Raises
        ------
        LabFailureError
            If it does not answer.

        """
        system: dict[str, Any] = self._own("GET", "/system")
        return system

    def address_archive(self, entries: Mapping[str, dict[str, Any]]) -> None:
        """Configure the archive as a modality of this peer, under each entry's name."""
        for name, entry in entries.items():
            require_lab_address(entry["Host"])
            self._own("PUT", f"/modalities/{name}", json=entry)

    def forget_modality(self, name: str) -> None:
        """Delete an entry for the archive from this peer's modalities."""
        self._own("DELETE", f"/modalities/{name}")

    def echo(self, modality: str = ARCHIVE) -> None:
        """Send a C-ECHO.

        Raises
        ------
        RefusedError
            If the archive does not answer it.

        """
        self._dicom(f"/modalities/{modality}/echo", json={})

    def find(self, level: str, query: dict[str, str], modality: str = ARCHIVE) -> list[dict[str, str]]:
        """Send a C-FIND and return the answers by the attributes' names.

        Raises
        ------
        RefusedError
            If the archive refuses it.
        LimitReachedError
            If it has more answers than it gives.

        """
        made = self._dicom(f"/modalities/{modality}/query", json={"Level": level, "Query": query})
        answers = self._own("GET", f"/queries/{made['ID']}/answers", params={"expand": "", "simplify": ""})
        self._ask("DELETE", f"/queries/{made['ID']}")
        return list(answers)

    def worklist(self, modality: str = ARCHIVE) -> list[dict[str, Any]]:
        """Send a C-FIND for the modality worklist and return its entries by the attributes' names.

        Raises
        ------
        RefusedError
            If the archive refuses it.

        """
        query = {"PatientName": "", "PatientID": "", "ScheduledProcedureStepSequence": []}
        return list(self._dicom(f"/modalities/{modality}/find-worklist", json=query) or [])

    def move(self, study_uid: str, destination: str, modality: str = ARCHIVE) -> None:
        """Send a C-MOVE that asks the archive to send a study to an AE title.

        Raises
        ------
        RefusedError
            If the archive refuses it or the destination.

        """
        body = {
            "Level": "Study",
            "Resources": [{"StudyInstanceUID": study_uid}],
            "TargetAet": destination,
            "Synchronous": True,
            "Timeout": int(TIMEOUT),
        }
        self._dicom(f"/modalities/{modality}/move", json=body)

    def store(self, resource: str, modality: str = ARCHIVE) -> None:
        """Send a study of its own by C-STORE.

        Raises
        ------
        RefusedError
            If the archive refuses an instance.

        """
        self._dicom(f"/modalities/{modality}/store", json={"Resources": [resource], "Synchronous": True})

    def hold(self, files: list[bytes]) -> str:
        """Import the files of one study into the peer's own store and return the study's Orthanc identifier."""
        answers = [self._own("POST", "/instances", content=file) for file in files]
        return str(answers[0]["ParentStudy"])

    def held(self, study_uid: str) -> tuple[str, int] | None:
        """Return the Orthanc identifier and the number of instances of a study in its own store, or None."""
        query = {"Level": "Study", "Query": {"StudyInstanceUID": study_uid}}
        found = self._own("POST", "/tools/find", json=query)
        if not found:
            return None
        return str(found[0]), int(self._own("GET", f"/studies/{found[0]}/statistics")["CountInstances"])

    def wait_for(self, study_uid: str, timeout_s: float = 2.0) -> int:
        """Return the number of instances of a study in its own store; wait while there are none."""
        deadline = time.monotonic() + timeout_s
        while True:
            held = self.held(study_uid)
            if held is not None or time.monotonic() > deadline:
                return held[1] if held else 0
            time.sleep(0.05)

    def forget(self, study_uid: str) -> None:
        """Delete a study from its own store."""
        held = self.held(study_uid)
        if held is not None:
            self._own("DELETE", f"/studies/{held[0]}")


def _reason(answer: httpx.Response) -> str:
    try:
        content = answer.json()
    except ValueError:
        return f"status {answer.status_code}"
    words = str(content.get("Details") or content.get("OrthancError") or f"status {answer.status_code}")
    return words.strip().removeprefix("DicomAssociation - ").removeprefix("DicomControlUserConnection - ")


@contextmanager
def no_capture() -> Iterator[tuple[str, Capture]]:
    """Raise LabFailureError: this target has no cable to tap."""
    raise LabFailureError("there is no cable to listen at")
    yield


def no_log() -> tuple[str, ...]:
    """Raise LabFailureError: this target has no log to read."""
    raise LabFailureError("there is no log to read")


@dataclass(frozen=True)
class Target:
    """One running deployment as the probes reach it.

    Parameters
    ----------
    archive
        The server under attack, at the addresses by which this machine reaches it.
    archive_address
        Its address in the lab network, by which the peers reach it.
    outsider
        The source address of somebody outside; None where the runtime gives no other than this machine's.
    handover
        What ``handover.yaml`` names: addresses, accounts and TLS files of the hospital's staff and devices.
    key
        The variant's answer key: which patients, studies and instances the archive holds.
    configuration
        The archive's running ``orthanc.json``.
    follow_up
        The Part 10 files of the study that the CT scanner stores during the clinic probes.
    peers
        CT01, WS01 and ROGUE by name.
    endpoints
        The ports of the archive and its proxy that somebody outside reaches.
    work
        The student's work folder.
    proxy
        The text of the student's ``nginx.conf``, if there is one.
    devices_speak_tls
        Whether the workstation speaks DICOM over TLS, by handover.yaml.
    tapped
        Opens a cable between the workstation and the archive: yields the host to connect to, and its capture.
    log
        Returns the last lines of the archive's log.

    """

    archive: Server
    archive_address: str
    outsider: str | None
    handover: Handover
    key: AnswerKey
    configuration: dict[str, Any]
    follow_up: tuple[bytes, ...]
    peers: dict[str, DicomPeer]
    endpoints: Mapping[ArchivePort, Endpoint]
    work: Path
    proxy: str | None = None
    devices_speak_tls: bool = False
    tapped: Callable[[], AbstractContextManager[tuple[str, Capture]]] = no_capture
    log: Callable[[], tuple[str, ...]] = no_log
    drawing: AbstractContextManager[object] = field(default_factory=threading.Lock)
    """Held while the archive renders an image, and while an image of it is deleted or replaced.

    Orthanc 1.12 and 1.13 deadlock when both happen at once: rendering locks the cache of parsed files, then the index;
    deleting locks the index, then that cache (1.10 does not).
    """

    @classmethod
    @contextmanager
    def of(cls, deployment: Deployment) -> Iterator[Target]:
        """Yield the target of a running deployment, with the archive configured in every peer.

        Raises
        ------
        DeploymentError
            If it is not running, or a peer does not answer.
        ConfigurationError
            If the student's handover cannot be read.
        UnsafeAddressError
            If a server's address is not in a lab network.

        """
        state = deployment.running_state()
        handover = deployment.handover()
        archive = state.servers[ARCHIVE]
        require_lab_address(archive.http.host)
        target = cls(
            archive=archive,
            archive_address=state.network.addresses[ARCHIVE],
            outsider=state.network.outsider,
            handover=handover,
            key=deployment.answer_key,
            configuration=state.configuration,
            follow_up=tuple(deployment.data.cohort().follow_up()),
            peers={name: DicomPeer(name, state.servers[name], state.password) for name in PEERS},
            endpoints=state.endpoints,
            work=deployment.work.path,
            proxy=state.exercise.proxy if state.exercise else None,
            devices_speak_tls=handover.dicom.tls is not None and bool(state.devices.get(WORKSTATION)),
            tapped=lambda: deployment.runtime.tapped(state.owner, state.network, state.servers[WORKSTATION]),
            log=lambda: deployment.runtime.log(archive, _LOG_LINES),
        )
        try:
            target._introduce_archive(state.devices)
            yield target
        finally:
            for peer in target.peers.values():
                peer.close()

    def _introduce_archive(self, devices: Mapping[str, object]) -> None:
        """Configure the archive in every peer: with or without TLS, under its AE title and under a wrong one.

        The stranger follows the archive's running configuration, a device follows handover.yaml.
        """
        dicom = self.handover.dicom
        spoken = bool(self.configuration.get("DicomTlsEnabled"))
        try:
            for name, peer in self.peers.items():
                tls = spoken if name == STRANGER else dicom.tls is not None and bool(devices.get(name))
                entries = archive_entries(name, dicom.called_ae_title, self.archive_address, tls=tls)
                entries[AS_NOBODY_KNOWS] = {**entries[ARCHIVE], "AET": WRONG_TITLE}
                peer.address_archive(entries)
        except LabFailureError as reason:
            raise DeploymentError(
                f"nothing could be assessed: {reason}", "Stop the lab and start it again; your files stay."
            ) from None

    @property
    def stranger(self) -> DicomPeer:
        """Return the stranger's machine."""
        return self.peers[STRANGER]

    @cached_property
    def web_urls(self) -> tuple[str, ...]:
        """Return every web address of the archive that answers somebody outside; the staff's own comes first.

        The staff's own is included even if it is closed, as that is a finding, too.
        """
        doors = [port for port in ArchivePort if port is not ArchivePort.DICOM and port in self.endpoints]
        own = self.handover.web.door
        doors.sort(key=lambda port: port is not own)
        urls = [(port, f"{port.scheme}://{self.endpoints[port]}") for port in doors]
        return tuple(url for door, url in urls if len(urls) == 1 or door is own or self._answers(url))

    def _answers(self, url: str) -> bool:
        try:
            with self.visitor(url) as client:
                client.head("/")
        except httpx.HTTPError:
            return False
        return True

    @property
    def front(self) -> str:
        """Return the web address that the staff use, as this machine reaches it."""
        own = self.handover.web.door
        return f"{own.scheme}://{self.endpoints.get(own, self.archive.http)}"

    @property
    def served_paths(self) -> tuple[str, ...]:
        """Return the paths under which a proxy in front serves folders."""
        return served_paths(self.proxy) if self.proxy else ()

    def search_by_hand(self, caller: str, title: str, level: str, *wanted: str) -> str:
        """Return the command that sends a C-FIND as a device, at a level and for some attributes.

        Where the archive checks addresses, only the device itself may search: then it is a line for a notebook.
        """
        called, place = self.handover.dicom.called_ae_title, self.archive.dicom
        if caller != STRANGER and self.configuration.get("DicomCheckModalityHost"):
            query = ", ".join(f'"{attribute}": ""' for attribute in wanted)
            line = f'lab.modality("{caller}").query({{"Level": "{level}", "Query": {{{query}}}}})'
            return f"{line}  # in a notebook, as only {caller}'s own address is let in"
        keys = " ".join(f"-k {key}" for key in (f"QueryRetrieveLevel={LEVELS[level]}", *wanted))
        return f"findscu -S -aet {title} -aec {called} {place.host} {place.port} {keys}"

    def visitor(self, url: str, account: Account | None = None) -> BoundedClient:
        """Return a web client of somebody outside that accepts every certificate; with credentials if given."""
        require_lab_address(str(urlsplit(url).hostname))
        return BoundedClient(
            base_url=url,
            auth=account.credentials if account else None,
            transport=httpx.HTTPTransport(local_address=self.outsider, verify=False, limits=ORTHANC_KEEPALIVE),
        )

    def web(self, account: Account | None = None) -> BoundedClient:
        """Return a web client of the staff: at the address, and trusting the authority, of handover.yaml."""
        web = self.handover.web
        return BoundedClient(
            base_url=web.url,
            auth=account.credentials if account else None,
            transport=hospital_transport(web, self.work, self.endpoints, self.outsider),
        )
