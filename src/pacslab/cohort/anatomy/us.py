"""Abdominal ultrasound from a curved probe: echoes along beams, speckle, and the fan on the screen."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from pacslab.cohort.anatomy import exact

if TYPE_CHECKING:
    from pacslab.scenario import Stream

ROWS = 480
COLUMNS = 640
VIEWS = ("kidney", "kidney", "liver", "gallbladder")
"""Views of a study's images, in turn; the study of a gallstone begins with the gallbladder."""

SAMPLES = 384
BEAMS = 224
DEPTH = 150.0
"""Millimetres from the skin to the bottom of the picture."""
FRAME_TIME = 66
"""Milliseconds between the frames of a loop (FrameTime)."""
PROBE = 55.0
"""Radius of the probe's curved face (mm)."""
SPREAD = math.radians(31)
"""Half the angle of the fan."""
APEX_ROW, APEX_COLUMN, SCALE = -64.0, 320.0, 2.55
"""Row and column of the centre of the probe's curve on the screen, and pixels a millimetre."""
PIXEL = 10 / SCALE / 100
"""Centimetres a pixel (PhysicalDeltaX and PhysicalDeltaY of the region)."""
SECTOR = (51, 57, 589, 458)
"""RegionLocationMinX0, MinY0, MaxX1 and MaxY1 of the fan (PS3.3 C.8.5.5)."""
BANNER = (0, 0, COLUMNS - 1, 43)
"""The rows above the fan, for the banner with the patient's name; no region covers them."""
DOPPLER = (240, 170, 420, 300)
"""Left, top, right and bottom of the colour box of :func:`in_colour`."""


@dataclass(frozen=True)
class Screen:
    """Scan conversion and tissue of a cohort's machine; arrays of samples have the shape (samples, beams).

    ``index`` is the flat index (sample, beam) of each pixel of the fan; ``inside`` is the fan's mask, of shape (rows,
    columns). ``x`` and ``y`` are the places of all samples in mm, sideways and down from the skin, ``angle`` the
    direction of each beam in radians, of shape (1, beams). ``speckle`` is the amplitude of random echoes, mean about
    1.25; ``tissue`` the echo strength of skin, muscle and liver; ``fading`` the share of the beam left at each depth.
    """

    inside: np.ndarray
    index: np.ndarray
    x: np.ndarray
    y: np.ndarray
    angle: np.ndarray
    speckle: np.ndarray
    tissue: np.ndarray
    fading: np.ndarray


def make_screen(stream: Stream) -> Screen:
    """Return the geometry and speckle of a cohort's machine."""
    dx = ((np.arange(COLUMNS, dtype=np.float32) - APEX_COLUMN) / SCALE)[None, :]
    dy = ((np.arange(ROWS, dtype=np.float32) - APEX_ROW) / SCALE)[:, None]
    radius, turned = np.sqrt(dx * dx + dy * dy), _angle(dx, dy)
    inside = (radius >= PROBE) & (radius < PROBE + DEPTH) & (np.abs(turned) < SPREAD)
    sample = ((radius[inside] - PROBE) * (SAMPLES / DEPTH)).astype(np.int32)
    beam = ((turned[inside] / SPREAD + 1) * (BEAMS / 2)).astype(np.int32)
    depth = (PROBE + (np.arange(SAMPLES, dtype=np.float32) + 0.5) / SAMPLES * DEPTH)[:, None]
    angle = (((np.arange(BEAMS, dtype=np.float32) + 0.5) / BEAMS * 2 - 1) * np.float32(SPREAD))[None, :]
    x, y = depth * exact.sin(angle), depth * exact.cos(angle) - np.float32(PROBE)
    below = depth - np.float32(PROBE)
    return Screen(
        inside=inside,
        index=np.minimum(sample, SAMPLES - 1) * BEAMS + np.minimum(beam, BEAMS - 1),
        x=x,
        y=y,
        angle=angle,
        speckle=_speckle(stream),
        tissue=_tissue(x, y, below),
        fading=exact.exp(-below / 230).astype(np.float32),
    )


