"""Stack slices into a volume in the patient's directions, by the position and orientation of each slice.

PS3.3 C.7.6.2.1.1: ImageOrientationPatient gives the directions of a row and of a column, ImagePositionPatient the place
of the first pixel; x runs to the patient's left, y to the back, z to the head.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pacslab.deid.dicom.pixels import decode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydicom.dataset import Dataset

FEWEST_SLICES = 8
"""Of fewer slices nobody makes out a face, nor where one would be."""
UNEVEN = 0.25
"""How much of a step the steps between slices may differ."""


@dataclass(frozen=True)
class Volume:
    """A series as one array.

    ``values`` is float32 of shape (levels, rows, columns), from the feet up, from the front to the back and from the
    patient's right to the left; ``spacing`` is in mm, in the same order. ``order``, ``axes`` and ``flipped`` say how it
    was turned: for the way back.
    """

    values: np.ndarray
    spacing: tuple[float, float, float]
    order: tuple[int, ...]
    axes: tuple[int, int, int]
    flipped: tuple[int, ...]

    def slices(self, marked: np.ndarray) -> dict[int, np.ndarray]:
        """Return a boolean volume as a picture of each slice, by the slice's number among those that were given."""
        back = np.flip(marked, self.flipped) if self.flipped else marked
        stacked = np.transpose(back, np.argsort(self.axes))
        return {number: stacked[at] for at, number in enumerate(self.order)}


def volume_of(slices: Sequence[Dataset]) -> Volume | None:
    """Return the volume of a series' slices in any order; None where they do not make one.

    They do not where places are missing, directions or sizes differ, or steps between slices do.
    """
    if len(slices) < FEWEST_SLICES:
        return None
    try:
        turned = [[float(number) for number in dataset.ImageOrientationPatient] for dataset in slices]
        places = np.array([[float(number) for number in dataset.ImagePositionPatient] for dataset in slices])
        between = [float(number) for number in slices[0].PixelSpacing]
        sizes = {(int(dataset.Rows), int(dataset.Columns)) for dataset in slices}
    except (AttributeError, TypeError, ValueError):
        return None
    directions = np.array(turned)
    if len(sizes) > 1 or places.shape[1] != 3 or directions.shape[1] != 6 or np.ptp(directions, axis=0).max() > 1e-3:
        return None
    along_row, along_column = directions[0, :3], directions[0, 3:]
    normal = np.cross(along_row, along_column)
    heights = places @ normal
    order = np.argsort(heights, kind="stable")
    steps = np.diff(heights[order])
    step = float(np.median(steps))
    if step <= 0 or np.abs(steps - step).max() > UNEVEN * step:
        return None
    planes = [decode(slices[number]) for number in order]
    if any(plane is None or plane.ndim != 2 for plane in planes):
        return None
    stacked = np.stack([np.asarray(plane, dtype=np.float32) for plane in planes])
    return _turned(stacked, np.array([normal, along_column, along_row]), (step, *between), order)


def _turned(
    stacked: np.ndarray, directions: np.ndarray, spacing: tuple[float, ...], order: np.ndarray
) -> Volume | None:
    """Turn an array of slices, rows and columns to levels, rows from the front and columns from the right."""
    axes = tuple(int(np.abs(directions[:, patient]).argmax()) for patient in (2, 1, 0))
    if set(axes) != {0, 1, 2}:
        return None
    flipped = tuple(
        here for here, (axis, patient) in enumerate(zip(axes, (2, 1, 0), strict=True)) if directions[axis, patient] < 0
    )
    values = np.transpose(stacked, axes)
    if flipped:
        values = np.flip(values, flipped)
    return Volume(
        np.ascontiguousarray(values),
        (spacing[axes[0]], spacing[axes[1]], spacing[axes[2]]),
        tuple(int(number) for number in order),
        (axes[0], axes[1], axes[2]),
        flipped,
    )
