"""What is kept of pixels, so that they are known again: digests of them, without the places that identify somebody."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pacslab.cohort.answer_key import Box

BOX_MARGIN = 8
"""How many pixels around burned-in text may be lost with it."""


def digest_outside(pixels: np.ndarray, boxes: list[Box], margin: int = BOX_MARGIN) -> str:
    """Return the SHA-256 (hexadecimal) of the pixels outside the boxes, each grown by ``margin`` pixels.

    Parameters
    ----------
    pixels
        Decoded pixel values of shape (rows, columns) or (rows, columns, samples), with frames before them in a
        multi-frame image; integers. A last axis of 3 is samples.
    boxes
        Where identifiers are burned in, in every frame; what lies there does not count.
    margin
        How many pixels around a box may be lost with it.

    """
    kept = np.array(pixels, dtype="<i4", copy=True)
    colour = kept.ndim > 2 and kept.shape[-1] == 3
    planes = kept if colour else kept[..., None]
    for box in boxes:
        top, left = max(0, box.row - margin), max(0, box.column - margin)
        planes[..., top : box.row + box.height + margin, left : box.column + box.width + margin, :] = 0
    shape = "x".join(str(size) for size in kept.shape).encode()
    digest = hashlib.sha256(shape + b":")
    digest.update(kept.data)
    return digest.hexdigest()


def digest_within(pixels: np.ndarray, kept: np.ndarray) -> str:
    """Return the SHA-256 (hexadecimal) of some of an image's pixels, and of its size.

    Parameters
    ----------
    pixels
        Decoded pixel values of shape (rows, columns); integers.
    kept
        Which of them count: boolean, of the same shape; or the places of those, row by row, rising.

    """
    shape = "x".join(str(size) for size in pixels.shape).encode()
    values = pixels[kept] if kept.dtype == bool else pixels.ravel()[kept]
    return hashlib.sha256(shape + b":" + values.astype("<i4").tobytes()).hexdigest()


def without_boxes(kept: np.ndarray, boxes: list[Box], margin: int = BOX_MARGIN) -> np.ndarray:
    """Return a boolean picture less the boxes, each grown by ``margin`` pixels."""
    left = kept.copy()
    for box in boxes:
        top, first = max(0, box.row - margin), max(0, box.column - margin)
        left[top : box.row + box.height + margin, first : box.column + box.width + margin] = False
    return left
