"""Read a submission's ZIP file, hostile until proven otherwise: nothing is unpacked that was not checked first.

A process opens the file once, without following a link, so the bytes that were hashed and checked are the bytes that
are unpacked. Which ZIP files are refused stands in :mod:`pacslab.safe_zip`; here is which files belong to a submission.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import ValidationError

from pacslab.errors import CourseError, SubmissionError
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
from pacslab.safe_zip import (
    UnsafeZipError,
    ZipFault,
    ZipLimits,
    checked_entries,
    open_zip,
    printable_name,
    read_entry,
)

if TYPE_CHECKING:
    import zipfile
    from collections.abc import Iterator
    from io import BufferedReader
    from pathlib import Path

LARGEST_ZIP = 512 << 20
LARGEST_NOTE = 8 << 20
LIMITS = ZipLimits(directory_bytes=2 << 20, entries=MOST_FILES + 500, entry_bytes=LARGEST_FILE, total_bytes=MOST_BYTES)
_MOST_IN_CONFIGURATION = 64
_CLUTTER = re.compile(r"(^|/)(__MACOSX|\.DS_Store|\.ipynb_checkpoints|Thumbs\.db)(/|$)")
_REMEDY = "Make it again with 'pacslab submit', and hand it in as it is."
# What may lie beside orthanc.json: certificates and keys, and the lab's own files.
_CONFIGURATION_FILE = re.compile(
    r"([A-Za-z0-9_][A-Za-z0-9_-]{0,60}/){0,3}(orthanc\.json|handover\.yaml|network\.yaml|nginx\.conf|"
    r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,60}\.(pem|crt|cer|key|csr|srl|cnf|ext|lua|htpasswd))"
)


@dataclass(frozen=True)
class SubmissionFile:
    """A submission's ZIP file: where it lies, the SHA-256 of its bytes, and its note."""

    path: Path
    sha256: str
    note: SubmissionNote


@dataclass(frozen=True)
class UnpackedSubmission:
    """A submission that was unpacked into ``folder``; ``left_out`` says which files were not, and why."""

    note: SubmissionNote
    folder: Path
    left_out: tuple[str, ...] = ()

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


def read_submission(path: Path) -> SubmissionFile:
    """Return the note of a submission and the hash of its file, unpacking nothing else.

    Returns
    -------
    SubmissionFile
        What :func:`unpack` takes, also in another process.

    Raises
    ------
    SubmissionError
        If the file is a link, not an ordinary file, larger than 512 MB, cannot be read, or breaks a rule; in words for
        the student.

    """
    with _opened(path) as (archive, entries, digest):
        if NOTE not in entries:
            raise SubmissionError(f"{path.name} holds no {NOTE}", _REMEDY)
        return SubmissionFile(path.absolute(), digest, _note(_content(archive, entries[NOTE], LARGEST_NOTE)))


def unpack(submission: SubmissionFile, folder: Path) -> UnpackedSubmission:
    """Unpack a submission that was read before into a new folder; its note is not read again.

    Raises
    ------
    SubmissionError
        If the file cannot be read, or breaks a rule; in words for the student.
    CourseError
        If the file is no longer the one that was read.

    """
    left_out: list[str] = []
    with _opened(submission.path) as (archive, entries, digest):
        if digest != submission.sha256:
            raise CourseError(
                f"{submission.path.name} was replaced while the class was graded", "Run 'pacslab grade' again."
            )
        folder.mkdir(parents=True, mode=0o700)
        for name in (CONFIGURATION_FOLDER, DEID_FOLDER):
            (folder / name).mkdir()
        bytes_left, in_configuration = MOST_BYTES, 0
        for name, entry in entries.items():
            limit = _size_limit(name)
            in_configuration += name.startswith(f"{CONFIGURATION_FOLDER}/")
            if name == NOTE or entry.is_dir():
                continue
            if limit is None or in_configuration > _MOST_IN_CONFIGURATION:
                left_out.append(f"{name[:120]!r} was not read: it is no file of a submission")
                continue
            content = _content(archive, entry, min(limit, bytes_left))
            bytes_left -= len(content)
            _write(content, folder / name, name)
    return UnpackedSubmission(submission.note, folder, tuple(left_out))


