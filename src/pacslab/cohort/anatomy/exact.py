"""Functions and noise with the same bits on every machine.

NumPy's own ``sin``, ``exp`` and so on choose another polynomial for each processor, and its distributions may change
between versions. Here functions are tables, rounded far above the last bit of any C library and read with IEEE 754
operations alone, and noise comes from the raw output of PCG64, which is fixed for good. Values are float32.
"""

from __future__ import annotations

import math
from functools import cache
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pacslab.scenario import Stream

TURN = 4096
"""Entries of the sine's table for a turn, for an error below 1e-3 radians."""
GRID = 1 << 20
"""Tables hold multiples of 1 / GRID."""

_FRACTION = 23  # bits of a float32's fraction; the exponent stands above it
_BESIDE = 0x4B400000  # the bits of 1.5 times 2 to the 23rd


def _table(values: list[float]) -> np.ndarray:
    return np.array([round(value * GRID) / GRID for value in values], dtype=np.float32)


@cache
def _sines() -> np.ndarray:
    return _table([math.sin(2 * math.pi * step / TURN) for step in range(TURN)])


@cache
def power_table() -> np.ndarray:
    """Return 2**(step / TURN) for each step of one turn, as float32 of shape (TURN,)."""
    return _table([2 ** (step / TURN) for step in range(TURN)])


@cache
def logarithm_table() -> np.ndarray:
    """Return the decimal logarithm in the middle of each of TURN steps from 0.5 to 1, as float32 of shape (TURN,)."""
    return _table([math.log10(0.5 + (step + 0.5) / (2 * TURN)) for step in range(TURN)])


@cache
def _quantiles() -> np.ndarray:
    """Return 4096 equally likely values of the normal distribution."""
    inverse = NormalDist().inv_cdf
    return _table([inverse((step + 0.5) / TURN) for step in range(TURN)])


def rounded(value: np.ndarray) -> np.ndarray:
    """Return float32 values below four million as the nearest integers, int32, the even one of two.

    Beside 1.5 times 2 to the 23rd a float32 has no bits left for a fraction: adding that rounds, many times as fast as
    ``rint``, and leaves the integer in the lowest bits.
    """
    return (np.asarray(value, dtype=np.float32) + np.float32(3 << 22)).view(np.int32) - np.int32(_BESIDE)


def sin(angle: np.ndarray) -> np.ndarray:
    """Return the sine of radians, at most a thousand turns, with an error below 1e-3.

    Examples
    --------
    >>> [round(float(value), 3) for value in sin(np.array([0.0, np.pi / 6, np.pi / 2]))]
    [0.0, 0.5, 1.0]

    """
    steps = rounded(np.asarray(angle, dtype=np.float32) * np.float32(TURN / (2 * math.pi)))
    return np.asarray(np.take(_sines(), steps & (TURN - 1)))


def cos(angle: np.ndarray) -> np.ndarray:
    """Return the cosine of radians, at most a thousand turns, with an error below 1e-3."""
    steps = rounded(np.asarray(angle, dtype=np.float32) * np.float32(TURN / (2 * math.pi)))
    return np.asarray(np.take(_sines(), (steps + TURN // 4) & (TURN - 1)))


def exp(power: np.ndarray) -> np.ndarray:
    """Return e to a power from -80 to 80, with a relative error below 2e-4."""
    steps = rounded(np.clip(power, -80, 80) * np.float32(TURN / math.log(2)))
    bits = np.take(power_table(), steps & (TURN - 1)).view(np.int32) + ((steps >> 12) << _FRACTION)
    return np.asarray(bits.view(np.float32))


def log10(value: np.ndarray) -> np.ndarray:
    """Return the decimal logarithm of values from 1e-37, with an error below 1e-4."""
    bits = np.asarray(value, dtype=np.float32).view(np.int32)
    exponent = (bits >> _FRACTION) - 126
    steps = (bits & ((1 << _FRACTION) - 1)) >> (_FRACTION - 12)
    return np.asarray(np.take(logarithm_table(), steps) + exponent.astype(np.float32) * np.float32(math.log10(2)))


def turned(degrees: float) -> tuple[float, float]:
    """Return cosine and sine of an angle, rounded to one part in a million."""
    angle = math.radians(degrees)
    return round(math.cos(angle) * GRID) / GRID, round(math.sin(angle) * GRID) / GRID


def normal(stream: Stream, *shape: int) -> np.ndarray:
    """Return normal noise: float32 of ``shape``, mean 0 and deviation 1 (to 0.1 %), between -3.7 and 3.7."""
    count = math.prod(shape)
    raw = np.asarray(stream.numpy().bit_generator.random_raw((count + 3) // 4), dtype="<u8")
    return np.take(_quantiles(), raw.view("<u2")[:count] >> 4).reshape(shape)


def uniform(stream: Stream, *shape: int) -> np.ndarray:
    """Return uniform noise: float32 of ``shape``, from 0 to 1 in steps of 1/65536."""
    count = math.prod(shape)
    raw = np.asarray(stream.numpy().bit_generator.random_raw((count + 3) // 4), dtype="<u8")
    return (raw.view("<u2")[:count].astype(np.float32) * np.float32(1 / 65536)).reshape(shape)


def spline_field(stream: Stream, cells: tuple[int, ...], fine: tuple[int, ...]) -> np.ndarray:
    """Return smooth noise: quadratic B-splines over a lattice of normal values, deviation about 0.5.

    Parameters
    ----------
    stream
        The stream that values are drawn from.
    cells
        Lattice cells along each axis.
    fine
        Samples along each axis, spread over the cells evenly.

    Returns
    -------
    numpy.ndarray
        float32 of shape ``fine``.

    """
    field = normal(stream, *(count + 2 for count in cells))
    for axis, (count, samples) in enumerate(zip(cells, fine, strict=True)):
        place = (np.arange(samples, dtype=np.float32) + np.float32(0.5)) * np.float32(count / samples)
        low = np.minimum(place.astype(np.intp), count - 1)
        share = place - low.astype(np.float32)
        share = share.reshape(-1, *(1,) * (len(cells) - 1 - axis))
        spread = np.take(field, low, axis=axis) * (0.5 * (1 - share) * (1 - share))
        spread += np.take(field, low + 1, axis=axis) * (0.5 + share - share * share)
        spread += np.take(field, low + 2, axis=axis) * (0.5 * share * share)
        field = spread
    return field