def _tissue(x: np.ndarray, y: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Return echo strengths of liver under skin, fat and muscle."""
    echo = 0.15 * (1 + 0.22 * exact.sin(x / 9 + y / 13) * exact.sin(y / 7 - x / 21) + 0.1 * exact.sin(y / 23 + x / 31))
    near = below + 0.5 * exact.sin(x / 11) + 0.35 * exact.sin(x / 4.3 + 1)
    wall = near < 15.5
    layers = 0.07 + 0.05 * exact.sin(near * 2.4 + 0.4 * exact.sin(x / 6)) ** 2
    for at, thick, strength in ((0.8, 1.5, 0.9), (5.4, 0.6, 0.42), (9.7, 0.7, 0.36), (14.6, 0.9, 0.5)):
        layers = layers + strength * exact.exp(-(((near - at) / thick) ** 2))
    return np.where(wall, layers, echo).astype(np.float32)


def _speckle(stream: Stream) -> np.ndarray:
    """Return the envelope of a band-limited complex field (Rayleigh): fine along the beam, wider across it."""
    parts = exact.normal(stream, 2, SAMPLES + 2, BEAMS + 3)
    across = parts[:, :, :-3] + parts[:, :, 1:-2] + parts[:, :, 2:-1] + parts[:, :, 3:]
    along = across[:, :-2] + across[:, 1:-1] * 1.4 + across[:, 2:]
    return np.asarray(np.sqrt(along[0] * along[0] + along[1] * along[1]) / 4.0)


def patient_image(screen: Screen, stream: Stream, shape: str, number: int) -> np.ndarray:
    """Draw an image, black outside the fan.

    Parameters
    ----------
    screen
        What :func:`make_screen` returned.
    stream
        The organ's size and place are drawn from it.
    shape
        The finding of the study (see ``pacslab.cohort.recipe.sections.SHAPES``).
    number
        The number of the image in the study, from 1.

    Returns
    -------
    numpy.ndarray
        uint8 of shape (rows, columns).

    """
    return _scan_converted(screen, _echoes(screen, stream, shape, number))


def patient_loop(screen: Screen, stream: Stream, shape: str, number: int, frames: int = 12) -> np.ndarray:
    """Draw a cine loop of a breath, uint8 of shape (frames, rows, columns).

    The skin stays; tissue under it moves with its speckle, and a fifth of the speckle is new in every frame.
    Parameters are those of :func:`patient_image`; frames are :data:`FRAME_TIME` apart.
    """
    echoes = _echoes(screen, stream, shape, number)
    depth = np.clip((np.arange(SAMPLES, dtype=np.float32) - 42) / 40, 0, 1)[:, None]
    beams, samples = np.arange(BEAMS)[None, :], np.arange(SAMPLES)[:, None]
    wide, deep = stream.uniform(7, 11), stream.uniform(3, 6)
    loop = np.empty((frames, ROWS, COLUMNS), dtype=np.uint8)
    for frame, picture in enumerate(loop):
        swing = math.sin(2 * math.pi * frame / frames)
        across = _reflected(beams + np.rint(wide * swing * depth).astype(np.intp), BEAMS)
        along = _reflected(samples + np.rint(deep * swing * depth).astype(np.intp), SAMPLES)
        fresh = np.roll(screen.speckle, (stream.below(SAMPLES), stream.below(BEAMS)), axis=(0, 1))
        picture[...] = _scan_converted(screen, echoes[along, across] * (0.8 + 0.16 * fresh))
    return loop


def in_colour(pictures: np.ndarray, stream: Stream) -> np.ndarray:
    """Draw a colour-Doppler box with a vessel into greyscale images.

    Parameters
    ----------
    pictures
        uint8 of shape (rows, columns) or (frames, rows, columns); the liver's view has room for the vessel.
    stream
        The course of the vessel is drawn from it.

    Returns
    -------
    numpy.ndarray
        RGB, uint8 of shape (rows, columns, 3) or (frames, rows, columns, 3).

    """
    coloured = np.repeat(pictures[..., None], 3, axis=-1)
    left, top, right, bottom = DOPPLER
    down = np.arange(top, bottom + 1, dtype=np.float32)[:, None]
    across = np.arange(left, right + 1, dtype=np.float32)[None, :]
    middle = stream.uniform(-14, 14) + (top + bottom) / 2
    bend, thick = stream.uniform(14, 26), stream.uniform(8, 12)
    away = down - np.float32(middle) - np.float32(bend) * exact.sin((across - left) * np.float32(3.6 / (right - left)))
    flow = np.clip(1 - np.square(away / np.float32(thick)), 0, 1)
    towards = away * 0 + exact.cos((across - left) * np.float32(3.6 / (right - left))) > 0
    frames = coloured.reshape(-1, ROWS, COLUMNS, 3)
    for number, frame in enumerate(frames):
        beat = 0.75 + 0.25 * math.sin(2 * math.pi * number / max(4, len(frames)))
        box = frame[top : bottom + 1, left : right + 1]
        speed = flow * np.float32(beat)
        lit = speed > 0.12
        bright, warm = (110 + 145 * speed).astype(np.uint8), (200 * speed * speed).astype(np.uint8)
        for channel, value in ((0, np.where(towards, bright, 0)), (1, warm), (2, np.where(towards, 0, bright))):
            box[..., channel][lit] = value[lit]
        box[[0, -1]] = box[:, [0, -1]] = (90, 200, 90)
    return coloured


def number_of(view: str, shape: str) -> int:
    """Return the number of a study's first image with a view; ``shape`` is the study's finding."""
    return next(number for number in range(1, len(VIEWS) + 1) if _view(shape, number) == view)


def _view(shape: str, number: int) -> str:
    return VIEWS[-number % len(VIEWS)] if shape == "gallstone" else VIEWS[(number - 1) % len(VIEWS)]


def _echoes(screen: Screen, stream: Stream, shape: str, number: int) -> np.ndarray:
    """Return the amplitude of the echo of each sample, of shape (samples, beams)."""
    view = _view(shape, number)
    echo, passed = screen.tissue.copy(), screen.fading
    _diaphragm(screen, stream, echo)
    if view == "kidney":
        passed = passed * _kidney(screen, stream, echo, shape)
    elif view == "gallbladder":
        passed = passed * _gallbladder(screen, stream, echo, shape)
    else:
        _liver_veins(screen, stream, echo)
    roll = (stream.below(SAMPLES), stream.below(BEAMS))
    return np.asarray(echo * passed * np.roll(screen.speckle, roll, axis=(0, 1)))


def _scan_converted(screen: Screen, amplitude: np.ndarray) -> np.ndarray:
    """Convert amplitudes to the image on the screen: logarithmic grey in a fan."""
    level = np.clip(exact.log10(amplitude + np.float32(0.0008)) * np.float32(255 / 2.6) + 235, 0, 255).astype(np.uint8)
    picture = np.zeros((ROWS, COLUMNS), dtype=np.uint8)
    picture[screen.inside] = level.ravel()[screen.index]
    _draw_scales(picture)
    return picture


def _reflected(index: np.ndarray, count: int) -> np.ndarray:
    """Return indices reflected at the ends of an array."""
    return np.asarray((count - 1) - np.abs((count - 1) - np.abs(index)))


def _angle(across: np.ndarray, along: np.ndarray) -> np.ndarray:
    """Return arctangents as float32, computed in doubles: rounding removes the bits that differ between machines."""
    return np.arctan2(across.astype(np.float64), along.astype(np.float64)).astype(np.float32)


def _diaphragm(screen: Screen, stream: Stream, echo: np.ndarray) -> None:
    """Paint the bright arc under the liver, and the dim lung's mirror image behind it."""
    centre, radius = stream.uniform(-12, 2), stream.uniform(118, 126)
    arc = np.sqrt((screen.x - np.float32(centre)) ** 2 + (screen.y - 4) ** 2) - np.float32(radius)
    echo[arc > 0] *= 0.32
    echo += 1.3 * exact.exp(-((arc / 1.1) ** 2))


def _squared_radius(screen: Screen, *oval: float) -> np.ndarray:
    """Return the squared radius of an ellipse at each sample, 1 at its edge: x, y, half axes (mm), degrees."""
    x, y, a, b, turn = oval
    cosine, sine = np.float32(math.cos(math.radians(turn))), np.float32(math.sin(math.radians(turn)))
    dx, dy = screen.x - np.float32(x), screen.y - np.float32(y)
    return ((cosine * dx + sine * dy) / a) ** 2 + ((cosine * dy - sine * dx) / b) ** 2


def _kidney(screen: Screen, stream: Stream, echo: np.ndarray, shape: str) -> np.ndarray:
    """Paint a kidney: bright capsule, dim cortex, darker pyramids, bright sinus; return the share of the beam left."""
    x, y, turn = stream.uniform(-6, 10), stream.uniform(72, 82), stream.uniform(8, 24)
    a, b = stream.uniform(48, 55), stream.uniform(22, 25)
    kidney = _squared_radius(screen, x, y, a, b, turn)
    rows = slice(*np.flatnonzero((kidney < 1.25).any(axis=1))[[0, -1]])
    window = replace(screen, x=screen.x[rows], y=screen.y[rows])
    part, kidney = echo[rows], kidney[rows]
    across = _angle(window.y - np.float32(y), window.x - np.float32(x)) - np.float32(math.radians(turn))
    wobble = stream.uniform(0, 6)
    kidney = kidney * (1 + 0.035 * exact.sin(5 * across + wobble) + 0.03 * exact.sin(9 * across))
    part[...] = np.where(kidney < 1.0, 0.068, part + 0.42 * exact.exp(-(((kidney - 1.07) / 0.055) ** 2)))
    pyramid = np.clip(exact.sin(9 * across + wobble) * 1.6, 0, 1) * exact.exp(-(((kidney - 0.56) / 0.17) ** 2))
    part *= 1 - 0.62 * pyramid * (kidney < 1)
    ragged = 1 + 0.2 * exact.sin(7 * across) + 0.12 * exact.sin(13 * across + wobble)
    sinus = _squared_radius(window, x, y, a * 0.6, b * 0.44, turn) * ragged
    inner = np.clip((1.15 - sinus) / 0.4, 0, 1)
    clumps = 0.30 + 0.2 * exact.sin(window.x / 3.1 + wobble) * exact.sin(window.y / 2.3)
    part += inner * clumps
    if shape == "hydronephrosis":
        for along, size in ((-0.34, 9.0), (0.0, 12.5), (0.34, 9.0)):
            lean = math.radians(turn)
            middle = (x + a * along * math.cos(lean), y + a * along * math.sin(lean))
            part[_squared_radius(window, *middle, size * 1.2, size * 0.8, turn) < 1] = 0.0018
    if shape == "kidney-stone":
        return _stone(screen, echo, x - 14, y - 2, 4.6)
    return np.ones((1, 1), dtype=np.float32)


def _gallbladder(screen: Screen, stream: Stream, echo: np.ndarray, shape: str) -> np.ndarray:
    x, y, turn = stream.uniform(-10, 6), stream.uniform(56, 64), stream.uniform(22, 40)
    a, b = stream.uniform(31, 36), stream.uniform(12, 15)
    pear = _squared_radius(screen, x, y, a, b, turn) * (1 + 0.25 * (screen.x - x) / a)
    echo += 0.32 * exact.exp(-(((pear - 1.1) / 0.07) ** 2))
    echo[pear < 1] = 0.0015
    echo[(pear < 1) & (pear > 0.8) & (screen.y < y)] = 0.01  # reverberation under the near wall
    behind = (np.abs(screen.angle - math.atan2(x, y + PROBE)) < 0.16) & (screen.y > y + b)
    passed = np.where(behind, 1.7, 1.0).astype(np.float32)
    _portal_vein(screen, echo, x + 6, y + 34)
    if shape == "gallstone":
        low = math.radians(turn)
        return np.asarray(passed * _stone(screen, echo, x + 9 * math.cos(low), y + 9 * math.sin(low) + b * 0.5, 7.0))
    return passed


def _stone(screen: Screen, echo: np.ndarray, x: float, y: float, size: float) -> np.ndarray:
    """Paint a stone, and return the shadow that it throws along the beams."""
    stone = _squared_radius(screen, x, y, size, size * 0.72, 0)
    echo[stone < 1] = np.where((screen.y < y + 0.5)[stone < 1], 3.2, 0.9)
    half = size / math.hypot(x, y + PROBE)
    edge = np.clip((half - np.abs(screen.angle - math.atan2(x, y + PROBE))) / (0.25 * half), 0, 1)
    return np.asarray(1 - 0.93 * edge * (screen.y > y + size * 0.4), dtype=np.float32)


def _portal_vein(screen: Screen, echo: np.ndarray, x: float, y: float) -> None:
    vein = _squared_radius(screen, x, y, 27, 4.6, -12) + 0.0025 * (screen.y - y) * (screen.x - x) / 4
    echo += 0.3 * exact.exp(-(((vein - 1.2) / 0.16) ** 2))
    echo[vein < 1] = 0.004


def _liver_veins(screen: Screen, stream: Stream, echo: np.ndarray) -> None:
    """Paint hepatic veins, which meet near the diaphragm and taper away, and a portal branch with its bright wall."""
    x, y = stream.uniform(-8, 6), stream.uniform(98, 106)
    for turn, length, wide in ((54, 62, 4.6), (92, 50, 3.8), (128, 64, 4.8)):
        lean = math.radians(turn + stream.uniform(-6, 6))
        cosine, sine = np.float32(math.cos(lean)), np.float32(math.sin(lean))
        dx, dy = screen.x - np.float32(x), screen.y - np.float32(y)
        along = -(cosine * dx + sine * dy) / np.float32(length)
        off = cosine * dy - sine * dx + 5 * along * along * np.sign(cosine)
        width = wide * np.sqrt(np.clip(1 - along, 0, 1))
        echo[(np.abs(off) < width) & (along > -0.06)] = 0.004
    _portal_vein(screen, echo, stream.uniform(18, 28), stream.uniform(40, 48))


def _draw_scales(picture: np.ndarray) -> None:
    """Draw the grey bar and the depth scale."""
    picture[120:376, 20:32] = np.arange(255, -1, -1, dtype=np.uint8)[:, None]
    for step in range(16):
        row = int(APEX_ROW + (PROBE + step * 10) * SCALE)
        if 70 <= row < ROWS - 4:
            picture[row : row + 2, COLUMNS - 22 : COLUMNS - (10 if step % 5 else 4)] = 200
