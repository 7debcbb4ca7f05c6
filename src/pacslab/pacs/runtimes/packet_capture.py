"""A tap on a cable of the lab: what passes is recorded as packets that Wireshark and tcpdump open.

A capture is written in the classic pcap format with raw IPv4 packets (LINKTYPE_RAW, 101). Where the tap is a relay and
not a packet capture of the kernel's, the packets are drawn up from the bytes that it relays, with the addresses of the
two machines at the cable's ends.
"""

from __future__ import annotations

import socket
import struct
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pacslab.pacs.addresses import Endpoint, require_lab_address

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LINKTYPE_RAW = 101
LINKTYPE_ETHERNET = 1
LARGEST = 64 << 20  # bytes of one capture
_MAGIC = 0xA1B2C3D4
_SEGMENT = 1400  # bytes of payload a packet
_SYN, _ACK, _PUSH, _FIN = 0x02, 0x10, 0x08, 0x01
_ETHERNET = 14  # bytes of an Ethernet header
_TCP = 6  # the protocol's number in IPv4


@dataclass
class Capture:
    """Packets that passed a tap: the time of each (seconds since the epoch), and its bytes from the IPv4 header on."""

    packets: list[tuple[float, bytes]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _size: int = 0

    def add(self, packet: bytes, when: float | None = None) -> None:
        """Record a packet, as long as the capture is not larger than it may be."""
        with self._lock:
            if self._size < LARGEST:
                self._size += len(packet)
                self.packets.append((time.time() if when is None else when, packet))

    def pcap(self) -> bytes:
        """Return the capture as a pcap file."""
        parts = [struct.pack("<IHHiIII", _MAGIC, 2, 4, 0, 0, 262144, LINKTYPE_RAW)]
        for when, packet in sorted(self.packets, key=lambda one: one[0]):
            parts.append(struct.pack("<IIII", int(when), int(when % 1 * 1e6), len(packet), len(packet)))
            parts.append(packet)
        return b"".join(parts)

    def save(self, path: Path) -> Path:
        """Write the capture as a pcap file and return its path."""
        path.write_bytes(self.pcap())
        return path

    def streams(self) -> dict[tuple[Endpoint, Endpoint], bytes]:
        """Return what each side of each connection sent, by sender and receiver, put together in order."""
        pieces: dict[tuple[Endpoint, Endpoint], dict[int, bytes]] = {}
        for _, packet in self.packets:
            header = (packet[0] & 15) * 4
            if packet[0] >> 4 != 4 or packet[9] != _TCP or len(packet) < header + 20:
                continue
            sender, receiver, sequence = struct.unpack_from("!HHI", packet, header)
            payload = packet[header + (packet[header + 12] >> 4) * 4 : struct.unpack_from("!H", packet, 2)[0]]
            ends = (
                Endpoint(socket.inet_ntoa(packet[12:16]), sender),
                Endpoint(socket.inet_ntoa(packet[16:20]), receiver),
            )
            if payload:
                pieces.setdefault(ends, {}).setdefault(sequence, payload)
        return {ends: b"".join(some[one] for one in sorted(some)) for ends, some in pieces.items()}


def read_pcap(content: bytes) -> Capture:
    """Return the IPv4 packets of a pcap file, of raw packets or of Ethernet frames.

    Raises
    ------
    ValueError
        If it is no such file.

    """
    if len(content) < 24:
        raise ValueError("a pcap file has at least 24 bytes")
    order = {b"\xd4\xc3\xb2\xa1": "<", b"\xa1\xb2\xc3\xd4": ">"}.get(content[:4])
    if order is None:
        raise ValueError("it does not begin as a pcap file does")
    link = struct.unpack_from(f"{order}I", content, 20)[0]
    skip = {LINKTYPE_RAW: 0, LINKTYPE_ETHERNET: _ETHERNET}.get(link)
    if skip is None:
        raise ValueError(f"its packets have the link type {link}")
    capture, position = Capture(), 24
    while position + 16 <= len(content):
        seconds, micros, size, _ = struct.unpack_from(f"{order}IIII", content, position)
        frame = content[position + 16 : position + 16 + size]
        position += 16 + size
        if link == LINKTYPE_RAW or frame[12:14] == b"\x08\x00":
            capture.add(frame[skip:], seconds + micros / 1e6)
    return capture


def _checksum(content: bytes) -> int:
    padded = content + b"\0" * (len(content) % 2)
    total: int = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _packet(ends: tuple[Endpoint, Endpoint], sequence: int, acknowledged: int, flags: int, payload: bytes) -> bytes:
    """Return an IPv4 packet with one TCP segment, its checksums right."""
    sender, receiver = (socket.inet_aton(one.host) for one in ends)
    tcp = struct.pack("!HHIIBBHHH", ends[0].port, ends[1].port, sequence, acknowledged, 5 << 4, flags, 65535, 0, 0)
    pseudo = sender + receiver + struct.pack("!BBH", 0, _TCP, len(tcp) + len(payload))
    tcp = tcp[:16] + struct.pack("!H", _checksum(pseudo + tcp + payload)) + tcp[18:]
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 40 + len(payload), 0, 0x4000, 64, _TCP, 0, sender, receiver)
    ip = ip[:10] + struct.pack("!H", _checksum(ip)) + ip[12:]
    return ip + tcp + payload


