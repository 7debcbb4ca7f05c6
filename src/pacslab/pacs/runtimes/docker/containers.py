"""Start a server's container: on a single network, without capabilities, with bounded resources and life time."""

from __future__ import annotations

import os
import random
import socket
import time
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import docker.errors
from docker.types import LogConfig

import docker
from pacslab.errors import DeploymentError
from pacslab.pacs.addresses import Endpoint
from pacslab.pacs.runtimes.docker.engine import engine, labels, remove

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from docker.models.containers import Container

    from pacslab.pacs.runtimes.base import Network, Owner

_UNPRIVILEGED = 65534  # who runs a server when the lab itself is root
_MEMORY = "768m"
_PROCESSES = 256
_PORT_TIMEOUT_S = 3.0
_PORTS = range(20_000, 32_000)
"""Where containers are published: below the ports that systems lend to a program's own connections.

A port from there could be lent to a connection that stays while its container is replaced, and be lost for it.
"""
_DRAWS = 8  # of ports, where another program takes each of them first
_ONE_HOP = {"net.ipv4.ip_default_ttl": "1"}
"""What a container sends reaches this machine and its own network, and dies at the next router.

Engines before 28 pass on to a container what a neighbour of this machine sends to its address, published on loopback
or not. No connection comes about, as no answer gets back to him.
"""


@dataclass(frozen=True)
class ContainerProgram:
    """What runs in a container.

    ``ports`` are published on loopback, each at the port that it had before, or, if None, at a free one. ``volumes``
    lead from folders of this machine to places in the container, ``memory`` names its file systems in memory and their
    options.
    """

    image: str
    command: list[str]
    working_folder: str
    ports: Mapping[int, int | None]
    volumes: Mapping[str, dict[str, str]]
    memory: Mapping[str, str]
    environment: Mapping[str, str] = field(default_factory=dict)


class Containers:
    """Starts containers in one engine."""

    def __init__(self, client: docker.DockerClient) -> None:
        self._client = client

    def start(self, owner: Owner, network: Network, name: str, folder: Path, program: ContainerProgram) -> Container:
        """Start a container and return it, whether or not it still runs.

        Parameters
        ----------
        owner, network, name
            Whose it is, and which address of which network it has.
        folder
            Its server's folder on this machine; what lies there is given to whom it runs as.
        program
            What it runs.

        Raises
        ------
        DeploymentError
            If one of its ports is in use.
        RuntimeUnavailableError
            If the engine refuses, or went away.

        """
        user = self._user(folder)
        again = all(program.ports.values())
        with engine(f"starting {name}"):
            for _ in range(1 if again else _DRAWS):
                container = self._client.containers.create(
                    program.image,
                    entrypoint=_limited(owner, program.command),
                    command=[],
                    environment=dict(program.environment),
                    working_dir=program.working_folder,
                    volumes=dict(program.volumes),
                    ports=_published_at(program.ports),
                    tmpfs=dict(program.memory),
                    **self._place(owner, network, name, user),
                )
                try:
                    _start(container, _PORT_TIMEOUT_S if again else 0)
                except docker.errors.APIError as reason:
                    remove(self._client, str(container.id))
                    if not is_port_in_use(reason):
                        raise
                else:
                    container.reload()
                    return container
        raise _port_in_use(name, program)

    def _place(self, owner: Owner, network: Network, name: str, user: str) -> dict[str, Any]:
        """Return what holds for every container: its name, its one network, no rights, and bounded resources."""
        address = self._client.api.create_endpoint_config(ipv4_address=network.addresses[name])
        return {
            "name": f"{network.handle}-{name}".lower(),
            "hostname": name.lower(),
            "labels": {**labels(owner), "pacslab.server": name},
            "user": user,
            "network": network.handle,
            "networking_config": {network.handle: address},
            "cap_drop": ["ALL"],
            "security_opt": ["no-new-privileges"],
            "read_only": True,
            "sysctls": {} if self._apart else _ONE_HOP,
            "mem_limit": _MEMORY,
            "memswap_limit": _MEMORY,
            "pids_limit": _PROCESSES,
            "log_config": LogConfig(type="json-file", config={"max-size": "4m", "max-file": "1"}),
        }

    @cached_property
    def _facts(self) -> dict[str, Any]:
        with engine("asking how the engine runs"):
            facts: dict[str, Any] = self._client.info()
            return facts

    @property
    def _rootless(self) -> bool:
        return any("rootless" in option for option in self._facts.get("SecurityOptions") or [])

    @property
    def _apart(self) -> bool:
        """Return whether the engine, rootless or in a virtual machine, has a network of its own that none can enter."""
        return self._rootless or "Desktop" in self._facts.get("OperatingSystem", "")

    def _user(self, folder: Path) -> str:
        """Return who a server runs as: whoever owns the files, and root only inside a rootless engine."""
        if self._rootless:
            return "0:0"
        if os.getuid() != 0:
            return f"{os.getuid()}:{os.getgid()}"
        for path in (folder, *folder.rglob("*")):
            os.chown(path, _UNPRIVILEGED, _UNPRIVILEGED, follow_symlinks=False)  # a server may leave links there
        return f"{_UNPRIVILEGED}:{_UNPRIVILEGED}"


def published(container: Container, inside: int) -> Endpoint | None:
    """Return where this machine reaches a container's port, or None if the container has ended."""
    bindings = container.attrs["NetworkSettings"]["Ports"].get(f"{inside}/tcp")
    return Endpoint("127.0.0.1", int(bindings[0]["HostPort"])) if bindings else None


def _limited(owner: Owner, start: list[str]) -> list[str]:
    """Return a program's start, ended by the clock whatever became of the lab.

    ``timeout`` is not process 1, as that of coreutils 9.10 then takes its parent for dead and gives up at once.
    """
    seconds = max(1, int(owner.deadline - time.time()))
    return ["sh", "-c", 'timeout --signal=TERM --kill-after=10 "$@"; exit $?', "sh", str(seconds), *start]


def _published_at(ports: Mapping[int, int | None]) -> dict[str, Any]:
    """Return Docker's own form of a program's ports: loopback, at the port that is given or a free one."""
    return {f"{inside}/tcp": ("127.0.0.1", before or draw_free_port()) for inside, before in ports.items()}


def draw_free_port() -> int:
    """Draw a port at which nothing of this machine listens."""
    while True:
        port = random.choice(_PORTS)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port


def _start(container: Container, timeout: float) -> None:
    """Start a container; wait some seconds for a port that some other program has taken meanwhile."""
    deadline = time.monotonic() + timeout
    while True:
        try:
            container.start()
        except docker.errors.APIError as reason:
            if not is_port_in_use(reason) or time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            return


def is_port_in_use(reason: docker.errors.APIError) -> bool:
    """Whether the engine refused a container because another program listens at its port."""
    return "port is already allocated" in str(reason) or "address already in use" in str(reason)


def _port_in_use(name: str, program: ContainerProgram) -> DeploymentError:
    before = next(iter(program.ports.values()))
    which = f"127.0.0.1:{before}" if before else f"{_DRAWS} were drawn"
    return DeploymentError(
        f"a port of {name} ({which}) is in use by another program",
        "Stop that program, or end this deployment (pacslab stop) and start it again.",
    )
