"""Finding text that was burned into a picture, without knowing what it says: rows of marks, then a reader (Tesseract).

Letters of one grey value are text, read or not; so is a row of marks that look like type however they are blended into
the picture. A doubtful row is text where the reader takes it for letters and digits, or beside other blended text: so
faint letters on anatomy are found, which a reader alone overlooks, and ribs are left alone. In a slice through the body
whole lines are looked for instead, of which outlines may hide some letters (see
:mod:`~pacslab.deid.deidentify.text_detection.line_density`).
"""

from __future__ import annotations

import os
import shutil
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from pacslab.cohort import Box
from pacslab.deid.deidentify.text_detection.glyph_rows import PLAIN, Looks, blended_lines, drawn_lines
from pacslab.deid.deidentify.text_detection.line_density import crowded_lines
from pacslab.deid.dicom.pixels import planes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pacslab.deid.deidentify.text_detection.glyph_rows import Line

PROGRAM = "tesseract"
MISSING = "burned-in text was sought by rules alone: there is no tesseract (Debian, Ubuntu: apt install tesseract-ocr)"
SCALE = 3
"""How much larger the reader sees the letters: it knows those of 20 to 40 pixels best."""
LARGE = 400
"""Pictures of more rows or columns than this are looked at made smaller as well: their letters may be larger."""
LETTERS = 4
"""Letters and digits in a row: fewer are read into any pattern."""
SURE, CERTAIN = 40, 60
"""Tesseract's confidence, of 100: what counts in a long row, and in a short one, which anatomy has as well."""
MARGIN = 6
"""Pixels that are painted over around a line of drawn letters."""
LINES = 2
"""How many heights of a blended line are painted over above and below it."""
NEXT = 3
"""The same for a line on which strokes crowd: its height may be that of its small letters, and the next be fainter."""
FAINT = 0.5
"""Bright letters that are drawn have more than this part of the usual range; fainter ones were blended into it."""
EDGE = 4
"""One part in so many of a line lies on the rows of drawn letters if it is their edge."""
FAR = 3
"""So many heights beyond the text that was found a row goes on, if only some of its letters have one value."""


@cache
def can_read() -> bool:
    """Whether this machine has Tesseract; several processes read at once, so each keeps to one core."""
    os.environ.setdefault("OMP_THREAD_LIMIT", "1")
    return shutil.which(PROGRAM) is not None


def text_in(pixels: np.ndarray, *, section: bool = False) -> list[Box]:
    """Return where text stands in an image.

    Parameters
    ----------
    pixels
        Decoded pixels, (rows, columns) or (rows, columns, samples), with frames before them in a moving picture. Every
        frame is looked at that differs from the one before; what was read once is not read again.
    section
        Whether the picture is a slice through the body. It is smooth but for outlines, so that lines of many strokes
        are writing, read or not; a projection has its grain and its bones all over, and what is doubtful is read.

    """
    seen = _Seen(section=section)
    before: np.ndarray | None = None
    for plane in planes(pixels):
        if before is None or not np.array_equal(plane, before):
            seen.look(plane)
        before = plane
    return seen.boxes


class _Seen:
    """What was found in the frames of one image, and which rows of marks turned out to be no text."""

    def __init__(self, *, section: bool) -> None:
        self._section = section
        self.boxes: list[Box] = []
        self._bands: list[Box] = []
        self._rejected: list[Box] = []

    def look(self, plane: np.ndarray) -> None:
        """Look at one frame, at its own size and smaller ones."""
        drawn = _samples(plane)
        grey: np.ndarray = np.stack(drawn).mean(axis=0, dtype=np.float32)
        step = 1
        while True:
            for one in drawn:
                for line in drawn_lines(one):
                    box = _scaled(line.box, step)
                    if _is_faint(one, line):
                        self._add_band(box, plane.shape)
                    else:
                        self._add(_around(box, plane.shape))
            if self._section:
                self._crowded(grey, step, plane.shape)
            else:
                self._blended(grey, step, plane.shape)
            if max(grey.shape) <= LARGE:
                break
            drawn = [one[::2, ::2] for one in drawn]
            grey, step = _halved(grey), 2 * step
        for box in self._rejected:
            beside_band = any(_rows_between(box, one) <= box.height for one in self._bands)
            if beside_band or any(_in_line(box, one) for one in self.boxes):
                self._add(_band(box, plane.shape))

    def _add(self, box: Box) -> None:
        if not any(_holds(one, box) for one in self.boxes):
            self.boxes.append(box)

    def _add_band(self, box: Box, shape: tuple[int, ...], lines: int = LINES) -> None:
        self._bands.append(_band(box, shape, lines))
        self._add(self._bands[-1])

    def _blended(self, grey: np.ndarray, step: int, shape: tuple[int, ...]) -> None:
        """Look for letters without an even grey value, where none were found yet."""
        doubtful: list[Line] = []
        for line in sorted(blended_lines(grey), key=lambda one: -one.marks):
            box = _scaled(line.box, step)
            if any(_mostly_in(box, one) for one in (*self.boxes, *self._rejected)) and not self._goes_on(line, box):
                continue
            if line.looks is Looks.WRITTEN and (step == 1 or line.marks >= PLAIN):
                self._add_band(box, shape)
            elif not any(_mostly_in(line.box, one.box) for one in doubtful):
                doubtful.append(line)
        read = _read(doubtful, grey.shape)
        for line in doubtful:
            box = _scaled(line.box, step)
            if any(line is one for one in read):
                self._add_band(box, shape)
            else:
                self._rejected.append(box)

    def _crowded(self, grey: np.ndarray, step: int, shape: tuple[int, ...]) -> None:
        """Look for lines of writing in a slice, where none were found yet."""
        for line in crowded_lines(grey):
            box = _scaled(line, step)
            drawn = (one for one in self.boxes if one not in self._bands)
            if not any(_mostly_in(box, one) for one in self.boxes) and not any(_is_edge(box, one) for one in drawn):
                self._add_band(box, shape, NEXT)

    def _goes_on(self, line: Line, box: Box) -> bool:
        """Whether a long row goes on where the text that was found ends: only some of its letters have one value."""
        far = FAR * box.height
        return (
            line.marks >= PLAIN
            and line.looks is Looks.WRITTEN
            and all(_columns_beyond(box, one) > far for one in self.boxes)
        )


