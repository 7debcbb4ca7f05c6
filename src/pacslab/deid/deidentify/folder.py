"""The reference recipe run on a folder: secret, processes, progress and the remaining time."""

from __future__ import annotations

import os
import secrets
import time
from typing import TYPE_CHECKING

from pacslab.deid.deidentify.study import deidentify_study
from pacslab.errors import DeidError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pacslab.deid.deidentify.study import Deidentified

LONGEST_SECRET = 4096
FEW = 40
"""Up to this many files one process is quicker than several, without text detection."""


def run_recipe(
    source: Path,
    target: Path,
    secret_file: Path | None = None,
    *,
    ocr: bool = True,
    workers: int | None = None,
    progress: Callable[[str, float], None] | None = None,
) -> Deidentified:
    """De-identify a folder into an empty one.

    Parameters
    ----------
    source
        A folder, read with its subfolders.
    target
        A folder that is empty or does not exist yet.
    secret_file
        A file of at least 16 bytes, kept by whoever may undo the pseudonyms; without one a secret is drawn and
        forgotten, and nobody can.
    ocr
        Whether Tesseract looks for burned-in text beyond what rules say.
    workers
        How many processes; one a core unless given.
    progress
        Called with a text, which includes the remaining time, and the share done (0 to 1).

    Returns
    -------
    Deidentified
        The files written, those withheld with reasons, and notes.

    Raises
    ------
    DeidError
        If the source is no folder or holds no file, the target is not empty, or the secret cannot be used.

    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise DeidError(f"{target} is not empty", "Give a new folder: nothing is written over.")
    if not source.is_dir():
        raise DeidError(f"{source} is not a folder", "Give the folder that holds the images.")
    secret = _secret(secret_file)
    count = sum(path.is_file() and not path.is_symlink() for path in source.rglob("*"))
    processes = workers or (1 if count <= FEW and not ocr else os.cpu_count() or 1)
    begun = time.monotonic()

    def on_progress(number: int) -> None:
        if progress is not None:
            left = (time.monotonic() - begun) / number * (count - number)
            progress(f"De-identifying {count} files{_about(left)}", number / count)

    return deidentify_study(source, target, secret=secret, read_text=ocr, workers=processes, progress=on_progress)


def _about(seconds: float) -> str:
    """Return the remaining time as a text, rounded to 10 s or 1 min; empty below 5 s."""
    if seconds < 5:
        return ""
    return f", about {round(seconds, -1):.0f} s left" if seconds < 90 else f", about {seconds / 60:.0f} min left"


def _secret(path: Path | None) -> bytes:
    if path is None:
        return secrets.token_bytes(32)
    try:
        with path.open("rb") as file:
            return file.read(LONGEST_SECRET)
    except OSError as error:
        raise DeidError(
            f"the secret {path} cannot be read ({error.strerror})", "Make one: head -c 32 /dev/urandom > FILE"
        ) from error
