"""Match glyphs: check whether the letters of a burned-in text are still legible in an image.

No character recognition: the generator kept the glyph mask, the exact shape of every burned-in letter. If the text was
painted over, what lies in the box has nothing to do with that shape. If it was made faint, blurred, inverted or moved
by a few pixels, it still correlates with it. The same pixels always give the same answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.fft import next_fast_len

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pacslab.cohort import Box

SURELY = 0.5
"""Correlation with the glyph mask that no image reaches by chance."""
HARDLY = 0.1
"""Correlation below which the text is not legible."""
CLEARLY = 0.5
"""Correlation that no image of the text's size reaches by chance, even at the best of all places."""
LETTERS = 0.3
"""Correlation of the letters alone, without the rows' and columns' means that a bar or an edge has as well."""
BY_CHANCE = 5.0
"""Minimum peak height, in standard deviations of the correlation noise (1 / sqrt(pixels))."""
MOST_LOOKED_AT = 4 << 20
"""How many pixels are compared where something of a text's outline stands."""
PROMINENCE = 6.0
"""Minimum ratio of the correlation at the text's own place to the usual size at all other places."""
REACH = 2
"""Pixels by which text may be moved and is still found."""


def text_remains(pixels: np.ndarray, box: Box, glyphs: np.ndarray) -> bool:
    """Whether burned-in text can still be made out in a box.

    Parameters
    ----------
    pixels
        The decoded image: (rows, columns) or (rows, columns, samples).
    box
        Where the text was burned in.
    glyphs
        The letters' shape: boolean, (height, width) of the box.

    Returns
    -------
    bool
        False as well where the box does not lie in the image, or one value fills it.

    Notes
    -----
    Any pattern that stands out from its surroundings by a tenth of full brightness is found on the anatomy, and any at
    all on an even background. A Gaussian blur is found until its sigma is about the width of a letter's stroke times
    four, when no letter can be told from another.

    """
    region = _cut(pixels, box)
    if region.shape != glyphs.shape or np.ptp(region) == 0:
        return False
    here, elsewhere = correlations(region, glyphs)
    return here >= SURELY or (here >= HARDLY and here >= PROMINENCE * elsewhere)


def correlations(region: np.ndarray, glyphs: np.ndarray) -> tuple[float, float]:
    """Return the correlation of a region with the glyphs at their place, and its usual size at all other places.

    Parameters
    ----------
    region, glyphs
        The pixels in the box and the letters' shape, of one shape (height, width).

    Returns
    -------
    tuple[float, float]
        Both between 0 and 1, without unit.

    Notes
    -----
    The region is first freed of what changes slowly (the anatomy's shading); "at their place"
    allows for a move by two pixels; "all other places" are the circular shifts of the mask, and their usual size is the
    root of the mean square.

    """
    signal, shape = _sharpened(region), _sharpened(glyphs.astype(np.float64))
    size = np.linalg.norm(signal) * np.linalg.norm(shape)
    if size == 0:
        return 0.0, 0.0
    spectrum = np.fft.rfft2(signal) * np.conj(np.fft.rfft2(shape))
    surface = np.abs(np.fft.irfft2(spectrum, s=region.shape)) / size
    rows = np.r_[0 : REACH + 1, -REACH:0]
    near = np.zeros(surface.shape, dtype=bool)
    near[np.ix_(rows % surface.shape[0], rows % surface.shape[1])] = True
    elsewhere = surface[~near]
    return float(surface[near].max()), float(np.sqrt(np.mean(elsewhere**2))) if elsewhere.size else 0.0


def text_anywhere(pixels: np.ndarray, masks: Iterable[np.ndarray]) -> list[int]:
    """Return the indices of the masks whose text stands anywhere in an image, also mirrored, turned or cut off.

    Parameters
    ----------
    pixels
        One image: (rows, columns) or (rows, columns, samples).
    masks
        The letters' shapes, boolean.

    Returns
    -------
    list[int]
        In ascending order.

    Notes
    -----
    Only clear text is found, of which at least a quarter is left; the edge of a painted bar is none. It is for images
    that were cropped, moved or turned, where the text's place is not known.

    """
    shapes = [_halved(_sharpened(mask.astype(np.float64))).astype(np.float32) for mask in masks]
    if not shapes:
        return []
    signal = _halved(_sharpened(_grey(pixels)))
    reach = max(max(shape.shape) for shape in shapes) // 2
    size = tuple(next_fast_len(length + 2 * reach, real=True) for length in signal.shape)
    signal = np.pad(signal, [(reach, whole - length - reach) for whole, length in zip(size, signal.shape, strict=True)])
    search = _Search(signal)
    return [index for index, shape in enumerate(shapes) if search.holds(shape) or search.holds(shape.T)]


