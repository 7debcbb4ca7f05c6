"""Export of a cohort to a folder, all or nothing, with a DICOMDIR if requested."""

from __future__ import annotations

import errno
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pacslab.cohort.answer_key_formats import to_compact
from pacslab.cohort.dicomdir_media import as_media
from pacslab.errors import ScenarioError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pacslab.cohort.answer_key import AnswerKey
    from pacslab.cohort.build import Cohort

    Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Written:
    """Result of an export: folder, numbers of instances and patients, and the answer key."""

    folder: Path
    instances: int
    patients: int
    key: AnswerKey


def write_cohort(cohort: Cohort, folder: Path, progress: Progress, *, dicomdir: bool = False) -> Written:
    """Write every instance of a cohort below a folder that does not exist yet, or is empty.

    Files are written to a hidden folder beside it that is renamed at the end, so an interruption, such as a full disk
    or a signal, leaves no incomplete cohort that looks complete.

    Parameters
    ----------
    cohort
        The cohort to write.
    folder
        The destination.
    progress
        Called with a message and the fraction done.
    dicomdir
        Whether to lay the files out as media, with names of eight characters and a DICOMDIR (PS3.10 8, PS3.11).

    Returns
    -------
    Written
        The folder, and the answer key with the names of the files in it.

    Raises
    ------
    ScenarioError
        If the folder is not empty, or cannot be written.

    """
    _require_empty(folder)
    with _write_errors_explained(folder), _folder_beside(folder) as making:
        files = making / "files"
        for number, (name, content) in enumerate(cohort.instances(), start=1):
            path = files / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            if number % 8 == 0 or number == cohort.count:
                progress("Making the hospital's images", number / cohort.count)
        key = cohort.answer_key()
        if dicomdir:
            progress("Writing the DICOMDIR", 1.0)
            key = as_media(cohort, files, making / "media", key)
            files = making / "media"
        if folder.exists():
            folder.rmdir()
        files.rename(folder)
    return Written(folder, cohort.count, len(key.patients), key)


def write_key(key: AnswerKey, path: Path) -> None:
    """Write an answer key as JSON if the file name ends in ``.json``, else in its compact form.

    Raises
    ------
    ScenarioError
        If it cannot be written.

    """
    content = key.model_dump_json().encode() if path.suffix == ".json" else to_compact(key)
    with _write_errors_explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{path.name}.part")
        try:
            beside.write_bytes(content)
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)


def _require_empty(folder: Path) -> None:
    if folder.is_dir() and any(folder.iterdir()):
        raise ScenarioError(f"the folder {folder} holds something already", "Name another, or empty it first.")
    if folder.exists() and not folder.is_dir():
        raise ScenarioError(f"{folder} is no folder", "Name another.")


@contextmanager
def _write_errors_explained(place: Path) -> Iterator[None]:
    """Turn a failure to write into a ScenarioError with a remedy."""
    try:
        yield
    except OSError as reason:
        full = reason.errno in (errno.ENOSPC, errno.EDQUOT)
        raise ScenarioError(
            f"{place} cannot be written: {reason.strerror or reason}; nothing was left there",
            "Make room, or choose another disk." if full else "Choose a place that you may write to.",
        ) from None


@contextmanager
def _folder_beside(folder: Path) -> Iterator[Path]:
    """Make a hidden folder on the same disk and remove it afterwards, also after an error."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-making-"))
    making.chmod(0o755)
    try:
        (making / "files").mkdir()
        yield making
    finally:
        shutil.rmtree(making, ignore_errors=True)
