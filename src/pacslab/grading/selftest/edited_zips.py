"""Change the files of a submission that was packed already."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

Edit = Callable[[Path], None]


def added(*entries: tuple[str, bytes]) -> Edit:
    """Return an edit that puts files into a submission."""

    def edit(path: Path) -> None:
        with zipfile.ZipFile(path, "a") as archive:
            for name, content in entries:
                archive.writestr(name, content)

    return edit


def replaced(name: str, content: bytes) -> Edit:
    """Return an edit that replaces a file of a submission."""

    def edit(path: Path) -> None:
        with zipfile.ZipFile(path) as archive:
            kept = {other: archive.read(other) for other in archive.namelist() if other != name}
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for other, old in kept.items():
                archive.writestr(other, old)
            archive.writestr(name, content)

    return edit
