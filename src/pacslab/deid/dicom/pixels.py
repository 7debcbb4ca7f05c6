"""Decode the pixels of a DICOM file within bounds (PS3.3 C.7.6.3)."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
from pydicom.encaps import generate_frames
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from pacslab.deid.dicom.frame_headers import SYNTAXES, decoded_value_count

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydicom.dataset import Dataset

_PLAIN = {ImplicitVRLittleEndian, ExplicitVRLittleEndian, DeflatedExplicitVRLittleEndian}
MAX_VALUES = 64 << 20
MAX_PLANE_VALUES = 16 << 20


def decode(dataset: Dataset) -> np.ndarray | None:
    """Return the stored pixel values of a file, or None where they cannot be decoded.

    More than 16 million values a frame, or 64 million in all, are not decoded, and no frame that is larger by its own
    header than the file says.

    Returns
    -------
    np.ndarray | None
        Of shape (rows, columns) or (rows, columns, samples), with the frames of a multi-frame image first; stored
        values, before any rescale (PS3.3 C.7.6.3.1).

    """
    try:
        rows, columns = int(dataset.Rows), int(dataset.Columns)
        frames = int(dataset.get("NumberOfFrames") or 1)
        samples = int(dataset.get("SamplesPerPixel") or 1)
        plane = rows * columns * samples
        if plane > MAX_PLANE_VALUES or plane * frames > MAX_VALUES:
            return None
        plain = _plain(dataset, (frames, rows, columns, samples))
        if plain is not None:
            return plain
        if dataset.file_meta.TransferSyntaxUID in SYNTAXES:
            packed = generate_frames(dataset.PixelData, number_of_frames=frames)
            if any(decoded_value_count(frame) > plane for frame in packed):
                return None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return dataset.pixel_array
    except Exception:  # noqa: BLE001 - decoders raise many kinds for pixels that are damaged
        return None


def _plain(dataset: Dataset, shape: tuple[int, int, int, int]) -> np.ndarray | None:
    """Return the pixels of a grey image that is not compressed, straight from the file; None for any other."""
    allocated, stored = int(dataset.BitsAllocated), int(dataset.BitsStored)
    syntax = dataset.file_meta.TransferSyntaxUID
    grey_scale = str(dataset.PhotometricInterpretation).startswith("MONOCHROME") and shape[3] == 1
    if not grey_scale or allocated not in (8, 16) or syntax not in _PLAIN or not 0 < stored <= allocated:
        return None
    kind = "i" if int(dataset.PixelRepresentation) else "u"
    count = shape[0] * shape[1] * shape[2]
    values = np.frombuffer(dataset.PixelData, dtype=f"<{kind}{allocated // 8}", count=count)
    if stored < allocated:  # what stands in the other bits is no part of the value (PS3.5 8.1.1)
        values = np.right_shift(np.left_shift(values, allocated - stored), allocated - stored)
    return values.reshape(shape[:3] if shape[0] > 1 else shape[1:3])


def planes(pixels: np.ndarray) -> Iterator[np.ndarray]:
    """Yield each frame of an image."""
    frames = pixels.ndim == 4 or (pixels.ndim == 3 and pixels.shape[-1] not in (3, 4))
    yield from pixels if frames else [pixels]
