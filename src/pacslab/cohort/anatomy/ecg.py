"""A resting 12-lead electrocardiogram: ten seconds of plausible P, QRS and T waves in three rhythms.

Eight leads are drawn (I, II, V1 to V6); the other four follow from I and II, as they do in the machine (Einthoven's and
Goldberger's equations). Amplitudes are those of an adult (normal limits of the AHA/ACCF/HRS recommendations, 2009).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pacslab.cohort.anatomy import exact

if TYPE_CHECKING:
    from pacslab.scenario import Stream

RATE = 500
"""Samples a second."""
SECONDS = 10
SENSITIVITY = 5.0
"""Microvolts of a stored step of 1 (ChannelSensitivity, with UCUM unit uV)."""
RHYTHMS = ("normal", "atrial-fibrillation", "st-elevation")


@dataclass(frozen=True)
class Lead:
    """A lead, its code in ISO/IEEE 11073-10101 (CID 3001, scheme MDC) and its meaning there."""

    name: str
    code: str
    meaning: str


LEADS = (
    Lead("I", "2:1", "Lead I"),
    Lead("II", "2:2", "Lead II"),
    Lead("III", "2:61", "Lead III"),
    Lead("aVR", "2:62", "aVR, augmented voltage, right"),
    Lead("aVL", "2:63", "aVL, augmented voltage, left"),
    Lead("aVF", "2:64", "aVF, augmented voltage, foot"),
    Lead("V1", "2:3", "Lead V1"),
    Lead("V2", "2:4", "Lead V2"),
    Lead("V3", "2:5", "Lead V3"),
    Lead("V4", "2:6", "Lead V4"),
    Lead("V5", "2:7", "Lead V5"),
    Lead("V6", "2:8", "Lead V6"),
)

_WAVES = {  # centre and deviation in seconds from the R peak; millivolts in I, II, V1..V6
    "p": (-0.165, 0.024, (0.08, 0.14, 0.05, 0.07, 0.07, 0.07, 0.07, 0.06)),
    "q": (-0.027, 0.0085, (-0.06, -0.08, 0.0, 0.0, -0.02, -0.08, -0.12, -0.12)),
    "r": (0.0, 0.0115, (0.72, 1.15, 0.26, 0.5, 0.95, 1.6, 1.45, 1.05)),
    "s": (0.029, 0.0105, (-0.10, -0.18, -0.95, -1.35, -0.85, -0.42, -0.18, -0.06)),
    "t": (0.275, 0.047, (0.22, 0.32, -0.07, 0.38, 0.46, 0.42, 0.34, 0.26)),
    "t end": (0.325, 0.030, (0.06, 0.09, -0.02, 0.10, 0.12, 0.11, 0.09, 0.07)),
}
_INJURY = (-0.10, -0.16, 0.18, 0.42, 0.46, 0.32, 0.10, 0.03)
"""Millivolts by which an anterior infarction lifts the ST segment; the inferior leads show the mirror image."""


@dataclass(frozen=True)
class Ecg:
    """A recording.

    ``samples`` is int16 of shape (5000, 12), in steps of :data:`SENSITIVITY`, leads in the order of :data:`LEADS`;
    ``beats`` are the times of the R peaks in seconds, ``rate`` the beats a minute.
    """

    samples: np.ndarray
    beats: tuple[float, ...]
    rate: int


def record(stream: Stream, rhythm: str) -> Ecg:
    """Record ten seconds of a patient at rest.

    Parameters
    ----------
    stream
        The rate, the heart's axis and the disturbances are drawn from it.
    rhythm
        One of :data:`RHYTHMS`.

    Returns
    -------
    Ecg
        Samples, beats and heart rate.

    Raises
    ------
    ValueError
        If the rhythm is none of these.

    """
    if rhythm not in RHYTHMS:
        raise ValueError(f"{rhythm!r} is no rhythm that can be drawn ({', '.join(RHYTHMS)})")
    fibrillation = rhythm == "atrial-fibrillation"
    beats = _beats(stream, fibrillation)
    time = (np.arange(RATE * SECONDS) / RATE).astype(np.float32)
    volts = np.zeros((8, len(time)), dtype=np.float32)
    size = stream.uniform(0.85, 1.15)
    for beat in beats:
        for name, (centre, deviation, amplitudes) in _WAVES.items():
            if not (fibrillation and name == "p"):
                _bump(volts, time, beat + centre, deviation, [size * millivolts for millivolts in amplitudes])
        if rhythm == "st-elevation":
            for centre in (0.07, 0.115, 0.16, 0.205):
                _bump(volts, time, beat + centre, 0.03, [0.55 * millivolts for millivolts in _INJURY])
    if fibrillation:
        volts += _flutter(stream, time)
    volts += _disturbances(stream, time)
    steps = np.rint(volts * np.float32(1000 / SENSITIVITY)).astype(np.int16)
    return Ecg(_twelve(steps), tuple(beats), _rate(beats))


def _beats(stream: Stream, fibrillation: bool) -> list[float]:
    """Return the times of the R peaks (seconds): varied by breathing in sinus rhythm, irregular in fibrillation."""
    interval = stream.uniform(0.55, 0.68) if fibrillation else stream.uniform(0.74, 1.02)
    beats, now = [], stream.uniform(0.25, 0.5)
    while now < SECONDS - 0.1:
        beats.append(round(now * RATE) / RATE)
        now += interval * (stream.uniform(0.68, 1.42) if fibrillation else stream.uniform(0.97, 1.03))
    return beats


def _bump(volts: np.ndarray, time: np.ndarray, centre: float, deviation: float, amplitudes: list[float]) -> None:
    """Add a wave to eight leads."""
    first = max(0, int((centre - 4 * deviation) * RATE))
    last = min(len(time), int((centre + 4 * deviation) * RATE) + 1)
    away = (time[first:last] - np.float32(centre)) * np.float32(1 / deviation)
    volts[:, first:last] += np.array(amplitudes, dtype=np.float32)[:, None] * exact.exp(-0.5 * away * away)


def _flutter(stream: Stream, time: np.ndarray) -> np.ndarray:
    """Return the atria's ragged waves, four to nine a second, largest in V1."""
    waves = np.zeros_like(time)
    for _ in range(5):
        turns = 2 * np.pi * stream.uniform(4.2, 8.6)
        slow = exact.sin(time * np.float32(stream.uniform(1, 4)) + np.float32(stream.uniform(0, 6)))
        waves += 0.022 * exact.sin(time * np.float32(turns) + 0.8 * slow)
    reach = np.array((0.4, 0.9, 1.6, 0.8, 0.5, 0.4, 0.4, 0.4), dtype=np.float32)
    return np.asarray(reach[:, None] * waves)


def _disturbances(stream: Stream, time: np.ndarray) -> np.ndarray:
    """Return breathing's drift and the muscles' noise, in millivolts of shape (8, samples)."""
    breath = 2 * np.pi * stream.uniform(0.2, 0.3)
    drift = np.array([stream.uniform(0.01, 0.05) for _ in range(8)], dtype=np.float32)
    wave = exact.sin(time * np.float32(breath) + np.float32(stream.uniform(0, 6)))
    return np.asarray(drift[:, None] * wave + np.float32(0.008) * exact.normal(stream, 8, len(time)))


def _twelve(steps: np.ndarray) -> np.ndarray:
    """Return all leads, shape (samples, 12), from I, II and V1 to V6."""
    lead_1, lead_2, *chest = steps
    return np.ascontiguousarray(
        np.stack(
            [
                lead_1,
                lead_2,
                lead_2 - lead_1,
                -(lead_1 + lead_2) // 2,
                lead_1 - lead_2 // 2,
                lead_2 - lead_1 // 2,
                *chest,
            ]
        ).T
    )


def _rate(beats: list[float]) -> int:
    return round(60 * (len(beats) - 1) / (beats[-1] - beats[0]))
