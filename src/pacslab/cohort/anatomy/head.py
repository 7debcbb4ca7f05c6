"""A head as tissues: scalp, skull, brain with its folds, ventricles, eyes, nose and a face.

Coordinates are those of the patient coordinate system (x to the patient's left, y to the back, z to the crown), in mm,
with the origin between the anterior and the posterior commissure. Sizes are those of an adult: brain 138 x 174 mm, head
152 x 200 mm.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np

from pacslab.cohort.anatomy import exact

if TYPE_CHECKING:
    from pacslab.scenario import Stream

SIZE = 256
"""Rows and columns."""
SLICES = 26
SPACING = 0.9375
"""Millimetres between pixels: 240 mm across."""
STEP = 6.5
"""Millimetres between slices: 5.5 mm thick, 1 mm apart."""
LOWEST = -95.5
"""Height of the first slice (mm): the lower lip."""
MIDDLE = -9.0
"""Place of the middle row (mm), as the nose needs room in front."""

_axis = ((np.arange(SIZE) - (SIZE - 1) / 2) * SPACING).astype(np.float32)
X = _axis[None, :]
Y = (_axis + np.float32(MIDDLE))[:, None]
Z = (LOWEST + np.arange(SLICES) * STEP).astype(np.float32)


class Tissue(IntEnum):
    """Tissue of a voxel."""

    AIR = 0
    SKIN = 1
    FAT = 2
    MUSCLE = 3
    CORTEX = 4
    MARROW = 5
    CSF = 6
    GREY = 7
    WHITE = 8
    NUCLEUS = 9
    PALLIDUM = 10
    VITREOUS = 11
    LENS = 12
    MUCOSA = 13
    VESSEL = 14
    GLAND = 15
    DURA = 16
    PLAQUE = 17
    INFARCT = 18
    TUMOUR = 19
    NECROSIS = 20
    OEDEMA = 21
    IRON = 22
    OLD_BLOOD = 23


BRAIN = (Tissue.GREY, Tissue.WHITE, Tissue.NUCLEUS, Tissue.PALLIDUM)

_PAIR, _MEDIAN = True, False
_DEEP = (  # tissue, a pair?, x, y, z, half axes a, b, c, degrees in the axial plane
    (Tissue.WHITE, _MEDIAN, 0, 2, 22, 21, 50, 15, 0),  # corpus callosum and the white matter about the ventricles
    (Tissue.NUCLEUS, _PAIR, 28, -4, 6, 8.5, 22, 12, -8),  # putamen
    (Tissue.PALLIDUM, _PAIR, 21.5, -3, 3, 5.5, 12, 8, -8),
    (Tissue.NUCLEUS, _PAIR, 14, -27, 12, 8, 11, 14, 10),  # head of the caudate
    (Tissue.NUCLEUS, _PAIR, 11.5, 11, 8, 9.5, 15, 11, 14),  # thalamus
    (Tissue.NUCLEUS, _PAIR, 18, 6, 26, 4.5, 22, 5, 6),  # body of the caudate
    (Tissue.CSF, _PAIR, 8.5, -30, 16, 4.2, 14, 10, -16),  # frontal horn
    (Tissue.CSF, _PAIR, 10, 2, 26, 5.5, 28, 6.5, 4),  # body of the lateral ventricle
    (Tissue.CSF, _PAIR, 22, 36, 14, 6, 13, 13, 24),  # trigone
    (Tissue.CSF, _PAIR, 25, 54, 8, 3.2, 12, 5, 6),  # occipital horn
    (Tissue.CSF, _PAIR, 31, 8, -14, 2.6, 16, 5, 8),  # temporal horn
    (Tissue.CSF, _MEDIAN, 0, 1, 3, 2.4, 15, 12, 0),  # third ventricle
    (Tissue.WHITE, _MEDIAN, 0, -30, 6, 8, 4, 5, 0),  # genu, below
    (Tissue.VESSEL, _MEDIAN, 0, 44, 4, 1.6, 7, 6, 0),  # straight sinus
    (Tissue.GREY, _PAIR, 19, 42, 12, 3.0, 5, 8, 20),  # choroid plexus
)
_STEM = (
    (Tissue.CSF, _MEDIAN, 0, -16, -19, 15, 11, 10, 0),  # suprasellar cistern
    (Tissue.CSF, _MEDIAN, 0, 11, -13, 19, 16, 9, 0),  # ambient cistern
    (Tissue.CSF, _MEDIAN, 0, 8, -40, 19, 18, 26, 0),  # prepontine cistern
    (Tissue.CSF, _MEDIAN, 0, 34, -70, 22, 18, 26, 0),  # cisterna magna
    (Tissue.WHITE, _PAIR, 9, 4, -12, 8, 10, 9, 30),  # peduncles
    (Tissue.WHITE, _MEDIAN, 0, 15, -12, 15, 9, 11, 0),  # midbrain
    (Tissue.WHITE, _MEDIAN, 0, 13, -32, 17, 13, 15, 0),  # pons
    (Tissue.WHITE, _PAIR, 22, 28, -34, 15, 8, 9, 30),  # middle peduncles of the cerebellum
    (Tissue.WHITE, _MEDIAN, 0, 20, -55, 10, 8.5, 24, 0),  # medulla
    (Tissue.WHITE, _MEDIAN, 0, 28, -84, 7, 6, 28, 0),  # cord
    (Tissue.CSF, _MEDIAN, 0, 31, -34, 8, 5.5, 9, 0),  # fourth ventricle
    (Tissue.CSF, _MEDIAN, 0, 20, -14, 1.3, 1.3, 9, 0),  # aqueduct
    (Tissue.VESSEL, _MEDIAN, 0, -3.5, -36, 1.7, 1.7, 16, 0),  # basilar artery
    (Tissue.VESSEL, _PAIR, 12, -18, -24, 2.4, 3, 9, 0),  # carotid arteries
    (Tissue.VESSEL, _PAIR, 20, -21, -13, 9, 1.3, 5, -8),  # middle cerebral arteries
)
_BASE = (
    (Tissue.MARROW, _MEDIAN, 0, -10, -46, 13, 9, 20, 0),  # clivus
    (Tissue.CORTEX, _PAIR, 38, 16, -42, 25, 8, 10, -40),  # petrous bones
    (Tissue.CSF, _PAIR, 24, 16, -38, 6, 1.8, 4, -30),  # inner ear canals
    (Tissue.AIR, _PAIR, 60, 28, -52, 8, 11, 17, 0),  # mastoid cells
    (Tissue.CORTEX, _MEDIAN, 0, -34, -36, 15, 13, 12, 0),
    (Tissue.AIR, _MEDIAN, 0, -34, -36, 13, 11, 10, 0),  # sphenoid sinus
    (Tissue.NUCLEUS, _MEDIAN, 0, -18, -28, 6, 4.5, 4, 0),  # pituitary
)
_FACE = (
    (Tissue.CORTEX, _PAIR, 29, -58, -60, 19, 24, 22, 0),
    (Tissue.MUCOSA, _PAIR, 29, -58, -60, 17, 22, 20, 0),
    (Tissue.AIR, _PAIR, 29, -58, -60, 15.5, 20.5, 18.5, 0),  # maxillary sinuses
    (Tissue.CORTEX, _PAIR, 12, -84, -12, 12, 5, 11, 0),
    (Tissue.AIR, _PAIR, 11, -84, -12, 10, 3.2, 9, 0),  # frontal sinuses
    (Tissue.CORTEX, _PAIR, 31, -62, -32, 21, 30, 19, 22),
    (Tissue.FAT, _PAIR, 30, -65, -32, 19, 29, 17, 22),  # orbits
    (Tissue.MUSCLE, _PAIR, 21.5, -58, -32, 2.2, 18, 7, 22),  # medial rectus
    (Tissue.MUSCLE, _PAIR, 39, -62, -32, 2.2, 17, 7, 30),  # lateral rectus
    (Tissue.WHITE, _PAIR, 25, -55, -32, 2.2, 24, 4, 20),  # optic nerves
    (Tissue.SKIN, _PAIR, 32, -80, -32, 14.2, 14.2, 14.2, 0),  # lids
    (Tissue.DURA, _PAIR, 32, -80, -32, 12.8, 12.8, 12.8, 0),  # sclera
    (Tissue.VITREOUS, _PAIR, 32, -80, -32, 11.8, 11.8, 11.8, 0),
    (Tissue.LENS, _PAIR, 32, -87.5, -32, 5, 2.4, 5, 0),
    (Tissue.MUCOSA, _MEDIAN, 0, -62, -54, 15, 34, 24, 0),
    (Tissue.AIR, _PAIR, 8, -62, -30, 5, 20, 9, 0),  # ethmoid cells
    (Tissue.AIR, _PAIR, 4, -66, -58, 2.0, 34, 16, 0),  # nasal passages
    (Tissue.AIR, _PAIR, 11, -62, -62, 2.0, 22, 12, 0),
    (Tissue.CORTEX, _MEDIAN, 0, -62, -52, 0.9, 30, 22, 0),  # septum
    (Tissue.AIR, _MEDIAN, 0, -20, -70, 10, 11, 26, 0),  # nasopharynx
    (Tissue.CORTEX, _PAIR, 50, -28, -74, 5, 15, 34, 6),
    (Tissue.MARROW, _PAIR, 50, -28, -74, 2.8, 12, 32, 6),  # mandible
    (Tissue.CORTEX, _PAIR, 64, -44, -52, 4, 26, 5, -14),
    (Tissue.MARROW, _PAIR, 64, -44, -52, 2, 24, 3, -14),  # zygomatic arches
    (Tissue.GLAND, _PAIR, 57, 0, -78, 9, 14, 24, 0),  # parotid glands
    (Tissue.FAT, _PAIR, 46, -62, -74, 9, 15, 20, 30),  # cheeks' fat
    (Tissue.FAT, _PAIR, 22, -8, -74, 9, 12, 26, 30),
    (Tissue.VESSEL, _PAIR, 27, 6, -80, 3.2, 3.2, 40, 0),  # carotids
    (Tissue.VESSEL, _PAIR, 33, 12, -80, 4.4, 3.8, 40, 0),  # jugular veins
    (Tissue.CORTEX, _MEDIAN, 0, -56, -96, 33, 38, 22, 0),
    (Tissue.MARROW, _MEDIAN, 0, -56, -96, 31, 36, 20, 0),  # upper jaw
    (Tissue.MUSCLE, _MEDIAN, 0, -50, -98, 24, 32, 26, 0),  # tongue
    (Tissue.AIR, _PAIR, 6, -107, -71, 3.6, 6, 5, 0),  # nostrils
)
_NECK = (
    (Tissue.FAT, _MEDIAN, 0, 72, -80, 3, 16, 40, 0),
    (Tissue.FAT, _PAIR, 22, 64, -84, 16, 2.0, 26, 14),
    (Tissue.FAT, _PAIR, 30, 48, -86, 16, 1.6, 26, 24),
    (Tissue.CORTEX, _PAIR, 24, 22, -84, 15, 9, 11, 10),
    (Tissue.MARROW, _PAIR, 24, 22, -84, 13, 7, 9, 10),  # atlas
    (Tissue.CORTEX, _MEDIAN, 0, 8, -84, 8, 8, 14, 0),
    (Tissue.MARROW, _MEDIAN, 0, 8, -84, 6, 6, 12, 0),  # dens
)


def draw_tissues(stream: Stream) -> np.ndarray:
    """Draw a head, with folds of the cortex from the stream.

    Returns
    -------
    numpy.ndarray
        :class:`Tissue` as uint8 of shape (slices, rows, columns).

    """
    folds = exact.spline_field(stream, (26, 34, 34), (SLICES, SIZE, SIZE))
    limit = exact.spline_field(stream, (8, 8), (SIZE, SIZE))
    return np.stack([_slice(float(z), fold, limit) for z, fold in zip(Z, folds, strict=True)])


Window = tuple[slice, slice]
EVERYWHERE = slice(None), slice(None)


def _window(x: float, y: float, across: float, along: float) -> Window:
    """Return the rows and columns within a distance of a place (mm)."""
    left, top = float(X[0, 0]), float(Y[0, 0])
    columns = slice(max(0, int((x - across - left) / SPACING)), max(0, int((x + across - left) / SPACING) + 2))
    return slice(max(0, int((y - along - top) / SPACING)), max(0, int((y + along - top) / SPACING) + 2)), columns


def _depth(z: float, *ball: float, window: Window = EVERYWHERE) -> np.ndarray:
    """Return the depth of each pixel in an ellipsoid, along the ray to its centre (mm, negative outside)."""
    x0, y0, z0, a, b, c = ball
    rows, columns = window
    dx, dy, dz = X[:, columns] - np.float32(x0), Y[rows] - np.float32(y0), np.float32(z - z0)
    square = dx * dx + dy * dy + dz * dz + np.float32(1e-3)
    share = dx * dx * np.float32(1 / a**2) + dy * dy * np.float32(1 / b**2) + dz * dz * np.float32(1 / c**2)
    return np.asarray(np.sqrt(square / (share + np.float32(1e-6))) - np.sqrt(square))


def _add(depths: np.ndarray, z: float, *ball: float, margin: float = 0.0, sign: int = 1) -> None:
    """Unite an ellipsoid, enlarged by ``margin``, with a field of depths; with ``sign`` -1, subtract it."""
    x, y, z0, a, b, c = ball
    if abs(z - z0) > c + margin:
        return
    window = _window(x, y, a + margin + 9, b + margin + 9)
    depth = _depth(z, *ball, window=window) + np.float32(margin)
    (np.maximum if sign > 0 else np.minimum)(depths[window], sign * depth, out=depths[window])


def paint(plane: np.ndarray, z: float, tissue: int, x: float, y: float, *ball: float) -> None:
    """Fill the section of an ellipsoid with the slice at ``z``.

    ``ball`` is the height of its centre and the half axes (mm), and degrees if it is turned in the axial plane.
    """
    z0, a, b, c, *turn = ball
    part = 1 - ((z - z0) / c) ** 2
    if part <= 0:
        return
    reach = max(a, b) * part**0.5
    rows, columns = _window(x, y, reach, reach)
    dx, dy = X[:, columns] - np.float32(x), Y[rows] - np.float32(y)
    if turn and turn[0]:
        cosine, sine = (np.float32(part) for part in exact.turned(turn[0]))
        dx, dy = cosine * dx + sine * dy, cosine * dy - sine * dx
    inside = dx * dx * np.float32(1 / a**2) + dy * dy * np.float32(1 / b**2) < np.float32(part)
    plane[rows, columns][inside] = tissue


def _paint_all(plane: np.ndarray, z: float, parts: tuple[tuple[object, ...], ...]) -> None:
    for tissue, paired, x, y, z0, a, b, c, turn in parts:
        for side in (1, -1) if paired else (1,):
            paint(plane, z, tissue, side * x, y, z0, a, b, c, side * turn)  # type: ignore[operator, arg-type]


LOBES = ((25, 47, -38, 28, 37, 27), (-25, 47, -38, 28, 37, 27), (0, 44, -36, 18, 36, 28))
"""The hemispheres of the cerebellum and the vermis: centre and half axes (mm)."""


def _slice(z: float, fold: np.ndarray, limit: np.ndarray) -> np.ndarray:
    vault, cavity = _cavities(z)
    outside = _outside(z, vault)
    plane = np.zeros((SIZE, SIZE), dtype=np.uint8)
    plane[outside > 0] = Tissue.SKIN
    plane[outside > 2.0] = Tissue.FAT
    plane[outside > (6.0 if z > -30 else 9.0)] = Tissue.MUSCLE
    if z < -30:
        streaks = np.abs(exact.sin(np.abs(X) * 0.14 + 1.8 * exact.sin(Y * 0.08 + np.float32(z * 0.05)))) < 0.15
        plane[streaks & (plane == Tissue.MUSCLE)] = Tissue.FAT
    _paint_all(plane, z, _NECK)
    bone = cavity > -7.5
    plane[bone & (outside > 2)] = Tissue.CORTEX
    plane[(cavity > -5.4) & (cavity < -2.0) & (outside > 4)] = Tissue.MARROW
    _paint_all(plane, z, _FACE)
    _nose(plane, z)
    inside = cavity > 0
    plane[inside] = Tissue.CSF
    below = _below_the_tent(z)
    _cerebrum(plane, z, np.where(below, -1, cavity - np.float32(2.4)), fold, limit)
    if z > -34:
        _paint_all(plane, z, _DEEP)
    _cerebellum(plane, z, inside & below)
    _membranes(plane, z, inside, vault)
    _paint_all(plane, z, _STEM)
    _paint_all(plane, z, _BASE)
    if z < -30:
        cells = exact.sin(X * 0.9 + np.float32(z)) * exact.sin(Y * 0.8) > 0.25
        mastoid = (plane == Tissue.AIR) & cells & (Y > 10) & (outside > 6)
        plane[mastoid] = Tissue.CORTEX
    return plane


def _cavities(z: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the depth of each pixel in the ellipsoid of the vault, and in the cavity of the skull (mm)."""
    vault = _depth(z, 0, 3, 4, 69, 88, 70)
    vault = vault + np.float32(0.03) * (Y - 3) * (1 - np.abs(X) / 90) - np.where(Y < 3, np.float32(0.02), 0) * np.abs(X)
    roofs = 10 * np.clip(1 - ((np.abs(X) - 31) / 20) ** 2, 0, 1)
    floor = np.where(Y < -14, np.float32(-23) + roofs, np.float32(-25))
    above = np.float32(z) - floor
    cavity = np.minimum(vault, np.where(above < 0, 2.2 * above, 8 * above))
    if z < 0:
        for ball in ((0, 46, -34, 56, 41, 34), (37, -14, -28, 27, 35, 20), (-37, -14, -28, 27, 35, 20)):
            cavity = np.maximum(cavity, _depth(z, *ball))
    if z < -50:
        _add(cavity, z, 0, 30, -84, 11, 12, 44)
    return vault, cavity


