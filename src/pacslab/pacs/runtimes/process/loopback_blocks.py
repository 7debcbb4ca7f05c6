"""Blocks of loopback addresses (127.0.0.0/8, RFC 1122): a block for each deployment of the process runtime."""

from __future__ import annotations

import fcntl
import hashlib
import json
import socket
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from pacslab.errors import DeploymentError
from pacslab.pacs.config.orthanc_json import DICOM_PORT, HTTP_PORT
from pacslab.pacs.runtimes.base import Network
from pacslab.paths import state_root

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pacslab.pacs.runtimes.base import Owner

_BLOCK_ADDRESSES = 16
_TRIES = 64
_RELEASE_TIMEOUT_S = 1.0
"""A killed server's threads hold its sockets for a moment yet."""


def claim_block(owner: Owner, names: tuple[str, ...]) -> Network:
    """Return a block of addresses for these names; which one follows from the deployment's name.

    Raises
    ------
    DeploymentError
        If none is free.

    """
    seed = hashlib.sha256(f"{owner.lab}/{owner.deployment}".encode()).digest()
    with _lock():
        taken = _claimed()
        for attempt in range(_TRIES):
            network = draw_block(seed, attempt, names)
            if network.handle not in taken and all(_free(address) for address in network.addresses.values()):
                claim(network, owner)
                return network
    raise DeploymentError(
        f"no free block of loopback addresses was found in {_TRIES} tries", "Stop what runs: pacslab stop --all."
    )


def draw_block(seed: bytes, attempt: int, names: tuple[str, ...]) -> Network:
    """Return the block of addresses that is tried for a deployment, between 127.64.0.1 and 127.191.255.240.

    >>> network = draw_block(b"a deployment", 0, ("archive", "CT01"))
    >>> network.addresses
    {'archive': '...', 'CT01': '...'}
    >>> network.handle == network.addresses["archive"], network == draw_block(b"a deployment", 0, ("archive", "CT01"))
    (True, True)
    """
    value = int.from_bytes(hashlib.sha256(seed + bytes([attempt])).digest()[:3], "big")
    second, third, fourth = 64 + value % 128, (value >> 7) % 256, (value >> 15) % 15 * _BLOCK_ADDRESSES + 1
    block = f"127.{second}.{third}"
    addresses = {name: f"{block}.{fourth + index}" for index, name in enumerate(names)}
    return Network(f"{block}.{fourth}", addresses, f"{block}.{fourth + len(names)}")


def claim(network: Network, owner: Owner) -> None:
    """Write down that a block is a deployment's until its time is over."""
    _claims().mkdir(parents=True, exist_ok=True)
    (_claims() / network.handle).write_text(
        json.dumps({"deployment": owner.deployment, "deadline": owner.deadline}), encoding="utf-8"
    )


def give_back(deployment: str) -> None:
    """Give back the blocks of a deployment."""
    for path in _claims().glob("*"):
        with suppress(OSError, ValueError, KeyError):
            if json.loads(path.read_text(encoding="utf-8"))["deployment"] == deployment:
                path.unlink()


def require_free(address: str, name: str, *ports: int) -> None:
    """Refuse an address whose ports another program holds; a killed server's threads hold theirs for a moment yet.

    Raises
    ------
    DeploymentError
        If one of the ports stays in use.

    """
    deadline = time.monotonic() + _RELEASE_TIMEOUT_S
    while True:
        busy = next((port for port in ports if not _free(address, port)), None)
        if busy is None:
            return
        if time.monotonic() > deadline:
            raise DeploymentError(
                f"{address}:{busy}, the address of {name}, is in use by another program",
                "Stop that program, or end this deployment (pacslab stop) and start it again at another address.",
            )
        time.sleep(0.005)


def _free(address: str, *ports: int) -> bool:
    """Return whether nothing listens on these ports of an address (an Orthanc's, unless given)."""
    for port in ports or (HTTP_PORT, DICOM_PORT):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
            except OSError:
                return False
    return True


def _claims() -> Path:
    return state_root() / "addresses"


def _claimed() -> set[str]:
    """Return the blocks of the deployments whose time is not over."""
    found = set()
    for path in _claims().glob("*"):
        with suppress(OSError, ValueError, KeyError):
            if json.loads(path.read_text(encoding="utf-8"))["deadline"] > time.time():
                found.add(path.name)
    return found


@contextmanager
def _lock() -> Iterator[None]:
    state_root().mkdir(parents=True, exist_ok=True)
    with (state_root() / "addresses.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
