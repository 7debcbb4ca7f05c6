"""A relay that taps a connection of the lab, for instance a DICOM association, and records it as packets.

Where no packet capture of the kernel's is possible, the packets are drawn up from the bytes that the relay passes on,
with the addresses of the two machines at the cable's ends.
"""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from pacslab.pacs.addresses import Endpoint, require_lab_address
from pacslab.pacs.runtimes.pcap import TCP

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pacslab.pacs.runtimes.pcap import Capture

_SEGMENT_BYTES = 1400
"""Payload of a packet, so that it fits into an Ethernet frame."""
_SYN, _ACK, _PUSH, _FIN = 0x02, 0x10, 0x08, 0x01


def _checksum(content: bytes) -> int:
    """Return the Internet checksum (RFC 1071)."""
    padded = content + b"\0" * (len(content) % 2)
    total: int = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _packet(ends: tuple[Endpoint, Endpoint], sequence: int, acknowledged: int, flags: int, payload: bytes) -> bytes:
    """Return an IPv4 packet with a TCP segment, both checksums computed."""
    sender, receiver = (socket.inet_aton(end.host) for end in ends)
    tcp = struct.pack("!HHIIBBHHH", ends[0].port, ends[1].port, sequence, acknowledged, 5 << 4, flags, 65535, 0, 0)
    pseudo = sender + receiver + struct.pack("!BBH", 0, TCP, len(tcp) + len(payload))
    tcp = tcp[:16] + struct.pack("!H", _checksum(pseudo + tcp + payload)) + tcp[18:]
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 40 + len(payload), 0, 0x4000, 64, TCP, 0, sender, receiver)
    ip = ip[:10] + struct.pack("!H", _checksum(ip)) + ip[12:]
    return ip + tcp + payload


class _RecordedConnection:
    """A relayed connection, recorded as the packets of a TCP connection (RFC 9293) with its handshake."""

    def __init__(self, capture: Capture, client: Endpoint, server: Endpoint) -> None:
        self._capture = capture
        self._ends = ((client, server), (server, client))
        self._next = [1000, 2000]
        self._lock = threading.Lock()
        self._record(0, _SYN)
        self._record(1, _SYN | _ACK)
        self._record(0, _ACK)

    def _record(self, side: int, flags: int, payload: bytes = b"") -> None:
        acknowledged = self._next[1 - side] if flags & _ACK else 0
        self._capture.add(_packet(self._ends[side], self._next[side], acknowledged, flags, payload))
        self._next[side] = (self._next[side] + len(payload) + bool(flags & (_SYN | _FIN))) & 0xFFFFFFFF

    def sent(self, side: int, content: bytes) -> None:
        """Record what the client (0) or the server (1) sent."""
        with self._lock:
            for start in range(0, len(content), _SEGMENT_BYTES):
                self._record(side, _PUSH | _ACK, content[start : start + _SEGMENT_BYTES])

    def closed(self, side: int) -> None:
        """Record that the client (0) or the server (1) has sent all."""
        with self._lock:
            self._record(side, _FIN | _ACK)


@contextmanager
def relay_connections(listen: Endpoint, target: Endpoint, source: str | None, capture: Capture) -> Iterator[Endpoint]:
    """Pass TCP connections on to a target and record them; yield where the relay listens.

    Parameters
    ----------
    listen
        Where the relay listens; port 0 takes a free one.
    target
        Where it connects to.
    source
        The address that it connects from, so that the target sees the caller's own; None for any.
    capture
        Receives the packets, as if caller and target spoke directly.

    Raises
    ------
    UnsafeAddressError
        If one of the addresses is not in a lab network.

    """
    require_lab_address(listen.host)
    require_lab_address(target.host)
    done = threading.Event()
    threads: list[threading.Thread] = []
    with socket.create_server((listen.host, listen.port)) as server:
        server.settimeout(0.05)
        place = Endpoint(*server.getsockname()[:2])

        def accept() -> None:
            while not done.is_set():
                with suppress(TimeoutError, OSError):
                    caller, _ = server.accept()
                    arguments = (caller, target, source, capture, done)
                    thread = threading.Thread(target=_relay, args=arguments, daemon=True)
                    threads.append(thread)
                    thread.start()

        accepting = threading.Thread(target=accept, daemon=True)
        accepting.start()
        try:
            yield place
        finally:
            done.set()
            accepting.join()
            for thread in threads:
                thread.join(timeout=1)


def _relay(
    caller: socket.socket, target: Endpoint, source: str | None, capture: Capture, done: threading.Event
) -> None:
    with caller:
        try:
            called = socket.create_connection((target.host, target.port), 5, (source or "", 0))
        except OSError:
            return
        with called:
            client = Endpoint(source or caller.getpeername()[0], caller.getpeername()[1])
            connection = _RecordedConnection(capture, client, target)
            back = threading.Thread(target=_forward, args=(called, caller, connection, 1, done), daemon=True)
            back.start()
            _forward(caller, called, connection, 0, done)
            back.join(timeout=2)


def _forward(
    giver: socket.socket, taker: socket.socket, connection: _RecordedConnection, side: int, done: threading.Event
) -> None:
    giver.settimeout(0.2)
    while True:
        try:
            content = giver.recv(65536)
        except TimeoutError:
            if done.is_set():
                return
            continue
        except OSError:
            return
        if not content:
            connection.closed(side)
            with suppress(OSError):
                taker.shutdown(socket.SHUT_WR)
            return
        connection.sent(side, content)
        try:
            taker.sendall(content)
        except OSError:
            return
