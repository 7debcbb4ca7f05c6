"""Which files show a head, and where the face is in each: no slice tells it alone, so a series is put together."""

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
"""Body Part Examined (0018,0015) of images that show a face, or may: nothing at all need not mean a knee."""
_MAGNETIC = b"1.2.840.10008.5.1.4.1.1.4"
"""How the SOP classes of MR images begin."""
UNPLACED = "shows a head, and its series does not make a volume in which the face could be found"


@dataclass(frozen=True)
class HeadSliceInput:
    """One file to de-identify: its face, where it shows a part of one, or why it must not be released."""

    name: str
    content: bytes
    face: np.ndarray | None = None
    because: str = ""


def shows_a_head(dataset: Dataset) -> bool:
    """Whether a face can be rendered from the images of which this is one."""
    if "PixelData" not in dataset:
        return False
    modality, part = text_of(dataset, "Modality"), text_of(dataset, "BodyPartExamined").upper()
    return (modality == "MR" and part in HEADS) or (modality in ("CT", "PT") and part in HEADS - {""})


def with_faces(contents: Iterable[tuple[str, bytes]]) -> Iterator[HeadSliceInput]:
    """Yield every file, those that may show a head last: they wait until their series is complete."""
    waiting: list[tuple[str, bytes]] = []
    for name, content in contents:
        if _MAGNETIC in content[132:1024]:
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
    faces = faces_in([one for one in parsed if one is not None])
    for number, (name, content) in enumerate(named):
        if faces is None:
            yield HeadSliceInput(name, content, because=UNPLACED)
        else:
            yield HeadSliceInput(name, content, faces[number])


def faces_in(slices: list[FileDataset]) -> dict[int, np.ndarray] | None:
    """Return what of each slice has to go, by its number; None where nobody can tell."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        volume = volume_of(slices)
        face = face_of(volume) if volume is not None else None
    return volume.slices(face) if volume is not None and face is not None else None
