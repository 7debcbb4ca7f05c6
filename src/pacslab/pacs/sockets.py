"""Which sockets a process listens on, read from the kernel's table (``/proc``)."""

from __future__ import annotations

import ipaddress
import os
import socket
from dataclasses import dataclass
from pathlib import Path

_LISTEN = "0A"
_TABLES = (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6), ("udp", socket.AF_INET), ("udp6", socket.AF_INET6))


@dataclass(frozen=True)
class Listener:
    """A socket that accepts connections or datagrams."""

    address: str
    port: int
    protocol: str

    @property
    def loopback(self) -> bool:
        """Return whether only this machine can reach it."""
        address = ipaddress.ip_address(self.address)
        mapped = getattr(address, "ipv4_mapped", None)
        return (mapped or address).is_loopback

    def __str__(self) -> str:
        return f"{self.protocol} {self.address} port {self.port}"


def _address(text: str, family: socket.AddressFamily) -> tuple[str, int]:
    raw, port = text.split(":")
    packed = bytes.fromhex(raw)
    words = b"".join(packed[index : index + 4][::-1] for index in range(0, len(packed), 4))
    return socket.inet_ntop(family, words), int(port, 16)


def _inodes(pid: int) -> set[str]:
    inodes = set()
    folder = Path(f"/proc/{pid}/fd")
    for name in os.listdir(folder):  # noqa: PTH208
        try:
            target = os.readlink(folder / name)  # noqa: PTH115
        except FileNotFoundError:
            continue
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    return inodes


def listeners(pid: int) -> list[Listener]:
    """Return what a process listens on: TCP sockets in LISTEN, and bound, unconnected UDP sockets.

    Raises
    ------
    FileNotFoundError
        If the process has ended.

    """
    inodes = _inodes(pid)
    found = []
    for protocol, family in _TABLES:
        try:
            table = Path(f"/proc/{pid}/net/{protocol}").read_text(encoding="ascii").splitlines()[1:]
        except FileNotFoundError:
            continue
        for line in table:
            if protocol.startswith("tcp") and f" {_LISTEN} " not in line:
                continue
            fields = line.split()
            if fields[9] not in inodes:
                continue
            address, port = _address(fields[1], family)
            unconnected = int(fields[2].split(":")[1], 16) == 0
            if fields[3] == _LISTEN or (protocol.startswith("udp") and unconnected and port):
                found.append(Listener(address, port, protocol))
    return found
