"""Read an output folder: hostile until proven otherwise, and no link is followed out of it."""

from __future__ import annotations

import io
import os
import stat
import warnings
import zlib
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, Protocol

import pydicom
from pydicom.config import IGNORE, settings
from pydicom.dataelem import RawDataElement
from pydicom.errors import InvalidDicomError
from pydicom.tag import BaseTag
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from pacslab.errors import DeidError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_FILE_BYTES = 128 << 20
MAX_BYTES = 2 << 30
MAX_FILES = 2_000
MAX_DEPTH = 8
UNDEFINED_LENGTH = 0xFFFFFFFF
# What an editor or a file manager leaves behind without being asked.
CLUTTER = {".ipynb_checkpoints", ".DS_Store", "__pycache__", ".gitkeep"}


class Listed(NamedTuple):
    """A file of an output: its name and length; its bytes as well, where no other process can read them again."""

    name: str
    length: int
    content: bytes | None = None


class Source(Protocol):
    """Where an output lies. ``notes`` grows while it is read: what was skipped, and why."""

    notes: list[str]

    @property
    def root(self) -> Path | str:
        """Return what names the source."""

    def contents(self) -> Iterator[tuple[str, bytes]]:
        """Yield (name, bytes) of every file within bounds, one in memory at a time."""

    def listed(self) -> Iterator[Listed]:
        """Yield the same files, without their bytes where these can be read again."""

    def again(self, name: str) -> bytes:
        """Return the bytes of a file that was named before."""


@dataclass
class OutputFolder:
    """The files of an output folder, one after the other; ``notes`` grows while they are read."""

    path: Path
    notes: list[str] = field(default_factory=list)

    @property
    def root(self) -> Path:
        """Return the folder's path."""
        return self.path

    def paths(self) -> list[Path]:
        """Return the regular files, in order of their names.

        Raises
        ------
        DeidError
            If the folder is missing, empty, not a folder, not readable, or holds more than 2,000 files.

        """
        if self.root.is_symlink():
            raise DeidError(f"{self.root} is a link", "Hand in the folder itself.")
        if not self.root.exists():
            raise DeidError(f"there is no folder {self.root}", "Write the de-identified images there, then check again")
        if not self.root.is_dir():
            raise DeidError(f"{self.root} is not a folder", "Hand in the folder that holds the files.")
        found = sorted(islice(self._walk(self.root, 0), MAX_FILES + 1))
        if not found:
            raise DeidError(
                f"the folder {self.root} is empty", "Write the de-identified images there, then check again"
            )
        if len(found) > MAX_FILES:
            raise DeidError(
                f"{self.root} holds more than {MAX_FILES:,} files",
                "Keep only the files of the one study you de-identified, then check again.",
            )
        return found

    def _walk(self, folder: Path, depth: int) -> Iterator[Path]:
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            raise DeidError(f"{folder} cannot be read ({error.strerror})", "Check its permissions.") from error
        for entry in entries:
            if entry.name in CLUTTER:
                continue
            path = folder / entry.name
            name = path.relative_to(self.root).as_posix()
            mode = entry.stat(follow_symlinks=False).st_mode
            if stat.S_ISLNK(mode):
                self.notes.append(f"{name} is a link and was not followed: hand in the file itself")
            elif stat.S_ISDIR(mode) and depth >= MAX_DEPTH:
                self.notes.append(f"{name} lies more than {MAX_DEPTH} folders deep and was not read")
            elif stat.S_ISDIR(mode):
                yield from self._walk(path, depth + 1)
            elif stat.S_ISREG(mode):
                yield path
            else:
                self.notes.append(f"{name} is not an ordinary file and was not read")

    def contents(self) -> Iterator[tuple[str, bytes]]:
        """Yield (name relative to the folder, bytes) of every file of up to 128 MB, one in memory at a time."""
        for file in self.listed():
            yield file.name, self.again(file.name)

    def listed(self) -> Iterator[Listed]:
        """Yield every file of up to 128 MB, together up to 2 GB; its bytes are read again."""
        left = MAX_BYTES
        for path in self.paths():
            name = path.relative_to(self.root).as_posix()
            try:
                with _opened(path) as file:
                    length = os.fstat(file.fileno()).st_size
            except OSError as error:
                self.notes.append(f"{name} cannot be read ({error.strerror})")
                continue
            if length > min(left, MAX_FILE_BYTES):
                limit = "the folder is" if left < MAX_FILE_BYTES else "it is"
                size = MAX_BYTES if left < MAX_FILE_BYTES else MAX_FILE_BYTES
                self.notes.append(f"{name} was not read: {limit} larger than {size >> 20:,} MB")
                continue
            left -= length
            yield Listed(name, length)

    def again(self, name: str) -> bytes:
        """Return the bytes of a file that was named before; none where it is gone or has grown beyond 128 MB."""
        try:
            with _opened(self.root / name) as file:
                return b"" if os.fstat(file.fileno()).st_size > MAX_FILE_BYTES else file.read(MAX_FILE_BYTES)
        except OSError:
            return b""


