"""Magnetic resonance of the head: signals of tissues in three weightings, with receiver bias and Rician noise.

Axial slices, lowest first, in the patient coordinate system (PS3.3 C.7.6.2.1.1). All series of a patient show the same
head; it has its face, as in a hospital's archive.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pacslab.cohort.anatomy import exact, faces
from pacslab.cohort.anatomy.head import BRAIN, LOWEST, MIDDLE, SIZE, SPACING, STEP, Tissue, Y, Z, draw_tissues, paint

if TYPE_CHECKING:
    from pacslab.scenario import Stream

ROWS = COLUMNS = SIZE
THICKNESS = 5.5
"""Millimetres (SliceThickness); SpacingBetweenSlices is ``STEP``."""
ORIENTATION = (1, 0, 0, 0, 1, 0)
"""ImageOrientationPatient: rows run to the left, columns to the back."""
BITS = 12

SHAPES = (
    "normal",
    "lesion-right",
    "lesion-left",
    "infarct-right",
    "infarct-left",
    "tumour-right",
    "tumour-left",
    "bleed-right",
    "bleed-left",
)
"""Findings: plaques of demyelination, an infarct, a rare glioblastoma, an old haemorrhage with its ring of iron."""

_SIGNAL = {  # T1, T2, FLAIR
    Tissue.AIR: (0, 0, 0),
    Tissue.SKIN: (520, 300, 330),
    Tissue.FAT: (1500, 1050, 1000),
    Tissue.MUSCLE: (560, 260, 300),
    Tissue.CORTEX: (60, 45, 45),
    Tissue.MARROW: (980, 560, 560),
    Tissue.CSF: (230, 1750, 130),
    Tissue.GREY: (620, 900, 760),
    Tissue.WHITE: (860, 610, 590),
    Tissue.NUCLEUS: (700, 790, 700),
    Tissue.PALLIDUM: (760, 540, 560),
    Tissue.VITREOUS: (260, 1800, 160),
    Tissue.LENS: (640, 260, 300),
    Tissue.MUCOSA: (600, 1250, 1050),
    Tissue.VESSEL: (90, 70, 80),
    Tissue.GLAND: (1000, 800, 760),
    Tissue.DURA: (380, 330, 330),
    Tissue.PLAQUE: (540, 1300, 1350),
    Tissue.INFARCT: (500, 1280, 1250),
    Tissue.TUMOUR: (560, 1020, 1080),
    Tissue.NECROSIS: (330, 1500, 480),
    Tissue.OEDEMA: (600, 1240, 1260),
    Tissue.IRON: (180, 60, 60),
    Tissue.OLD_BLOOD: (1050, 1350, 1150),
}


_LESION_TISSUES = (
    Tissue.PLAQUE,
    Tissue.INFARCT,
    Tissue.TUMOUR,
    Tissue.NECROSIS,
    Tissue.OEDEMA,
    Tissue.IRON,
    Tissue.OLD_BLOOD,
)
"""Tissues of findings in the brain."""


@dataclass(frozen=True)
class Weighting:
    """A pulse sequence, in the terms of the MR Image module (PS3.3 C.8.3.1); times in ms, angle in degrees."""

    name: str
    scanning_sequence: str
    sequence_variant: str
    repetition_time: float
    echo_time: float
    inversion_time: float | None
    echo_train: int
    flip_angle: int
    window: tuple[int, int]
    noise: float


WEIGHTINGS = {
    "t1": Weighting("t1_se_tra", "SE", "NONE", 550, 9.2, None, 1, 90, (700, 1300), 14),
    "t2": Weighting("t2_tse_tra", "SE", "SK", 4800, 98, None, 15, 150, (900, 1800), 18),
    "flair": Weighting("t2_tirm_tra_dark-fluid", "IR", "SK", 9000, 94, 2500, 16, 150, (650, 1300), 18),
}
"""The three series of a brain, each with the window (centre, width) that shows it."""


@dataclass(frozen=True)
class Head:
    """Data that the heads of a cohort share.

    ``tissues`` is uint8 of shape (slices, rows, columns), ``bias`` the receiver coils' sensitivity, float32 of shape
    (rows, columns), ``noise`` two fields of unit deviation of shape (2, 512, 512).
    """

    tissues: np.ndarray
    bias: np.ndarray
    noise: np.ndarray


@dataclass(frozen=True)
class FaceRegion:
    """The region of a face: slices, rows and columns in voxels, ends excluded.

    ``mask`` is boolean of shape (slices, rows, columns): skin, nose, lids and lips, back to the posterior poles of the
    eyes. Defacing makes these voxels dark.
    """

    slices: tuple[int, int]
    rows: tuple[int, int]
    columns: tuple[int, int]
    mask: np.ndarray


def draw_head(stream: Stream) -> Head:
    """Draw the cohort's head."""
    away = (np.arange(SIZE, dtype=np.float32) - (SIZE - 1) / 2) * np.float32(1 / 128)
    bias = 0.96 + 0.14 * (away * away)[:, None] + 0.12 * (away * away)[None, :] - 0.05 * away[:, None]
    return Head(draw_tissues(stream), bias.astype(np.float32), exact.normal(stream, 2, 512, 512))


