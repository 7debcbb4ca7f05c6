"""Read a media directory (DICOMDIR, PS3.10 8, PS3.3 F): its records, and the images that each describes.

A record describes the file that it references, and one that references none what stands below it: a patient's record
of all of the patient's images. Where a file is not there, the records around say whose it was.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from pydicom.multival import MultiValue
from pydicom.sequence import Sequence
from pydicom.uid import MediaStorageDirectoryStorage

from pacslab.deid.dicom.elements import PIXEL_DATA, text_of, value_at

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydicom.dataset import Dataset, FileDataset

DIRECTORY = "DICOMDIR"
_RECORDS = "(0004,1220)"
_FIRST, _NEXT, _LOWER, _FILE = "(0004,1200)", "(0004,1400)", "(0004,1420)", "(0004,1500)"
_NUMBER = re.compile(r"\(0004,1220\)\[(\d+)\]")
_TOP = ("PATIENT", "HANGING PROTOCOL", "PALETTE", "IMPLANT", "IMPLANT ASSY", "IMPLANT GROUP")
_LEVELS = {**dict.fromkeys(_TOP, 0), "STUDY": 1, "SERIES": 2}
_IMAGE_LEVEL = 3

_Found = TypeVar("_Found")


@dataclass(frozen=True)
class DirectoryRecord:
    """One record: the number of the record above it (None at the top), and the file and the SOP instance it references.

    ``file`` is the name as the directory has it, its parts joined by ``/``; both are empty where it references none.
    """

    above: int | None
    file: str
    uid: str


def is_directory(name: str, dataset: FileDataset | None) -> bool:
    """Whether a file is a directory of media, by its name or by what it says it is; one with a picture is an image."""
    named = name.rpartition("/")[2].upper() == DIRECTORY
    if dataset is None:
        return named
    said = getattr(dataset.file_meta, "MediaStorageSOPClassUID", "") == MediaStorageDirectoryStorage
    return (named or said) and not any(tag in dataset for tag in PIXEL_DATA)


def records_of(dataset: Dataset) -> tuple[DirectoryRecord, ...]:
    """Return a directory's records in the order of the file.

    Offsets say which stands above which. Where they do not lead to every record, as in a file that was written again,
    the order does: a series follows its study.
    """
    items = value_at(dataset, _RECORDS)
    if not isinstance(items, Sequence):
        return ()
    above = _linked(dataset, items) or _in_order(items)
    return tuple(
        DirectoryRecord(over, _file_of(item), text_of(item, "ReferencedSOPInstanceUIDInFile"))
        for over, item in zip(above, items, strict=True)
    )


def record_at(path: str) -> int | None:
    """Return the number of the record in which an attribute of a directory stands; None for one of the directory."""
    found = _NUMBER.match(path)
    return int(found[1]) if found else None


def within_record(path: str) -> str:
    """Return the path of an attribute within its record."""
    return path.partition(".")[2] if _NUMBER.match(path) else path


def referenced(
    records: tuple[DirectoryRecord, ...], name: str, by_name: Mapping[str, _Found], by_uid: Mapping[str, _Found]
) -> list[list[_Found]]:
    """Return, for each record, what it references: by the file's name and by the SOP instance, which should agree.

    Parameters
    ----------
    records, name
        The records, and the name of the file that holds them; files are named from where it lies.
    by_name, by_uid
        What there is, by the file's name in capitals and by SOP Instance UID.

    """
    folder = name.rpartition("/")[0]
    found = []
    for record in records:
        path = f"{folder}/{record.file}" if folder else record.file
        both = (by_name.get(path.upper()) if record.file else None, by_uid.get(record.uid))
        found.append([known for known in both if known is not None])
    return found


def patients_of_records(records: tuple[DirectoryRecord, ...], mine: list[set[int]]) -> list[frozenset[int]]:
    """Return whose each record is: of the patients it references, or who are referenced below it, or else around it.

    Parameters
    ----------
    records
        All records of a directory.
    mine
        The patients whose files each record references itself.

    Returns
    -------
    list[frozenset[int]]
        Empty for a record about which nothing is known; more than one patient where patients share a record.

    """
    whose = [set(patients) for patients in mine]
    for number, patients in enumerate(mine):
        over = records[number].above
        while over is not None and not patients <= whose[over]:
            whose[over] |= patients
            over = records[over].above
    nobody: set[int] = set()
    for number in range(len(records)):
        unknown = []
        at: int | None = number
        while at is not None and not whose[at] and at not in nobody:
            unknown.append(at)
            at = records[at].above
        for above in unknown:
            whose[above] = whose[at] if at is not None else set()
            nobody |= set() if whose[above] else {above}
    return [frozenset(patients) for patients in whose]


def _file_of(item: Dataset) -> str:
    value = value_at(item, _FILE)
    parts = value if isinstance(value, MultiValue) else [value]
    return "/".join(str(part).strip() for part in parts if part)


def _linked(dataset: Dataset, items: Sequence) -> list[int | None] | None:
    """Return which record stands above each, as the offsets say; None where they do not lead to each record once."""
    at = {getattr(item, "seq_item_tell", None): number for number, item in enumerate(items)}
    above: dict[int, int | None] = {}
    waiting: list[tuple[object, int | None]] = [(value_at(dataset, _FIRST), None)]
    while waiting:
        offset, over = waiting.pop()
        while offset:
            number = at.get(offset) if isinstance(offset, int) else None
            if number is None or number in above:
                return None
            above[number] = over
            waiting.append((value_at(items[number], _LOWER), number))
            offset = value_at(items[number], _NEXT)
    return [above[number] for number in range(len(items))] if len(above) == len(items) else None


def _in_order(items: Sequence) -> list[int | None]:
    """Return which record stands above each, where each is followed by what stands below it."""
    above: list[int | None] = []
    open_records: list[tuple[int, int]] = []
    for number, item in enumerate(items):
        level = _LEVELS.get(text_of(item, "DirectoryRecordType"), _IMAGE_LEVEL)
        while open_records and open_records[-1][0] >= level:
            open_records.pop()
        above.append(open_records[-1][1] if open_records else None)
        open_records.append((level, number))
    return above
