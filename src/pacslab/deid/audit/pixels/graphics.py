"""Find text drawn in overlay planes (PS3.3 C.9.2) and icons (PS3.3 C.7.6.1.1.6).

No search for words finds it: it is drawn, dot by dot. The answer key kept the shape of the letters, as of text that is
burned in.
"""

from __future__ import annotations

import io
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from pacslab.cohort import Location
from pacslab.deid.audit.pixels.glyph_match import text_anywhere, text_remains
from pacslab.deid.dicom.elements import value_at
from pacslab.deid.dicom.pixels import MAX_PLANE_VALUES, decode, planes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pacslab.cohort import PlantedIdentifier
    from pacslab.deid.dicom.elements import Place

_OVERLAY = re.compile(r"\(60[0-9A-F]{2},3000\)")
_ICON = "(0088,0200)["
_PIXELS = "(7FE0,0010)"


@dataclass(frozen=True)
class Graphic:
    """One plane: ``path`` is its attribute's, ``plane`` is None where it cannot be decoded."""

    location: Location
    path: str
    plane: np.ndarray | None


def graphics_in(dataset: FileDataset, places: Iterable[Place]) -> list[Graphic]:
    """Return the overlay planes and the icons of a dataset, wherever they stand in it."""
    found = []
    for place in places:
        if _OVERLAY.fullmatch(place.path):
            found.append(Graphic(Location.OVERLAY, place.path, _overlay(dataset, place)))
        elif _ICON in place.path and place.path.endswith(_PIXELS):
            found.append(Graphic(Location.ICON, place.path, _icon(dataset, place)))
    return found


def _overlay(dataset: Dataset, place: Place) -> np.ndarray | None:
    """Return an overlay's bits: its first frame, of shape (rows, columns)."""
    group = place.path[:6]
    rows, columns = (value_at(dataset, f"{group}{element})") for element in ("0010", "0011"))
    if not isinstance(rows, int) or not isinstance(columns, int) or not 0 < rows * columns <= MAX_PLANE_VALUES:
        return None
    bits = np.unpackbits(np.frombuffer(place.binary, dtype=np.uint8), bitorder="little")
    return bits[: rows * columns].reshape(rows, columns) if bits.size >= rows * columns else None


def _icon(dataset: FileDataset, place: Place) -> np.ndarray | None:
    """Return an icon's pixels; it is compressed like its image, or not at all."""
    item = value_at(dataset, place.path.rpartition(".")[0])
    if not isinstance(item, Dataset):
        return None
    sizes = [item.get(name) for name in ("Rows", "Columns", "SamplesPerPixel", "BitsAllocated")]
    known = all(isinstance(size, int) and size > 0 for size in sizes)
    length = math.prod(sizes) // 8 if known else 0
    meta = dataset.file_meta
    if 0 < length <= len(place.binary) <= length + 1:
        meta = FileMetaDataset()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
    alone = FileDataset(io.BytesIO(), dict(item.items()), file_meta=meta)
    implicit, little = dataset.original_encoding
    alone.set_original_encoding(implicit, little, dataset.original_character_set)
    pixels = decode(alone)
    return None if pixels is None else next(planes(pixels))


def text_left(
    graphics: Iterable[Graphic], planted: Iterable[PlantedIdentifier]
) -> Iterator[tuple[Graphic, PlantedIdentifier]]:
    """Yield the planes in which text can still be made out, with the text; each once."""
    planted = list(planted)
    for graphic in graphics:
        if graphic.plane is None or np.ptp(graphic.plane) == 0:
            continue
        drawn = [text for text in planted if text.location is graphic.location and text.box is not None]
        standing = [text for text in drawn if text.box and text_remains(graphic.plane, text.box, text.glyphs())]
        # An icon's letters are so small that any picture holds something like them somewhere.
        moved = [text for text in drawn if text not in standing and graphic.location is Location.OVERLAY]
        found = standing + [moved[index] for index in text_anywhere(graphic.plane, [text.glyphs() for text in moved])]
        yield from ((graphic, text) for text in found)
