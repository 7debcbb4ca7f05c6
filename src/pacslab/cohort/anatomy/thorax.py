"""A thorax in Hounsfield units: slices for computed tomography, and sums along rays for the chest radiograph.

Both show the same body. Coordinates are those of the patient coordinate system (PS3.3 C.7.6.2.1.1): x grows to the
patient's left, y to the back, z to the head, in millimetres.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from pacslab.cohort.anatomy import exact

FINE = 256
"""Rows and columns of a slice of computed tomography."""
PIXEL = 1.40625
"""Millimetres between its pixels."""
WIDTH = 360.0
"""Millimetres across any slice."""
COARSE = 144
"""Rows and columns of the slices that rays are summed through."""
APEX = 278.0
"""Height above which there is no lung (mm)."""
HEART = (108.0, 62.0)
"""Height of the heart's middle, and half of its height (mm)."""
LARGE_HEART = 1.3
"""How many times wider the heart is in cardiomegaly: half the chest and more."""

AIR, LUNG, FAT, WATER, MUSCLE, LIVER, SPLEEN = -1000, -850, -95, 12, 55, 105, 115
MYOCARDIUM, BLOOD, AORTA = 100, 185, 230
CARTILAGE, MARROW, CORTEX = 110, 260, 620


@dataclass(frozen=True)
class Canvas:
    """A slice to draw on: int16 Hounsfield units of shape (size, size), and the places of rows and columns (mm)."""

    hu: np.ndarray
    axis: np.ndarray

    @property
    def size(self) -> int:
        """Return the number of rows and columns."""
        return len(self.axis)

    @property
    def x(self) -> np.ndarray:
        """Return the columns' places, of shape (1, size)."""
        return self.axis[None, :]

    @property
    def y(self) -> np.ndarray:
        """Return the rows' places, of shape (size, 1)."""
        return self.axis[:, None]


@cache
def axis(size: int) -> np.ndarray:
    """Return the places of ``size`` pixels across a slice: float32 of shape (size,), in mm."""
    return ((np.arange(size) - (size - 1) / 2) * (WIDTH / size)).astype(np.float32)


def draw_slice(z: float, size: int = FINE, heart: float = 1.0) -> np.ndarray:
    """Draw the slice at a height, without lung vessels and noise.

    Parameters
    ----------
    z
        The height (mm).
    size
        Rows and columns.
    heart
        Width of the heart, as a multiple of the usual.

    Returns
    -------
    numpy.ndarray
        Hounsfield units, int16 of shape (size, size).

    """
    plane = Canvas(np.full((size, size), AIR, dtype=np.int16), axis(size))
    inner = _trunk(plane, z)
    _thoracic_cavity(plane, z, inner, heart)
    _spine(plane, z)
    _shoulders(plane, z)
    return plane.hu


@dataclass(frozen=True)
class Projection:
    """Sums along rays, in centimetres: float32 of shape (heights, :data:`COARSE`).

    ``heights`` are those of the rays (mm). ``air`` is the air inside the body on a ray from back to front; ``water`` is
    the water that attenuates a ray from side to side as much as all soft tissue does.
    """

    heights: np.ndarray
    air: np.ndarray
    water: np.ndarray


@cache
def project(heart: float = 1.0) -> Projection:
    """Sum along rays through slices 4 mm apart, with bones counted as muscle.

    Bones are finer than these slices; :mod:`pacslab.cohort.anatomy.cr` adds them as lengths in closed form.
    """
    heights = np.arange(-44, 324, 4, dtype=np.float32)
    usual = None if heart == 1.0 else project(1.0)
    centimetres = WIDTH / COARSE / 10
    air, water = [], []
    for z in heights:
        if usual is not None and not beside_heart(float(z)):
            continue
        plane = np.minimum(draw_slice(float(z), COARSE, heart), MUSCLE)
        dense = (plane + np.int16(1000)).astype(np.int32)
        body = plane > -600
        first, last = body.argmax(axis=0), COARSE - body[::-1].argmax(axis=0)
        rows = np.arange(COARSE)[:, None]
        within = (rows >= first) & (rows < last) & body.any(axis=0)
        air.append(np.where(within & (plane < -400), 1000 - dense, 0).sum(axis=0))
        water.append(dense.sum(axis=1))
    scale = np.float32(centimetres / 1000)
    made = Projection(heights, np.stack(air).astype(np.float32) * scale, np.stack(water).astype(np.float32) * scale)
    if usual is None:
        return made
    changed = [beside_heart(float(z)) for z in heights]
    whole = Projection(heights, usual.air.copy(), usual.water.copy())
    whole.air[changed], whole.water[changed] = made.air, made.water
    return whole


