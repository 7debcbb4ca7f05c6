"""A contrast-enhanced chest in Hounsfield units.

A single body is drawn for a cohort; the patients differ from it in build, lung vessels and finding. Coordinates are
those of the patient coordinate system (PS3.3 C.7.6.2.1.1): x grows to the patient's left, y to the back, z to the
head, in millimetres.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from pacslab.cohort.anatomy import exact
from pacslab.cohort.anatomy.clouds import cloud
from pacslab.cohort.anatomy.thorax import (
    AIR,
    FAT,
    FINE,
    LARGE_HEART,
    MARROW,
    MUSCLE,
    PIXEL,
    Canvas,
    axis,
    beside_heart,
    draw_slice,
    oval,
    section,
)

if TYPE_CHECKING:
    from pacslab.scenario import Stream

SIZE = FINE
"""Rows and columns."""
SLICES = 24
SPACING = PIXEL
"""Millimetres between pixels: 360 mm across."""
STEP = 12.0
"""Millimetres between slices."""
INTERCEPT = -1024
"""Hounsfield units of the stored value 0."""

_GRID = Canvas(np.empty((0, 0), dtype=np.int16), axis(SIZE))
X, Y = _GRID.x, _GRID.y
Z = (np.arange(SLICES) * STEP).astype(np.float32)

_mattress = 138 - 10 * (X / 150) ** 2
_TABLE = ((np.abs(Y - _mattress) < 1.6) | (np.abs(Y - _mattress - 13) < 1.6)) & (np.abs(X) < 165)
"""Mask of the table under the patient's back, of shape (SIZE, SIZE)."""
_BODY = slice(28, 226)
"""The rows that a body extends over."""


@cache
def draw_body(heart: float = 1.0) -> np.ndarray:
    """Return the cohort's body: HU as int16 of shape (slices, rows, columns), without lung vessels and noise."""
    if heart == 1.0:
        return np.stack([draw_slice(float(z)) for z in Z])
    usual = draw_body()
    slices = zip(Z, usual, strict=True)
    return np.stack([draw_slice(float(z), SIZE, heart) if beside_heart(float(z)) else plane for z, plane in slices])


def body_for(shape: str) -> np.ndarray:
    """Return the body for a finding: with a large heart for ``cardiomegaly``; shape as :func:`draw_body`."""
    return draw_body(LARGE_HEART) if shape == "cardiomegaly" else draw_body()


def patient_volume(
    body: np.ndarray, noise: np.ndarray, stream: Stream, shape: str, sex: str, *, scan: Stream
) -> np.ndarray:
    """Draw a patient's chest.

    Parameters
    ----------
    body
        What :func:`body_for` returned.
    noise
        What :func:`noise_field` returned.
    stream
        The patient's build, vessels and finding are drawn from it: they stay from one year to the next.
    shape
        The finding (see ``pacslab.cohort.recipe.sections.SHAPES``).
    sex
        ``F`` or ``M``.
    scan
        The noise is drawn from it: no two scans of a patient are the same.

    Returns
    -------
    numpy.ndarray
        Stored values, int16 of shape (slices, rows, columns): Hounsfield units less :data:`INTERCEPT`.

    """
    across, deep = stream.uniform(0.9, 1.06), stream.uniform(0.88, 1.08)
    volume = _build(body, across, deep)
    if sex == "F":
        _breasts(volume, across, deep, stream.uniform(0.75, 1.1))
    _vessels(volume, stream)
    starts = [(scan.below(noise.shape[0] - SIZE), scan.below(noise.shape[1] - SIZE)) for _ in volume]
    _finding(volume, stream, shape)
    for plane, (row, column) in zip(volume, starts, strict=True):
        _blur(plane[_BODY])
        np.add(plane, noise[row : row + SIZE, column : column + SIZE], out=plane)
        plane[_TABLE & (plane < -800)] = -250
        np.maximum(plane, INTERCEPT, out=plane)
    volume -= INTERCEPT
    return volume


def _build(body: np.ndarray, across: float, deep: float) -> np.ndarray:
    """Return the body scaled in width and depth, by nearest neighbours."""
    centre = (SIZE - 1) / 2
    steps = np.arange(SIZE) - centre
    columns = np.clip(np.rint(steps / across + centre), 0, SIZE - 1).astype(np.intp)
    rows = np.clip(np.rint(steps / deep + centre), 0, SIZE - 1).astype(np.intp)
    return np.asarray(np.take(body.reshape(len(body), -1), rows[:, None] * SIZE + columns, axis=1))


