"""Scanning one file's pixels: the original image, burned-in text that is left, and the face that is left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pacslab.deid.audit.pixels.face_check import face_remains
from pacslab.deid.audit.pixels.glyph_match import text_remains
from pacslab.deid.dicom.pixels import planes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

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
    face, standing = marks_left(list(planes(pixels)), archive.images.burned((original,)), archive.face_of(original))
    return PixelScan(pixels.shape, original=original, standing=standing, face=face)


def marks_left(
    frames: Sequence[np.ndarray], burned: Iterable[PlantedIdentifier], face: PlantedIdentifier | None
) -> tuple[PlantedIdentifier | None, tuple[PlantedIdentifier, ...]]:
    """Return the face and the burned-in text that can still be made out at their places.

    Parameters
    ----------
    frames
        Each of shape (rows, columns) or (rows, columns, samples).
    burned
        The text that was burned in; it is sought in every frame.
    face
        The part of a face that the image showed, if it did.

    """
    plane = frames[0]
    face_stands = (
        face is not None
        and face.box is not None
        and len(frames) == 1
        and plane.ndim == 2
        and face_remains(plane, face.box, face.glyphs())
    )
    standing = tuple(
        planted
        for planted in burned
        if any(planted.box and text_remains(frame, planted.box, planted.glyphs()) for frame in frames)
    )
    return face if face_stands else None, standing