def _outside(z: float, vault: np.ndarray) -> np.ndarray:
    """Return the depth of each pixel under the skin (mm, negative in the air)."""
    skin = vault + np.float32(13.5)
    if z > 0:
        return skin
    for ball in FACE:
        _add(skin, z, *ball)
    for side in (-1, 1):
        _add(skin, z, side * 20, -84, -13, 24, 15, 11)  # brows
        _add(skin, z, side * 40, -64, -52, 23, 26, 18)  # cheekbones
        _add(skin, z, side * 33, -108, -34, 18, 15, 11, sign=-1)  # eye sockets
        _add(skin, z, side * 32, -80, -32, 14.2, 14.2, 14.2)
        ear = np.full_like(skin, -99)
        _add(ear, z, side * 80, 14, -36, 7, 17, 30)
        _add(ear, z, side * 87, 8, -36, 6, 10, 17, sign=-1)
        np.maximum(skin, ear, out=skin)
    _add(skin, z, 0, 46, -34, 56, 41, 34, margin=13)
    return np.asarray(np.maximum(skin, _nose_depth(z)))


FACE = (
    (0, -42, -62, 60, 60, 66),
    (0, 16, -112, 62, 70, 70),
    (0, -92, -84, 23, 17, 7),
    (0, -92, -94, 21, 16, 6),
    (0, -84, -122, 26, 26, 26),
)
"""Jaws, neck, upper lip, lower lip and chin: centre and half axes (mm)."""


