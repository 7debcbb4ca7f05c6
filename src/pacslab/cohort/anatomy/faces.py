"""Individual faces: protrusion of nose, brows, cheekbones, lips and chin, and width of the nose.

A patient's build deforms the front of the cohort's head; the brain behind it keeps its place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pacslab.cohort.anatomy.head import SIZE, SPACING, Y, Z

if TYPE_CHECKING:
    from pacslab.scenario import Stream

_FEATURES = (  # x, z, half width, half height, furthest back, furthest forward (mm)
    ((0.0,), -58.0, 17.0, 27.0, -9.0, 3.5),  # nose
    ((0.0,), -38.0, 11.0, 15.0, -4.0, 3.5),  # its bridge
    ((-26.0, 26.0), -13.0, 27.0, 15.0, -3.5, 5.0),  # brows
    ((-44.0, 44.0), -52.0, 22.0, 20.0, -5.5, 6.0),  # cheekbones
    ((-32.0, 32.0), -32.0, 15.0, 12.0, -4.0, 3.5),  # eyes
    ((0.0,), -89.0, 32.0, 11.0, -5.5, 6.0),  # lips
    ((0.0,), -112.0, 44.0, 34.0, -8.0, 7.0),  # chin
)
_NOSE_WIDTH_CHANGE = (-0.22, 0.26)
"""Least and greatest change of the nose's width, as a share."""
_HALF_NOSE = 30.0
STILL, FULL = -50.0, -80.0
"""Behind the first place (y, mm) nothing moves; in front of the second everything moves along with the skin."""
FRONT = slice(0, int(np.searchsorted(Y[:, 0], STILL + 8)))
"""Rows that a build can deform."""
LEVELS = int(np.searchsorted(Z, 4.0))
"""Slices that a build can deform, from the lowest."""


def draw_build(stream: Stream) -> tuple[float, ...]:
    """Draw a face's build: the protrusion of each feature (mm), then the change of the nose's width (share)."""
    return (*(stream.uniform(back, forward) for *_, back, forward in _FEATURES), stream.uniform(*_NOSE_WIDTH_CHANGE))


def bend(tissues: np.ndarray, build: tuple[float, ...], x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Deform the front of a head to another face.

    Parameters
    ----------
    tissues
        The cohort's head, of shape (slices, rows, columns).
    build
        What :func:`draw_build` returned.
    x, y
        Place of each column and each row of FRONT in the cohort's head (mm), for a patient's own size.

    Returns
    -------
    numpy.ndarray
        Tissues, of the type of ``tissues`` and of shape (LEVELS, rows of FRONT, columns).

    """
    ramp = np.clip((STILL - y) * np.float32(1 / (STILL - FULL)), 0, 1).astype(np.float32)[:, None]
    front = np.empty((LEVELS, len(y), len(x)), dtype=tissues.dtype)
    for number in range(LEVELS):
        z = float(Z[number])
        height = max(0.0, 1 - ((z + 58.0) / 30.0) ** 2)
        narrow = np.clip(1 - (x / np.float32(_HALF_NOSE)) ** 2, 0, 1)
        across = x * (1 - np.float32(build[-1] * height) * narrow)
        down = y[:, None] + _forward(build, across, z)[None, :] * ramp
        columns = _index(across, -(SIZE - 1) / 2 * SPACING)
        rows = _index(down, float(Y[0, 0]))
        front[number] = tissues[number][rows, columns[None, :]]
    return front


def _forward(build: tuple[float, ...], x: np.ndarray, z: float) -> np.ndarray:
    """Return the forward shift of the skin at each place across (mm)."""
    moved = np.zeros_like(x)
    for (places, height, wide, high, *_), far in zip(_FEATURES, build, strict=False):
        part = 1 - ((z - height) / high) ** 2
        if part <= 0:
            continue
        for place in places:
            near = np.clip(np.float32(part) - ((x - np.float32(place)) * np.float32(1 / wide)) ** 2, 0, 1)
            moved = moved + np.float32(far) * near * near * (3 - 2 * near)
    return np.asarray(moved)


def _index(place: np.ndarray, first: float) -> np.ndarray:
    return np.asarray(
        np.clip(np.rint((place - np.float32(first)) * np.float32(1 / SPACING)), 0, SIZE - 1).astype(np.intp)
    )