class _Conversation:
    """One relayed connection, written down as the packets of a TCP connection."""

    def __init__(self, capture: Capture, client: Endpoint, server: Endpoint) -> None:
        self._capture = capture
        self._ends = ((client, server), (server, client))
        self._next = [1000, 2000]
        self._lock = threading.Lock()
        self._say(0, _SYN)
        self._say(1, _SYN | _ACK)
        self._say(0, _ACK)

    def _say(self, side: int, flags: int, payload: bytes = b"") -> None:
        acknowledged = self._next[1 - side] if flags & _ACK else 0
        self._capture.add(_packet(self._ends[side], self._next[side], acknowledged, flags, payload))
        self._next[side] = (self._next[side] + len(payload) + bool(flags & (_SYN | _FIN))) & 0xFFFFFFFF

    def said(self, side: int, content: bytes) -> None:
        """Write down what the client (0) or the server (1) sent."""
        with self._lock:
            for start in range(0, len(content), _SEGMENT):
                self._say(side, _PUSH | _ACK, content[start : start + _SEGMENT])

    def closed(self, side: int) -> None:
        """Write down that the client (0) or the server (1) has sent all."""
        with self._lock:
            self._say(side, _FIN | _ACK)


@contextmanager
def relay_connections(listen: Endpoint, target: Endpoint, source: str | None, capture: Capture) -> Iterator[Endpoint]:
    """Pass connections on to a target and record them; yield where it listens.

    Parameters
    ----------
    listen
        Where it listens; port 0 takes a free one.
    target
        Whom it connects to.
    source
        The address that it connects from, so that the target sees the caller's own; None for any.
    capture
        What passes is recorded here, as if caller and target spoke directly.

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
                    one = threading.Thread(target=_converse, args=(caller, target, source, capture, done), daemon=True)
                    threads.append(one)
                    one.start()

        accepting = threading.Thread(target=accept, daemon=True)
        accepting.start()
        try:
            yield place
        finally:
            done.set()
            accepting.join()
            for one in threads:
                one.join(timeout=1)


def _converse(
    caller: socket.socket, target: Endpoint, source: str | None, capture: Capture, done: threading.Event
) -> None:
    with caller:
        try:
            called = socket.create_connection((target.host, target.port), 5, (source or "", 0))
        except OSError:
            return
        with called:
            client = Endpoint(source or caller.getpeername()[0], caller.getpeername()[1])
            conversation = _Conversation(capture, client, target)
            back = threading.Thread(target=_pass, args=(called, caller, conversation, 1, done), daemon=True)
            back.start()
            _pass(caller, called, conversation, 0, done)
            back.join(timeout=2)


def _pass(
    giver: socket.socket, taker: socket.socket, conversation: _Conversation, side: int, done: threading.Event
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
            conversation.closed(side)
            with suppress(OSError):
                taker.shutdown(socket.SHUT_WR)
            return
        conversation.said(side, content)
        try:
            taker.sendall(content)
        except OSError:
            return
