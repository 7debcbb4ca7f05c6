"""Lines of a slice on which thin strokes crowd as they do nowhere else in it: writing whose letters run into anatomy.

Where a fold or a bone runs through faint letters, what stands out is no row of single marks any more. But a line of
writing has more strokes side by side than any other line of the slice, and they end where the line ends, above and
below: an outline that crosses the line does not. Nothing here looks at one letter, so some of them may be lost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy

from pacslab.cohort import Box
from pacslab.deid.deidentify.text_detection.glyph_rows import standing_out
from pacslab.deid.deidentify.text_detection.parameters import DEFAULT, DetectorParameters

if TYPE_CHECKING:
    from collections.abc import Iterator


def crowded_lines(grey: np.ndarray, parameters: DetectorParameters = DEFAULT) -> list[Box]:
    """Return the lines of writing in a slice.

    Parameters
    ----------
    grey
        Floats, of shape (rows, columns).
    parameters
        The numbers of the detector.

    Returns
    -------
    list of Box
        Boxes in pixels of the plane, no two on the same rows; the surest first.

    """
    size = parameters.line_stroke
    bright = grey - scipy.ndimage.grey_opening(grey, size=size)
    dark = scipy.ndimage.grey_closing(grey, size=size) - grey
    found: list[tuple[float, Box]] = []
    for risen, least in ((bright, parameters.crowded), (dark, parameters.crowded_dark)):
        strokes = _without_specks(standing_out(risen, float(np.ptp(grey)), parameters), parameters.min_speck)
        found += _crowded(strokes, least, parameters)
    lines: list[Box] = []
    for _, box in sorted(found, key=lambda excess_and_box: -excess_and_box[0]):
        if not any(line.row < box.row + box.height and box.row < line.row + line.height for line in lines):
            lines.append(box)
    return lines


def _crowded(strokes: np.ndarray, least: float, parameters: DetectorParameters) -> Iterator[tuple[float, Box]]:
    """Yield the lines on which strokes crowd, and by how much they exceed what is usual in the picture.

    Strokes are counted by their left edges: on each row, in a square as long as the line is high.
    """
    left_edges = strokes.copy()
    left_edges[:, 1:] &= ~strokes[:, :-1]
    apart = parameters.line_gap
    between = _sums(strokes, apart)
    for height in parameters.line_heights:
        inside = _sums(strokes, height)[apart:-apart]
        above, below = between[: len(inside)], between[height + apart : height + apart + len(inside)]
        free = (above <= parameters.line_gap_pixels) & (below <= parameters.line_gap_pixels)
        ends = (inside >= parameters.min_stroke) & free
        edges = _sums(left_edges, height)[apart:-apart] * ends
        for length in parameters.line_lengths:
            width = length * height
            if width > strokes.shape[1] or not len(inside):
                continue
            density = _sums(edges.T, width).T / width
            best = density.max(axis=1)
            excess = (best - np.quantile(best, parameters.ordinary_share)) * np.sqrt(length)
            for row in np.flatnonzero(excess >= least):
                column = int(density[row].argmax())
                yield float(excess[row]), Box(column=column, row=int(row) + apart, width=width, height=height)


def _without_specks(mask: np.ndarray, least: int) -> np.ndarray:
    labels, _ = scipy.ndimage.label(mask, structure=np.ones((3, 3)))
    large = np.bincount(labels.ravel()) >= least
    large[0] = False
    kept: np.ndarray = large[labels]
    return kept


def _sums(plane: np.ndarray, count: int) -> np.ndarray:
    """Return the sum over every run of ``count`` rows."""
    total = np.pad(plane.cumsum(axis=0, dtype=np.int32), ((1, 0), (0, 0)))
    sums: np.ndarray = total[count:] - total[:-count]
    return sums
