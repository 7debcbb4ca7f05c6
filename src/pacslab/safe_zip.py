"""Open ZIP files of strangers: measured before they are parsed, bounded while they are unpacked.

Sections are those of PKWARE's APPNOTE.TXT 6.3.10. Refused are

- files without an end record (4.3.16), or that only begin like a ZIP file;
- a central directory (4.3.12) of millions of entries, which the parser would hold in memory: its size is read from the
  end record and from the ZIP64 record (4.3.14) that :mod:`zipfile` prefers to it, before anything is parsed;
- entries over the same bytes, as in quines and in bombs of overlapping files;
- names that lead out of the folder (CWE-22), that are absolute, name a drive or use backslashes, that are too long or
  too deep, that hold characters which cannot be seen, or that stand twice by another case or normalisation;
- links, devices and pipes (4.4.15, by the mode of Unix), encrypted entries (4.4.4) and unusual compression (4.4.5);
- bombs (CWE-409): entries that say that they are too large, or that unpack to more than they say.

A ZIP file inside a ZIP file is a file like any other: it stays packed.
"""

from __future__ import annotations

import os
import stat
import struct
import unicodedata
import zipfile
import zlib
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    import re

_END = struct.Struct("<4s4H2LH")
_END_SIGNATURE = b"PK\x05\x06"
_ZIP64_LOCATOR = struct.Struct("<4sLQL")
_ZIP64_LOCATOR_SIGNATURE = b"PK\x06\x07"
_ZIP64_END = struct.Struct("<4sQ2H2L4Q")
_ZIP64_END_SIGNATURE = b"PK\x06\x06"
_LONGEST_COMMENT = 1 << 16
_LOCAL_HEADER = 30
"""The bytes of an entry's local header before its name (APPNOTE 4.3.7)."""
_ENCRYPTED = 0x1
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
_UNPACKING_ERRORS = (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, OSError, RuntimeError)
_PARSING_ERRORS = (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, struct.error, EOFError)


@dataclass(frozen=True)
class ZipLimits:
    """How much a ZIP file may hold.

    Parameters
    ----------
    directory_bytes
        The central directory.
    entries
        How many entries; None for as many as the directory holds.
    entry_bytes, total_bytes
        One entry, and all of them together, unpacked.
    name_bytes, depth
        An entry's name in UTF-8, and its folders with the file itself.

    """

    directory_bytes: int
    entries: int | None = None
    entry_bytes: int = 128 << 20
    total_bytes: int = 512 << 20
    name_bytes: int = 240
    depth: int = 8


class ZipFault(Enum):
    """The rule that a ZIP file breaks."""

    NOT_A_ZIP = auto()
    DIRECTORY_CLAIM = auto()
    """The end record claims a directory, or entries, beyond the limits."""
    TOO_MANY_ENTRIES = auto()
    ENTRY = auto()
    """An entry's name, kind, place or size; the error's text names the entry."""
    DAMAGED = auto()
    OVERSIZED = auto()
    """An entry unpacks to more than was asked for."""


class UnsafeZipError(ValueError):
    """A ZIP file breaks a rule. Callers put it into their own words by ``fault``."""

    def __init__(self, fault: ZipFault, reason: str) -> None:
        super().__init__(reason)
        self.fault = fault


@dataclass(frozen=True)
class _Directory:
    """What end records claim of the central directory."""

    entries: int
    size: int
    offset: int

    def or_larger(self, other: _Directory) -> _Directory:
        return _Directory(max(self.entries, other.entries), max(self.size, other.size), max(self.offset, other.offset))


def open_zip(file: BinaryIO, limits: ZipLimits) -> zipfile.ZipFile:
    """Return the archive in an open file, if its central directory is within limits; the file stays the caller's.

    Raises
    ------
    UnsafeZipError
        With ``NOT_A_ZIP``, ``DIRECTORY_CLAIM`` or ``TOO_MANY_ENTRIES``.
    OSError
        If the file cannot be read.

    """
    size = file.seek(0, os.SEEK_END)
    directory = _claimed_directory(file, size)
    if directory.size > limits.directory_bytes or directory.offset > size or _exceeds(directory.entries, limits):
        raise UnsafeZipError(ZipFault.DIRECTORY_CLAIM, "its list of contents is too long")
    try:
        archive = zipfile.ZipFile(file)
    except _PARSING_ERRORS as reason:
        raise UnsafeZipError(ZipFault.NOT_A_ZIP, str(reason)) from reason
    if _exceeds(len(archive.infolist()), limits):
        archive.close()
        raise UnsafeZipError(ZipFault.TOO_MANY_ENTRIES, f"it holds more than {limits.entries:,} files")
    return archive


def _exceeds(entries: int, limits: ZipLimits) -> bool:
    return limits.entries is not None and entries > limits.entries


def _claimed_directory(file: BinaryIO, size: int) -> _Directory:
    """Return the largest directory that any end record claims which a parser might believe."""
    begin = max(0, size - _END.size - _LONGEST_COMMENT)
    file.seek(begin)
    tail = file.read()
    start = tail.rfind(_END_SIGNATURE)
    if start < 0 or start + _END.size > len(tail):
        raise UnsafeZipError(ZipFault.NOT_A_ZIP, "File is not a zip file")
    _, _, _, _, entries, table, offset, _ = _END.unpack_from(tail, start)
    return _with_zip64(file, begin + start, _Directory(entries, table, offset))


