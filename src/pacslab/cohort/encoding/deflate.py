"""A DEFLATE compressor (RFC 1951) of our own: deflated files are the same whatever zlib a Python was built with.

Fixed Huffman codes and the nearest earlier occurrence of three bytes: enough for the deflated transfer syntax, at
about a megabyte a second. Behind a dataset's attributes the pixels can be stored as they are (RFC 1951, 3.2.4), which
is a hundred times faster. Any inflater reads the result.
"""

from __future__ import annotations

from functools import cache

LEAST, MOST, FAR = 3, 258, 32768
"""How long a repetition is, in bytes, and how far back it may lie."""

_STORED = 65535
"""Bytes that a stored block holds."""

_LENGTHS = ((3, 0), (11, 1), (19, 2), (35, 3), (67, 4), (131, 5))
"""First length of each group of codes, and the extra bits of its codes (RFC 1951, 3.2.5)."""


def deflate(content: bytes, squeezed: int | None = None) -> bytes:
    """Return a raw DEFLATE stream, without zlib's header; only the first ``squeezed`` bytes are made smaller."""
    if squeezed is None or len(content) <= squeezed:
        return _block(content, last=True)
    rest = [content[at : at + _STORED] for at in range(squeezed, len(content), _STORED)]
    parts = [_block(content[:squeezed], last=False)]
    for number, piece in enumerate(rest, start=1):
        length = len(piece).to_bytes(2, "little")
        parts += (bytes([number == len(rest)]), length, bytes(255 - byte for byte in length), piece)
    return b"".join(parts)


def _block(content: bytes, *, last: bool) -> bytes:
    """Return a block of fixed Huffman codes; after one that is not the last, an empty stored block ends on a byte."""
    literals, lengths = _literals(), _length_codes()
    held, count = 0b010 | last, 3  # bits fill bytes from the low end
    chunks: list[int] = []
    seen: dict[bytes, int] = {}
    at, end = 0, len(content)
    while at < end:
        three = content[at : at + LEAST]
        before = seen.get(three, -FAR - 1)
        if len(three) == LEAST:
            seen[three] = at
        if at - before <= FAR and len(three) == LEAST:
            length = _same(content, before, at)
            code, bits = lengths[length]
            held |= code << count
            count += bits
            code, bits = _distance(at - before)
            at += length
        else:
            code, bits = literals[content[at]]
            at += 1
        held |= code << count
        count += bits
        if count > 4096:
            whole = count // 8
            chunks.append(held & ((1 << (whole * 8)) - 1))
            chunks.append(whole)
            held >>= whole * 8
            count -= whole * 8
    count += 7  # the end of the block is seven zeros
    ending = b"" if last else b"\x00\x00\xff\xff"  # length 0, and its complement
    count += 0 if last else 3  # the header of a stored block is three zeros, then zeros to the end of the byte
    parts = [value.to_bytes(size, "little") for value, size in zip(chunks[::2], chunks[1::2], strict=True)]
    return b"".join(parts) + held.to_bytes((count + 7) // 8, "little") + ending


def _same(content: bytes, before: int, at: int) -> int:
    """Return how many bytes from ``at`` repeat those from ``before``."""
    most = min(MOST, len(content) - at)
    length = LEAST
    while length < most and content[before + length] == content[at + length]:
        length += 1
    return length


def _mirrored(code: int, bits: int) -> int:
    """Return a Huffman code with its first bit lowest, as the stream wants it."""
    return int(f"{code:0{bits}b}"[::-1], 2)


@cache
def _literals() -> tuple[tuple[int, int], ...]:
    """Return code and bits of each byte."""
    short = [(_mirrored(0x30 + value, 8), 8) for value in range(144)]
    return (*short, *((_mirrored(0x190 + value - 144, 9), 9) for value in range(144, 256)))


@cache
def _length_codes() -> dict[int, tuple[int, int]]:
    """Return code with extra bits, and their count, of each length."""
    codes: dict[int, tuple[int, int]] = {}
    symbol = 257
    for number, (first, extra) in enumerate(_LENGTHS):
        for step in range(8 if number == 0 else 4):
            start = first + (step << extra)
            bits = 7 if symbol < 280 else 8
            code = _mirrored(symbol - 256 if bits == 7 else 0xC0 + symbol - 280, bits)
            for rest in range(1 << extra):
                codes[start + rest] = code | rest << bits, bits + extra
            symbol += 1
    codes[258] = _mirrored(0xC5, 8), 8  # symbol 285
    return codes


@cache
def _distance(far: int) -> tuple[int, int]:
    """Return code with extra bits, and their count, of a distance."""
    if far <= 4:
        return _mirrored(far - 1, 5), 5
    extra = (far - 1).bit_length() - 2
    half = (far - 1) >> extra & 1
    symbol = 2 * extra + 2 + half
    rest = (far - 1) & ((1 << extra) - 1)
    return _mirrored(symbol, 5) | rest << 5, 5 + extra
