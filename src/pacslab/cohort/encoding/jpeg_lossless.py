"""JPEG Lossless encoder, first-order prediction (ITU-T T.81 annex H, selection value 1; PS3.5 A.4.1).

NumPy encodes a frame at once: differences to the left neighbour, Huffman codes of their categories, packed bits.
The output is the same on every machine.
"""

from __future__ import annotations

import struct

import numpy as np

_CODE_BITS = (2, 3, 3, 3, 3, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14)
"""Bits of the Huffman code of each category of differences (0 to 16); small differences are the most frequent."""


def encode(frame: np.ndarray, bits: int) -> bytes:
    """Encode a frame as a JPEG Lossless stream.

    Parameters
    ----------
    frame
        Unsigned, or signed two's complement, of shape (rows, columns, samples).
    bits
        The precision: 2 to 16.

    Returns
    -------
    bytes
        From SOI to EOI, without padding.

    """
    rows, columns, samples = frame.shape
    values = frame.astype(np.int32) & ((1 << bits) - 1)
    differences = _differences(values, bits).reshape(-1)
    size = np.frexp(np.abs(differences).astype(np.float64))[1].astype(np.int64)
    size[differences == -32768] = 16
    extra = np.where(differences < 0, differences + (1 << size) - 1, differences).astype(np.int64)
    extra_bits = np.where(size == 16, 0, size)
    extra[size == 16] = 0
    codes, code_bits = np.array(_huffman_codes(), dtype=np.int64), np.array(_CODE_BITS, dtype=np.int64)
    words = codes[size] << extra_bits | extra
    scan = _packed(words, code_bits[size] + extra_bits)
    counts = bytes(_CODE_BITS.count(length) for length in range(1, 17))
    table = b"\x00" + counts + bytes(range(17))
    components = b"".join(bytes((number + 1, 0x11, 0)) for number in range(samples))
    selectors = b"".join(bytes((number + 1, 0)) for number in range(samples))
    return b"".join(
        (
            b"\xff\xd8",
            _segment(0xC3, struct.pack(">BHHB", bits, rows, columns, samples) + components),
            _segment(0xC4, table),
            _segment(0xDA, bytes((samples,)) + selectors + b"\x01\x00\x00"),
            scan.replace(b"\xff", b"\xff\x00"),
            b"\xff\xd9",
        )
    )


def _differences(values: np.ndarray, bits: int) -> np.ndarray:
    """Return each sample minus its left neighbour modulo 65536; the first of a row minus the one above (T.81 H.1)."""
    predicted = np.empty_like(values)
    predicted[:, 1:] = values[:, :-1]
    predicted[1:, 0] = values[:-1, 0]
    predicted[0, 0] = 1 << (bits - 1)
    return np.asarray(((values - predicted + 32768) & 0xFFFF) - 32768)


def _huffman_codes() -> list[int]:
    """Return the canonical codes of :data:`_CODE_BITS` (T.81 C.2)."""
    codes, code = [], 0
    for number, length in enumerate(_CODE_BITS):
        if number:
            code = (code + 1) << (length - _CODE_BITS[number - 1])
        codes.append(code)
    return codes


def _packed(words: np.ndarray, lengths: np.ndarray) -> bytes:
    """Concatenate words of up to 30 bits, most significant bit first; the last byte is filled with ones."""
    ends = np.cumsum(lengths)
    total = int(ends[-1])
    starts = ends - lengths
    room = np.zeros(total // 32 + 2, dtype=np.uint64)
    place, offset = starts >> 5, starts & 31
    shifted = words.astype(np.uint64) << (64 - lengths - offset).astype(np.uint64)
    # words that begin in the same 32 bits lie side by side: adding them is joining them
    first = np.flatnonzero(np.diff(place, prepend=-1))
    high, low = shifted >> np.uint64(32), shifted & np.uint64(0xFFFFFFFF)
    room[place[first]] += np.add.reduceat(high, first)
    room[place[first] + 1] += np.add.reduceat(low, first)
    packed = room.astype(">u4").tobytes()[: (total + 7) // 8]
    fill = -total % 8
    return packed[:-1] + bytes((packed[-1] | (1 << fill) - 1,)) if fill else packed


def _segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">HH", 0xFF00 | marker, len(content) + 2) + content
