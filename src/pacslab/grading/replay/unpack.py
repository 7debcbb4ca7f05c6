"""Read what a student handed in. Hostile until proven otherwise: nothing is unpacked that was not looked at first.

The ZIP file's table is measured before it is parsed, every name is held against one rule, every byte is counted while
it is unpacked, and what is inside a file of the ZIP is never unpacked again.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import struct
import unicodedata
import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from pydantic import ValidationError

from pacslab.errors import SubmissionError
from pacslab.grading.handin.submission import (
    CONFIGURATION_FOLDER,
    DEID_FOLDER,
    LARGEST_CONFIGURATION_FILE,
    LARGEST_FILE,
    MOST_BYTES,
    MOST_FILES,
    NOTE,
    REPORT_FILE,
    SubmissionNote,
)

if TYPE_CHECKING:
    from pathlib import Path

LARGEST_ZIP = 512 << 20
LARGEST_NOTE = 8 << 20
_MOST_ENTRIES = MOST_FILES + 500
_LARGEST_TABLE = 2 << 20
_LONGEST_NAME = 240
_DEEPEST = 8
_MOST_IN_CONFIGURATION = 64
_END = struct.Struct("<4s4H2LH")
_CLUTTER = re.compile(r"(^|/)(__MACOSX|\.DS_Store|\.ipynb_checkpoints|Thumbs\.db)(/|$)")
_AGAIN = "Make it again with 'pacslab submit', and hand it in as it is."
# What may lie beside orthanc.json: certificates and keys, and the lab's own files.
_CONFIGURATION_FILE = re.compile(
    r"([A-Za-z0-9_][A-Za-z0-9_-]{0,60}/){0,3}(orthanc\.json|handover\.yaml|network\.yaml|nginx\.conf|"
    r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,60}\.(pem|crt|cer|key|csr|srl|cnf|ext|lua|htpasswd))"
)


@dataclass
class UnpackedSubmission:
    """A submission that was unpacked into ``folder``: what its note says, and what was left out and why."""

    submission: SubmissionNote
    sha256: str
    folder: Path
    notes: list[str] = field(default_factory=list)

    @property
    def configuration(self) -> Path:
        """Return the folder of ``orthanc.json``."""
        return self.folder / CONFIGURATION_FOLDER

    @property
    def deid(self) -> Path:
        """Return the folder of the de-identified files."""
        return self.folder / DEID_FOLDER

    @property
    def report(self) -> str:
        """Return the written answers."""
        try:
            return (self.folder / REPORT_FILE).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a submission's file.

    Raises
    ------
    SubmissionError
        If it is a link, not an ordinary file, larger than 512 MB, or cannot be read.

    """
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
            facts = os.fstat(file.fileno())
            if not stat.S_ISREG(facts.st_mode):
                raise SubmissionError(f"{path.name} is not an ordinary file", _AGAIN)
            if facts.st_size > LARGEST_ZIP:
                raise SubmissionError(f"{path.name} is larger than {LARGEST_ZIP >> 20} MB", _AGAIN)
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as reason:
        raise SubmissionError(f"{path.name} cannot be read ({reason.strerror})", _AGAIN) from None


def read_submission_note(path: Path) -> tuple[SubmissionNote, str]:
    """Return the note of a submission and the hash of its file, unpacking nothing else.

    Raises
    ------
    SubmissionError
        If it cannot be read, or breaks a rule; in words for the student.

    """
    digest = digest_of(path)
    with _opened(path) as archive:
        entries = _entries(archive)
        if NOTE not in entries:
            raise SubmissionError(f"{path.name} holds no {NOTE}", _AGAIN)
        return _note(_content(archive, entries[NOTE], LARGEST_NOTE)), digest


def unpack(path: Path, folder: Path) -> UnpackedSubmission:
    """Unpack a submission into a new folder, and return what it holds.

    Raises
    ------
    SubmissionError
        If it cannot be read, or breaks a rule; in words for the student.

    """
    submission, digest = read_submission_note(path)
    handed = UnpackedSubmission(submission, digest, folder)
    folder.mkdir(parents=True, mode=0o700)
    for name in (CONFIGURATION_FOLDER, DEID_FOLDER):
        (folder / name).mkdir()
    left, in_configuration = MOST_BYTES, 0
    with _opened(path) as archive:
        for name, entry in _entries(archive).items():
            limit = _limit(name)
            in_configuration += name.startswith(f"{CONFIGURATION_FOLDER}/")
            if name == NOTE or entry.is_dir():
                continue
            if limit is None or in_configuration > _MOST_IN_CONFIGURATION:
                handed.notes.append(f"{name[:120]!r} was not read: it is no file of a submission")
                continue
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            left -= _write(archive, entry, target, min(limit, left))
    return handed


def _limit(name: str) -> int | None:
    """Return how large a file of this name may be, or None where it is no file of a submission."""
    if name == REPORT_FILE:
        return LARGEST_CONFIGURATION_FILE
    if name.startswith(f"{DEID_FOLDER}/"):
        return LARGEST_FILE
    inside = name.removeprefix(f"{CONFIGURATION_FOLDER}/")
    return LARGEST_CONFIGURATION_FILE if inside != name and _CONFIGURATION_FILE.fullmatch(inside) else None