def patient_head(head: Head, stream: Stream, shape: str) -> np.ndarray:
    """Draw a patient's tissues with the finding.

    Parameters
    ----------
    head
        What :func:`draw_head` returned.
    stream
        Size, face, side of the folds and place of the finding are drawn from it.
    shape
        One of :data:`SHAPES`.

    Returns
    -------
    numpy.ndarray
        :class:`~pacslab.cohort.anatomy.head.Tissue` as uint8, of shape (slices, rows, columns).

    """
    across, along = stream.uniform(0.93, 1.04), stream.uniform(0.93, 1.03)
    mirrored = -1 if stream.below(2) else 1
    steps = np.arange(SIZE) - (SIZE - 1) / 2
    columns = np.clip(np.rint(mirrored * steps / across + (SIZE - 1) / 2), 0, SIZE - 1).astype(np.intp)
    rows = np.clip(np.rint((steps * SPACING + 9) / along / SPACING - 9 / SPACING + (SIZE - 1) / 2), 0, SIZE - 1)
    tissues = head.tissues[:, rows.astype(np.intp)[:, None], columns]
    build = faces.draw_build(stream)
    x = (columns * np.float32(SPACING) - np.float32((SIZE - 1) / 2 * SPACING)).astype(np.float32)
    y = (rows[faces.FRONT] * np.float32(SPACING) + np.float32(Y[0, 0])).astype(np.float32)
    tissues[: faces.LEVELS, faces.FRONT] = faces.bend(head.tissues, build, x, y)
    _finding(tissues, stream, shape)
    return tissues


def patient_series(head: Head, tissues: np.ndarray, stream: Stream, weighting: str) -> np.ndarray:
    """Draw a series of a head.

    Parameters
    ----------
    head
        What :func:`draw_head` returned.
    tissues
        What :func:`patient_head` returned.
    stream
        The noise is drawn from it: each series has its own.
    weighting
        A key of :data:`WEIGHTINGS`.

    Returns
    -------
    numpy.ndarray
        12 bits in uint16 of shape (slices, rows, columns).

    """
    column = ("t1", "t2", "flair").index(weighting)
    signal = np.zeros(256, dtype=np.float32)
    for tissue, values in _SIGNAL.items():
        signal[tissue] = values[column]
    noise = head.noise * np.float32(WEIGHTINGS[weighting].noise)
    series = np.empty(tissues.shape, dtype=np.uint16)
    for plane, picture in zip(tissues, series, strict=True):
        shown = _blurred(np.take(signal, plane))
        shown *= head.bias
        row, start = stream.below(512 - SIZE), stream.below(512 - SIZE)
        real, imaginary = noise[:, row : row + SIZE, start : start + SIZE]
        shown += real
        shown *= shown
        shown += imaginary * imaginary
        picture[...] = np.minimum(np.sqrt(shown), 4095)
    return series


def position(number: int) -> tuple[float, float, float]:
    """Return ImagePositionPatient (mm) of a slice, counted from 0."""
    corner = -(SIZE - 1) / 2 * SPACING
    return corner, corner + MIDDLE, LOWEST + number * STEP


