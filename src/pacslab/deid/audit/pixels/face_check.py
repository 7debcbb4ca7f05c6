"""Check whether a face is left in a slice of a head: whether the skin still stands out from the air before it.

Whoever renders a face looks for the surface at which the air ends. The answer key knows where it was: along it, what
lies under the skin is compared with what lies in front of it, and a little deeper as well, in case that only skin was
peeled off. Brightness does not count, only whether there is an edge along the face: a faint face is rendered like a
bright one, and a face cut out along its own outline leaves a hole of its shape in the noise of the air.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pacslab.cohort import Box

EDGE = 4
"""Pixels before and behind the surface that are compared."""
PEELED = 5
"""Down to so many pixels under the skin an edge along it is that of the face."""
SURELY = 0.35
"""A correlation of brightness with being inside at which a face can be rendered."""
FEWEST = 12
"""Columns of a slice; of fewer nothing is made out."""


def face_remains(plane: np.ndarray, box: Box, mask: np.ndarray) -> bool:
    """Whether the part of a face that a slice cuts can still be made out.

    Parameters
    ----------
    plane
        The decoded slice: (rows, columns), with the face towards the first row.
    box, mask
        Where the face was: boolean, of the box's shape (height, width).

    """
    if box.row + box.height > plane.shape[0] or box.column + box.width > plane.shape[1]:
        return False
    columns = np.flatnonzero(mask.any(axis=0))
    skin = box.row + mask[:, columns].argmax(axis=0)
    columns = columns + box.column
    reach = (skin >= EDGE) & (skin + EDGE + PEELED < plane.shape[0])
    if reach.sum() < FEWEST:
        return False
    columns, skin = columns[reach], skin[reach]
    values = np.asarray(plane, dtype=np.float64)
    return any(_edge(values, columns, skin + deep) >= SURELY for deep in range(PEELED + 1))


def _edge(values: np.ndarray, columns: np.ndarray, surface: np.ndarray) -> float:
    """Return how far brightness tells the inside of a surface from its outside, 0 to 1."""
    inside = np.stack([values[surface + step, columns] for step in range(EDGE)])
    outside = np.stack([values[surface - 1 - step, columns] for step in range(EDGE)])
    both = np.concatenate([inside.ravel(), outside.ravel()])
    spread = both.std()
    return float(abs(inside.mean() - outside.mean()) / (2 * spread)) if spread > 0 else 0.0
