"""The servers of a student's scenario: start, stop, status, and clients for them."""

from __future__ import annotations

import getpass
import os
import re
import time
from typing import TYPE_CHECKING

import httpx
import pyorthanc

from pacslab.errors import ObjectiveError, PacslabError
from pacslab.grading import Score, find_ticket, first_seal, read_progress, record_event, score_progress, variant_for
from pacslab.pacs import (
    ARCHIVE,
    DEFAULT_HOURS,
    LAB_ACCOUNT,
    PEERS,
    PROXY,
    Capture,
    Deployment,
    Server,
    hospital_transport,
    make_certificates,
    no_progress,
)
from pacslab.probes import CAPTURE_FILE, Target, listen_to_radiologist, listen_to_workstation, probes_for
from pacslab.scenario import did_you_mean, load_scenario
from pacslab.session_models import ServerStatus, Status

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pacslab.pacs import State

    ProgressCall = Callable[[str, float], None]

_ROLES = {
    "archive": "the archive under attack",
    "CT01": "the hospital's CT scanner",
    "WS01": "the radiologist's workstation",
    "ROGUE": "a stranger's computer",
    "proxy": "the reverse proxy in front of the archive",
}


def default_student() -> str:
    """Return the student's id: ``PACSLAB_STUDENT``, else the ticket's, else the name of this machine's user.

    Raises
    ------
    TicketError
        If there is a ticket that cannot be used.

    """
    named = os.environ.get("PACSLAB_STUDENT")
    if named:
        return named
    found = find_ticket()
    if found is not None:
        return found[0].student
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = ""
    return re.sub(r"[^A-Za-z0-9._@-]", "-", user).strip("-._@")[:64] or "student"