def _with_zip64(file: BinaryIO, end: int, directory: _Directory) -> _Directory:
    """Return the larger of a directory and what a ZIP64 record claims that a locator before the end record names.

    Parsers look for that record where the locator points, or right before the locator.
    """
    locator_at = end - _ZIP64_LOCATOR.size
    if locator_at < 0:
        return directory
    file.seek(locator_at)
    signature, _, named, _ = _ZIP64_LOCATOR.unpack(file.read(_ZIP64_LOCATOR.size))
    if signature != _ZIP64_LOCATOR_SIGNATURE:
        return directory
    for start in {named, locator_at - _ZIP64_END.size}:
        if not 0 <= start < locator_at:
            continue
        file.seek(start)
        record = file.read(_ZIP64_END.size)
        if len(record) == _ZIP64_END.size and record.startswith(_ZIP64_END_SIGNATURE):
            *_, entries, table, offset = _ZIP64_END.unpack(record)
            directory = directory.or_larger(_Directory(entries, table, offset))
    return directory


def checked_entries(
    archive: zipfile.ZipFile, limits: ZipLimits, clutter: re.Pattern[str] | None = None
) -> dict[str, zipfile.ZipInfo]:
    """Return the entries by their names, each of them within the rules; a folder's name has no slash at its end.

    Parameters
    ----------
    archive, limits
        What is checked, and against which limits.
    clutter
        Names that are passed over, if they lead nowhere else.

    Raises
    ------
    UnsafeZipError
        With ``ENTRY``, naming the first entry that breaks a rule.

    """
    entries: dict[str, zipfile.ZipInfo] = {}
    taken: set[str] = set()
    end, total = 0, 0
    for entry in sorted(archive.infolist(), key=lambda entry: entry.header_offset):
        if entry.header_offset < end:
            raise UnsafeZipError(ZipFault.ENTRY, "two files of the ZIP file share the same bytes")
        end = entry.header_offset + _LOCAL_HEADER + entry.compress_size
        name = entry.orig_filename.rstrip("/")
        fault = name_fault(name, limits)
        if not fault and clutter is not None and clutter.search(name):
            continue
        fault = fault or _kind_fault(entry, limits)
        if fault:
            raise UnsafeZipError(ZipFault.ENTRY, f"the ZIP file holds {printable_name(name)}, {fault}")
        total += entry.file_size
        if total > limits.total_bytes:
            raise UnsafeZipError(ZipFault.ENTRY, f"the ZIP file unpacks to more than {limits.total_bytes >> 20} MB")
        folded = unicodedata.normalize("NFC", name).casefold()
        if folded in taken:
            raise UnsafeZipError(ZipFault.ENTRY, f"the ZIP file holds {printable_name(name)} twice")
        taken.add(folded)
        entries[name] = entry
    return entries


def name_fault(name: str, limits: ZipLimits) -> str:
    """Return what is wrong with an entry's name, or an empty text.

    >>> limits = ZipLimits(directory_bytes=2 << 20)
    >>> name_fault("deid/image-1.dcm", limits)
    ''
    >>> name_fault("../../etc/passwd", limits)
    'which leads out of its folder'
    >>> name_fault("C:/autoexec.bat", limits)
    'which is no path inside a folder'
    """
    if len(name.encode("utf-8", "surrogatepass")) > limits.name_bytes:
        return f"a name of more than {limits.name_bytes} bytes"
    if not name or "\\" in name or name.startswith("/") or ":" in name.partition("/")[0]:
        return "which is no path inside a folder"
    if any(part in {"", ".", ".."} for part in name.split("/")):
        return "which leads out of its folder"
    if len(PurePosixPath(name).parts) > limits.depth:
        return f"which lies more than {limits.depth} folders deep"
    if any(unicodedata.category(char) in _INVISIBLE for char in name):
        return "a name with characters that cannot be seen"
    return ""


def _kind_fault(entry: zipfile.ZipInfo, limits: ZipLimits) -> str:
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in {0, stat.S_IFREG, stat.S_IFDIR}:
        return "which is a link or a device"
    if entry.flag_bits & _ENCRYPTED:
        return "which is encrypted"
    if entry.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        return "which is compressed in an unusual way"
    if entry.file_size > limits.entry_bytes:
        return f"which is larger than {limits.entry_bytes >> 20} MB"
    return ""


def printable_name(name: str) -> str:
    """Return a name as it may stand in a message: ASCII, quoted, at most 60 characters of it."""
    return ascii(name if len(name) <= 60 else f"{name[:60]}...")


def read_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, limit: int) -> bytes:
    """Return an entry's bytes, ``limit`` at most; the size that it claims is not believed.

    Raises
    ------
    UnsafeZipError
        With ``DAMAGED``, or with ``OVERSIZED`` where it unpacks to more.

    """
    try:
        with archive.open(entry) as packed:
            content = packed.read(limit + 1)
    except _UNPACKING_ERRORS as reason:
        raise UnsafeZipError(ZipFault.DAMAGED, str(reason)) from reason
    if len(content) > limit:
        raise UnsafeZipError(ZipFault.OVERSIZED, f"it unpacks to more than {limit >> 20:,} MB")
    return content
