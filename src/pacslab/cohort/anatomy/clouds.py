"""Smooth random fields for patchy tissue."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pacslab.scenario import Stream


def cloud(stream: Stream, rows: int, columns: int, grain: int) -> np.ndarray:
    """Draw a smooth random field, mean about 0 and deviation about 0.5.

    Parameters
    ----------
    stream
        The stream that values are drawn from.
    rows, columns
        Multiples of ``grain``.
    grain
        The size of a patch in pixels.

    Returns
    -------
    numpy.ndarray
        float32 of shape (rows, columns).

    """
    coarse = stream.numpy().normal(0, 1, (rows // grain, columns // grain)).astype(np.float32)
    return _ramp(_ramp(coarse, grain).T, grain).T


def _ramp(coarse: np.ndarray, grain: int) -> np.ndarray:
    """Interpolate the rows of an array linearly, to ``grain`` times as many."""
    places = (np.arange(len(coarse) * grain, dtype=np.float32) + 0.5) / grain - 0.5
    low = np.clip(np.floor(places).astype(np.intp), 0, len(coarse) - 1)
    high = np.minimum(low + 1, len(coarse) - 1)
    share = np.clip(places - low, 0, 1)[:, None]
    return np.asarray(coarse[low] * (1 - share) + coarse[high] * share)