def _samples(plane: np.ndarray) -> list[np.ndarray]:
    """Return the planes of a picture in which letters may have one value: each sample of a colour picture."""
    return [plane] if plane.ndim == 2 else [np.ascontiguousarray(plane[..., at]) for at in range(plane.shape[-1])]


def _halved(grey: np.ndarray) -> np.ndarray:
    rows, columns = grey.shape[0] // 2 * 2, grey.shape[1] // 2 * 2
    halved: np.ndarray = grey[:rows, :columns].reshape(rows // 2, 2, columns // 2, 2).mean(axis=(1, 3))
    return halved


def _read(lines: list[Line], shape: tuple[int, ...]) -> list[Line]:
    """Return those lines in which Tesseract reads letters or digits."""
    if not lines:
        return []
    import pytesseract  # noqa: PLC0415 - it brings pandas, half a second of import

    page = np.full(shape, 255, dtype=np.uint8)
    for line in lines:
        box = line.box
        part = page[box.row : box.row + box.height, box.column : box.column + box.width]
        part[line.shape] = 0
    picture = Image.fromarray(page)
    picture = picture.resize((picture.width * SCALE, picture.height * SCALE), Image.Resampling.BICUBIC)
    read = pytesseract.image_to_data(picture, config="--psm 11", output_type=pytesseract.Output.DICT)
    words = [
        (int(left) / SCALE, (int(top) + int(height) / 2) / SCALE, text, float(sure))
        for left, top, height, text, sure in zip(
            *(read[name] for name in ("left", "top", "height", "text", "conf")), strict=True
        )
    ]
    return [line for line in lines if _letters_at(line.box, words, SURE if line.marks >= PLAIN else CERTAIN) >= LETTERS]


def _letters_at(box: Box, words: Iterable[tuple[float, float, str, float]], least: float) -> int:
    """Return how many letters and digits were read in a box, of words at (left, middle row), surely enough."""
    return sum(
        letter.isalnum()
        for left, middle, text, sure in words
        if sure >= least
        if box.column - 4 <= left <= box.column + box.width and box.row - 6 <= middle <= box.row + box.height + 6
        for letter in text
    )


def _is_faint(plane: np.ndarray, line: Line) -> bool:
    """Whether drawn letters are bright on black, but no brighter than anatomy: on it they go on in other values."""
    box = line.box
    area = plane[box.row : box.row + box.height, box.column : box.column + box.width]
    value = float(area[line.shape].max())
    low, high = (float(one) for one in np.percentile(plane[::8, ::8], (1, 99)))
    return float(np.median(area[~line.shape])) < value < low + FAINT * (high - low)


def _scaled(box: Box, step: int) -> Box:
    return Box(column=step * box.column, row=step * box.row, width=step * box.width, height=step * box.height)


def _around(box: Box, shape: tuple[int, ...]) -> Box:
    """Return a box with a margin, within the picture."""
    top, left = max(0, box.row - MARGIN), max(0, box.column - MARGIN)
    bottom, right = min(shape[0], box.row + box.height + MARGIN), min(shape[1], box.column + box.width + MARGIN)
    return Box(column=left, row=top, width=right - left, height=bottom - top)


def _band(box: Box, shape: tuple[int, ...], lines: int = LINES) -> Box:
    """Return a band across the picture: what stands beside and below a blended line is most likely text as well.

    Letters are lost where bone or a vessel runs through them, and so are lines that are fainter than the first.
    """
    high = max(MARGIN, lines * box.height)
    top, bottom = max(0, box.row - high), min(shape[0], box.row + box.height + high)
    return Box(column=0, row=top, width=shape[1], height=bottom - top)


def _holds(outer: Box, inner: Box) -> bool:
    return _shared(outer, inner) == inner.width * inner.height


def _mostly_in(inner: Box, outer: Box) -> bool:
    return 2 * _shared(outer, inner) > inner.width * inner.height


def _is_edge(box: Box, text: Box) -> bool:
    """Whether a line is the edge of drawn letters: no longer than they, and more on their rows than the next line."""
    return _columns_beyond(box, text) == 0 and EDGE * _shared(box, text) >= box.width * box.height


def _rows_between(one: Box, other: Box) -> int:
    return max(one.row - other.row - other.height, other.row - one.row - one.height, 0)


def _in_line(box: Box, text: Box) -> bool:
    """Whether a row stands on the rows of some text, close to it, and goes on beyond its end."""
    inside = text.row <= box.row and box.row + box.height <= text.row + text.height
    apart = max(box.column - text.column - text.width, text.column - box.column - box.width)
    return inside and apart <= FAR * box.height and _columns_beyond(box, text) > FAR * box.height


def _columns_beyond(one: Box, other: Box) -> int:
    left, right = one.column, one.column + one.width
    return max(0, other.column - left) + max(0, right - other.column - other.width)


def _shared(one: Box, other: Box) -> int:
    """Return how many pixels two boxes share."""
    rows = min(one.row + one.height, other.row + other.height) - max(one.row, other.row)
    columns = min(one.column + one.width, other.column + other.width) - max(one.column, other.column)
    return max(0, rows) * max(0, columns)
