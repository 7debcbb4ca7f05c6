"""Orthanc's storage area: filled in one folder for speed, and kept as a snapshot.

Orthanc keeps each attachment in a folder in a folder, named after the first four digits of its UUID (Orthanc Book, "How
does Orthanc store its database?"). To make those folders takes longer than to write a slice, and to link some thousand
of them takes longer than to start a server. So a snapshot keeps all files in one folder, where its index finds them.

That rewrites Orthanc's own SQLite index. It is done only for the versions that it was tried with, and for the database
schema that they have (Orthanc Book, "Database versioning"); any other Orthanc's storage area is kept as it lies.
"""

from __future__ import annotations

import os
import re
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

FIRST_KNOWN_VERSION = (1, 10, 1)
LAST_KNOWN_VERSION = (1, 13, 0)
"""The Orthanc versions between which the rewritten index was tried: 1.10.1, 1.12.7 and 1.13.0."""

KNOWN_SCHEMA = "6"
"""Their database schema's version, which the table ``GlobalProperties`` holds as property 1."""

_SCHEMA_PROPERTY = 1  # GlobalProperty_DatabaseSchemaVersion
_ONE_FOLDER = "00/00"
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def is_known_version(orthanc: str) -> bool:
    """Return whether the index of this Orthanc version may be rewritten.

    >>> is_known_version("1.12.7"), is_known_version("1.14.0"), is_known_version("mainline")
    (True, False, False)
    """
    found = re.fullmatch(r"(\d+)\.(\d+)\.(\d+)", orthanc)
    return found is not None and FIRST_KNOWN_VERSION <= tuple(map(int, found.groups())) <= LAST_KNOWN_VERSION


def prepare_storage(data: Path, orthanc: str) -> None:
    """Make the storage area of a server that only stores; where its version is known, everything lands in one folder.

    There each first pair of digits leads back to the storage area itself. No other server may have such a folder: one
    that removes a file would remove the link, too.
    """
    data.mkdir()
    if not is_known_version(orthanc):
        return
    first = data / "00"
    first.symlink_to(".")
    for number in range(1, 256):
        os.link(first, data / f"{number:02x}", follow_symlinks=False)  # a new link would cost ten times as much


def keep_storage(data: Path, kept: Path, orthanc: str) -> None:
    """Move a stopped server's storage area into a new snapshot.

    Parameters
    ----------
    data
        The storage area, made by :func:`prepare_storage`.
    kept
        The snapshot's folder, which does not exist yet.
    orthanc
        The server's version, for example ``1.12.7``.

    """
    if is_known_version(orthanc) and _schema(data / "index") == KNOWN_SCHEMA:
        _keep_in_one_folder(data, kept)
    else:
        _sort_into_folders(data)
        data.rename(kept)


def same_owner(source: Path, target: Path) -> None:
    """Give a file to whoever owns another, where the lab runs as root."""
    if os.geteuid() == 0:
        facts = source.stat()
        os.chown(target, facts.st_uid, facts.st_gid)


def _schema(index: Path) -> str | None:
    """Return the version of an index's schema, or None if it does not say."""
    try:
        with closing(sqlite3.connect(index)) as database:
            found = database.execute("SELECT value FROM GlobalProperties WHERE property = ?", (_SCHEMA_PROPERTY,))
            return next((str(value) for (value,) in found), None)
    except sqlite3.DatabaseError:
        return None


def _keep_in_one_folder(data: Path, kept: Path) -> None:
    """Make zeros of each UUID's first four digits, which name its two folders, in the index and in the file's name.

    Nothing waits for the disk: a power cut would spoil the images, too.
    """
    storage = kept / _ONE_FOLDER
    storage.mkdir(parents=True)
    for folder in (kept, storage.parent, storage):
        same_owner(data, folder)
    with closing(sqlite3.connect(data / "index")) as index:
        index.execute("PRAGMA synchronous = OFF")
        with index:
            index.execute("UPDATE AttachedFiles SET uuid = '0000' || substr(uuid, 5)")
        index.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # one file instead of three
    for path in data.iterdir():
        if path.name.startswith("index"):
            path.rename(kept / path.name)
        elif not path.is_symlink():
            path.rename(storage / f"0000{path.name[4:]}")


def _sort_into_folders(data: Path) -> None:
    """Put what landed in one folder where Orthanc itself would have put it."""
    paths = list(data.iterdir())
    for path in paths:
        if path.is_symlink():
            path.unlink()
    for path in paths:
        if _UUID.fullmatch(path.name):
            outer = data / path.name[:2]
            inner = outer / path.name[2:4]
            for folder in (outer, inner):
                if not folder.is_dir():
                    folder.mkdir()
                    same_owner(data, folder)
            path.rename(inner / path.name)
