"""Rows of marks in a picture that may be letters, found without knowing what they say or where machines write.

Two things tell writing from anatomy. What a program draws has one grey value, and no picture that was measured has
patches of exactly one value, as small as letters, side by side on a line. And where letters are blended into the
picture, or the picture was compressed with loss, they still are thin, alike in height, and stand on one line; anatomy
is smooth on that scale, or alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import scipy

from pacslab.cohort import Box

if TYPE_CHECKING:
    from collections.abc import Iterator

SHORTEST, TALLEST = 5, 34
"""Heights of letters, in pixels; larger ones are found in the picture made smaller."""
WIDEST = 54
FEWEST = 4
"""Marks of one grey value in a row."""
FEWEST_FAINT = 5
SMALL = 10
"""Letters lower than this lose a foot in noise: of a few, one may stand higher."""
PLAIN = 7
"""So many blended marks close to each other are writing: anatomy has hardly any such rows."""
LONG = 14
"""Of so many some may be lost, and what is left of them stands further apart."""
EVEN = 0.85
"""What part of the marks of a row stands on the same row of pixels, where nothing else tells them from anatomy."""
MOST_VALUES = 40
"""How many grey values are looked at: those of which most patches are made."""
CORNERS = 10
"""How many corners a value must have: a pixel, its neighbour to the right and the one below of the same value."""
JUMP = 0.03
"""By what part of the picture's range drawn letters differ from what lies around them."""
STROKE = (7, 9)
"""Strokes are thinner than these, in pixels."""
SOFT = 0.7
"""By how many pixels noise is blurred where letters are sought that hardly rise above it."""
STANDS_OUT = 2.0
"""How many times the local noise a blended mark differs from its surroundings."""
BLOCK = 24
"""Side of the squares in which the local noise is measured."""
PIECE = 4
"""Pixels of a dot or a hyphen; fewer have the letters' grey value by chance."""
GAP = 2.2
"""How many heights may lie between two marks of a row."""
APART = 1.6
"""How many heights may lie between a row and what goes on beside it."""
_TOUCHING = np.ones((3, 3))


class Looks(Enum):
    """How much a row of marks is like writing."""

    WRITTEN = "written"
    DOUBTFUL = "doubtful"
    UNLIKE = "unlike"


@dataclass(frozen=True)
class Line:
    """A row of marks: where it stands, of how many marks it is, and their shapes (boolean, of the box's size).

    ``looks`` says how much the row is like writing: marks of one grey value are writing whatever they say, and so are
    lean ones close together; others have to be read.
    """

    box: Box
    marks: int
    shape: np.ndarray
    looks: Looks


