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
IMPLEMENTATION_CLASS_UID = "2.25.204413720964713950127404903482906141521"
IMPLEMENTATION_VERSION_NAME = "PACSLAB_1"
SOURCE_AE_TITLE = "PACSLAB"

_LONG_VRS = {"OB", "OW", "SQ", "UN", "UT", "UC", "UR"}
"""VRs with a length of 32 bits behind two reserved bytes (PS3.5 7.1.2)."""
_TEXT_VRS = {"SH", "LO", "ST", "LT", "PN", "UC", "UT"}
"""The VRs that Specific Character Set governs (PS3.5 6.1.2.3)."""
_NUMBER_FORMATS = {"US": "H", "SS": "h", "UL": "I", "SL": "i", "FL": "f", "FD": "d"}
_MAX_LENGTHS = {
    "SH": 16,
    "LO": 64,
    "CS": 16,
    "DS": 16,
    "IS": 12,
    "UI": 64,
    "DA": 8,
    "TM": 14,
    "AE": 16,
    "AS": 4,
    "PN": 64,
}
"""Characters that a value of each VR may have (PS3.5 table 6.2-1); for PN, of one component group."""


def tag_text(tag: int) -> str:
    """Return a tag as text, in the form of the answer key's paths.

    Examples
    --------
    >>> tag_text(0x00100010)
    '(0010,0010)'

    """
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"


@cache
def known(keyword: str) -> tuple[int, str]:
    """Return tag and VR of a keyword of the data dictionary (PS3.6); OW where it allows OB or OW.

    Raises
    ------
    KeyError
        If the dictionary has no such keyword.

    """
    tag = tag_for_keyword(keyword)
    if tag is None:
        raise KeyError(keyword)
    vr = dictionary_VR(tag)
    return tag, "OW" if vr == "OB or OW" else vr


def encode_element(tag: int, vr: str, value: Any, codec: str = "utf-8") -> bytes:
    """Encode an element in explicit VR little endian (PS3.5 7.1.2).

    Parameters
    ----------
    tag, vr
        The element's tag and value representation.
    value
        A string, a number, a list of them, or bytes.
    codec
        Python's name of the dataset's character set.

    Returns
    -------
    bytes
        Tag, VR, length and value, padded to an even length.

    Raises
    ------
    ValueError
        If a text is longer than its VR allows, or cannot be written in the character set.

    Examples
    --------
    >>> encode_element(0x00080060, "CS", "CT").hex(" ")
    '08 00 60 00 43 53 02 00 43 54'
    >>> encode_element(0x00280010, "US", 512).hex(" ")
    '28 00 10 00 55 53 02 00 00 02'

    """
    if isinstance(value, bytes):
        content = value
    elif vr in _NUMBER_FORMATS:
        values = value if isinstance(value, list) else [value]
        content = struct.pack(f"<{len(values)}{_NUMBER_FORMATS[vr]}", *values)
    elif vr == "AT":
        content = struct.pack("<HH", value >> 16, value & 0xFFFF)
    else:
        texts = [str(part) for part in value] if isinstance(value, list) else [str(value)]
        for text in texts:
            longest = max(map(len, text.split("="))) if vr == "PN" else len(text)
            if longest > _MAX_LENGTHS.get(vr, 10240):
                raise ValueError(f"{text!r} is too long for {tag_text(tag)}, VR {vr}")
        content = "\\".join(texts).encode(codec if vr in _TEXT_VRS else "ascii")
    if len(content) % 2:
        content += b"\0" if vr in ("UI", "OB") else b" "
    head = struct.pack("<HH", tag >> 16, tag & 0xFFFF) + vr.encode()
    if vr in _LONG_VRS:
        return head + b"\0\0" + struct.pack("<I", len(content)) + content
    return head + struct.pack("<H", len(content)) + content


def encode_item(elements: dict[int, bytes]) -> bytes:
    """Encode an item of a sequence with explicit length (PS3.5 7.5)."""
    content = join(elements)
    return b"\xfe\xff\x00\xe0" + struct.pack("<I", len(content)) + content


def encode_pixels(pixels: np.ndarray) -> bytes:
    """Encode PixelData (7FE0,0010) of an array of one-byte values (OB) or two-byte values (OW)."""
    narrow = pixels.dtype.itemsize == 1
    little = pixels.astype(pixels.dtype.newbyteorder("<"), copy=False)
    return encode_element(PIXEL_DATA, "OB" if narrow else "OW", little.tobytes())


def join(elements: dict[int, bytes]) -> bytes:
    """Join encoded elements in ascending order of their tags."""
    return b"".join(elements[tag] for tag in sorted(elements))
