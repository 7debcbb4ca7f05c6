"""Read the size of a compressed frame from its own header, before a decoder allocates memory for it.

A file's Rows and Columns are one thing and the frame's own header another: 900 bytes of JPEG 2000 may unpack to 16 GB.
"""

from __future__ import annotations

import re
import struct

from pydicom.uid import AllTransferSyntaxes, RLELossless

SYNTAXES = {syntax for syntax in AllTransferSyntaxes if syntax.is_encapsulated} - {RLELossless}
"""Transfer syntaxes whose frames say how large they are; run lengths do not, and are unpacked as far as Rows go."""
_JPEG = b"\xff\xd8"
_FRAME = re.compile(rb"\xff[\xc0-\xc3\xf7].{3}(?P<lines>..)(?P<columns>..)(?P<components>.)", re.DOTALL)
"""Start of frame of JPEG (ISO 10918-1, B.2.2) and JPEG-LS (ISO 14495-1, C.2.2)."""
_SIZE = re.compile(rb"\xff\x4f\xff\x51.{4}(?P<size>.{16}).{16}(?P<components>..)", re.DOTALL)
"""Image and tile size of JPEG 2000 (ISO 15444-1, A.5.1)."""


def decoded_value_count(frame: bytes) -> int:
    """Return how many values a frame unpacks to by its own header: JPEG, JPEG-LS or JPEG 2000; 0 for any other.

    Examples
    --------
    >>> frame_of_2_by_3 = bytes.fromhex("ffd8 ffc0 000b 08 0002 0003 01 011100 ffd9")
    >>> decoded_value_count(frame_of_2_by_3)
    6

    """
    if frame.startswith(_JPEG):
        return max((_of_jpeg(found) for found in _FRAME.finditer(frame)), default=0)
    return max((_of_jpeg_2000(found) for found in _SIZE.finditer(frame)), default=0)


def _of_jpeg(found: re.Match[bytes]) -> int:
    lines, columns = (int.from_bytes(found[name], "big") for name in ("lines", "columns"))
    return lines * columns * found["components"][0]


def _of_jpeg_2000(found: re.Match[bytes]) -> int:
    right, bottom, left, top = (int(edge) for edge in struct.unpack(">4L", found["size"]))
    return max(0, right - left) * max(0, bottom - top) * int.from_bytes(found["components"], "big")