@dataclass(frozen=True)
class _Mark:
    """One connected group of pixels."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def height(self) -> int:
        return self.bottom - self.top


def drawn_lines(plane: np.ndarray) -> list[Line]:
    """Return the rows of letters of one grey value each in a plane of shape (rows, columns) of integers."""
    found = []
    reach = JUMP * max(float(np.ptp(plane)), 1.0)
    for value in _flat_values(plane):
        mask = plane == value
        pieces = None
        for line in _rows(_marks(mask)):
            if len(line) < FEWEST:
                continue
            pieces = _pieces(mask) if pieces is None else pieces
            box = _along(line, pieces)
            shape = _cut(mask, box)
            around = scipy.ndimage.binary_dilation(shape, _TOUCHING) & ~shape
            jumps = np.abs(_cut(plane, box)[around].astype(np.float64) - float(value))
            if jumps.size and np.median(jumps) >= (reach / 4 if _is_even(line) else reach):
                found.append(Line(box, len(line), shape, Looks.WRITTEN))
    return found


def blended_lines(grey: np.ndarray) -> list[Line]:
    """Return rows of thin marks, bright or dark, in a plane of shape (rows, columns) of floats."""
    soft = scipy.ndimage.gaussian_filter(grey, SOFT)
    return [line for plane in (grey, soft) for size in STROKE for line in _thin_lines(plane, size)]


def _thin_lines(grey: np.ndarray, size: int) -> Iterator[Line]:
    """Yield rows of marks thinner than a number of pixels."""
    for risen in (
        grey - scipy.ndimage.grey_opening(grey, size=size),
        scipy.ndimage.grey_closing(grey, size=size) - grey,
    ):
        mask = standing_out(risen, float(np.ptp(grey)))
        for line in _rows(_marks(mask)):
            looks = _looks(line)
            if looks is not Looks.UNLIKE:
                box = _box_of(line)
                yield Line(box, len(line), _cut(mask, box), looks)


def _looks(line: list[_Mark]) -> Looks:
    """Say how much a row is like writing, whose letters are lean, close to each other and stand on one line.

    Heights and widths are those of Latin type: with the space beside it, a letter is hardly wider than high. A few
    folds of a brain are lean and close as well, but of five or six one stands higher or lower than the others.
    """
    if len(line) < FEWEST_FAINT:
        return Looks.UNLIKE
    height = float(np.median([mark.height for mark in line]))
    wide = (max(mark.right for mark in line) - line[0].left) / (len(line) * height)
    lean = float(np.median([mark.right - mark.left for mark in line])) / height
    gap = float(np.median([later.left - mark.right for mark, later in pairwise(line)])) / height
    feet = np.array([mark.bottom for mark in line])
    level = float(np.mean(np.abs(feet - np.median(feet)) <= max(1.0, 0.06 * height)))
    if len(line) >= PLAIN and wide <= (1.5 if len(line) < LONG else 2.0) and gap >= -0.1 and level >= 0.6:
        return Looks.WRITTEN
    if wide > 1.2 or gap > 0.8 or level < 0.5:
        return Looks.UNLIKE
    alike = np.ptp([mark.height for mark in line]) <= 0.9 * height
    level_enough = level >= (0.75 if height < SMALL and wide <= 1.1 else 0.83)
    sure = alike and gap <= 0.5 and level_enough and 0.45 <= lean <= 1.0
    return Looks.WRITTEN if sure else Looks.DOUBTFUL


def _is_even(line: list[_Mark]) -> bool:
    """Whether many marks stand on one line: such a row needs to stand out less, on bone that is as bright."""
    feet = np.array([mark.bottom for mark in line])
    return len(line) >= PLAIN and float(np.mean(feet == np.median(feet))) >= EVEN


def _flat_values(plane: np.ndarray) -> list[np.generic]:
    """Return the grey values of which there are patches, the most frequent first."""
    beside, below = plane[:, 1:] == plane[:, :-1], plane[1:] == plane[:-1]
    values, counts = np.unique(plane[:-1, :-1][beside[:-1] & below[:, :-1]], return_counts=True)
    most = np.argsort(-counts)[:MOST_VALUES]
    return [values[at] for at in most if counts[at] >= CORNERS]


def standing_out(risen: np.ndarray, reach: float) -> np.ndarray:
    """Return what stands out from the noise around it, which is measured in squares: letters hardly change a median."""
    above = risen - _medians(risen)
    noise = np.maximum(_medians(np.abs(above)) * 1.48, 0.004 * max(reach, 1.0))
    mask: np.ndarray = above > STANDS_OUT * noise
    return mask


def _medians(plane: np.ndarray) -> np.ndarray:
    """Return each pixel's square's median."""
    height, width = plane.shape
    padded = np.pad(plane, ((0, -height % BLOCK), (0, -width % BLOCK)), mode="edge")
    rows, columns = padded.shape[0] // BLOCK, padded.shape[1] // BLOCK
    squares = padded.reshape(rows, BLOCK, columns, BLOCK).transpose(0, 2, 1, 3).reshape(rows, columns, -1)
    medians = scipy.ndimage.median_filter(np.median(squares, axis=-1), 3)
    whole: np.ndarray = np.repeat(np.repeat(medians, BLOCK, axis=0), BLOCK, axis=1)[:height, :width]
    return whole


def _marks(mask: np.ndarray) -> list[_Mark]:
    """Return the groups of pixels that are as large as letters and as lean."""
    labels, _ = scipy.ndimage.label(mask, structure=_TOUCHING)
    areas = np.bincount(labels.ravel())
    marks = []
    for number, (rows, columns) in enumerate(scipy.ndimage.find_objects(labels), start=1):
        height, width = rows.stop - rows.start, columns.stop - columns.start
        if SHORTEST <= height <= TALLEST and width <= min(WIDEST, 3 * height) and areas[number] >= 0.8 * height:
            marks.append(_Mark(rows.start, rows.stop, columns.start, columns.stop))
    return marks


def _pieces(mask: np.ndarray) -> list[_Mark]:
    """Return every group of pixels that may be a part of a letter: dots, hyphens and what is cut off as well."""
    labels, _ = scipy.ndimage.label(mask, structure=_TOUCHING)
    areas = np.bincount(labels.ravel())[1:]
    found = (_Mark(one.start, one.stop, two.start, two.stop) for one, two in scipy.ndimage.find_objects(labels))
    return [
        piece
        for piece, area in zip(found, areas, strict=True)
        if area >= PIECE and piece.height <= TALLEST and piece.right - piece.left <= WIDEST
    ]


def _rows(marks: list[_Mark]) -> Iterator[list[_Mark]]:
    """Yield groups of marks that follow each other on one line, alike in height."""
    ordered = sorted(marks, key=lambda mark: mark.left)
    used: set[int] = set()
    for start, first in enumerate(ordered):
        if start in used:
            continue
        line, members = [first], [start]
        for index in range(start + 1, len(ordered)):
            mark, last = ordered[index], line[-1]
            height = max(one.height for one in line[-3:])
            if mark.left - last.right > GAP * max(height, 8):
                break
            same_line = abs(mark.bottom - last.bottom) <= max(2, 0.3 * height)
            if same_line and 0.55 <= mark.height / height <= 1.8:
                line.append(mark)
                members.append(index)
        if len(line) >= FEWEST:
            used.update(members)
            yield line


def _along(line: list[_Mark], pieces: list[_Mark]) -> Box:
    """Return the box of a line and of the pieces of its grey value that go on beside it, on the same rows."""
    box = _box_of(line)
    tall = max(mark.height for mark in line)
    top, bottom = box.row - tall // 3, box.row + box.height + tall // 3
    left, right = box.column, box.column + box.width
    beside = [one for one in pieces if one.top >= top and one.bottom <= bottom]
    for piece in sorted(beside, key=lambda one: one.left):
        if right <= piece.right and piece.left - right <= APART * tall:
            right = piece.right
    for piece in sorted(beside, key=lambda one: -one.right):
        if piece.left <= left and left - piece.right <= APART * tall:
            left = piece.left
    within = [one for one in beside if one.left >= left and one.right <= right]
    top = min(box.row, *(one.top for one in within))
    bottom = max(box.row + box.height, *(one.bottom for one in within))
    return Box(column=left, row=top, width=right - left, height=bottom - top)


def _box_of(marks: list[_Mark]) -> Box:
    top, left = min(mark.top for mark in marks), min(mark.left for mark in marks)
    bottom, right = max(mark.bottom for mark in marks), max(mark.right for mark in marks)
    return Box(column=left, row=top, width=right - left, height=bottom - top)


def _cut(plane: np.ndarray, box: Box) -> np.ndarray:
    return plane[box.row : box.row + box.height, box.column : box.column + box.width]
