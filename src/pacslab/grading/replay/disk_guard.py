"""Guard the grader's disk: a server that writes without end is ended before the disk is full."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_PAUSE = 0.5
"""Seconds between two looks: a disk that takes 500 MB a second gets that much more."""


def room_taken(folder: Path) -> int:
    """Return the bytes that a folder takes on the disk; what is shared with another folder is not counted."""
    taken = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                facts = os.lstat(f"{place}/{name}")
                taken += 512 * facts.st_blocks if facts.st_nlink == 1 else 0
    return taken


class DiskGuard:
    """While it is entered, a folder may take so many bytes; beyond them, ``end`` is called once.

    Parameters
    ----------
    folder, most
        What is measured, and how large it may be.
    end
        Ends whatever writes there. ``tripped`` says afterwards that it was called.

    """

    def __init__(self, folder: Path, most: int, end: Callable[[], object]) -> None:
        self.tripped = False
        self._folder, self._most, self._end = folder, most, end
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self) -> None:
        while not self._over.wait(_PAUSE):
            if room_taken(self._folder) > self._most:
                self.tripped = True
                self._end()
                return

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