def beside_heart(z: float) -> bool:
    """Return whether a slice at height ``z`` (mm) shows the heart."""
    return section(z, *HEART) > 0


def chest_width(z: np.ndarray) -> np.ndarray:
    """Return half the inner width of the rib cage at heights ``z`` (mm)."""
    return 128.0 * np.sqrt(np.clip(1 - ((z - 95) / 190) ** 2, 0.04, 1)).astype(np.float32)


def chest_depth(z: np.ndarray) -> np.ndarray:
    """Return half the inner depth of the rib cage at heights ``z`` (mm)."""
    return 90.0 * np.sqrt(np.clip(1 - ((z - 85) / 215) ** 2, 0.04, 1)).astype(np.float32)


def spine_bend(z: np.ndarray) -> np.ndarray:
    """Return the forward shift of the spine at heights ``z`` (mm), as the chest narrows towards the neck."""
    return np.asarray(26 * np.clip((z - 175) / np.float32(101), 0, 1.3), dtype=np.float32)


def oval(plane: Canvas, *ring: float) -> tuple[tuple[slice, slice], np.ndarray]:
    """Return the bounding window of an ellipse in a plane, and the squared radius in it (1 at the edge).

    ``ring`` is x, y and two half axes (mm), and degrees if it is turned.
    """
    x, y, a, b, *turn = ring
    reach, pitch = max(a, b), WIDTH / plane.size
    rows, columns = (
        slice(max(0, int((middle - reach + WIDTH / 2) / pitch)), max(0, int((middle + reach + WIDTH / 2) / pitch) + 1))
        for middle in (y, x)
    )
    dx, dy = plane.x[:, columns] - x, plane.y[rows] - y
    if turn and turn[0]:
        c, s = exact.turned(turn[0])
        dx, dy = c * dx + s * dy, c * dy - s * dx
    return (rows, columns), (dx / a) ** 2 + (dy / b) ** 2


def _fill(plane: Canvas, value: float, *ring: float) -> None:
    """Paint an ellipse: x, y, half axes, and degrees if it is turned (see :func:`oval`)."""
    if min(ring[2:4]) > 0:
        window, radius = oval(plane, *ring)
        plane.hu[window][radius < 1] = value


def _bone(plane: Canvas, *ring: float, rim: float = 2.2) -> None:
    """Paint a bone: dense rim, marrow inside."""
    x, y, a, b, *turn = ring
    _fill(plane, CORTEX, *ring)
    _fill(plane, MARROW, x, y, a - rim, b - rim, *turn)


def section(z: float, centre: float, half: float) -> float:
    """Return the width of an ellipsoid at height ``z`` as a share of its greatest: 1 at its centre, 0 outside."""
    return float(np.sqrt(max(0.0, 1 - ((z - centre) / half) ** 2)))


def _trunk(plane: Canvas, z: float) -> np.ndarray:
    """Paint skin, fat, muscle and rib cage; return the squared radius inside the rib cage (1 at its inner surface)."""
    width, depth = (float(half(np.array(z, dtype=np.float32))) for half in (chest_width, chest_depth))
    shoulder = max(0.0, (z - 175) / 100)
    outer_a = 162 + 10 * shoulder - 22 * max(0.0, (z - 240) / 36)
    outer_b = 118 - 26 * shoulder
    for value, skin in ((50, 0.0), (FAT, 2.2)):
        window, radius = _boxy(plane, outer_a - skin, outer_b - skin)
        plane.hu[window][radius < 1] = value
    window, radius = _boxy(plane, outer_a - 15 + 6 * shoulder, outer_b - 13 + 4 * shoulder)
    plane.hu[window][radius < 1] = MUSCLE
    # streaks of fat between the muscles of the chest wall
    inner = (plane.x / width) ** 2 + (plane.y / depth) ** 2
    between = np.abs(inner - 1.33) < 0.035
    plane.hu[between & (plane.hu == MUSCLE)] = FAT
    shell = (inner > 1.0) & (inner < 1.15)
    phase = ((z + 36 * (1 - plane.y / depth)) / 25.0) % 1.0
    rib = shell & (phase < 0.46)
    rim = (inner < 1.035) | (inner > 1.115) | (phase < 0.05) | (phase > 0.41)
    front = -0.72 * depth > plane.y
    plane.hu[rib & rim] = CORTEX
    plane.hu[rib & ~rim] = MARROW
    plane.hu[rib & front] = CARTILAGE
    if 85 < z < 215:
        _bone(plane, 0, -depth - 6, 21 if z > 195 else 15, 6.5)
    return inner


