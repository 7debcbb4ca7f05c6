"""Smooth random fields: what is patchy in a body."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pacslab.scenario import Stream


def cloud(stream: Stream, rows: int, columns: int, grain: int) -> np.ndarray:
    """Return a field of shape (rows, columns), mean about 0 and deviation about 0.5.

    Parameters
    ----------
    stream
        Where its values come from.
    rows, columns
        Multiples of ``grain``.
    grain
        The size of a patch in pixels.

    """
    coarse = stream.numpy().normal(0, 1, (rows // grain, columns // grain)).astype(np.float32)
    return _ramp(_ramp(coarse, grain).T, grain).T


def _ramp(coarse: np.ndarray, grain: int) -> np.ndarray:
    """Return the rows of an array interpolated linearly: ``grain`` rows for each."""
    places = (np.arange(len(coarse) * grain, dtype=np.float32) + 0.5) / grain - 0.5
    low = np.clip(np.floor(places).astype(np.intp), 0, len(coarse) - 1)
    high = np.minimum(low + 1, len(coarse) - 1)
    share = np.clip(places - low, 0, 1)[:, None]
    return np.asarray(coarse[low] * (1 - share) + coarse[high] * share)
