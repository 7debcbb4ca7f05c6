"""Transfer syntaxes: compression and encapsulation of pixels, and Part 10 files (PS3.5 A.1 to A.5, PS3.10).

Implicit and explicit VR, deflate, JPEG Lossless and encapsulation are written here and give the same bytes on every
machine. The encoders of RLE and JPEG 2000 (pylibjpeg) and of JPEG (Pillow) may give other bytes in other versions:
:func:`codecs` returns their versions.
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass, field
from enum import StrEnum
from importlib.metadata import version
from typing import TYPE_CHECKING

import numpy as np
from pydicom import uid

from pacslab.cohort.encoding.deflate import deflate
from pacslab.cohort.encoding.explicit_vr import (
    IMPLEMENTATION_CLASS_UID,
    IMPLEMENTATION_VERSION_NAME,
    PIXEL_DATA,
    SOP_CLASS_UID,
    SOP_INSTANCE_UID,
    SOURCE_AE_TITLE,
    encode_element,
    encode_pixels,
    join,
)

if TYPE_CHECKING:
    from collections.abc import Callable

JPEG_QUALITY = 90
"""JPEG quality in Pillow's scale; usual for secondary captures."""
COMPRESSED_BYTES = 6144
"""Bytes of a deflated file that are compressed: its attributes. The pixels behind them are stored."""
_UNDEFINED = 0xFFFFFFFF
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_LONG_VRS = frozenset((b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"))


class Syntax(StrEnum):
    """The transfer syntaxes that the generator writes (PS3.6 table A-1)."""

    IMPLICIT_LITTLE = uid.ImplicitVRLittleEndian
    EXPLICIT_LITTLE = uid.ExplicitVRLittleEndian
    DEFLATED = uid.DeflatedExplicitVRLittleEndian
    RLE = uid.RLELossless
    JPEG_BASELINE = uid.JPEGBaseline8Bit
    JPEG_LOSSLESS = uid.JPEGLosslessSV1
    JPEG_2000 = uid.JPEG2000Lossless

    @property
    def encapsulated(self) -> bool:
        """Whether pixels are encapsulated: compressed frame by frame, in items (PS3.5 A.4)."""
        return self in _CODECS

    @property
    def lossless(self) -> bool:
        """Whether decoding restores the pixels exactly."""
        return self is not Syntax.JPEG_BASELINE


@dataclass(frozen=True)
class Encoded:
    """Encoded pixels.

    ``element`` is the whole PixelData element. ``attributes`` replace those of the dataset: the colour space after
    compression (PS3.5 8.2.1), and the ratio and method of lossy compression (PS3.3 C.7.6.1.1.5). ``frames`` are the
    compressed frames; empty without compression.
    """

    element: bytes
    attributes: dict[str, str] = field(default_factory=dict)
    frames: tuple[bytes, ...] = ()


PINNED = {"pillow": "13.0.0", "pylibjpeg-openjpeg": "2.6.0", "pylibjpeg-rle": "2.2.0"}
"""Versions of :func:`codecs` in requirements.lock; with them compressed files are the same on every machine."""


def codecs() -> dict[str, str]:
    """Return the installed versions of the packages that determine the bytes of compressed files."""
    return {name: version(name) for name in PINNED}


def encode_frames(pixels: np.ndarray, syntax: Syntax, *, colour: bool = False, bits: int = 0) -> Encoded:
    """Encode pixels in a transfer syntax.

    Parameters
    ----------
    pixels
        uint8, uint16 or int16 of shape (rows, columns) or (frames, rows, columns); with ``colour``, uint8 of shape
        (..., rows, columns, 3), RGB.
    syntax
        The transfer syntax.
    colour
        Whether the last axis is colour.
    bits
        BitsStored if it is less than BitsAllocated, else 0.

    Returns
    -------
    Encoded
        The PixelData element and the attributes that it requires; of pixels in native format only the element.

    Raises
    ------
    ValueError
        If JPEG baseline is asked to hold more than eight bits, or colour does not have three samples.

    """
    if colour and (pixels.shape[-1] != 3 or pixels.dtype != np.uint8):
        raise ValueError(f"colour means RGB in bytes, not {pixels.dtype} of shape {pixels.shape}")
    if not syntax.encapsulated:
        return Encoded(encode_pixels(pixels))
    if syntax is Syntax.JPEG_BASELINE and pixels.dtype != np.uint8:
        raise ValueError(
            f"JPEG baseline holds 8 bits; these pixels are {pixels.dtype}. Ask for another transfer syntax"
        )
    frames = pixels.reshape(-1, *pixels.shape[-3 if colour else -2 :])
    codec = _CODECS[syntax]
    compressed = [codec(np.ascontiguousarray(frame), colour, bits or 8 * pixels.dtype.itemsize) for frame in frames]
    attributes = {}
    if colour and syntax is Syntax.JPEG_2000:
        attributes["PhotometricInterpretation"] = "YBR_RCT"
    if syntax is Syntax.JPEG_BASELINE:
        if colour:
            attributes["PhotometricInterpretation"] = "YBR_FULL_422"
        ratio = pixels.nbytes / sum(len(frame) for frame in compressed)
        attributes |= {
            "LossyImageCompression": "01",
            "LossyImageCompressionRatio": f"{ratio:.2f}",
            "LossyImageCompressionMethod": "ISO_10918_1",
        }
    return Encoded(encapsulate(compressed), attributes, tuple(compressed))


def decoded_frames(encoded: Encoded, pixels: np.ndarray) -> np.ndarray:
    """Decode the frames of lossy JPEG as pydicom does; libraries round colours differently.

    Returns
    -------
    numpy.ndarray
        uint8 of the shape of ``pixels``; colours are RGB.

    """
    from PIL import Image  # noqa: PLC0415 - only where pixels are compressed
    from pydicom.pixels.processing import convert_color_space  # noqa: PLC0415

    frames = []
    for frame in encoded.frames:
        image = Image.open(io.BytesIO(frame))
        if image.mode == "RGB":
            image.draft("YCbCr", image.size)
            frames.append(convert_color_space(np.asarray(image), "YBR_FULL", "RGB"))
        else:
            frames.append(np.asarray(image))
    return np.stack(frames).reshape(pixels.shape)


def encapsulate(frames: list[bytes]) -> bytes:
    """Return the PixelData element of compressed frames: basic offset table, then a fragment a frame (PS3.5 A.4)."""
    items, offsets, at = [], [], 0
    for frame in frames:
        offsets.append(at)
        items.append(_item(frame + b"\0" * (len(frame) % 2)))
        at += len(items[-1])
    head = struct.pack("<HH2sHI", PIXEL_DATA >> 16, PIXEL_DATA & 0xFFFF, b"OB", 0, _UNDEFINED)
    table = _item(struct.pack(f"<{len(offsets)}I", *offsets))
    return b"".join((head, table, *items, struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)))


def encode_file(
    elements: dict[int, bytes], syntax: Syntax, source: str = SOURCE_AE_TITLE, preamble: bytes = b""
) -> bytes:
    """Encode a complete Part 10 file (PS3.10 7).

    Parameters
    ----------
    elements
        The dataset's elements by tag, as :mod:`~pacslab.cohort.encoding.explicit_vr` encodes them (explicit VR
        little endian); the pixels are :func:`encode_frames`'s of the same syntax.
    syntax
        The transfer syntax.
    source
        Source Application Entity Title (0002,0016).
    preamble
        The preamble, up to 128 bytes; filled with zeros.

    """
    content = join(elements)
    if syntax is Syntax.IMPLICIT_LITTLE:
        content = to_implicit(content)
    elif syntax is Syntax.DEFLATED:
        content = deflate(content, COMPRESSED_BYTES)
        content += b"\0" * (len(content) % 2)
    head = preamble_and_meta(elements[SOP_CLASS_UID][8:], elements[SOP_INSTANCE_UID][8:], syntax, source, preamble)
    return head + content


def preamble_and_meta(
    sop_class: bytes, sop_instance: bytes, syntax: Syntax, source: str = SOURCE_AE_TITLE, preamble: bytes = b""
) -> bytes:
    """Return the preamble, the prefix DICM and the file meta information (PS3.10 7.1)."""
    header = b"".join(
        encode_element(tag, vr, value)
        for tag, vr, value in (
            (0x00020001, "OB", b"\x00\x01"),
            (0x00020002, "UI", sop_class),
            (0x00020003, "UI", sop_instance),
            (0x00020010, "UI", str(syntax)),
            (0x00020012, "UI", IMPLEMENTATION_CLASS_UID),
            (0x00020013, "SH", IMPLEMENTATION_VERSION_NAME),
            (0x00020016, "AE", source),
        )
    )
    return (
        preamble.ljust(128, b"\0")[:128]
        + b"DICM"
        + encode_element(0x00020000, "UL", struct.pack("<I", len(header)))
        + header
    )


def to_implicit(content: bytes) -> bytes:
    """Convert a dataset from explicit to implicit VR little endian; sequences get explicit lengths.

    Raises
    ------
    ValueError
        If a value ends behind the dataset, or a value other than a sequence has undefined length.

    """
    return _dataset_to_implicit(memoryview(content), 0, len(content))[0]


def _dataset_to_implicit(content: memoryview, at: int, end: int) -> tuple[bytes, int]:
    """Return the elements up to ``end`` or to an item delimiter, and the offset behind them."""
    parts: list[bytes | memoryview] = []
    while at < end:
        group, element = struct.unpack_from("<HH", content, at)
        if (group, element) == (0xFFFE, 0xE00D):
            return b"".join(parts), at + 8
        vr = bytes(content[at + 4 : at + 6])
        if vr in _LONG_VRS:
            (length,) = struct.unpack_from("<I", content, at + 8)
            at += 12
        else:
            (length,) = struct.unpack_from("<H", content, at + 6)
            at += 8
        where = f"({group:04X},{element:04X})"
        if vr == b"SQ":
            value: bytes | memoryview
            value, at = _sequence_to_implicit(content, at, end if length == _UNDEFINED else at + length)
        elif length == _UNDEFINED or at + length > end:
            raise ValueError(f"{where} cannot be written in implicit VR: its value has no end")
        else:
            value = content[at : at + length]
            at += length
        parts += (struct.pack("<HHI", group, element, len(value)), value)
    return b"".join(parts), at


def _sequence_to_implicit(content: memoryview, at: int, end: int) -> tuple[bytes, int]:
    """Return the items of a sequence, and the offset behind it."""
    items = []
    while at < end:
        group, element, length = struct.unpack_from("<HHI", content, at)
        at += 8
        if group << 16 | element == _SEQUENCE_END:
            break
        item, at = _dataset_to_implicit(content, at, end if length == _UNDEFINED else at + length)
        items.append(_item(item))
    return b"".join(items), at


def _item(content: bytes) -> bytes:
    return struct.pack("<HHI", 0xFFFE, 0xE000, len(content)) + content


def _rle(frame: np.ndarray, colour: bool, _bits: int) -> bytes:
    from rle.rle import encode_frame  # noqa: PLC0415 - only where pixels are compressed

    rows, columns = frame.shape[:2]
    width = frame.dtype.itemsize * 8
    return bytes(encode_frame(frame.tobytes(), rows, columns, 3 if colour else 1, width, "<"))


def _jpeg_2000(frame: np.ndarray, colour: bool, bits: int) -> bytes:
    from openjpeg.utils import encode_array  # noqa: PLC0415 - only where pixels are compressed

    return bytes(encode_array(frame, bits_stored=bits, photometric_interpretation=1 if colour else 2))


def _jpeg_baseline(frame: np.ndarray, colour: bool, _bits: int) -> bytes:
    from PIL import Image  # noqa: PLC0415 - only where pixels are compressed

    stored = io.BytesIO()
    choices = {"subsampling": "4:2:2"} if colour else {}
    Image.fromarray(frame).save(stored, "JPEG", quality=JPEG_QUALITY, **choices)
    return stored.getvalue()


def _jpeg_lossless(frame: np.ndarray, colour: bool, bits: int) -> bytes:
    from pacslab.cohort.encoding.jpeg_lossless import encode  # noqa: PLC0415 - only where pixels are compressed

    return encode(frame if colour else frame[..., None], bits)


_CODECS: dict[Syntax, Callable[[np.ndarray, bool, int], bytes]] = {
    Syntax.RLE: _rle,
    Syntax.JPEG_BASELINE: _jpeg_baseline,
    Syntax.JPEG_LOSSLESS: _jpeg_lossless,
    Syntax.JPEG_2000: _jpeg_2000,
}
