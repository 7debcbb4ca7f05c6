"""The face of a head, found by the image alone (PS3.15 E.3.2): skin borders on air, and the skull gives its place.

Above the brows a head is close to an ellipsoid: how its cross-sections shrink towards the crown says how high the
middle of the skull lies, and the widest of them how long it is. By that measure the frontal lobes end a sixth of the
skull's length below its middle, and what lies below them in the foremost sixth is face: it goes whole. Between there
and the middle lie brows and forehead with brain close behind: there the skin goes, and bone with it, no more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy

if TYPE_CHECKING:
    from pacslab.deid.dicom.volumes import Volume

FLOOR = 0.16
"""How far below the skull's middle the frontal lobes end, as a share of the skull's length with its skin (200 mm)."""
DEPTH = 0.17
"""How deep the face is below them, from the forehead's skin to the back; the temporal lobes begin at a quarter."""
SKIN = 9.0
"""Millimetres under the air that go in front of the brain: scalp and skull are thicker than that."""
_GAP = 5.0
"""How wide a way from the air into bone or a sinus may be (mm): it is closed."""
_FEWEST = 4
_SLOPE = 0.97
"""Cross-sections below this share of the largest tell the skull's shape: the others hardly differ."""
_SHORTEST, _LONGEST = 130.0, 260.0
"""What a skull's length can be (mm)."""


@dataclass(frozen=True)
class Skull:
    """A skull's measures: the height of its middle in levels, the foremost row of its skin, and its length in mm."""

    middle: float
    front: int
    length: float


def face_of(volume: Volume) -> np.ndarray | None:
    """Return the voxels that are removed from a head so that no face can be rendered.

    Parameters
    ----------
    volume
        A series of head slices, turned to the patient's axes.

    Returns
    -------
    numpy.ndarray or None
        Booleans of the volume's shape (levels, rows, columns); None if the volume does not show the upper part of a
        head, from which the place of the face is derived.

    """
    tissue = volume.values > air_ends_at(volume.values)
    skull = skull_of(tissue, volume.spacing)
    if skull is None:
        return None
    step, along, across = volume.spacing
    floor = skull.middle - FLOOR * skull.length / step
    last = round(skull.front + DEPTH * skull.length / along)
    face = np.zeros(tissue.shape, dtype=bool)
    for level in range(min(len(tissue), int(skull.middle) + 1)):
        if level < floor:
            face[level, :last] = True
            continue
        face[level, :last] = _skin(tissue[level], (along, across), last)
    return face


def skull_of(tissue: np.ndarray, spacing: tuple[float, float, float]) -> Skull | None:
    """Measure a skull by its cross-sections from the brows to the crown.

    Parameters
    ----------
    tissue
        Voxels that are not air: boolean, of shape (levels from the feet up, rows from the front, columns).
    spacing
        Millimetres between levels, rows and columns.

    Returns
    -------
    Skull or None
        The measures; None if the cross-sections are not those of a head.

    """
    _, along, across = spacing
    levels = len(tissue)
    areas = {level: float(_whole(tissue[level]).sum()) * along * across for level in range(levels // 2, levels)}
    widest = max(areas, key=lambda level: areas[level])
    slope = [level for level in range(widest, levels) if 0 < areas[level] < _SLOPE * areas[widest]]
    if len(slope) < _FEWEST:
        return None
    curve, line, _ = np.polyfit(slope, [areas[level] for level in slope], 2)
    middle = -line / (2 * curve) if curve < 0 else -1.0
    at = round(middle)
    if not 0 <= at < levels or at > slope[0]:
        return None
    rows = np.flatnonzero(_whole(tissue[min(at + 1, levels - 1)]).any(axis=1))
    length = (rows[-1] - rows[0] + 1) * along if rows.size else 0.0
    return Skull(float(middle), int(rows[0]), float(length)) if _SHORTEST < length < _LONGEST else None


def air_ends_at(values: np.ndarray) -> float:
    """Return the value above which a voxel is tissue, from the noise of the air in the corners of the slices."""
    corners = np.concatenate([values[:, rows, columns].ravel() for rows in _ENDS for columns in _ENDS])
    return float(max(corners.mean() + 6 * corners.std(), 0.08 * np.percentile(values[:, ::4, ::4], 98)))


_ENDS = (slice(0, 8), slice(-8, None))


def _skin(tissue: np.ndarray, spacing: tuple[float, float], last: int) -> np.ndarray:
    """Return the voxels less than the skin's thickness under the air, in the rows before the last.

    Bone, as dark as air, and the hollows behind it are inside.
    """
    far = last + int((SKIN + _GAP) / spacing[0]) + 2
    near = scipy.ndimage.distance_transform_edt(~tissue, sampling=spacing) <= _GAP
    filled = scipy.ndimage.binary_fill_holes(near)[:far]
    inside = scipy.ndimage.distance_transform_edt(filled, sampling=spacing) > _GAP
    return np.asarray(scipy.ndimage.distance_transform_edt(inside, sampling=spacing)[:last] <= SKIN)


def _whole(plane: np.ndarray) -> np.ndarray:
    """Return the largest piece of a cross-section, its hollows filled."""
    labels, count = scipy.ndimage.label(scipy.ndimage.binary_fill_holes(plane))
    if count == 0:
        return plane
    return np.asarray(labels == 1 + int(np.argmax(np.bincount(labels.ravel())[1:])))
