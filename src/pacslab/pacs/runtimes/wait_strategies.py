"""Wait until a server is ready: a condition that is asked again and again, and the reason where it is not met.

A condition is a small callable (:class:`AnswersHttp`, :class:`AcceptsConnections`, :class:`Logs`);
:func:`wait_until` combines it with the server's process and log.
"""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import httpx

from pacslab.errors import ServerStartError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pacslab.pacs.addresses import Endpoint

START_TIMEOUT_S = 60.0
REQUEST_TIMEOUT_S = 2.0
_LONGEST_REASON = 200  # characters of a server's own words


@dataclass(frozen=True)
class StartingServer:
    """A server that is waited for.

    ``alive`` returns whether its process runs, ``log`` its last lines.
    """

    name: str
    alive: Callable[[], bool]
    log: Callable[[], tuple[str, ...]]


class Condition(Protocol):
    """Answers whether a starting server is ready."""

    def __call__(self, server: StartingServer) -> bool:
        """Return whether the condition is met now."""


@dataclass(frozen=True)
class AcceptsConnections:
    """Met when something listens at a TCP address; nothing is sent.

    ``source`` is the address that the connection comes from, where the firewall does not let every address in.
    """

    endpoint: Endpoint
    source: str | None = None

    def __call__(self, server: StartingServer) -> bool:  # noqa: ARG002
        """Return whether a connection comes about."""
        with socket.socket() as probe:
            probe.settimeout(REQUEST_TIMEOUT_S)
            if self.source is not None:
                probe.bind((self.source, 0))
            return probe.connect_ex((self.endpoint.host, self.endpoint.port)) == 0


@dataclass(frozen=True)
class AnswersHttp:
    """Met when a web server answers a request, whatever its status code; ``source`` as in `AcceptsConnections`."""

    endpoint: Endpoint
    source: str | None = None

    def __call__(self, server: StartingServer) -> bool:
        """Return whether ``GET /system`` is answered."""
        # A refused connection costs 0.05 ms, and an httpx request 0.4 ms, at each of the some hundred looks of a start.
        if not AcceptsConnections(self.endpoint, self.source)(server):
            return False
        transport = httpx.HTTPTransport(verify=False, local_address=self.source)  # plain HTTP: nothing to verify
        with httpx.Client(transport=transport, timeout=REQUEST_TIMEOUT_S) as client:
            try:
                client.get(f"http://{self.endpoint}/system")
            except httpx.HTTPError:
                return False
        return True


@dataclass(frozen=True)
class Logs:
    """Met when one of the server's last log lines holds these words."""

    words: str

    def __call__(self, server: StartingServer) -> bool:
        """Return whether the words stand in the log."""
        return any(self.words in line for line in server.log())


@dataclass(frozen=True)
class StartFailures:
    """The errors of a kind of server, by its name and its last log lines: it ended, or its time was over."""

    ended: Callable[[str, tuple[str, ...]], ServerStartError]
    timed_out: Callable[[str, tuple[str, ...]], ServerStartError]


def wait_until(
    condition: Condition,
    server: StartingServer,
    failures: StartFailures,
    *,
    pause: float = 0.01,
    timeout: float = START_TIMEOUT_S,
) -> None:
    """Return when a condition is met.

    Parameters
    ----------
    condition
        What is waited for.
    server
        The server, whose end ends the waiting.
    failures
        The errors to raise; their ``details`` hold the last log lines.
    pause, timeout
        Seconds between two looks, and in all.

    Raises
    ------
    ServerStartError
        If the server ends, or the condition is not met in time.

    Examples
    --------
    >>> server = StartingServer("archive", lambda: True, lambda: ("Orthanc has started",))
    >>> wait_until(Logs("has started"), server, ORTHANC)
    >>> wait_until(Logs("never"), server, ORTHANC, timeout=0.02)
    Traceback (most recent call last):
    ...
    pacslab.errors.ServerStartError: the server archive runs but did not answer within 60 s. ...

    """
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if not server.alive():
            raise failures.ended(server.name, server.log())
        if condition(server):
            return
        time.sleep(pause)
    raise failures.timed_out(server.name, server.log())


def orthanc_condition(endpoint: Endpoint | None, source: str | None = None) -> Condition:
    """Return when an Orthanc is ready: when it answers, or, without a web endpoint, when its log says so."""
    return Logs("Orthanc has started") if endpoint is None else AnswersHttp(endpoint, source)


def _orthanc_ended(name: str, lines: tuple[str, ...]) -> ServerStartError:
    """Give Orthanc's own reason: its log marks errors with an ``E`` before the date."""
    errors = [line.split("] ", 1)[-1].strip() for line in lines if line.startswith("E")]
    reason = f": {errors[-1][:_LONGEST_REASON]}" if errors else ""
    return ServerStartError(
        f"the server {name} started and ended again{reason}",
        "Read Orthanc's last lines, correct its configuration and start again.",
        lines,
    )


def _orthanc_timed_out(name: str, lines: tuple[str, ...]) -> ServerStartError:
    return ServerStartError(
        f"the server {name} runs but did not answer within {START_TIMEOUT_S:.0f} s",
        "Read Orthanc's last lines; a machine without free memory is slow, too.",
        lines,
    )


ORTHANC = StartFailures(_orthanc_ended, _orthanc_timed_out)


def nginx_refused(name: str, lines: tuple[str, ...], otherwise: str) -> ServerStartError:
    """Return the error of an nginx that did not start, in nginx's own words, or ``otherwise`` where it gave none."""
    reason = next((line.split("] ", 1)[-1] for line in lines if "[emerg]" in line), otherwise)
    return ServerStartError(
        f"the server {name} does not run: {reason[:_LONGEST_REASON]}", "Correct nginx.conf and restart.", lines
    )
