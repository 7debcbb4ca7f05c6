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

if TYPE_CHECKING:
    from collections.abc import Iterator

HEIGHTS = (6, 7, 8, 9, 10, 12, 14, 17, 20)
"""Heights of a line's letters, in pixels: those of its capitals, or of its small letters."""
LENGTHS = (9, 13, 18)
"""Lengths of a part of a line that are looked at, in heights."""
STROKE = 5
"""Strokes are thinner than this, in pixels."""
SPECK = 4
"""Fewer pixels stand out from noise by chance."""
BETWEEN = 2
"""Rows between two lines, on which there may be one pixel of a stroke: of a letter that hangs down."""
LEAST = 2
"""Pixels of a stroke in a column of the line."""
ORDINARY = 0.85
"""What part of a slice's lines has no writing."""
CROWDED = 1.4
"""By how many strokes a row, in a square of a line, writing exceeds other lines; divided by the root of the squares."""
CROWDED_DARK = 1.8
"""The same for dark strokes: between ribs and their shadows there are more of them."""


def crowded_lines(grey: np.ndarray) -> list[Box]:
    """Return where lines of writing stand in a slice, a plane of shape (rows, columns) of floats; the surest first."""
    strokes = {
        CROWDED: grey - scipy.ndimage.grey_opening(grey, size=STROKE),
        CROWDED_DARK: scipy.ndimage.grey_closing(grey, size=STROKE) - grey,
    }
    found = [
        one
        for least, risen in strokes.items()
        for one in _crowded(_without_specks(standing_out(risen, float(np.ptp(grey)))), least)
    ]
    lines: list[Box] = []
    for _, box in sorted(found, key=lambda one: -one[0]):
        if not any(one.row < box.row + box.height and box.row < one.row + one.height for one in lines):
            lines.append(box)
    return lines


def _crowded(strokes: np.ndarray, least: float) -> Iterator[tuple[float, Box]]:
    """Yield the lines on which strokes crowd, and by how much they exceed what is usual in the picture.

    Strokes are counted by their left edges: on each row, in a square as long as the line is high.
    """
    left_edges = strokes.copy()
    left_edges[:, 1:] &= ~strokes[:, :-1]
    between = _sums(strokes, BETWEEN)
    for height in HEIGHTS:
        inside = _sums(strokes, height)[BETWEEN:-BETWEEN]
        above, below = between[: len(inside)], between[height + BETWEEN : height + BETWEEN + len(inside)]
        ends = (inside >= LEAST) & (above <= 1) & (below <= 1)
        edges = _sums(left_edges, height)[BETWEEN:-BETWEEN] * ends
        for length in LENGTHS:
            width = length * height
            if width > strokes.shape[1] or not len(inside):
                continue
            density = _sums(edges.T, width).T / width
            best = density.max(axis=1)
            excess = (best - np.quantile(best, ORDINARY)) * np.sqrt(length)
            for row in np.flatnonzero(excess >= least):
                column = int(density[row].argmax())
                yield float(excess[row]), Box(column=column, row=int(row) + BETWEEN, width=width, height=height)


def _without_specks(mask: np.ndarray) -> np.ndarray:
    labels, _ = scipy.ndimage.label(mask, structure=np.ones((3, 3)))
    large = np.bincount(labels.ravel()) >= SPECK
    large[0] = False
    kept: np.ndarray = large[labels]
    return kept


def _sums(plane: np.ndarray, count: int) -> np.ndarray:
    """Return the sum over every run of ``count`` rows."""
    total = np.pad(plane.cumsum(axis=0, dtype=np.int32), ((1, 0), (0, 0)))
    sums: np.ndarray = total[count:] - total[:-count]
    return sums