class Machines:
    """The servers of a student's scenario, and clients for them.

    Parameters
    ----------
    scenario
        The scenario's id, or the path of its folder.
    student
        The student's id; ``PACSLAB_STUDENT``, the ticket's or the user's name unless given. With a ticket of the course
        it is that student's variant, else the self-paced one.
    runtime
        ``docker`` or ``process``; chosen unless given.
    hours
        How long the servers may live after a start.

    Raises
    ------
    ScenarioError
        If the scenario or the student's id cannot be used.
    TicketError
        If there is a ticket that cannot be used.

    """

    def __init__(
        self,
        scenario: str = "open-archive",
        *,
        student: str | None = None,
        runtime: str | None = None,
        hours: float = DEFAULT_HOURS,
    ) -> None:
        self.scenario = load_scenario(scenario)
        probes_for(self.scenario)  # a weakness without a probe is an error now, not at the first assessment
        self.student = student if student is not None else default_student()
        self.deployment = Deployment(self.scenario, variant_for(self.scenario.id, self.student), runtime, hours)

    def note(self, what: str, objective: str | None = None, outcome: str = "") -> None:
        """Record an action of the student in the timeline."""
        variant = self.deployment.variant
        record_event(self.work, first_seal(variant.student, variant.scenario, variant.id), what, objective, outcome)

    def start(self, progress: ProgressCall = no_progress) -> Status:
        """Start the servers, or find them again if they run.

        Raises
        ------
        PacslabError
            If something stands in the way; nothing is left running then.

        """
        self.deployment.start(progress)
        self.note("start")
        return self.status()

    def stop(self) -> int:
        """End every server of this deployment and return how many ran; the work folder stays.

        Raises
        ------
        RuntimeUnavailableError
            If the Docker engine that they run in does not answer.

        """
        ended = self.deployment.stop()
        if ended:
            self.note("stop")
        return ended

    def restart(self, progress: ProgressCall = no_progress) -> Status:
        """Start the archive again with the student's ``orthanc.json``; data stays.

        Raises
        ------
        PacslabError
            If it cannot run so; the archive runs as before then.

        """
        try:
            self.deployment.restart(progress)
        except PacslabError as reason:
            self.note("restart", outcome=f"refused: {type(reason).__name__}")
            raise
        self.note("restart", outcome="running")
        return self.status()

    def reset(self, progress: ProgressCall = no_progress) -> Status:
        """Bring back data and configuration as shipped.

        Raises
        ------
        DeploymentError
            If nothing is running.

        """
        self.deployment.reset(progress)
        self.note("reset")
        return self.status()

    def status(self) -> Status:
        """Return the servers' addresses and state, the time left, and the score."""
        state = self.deployment.state
        now = self.score
        if state is None:
            return Status(
                scenario=self.scenario.id,
                title=self.scenario.title,
                student=self.student,
                running=False,
                work=str(self.work),
                points=now.points,
                out_of=now.out_of,
            )
        alive = self.deployment.servers_running()
        servers = tuple(
            ServerStatus(
                name=name,
                role=_ROLES[name],
                url=server.url,
                dicom=str(server.dicom) if isinstance(server, Server) else "",
                running=alive[name],
            )
            for name, server in state.machines.items()
        )
        return Status(
            scenario=self.scenario.id,
            title=self.scenario.title,
            student=self.student,
            running=all(alive.values()),
            runtime=state.runtime,
            orthanc=state.orthanc,
            servers=servers,
            seconds_left=max(0, int(state.owner.deadline - time.time())),
            work=str(self.work),
            points=now.points,
            out_of=now.out_of,
        )

    def make_certificates(self, *, renew: bool = False) -> list[Path]:
        """Write the hospital's authority and the certificates of archive, CT01 and WS01 into the work folder's certs.

        Those that are there stay, unless ``renew`` makes all of them again. Return the files that were written.

        Raises
        ------
        ConfigurationError
            If what is there cannot be read.

        """
        state = self.deployment.state
        places = [state.network.addresses[name] for name in (ARCHIVE, PROXY)] if state else []
        return make_certificates(self.work, ["127.0.0.1", *places], renew=renew)

    @property
    def url(self) -> str:
        """Return the archive's web address.

        Raises
        ------
        DeploymentError
            If nothing is running.

        """
        return self._state.servers[ARCHIVE].url

    @property
    def dicom_address(self) -> tuple[str, int]:
        """Return the host and the port at which the archive speaks DICOM.

        Raises
        ------
        DeploymentError
            If nothing is running.

        """
        place = self._state.servers[ARCHIVE].dicom
        return place.host, place.port

    @property
    def work(self) -> Path:
        """Return the student's work folder: ``orthanc.json``, ``handover.yaml``, ``deid/``."""
        self.deployment.work.fill()
        return self.deployment.work.path

    @property
    def _state(self) -> State:
        return self.deployment.running_state()

    def archive(self, username: str = "", password: str = "") -> pyorthanc.Orthanc:
        """Return a web client of the archive from the outsider's address, with credentials if given.

        Raises
        ------
        DeploymentError
            If nothing is running.

        """
        state = self._state
        transport = httpx.HTTPTransport(local_address=state.network.outsider)
        return pyorthanc.Orthanc(
            state.servers[ARCHIVE].url,
            username or None,
            password or None,
            transport=transport,
            timeout=30,
            trust_env=False,
        )

    def browser(self, username: str = "", password: str = "") -> pyorthanc.Orthanc:
        """Return a web client of the staff: the URL and the certificate authority of ``handover.yaml``.

        Raises
        ------
        DeploymentError
            If nothing is running.
        ConfigurationError
            If ``handover.yaml`` cannot be read.

        """
        state, web = self._state, self.deployment.handover().web
        transport = hospital_transport(web, self.work, state.endpoints, state.network.outsider)
        return pyorthanc.Orthanc(
            web.url, username or None, password or None, transport=transport, timeout=30, trust_env=False
        )

    def device(self, name: str) -> pyorthanc.Orthanc:
        """Return a web client of CT01, WS01 or ROGUE, through which that machine is driven.

        Raises
        ------
        DeploymentError
            If nothing is running.
        ObjectiveError
            If there is no such machine.

        """
        if name not in PEERS:
            hint = did_you_mean(name, list(PEERS))
            raise ObjectiveError(
                f"there is no machine {name!r} in this lab", f"{hint} The machines are {', '.join(PEERS)}.".strip()
            )
        state = self._state
        return pyorthanc.Orthanc(state.servers[name].url, LAB_ACCOUNT, state.password, timeout=30, trust_env=False)

    def modality(self, name: str) -> pyorthanc.Modality:
        """Return CT01, WS01 or ROGUE as a DICOM client of the archive.

        Raises
        ------
        DeploymentError
            If nothing is running.
        ObjectiveError
            If there is no such machine.

        """
        return pyorthanc.Modality(self.device(name), ARCHIVE)

    def log(self, lines: int = 40) -> tuple[str, ...]:
        """Return the last lines of the archive's own log, oldest first.

        Raises
        ------
        DeploymentError
            If the deployment is not running.

        """
        return self.deployment.runtime.log(self._state.servers[ARCHIVE], lines)

    def eavesdrop(self) -> Path:
        """Capture two cables while WS01 searches and the radiologist logs in; return the file in the work folder.

        It is a pcap file, for Wireshark, ``tcpdump -r`` or :func:`pacslab.pacs.read_pcap`.

        Raises
        ------
        DeploymentError
            If nothing is running.
        ConfigurationError
            If ``handover.yaml`` cannot be read.

        """
        capture = Capture()
        with Target.of(self.deployment) as target:
            for overheard in (listen_to_workstation(target), listen_to_radiologist(target)):
                capture.packets.extend(overheard.packets)
        return capture.save(self.work / CAPTURE_FILE)

    @property
    def score(self) -> Score:
        """Return the points so far."""
        return score_progress(self.scenario, read_progress(self.deployment.work.path))
