"""DEFLATE compressor (RFC 1951) with the same output on every machine, whatever zlib Python was built with.

It uses fixed Huffman codes and the nearest earlier occurrence of three bytes, at about a megabyte a second. Pixels
behind a dataset's attributes can be stored uncompressed (RFC 1951, 3.2.4), which is a hundred times faster. Any
inflater reads the result.
"""

from __future__ import annotations

from functools import cache

MIN_MATCH, MAX_MATCH, MAX_DISTANCE = 3, 258, 32768
"""Length of a repetition, and its greatest distance, in bytes (RFC 1951, 3.2.5)."""

_STORED_BLOCK = 65535
"""Bytes of a stored block (RFC 1951, 3.2.4)."""

_LENGTH_GROUPS = ((3, 0), (11, 1), (19, 2), (35, 3), (67, 4), (131, 5))
"""First length of each group of codes, and the extra bits of its codes (RFC 1951, 3.2.5)."""


def deflate(content: bytes, squeezed: int | None = None) -> bytes:
    """Compress bytes to a raw DEFLATE stream, without zlib's header.

    Parameters
    ----------
    content
        The bytes.
    squeezed
        The number of leading bytes to compress; the rest is stored. None compresses all.

    Examples
    --------
    >>> import zlib
    >>> stream = deflate(b"PACS " * 40)
    >>> len(stream), zlib.decompress(stream, wbits=-15) == b"PACS " * 40
    (9, True)

    """
    if squeezed is None or len(content) <= squeezed:
        return _block(content, last=True)
    rest = [content[at : at + _STORED_BLOCK] for at in range(squeezed, len(content), _STORED_BLOCK)]
    parts = [_block(content[:squeezed], last=False)]
    for number, piece in enumerate(rest, start=1):
        length = len(piece).to_bytes(2, "little")
        parts += (bytes([number == len(rest)]), length, bytes(255 - byte for byte in length), piece)
    return b"".join(parts)


def _block(content: bytes, *, last: bool) -> bytes:
    """Return a block of fixed Huffman codes; unless it is the last, an empty stored block aligns it to a byte."""
    literals, lengths = _literals(), _length_codes()
    held, count = 0b010 | last, 3  # bits fill bytes from the low end
    chunks: list[int] = []
    seen: dict[bytes, int] = {}
    at, end = 0, len(content)
    while at < end:
        three = content[at : at + MIN_MATCH]
        before = seen.get(three, -MAX_DISTANCE - 1)
        if len(three) == MIN_MATCH:
            seen[three] = at
        if at - before <= MAX_DISTANCE and len(three) == MIN_MATCH:
            length = _match_length(content, before, at)
            code, bits = lengths[length]
            held |= code << count
            count += bits
            code, bits = _distance_code(at - before)
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


def _match_length(content: bytes, before: int, at: int) -> int:
    """Return the number of bytes from ``at`` that repeat those from ``before``."""
    most = min(MAX_MATCH, len(content) - at)
    length = MIN_MATCH
    while length < most and content[before + length] == content[at + length]:
        length += 1
    return length


def _mirrored(code: int, bits: int) -> int:
    """Return a Huffman code with its first bit lowest, as the stream holds it (RFC 1951, 3.1.1)."""
    return int(f"{code:0{bits}b}"[::-1], 2)


@cache
def _literals() -> tuple[tuple[int, int], ...]:
    """Return code and bit count of each byte (RFC 1951, 3.2.6)."""
    short = [(_mirrored(0x30 + value, 8), 8) for value in range(144)]
    return (*short, *((_mirrored(0x190 + value - 144, 9), 9) for value in range(144, 256)))


@cache
def _length_codes() -> dict[int, tuple[int, int]]:
    """Return code with extra bits, and its bit count, of each length (RFC 1951, 3.2.5)."""
    codes: dict[int, tuple[int, int]] = {}
    symbol = 257
    for number, (first, extra) in enumerate(_LENGTH_GROUPS):
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
def _distance_code(far: int) -> tuple[int, int]:
    """Return code with extra bits, and its bit count, of a distance (RFC 1951, 3.2.5)."""
    if far <= 4:
        return _mirrored(far - 1, 5), 5
    extra = (far - 1).bit_length() - 2
    half = (far - 1) >> extra & 1
    symbol = 2 * extra + 2 + half
    rest = (far - 1) & ((1 << extra) - 1)
    return _mirrored(symbol, 5) | rest << 5, 5 + extra