def _nose_depth(z: float) -> np.ndarray:
    """Return the depth of each pixel in the nose (mm)."""
    down = (-28 - z) / 40
    if not 0 <= down < 1.15:
        return np.full((SIZE, SIZE), -99, dtype=np.float32)
    reach = (5 + 25 * down) * (1.0 if down < 1 else 0.75)
    half = 7 + 11 * down
    across = X * np.float32(1 / half)
    return np.asarray(
        np.minimum(Y + np.float32(92) + np.float32(reach) * (1 - across * across), -70 - Y) * np.float32(0.8)
    )


def _nose(plane: np.ndarray, z: float) -> None:
    """Fill the nose's tip with cartilage, and its root with bone."""
    if -66 < z < -30:
        paint(plane, z, Tissue.CORTEX if z > -50 else Tissue.MUCOSA, 0, -96 + (z + 30) * 0.3, z, 1.2, 8, 9)


def _below_the_tent(z: float) -> np.ndarray:
    """Return the mask of the posterior fossa, below the tentorium."""
    if z > -14:
        return np.zeros((SIZE, SIZE), dtype=bool)
    room = np.full((SIZE, SIZE), -1, dtype=np.float32)
    for ball in LOBES:
        _add(room, z, *ball, margin=1.3)
    behind = Y - np.float32(0.25) * np.abs(X) > 10
    return np.asarray((room > 0) | (behind & (z < -26)))


