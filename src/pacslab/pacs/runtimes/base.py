"""The interface of a runtime, which starts servers as containers or as processes on loopback addresses.

Nothing outside this package knows which of the two is in use.
"""

from __future__ import annotations

import shutil
from abc import ABC, abstractmethod
from collections.abc import Mapping  # noqa: TC003  (pydantic reads it where deployments are written down)
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pacslab.pacs.addresses import Endpoint  # noqa: TC001  (pydantic reads it where deployments are written down)

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from pacslab.pacs.runtimes.pcap import Capture


NO_DELAY = {"TCP_NODELAY": "1"}
"""Variables of every server: DCMTK sends each fragment of a DICOM message (PDU, PS3.8) at once. It would wait for the
acknowledgement of the fragment before it, 40 ms a message."""


@dataclass(frozen=True)
class Owner:
    """Whose servers these are: the lab's state folder (as a short hash), the deployment, and when they end.

    ``deadline`` is in seconds since the epoch.
    """

    lab: str
    deployment: str
    deadline: float


@dataclass(frozen=True)
class Network:
    """The lab network of one deployment.

    ``addresses`` gives each server's own address; ``outsider`` is the address that a stranger's plain client uses as
    its source (None where the runtime gives strangers another source than the servers anyway).
    """

    handle: str
    addresses: Mapping[str, str]
    outsider: str | None = None


@dataclass(frozen=True)
class Firewall:
    """Which ports of a server only the machine room reaches, and the addresses of those who are in it."""

    closed: tuple[int, ...] = ()
    admitted: tuple[str, ...] = ()


@dataclass(frozen=True)
class ServerSpec:
    """What to start: a name, a checked configuration, where its files lie and what its environment says.

    ``folder`` belongs to this server alone; the runtime keeps the configuration, the data (``folder/db``) and the log
    there. ``files`` (certificates, rules) lie beside the configuration, named by their path from there.
    """

    name: str
    configuration: Mapping[str, Any]
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    firewall: Firewall = field(default_factory=Firewall)

    @property
    def data(self) -> Path:
        """Return the folder of the server's data and index on this machine."""
        return self.folder / "db"


@dataclass(frozen=True)
class ProxySpec:
    """The reverse proxy to start: the complete ``nginx.conf``, the files beside it and the folder that it may serve."""

    name: str
    configuration: str
    folder: Path
    files: Mapping[str, str] = field(default_factory=dict)
    firewall: Firewall = field(default_factory=Firewall)

    @property
    def served(self) -> Path:
        """Return the folder of what the proxy serves itself, on this machine."""
        return self.folder / "served"


@dataclass(frozen=True)
class Server:
    """A running server: how its runtime finds it again, its lab address, and where this machine reaches it."""

    name: str
    handle: str
    address: str
    http: Endpoint
    dicom: Endpoint

    @property
    def url(self) -> str:
        """Return the web address."""
        return f"http://{self.http}"


@dataclass(frozen=True)
class Proxy:
    """A running reverse proxy; ``http`` and ``https`` are where this machine reaches its two ports."""

    name: str
    handle: str
    address: str
    http: Endpoint
    https: Endpoint

    @property
    def url(self) -> str:
        """Return the web address of its port for https."""
        return f"https://{self.https}"


def place_files(folder: Path, files: Mapping[str, str]) -> None:
    """Write files beside a configuration, readable by their owner alone; those of an earlier start are removed.

    Parameters
    ----------
    folder
        The folder of the configuration; it exists.
    files
        Texts by their path from there, with folders at most one deep.

    """
    for entry in folder.iterdir():
        if entry.is_dir():
            shutil.rmtree(entry)
        else:
            entry.unlink()
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(mode=0o700, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")


class Runtime(ABC):
    """Starts, watches and ends real servers: Orthancs, and the nginx in front of one."""

    name: str

    @abstractmethod
    def version(self) -> str:
        """Return Orthanc's version, for example ``1.12.7``."""

    @abstractmethod
    def open_network(self, owner: Owner, names: tuple[str, ...], wanted: Network | None = None) -> Network:
        """Return a network with an address for each name; ``wanted`` asks for the one used before.

        Raises
        ------
        DeploymentError
            If no address is free, or the one used before is taken.

        """

    @abstractmethod
    def start(self, owner: Owner, network: Network, spec: ServerSpec, previous: Server | None = None) -> Server:
        """Start a server and return when it answers; ``previous`` asks for the endpoints it had before.

        Raises
        ------
        ServerStartError
            If it ends or does not answer in time; ``details`` holds its last log lines.
        UnsafeAddressError
            If it listens beyond loopback and the lab's network; it has been killed.
        DeploymentError
            If an endpoint is in use.
        RuntimeUnavailableError
            If the runtime itself went away.

        """

    @abstractmethod
    def start_proxy(self, owner: Owner, network: Network, spec: ProxySpec, previous: Proxy | None = None) -> Proxy:
        """Start the reverse proxy and return when it listens; raises what :meth:`start` raises.

        In ``spec.configuration`` the text ``${SERVED_FOLDER}`` stands for the folder ``spec.served`` as nginx sees it.
        """

    @abstractmethod
    def tapped(self, owner: Owner, network: Network, device: Server) -> AbstractContextManager[tuple[str, Capture]]:
        """Tap a device's associations: yield the address at which it must call the archive, and the capture.

        The capture is complete when the tap has ended. The archive sees the device's own address.
        """

    @abstractmethod
    def stop(self, server: Server | Proxy) -> None:
        """End a server at once. A server that is gone already is no error.

        Orthanc commits every change to its index (SQLite, write-ahead log) before it answers, so nothing that was
        answered is lost; its own orderly end takes three seconds of waiting for threads and writes nothing more.
        """

    @abstractmethod
    def running(self, server: Server | Proxy) -> bool:
        """Return whether the server still runs."""

    @abstractmethod
    def log(self, server: Server | Proxy, lines: int = 20) -> tuple[str, ...]:
        """Return the last lines of the server's log."""

    @abstractmethod
    def deployments(self, lab: str) -> set[str]:
        """Return the ids of the deployments of this lab that have left anything running or reserved."""

    @abstractmethod
    def end(self, lab: str, deployment: str) -> int:
        """End everything of one deployment at once, known or not, and return how many servers that were."""
