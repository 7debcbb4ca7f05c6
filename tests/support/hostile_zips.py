"""Hostile ZIP files, each made from an honest submission."""

from __future__ import annotations

import io
import json
import os
import stat
import struct
import zipfile
import zlib
from typing import TYPE_CHECKING, Any

from pacslab.grading.selftest.edited_zips import added, replaced

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pacslab.grading.selftest.edited_zips import Edit


def _special(kind: int, content: bytes) -> Edit:
    def spoil(path: Path) -> None:
        entry = zipfile.ZipInfo("deid/special.dcm")
        entry.create_system = 3
        entry.external_attr = (kind | 0o777) << 16
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr(entry, content)

    return spoil


def _noted(change: Callable[[dict[str, Any]], Any]) -> Edit:
    """Change ``submission.json``."""

    def spoil(path: Path) -> None:
        with zipfile.ZipFile(path) as archive:
            note = json.loads(archive.read("submission.json"))
        content = change(note)
        text = content if isinstance(content, bytes) else json.dumps(content or note).encode()
        replaced("submission.json", text)(path)

    return spoil


def _many_entries(path: Path) -> None:
    """Write the table of a million files by hand: the zipfile module needs a minute for it."""
    name = b"deid/%07d"
    local = struct.pack("<4s5H3L2H", b"PK\3\4", 20, 0, 0, 0, 33, 0, 0, 0, 12, 0) + name % 0
    with path.open("wb") as file:
        file.write(local)
        start = len(local)
        for block in range(1000):
            table = b"".join(
                struct.pack("<4s6H3L5H2L", b"PK\1\2", 20, 20, 0, 0, 0, 33, 0, 0, 0, 12, 0, 0, 0, 0, 0, 0)
                + name % number
                for number in range(block * 1000, block * 1000 + 1000)
            )
            file.write(table)
        size = file.tell() - start
        file.write(struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, size, start, 0))


def _bomb(path: Path) -> None:
    """Put 256 MB of zeros behind a declaration of a few kilobytes."""
    packer = zlib.compressobj(1, zlib.DEFLATED, -15)
    block = bytes(1 << 20)
    packed = b"".join(packer.compress(block) for _ in range(256)) + packer.flush()
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("deid/bomb.dcm", b"x" * 4096)
        offset = next(entry.header_offset for entry in archive.infolist() if entry.filename == "deid/bomb.dcm")
    content = path.read_bytes()
    start = content.rfind(b"PK\5\6")
    table_size, table_at = struct.unpack("<2L", content[start + 12 : start + 20])
    table = bytearray(content[table_at : table_at + table_size])
    entry = table.rfind(b"PK\1\2")
    table[entry + 20 : entry + 24] = struct.pack("<L", len(packed))
    header = content[offset : offset + 30 + len("deid/bomb.dcm")]
    body = content[:offset] + header + packed
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, *[table.count(b"PK\1\2")] * 2, len(table), len(body), 0)
    path.write_bytes(body + bytes(table) + end)


def _declared_bomb(path: Path) -> None:
    """Hold many files of zeros that honestly say that they are 100 MB each."""
    block = bytes(1 << 20)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for number in range(6):
            with archive.open(f"deid/zeros-{number}.dcm", "w", force_zip64=False) as file:
                for _ in range(100):
                    file.write(block)


def _nested_bomb(path: Path) -> None:
    content = b"0" * 1_000_000
    for depth in range(8):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for number in range(10):
                archive.writestr(f"{depth}-{number}.zip", content)
        content = buffer.getvalue()
    added(("deid/nested.zip", content))(path)


def _quine(path: Path) -> None:
    """Hold a copy of the ZIP file in itself, as a quine's outer shell does, and two entries over the same bytes."""
    copy = path.read_bytes()
    added(("deid/quine.zip", copy))(path)
    content = path.read_bytes()
    start = content.rfind(b"PK\5\6")
    table_size, table_at = struct.unpack("<2L", content[start + 12 : start + 20])
    table = content[table_at : table_at + table_size]
    last = table[table.rfind(b"PK\1\2") :].replace(b"quine.zip", b"again.zip")
    count = struct.unpack("<H", content[start + 10 : start + 12])[0] + 1
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count, count, table_size + len(last), table_at, 0)
    path.write_bytes(content[:table_at] + table + last + end)


def _nul_in_name(path: Path) -> None:
    added(("deid/aXb.dcm", b"x"))(path)
    path.write_bytes(path.read_bytes().replace(b"deid/aXb.dcm", b"deid/a\0b.dcm"))


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _not_a_file(path: Path) -> None:
    path.unlink()
    path.symlink_to("/etc/passwd")


def _fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _deep(_note: dict[str, Any]) -> bytes:
    return b'{"objectives":' + b"[" * 200_000 + b"]" * 200_000 + b"}"


def _absurd(note: dict[str, Any]) -> bytes:
    note["objectives"] = {"archive-title": {"attempts": 123456789}}
    return json.dumps(note).replace("123456789", "9" * 100_000).encode()


def _negative(note: dict[str, Any]) -> dict[str, Any]:
    note["objectives"]["close-web"] = {"hints": -100}
    return note


def _everything_earned(note: dict[str, Any]) -> dict[str, Any]:
    """Say that everything was reached; only what is replayed counts."""
    for objective in note["objectives"].values():
        objective["earned"] = True
    return note


ZIPS: dict[str, Edit] = {
    "a path that leads out": added(("../../outside.txt", b"x")),
    "an absolute path": added(("/tmp/pacslab-outside.txt", b"x")),
    "a path of Windows": added(("deid\\..\\..\\outside.txt", b"x")),
    "a drive": added(("C:/outside.txt", b"x")),
    "a symbolic link": _special(stat.S_IFLNK, b"/etc/passwd"),
    "a device": _special(stat.S_IFCHR, b""),
    "a named pipe": _special(stat.S_IFIFO, b""),
    "a million entries": _many_entries,
    "a bomb that lies": _bomb,
    "a bomb that says so": _declared_bomb,
    "a quine": _quine,
    "a name of 64 KB": added(("deid/" + "n" * 65_000, b"x")),
    "a name with NUL": _nul_in_name,
    "a name that reads from right to left": added(("deid/mcd.\u202egnp.exe", b"x")),
    "a name twice": added(("deid/one.dcm", b"x"), ("deid/ONE.dcm", b"y")),
    "a tower of folders": added(("deid/" + "a/" * 60 + "x.dcm", b"x")),
    "JSON without bottom": _noted(_deep),
    "absurd numbers": _noted(_absurd),
    "negative hints": _noted(_negative),
    "a note that is no object": replaced("submission.json", b"[1, 2, 3]"),
    "no note": replaced("submission.json", b""),
    "half a file": _cut,
    "a link instead of a file": _not_a_file,
    "a pipe instead of a file": _fifo,
}
"""ZIP files that cannot be used: each earns nothing, with the reason."""

HARMLESS: dict[str, Edit] = {
    "nested bombs": _nested_bomb,
    "claims to have earned everything": _noted(_everything_earned),
}
"""ZIP files that are odd, and earn what the honest one earned."""
