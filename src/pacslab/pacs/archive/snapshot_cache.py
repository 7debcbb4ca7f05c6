"""The cache of storage snapshots: list, prune to a limit, and clear them."""

from __future__ import annotations

import os
import shutil
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pacslab.errors import DeploymentError
from pacslab.paths import cache_root

if TYPE_CHECKING:
    from pathlib import Path

USUAL_LIMIT_MB = 2000
LIMIT_VARIABLE = "PACSLAB_CACHE_MB"
UNFINISHED_PREFIX = ".making-"
"""How the names of snapshots begin that are not whole yet."""
_ABANDONED_AFTER_S = 3600.0


@dataclass(frozen=True)
class Snapshot:
    """One variant's archive, ready to be copied; ``size`` in bytes, ``used`` when it was last needed."""

    name: str
    path: Path
    size: int
    used: float


@dataclass(frozen=True)
class CachedSnapshot:
    """All snapshots, those used longest ago first, and the most bytes that they may take."""

    root: Path
    snapshots: tuple[Snapshot, ...]
    limit: int

    @property
    def size(self) -> int:
        """Return the bytes that all snapshots take."""
        return sum(snapshot.size for snapshot in self.snapshots)


def limit() -> int:
    """Return the most bytes that snapshots may take: 2 GB, or what ``PACSLAB_CACHE_MB`` says in megabytes.

    Raises
    ------
    DeploymentError
        If that is no number.

    """
    named = os.environ.get(LIMIT_VARIABLE) or str(USUAL_LIMIT_MB)
    if not named.isdigit():
        raise DeploymentError(
            f"{LIMIT_VARIABLE} is {named!r}, no number of megabytes", f"Write for example {LIMIT_VARIABLE}=2000."
        )
    return int(named) * 1_000_000


def list_cache() -> CachedSnapshot:
    """Return the snapshots of the cache, and its limit."""
    root = cache_root() / "archives"
    found = []
    if root.is_dir():
        for path in root.iterdir():
            if path.is_dir() and not path.name.startswith("."):
                with suppress(FileNotFoundError):  # somebody else's start deletes it now
                    found.append(Snapshot(path.name, path, _size(path), path.stat().st_mtime))
    return CachedSnapshot(root, tuple(sorted(found, key=lambda snapshot: snapshot.used)), limit())


def _size(folder: Path | str) -> int:
    """Return the bytes of a folder's files; a full cache holds some thousand."""
    with os.scandir(folder) as entries:
        return sum(
            _size(entry.path) if entry.is_dir(follow_symlinks=False) else entry.stat(follow_symlinks=False).st_size
            for entry in entries
        )


def prune_cache(keep: Path, most: int) -> None:
    """Delete the snapshots used longest ago until ``most`` and the limit in bytes are kept; never ``keep``.

    What a start that was killed left half made goes, too, once no start can be at it any more.
    """
    kept = list_cache()
    for half in kept.root.glob(f"{UNFINISHED_PREFIX}*"):
        with suppress(FileNotFoundError):
            if time.time() - half.stat().st_mtime > _ABANDONED_AFTER_S:
                shutil.rmtree(half, ignore_errors=True)
    size, count = kept.size, len(kept.snapshots)
    for snapshot in kept.snapshots:
        if count <= most and size <= kept.limit:
            return
        if snapshot.path != keep:
            shutil.rmtree(snapshot.path, ignore_errors=True)
            size, count = size - snapshot.size, count - 1


def clear_cache() -> int:
    """Delete every snapshot, half-made ones too; return the bytes freed. Running servers have copies of their own."""
    kept = list_cache()
    shutil.rmtree(kept.root, ignore_errors=True)
    return kept.size