def _breasts(volume: np.ndarray, across: float, deep: float, size: float) -> None:
    """Add breasts in front of the chest wall: skin, fat, and strands of gland."""
    for plane, z in zip(volume, Z, strict=True):
        part = size * section(z, 122, 56)
        if part < 0.2:
            continue
        for side in (-1, 1):
            window, radius = oval(_GRID, side * 76 * across, -88 * deep, 54 * part, 42 * part, side * 14)
            place = plane[window]
            outside = (place == AIR) & (radius < 1)
            gland = exact.sin(X[:, window[1]] / 3.1) + exact.sin(Y[window[0]] / 2.7 + X[:, window[1]] / 9) > 0.9
            place[outside] = FAT
            place[outside & gland & (radius < 0.6)] = 30
            place[outside & (radius > 0.93)] = 50


def _blur(plane: np.ndarray) -> None:
    """Apply the scanner's blur: the kernel 1 2 1 both ways."""
    pairs = plane[:, :-1] + plane[:, 1:]
    np.right_shift(pairs[:, :-1] + pairs[:, 1:], 2, out=plane[:, 1:-1])
    pairs = plane[:-1] + plane[1:]
    np.right_shift(pairs[:-1] + pairs[1:], 2, out=plane[1:-1])


def noise_field(stream: Stream) -> np.ndarray:
    """Return quantum noise in HU with the grain of a standard kernel, int16 of shape (640, 640)."""
    raw = exact.normal(stream, 641, 641)
    grain = raw[:-1, :-1] + raw[1:, :-1] + raw[:-1, 1:] + raw[1:, 1:]
    return np.asarray(grain * 6, dtype=np.int16)


def _vessels(volume: np.ndarray, stream: Stream) -> None:
    """Grow pulmonary vessels from both hila into the lungs."""
    rng = stream.numpy()
    points, radii = _tree(rng)
    columns = np.rint(points[:, 0] / SPACING + (SIZE - 1) / 2).astype(np.intp)
    rows = np.rint(points[:, 1] / SPACING + (SIZE - 1) / 2).astype(np.intp)
    level = points[:, 2] / STEP
    slices = np.rint(level).astype(np.intp)
    near = np.abs(level - slices) * STEP < np.maximum(radii, 2.5)
    inside = near & (slices >= 0) & (slices < SLICES) & (rows > 4) & (rows < SIZE - 5)
    inside &= (columns > 4) & (columns < SIZE - 5)
    for low, high, reach in ((0, 1.1, 0), (1.1, 1.9, 1), (1.9, 9, 2)):
        chosen = inside & (radii >= low) & (radii < high)
        for dy in range(-reach, reach + 1):
            for dx in range(-reach, reach + 1):
                if dx * dx + dy * dy > reach * reach + 0.5:
                    continue
                at = (slices[chosen], rows[chosen] + dy, columns[chosen] + dx)
                lung = (volume[at] < -600) & (volume[at] > -940)
                at = tuple(index[lung] for index in at)
                volume[at] = 60 if reach else -250


