"""Heads found among files, and the face in each slice (PS3.15 E.3.2, Clean Recognizable Visual Features Option).

A face cannot be found in one slice, so the files of a series are collected into a volume first.
"""

from __future__ import annotations

import warnings
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pacslab.deid.deidentify.defacing import face_of
from pacslab.deid.dicom.elements import text_of
from pacslab.deid.dicom.output_folder import parse_dicom
from pacslab.deid.dicom.volumes import volume_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy as np
    from pydicom.dataset import Dataset, FileDataset

HEADS = {"", "HEAD", "BRAIN", "SKULL", "FACE", "HEADNECK", "NECK", "ORBIT", "SINUS", "JAW", "IAC", "WHOLEBODY"}
"""Body Part Examined (0018,0015) of images that may show a face; it is empty in many of them."""
_MR_STORAGE = b"1.2.840.10008.5.1.4.1.1.4"
"""Prefix of the SOP class UIDs of MR images (PS3.4 B.5)."""
UNPLACED = "shows a head, and its series does not make a volume in which the face could be found"


@dataclass(frozen=True)
class HeadSliceInput:
    """One file to de-identify.

    ``face`` are the pixels of a head slice that belong to the face: boolean, of shape (rows, columns). ``because`` is
    the reason if the file must be withheld.
    """

    name: str
    content: bytes
    face: np.ndarray | None = None
    because: str = ""


def shows_a_head(dataset: Dataset) -> bool:
    """Whether this is an MR, CT or PET image of the head, whose series could show a face."""
    if "PixelData" not in dataset:
        return False
    modality, part = text_of(dataset, "Modality"), text_of(dataset, "BodyPartExamined").upper()
    return (modality == "MR" and part in HEADS) or (modality in ("CT", "PT") and part in HEADS - {""})


def with_faces(contents: Iterable[tuple[str, bytes]]) -> Iterator[HeadSliceInput]:
    """Yield every file; MR images come last, as a face is found only in a complete series."""
    waiting: list[tuple[str, bytes]] = []
    for name, content in contents:
        if _MR_STORAGE in content[132:1024]:
            waiting.append((name, content))
        else:
            yield HeadSliceInput(name, content)
    series: dict[str, list[tuple[str, bytes]]] = defaultdict(list)
    for name, content in waiting:
        dataset, _ = parse_dicom(content)
        if dataset is None or not shows_a_head(dataset):
            yield HeadSliceInput(name, content)
        else:
            series[text_of(dataset, "SeriesInstanceUID")].append((name, content))
    for named in series.values():
        yield from _of_one_series(named)


def _of_one_series(named: list[tuple[str, bytes]]) -> Iterator[HeadSliceInput]:
    parsed = [parse_dicom(content)[0] for _, content in named]
    faces = faces_in([dataset for dataset in parsed if dataset is not None])
    for number, (name, content) in enumerate(named):
        if faces is None:
            yield HeadSliceInput(name, content, because=UNPLACED)
        else:
            yield HeadSliceInput(name, content, faces[number])


def faces_in(slices: list[FileDataset]) -> dict[int, np.ndarray] | None:
    """Find the face in the slices of a series.

    Parameters
    ----------
    slices
        The images of one series, in any order.

    Returns
    -------
    dict of int to numpy.ndarray, or None
        Booleans of shape (rows, columns) by position in ``slices``, true where the face is; None if the slices make no
        volume in which a face is found.

    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        volume = volume_of(slices)
        face = face_of(volume) if volume is not None else None
    return volume.slices(face) if volume is not None and face is not None else None
