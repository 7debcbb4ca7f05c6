"""The state file of a running deployment, by which any later program finds its servers again.

A deployment's folder lies under the lab's state. One program at a time changes it.
"""

from __future__ import annotations

import fcntl
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from pacslab.cohort import Origin
from pacslab.errors import DeploymentError
from pacslab.pacs.config.ports import ArchivePort
from pacslab.pacs.config.student_files import Exercise  # noqa: TC001  (pydantic reads it)
from pacslab.pacs.runtimes.base import Network, Owner, Proxy, Server  # noqa: TC001  (pydantic reads it)
from pacslab.pacs.server_names import ARCHIVE, PROXY
from pacslab.paths import state_root

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pacslab.pacs.addresses import Endpoint

STATE = "state.json"
_LOCK_TIMEOUT_S = 120.0


@dataclass(frozen=True)
class State:
    """The state of a running deployment: its servers, how to reach them, and the configuration that they run with."""

    scenario: str
    student: str
    runtime: str
    orthanc: str
    owner: Owner
    network: Network
    servers: dict[str, Server]
    password: str
    configuration: dict[str, Any]
    started: float
    exercise: Exercise | None = None
    proxy: Proxy | None = None
    devices: dict[str, dict[str, str]] = field(default_factory=dict)
    origin: Origin = field(default_factory=Origin)

    @property
    def machines(self) -> dict[str, Server | Proxy]:
        """Return everything that runs, the reverse proxy too."""
        return {**self.servers, **({PROXY: self.proxy} if self.proxy else {})}

    @property
    def endpoints(self) -> dict[ArchivePort, Endpoint]:
        """Return where this machine reaches each door of the archive that exists, open to the outside or not."""
        archive = self.servers[ARCHIVE]
        doors = {ArchivePort.HTTP: archive.http, ArchivePort.DICOM: archive.dicom}
        if self.proxy is not None:
            doors |= {ArchivePort.PROXY: self.proxy.http, ArchivePort.HTTPS: self.proxy.https}
        return doors


_STATE_FORMAT = TypeAdapter(State)


def deployment_folder(deployment: str) -> Path:
    """Return the folder of everything that a deployment keeps."""
    return state_root() / "deployments" / deployment


def known_deployments() -> set[str]:
    """Return the ids of the deployments that have a folder."""
    root = state_root() / "deployments"
    return {path.name for path in root.iterdir()} if root.is_dir() else set()


def read_state(deployment: str) -> State | None:
    """Return a deployment's state, its time over or not; None where there is none that can be read."""
    try:
        return _STATE_FORMAT.validate_json((deployment_folder(deployment) / STATE).read_bytes())
    except (FileNotFoundError, ValidationError):
        return None


def write_state(deployment: str, state: State) -> None:
    """Write a deployment's state, atomically: a program that reads meanwhile reads the state before."""
    target = deployment_folder(deployment) / STATE
    fresh = target.with_suffix(".new")
    fresh.touch(mode=0o600)
    fresh.write_bytes(_STATE_FORMAT.dump_json(state))
    fresh.replace(target)


@contextmanager
def locked(deployment: str, timeout: float = _LOCK_TIMEOUT_S) -> Iterator[None]:
    """Let one program at a time change a deployment; wait at most ``timeout`` seconds for it.

    Raises
    ------
    DeploymentError
        If another program does not let go of it.

    """
    folder = state_root() / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + timeout
    with (folder / deployment).open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise DeploymentError(
                        f"another program has been busy with the deployment {deployment} for {timeout:.0f} seconds",
                        "Wait for it, or end it.",
                    ) from None
                time.sleep(0.05)
        yield
