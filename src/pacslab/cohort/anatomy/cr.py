"""Chest radiographs in two views: attenuation of X-rays on straight lines through a thorax.

Lungs, heart, vessels and domes are :func:`pacslab.cohort.anatomy.thorax.project`'s: sums along rays through the slices
that computed tomography shows. Finer structures are added in closed form: bones (the length of a ray in the shell of a
rib is known, and it crosses a rib behind and a rib in front), neck and arms, and the finding.

In the posteroanterior view (``PA``) the viewer faces the patient, whose left is on the right; in the left lateral
(``LL``) the patient looks to the left.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from pacslab.cohort.anatomy import exact
from pacslab.cohort.anatomy.clouds import cloud
from pacslab.cohort.anatomy.thorax import LARGE_HEART, WIDTH, chest_depth, chest_width, project, spine_bend

if TYPE_CHECKING:
    from pacslab.scenario import Stream

ROWS = 512
COLUMNS = 512
SPACING = 0.68
"""Millimetres between pixels."""

VIEWS = ("PA", "LL")
PATIENT_ORIENTATION = {"PA": ("L", "F"), "LL": ("P", "F")}
"""Patient Orientation (0020,0020) of each view."""

TOP = 316.0
"""Height of the first row above the origin of the thorax (mm)."""
APEX_OF_PICTURE = 278.0
"""Above this height only the windpipe holds air (mm)."""

X = ((np.arange(COLUMNS) - (COLUMNS - 1) / 2) * SPACING).astype(np.float32)[None, :]
Z = (TOP - np.arange(ROWS) * SPACING).astype(np.float32)[:, None]


@dataclass(frozen=True)
class Chest:
    """Attenuation besides the lungs, shared by a cohort: centimetres of water, each of shape (rows, columns).

    ``trunk``, ``bones`` and ``markings`` are those of the frontal view, ``side_bones`` and ``side_markings`` those of
    the lateral.
    """

    trunk: np.ndarray
    bones: np.ndarray
    markings: np.ndarray
    side_bones: np.ndarray
    side_markings: np.ndarray


def _chord(radius: np.ndarray) -> np.ndarray:
    """Return the length of a ray in a unit ball at a squared distance from its centre."""
    return np.asarray(np.sqrt(np.maximum(0, 1 - radius)))


def _ball(*oval: float, across: np.ndarray = X, up: np.ndarray = Z) -> np.ndarray:
    """Return the length of rays in an ellipsoid, as a share of its depth.

    ``oval`` is x, z and the half axes (mm), and degrees if it is turned; ``across`` and ``up`` are the rays.
    """
    x, z, a, c, *turn = oval
    dx, dz = across - x, up - z
    if turn:
        cosine, sine = (np.float32(part) for part in exact.turned(turn[0]))
        dx, dz = cosine * dx + sine * dz, cosine * dz - sine * dx
    return _chord((dx / a) ** 2 + (dz / c) ** 2)


def _soft(distance: np.ndarray, edge: float) -> np.ndarray:
    """Return 1 where a signed distance (mm) is positive, falling to 0 over ``edge`` millimetres."""
    return np.clip(distance / edge + 0.5, 0, 1)


def _fraction(value: np.ndarray) -> np.ndarray:
    """Return the remainder of division by one: the same bits as ``%``, in an eightieth of the time."""
    return np.asarray(value - np.floor(value))


def draw_chest(stream: Stream) -> Chest:
    """Draw the cohort's chest without lungs and heart, which differ most between patients."""
    front = _markings(stream, [(side * 32.0, 152.0 if side < 0 else 158.0) for side in (-1, 1)])
    side = _markings(stream, [(4.0, 154.0), (10.0, 150.0)])
    return Chest(_trunk(), _bones(chest_width(Z) * 1.04), front, _side_bones(chest_depth(Z)), side)