def _boxy(plane: Canvas, a: float, b: float) -> tuple[tuple[slice, slice], np.ndarray]:
    """Return the window and squared radius of an ellipse with filled corners."""
    columns = slice(*np.searchsorted(plane.axis, (-a, a)))
    rows = slice(*np.searchsorted(plane.axis, (-b, b)))
    x, y = (plane.x[:, columns] / a) ** 2, (plane.y[rows] / b) ** 2
    return (rows, columns), x + y - 0.26 * x * y


def _thoracic_cavity(plane: Canvas, z: float, inner: np.ndarray, heart: float) -> None:
    cavity = inner < 0.985
    right = 92 - ((plane.x + 62) / 9.5) ** 2 - ((plane.y - 4) / 10.5) ** 2
    left = 80 - ((plane.x - 64) / 9.5) ** 2 - ((plane.y - 4) / 10.5) ** 2
    dome = np.maximum(right, left)
    below = cavity & (z < dome)
    lungs = cavity & ~below & (z < APEX)
    grade = (LUNG + 35 * (plane.y + 60) / 120).astype(np.int16)
    plane.hu[lungs] = np.broadcast_to(grade, plane.hu.shape)[lungs]
    if below.any():
        _abdomen(plane, z, below, right, left)
    _mediastinum(plane, z, lungs, heart)


def _abdomen(plane: Canvas, z: float, below: np.ndarray, right: np.ndarray, left: np.ndarray) -> None:
    """Paint liver, stomach and spleen under the two domes of the diaphragm."""
    plane.hu[below] = FAT
    liver = below & ((z < right - 3) | (plane.x < 30)) & (plane.x + 0.35 * plane.y < 34)
    plane.hu[liver] = LIVER
    if z < 78:
        spleen = below & (((plane.x - 88) / 32) ** 2 + ((plane.y - 38) / 34) ** 2 + ((z - 34) / 40) ** 2 < 1)
        stomach = below & (((plane.x - 62) / 36) ** 2 + ((plane.y + 22) / 40) ** 2 + ((z - 40) / 34) ** 2 < 1)
        plane.hu[stomach] = MUSCLE
        inside = below & (((plane.x - 62) / 32) ** 2 + ((plane.y + 22) / 36) ** 2 + ((z - 40) / 32) ** 2 < 1)
        gas = plane.y <= -22 if plane.size == FINE else np.full(plane.y.shape, z > 54)  # lying, or standing
        plane.hu[inside & ~gas] = WATER
        plane.hu[inside & gas & (z > 40)] = -950
        plane.hu[spleen] = SPLEEN
        if plane.size == FINE:
            for x, y in np.random.default_rng(int(z) + 100).uniform(-1, 1, (7, 2)) * (38, 40) + (-66, -5):
                if liver[int((y + 180) / PIXEL), int((x + 180) / PIXEL)]:
                    _fill(plane, 150, float(x), float(y), 4.5, 2.5, 40)
    plane.hu[below & (z > np.maximum(right, left) - 2.5)] = MUSCLE


def _mediastinum(plane: Canvas, z: float, lungs: np.ndarray, large: float) -> None:
    """Paint heart, great vessels, airway and gullet between the lungs."""
    region = np.zeros_like(lungs)
    heart = 0.95 * section(z, *HEART) * large
    if heart:
        window, radius = oval(plane, 15 * large, -22, 66 * heart + 1, 49 * heart + 1, 32)
        region[window] |= radius < 1
    waist = 29 - 5 * section(z, 185, 30) - 6 * max(0.0, min(1.0, (z - 205) / 50))
    window, radius = oval(plane, -1, 2, waist, 66)
    region[window] |= radius < 1
    window, radius = oval(plane, 0, 66 - float(spine_bend(np.array(z, dtype=np.float32))), 30, 30)
    region[window] |= radius < 1
    plane.hu[region & lungs] = FAT
    if heart and z > 52:
        _heart(plane, z, heart, 15 * (large - 1))
    _great_vessels(plane, z)
    _airways(plane, z)