def face_region(tissues: np.ndarray) -> FaceRegion:
    """Return the region of a patient's face; ``tissues`` is of shape (slices, rows, columns)."""
    mask = np.zeros(tissues.shape, dtype=bool)
    last = int(np.searchsorted(Z, -5.0))
    front = int(np.searchsorted(Y[:, 0], -66.0))
    part = tissues[:last, :front] != Tissue.AIR
    surface = part & (np.cumsum(part, axis=1) <= round(12 / SPACING))
    mask[:last, :front] = surface & ~np.isin(tissues[:last, :front], BRAIN)
    rows, columns = np.flatnonzero(mask.any(axis=(0, 2))), np.flatnonzero(mask.any(axis=(0, 1)))
    return FaceRegion((0, last), (int(rows[0]), int(rows[-1]) + 1), (int(columns[0]), int(columns[-1]) + 1), mask)


def brain_region(tissues: np.ndarray) -> np.ndarray:
    """Return the mask of a patient's brain with its lesions: boolean, of the shape of the tissues.

    The optic nerves are left out: they lie in the face, in front of the temporal lobes.
    """
    of_brain = np.zeros(256, dtype=bool)
    of_brain[[*BRAIN, *_LESION_TISSUES]] = True
    brain = of_brain[tissues]
    brain[: int(np.searchsorted(Z, -25.0)), : int(np.searchsorted(Y[:, 0], -51.0))] = False
    return np.asarray(brain)


def _blurred(picture: np.ndarray) -> np.ndarray:
    """Blur an image with the kernel 1 2 1 in both directions, divided by 16."""
    wide = picture * 2
    wide[:, 1:-1] += picture[:, :-2]
    wide[:, 1:-1] += picture[:, 2:]
    both = wide * np.float32(2 / 16)
    wide *= np.float32(1 / 16)
    both[1:-1] += wide[:-2]
    both[1:-1] += wide[2:]
    return both


def _finding(tissues: np.ndarray, stream: Stream, shape: str) -> None:
    """Replace brain by the finding of the report."""
    side = -1 if shape.endswith("right") else 1
    kind = shape.partition("-")[0]
    balls: list[tuple[Tissue, float, float, float, float, float, float, float]] = []
    if kind == "lesion":
        for _ in range(7):
            y = stream.uniform(-34, 42)
            x = side * stream.uniform(19, 30)
            turn = stream.uniform(-40, 40)
            balls.append(
                (Tissue.PLAQUE, x, y, stream.uniform(14, 36), stream.uniform(4, 7.5), stream.uniform(2.4, 3.8), 7, turn)
            )
    elif kind == "infarct":
        x, y, z = side * stream.uniform(44, 50), stream.uniform(2, 16), stream.uniform(14, 24)
        balls = [(Tissue.INFARCT, x, y, z, 19, 17, 20, 0), (Tissue.INFARCT, x + side * 8, y - 10, z, 14, 14, 16, 0)]
    elif kind == "tumour":
        x, y, z = side * stream.uniform(30, 36), stream.uniform(-24, 28), stream.uniform(18, 30)
        balls = [
            (Tissue.OEDEMA, x, y, z, 27, 31, 25, side * 20),
            (Tissue.OEDEMA, x + side * 4, y + 16, z, 12, 20, 16, 0),
            (Tissue.TUMOUR, x, y, z, 17, 19, 18, 0),
            (Tissue.NECROSIS, x + 2, y - 1, z, 10, 12, 12, 30),
        ]
    elif kind == "bleed":
        x, y, z = side * stream.uniform(25, 30), stream.uniform(-8, 4), stream.uniform(4, 9)
        balls = [(Tissue.IRON, x, y, z, 9, 15, 13, 0), (Tissue.OLD_BLOOD, x, y, z, 6.5, 12, 11, 0)]
    changed = [part for part in BRAIN if kind != "bleed" or part is not Tissue.GREY]
    ragged = np.rint(4 * exact.spline_field(stream, (26, 26), (SIZE, SIZE))).astype(np.intp)
    rows = np.clip(np.arange(SIZE)[:, None] + ragged, 0, SIZE - 1)
    for plane, z in zip(tissues, Z, strict=True):
        if not any(abs(z - ball[3]) < ball[6] for ball in balls):
            continue
        marked = np.zeros_like(plane)
        for tissue, x, y, *ball in balls:
            paint(marked, float(z), tissue, x, y, *ball)
        marked = np.take_along_axis(marked, rows, axis=0)
        touched = (marked > 0) & np.isin(plane, changed)
        if kind == "tumour":
            touched |= (marked > 0) & (marked != Tissue.OEDEMA)
        plane[touched] = marked[touched]
