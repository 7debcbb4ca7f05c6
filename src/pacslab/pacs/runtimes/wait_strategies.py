"""Wait until a server answers, in one place, with the reason in the message where it does not."""

from __future__ import annotations

import http.client
import socket
import time
from typing import TYPE_CHECKING

from pacslab.errors import ServerStartError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pacslab.pacs.addresses import Endpoint

START_TIMEOUT = 60.0
_STARTED = "Orthanc has started"


def answers_http(endpoint: Endpoint, timeout: float = 2.0, source: str | None = None) -> bool:
    """Return whether a web server answers at this endpoint, whatever its status code says.

    ``source`` is the address that the question comes from, where not every address is let in.
    """
    own = None if source is None else (source, 0)
    connection = http.client.HTTPConnection(endpoint.host, endpoint.port, timeout=timeout, source_address=own)
    try:
        connection.request("GET", "/system")
        connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True


def wait_until_answering(  # noqa: PLR0917
    name: str,
    endpoint: Endpoint | None,
    alive: Callable[[], bool],
    log: Callable[[], tuple[str, ...]],
    timeout: float = START_TIMEOUT,
    pause: float = 0.01,
    source: str | None = None,
) -> None:
    """Return when the server answers.

    Parameters
    ----------
    name
        The server's name, for the message.
    endpoint
        Its web endpoint; None if its configuration switches the web server off, then its log is awaited.
    alive, log
        Whether it still runs, and its last log lines.
    timeout, pause
        Seconds in all, and between two looks.
    source
        The address that the lab's own question comes from, where a firewall does not let every address in.

    Raises
    ------
    ServerStartError
        If it ends, or does not answer in time; ``details`` holds the last log lines.

    """
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if not alive():
            lines = log()
            raise ServerStartError(
                f"the server {name} started and ended again{_last_error(lines)}",
                "Read Orthanc's last lines, correct its configuration and start again.",
                lines,
            )
        if endpoint is not None and answers_http(endpoint, source=source):
            return
        if endpoint is None and any(_STARTED in line for line in log()):
            return
        time.sleep(pause)
    raise ServerStartError(
        f"the server {name} runs but did not answer within {timeout:.0f} s",
        "Read Orthanc's last lines; a machine without free memory is slow, too.",
        log(),
    )


def wait_until_listening(
    name: str, endpoint: tuple[str, int], alive: Callable[[], bool], log: Callable[[], tuple[str, ...]]
) -> None:
    """Return when something listens at an address, without speaking to it.

    Raises
    ------
    ServerStartError
        If the server ends, or does not listen in time; ``details`` holds the last log lines.

    """
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline:
        if not alive():
            break
        with socket.socket() as probe:
            probe.settimeout(2.0)
            if probe.connect_ex(endpoint) == 0:
                return
        time.sleep(0.01)
    lines = log()
    said = next((line.split("] ", 1)[-1] for line in lines if "[emerg]" in line), "it did not say why")
    raise ServerStartError(f"the server {name} does not run: {said[:200]}", "Correct nginx.conf and restart.", lines)


def _last_error(lines: tuple[str, ...]) -> str:
    """Return Orthanc's own words for why it ended: its log marks errors with an ``E`` before the date."""
    errors = [line for line in lines if line.startswith("E")]
    if not errors:
        return ""
    words = errors[-1].split("] ", 1)[-1].strip()
    return f": {words[:200]}"