def _cerebrum(plane: np.ndarray, z: float, depth: np.ndarray, fold: np.ndarray, limit: np.ndarray) -> None:
    """Fold the cortex: grey matter along the surface, and along furrows where the field of folds crosses zero."""
    brain = depth > 0
    if not brain.any():
        return
    down, across = np.gradient(fold, np.float32(SPACING))
    furrow = np.abs(fold) / np.sqrt(down * down + across * across + np.float32(4e-4))
    reach = 18 + 6 * limit
    width = 1.75 * np.clip(1 - depth / np.maximum(reach, 3), 0, 1)
    middle = np.abs(X) - np.float32(1.2) + np.float32(0.5) * fold
    joined = (X / 40) ** 2 + ((Y - 2) / 50) ** 2 + ((np.float32(z) - 4) / 25) ** 2 < 1
    middle = np.where(joined, 99, middle)
    surface = np.minimum(depth, middle)
    sylvian = _sylvian(z, fold)
    surface = np.minimum(surface, sylvian)
    cortex = (
        (surface < 2.9)
        | ((furrow < 2.7 + width) & (depth < reach + 2.5) & ~joined)
        | ((furrow < 2.7) & (middle < 9) & ~joined)
    )
    fluid = (furrow < width) & (depth < reach) | (surface < 0) | ((furrow < 0.9) & (middle < 7) & ~joined)
    plane[brain] = Tissue.WHITE
    plane[brain & cortex] = Tissue.GREY
    plane[brain & fluid] = Tissue.CSF


