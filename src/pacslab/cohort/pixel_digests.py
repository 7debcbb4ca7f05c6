"""Pixel digests for recognising an image, excluding identifying regions."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pacslab.cohort.answer_key import Box

BOX_MARGIN = 8
"""Margin around burned-in text, in pixels, that de-identification may black out with it."""


def digest_outside(pixels: np.ndarray, boxes: list[Box], margin: int = BOX_MARGIN) -> str:
    """Hash the pixels outside the boxes, each grown by ``margin`` pixels.

    Parameters
    ----------
    pixels
        Decoded pixel values of shape (rows, columns) or (rows, columns, samples), with frames before them in a
        multi-frame image; integers. A last axis of 3 is samples.
    boxes
        Burned-in identifiers, in every frame; pixels inside are ignored.
    margin
        Pixels around a box that are ignored as well.

    Returns
    -------
    str
        SHA-256, hexadecimal, of the image's shape and of its pixels as little-endian 32-bit integers.

    Examples
    --------
    >>> from pacslab.cohort import Box
    >>> image = np.zeros((64, 64), dtype=np.uint8)
    >>> box = Box(column=20, row=20, width=10, height=10)
    >>> digest = digest_outside(image, [box])
    >>> image[22:26, 22:26] = 255  # text burned in, inside the box
    >>> digest_outside(image, [box]) == digest
    True
    >>> image[0, 0] = 255
    >>> digest_outside(image, [box]) == digest
    False

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
    """Hash the pixels of an image that lie within a mask, and the image's size.

    Parameters
    ----------
    pixels
        Decoded pixel values of shape (rows, columns); integers.
    kept
        Mask of the pixels to hash: boolean, of the same shape; or their flat indices, ascending.

    Returns
    -------
    str
        SHA-256, hexadecimal.

    """
    shape = "x".join(str(size) for size in pixels.shape).encode()
    values = pixels[kept] if kept.dtype == bool else pixels.ravel()[kept]
    return hashlib.sha256(shape + b":" + values.astype("<i4").tobytes()).hexdigest()


def without_boxes(kept: np.ndarray, boxes: list[Box], margin: int = BOX_MARGIN) -> np.ndarray:
    """Remove boxes, each grown by ``margin`` pixels, from a mask.

    Returns
    -------
    numpy.ndarray
        A boolean copy of ``kept``, of shape (rows, columns).

    """
    remaining = kept.copy()
    for box in boxes:
        top, left = max(0, box.row - margin), max(0, box.column - margin)
        remaining[top : box.row + box.height + margin, left : box.column + box.width + margin] = False
    return remaining
