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
from pacslab.deid.deidentify.text_detection.parameters import DEFAULT, DetectorParameters

if TYPE_CHECKING:
    from collections.abc import Iterator

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
class ConnectedComponent:
    """One connected group of pixels."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def height(self) -> int:
        """Return the number of rows."""
        return self.bottom - self.top


def drawn_lines(plane: np.ndarray, parameters: DetectorParameters = DEFAULT) -> list[Line]:
    """Return the rows of letters of one grey value each.

    Parameters
    ----------
    plane
        Integers, of shape (rows, columns).
    parameters
        The numbers of the detector.

    Returns
    -------
    list of Line
        Boxes in pixels of the plane; the letters of each line have one grey value.

    """
    found = []
    reach = parameters.jump * max(float(np.ptp(plane)), 1.0)
    for value in _flat_values(plane, parameters):
        mask = plane == value
        pieces = None
        for line in _rows(_marks(mask, parameters), parameters):
            pieces = _pieces(mask, parameters) if pieces is None else pieces
            box = _along(line, pieces, parameters)
            shape = _cut(mask, box)
            around = scipy.ndimage.binary_dilation(shape, _TOUCHING) & ~shape
            jumps = np.abs(_cut(plane, box)[around].astype(np.float64) - float(value))
            if jumps.size and np.median(jumps) >= (
                reach / parameters.even_jump if _is_even(line, parameters) else reach
            ):
                found.append(Line(box, len(line), shape, Looks.WRITTEN))
    return found


def blended_lines(grey: np.ndarray, parameters: DetectorParameters = DEFAULT) -> list[Line]:
    """Return rows of thin marks, bright or dark.

    Parameters
    ----------
    grey
        Floats, of shape (rows, columns).
    parameters
        The numbers of the detector.

    Returns
    -------
    list of Line
        Boxes in pixels of the plane; a line may be found several times.

    """
    soft = scipy.ndimage.gaussian_filter(grey, parameters.blur_sigma)
    return [
        line
        for plane in (grey, soft)
        for size in parameters.stroke_widths
        for line in _thin_lines(plane, size, parameters)
    ]


def _thin_lines(grey: np.ndarray, size: int, parameters: DetectorParameters) -> Iterator[Line]:
    """Yield rows of marks thinner than a number of pixels."""
    for risen in (
        grey - scipy.ndimage.grey_opening(grey, size=size),
        scipy.ndimage.grey_closing(grey, size=size) - grey,
    ):
        mask = standing_out(risen, float(np.ptp(grey)), parameters)
        for line in _rows(_marks(mask, parameters), parameters):
            looks = look_of_row(line, parameters)
            if looks is not Looks.UNLIKE:
                box = _box_of(line)
                yield Line(box, len(line), _cut(mask, box), looks)


def look_of_row(line: list[ConnectedComponent], parameters: DetectorParameters = DEFAULT) -> Looks:
    """Say how much a row is like writing, whose letters are lean, close to each other and stand on one line.

    Heights and widths are those of Latin type: with the space beside it, a letter is hardly wider than high. A few
    folds of a brain are lean and close as well, but of five or six one stands higher or lower than the others.
    """
    if len(line) < parameters.min_blended_marks:
        return Looks.UNLIKE
    height = float(np.median([mark.height for mark in line]))
    wide = (max(mark.right for mark in line) - line[0].left) / (len(line) * height)
    lean = float(np.median([mark.right - mark.left for mark in line])) / height
    gap = float(np.median([later.left - mark.right for mark, later in pairwise(line)])) / height
    feet = np.array([mark.bottom for mark in line])
    level = float(np.mean(np.abs(feet - np.median(feet)) <= max(1.0, parameters.foot_share * height)))
    widest = parameters.sure_width if len(line) < parameters.very_long_row else parameters.sure_width_long
    close = wide <= widest and gap >= parameters.sure_overlap
    if len(line) >= parameters.long_row and close and level >= parameters.sure_level:
        return Looks.WRITTEN
    if wide > parameters.max_mark_width or gap > parameters.max_gap or level < parameters.min_level:
        return Looks.UNLIKE
    alike = np.ptp([mark.height for mark in line]) <= parameters.alike_heights * height
    small = height < parameters.small_height and wide <= parameters.lean_width_small
    level_enough = level >= (parameters.lean_level_small if small else parameters.lean_level)
    leanest, broadest = parameters.lean
    sure = alike and gap <= parameters.lean_gap and level_enough and leanest <= lean <= broadest
    return Looks.WRITTEN if sure else Looks.DOUBTFUL


def _is_even(line: list[ConnectedComponent], parameters: DetectorParameters) -> bool:
    """Whether many marks stand on one line: such a row needs to stand out less, on bone that is as bright."""
    feet = np.array([mark.bottom for mark in line])
    return len(line) >= parameters.long_row and float(np.mean(feet == np.median(feet))) >= parameters.even_feet


def _flat_values(plane: np.ndarray, parameters: DetectorParameters) -> list[np.generic]:
    """Return the grey values of which there are patches, the most frequent first."""
    beside, below = plane[:, 1:] == plane[:, :-1], plane[1:] == plane[:-1]
    values, counts = np.unique(plane[:-1, :-1][beside[:-1] & below[:, :-1]], return_counts=True)
    most = np.argsort(-counts)[: parameters.most_values]
    return [values[at] for at in most if counts[at] >= parameters.min_corners]


def standing_out(risen: np.ndarray, reach: float, parameters: DetectorParameters = DEFAULT) -> np.ndarray:
    """Return the pixels that stand out from the noise around them.

    The noise is the median of a square, which letters hardly change.

    Parameters
    ----------
    risen
        Floats, of shape (rows, columns): by how much a pixel is brighter or darker than its surroundings.
    reach
        The range of grey values of the image.
    parameters
        The numbers of the detector.

    Returns
    -------
    numpy.ndarray
        Booleans, of the same shape.

    """
    block = parameters.noise_block
    above = risen - _medians(risen, block)
    floor = parameters.noise_floor * max(reach, 1.0)
    noise = np.maximum(_medians(np.abs(above), block) * parameters.noise_sigma, floor)
    mask: np.ndarray = above > parameters.noise_factor * noise
    return mask


def _medians(plane: np.ndarray, block: int) -> np.ndarray:
    """Return each pixel's square's median."""
    height, width = plane.shape
    padded = np.pad(plane, ((0, -height % block), (0, -width % block)), mode="edge")
    rows, columns = padded.shape[0] // block, padded.shape[1] // block
    squares = padded.reshape(rows, block, columns, block).transpose(0, 2, 1, 3).reshape(rows, columns, -1)
    medians = scipy.ndimage.median_filter(np.median(squares, axis=-1), 3)
    whole: np.ndarray = np.repeat(np.repeat(medians, block, axis=0), block, axis=1)[:height, :width]
    return whole


def _marks(mask: np.ndarray, parameters: DetectorParameters) -> list[ConnectedComponent]:
    """Return the groups of pixels that are as large as letters and as lean."""
    labels, _ = scipy.ndimage.label(mask, structure=_TOUCHING)
    areas = np.bincount(labels.ravel())
    marks = []
    for number, (rows, columns) in enumerate(scipy.ndimage.find_objects(labels), start=1):
        height, width = rows.stop - rows.start, columns.stop - columns.start
        right_height = parameters.min_height <= height <= parameters.max_height
        right_width = width <= min(parameters.max_width, parameters.max_width_heights * height)
        if right_height and right_width and areas[number] >= parameters.min_fill * height:
            marks.append(ConnectedComponent(rows.start, rows.stop, columns.start, columns.stop))
    return marks


def _pieces(mask: np.ndarray, parameters: DetectorParameters) -> list[ConnectedComponent]:
    """Return every group of pixels that may be a part of a letter: dots, hyphens and what is cut off as well."""
    labels, _ = scipy.ndimage.label(mask, structure=_TOUCHING)
    areas = np.bincount(labels.ravel())[1:]
    found = (
        ConnectedComponent(rows.start, rows.stop, columns.start, columns.stop)
        for rows, columns in scipy.ndimage.find_objects(labels)
    )
    return [
        piece
        for piece, area in zip(found, areas, strict=True)
        if area >= parameters.min_piece
        and piece.height <= parameters.max_height
        and piece.right - piece.left <= parameters.max_width
    ]


def _rows(marks: list[ConnectedComponent], parameters: DetectorParameters) -> Iterator[list[ConnectedComponent]]:
    """Yield groups of marks that follow each other on one line, alike in height."""
    ordered = sorted(marks, key=lambda mark: mark.left)
    lower, taller = parameters.height_ratio
    used: set[int] = set()
    for start, first in enumerate(ordered):
        if start in used:
            continue
        line, members = [first], [start]
        for index in range(start + 1, len(ordered)):
            mark, last = ordered[index], line[-1]
            height = max(earlier.height for earlier in line[-parameters.height_memory :])
            if mark.left - last.right > parameters.gap_heights * max(height, parameters.gap_least_height):
                break
            tolerance = max(parameters.baseline_pixels, parameters.baseline_share * height)
            if abs(mark.bottom - last.bottom) <= tolerance and lower <= mark.height / height <= taller:
                line.append(mark)
                members.append(index)
        if len(line) >= parameters.min_marks:
            used.update(members)
            yield line


def _along(line: list[ConnectedComponent], pieces: list[ConnectedComponent], parameters: DetectorParameters) -> Box:
    """Return the box of a line and of the pieces of its grey value that go on beside it, on the same rows."""
    box = _box_of(line)
    tall = max(mark.height for mark in line)
    top, bottom = box.row - tall // 3, box.row + box.height + tall // 3
    left, right = box.column, box.column + box.width
    farthest = parameters.apart_heights * tall
    beside = [piece for piece in pieces if piece.top >= top and piece.bottom <= bottom]
    for piece in sorted(beside, key=lambda piece: piece.left):
        if right <= piece.right and piece.left - right <= farthest:
            right = piece.right
    for piece in sorted(beside, key=lambda piece: -piece.right):
        if piece.left <= left and left - piece.right <= farthest:
            left = piece.left
    within = [piece for piece in beside if piece.left >= left and piece.right <= right]
    top = min(box.row, *(piece.top for piece in within))
    bottom = max(box.row + box.height, *(piece.bottom for piece in within))
    return Box(column=left, row=top, width=right - left, height=bottom - top)


def _box_of(marks: list[ConnectedComponent]) -> Box:
    top, left = min(mark.top for mark in marks), min(mark.left for mark in marks)
    bottom, right = max(mark.bottom for mark in marks), max(mark.right for mark in marks)
    return Box(column=left, row=top, width=right - left, height=bottom - top)


def _cut(plane: np.ndarray, box: Box) -> np.ndarray:
    return plane[box.row : box.row + box.height, box.column : box.column + box.width]