def _heart(plane: Canvas, z: float, size: float, aside: float) -> None:
    _fill(plane, MYOCARDIUM, 15 + aside, -22, 62 * size, 45 * size, 32)
    if size < 0.45:
        return
    _fill(plane, BLOOD, 40 + aside, -14, 26 * size, 17 * size, 38)  # left ventricle
    _fill(plane, BLOOD - 20, 6 + aside, -44, 30 * size, 13 * size, 22)  # right ventricle
    _fill(plane, BLOOD - 15, -26 + aside, -20, 19 * size, 20 * size)  # right atrium
    if z > 108:
        _fill(plane, BLOOD + 10, 8 + aside, 12, 30 * size, 14 * size)  # left atrium
    if size > 0.6:
        _fill(plane, FAT, -10 + aside, -36, 5, 3, 60)  # the groove of the right coronary artery


def _great_vessels(plane: Canvas, z: float) -> None:
    if z < 205:
        _fill(plane, AORTA, 20, 42, 12.5, 12.5)
    if z < 100:
        _fill(plane, BLOOD - 40, -24, 14, 13, 11)
    if 140 < z < 202:
        _fill(plane, AORTA, -10, -22, 16.5, 16.5)
    if 138 < z < 220:
        _fill(plane, AORTA + 30, -31, -8, 9, 8)
    trunk = section(z, 166, 19)
    _fill(plane, BLOOD + 25, 21, -26, 16 * trunk, 15 * trunk)  # pulmonary trunk
    for side, hilum in ((-1, 149), (1, 157)):
        part = section(z, hilum, 21)
        _fill(plane, BLOOD + 25, side * (30 + 9 * part), 2, 11 * part, 15 * part, side * 20)
    knob = section(z, 199, 18)
    _fill(plane, AORTA, 21, 22, 17 * knob, 26 * knob)  # the arch, where it turns down
    if 152 <= z <= 170:
        _fill(plane, BLOOD + 25, -8, -1, 36, 8.5, 8)
    if 200 <= z <= 212:
        _fill(plane, AORTA, 7, 6, 14, 39, -28)
    if z > 212:
        for x, y, radius in ((-15, -12, 7), (5, -4, 5.5), (20, 4, 5.5), (-24, -22, 8), (14, -27, 7.5)):
            spread = 1 + (z - 212) / 130
            _fill(plane, AORTA - 10, x * spread, y, radius, radius)


def _airways(plane: Canvas, z: float) -> None:
    _fill(plane, 45, 9, 32 - 0.35 * float(spine_bend(np.array(z, dtype=np.float32))), 8, 6)
    if z >= 180:
        _fill(plane, MUSCLE, 0, 12, 11, 10.5)
        _fill(plane, AIR, 0, 12, 9, 8.5)
    elif z >= 128:
        down = (180 - z) / 52
        for side, slope in ((-1, 38), (1, 46)):
            x, y = side * (9 + slope * down), 13 + 8 * down
            radius = 7.2 - 2 * down
            _fill(plane, MUSCLE, x, y, (radius + 1.8) * 1.25, radius + 1.8)
            _fill(plane, AIR, x, y, radius * 1.25, radius)


def _spine(plane: Canvas, z: float) -> None:
    level = (z / 23.0) % 1.0
    forward = float(spine_bend(np.array(z, dtype=np.float32)))
    _fill(plane, MUSCLE, -32, 96 - forward, 26, 15, 12)
    _fill(plane, MUSCLE, 32, 96 - forward, 26, 15, -12)
    if level < 0.78:
        _bone(plane, 0, 66 - forward, 18.5, 15.5)
    else:
        _fill(plane, 90, 0, 66 - forward, 18.5, 15.5)
    _bone(plane, -24, 88 - forward, 17, 5, -18)
    _bone(plane, 24, 88 - forward, 17, 5, 18)
    _fill(plane, CORTEX, 0, 87 - forward, 14, 12)
    _bone(plane, 0, 104 - forward, 4.2, 14, rim=1.6)
    _fill(plane, 25, 0, 86 - forward, 9.5, 8.5)
    _fill(plane, 42, 0, 86 - forward, 5.5, 4.8)


def _shoulders(plane: Canvas, z: float) -> None:
    if z > 120:
        for side in (-1, 1):
            grow = min(1.0, (z - 120) / 60)
            _bone(plane, side * 100, 76 - 14 * max(0.0, (z - 175) / 100), 13 + 26 * grow, 4.2, -side * 38, rim=1.6)
    if 236 < z < 266:
        for side in (-1, 1):
            _bone(plane, side * (48 + (z - 236) * 1.4), -58 + (z - 236) * 0.5, 30, 6.5, side * 22)