def _opened(path: Path) -> zipfile.ZipFile:
    """Open a ZIP file whose table is small enough to be read."""
    refused = SubmissionError(f"{path.name} is not a ZIP file that can be read", _AGAIN)
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _END.size - 0xFFFF))
            tail = file.read()
        start = tail.rfind(b"PK\x05\x06")
        _, _, _, _, entries, table, offset, _ = _END.unpack(tail[start : start + _END.size])
    except (OSError, struct.error):
        raise refused from None
    if start < 0:
        raise refused
    if entries > _MOST_ENTRIES or table > _LARGEST_TABLE or offset > size:
        raise SubmissionError(f"{path.name} holds more than {_MOST_ENTRIES:,} files, or says so", _AGAIN)
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, struct.error, EOFError):
        raise refused from None
    if len(archive.infolist()) > _MOST_ENTRIES:
        archive.close()
        raise SubmissionError(f"{path.name} holds more than {_MOST_ENTRIES:,} files", _AGAIN)
    return archive


def _entries(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Return the entries by their names, every one of them within the rules."""
    entries: dict[str, zipfile.ZipInfo] = {}
    seen: set[str] = set()
    end, total = 0, 0
    for entry in sorted(archive.infolist(), key=lambda one: one.header_offset):
        if entry.header_offset < end:
            raise SubmissionError("two files of the ZIP file share the same bytes", _AGAIN)
        end = entry.header_offset + 30 + entry.compress_size
        name = entry.orig_filename.rstrip("/")
        if _CLUTTER.search(name) and _fault_of(name) == "":
            continue
        fault = _fault_of(name) or _fault_of_kind(entry)
        if fault:
            raise SubmissionError(f"the ZIP file holds {_shown(name)}, {fault}", _AGAIN)
        total += entry.file_size
        if total > MOST_BYTES:
            raise SubmissionError(f"the ZIP file unpacks to more than {MOST_BYTES >> 20} MB", _AGAIN)
        same = unicodedata.normalize("NFC", name).casefold()
        if same in seen:
            raise SubmissionError(f"the ZIP file holds {_shown(name)} twice", _AGAIN)
        seen.add(same)
        entries[name] = entry
    return _without_wrapper(entries)


def _without_wrapper(entries: dict[str, zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
    """Return the names without the one folder that some file managers put around everything."""
    if NOTE in entries or not entries:
        return entries
    tops = {name.partition("/")[0] for name in entries}
    if len(tops) != 1:
        return entries
    top = f"{tops.pop()}/"
    return {name.removeprefix(top): entry for name, entry in entries.items() if name.startswith(top)}


def _fault_of(name: str) -> str:
    if len(name.encode("utf-8", "surrogatepass")) > _LONGEST_NAME:
        return f"a name of more than {_LONGEST_NAME} bytes"
    if not name or "\\" in name or name.startswith("/") or ":" in name.partition("/")[0]:
        return "which is no path inside a folder"
    if any(part in {"", ".", ".."} for part in name.split("/")):
        return "which leads out of its folder"
    if len(PurePosixPath(name).parts) > _DEEPEST:
        return f"which lies more than {_DEEPEST} folders deep"
    if any(unicodedata.category(char) in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"} for char in name):
        return "a name with characters that cannot be seen"
    return ""


def _fault_of_kind(entry: zipfile.ZipInfo) -> str:
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in {0, stat.S_IFREG, stat.S_IFDIR}:
        return "which is a link or a device"
    if entry.flag_bits & 0x1:
        return "which is encrypted"
    if entry.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        return "which is compressed in an unusual way"
    if entry.file_size > LARGEST_FILE:
        return f"which is larger than {LARGEST_FILE >> 20} MB"
    return ""


def _shown(name: str) -> str:
    return ascii(name if len(name) <= 60 else f"{name[:60]}...")


def _content(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, limit: int) -> bytes:
    """Return an entry's bytes, and not one more than it declares or the limit allows."""
    if entry.file_size > limit:
        raise SubmissionError(f"{_shown(entry.filename)} is larger than {limit >> 20} MB", _AGAIN)
    try:
        with archive.open(entry) as file:
            content = file.read(entry.file_size + 1)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError) as reason:
        raise SubmissionError(f"{_shown(entry.filename)} is damaged ({reason})", _AGAIN) from None
    if len(content) != entry.file_size:
        raise SubmissionError(f"{_shown(entry.filename)} is not as large as it says", _AGAIN)
    return content


def _write(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path, limit: int) -> int:
    content = _content(archive, entry, limit)
    try:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
    except OSError as reason:
        raise SubmissionError(f"{_shown(entry.filename)} cannot be unpacked ({reason.strerror})", _AGAIN) from None
    return len(content)


def _note(content: bytes) -> SubmissionNote:
    try:
        return SubmissionNote.model_validate_json(content)
    except (ValidationError, RecursionError) as reason:
        first = reason.errors()[0] if isinstance(reason, ValidationError) else {"loc": (), "msg": "too deep"}
        where = ".".join(str(step)[:40] for step in first["loc"][:4]) or "the file"
        raise SubmissionError(f"{NOTE} cannot be used: {where}: {first['msg'][:120]}", _AGAIN) from None
