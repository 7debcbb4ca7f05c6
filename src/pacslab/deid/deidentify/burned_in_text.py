"""Burned-in text painted over, without knowing its words (PS3.15 E.3.1, Clean Pixel Data Option)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydicom.uid import ExplicitVRLittleEndian

from pacslab.cohort import Box
from pacslab.deid.deidentify.text_detection.detector import text_in
from pacslab.deid.dicom.elements import text_of
from pacslab.deid.dicom.pixels import decode

if TYPE_CHECKING:
    import numpy as np
    from pydicom.dataset import Dataset, FileDataset

    from pacslab.deid.deidentify.policy import Banner

CLAIMS_TEXT = "YES"
"""Burned In Annotation (0028,0301) of an image whose pixels identify the patient (PS3.3 C.7.6.1)."""
SECTIONS = {"CT", "MR", "PT"}
"""Modalities whose images are slices through the body."""


def clean_pixel_data(dataset: FileDataset, banners: tuple[Banner, ...], *, read_text: bool) -> str:
    """Paint over the text in an image, in place.

    Parameters
    ----------
    dataset
        An image.
    banners
        The places at which known machines burn in text.
    read_text
        Whether text is also searched for by its letters where no rule names its place.

    Returns
    -------
    str
        The reason if the image claims text and no rule or letter shows its place; else empty.

    """
    boxes = text_boxes(dataset, banners)
    if read_text and not boxes:
        boxes = read_boxes(dataset, boxes)
    if boxes is None:
        return "text is burned into the picture and no rule says where"
    if boxes:
        paint_over(dataset, boxes)
    return ""


def text_boxes(dataset: Dataset, banners: tuple[Banner, ...]) -> list[Box] | None:
    """Return the boxes in which rules expect burned-in text.

    Two rules: a table of machines; and for ultrasound, the rows above Sequence of Ultrasound Regions, which gives the
    place of the echo image itself (PS3.3 C.8.5.5).

    Parameters
    ----------
    dataset
        An image.
    banners
        The table of machines.

    Returns
    -------
    list of Box or None
        Boxes in pixels; None if the image claims text and no rule gives its place.

    Examples
    --------
    >>> from pydicom.dataset import Dataset
    >>> image, region = Dataset(), Dataset()
    >>> image.Modality, image.Rows, image.Columns = "US", 480, 640
    >>> print(text_boxes(image, ()))
    None
    >>> region.RegionLocationMinY0 = 60
    >>> image.SequenceOfUltrasoundRegions = [region]
    >>> text_boxes(image, ())
    [Box(column=0, row=0, width=640, height=60)]

    """
    model = text_of(dataset, "ManufacturerModelName")
    size = (int(dataset.Rows), int(dataset.Columns))
    boxes = [banner.box for banner in banners if banner.model == model and (banner.rows, banner.columns) == size]
    if boxes:
        return boxes
    tops = [int(region.RegionLocationMinY0) for region in dataset.get("SequenceOfUltrasoundRegions") or []]
    if tops and min(tops) > 0:
        return [Box(column=0, row=0, width=size[1], height=min(tops))]
    if tops:
        return []
    claims = text_of(dataset, "BurnedInAnnotation") == CLAIMS_TEXT or text_of(dataset, "Modality") == "US"
    return None if claims else []


def read_boxes(dataset: FileDataset, known: list[Box] | None) -> list[Box] | None:
    """Return the known and the detected text boxes.

    None if the file claims text, no rule gives its place (``known`` is None), and none was detected.
    """
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
    """Store the pixels; decoded YBR samples are RGB by now (PS3.3 C.7.6.3.1.2)."""
    photometric = dataset.PhotometricInterpretation
    colour = "RGB" if photometric.startswith("YBR") else photometric
    dataset.set_pixel_data(pixels, colour, dataset.BitsStored, generate_instance_uid=False)


def _black(dataset: FileDataset, pixels: np.ndarray) -> int:
    """Return the stored value that is displayed black (PS3.3 C.7.6.3.1.2: MONOCHROME1 displays the least white)."""
    stored = int(dataset.BitsStored)
    signed = bool(dataset.PixelRepresentation)
    if dataset.PhotometricInterpretation == "MONOCHROME1":
        return int((1 << (stored - signed)) - 1)
    if dataset.PhotometricInterpretation == "MONOCHROME2" and signed:
        return int(max(pixels.min(), -(1 << (stored - 1))))
    return 0