class _Search:
    """A signal in which shapes are sought at every place.

    A shape's mirror images and the one upside down share its Fourier transform, and shapes of one size what the signal
    holds in a window of that size.
    """

    def __init__(self, signal: np.ndarray) -> None:
        self._signal = signal
        self._size = signal.shape
        self._spectrum = np.fft.rfft2(signal.astype(np.float32))
        self._total = np.pad((signal**2).cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
        self._weights: dict[tuple[int, int], np.ndarray | None] = {}

    def holds(self, shape: np.ndarray) -> bool:
        """Whether a shape stands anywhere in the signal, as it is, upside down or mirrored."""
        (rows, columns), (height, width) = self._size, shape.shape
        least = CLEARLY * float(np.linalg.norm(shape))
        weight = self._weight(height, width)
        if least == 0 or weight is None:
            return False
        made = np.fft.rfft2(shape, self._size)
        mirrored = np.roll(made[::-1], 1, axis=0)  # its columns in reverse order, where it is conjugated
        straight = (slice(0, rows - height + 1), slice(0, columns - width + 1))
        reverse = (slice(height - 1, rows), slice(width - 1, columns))
        for spectrum, where, turned in (
            (np.conj(made), straight, shape),
            (made, reverse, shape[::-1, ::-1]),
            (np.conj(mirrored), (reverse[0], straight[1]), shape[::-1]),
            (mirrored, (straight[0], reverse[1]), shape[:, ::-1]),
        ):
            overlap = np.fft.irfft2(self._spectrum * spectrum, self._size)[where]
            likeness = overlap * overlap * weight
            if likeness.max() >= least**2 and self._has_letters(turned, likeness, least**2):
                return True
        return False

    def _has_letters(self, shape: np.ndarray, likeness: np.ndarray, least: float) -> bool:
        """Whether the letters themselves stand where something is like the whole text, and not a bar of its size."""
        places = np.flatnonzero(likeness >= least)
        best = places[np.argsort(-likeness.ravel()[places])][: max(1, MOST_LOOKED_AT // shape.size)]
        windows = np.lib.stride_tricks.sliding_window_view(self._signal, shape.shape)
        found, sought = _without_bars(windows[np.unravel_index(best, likeness.shape)]), _without_bars(shape)
        sizes = np.linalg.norm(found, axis=(1, 2)) * np.linalg.norm(sought)
        least_letters = max(LETTERS, BY_CHANCE / float(np.sqrt(shape.size)))
        return bool((np.abs((found * sought).sum(axis=(1, 2))) > least_letters * sizes).any())

    def _weight(self, height: int, width: int) -> np.ndarray | None:
        """Return 1 / energy in the window at each place, 0 where there is next to none; None if nothing can match."""
        if (height, width) not in self._weights:
            total, weight = self._total, None
            if height < total.shape[0] and width < total.shape[1]:
                energy = (
                    total[height:, width:]
                    - total[:-height, width:]
                    - total[height:, :-width]
                    + total[:-height, :-width]
                )
                known = energy > 1e-3 * energy.max()
                if energy.max() > 0:
                    weight = np.divide(1, energy, where=known, out=np.zeros(energy.shape)).astype(np.float32)
            self._weights[height, width] = weight
        return self._weights[height, width]


def _grey(pixels: np.ndarray) -> np.ndarray:
    """Return one float value a pixel: the mean of the samples of a colour image."""
    plane = pixels.astype(np.float64)
    return plane.mean(axis=-1) if plane.ndim == 3 else plane


def _cut(pixels: np.ndarray, box: Box) -> np.ndarray:
    """Return the pixels in a box, shape (height, width); smaller where the box leaves the image."""
    return _grey(pixels[box.row : box.row + box.height, box.column : box.column + box.width])


def _without_bars(planes: np.ndarray) -> np.ndarray:
    """Return planes, shape (..., rows, columns), less the mean of each row and of each column."""
    across, down = planes.mean(axis=-1, keepdims=True), planes.mean(axis=-2, keepdims=True)
    plain: np.ndarray = planes - across - down + across.mean(axis=-2, keepdims=True)
    return plain


def _halved(plane: np.ndarray) -> np.ndarray:
    """Return the means of squares of two by two pixels."""
    even = np.pad(plane, [(0, length % 2) for length in plane.shape])
    halved: np.ndarray = even.reshape(even.shape[0] // 2, 2, even.shape[1] // 2, 2).mean(axis=(1, 3))
    return halved


def _sharpened(plane: np.ndarray, radius: int = 6) -> np.ndarray:
    """Return a plane less its local mean over a square of side 2 * radius + 1.

    Sums of whole numbers are exact, so that an even area gives exactly 0. A running filter, such as
    scipy.ndimage.uniform_filter, is 2.7 times as fast, but leaves up to 4e-11 beside a bright area: an outline.
    """
    side = 2 * radius + 1
    padded = np.pad(plane, radius + 1, mode="edge")[:-1, :-1]
    total = padded.cumsum(axis=0).cumsum(axis=1)
    total = np.pad(total, ((1, 0), (1, 0)))[1:, 1:]
    height, width = plane.shape
    window = (
        total[side : side + height, side : side + width]
        - total[:height, side : side + width]
        - total[side : side + height, :width]
        + total[:height, :width]
    )
    sharpened: np.ndarray = plane - window / side**2
    return sharpened
