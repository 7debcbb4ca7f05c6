"""Scanning one file's pixels: the original image, burned-in text that is left, and the face that is left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pacslab.deid.audit.pixels.face_check import face_remains
from pacslab.deid.audit.pixels.glyph_match import text_remains
from pacslab.deid.dicom.pixels import planes

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np

    from pacslab.cohort import InstanceKey, PlantedIdentifier
    from pacslab.deid.audit.audit_key import AuditKey


@dataclass(frozen=True)
class PixelScan:
    """The result of scanning pixels, which are not kept.

    ``original`` is the image of the studies with the same pixels outside the burned-in text, ``foreign`` whether it is
    an image of another study with its own text painted over, in which no text of these studies can stand.
    ``undecodable`` is why pixels could not be scanned (empty if they could). ``standing`` is burned-in text left at its
    place, ``moved`` text found at another place of a changed picture, ``face`` the part of a face that is left.
    """

    shape: tuple[int, ...] = ()
    undecodable: str = ""
    original: InstanceKey | None = None
    foreign: bool = False
    standing: tuple[PlantedIdentifier, ...] = ()
    moved: tuple[PlantedIdentifier, ...] = ()
    face: PlantedIdentifier | None = None


def scan_pixels(pixels: np.ndarray, modality: str, archive: AuditKey) -> PixelScan:
    """Return the original image of pixels, and the burned-in text and the face that are left in them.

    Parameters
    ----------
    pixels
        As :func:`pacslab.deid.dicom.pixels.decode` returns them.
    modality
        The modality that the file claims; images of it are compared first.
    archive
        The images, and the text that was burned into them.

    """
    original = archive.images.identify(pixels, modality)
    if original is None:
        other = archive.other_images.identify(pixels, modality)
        foreign = other is not None and archive.other_images.painted_over(other, pixels)
        return PixelScan(pixels.shape, foreign=foreign)
    standing = text_standing(pixels, archive.images.burned((original,)))
    return PixelScan(pixels.shape, original=original, standing=standing, face=face_left(pixels, original, archive))


def text_standing(pixels: np.ndarray, burned: Iterable[PlantedIdentifier]) -> tuple[PlantedIdentifier, ...]:
    """Return the burned-in text that can still be made out at its place in any frame."""
    return tuple(
        planted
        for planted in burned
        if any(planted.box and text_remains(plane, planted.box, planted.glyphs()) for plane in planes(pixels))
    )


def face_left(pixels: np.ndarray, instance: InstanceKey | None, archive: AuditKey) -> PlantedIdentifier | None:
    """Return the part of a face that an image showed, if it can still be made out at its place."""
    face = archive.face_of(instance)
    if face is None or face.box is None or pixels.ndim != 2:
        return None
    return face if face_remains(pixels, face.box, face.glyphs()) else None
