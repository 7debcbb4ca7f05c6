"""Privilege escalation over the web: a reader, or anybody, deletes, restarts, runs code or writes files."""

from __future__ import annotations

import base64
import hashlib
import secrets
import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx

from pacslab.pacs import require_lab_address
from pacslab.probes.attack.web_helpers import at_each_web_address, curl, statuses
from pacslab.probes.bounded_http import TIMEOUT
from pacslab.probes.findings import Side
from pacslab.probes.registry import ProbeResult, probe
from pacslab.scenario import Severity

if TYPE_CHECKING:
    from pacslab.pacs import Account
    from pacslab.probes.target import Target

_REFUSED = {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}
_WAITED = 0.8  # seconds without an answer, while others are answered, after which a request counts as taken


@dataclass(frozen=True)
class _Caller:
    """A caller: name in words, and the account."""

    words: str
    account: Account | None

    @property
    def options(self) -> tuple[str, ...]:
        """Return curl's options for this caller; the password is left for the reader to fill in."""
        return ("-u", f"'{self.account.username}:PASSWORD'") if self.account and self.account.credentials else ()


def _callers(target: Target) -> list[_Caller]:
    """Return the callers: anonymous, the reader, the administrator."""
    web = target.handover.web
    return [
        _Caller("somebody without a password", None),
        _Caller(f"the reader {web.radiologist.username!r}", web.radiologist),
        _Caller(f"the administrator {web.administrator.username!r}", web.administrator),
    ]


def _readers(target: Target) -> list[_Caller]:
    return _callers(target)[:2]


@probe("http-shared-account", Side.ATTACK, "Be somebody else of the staff", Severity.MEDIUM)
def share_account(target: Target) -> ProbeResult:
    """Look whether the people of the hospital log in as themselves, or all with one name and password."""
    reader, administrator = target.handover.web.radiologist, target.handover.web.administrator
    asked = curl(f"{target.front}/system", "-i", *_callers(target)[1].options)
    if reader.credentials is None or administrator.credentials is None:
        return ProbeResult(True, "Nobody of the staff has a password of their own: handover.yaml names none.", asked)
    if reader.username == administrator.username:
        return ProbeResult(True, f"The radiologist and the administrator both log in as {reader.username!r}.", asked)
    if reader.password == administrator.password:
        return ProbeResult(True, "The radiologist and the administrator have the same password.", asked)
    return ProbeResult(
        False, f"{reader.username!r} and {administrator.username!r} are two accounts with own passwords.", asked
    )


@probe("http-reader-deletes", Side.ATTACK, "Delete as somebody who may only read", Severity.HIGH)
@at_each_web_address
def delete_as_reader(target: Target, url: str) -> ProbeResult:
    """Send a DELETE for a study that does not exist: "not found" means that an existing one would be gone."""
    nothing = "-".join(hashlib.sha1(secrets.token_bytes(16)).hexdigest()[at : at + 8] for at in range(0, 40, 8))  # noqa: S324
    path = f"/studies/{nothing}"
    answered: set[int] = set()
    for caller in _readers(target):
        asked = curl(url + path, "-i", "-X", "DELETE", *caller.options)
        with target.visitor(url, caller.account) as client:
            answer = client.delete(path)
        answered.add(answer.status_code)
        if answer.status_code in {httpx.codes.NOT_FOUND, httpx.codes.OK}:
            return ProbeResult(
                True,
                f"{caller.words.capitalize()} may delete: a DELETE was let through and found nothing, as the study "
                "was invented for the question. A real study would be gone.",
                asked,
            )
    asked = curl(url + path, "-i", "-X", "DELETE", *_readers(target)[1].options)
    return ProbeResult(False, f"A DELETE by a reader was refused with {statuses(answered)}.", asked)


@probe("http-reader-restarts", Side.ATTACK, "Restart the server as somebody who may only read", Severity.HIGH)
@at_each_web_address
def restart_as_reader(target: Target, url: str) -> ProbeResult:
    """Begin a POST to /tools/reset and keep its body back: whoever may not is refused at once, nothing restarts."""
    parts = urlsplit(url)
    if parts.scheme != "http" or url != target.archive.url:
        words = "A proxy waits for the whole request, so nothing was tried there."
        return ProbeResult(False, words, curl(f"{url}/tools/reset", "-i", "-X", "POST"))
    for caller in _readers(target):
        if _is_let_through(target, url, "/tools/reset", caller.account):
            return ProbeResult(
                True,
                f"{caller.words.capitalize()} may restart the server: POST /tools/reset was let through (the probe "
                "kept its body back, so nothing happened).",
                curl(f"{url}/tools/reset", "-X", "POST", *caller.options),
            )
    asked = curl(f"{url}/tools/reset", "-i", "-X", "POST", *_readers(target)[1].options)
    return ProbeResult(False, "A POST to /tools/reset by a reader was refused before its body.", asked)