def _tree(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return points along branching vessels, shape (n, 3) in mm, and their radii in mm, shape (n,)."""
    starts, directions, radius = [], [], 4.2
    for side in (-1, 1):
        for _ in range(11):
            starts.append((side * 34.0, 6.0, 152.0))
            way = rng.normal(0, 1, 3) * (0.55, 0.8, 1.0) + (side * 0.8, 0.15, -0.1)
            directions.append(way / np.linalg.norm(way))
    start, direction = np.array(starts), np.array(directions)
    points, radii = [], []
    for length in (34.0, 26.0, 20.0, 15.0, 11.0):
        steps = np.arange(0, length, 0.9)
        bend = rng.normal(0, 0.12, direction.shape)
        path = start[:, None] + direction[:, None] * steps[:, None] + bend[:, None] * (steps**2 / length)[:, None]
        points.append(path.reshape(-1, 3))
        radii.append(np.repeat(radius * rng.uniform(0.75, 1.1, len(start)), len(steps)))
        end = path[:, -1]
        children = 3 if length > 25 else 2
        start = np.repeat(end, children, axis=0)
        direction = np.repeat(direction, children, axis=0) + rng.normal(0, 0.5, (len(start), 3))
        direction /= np.linalg.norm(direction, axis=1, keepdims=True)
        radius *= 0.66
    return np.concatenate(points), np.concatenate(radii)


def _finding(volume: np.ndarray, stream: Stream, shape: str) -> None:
    """Draw the finding of the report (a large heart is part of the body, see :func:`body_for`)."""
    side = -1 if shape.endswith("right") else 1  # x grows to the patient's left
    if shape.startswith(("nodule", "calcification")):
        centre = side * stream.uniform(64, 78), stream.uniform(-28, 20), stream.choice((108.0, 120.0, 192.0, 204.0))
        wobble = stream.uniform(0, 6)
        if shape.startswith("nodule"):
            _nodule(volume, centre, wobble)
        else:
            _calcification(volume, centre, side)
    elif shape.startswith("effusion"):
        for plane, z in zip(volume, Z, strict=True):
            if z < 150:
                fluid = (side * X > 20) & (30 + (z - 40) * 0.42 < Y) & _is_lung(plane)
                plane[fluid] = 10
    elif shape.startswith("consolidation"):
        _consolidation(volume, side, stream)
    elif shape.startswith("rib-fracture"):
        _rib_fracture(volume, side, stream.choice((8, 9, 10, 11, 12)))


def _calcification(volume: np.ndarray, centre: tuple[float, float, float], side: int) -> None:
    """Put a calcified granuloma into the lung, and a calcified lymph node into the hilum that drains it."""
    x, y, z = centre
    for plane, height in zip(volume, Z, strict=True):
        for at_x, at_y, at_z, radius, value in ((x, y, z, 4.6, 900), (side * 38, 4.0, 144.0, 4.0, 650)):
            if abs(height - at_z) > radius:
                continue
            away = (X - at_x) ** 2 + (Y - at_y) ** 2 + (np.float32(height) - at_z) ** 2
            plane[away < radius * radius] = value


def _rib_fracture(volume: np.ndarray, side: int, number: int) -> None:
    """Break the rib that a slice shows at the side of the chest: a gap, the front part pushed in, blood beside it."""
    plane = volume[number]
    beside = (plane >= MARROW) & (np.abs(Y) < 30) & (side * X > 60)
    rows, columns = np.nonzero(beside)
    if not len(rows):
        rows, columns = np.nonzero((plane >= MARROW) & (np.abs(Y) < 60) & (side * X > 60))
    row = int(np.sort(rows)[len(rows) // 2])
    column = round(float(columns[rows == row].mean()))
    blood = (X - X[0, column] + side * 11) ** 2 / 81 + (Y - Y[row, 0]) ** 2 / 400 < 1
    plane[blood & _is_lung(plane)] = 55
    front = slice(row - 13, row - 1), slice(column - 8, column + 9)
    part = plane[front].copy()
    bone = part >= MARROW
    part[bone] = MUSCLE
    moved, shift = np.roll(bone, -side * 4, axis=1), np.roll(plane[front], -side * 4, axis=1)
    part[moved] = shift[moved]
    plane[front] = part
    gap = plane[row - 1 : row + 2, column - 9 : column + 10]
    gap[gap >= MARROW] = MUSCLE


def _is_lung(plane: np.ndarray) -> np.ndarray:
    return (plane < -700) & (plane > -940)


def _nodule(volume: np.ndarray, centre: tuple[float, float, float], wobble: float) -> None:
    x, y, z = centre
    around = np.arctan2((Y - y).astype(np.float64), (X - x).astype(np.float64)).astype(np.float32)
    radius = 7.5 + 1.2 * exact.sin(5 * around + np.float32(wobble))
    for plane, height in zip(volume, Z, strict=True):
        if abs(height - z) * 0.8 > 8.8:  # beyond the widest radius
            continue
        inside = (X - x) ** 2 + (Y - y) ** 2 + ((height - z) * 0.8) ** 2 < radius**2
        plane[inside & _is_lung(plane)] = 35


def _consolidation(volume: np.ndarray, side: int, stream: Stream) -> None:
    """Fill a part of the lower lobe, dense in the middle, hazy and patchy at its edge."""
    for plane, z in zip(volume, Z, strict=True):
        far = ((z - 112) / 38) ** 2
        if far > 1.2:
            continue
        distance = ((X - side * 74) / 40) ** 2 + ((Y - 34) / 38) ** 2 + far
        filled = np.clip(1.5 - 1.6 * distance + 0.55 * cloud(stream, SIZE, SIZE, 8), 0, 1)
        lung = _is_lung(plane) & (filled > 0)
        plane[lung] += (880 * filled[lung]).astype(np.int16)
