"""Packet captures: the pcap file that Wireshark and tcpdump open, and the streams that it holds.

A capture is written in the classic pcap format with raw IPv4 packets (LINKTYPE_RAW, 101;
https://www.tcpdump.org/linktypes.html). Both are a header of 24 bytes, and one of 16 before each packet.
"""

from __future__ import annotations

import socket
import struct
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pacslab.pacs.addresses import Endpoint

if TYPE_CHECKING:
    from pathlib import Path

LINKTYPE_RAW = 101
LINKTYPE_ETHERNET = 1
TCP = 6
"""TCP's number in an IPv4 header (RFC 791)."""

MAX_CAPTURE_BYTES = 64 << 20
_MAGIC = 0xA1B2C3D4
_FILE_HEADER_BYTES = 24
_PACKET_HEADER_BYTES = 16
_ETHERNET_HEADER_BYTES = 14


@dataclass
class Capture:
    """Packets that passed a tap: each one's time (seconds since the epoch), and its bytes from the IPv4 header on."""

    packets: list[tuple[float, bytes]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _size: int = 0

    def add(self, packet: bytes, when: float | None = None) -> None:
        """Record a packet, as long as the capture is not larger than it may be."""
        with self._lock:
            if self._size < MAX_CAPTURE_BYTES:
                self._size += len(packet)
                self.packets.append((time.time() if when is None else when, packet))

    def pcap(self) -> bytes:
        """Return the capture as a pcap file."""
        parts = [struct.pack("<IHHiIII", _MAGIC, 2, 4, 0, 0, 262144, LINKTYPE_RAW)]
        for when, packet in sorted(self.packets, key=lambda packet: packet[0]):
            parts.append(struct.pack("<IIII", int(when), int(when % 1 * 1e6), len(packet), len(packet)))
            parts.append(packet)
        return b"".join(parts)

    def save(self, path: Path) -> Path:
        """Write the capture as a pcap file and return its path."""
        path.write_bytes(self.pcap())
        return path

    def streams(self) -> dict[tuple[Endpoint, Endpoint], bytes]:
        """Return the bytes of each TCP stream in order, by (sender, receiver); a segment sent again counts once."""
        payloads: dict[tuple[Endpoint, Endpoint], dict[int, bytes]] = {}
        for _, packet in self.packets:
            header = (packet[0] & 15) * 4
            if packet[0] >> 4 != 4 or packet[9] != TCP or len(packet) < header + 20:
                continue
            sender, receiver, sequence = struct.unpack_from("!HHI", packet, header)
            payload = packet[header + (packet[header + 12] >> 4) * 4 : struct.unpack_from("!H", packet, 2)[0]]
            ends = (
                Endpoint(socket.inet_ntoa(packet[12:16]), sender),
                Endpoint(socket.inet_ntoa(packet[16:20]), receiver),
            )
            if payload:
                payloads.setdefault(ends, {}).setdefault(sequence, payload)
        return {
            ends: b"".join(segments[sequence] for sequence in sorted(segments)) for ends, segments in payloads.items()
        }


def read_pcap(content: bytes) -> Capture:
    """Return the IPv4 packets of a pcap file, of raw packets or of Ethernet frames.

    Returns
    -------
    Capture
        Times to the microsecond; a packet that the file's end cuts off is kept as far as it is there.

    Raises
    ------
    ValueError
        If it is no such file.

    Examples
    --------
    >>> capture = Capture()
    >>> capture.add(b"E: a raw IPv4 packet", when=1.5)
    >>> read_pcap(capture.pcap()).packets
    [(1.5, b'E: a raw IPv4 packet')]

    """
    if len(content) < _FILE_HEADER_BYTES:
        raise ValueError("a pcap file has at least 24 bytes")
    order = {b"\xd4\xc3\xb2\xa1": "<", b"\xa1\xb2\xc3\xd4": ">"}.get(content[:4])
    if order is None:
        raise ValueError("it does not begin as a pcap file does")
    link = struct.unpack_from(f"{order}I", content, 20)[0]
    skip = {LINKTYPE_RAW: 0, LINKTYPE_ETHERNET: _ETHERNET_HEADER_BYTES}.get(link)
    if skip is None:
        raise ValueError(f"its packets have the link type {link}")
    capture, position = Capture(), _FILE_HEADER_BYTES
    while position + _PACKET_HEADER_BYTES <= len(content):
        seconds, micros, size, _ = struct.unpack_from(f"{order}IIII", content, position)
        start = position + _PACKET_HEADER_BYTES
        frame, position = content[start : start + size], start + size
        if link == LINKTYPE_RAW or frame[12:14] == b"\x08\x00":
            capture.add(frame[skip:], seconds + micros / 1e6)
    return capture