@contextmanager
def _opened(path: Path) -> Iterator[tuple[zipfile.ZipFile, dict[str, zipfile.ZipInfo], str]]:
    """Yield a submission's archive, its entries, all of them within the rules, and the SHA-256 of its bytes."""
    with _regular_file(path) as file:
        try:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as reason:
            raise SubmissionError(f"{path.name} cannot be read ({reason.strerror})", _REMEDY) from None
        with _archive(path.name, file) as archive:
            yield archive, _entries(archive), digest


def _regular_file(path: Path) -> BufferedReader:
    try:
        file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb")
    except OSError as reason:
        raise SubmissionError(f"{path.name} cannot be read ({reason.strerror})", _REMEDY) from None
    facts = os.fstat(file.fileno())
    if stat.S_ISREG(facts.st_mode) and facts.st_size <= LARGEST_ZIP:
        return file
    file.close()
    if not stat.S_ISREG(facts.st_mode):
        raise SubmissionError(f"{path.name} is not an ordinary file", _REMEDY)
    raise SubmissionError(f"{path.name} is larger than {LARGEST_ZIP >> 20} MB", _REMEDY)


def _archive(name: str, file: BufferedReader) -> zipfile.ZipFile:
    try:
        return open_zip(file, LIMITS)
    except OSError:
        fault = ZipFault.NOT_A_ZIP
    except UnsafeZipError as reason:
        fault = reason.fault
    if fault is ZipFault.NOT_A_ZIP:
        raise SubmissionError(f"{name} is not a ZIP file that can be read", _REMEDY)
    claim = ", or says so" if fault is ZipFault.DIRECTORY_CLAIM else ""
    raise SubmissionError(f"{name} holds more than {LIMITS.entries:,} files{claim}", _REMEDY)


def _entries(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Return the entries by their names, without the one folder that some file managers put around everything."""
    try:
        entries = checked_entries(archive, LIMITS, _CLUTTER)
    except UnsafeZipError as reason:
        raise SubmissionError(str(reason), _REMEDY) from None
    tops = {name.partition("/")[0] for name in entries}
    if NOTE in entries or len(tops) != 1:
        return entries
    top = f"{tops.pop()}/"
    return {name.removeprefix(top): entry for name, entry in entries.items() if name.startswith(top)}


def _size_limit(name: str) -> int | None:
    """Return the bytes that a file of this name may have, or None where it is no file of a submission."""
    if name == REPORT_FILE:
        return LARGEST_CONFIGURATION_FILE
    if name.startswith(f"{DEID_FOLDER}/"):
        return LARGEST_FILE
    inside = name.removeprefix(f"{CONFIGURATION_FOLDER}/")
    return LARGEST_CONFIGURATION_FILE if inside != name and _CONFIGURATION_FILE.fullmatch(inside) else None


def _content(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, limit: int) -> bytes:
    """Return an entry's bytes: as many as it declares, and no more than the limit allows."""
    name = printable_name(entry.filename)
    if entry.file_size > limit:
        raise SubmissionError(f"{name} is larger than {limit >> 20} MB", _REMEDY)
    try:
        content = read_entry(archive, entry, entry.file_size)
    except UnsafeZipError as reason:
        if reason.fault is ZipFault.DAMAGED:
            raise SubmissionError(f"{name} is damaged ({reason})", _REMEDY) from None
        content = b""
    if len(content) != entry.file_size:
        raise SubmissionError(f"{name} is not as large as it says", _REMEDY)
    return content


def _write(content: bytes, target: Path, name: str) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
    except OSError as reason:
        raise SubmissionError(f"{printable_name(name)} cannot be unpacked ({reason.strerror})", _REMEDY) from None


def _note(content: bytes) -> SubmissionNote:
    try:
        return SubmissionNote.model_validate_json(content)
    except (ValidationError, RecursionError) as reason:
        first = reason.errors()[0] if isinstance(reason, ValidationError) else {"loc": (), "msg": "too deep"}
        where = ".".join(str(step)[:40] for step in first["loc"][:4]) or "the file"
        raise SubmissionError(f"{NOTE} cannot be used: {where}: {first['msg'][:120]}", _REMEDY) from None
