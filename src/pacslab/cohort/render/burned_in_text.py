"""Burn identifiers into pixels: text in an image, in an icon, and in the bitmap of an overlay."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pacslab.cohort.answer_key import Box, Identifier, Location, pack_glyphs
from pacslab.cohort.encoding.dataset_builder import PendingIdentifier
from pacslab.cohort.render.scanned_pages import Burned, letters

if TYPE_CHECKING:
    from pacslab.cohort.encoding.dataset_builder import DatasetBuilder
    from pacslab.cohort.plan.patients import Person
    from pacslab.cohort.plan.plan import StudyPlan
    from pacslab.scenario import Stream

ICON_SIDE = 96
"""Rows and columns of an icon."""
OVERLAY = 0x60000000
"""The group of the first overlay plane (PS3.3 C.9.2), as the upper half of a tag."""
TEXT_HEIGHTS = (9, 11, 14, 18, 24)
"""Font sizes of burned-in text, in pixels."""
STYLES = ("bright", "dark", "faint")
_FAINT_CONTRAST = 0.07
"""Minimum contrast of faint text, as a share of the image's grey range."""


def burn_in(pixels: np.ndarray, study: StudyPlan, stream: Stream) -> tuple[np.ndarray, list[Burned]]:
    """Burn the patient's name and national number into a copy of an image.

    Parameters
    ----------
    pixels
        Grey values of any integer type, of shape (rows, columns).
    study
        The study of the patient.
    stream
        Size, contrast and place are drawn from it.

    Returns
    -------
    tuple of numpy.ndarray and list of Burned
        The copy, of the same shape and type, and both identifiers with their boxes and glyph masks.

    """
    picture = pixels.copy()
    rows, columns = picture.shape
    low, high = (int(value) for value in np.percentile(picture[::8, ::8], (1, 99)))
    span = max(high - low, 32)
    style = stream.choice(STYLES)
    person = study.person
    texts = (
        (f"{person.family} {person.given}", person.name, Identifier.NAME),
        (person.national_number, person.national_number, Identifier.NATIONAL_NUMBER),
    )
    sizes = [size for size in TEXT_HEIGHTS if max(letters(text, size).shape[1] for text, _, _ in texts) < columns - 16]
    size = stream.choice(sizes or TEXT_HEIGHTS[:1])
    row = stream.between(rows // 2, rows - 3 * size - 24)
    burned = []
    for text, token, kind in texts:
        glyphs = letters(text, size)[:, : columns - 8]
        left = stream.between(4, max(4, columns - glyphs.shape[1] - 4))
        box = Box(column=left, row=row, width=glyphs.shape[1], height=glyphs.shape[0])
        area = picture[row : row + box.height, left : left + box.width]
        if style == "faint":
            brightest = min(high + span // 4, int(pixels.max()))  # no more bits than the picture has
            brighter = max(round(_FAINT_CONTRAST * span), 2 * _roughness(area))
            area[glyphs] = np.minimum(area[glyphs].astype(np.int32) + brighter, brightest)
        elif style == "dark":
            area[~glyphs] = low + round(0.8 * span)  # a bright label
            area[glyphs] = low + round(0.1 * span)
        else:
            area[glyphs] = high
        burned.append(Burned(token, kind, box, glyphs))
        row += size + 8
    return picture, burned


def _roughness(area: np.ndarray) -> int:
    """Return the mean difference of neighbours in a row, which the contrast of visible text must exceed."""
    return int(np.abs(np.diff(area.astype(np.int64), axis=1)).sum()) // area.size


def icon_with_name(dataset: DatasetBuilder, person: Person, pixels: np.ndarray) -> None:
    """Add an icon (0088,0200): the image made small, with the patient's name across it."""
    plane = pixels if pixels.ndim == 2 else pixels[0]
    if plane.ndim == 3:
        plane = plane[..., 1]  # green is next to what a grey picture of it shows
    step = max(1, -(-max(plane.shape) // ICON_SIDE))
    small = plane[::step, ::step][:ICON_SIDE, :ICON_SIDE].astype(np.int32)
    low, high = int(small.min()), int(small.max())
    icon = np.zeros((ICON_SIDE, ICON_SIDE), dtype=np.uint8)
    icon[: small.shape[0], : small.shape[1]] = (small - low) * 200 // max(high - low, 1)
    item = dataset.item("IconImageSequence")
    item.put(
        SamplesPerPixel=1,
        PhotometricInterpretation="MONOCHROME2",
        Rows=ICON_SIDE,
        Columns=ICON_SIDE,
        BitsAllocated=8,
        BitsStored=8,
        HighBit=7,
        PixelRepresentation=0,
    )
    path = item.path("PixelData")
    for row, text in ((62, person.family), (78, person.given)):
        glyphs = letters(text.upper(), 9)[: ICON_SIDE - row, : ICON_SIDE - 2]
        box = Box(column=1, row=row, width=glyphs.shape[1], height=glyphs.shape[0])
        icon[row : row + box.height, 1 : 1 + box.width][glyphs] = 255
        dataset.planted.append(
            PendingIdentifier(
                Location.ICON, Identifier.NAME, path, person.name, "X", box, pack_glyphs(glyphs), text.upper()
            )
        )
    item.raw(0x7FE00010, "OB", icon.tobytes())


def overlay_with_name(dataset: DatasetBuilder, person: Person, label: str) -> None:
    """Add an overlay plane (PS3.3 C.9.2) with the patient's name in its bitmap, label and description."""
    glyphs = letters(person.spoken.upper(), 14)
    rows, columns = glyphs.shape
    columns += -columns % 8
    plane = np.zeros((rows, columns), dtype=np.uint8)
    plane[:, : glyphs.shape[1]] = glyphs
    packed = np.packbits(plane.ravel(), bitorder="little").tobytes()
    name = (Location.OVERLAY, Identifier.NAME, person.spoken)
    for element, vr, value in (
        (0x0010, "US", rows),
        (0x0011, "US", columns),
        (0x0040, "CS", "G"),
        (0x0050, "SS", [9, 9]),
        (0x0100, "US", 1),
        (0x0102, "US", 0),
        (0x3000, "OW", packed),
    ):
        dataset.raw(OVERLAY | element, vr, value)
    dataset.raw(OVERLAY | 0x0022, "LO", label.format(name=person.spoken), name)
    dataset.raw(OVERLAY | 0x1500, "LO", person.spoken, name)
    box = Box(column=0, row=0, width=glyphs.shape[1], height=rows)
    dataset.planted.append(
        PendingIdentifier(
            Location.OVERLAY,
            Identifier.NAME,
            "(6000,3000)",
            person.name,
            "X",
            box,
            pack_glyphs(glyphs),
            person.spoken.upper(),
        )
    )