def _opened(path: Path) -> BinaryIO:
    """Return a file to read from; a link is an error."""
    return os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb")


@contextmanager
def quiet_pydicom() -> Iterator[None]:
    """Switch off pydicom's validation of values and its warnings: the audit's checks report what matters of them."""
    before = settings.reading_validation_mode
    settings.reading_validation_mode = IGNORE
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        settings.reading_validation_mode = before


def parse_dicom(content: bytes) -> tuple[pydicom.FileDataset | None, str]:
    """Return the dataset of a DICOM Part 10 file, or None and the reason in words."""
    if content[128:132] != b"DICM":
        return None, "is not a DICOM file"
    if _inflates_beyond_bounds(content):
        return None, f"unpacks to more than {MAX_FILE_BYTES >> 20} MB and was not read"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dataset = pydicom.dcmread(io.BytesIO(content))
            _ = [element.tag for element in dataset.file_meta]
    except (EOFError, InvalidDicomError) as error:
        return None, f"is damaged or cut off ({error})"
    except Exception as error:  # noqa: BLE001 - a hostile file may raise anything inside the parser
        return None, f"cannot be read ({type(error).__name__}: {str(error)[:80]})"
    if not len(dataset):
        return None, "holds no attributes"
    return dataset, ""


def pixel_span(dataset: pydicom.FileDataset) -> tuple[int, int] | None:
    """Return where the value of PixelData begins and ends in the file, where it is not compressed; else None.

    Ask before the element is used: pydicom then forgets it.
    """
    element = dict(dataset.items()).get(BaseTag(0x7FE00010))
    syntax = getattr(dataset.file_meta, "TransferSyntaxUID", None)
    if not isinstance(element, RawDataElement) or syntax not in (ExplicitVRLittleEndian, ImplicitVRLittleEndian):
        return None
    return element.value_tell, element.value_tell + element.length


def is_cut_off(dataset: pydicom.FileDataset, content: bytes) -> bool:
    """Whether the last element claims more bytes than the file holds, or bytes follow it that are no element.

    pydicom reads such a file without a word: what is missing is simply not there.
    """
    everything = dict(dataset.items())
    elements = [element for element in everything.values() if isinstance(element, RawDataElement)]
    if content.find(DeflatedExplicitVRLittleEndian.encode(), 132, 132 + 1024) >= 0 or not elements:
        return False
    last = max(elements, key=lambda element: element.value_tell)
    if last.length == UNDEFINED_LENGTH or last is not everything[max(everything, key=int)]:
        return False
    return last.value_tell + last.length != len(content)


def _inflates_beyond_bounds(content: bytes) -> bool:
    if DeflatedExplicitVRLittleEndian.encode() not in content[132:1024]:
        return False
    start = 144 + int.from_bytes(content[140:144], "little")
    try:
        inflated = zlib.decompressobj(-zlib.MAX_WBITS).decompress(content[start:], MAX_FILE_BYTES + 1)
    except zlib.error:
        return False
    return len(inflated) > MAX_FILE_BYTES
