"""Writing DICOM Part 10 files in explicit VR little endian (PS3.5, PS3.10).

Every byte is set here, so the same variant gives the same files whatever version of any library is installed, and
what the instances of a series share is encoded once.
"""

from __future__ import annotations

import struct
from functools import cache
from typing import TYPE_CHECKING, Any

from pydicom.datadict import dictionary_VR, tag_for_keyword

if TYPE_CHECKING:
    import numpy as np

PIXEL_DATA = 0x7FE00010
SOP_CLASS_UID = 0x00080016
SOP_INSTANCE_UID = 0x00080018
EXPLICIT_VR_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"
IMPLEMENTATION_CLASS_UID = "2.25.204413720964713950127404903482906141521"
IMPLEMENTATION_VERSION_NAME = "PACSLAB_1"
SOURCE_AE_TITLE = "PACSLAB"

_LONG = {"OB", "OW", "SQ", "UN", "UT", "UC", "UR"}
_TEXT = {"SH", "LO", "ST", "LT", "PN", "UC", "UT"}
"""The VRs that Specific Character Set governs (PS3.5 6.1.2.3)."""
_NUMBERS = {"US": "H", "SS": "h", "UL": "I", "SL": "i", "FL": "f", "FD": "d"}
_MOST = {"SH": 16, "LO": 64, "CS": 16, "DS": 16, "IS": 12, "UI": 64, "DA": 8, "TM": 14, "AE": 16, "AS": 4, "PN": 64}


@cache
def known(keyword: str) -> tuple[int, str]:
    """Return tag and VR of a keyword of the standard; words where it allows bytes or words.

    Raises
    ------
    KeyError
        If the standard has no such keyword.

    """
    tag = tag_for_keyword(keyword)
    if tag is None:
        raise KeyError(keyword)
    vr = dictionary_VR(tag)
    return tag, "OW" if vr == "OB or OW" else vr


def encode_element(tag: int, vr: str, value: Any, codec: str = "utf-8") -> bytes:
    """Return one element.

    Parameters
    ----------
    tag, vr
        Which element, and how its value is represented.
    value
        A string, a number, a list of them, or bytes.
    codec
        Python's name of the dataset's character set.

    Raises
    ------
    ValueError
        If a text is longer than its VR allows, or cannot be written in the character set.

    """
    if isinstance(value, bytes):
        content = value
    elif vr in _NUMBERS:
        values = value if isinstance(value, list) else [value]
        content = struct.pack(f"<{len(values)}{_NUMBERS[vr]}", *values)
    elif vr == "AT":
        content = struct.pack("<HH", value >> 16, value & 0xFFFF)
    else:
        texts = [str(one) for one in value] if isinstance(value, list) else [str(value)]
        for text in texts:
            longest = max(map(len, text.split("="))) if vr == "PN" else len(text)
            if longest > _MOST.get(vr, 10240):
                raise ValueError(f"{text!r} is too long for ({tag >> 16:04X},{tag & 0xFFFF:04X}), VR {vr}")
        content = "\\".join(texts).encode(codec if vr in _TEXT else "ascii")
    if len(content) % 2:
        content += b"\0" if vr in ("UI", "OB") else b" "
    head = struct.pack("<HH", tag >> 16, tag & 0xFFFF) + vr.encode()
    if vr in _LONG:
        return head + b"\0\0" + struct.pack("<I", len(content)) + content
    return head + struct.pack("<H", len(content)) + content


def encode_item(elements: dict[int, bytes]) -> bytes:
    """Return an item of a sequence, of explicit length."""
    content = join(elements)
    return b"\xfe\xff\x00\xe0" + struct.pack("<I", len(content)) + content


def encode_pixels(pixels: np.ndarray) -> bytes:
    """Return PixelData of an array of one-byte values (OB) or of two-byte values (OW)."""
    narrow = pixels.dtype.itemsize == 1
    little = pixels.astype(pixels.dtype.newbyteorder("<"), copy=False)
    return encode_element(PIXEL_DATA, "OB" if narrow else "OW", little.tobytes())


def join(elements: dict[int, bytes]) -> bytes:
    """Return elements in order of their tags."""
    return b"".join(elements[tag] for tag in sorted(elements))


def encode_file(elements: dict[int, bytes]) -> bytes:
    """Return a complete Part 10 file of a dataset's elements."""
    meta = {
        0x00020001: encode_element(0x00020001, "OB", b"\x00\x01"),
        0x00020002: encode_element(0x00020002, "UI", elements[SOP_CLASS_UID][8:]),
        0x00020003: encode_element(0x00020003, "UI", elements[SOP_INSTANCE_UID][8:]),
        **_CONSTANT_META,
    }
    header = join(meta)
    length = encode_element(0x00020000, "UL", struct.pack("<I", len(header)))
    return b"\0" * 128 + b"DICM" + length + header + join(elements)


_CONSTANT_META = {
    tag: encode_element(tag, vr, text)
    for tag, vr, text in (
        (0x00020010, "UI", EXPLICIT_VR_LITTLE_ENDIAN),
        (0x00020012, "UI", IMPLEMENTATION_CLASS_UID),
        (0x00020013, "SH", IMPLEMENTATION_VERSION_NAME),
        (0x00020016, "AE", SOURCE_AE_TITLE),
    )
}
