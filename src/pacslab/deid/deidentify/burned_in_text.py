"""Painting over text that a machine wrote into the picture, found without knowing what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydicom.uid import ExplicitVRLittleEndian

from pacslab.cohort import Box
from pacslab.deid.deidentify.text_detection.detector import text_in
from pacslab.deid.dicom.elements import text_of
from pacslab.deid.dicom.pixels import decode

if TYPE_CHECKING:
    import numpy as np
    from pydicom.dataset import FileDataset

    from pacslab.deid.deidentify.policy import Banner

CLAIMS_TEXT = "YES"
SECTIONS = {"CT", "MR", "PT"}
"""Modalities whose pictures are slices through the body."""


def text_boxes(dataset: FileDataset, banners: tuple[Banner, ...]) -> list[Box] | None:
    """Return where an image may hold burned-in text, or None where it says that it does and nobody knows where.

    Two sources: a table of machines; and for ultrasound, the rows above SequenceOfUltrasoundRegions, which says where
    the picture itself lies (PS3.3 C.8.5.5).
    """
    model = text_of(dataset, "ManufacturerModelName")
    size = (int(dataset.Rows), int(dataset.Columns))
    boxes = [one.box for one in banners if one.model == model and (one.rows, one.columns) == size]
    if boxes:
        return boxes
    tops = [int(one.RegionLocationMinY0) for one in dataset.get("SequenceOfUltrasoundRegions") or []]
    if tops and min(tops) > 0:
        return [Box(column=0, row=0, width=size[1], height=min(tops))]
    if tops:
        return []
    claims = text_of(dataset, "BurnedInAnnotation") == CLAIMS_TEXT or text_of(dataset, "Modality") == "US"
    return None if claims else []


def read_boxes(dataset: FileDataset, known: list[Box] | None) -> list[Box] | None:
    """Return the boxes that are known and those in which text is found; None where nobody finds what is claimed."""
    pixels = decode(dataset)
    if pixels is None:
        return known
    found = text_in(pixels, section=text_of(dataset, "Modality") in SECTIONS)
    return [*(known or []), *found] if found or known is not None else None


def paint_over(dataset: FileDataset, boxes: list[Box]) -> None:
    """Set the pixels of the boxes to black; a compressed image becomes an uncompressed one."""
    pixels = _writable(dataset)
    black = _black(dataset, pixels)
    for box in boxes:
        rows = slice(box.row, box.row + box.height)
        columns = slice(box.column, box.column + box.width)
        if int(dataset.get("NumberOfFrames") or 1) > 1:
            pixels[:, rows, columns] = black
        else:
            pixels[rows, columns] = black
    _put_back(dataset, pixels)


def darken(dataset: FileDataset, marked: np.ndarray) -> None:
    """Set the marked pixels of an image of one frame to black: boolean, of shape (rows, columns)."""
    if not marked.any():
        return
    pixels = _writable(dataset)
    pixels[marked] = _black(dataset, pixels)
    _put_back(dataset, pixels)


def _writable(dataset: FileDataset) -> np.ndarray:
    """Return a copy of the pixels of an image, which becomes one that is not compressed."""
    if dataset.file_meta.TransferSyntaxUID.is_compressed:
        dataset.decompress(generate_instance_uid=False)
    if not dataset.file_meta.TransferSyntaxUID.is_little_endian:
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return dataset.pixel_array.copy()


def _put_back(dataset: FileDataset, pixels: np.ndarray) -> None:
    photometric = dataset.PhotometricInterpretation
    colour = "RGB" if photometric.startswith("YBR") else photometric
    dataset.set_pixel_data(pixels, colour, dataset.BitsStored, generate_instance_uid=False)


def _black(dataset: FileDataset, pixels: np.ndarray) -> int:
    """Return the stored value that is shown black."""
    stored = int(dataset.BitsStored)
    signed = bool(dataset.PixelRepresentation)
    if dataset.PhotometricInterpretation == "MONOCHROME1":
        return int((1 << (stored - signed)) - 1)
    if dataset.PhotometricInterpretation == "MONOCHROME2" and signed:
        return int(max(pixels.min(), -(1 << (stored - 1))))
    return 0