def _is_let_through(target: Target, url: str, path: str, account: Account | None) -> bool:
    """Send the header of a POST and no body; return whether the server waits for the body.

    Silence counts only while the server answers others: the probe waits for the answer to a later request, and then
    longer than that took.
    """
    parts = urlsplit(url)
    host, port = require_lab_address(str(parts.hostname)), parts.port or 80
    lines = [f"POST {path} HTTP/1.1", f"Host: {host}:{port}", "Content-Length: 2", "Connection: close"]
    if account is not None and account.credentials is not None:
        token = base64.b64encode(":".join(account.credentials).encode()).decode()
        lines.append(f"Authorization: Basic {token}")
    with (
        socket.create_connection(
            (host, port), timeout=TIMEOUT, source_address=(target.outsider or "", 0)
        ) as connection,
        target.visitor(url, account) as client,
    ):
        connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        asked = time.monotonic()
        client.get("/system")
        connection.settimeout(_WAITED + 2 * (time.monotonic() - asked))
        try:
            connection.recv(1024)
        except TimeoutError:
            return True
        return False


@probe("http-run-lua", Side.ATTACK, "Run a program on the machine", Severity.CRITICAL)
@at_each_web_address
def run_lua(target: Target, url: str) -> ProbeResult:
    """Send the server a script that multiplies two numbers: a script may also read files and start programs."""
    left, right = (secrets.randbelow(900) + 100 for _ in range(2))
    script = f"print({left} * {right})"
    answered: set[int] = set()
    for caller in _callers(target):
        asked = curl(f"{url}/tools/execute-script", "-d", f"'{script}'", *caller.options)
        with target.visitor(url, caller.account) as client:
            answer = client.post("/tools/execute-script", content=script)
        answered.add(answer.status_code)
        if answer.status_code == httpx.codes.OK and str(left * right) in answer.text:
            return ProbeResult(True, f"The server ran a script of {caller.words}: {script} gave {left * right}.", asked)
    asked = curl(f"{url}/tools/execute-script", "-i", "-d", f"'{script}'", *_callers(target)[1].options)
    return ProbeResult(False, f"The script was refused with {statuses(answered)}, the administrator's too.", asked)


@probe("http-write-file", Side.ATTACK, "Write a file anywhere on the machine", Severity.CRITICAL)
@at_each_web_address
def write_file(target: Target, url: str) -> ProbeResult:
    """Have the server write an image to /dev/null, which swallows it: any other file name would do as well."""
    study = target.key.study(target.key.facts["clinic_study_uid"])
    patient = next(patient for patient in target.key.patients if study in patient.studies)
    instance = study.instances[0]
    uids = (patient.patient_id, study.study_instance_uid, instance.series_instance_uid, instance.sop_instance_uid)
    digest = hashlib.sha1("|".join(uids).encode()).hexdigest()  # noqa: S324  (this is how Orthanc names its instances)
    path = f"/instances/{'-'.join(digest[at : at + 8] for at in range(0, 40, 8))}/export"
    answered: set[int] = set()
    for caller in _callers(target):
        asked = curl(url + path, "-d", "/dev/null", *caller.options)
        with target.visitor(url, caller.account) as client:
            answer = client.post(path, content="/dev/null")
        answered.add(answer.status_code)
        if answer.status_code == httpx.codes.OK:
            words = f"{caller.words.capitalize()} had the server write an image to /dev/null; any path is taken."
            return ProbeResult(True, words, asked)
    asked = curl(url + path, "-i", "-d", "/dev/null", *_callers(target)[1].options)
    return ProbeResult(
        False, f"Writing a file was refused with {statuses(answered)}, the administrator's request too.", asked
    )


@probe("http-webdav-upload", Side.ATTACK, "Drop a file into the archive's network drive", Severity.HIGH)
@at_each_web_address
def upload_by_webdav(target: Target, url: str) -> ProbeResult:
    """Put a line of text, which is no image and is thrown away, into the WebDAV folder for uploads."""
    path = f"/webdav/uploads/{secrets.token_hex(4)}.txt"
    answered: set[int] = set()
    for caller in _callers(target):
        asked = curl(url + path, "-i", "-T", "note.txt", *caller.options)
        with target.visitor(url, caller.account) as client:
            answer = client.put(path, content=b"not an image")
        answered.add(answer.status_code)
        if answer.status_code in {httpx.codes.OK, httpx.codes.CREATED, httpx.codes.NO_CONTENT}:
            return ProbeResult(True, f"The network drive took a file of {caller.words}.", asked)
    asked = curl(url + path, "-i", "-T", "note.txt", *_callers(target)[1].options)
    return ProbeResult(False, f"The upload was refused with {statuses(answered)}.", asked)