@cache
def _lungs(heart: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the projections of the thorax, of shape (ROWS, COLUMNS): air from the front, water from the side (cm)."""
    rays = project(heart)
    return _spread(rays.air, rays.heights), _spread(rays.water, rays.heights)


def _spread(coarse: np.ndarray, heights: np.ndarray) -> np.ndarray:
    """Interpolate coarse rays at every pixel by quadratic splines; returns shape (ROWS, COLUMNS)."""
    pitch = WIDTH / coarse.shape[1]
    places = (
        (Z[:, 0] - heights[0]) / (heights[1] - heights[0]),
        (X[0] + WIDTH / 2) / np.float32(pitch) - np.float32(0.5),
    )
    for turn, place in enumerate(places):
        middle = np.clip(np.rint(place), 1, coarse.shape[turn] - 2)
        share = (place - middle).astype(np.float32)
        index = middle.astype(np.intp)
        share = share[:, None] if turn == 0 else share[None, :]
        below, above = np.float32(0.5) - share, np.float32(0.5) + share
        fine = np.take(coarse, index - 1, axis=turn) * (np.float32(0.5) * below * below)
        fine += np.take(coarse, index, axis=turn) * (np.float32(0.75) - share * share)
        fine += np.take(coarse, index + 1, axis=turn) * (np.float32(0.5) * above * above)
        coarse = fine
    return coarse


def _trunk() -> np.ndarray:
    """Return the thickness of neck, shoulders and trunk."""
    arms = 12 * np.clip((Z - 190) / 60, 0, 1) - 6 * np.clip((90 - Z) / 90, 0, 1)
    width = 58 + (106 + arms) / (1 + exact.exp((Z - 268) / 9))
    thick = 21.5 - 6.5 / (1 + exact.exp((252 - Z) / 16))
    edge = np.abs(X) / width
    return np.asarray(thick * np.sqrt(np.sqrt(np.maximum(0, 1 - np.square(np.square(edge))))), dtype=np.float32)


def _bones(width: np.ndarray) -> np.ndarray:
    side = np.abs(X) / (width * 1.035)
    across = np.minimum(side, 1.0)
    deep = np.sqrt(1 - across**2)
    oblique = np.minimum(1 / np.sqrt(deep**2 + 0.05), 2.6)
    inside = side < 1.0
    bones = np.zeros((ROWS, COLUMNS), dtype=np.float32)
    for back, strength in ((1, 0.62), (-1, 0.34)):
        phase = _fraction((Z + 36 * (1 - back * deep) + 4) / 25.0)
        height = np.minimum(phase, 0.46 - phase)
        profile = np.clip(height / 0.05, 0, 1) * (0.62 + 0.38 * (height < 0.075))
        reach = _soft(across - (0.12 if back > 0 else 0.5), 0.08 if back > 0 else 0.14)
        bones += strength * profile * oblique * reach * inside * ((Z < 268) & (Z > -40))
    bones += _spine() + _shoulder_girdle()
    return bones


def _side_bones(depth: np.ndarray) -> np.ndarray:
    """Return ribs of both sides, one over the other, the vertebrae and the breastbone from the side."""
    side = X / (depth * 1.04)
    across = np.minimum(np.abs(side), 1.0)
    deep = np.sqrt(1 - across * across)
    oblique = np.minimum(1 / np.sqrt(deep * deep + 0.06), 2.4)
    bones = np.zeros((ROWS, COLUMNS), dtype=np.float32)
    for shift in (0.0, 5.5):
        phase = _fraction((Z + shift + 36 * (1 - side)) / 25.0)
        height = np.minimum(phase, 0.46 - phase)
        profile = np.clip(height / 0.06, 0, 1) * (0.6 + 0.4 * (height < 0.08))
        reach = _soft(side + 0.72, 0.2) * (np.abs(side) < 1)
        bones += 0.26 * profile * oblique * reach * ((Z < 262) & (Z > -40))
    level = (Z / 23.0) % 1.0
    bend = spine_bend(Z)
    away = np.abs(X - 66 + bend) - 1.5 * np.square(2 * level - 0.8)
    plates = 1 + 0.5 * ((level < 0.07) | ((level > 0.71) & (level < 0.78)))
    bones += 1.9 * _soft(15.5 - away, 2.5) * np.where(level < 0.78, plates, 0.25)
    bones += 0.9 * _soft(3.2 - np.abs(X - 84 + bend), 3) * (level < 0.5)  # pedicles
    bones += 0.6 * _soft(9 - np.abs(X - 103 + bend + 10 * (level - 0.4)), 4) * (np.abs(level - 0.4) < 0.2)
    front = -chest_depth(Z) - 6
    bones += 0.7 * _soft(5.5 - np.abs(X - front), 2) * ((Z > 85) & (Z < 222)) * (np.abs(Z - 196) > 1.5)
    return np.asarray(bones, dtype=np.float32)


def _spine() -> np.ndarray:
    level = (Z / 23.0) % 1.0
    body = _soft(17 - np.abs(X) + 2 * exact.cos(np.float32(2 * np.pi) * level), 3)
    spine = body * np.where(level < 0.8, 1.7, 1.1)
    spine += 0.7 * _soft(4 - np.abs(X), 3) * (level < 0.6)  # spinous processes, one above the other
    pedicles = (((np.abs(X) - 11) / 3.2) ** 2 + ((level - 0.35) / 0.2) ** 2) < 1
    return np.asarray(spine + 0.5 * pedicles)


def _shoulder_girdle() -> np.ndarray:
    away = np.abs(X)
    clavicle = 236 + 0.16 * away + 9 * exact.sin((away - 20) * np.float32(np.pi / 110))
    half = 6.2 - 1.2 * exact.sin(np.clip((away - 20) / 110, 0, 1) * np.float32(np.pi))
    distance = half - np.abs(Z - clavicle)
    bones = 1.25 * _soft(distance, 2.5) * (1 - 0.35 * _soft(distance - 2.5, 1.5)) * ((away > 14) & (away < 138))
    border = 118 + 14 * exact.sin((Z - 110) * np.float32(np.pi / 120))
    blade = _soft(away - border, 3) * _soft(228 - Z, 6) * _soft(Z - 105 - (away - 118) * 0.9, 6) * (away < 168)
    bones += 0.38 * blade + 0.5 * exact.exp(-np.square((away - border) / 2.4)) * ((Z > 108) & (Z < 228))
    head = np.sqrt(np.maximum(0, 1 - ((away - 168) / 24) ** 2 - ((Z - 236) / 25) ** 2))
    shaft = _soft(14 - np.abs(away - 172 - (236 - Z) * 0.06), 4) * (Z < 236)
    return np.asarray(bones + 2.2 * np.maximum(head, 0.9 * shaft), dtype=np.float32)


def _markings(stream: Stream, hila: list[tuple[float, float]]) -> np.ndarray:
    """Return the branching shadows of the lung vessels, thick at the hila."""
    rng = stream.numpy()
    image = np.zeros(ROWS * COLUMNS, dtype=np.float32)
    starts: list[tuple[float, float]] = []
    ways: list[tuple[float, float]] = []
    for side, hilum in zip((-1, 1), hila, strict=True):
        for angle in rng.uniform(-77, 69, 14):
            cosine, sine = exact.turned(float(angle))
            starts.append(hilum)
            ways.append((side * cosine, sine))
    start, way = np.array(starts), np.array(ways)
    radius = 3.6
    for length in (30.0, 26.0, 22.0, 18.0):
        steps = np.arange(0, length, 0.5)
        bend = rng.normal(0, 0.18, way.shape)
        path = start[:, None] + way[:, None] * steps[:, None] + bend[:, None] * (steps**2 / length)[:, None]
        columns = np.rint(path[..., 0] / SPACING + (COLUMNS - 1) / 2).astype(np.intp).ravel()
        rows = np.rint((TOP - path[..., 1]) / SPACING).astype(np.intp).ravel()
        reach = int(np.ceil(radius / SPACING))
        for dy in range(-reach, reach + 1):
            for dx in range(-reach, reach + 1):
                thick = 1 - (dx * dx + dy * dy) * SPACING**2 / (radius + 0.35) ** 2
                if thick > 0:
                    at = (rows + dy) * COLUMNS + columns + dx
                    image[at] = np.maximum(image[at], 0.42 * radius * np.sqrt(thick))
        end = path[:, -1]
        start = np.repeat(end, 2, axis=0)
        way = np.repeat(way, 2, axis=0) + rng.normal(0, 0.42, (len(start), 2))
        way /= np.linalg.norm(way, axis=1, keepdims=True)
        radius *= 0.62
    return image.reshape(ROWS, COLUMNS)


def patient_radiograph(  # noqa: PLR0917 - the order is that of the drawing
    chest: Chest, grain: np.ndarray, stream: Stream, shape: str, sex: str, view: str = "PA"
) -> np.ndarray:
    """Draw a patient's radiograph, bones bright.

    Parameters
    ----------
    chest
        What :func:`draw_chest` returned.
    grain
        Noise of unit deviation, at least (rows, columns).
    stream
        The patient's build and finding are drawn from it: give both views streams of the same labels.
    shape
        The finding (see ``pacslab.cohort.recipe.sections.SHAPES``).
    sex
        ``F`` or ``M``.
    view
        One of :data:`VIEWS`.

    Returns
    -------
    numpy.ndarray
        12 bits in uint16 of shape (rows, columns).

    """
    across, along, size = stream.uniform(0.93, 1.04), stream.uniform(0.95, 1.04), stream.uniform(0.8, 1.15)
    place = _place(stream, shape)
    air, side_water = _lungs(LARGE_HEART if shape == "cardiomegaly" else 1.0)
    if view == "PA":
        lung = air * (1 - _fluid(shape))
        water = chest.trunk - 0.95 * lung + _broken(chest.bones, shape, place)
        water += chest.markings * np.clip(lung / 6, 0, 1) + _opacity(stream, shape, place) * np.clip(lung / 4, 0, 1)
        water -= 1.5 * _soft(8.2 - np.abs(X - 1), 3) * (Z > APEX_OF_PICTURE) * (chest.trunk > 1)
    else:
        shown = np.clip((30 - side_water) / 10, 0, 1)
        water = 0.82 * side_water + chest.side_bones * (side_water > 6) + chest.side_markings * shown
        water += _side_opacity(stream, shape, place) * shown * (side_water > 8)
    if sex == "F":
        breasts = _breasts(size, view)
        water += breasts if view == "PA" else breasts * np.clip((14 - side_water) / 12, 0, 1)
    water = _scaled(water, across, along)
    exposed = exact.exp(-0.115 * water)
    exposed += 0.012 * np.sqrt(exposed) * grain[:ROWS, :COLUMNS] * (1.0 if view == "PA" else 1.4)
    shown = np.clip((water_of(exposed) - (4.6 if view == "PA" else 5.5)) / (20.5 if view == "PA" else 25.0), 0, 1)
    picture = (3950 * shown + 60).astype(np.uint16)
    _marker(picture)
    return picture


def water_of(exposed: np.ndarray) -> np.ndarray:
    """Return the centimetres of water that transmit this share of the beam: the plate reader's logarithm."""
    return np.asarray(exact.log10(np.maximum(exposed, 1e-4)) * np.float32(-2.302585 / 0.115))


def _place(stream: Stream, shape: str) -> tuple[float, float, float]:
    """Return where a finding lies: x, y and z (mm)."""
    side = -1 if shape.endswith("right") else 1
    if shape.startswith("rib-fracture"):
        return side * stream.uniform(88, 100), 20.0, stream.uniform(96, 150)
    return side * stream.uniform(58, 76), stream.uniform(-26, 18), stream.uniform(184, 206)


def _breasts(size: float, view: str) -> np.ndarray:
    """Return the thickness of breasts (cm)."""
    if view == "PA":
        return np.asarray(sum(2.6 * size * _ball(side * 76, 74, 56 * size, 48 * size, side * 12) for side in (-1, 1)))
    return 9.0 * size * _ball(-98, 72, 40 * size, 50 * size)


def _fluid(shape: str) -> np.ndarray | float:
    """Return the share of air that an effusion displaces on each frontal ray; it rises along the chest wall."""
    if not shape.startswith("effusion"):
        return 0.0
    outward = np.maximum(0, (X if shape.endswith("left") else -X) - 26)
    level = 44 + 0.0125 * outward * outward
    return np.asarray(np.clip((level - Z) / 48, 0, 1) * (outward > 0))


def _opacity(stream: Stream, shape: str, place: tuple[float, float, float]) -> np.ndarray | float:
    side = -1 if shape.endswith("right") else 1
    x, _, z = place
    if shape.startswith("nodule"):
        return 2.6 * _ball(x, z, 8.5, 8)
    if shape.startswith("calcification"):
        return 3.4 * _ball(x, z, 4.6, 4.2) + 2.2 * _ball(side * 37, 150, 3.5, 4)
    if shape.startswith("consolidation"):
        patches = cloud(stream, ROWS, COLUMNS, 16)
        patch = exact.exp(-np.square((X - side * 78) / 30) - np.square((Z - 104) / 30))
        return np.asarray(5.0 * patch * np.clip(0.9 + 0.8 * patches, 0.25, 1.6))
    return 0.0


def _side_opacity(stream: Stream, shape: str, place: tuple[float, float, float]) -> np.ndarray | float:
    """Return the attenuation that a finding adds in the lateral view (cm of water)."""
    _, y, z = place
    if shape.startswith("nodule"):
        return 2.6 * _ball(y, z, 8.5, 8)
    if shape.startswith("calcification"):
        return 3.4 * _ball(y, z, 4.6, 4.2) + 2.2 * _ball(4, 150, 3.5, 4)
    if shape.startswith("consolidation"):
        patches = cloud(stream, ROWS, COLUMNS, 16)
        patch = exact.exp(-np.square((X - 34) / 34) - np.square((Z - 104) / 30))
        return np.asarray(5.0 * patch * np.clip(0.9 + 0.8 * patches, 0.25, 1.6))
    if shape.startswith("effusion"):
        behind = np.maximum(0, X + 10)
        return np.asarray(8.0 * np.clip((34 + 0.008 * behind * behind - Z) / 40, 0, 1) * (behind > 0))
    return 0.0


def _broken(bones: np.ndarray, shape: str, place: tuple[float, float, float]) -> np.ndarray:
    """Return bones with one rib broken at its side: a dark line, and the outer part lower by half a rib."""
    if not shape.startswith("rib-fracture"):
        return bones
    x, _, z = place
    side = 1 if x > 0 else -1
    deep = (1 - (x / (128 * 1.07)) ** 2) ** 0.5
    z = 25 * (round((z + 36 * (1 - deep) + 4) / 25) + 0.23) - 36 * (1 - deep) - 4  # the middle of a rib behind
    row, column = round((TOP - z) / SPACING), round(x / SPACING + (COLUMNS - 1) / 2)
    broken = bones.copy()
    rows = slice(row - 13, row + 20)
    outer = slice(column, column + 24) if side > 0 else slice(column - 24, column)
    broken[rows, outer] = 1.15 * bones[row - 23 : row + 10, outer]
    lean = np.arange(-13, 20) // 5 * side
    for step, shift in zip(range(row - 13, row + 20), lean, strict=True):
        broken[step, column + shift - 1 : column + shift + 2] *= 0.1
    return broken


def _scaled(image: np.ndarray, across: float, along: float) -> np.ndarray:
    rows = np.clip(np.rint((np.arange(ROWS) - ROWS / 2) / along + ROWS / 2), 0, ROWS - 1).astype(np.intp)
    columns = np.clip(np.rint((np.arange(COLUMNS) - COLUMNS / 2) / across + COLUMNS / 2), 0, COLUMNS - 1)
    return np.asarray(image[rows[:, None], columns.astype(np.intp)])


def _marker(picture: np.ndarray) -> None:
    """Burn the lead letter L beside the patient's left shoulder."""
    picture[30:60, 466:471] = 4000
    picture[55:60, 466:484] = 4000
