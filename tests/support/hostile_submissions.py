"""Hostile submissions, each made from an honest one: what the grader must survive."""

from __future__ import annotations

import json
import struct
import zlib
from typing import Any

from pacslab.grading.selftest.edited_zips import added, replaced
from pacslab.grading.selftest.sample_submissions import SubmissionProfile
from tests.support.hostile_zips import HARMLESS, ZIPS

_FILLING_SCRIPT = b"""
os.execute("touch /tmp/pacslab-outside; touch /etc/orthanc/outside; sleep 600 &")
local outside = io.open("/etc/passwd", "a")
if outside then outside:write("pacslab-outside::0:0::/:/bin/sh\\n") end
local disk = io.open("/var/lib/orthanc/db/full", "w")
while true do disk:write(string.rep("x", 1048576)) end
"""
FILLS_THE_DISK = SubmissionProfile(
    "a script that fills the disk",
    options={"ExecuteLuaEnabled": True, "LuaScripts": ["evil.lua"]},
    spoil=added(("configuration/evil.lua", _FILLING_SCRIPT)),
    started=False,
)
"""A script that was really handed in: not even the sandbox starts it, as it is no rule about a request."""

_FOREVER = b"function IncomingHttpRequestFilter(method, uri, ip, username, headers) %s end\n"


def _with_rule(name: str, rule: bytes) -> SubmissionProfile:
    script = added(("configuration/evil.lua", _FOREVER % rule))
    return SubmissionProfile(name, options={"LuaScripts": ["evil.lua"]}, spoil=script, clinic=False)


SANDBOXED = (
    SubmissionProfile("runs Lua that is sent to it", options={"ExecuteLuaEnabled": True}),
    SubmissionProfile("writes files when asked", options={"RestApiWriteToFileSystemEnabled": True}),
    _with_rule("a rule that never ends", b"while true do end"),
    _with_rule("a rule that eats all memory", b"local s = 'eats' while true do s = s .. s end"),
)
"""What runs code, and may: it is replayed in the Docker sandbox whatever the batch runs in, and ends with it."""

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
    "listens everywhere": {"HttpBindAddresses": ["0.0.0.0"]},
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


def hostile_profiles() -> dict[str, SubmissionProfile]:
    """Return every hostile profile by name."""
    made = [SubmissionProfile(name, spoil=spoil, readable=False) for name, spoil in ZIPS.items()]
    made += [SubmissionProfile(name, spoil=spoil) for name, spoil in HARMLESS.items()]
    made += [SubmissionProfile(name, options=options, started=False) for name, options in CONFIGURATIONS.items()]
    made += [
        SubmissionProfile(f"hides {name}", spoil=added((f"deid/{number}.dcm", content)))
        for number, (name, content) in enumerate(DICOM.items())
    ]
    made.append(SubmissionProfile("a handover with code", handover=HANDOVER_WITH_CODE, clinic=False))
    made += [
        SubmissionProfile(f"a handover with code as {name}", handover=text, started=False)
        for name, text in _IN_FIELDS.items()
    ]
    made.append(FILLS_THE_DISK)
    made += SANDBOXED
    made.append(
        SubmissionProfile(
            "a configuration without bottom",
            spoil=replaced("configuration/orthanc.json", b'{"DicomModalities":' + b"[" * 200_000),
            started=False,
        )
    )
    made.append(SubmissionProfile("a handover of many brackets", handover="[" * 100_000, started=False))
    made.append(SubmissionProfile("a handover that unfolds", handover=_unfolding(), started=False))
    return {profile.name: profile for profile in made}


def _unfolding() -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    return "\n".join(lines) + "\nweb: *a9\n"