def _sylvian(z: float, fold: np.ndarray) -> np.ndarray:
    """Return the distance (mm) from the fissure between the temporal lobe and its neighbours, and from the insula."""
    if not -16 < z < 18:
        return np.full((SIZE, SIZE), 99, dtype=np.float32)
    away = np.abs(X)
    line = np.abs(Y + np.float32(10 - 0.7 * z) - np.float32(0.12) * (away - 44) + 5 * fold) - np.float32(1.3)
    outer = np.where(away > 40, line, 99)
    bend = np.abs(away - np.float32(42.5) + np.float32(0.004) * (Y + 4) ** 2 + 4 * fold) - np.float32(1.2)
    return np.asarray(np.minimum(outer, np.where(np.abs(Y + 4) < 21, bend, 99)))


def _cerebellum(plane: np.ndarray, z: float, room: np.ndarray) -> None:
    """Fill the posterior fossa with leaves of grey matter on a white core."""
    depth = np.full((SIZE, SIZE), -1, dtype=np.float32)
    for ball in LOBES:
        _add(depth, z, *ball)
    inside = room & (depth > 0)
    if not inside.any():
        return
    leaf = exact.sin(depth * np.float32(1.55) + 0.8 * exact.sin(X * 0.21) + 0.5 * exact.sin(Y * 0.31))
    plane[inside] = Tissue.GREY
    branches = exact.sin(Y * 0.30 + 1.2 * exact.sin(X * 0.12) + np.float32(z * 0.4))
    plane[inside & (depth > 4) & (branches > 0.78)] = Tissue.WHITE
    core = np.maximum(*(_depth(z, side * 18, 40, -38, 17, 16, 12) for side in (-1, 1)))
    plane[inside & (core > 1.5 * leaf)] = Tissue.WHITE
    plane[inside & (depth < 11) & (leaf > 0.86)] = Tissue.CSF


def _membranes(plane: np.ndarray, z: float, inside: np.ndarray, vault: np.ndarray) -> None:
    """Draw the falx and the great veins under the skull."""
    joined = (Y / 50) ** 2 + np.float32(((z - 4) / 25) ** 2) < 1
    falx = (np.abs(X) < 0.6) & inside & (z > -10) & ~joined & (plane == Tissue.CSF)
    plane[falx] = Tissue.DURA
    if z > 0:
        sinus = (np.abs(X) < np.clip(5.5 - vault, 0, 5.5)) & inside & (Y > 0)
        plane[sinus] = Tissue.VESSEL
    if -30 < z < 0:
        plane[inside & (vault < 6) & (vault > 0.5) & (Y > 40) & (np.abs(np.float32(z + 14)) < 5)] = Tissue.VESSEL
