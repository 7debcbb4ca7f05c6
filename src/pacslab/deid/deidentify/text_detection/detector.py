"""Finding text that was burned into a picture, without knowing what it says: rows of marks, then a reader (Tesseract).

Letters of one grey value are text, read or not; so is a row of marks that look like type however they are blended into
the picture. A doubtful row is text where the reader takes it for letters and digits, or beside other blended text: so
faint letters on anatomy are found, which a reader alone overlooks, and ribs are left alone. In a slice through the body
whole lines are searched for instead, in which outlines may hide some letters (see
:mod:`~pacslab.deid.deidentify.text_detection.line_density`).
"""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from pacslab.cohort import Box
from pacslab.deid.deidentify.text_detection.glyph_rows import Looks, blended_lines, drawn_lines
from pacslab.deid.deidentify.text_detection.line_density import crowded_lines
from pacslab.deid.deidentify.text_detection.parameters import DEFAULT, DetectorParameters
from pacslab.deid.dicom.pixels import planes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pacslab.deid.deidentify.text_detection.glyph_rows import Line

PROGRAM = "tesseract"
MISSING = "burned-in text was sought by rules alone: there is no tesseract (Debian, Ubuntu: apt install tesseract-ocr)"


def can_read() -> bool:
    """Whether this machine has Tesseract; several processes read at once, so each keeps to one core."""
    os.environ.setdefault("OMP_THREAD_LIMIT", "1")
    return shutil.which(PROGRAM) is not None


def text_in(pixels: np.ndarray, *, section: bool = False, parameters: DetectorParameters = DEFAULT) -> list[Box]:
    """Return the boxes of burned-in text in an image.

    Parameters
    ----------
    pixels
        Decoded pixels, (rows, columns) or (rows, columns, samples), with frames before them in a moving picture. Every
        frame is searched that differs from the one before; what was read is not read again.
    section
        Whether the picture is a slice through the body. It is smooth but for outlines, so that lines of many strokes
        are writing, read or not; a projection has its grain and its bones all over, and what is doubtful is read.
    parameters
        The numbers of the detector.

    Returns
    -------
    list of Box
        Boxes in pixels of the image, of all frames together; they may overlap.

    """
    seen = _ImageSearch(section=section, parameters=parameters)
    before: np.ndarray | None = None
    for plane in planes(pixels):
        if before is None or not np.array_equal(plane, before):
            seen.search(plane)
        before = plane
    return seen.boxes


class _ImageSearch:
    """The text boxes found in the frames of one image, and the rows of marks rejected as no text."""

    def __init__(self, *, section: bool, parameters: DetectorParameters) -> None:
        self._parameters = parameters
        self._section = section
        self.boxes: list[Box] = []
        self._bands: list[Box] = []
        self._rejected: list[Box] = []

    def search(self, plane: np.ndarray) -> None:
        """Search one frame, at its own size and smaller ones."""
        parameters = self._parameters
        drawn = _samples(plane)
        grey: np.ndarray = np.stack(drawn).mean(axis=0, dtype=np.float32)
        step = 1
        while True:
            for sample in drawn:
                self._drawn(sample, step, plane.shape)
            if self._section:
                self._crowded(grey, step, plane.shape)
            else:
                self._blended(grey, step, plane.shape)
            if max(grey.shape) <= parameters.halve_above:
                break
            drawn = [sample[::2, ::2] for sample in drawn]
            grey, step = _halved(grey), 2 * step
        for box in self._rejected:
            beside_band = any(_rows_between(box, band) <= box.height for band in self._bands)
            far = parameters.continuation_heights * box.height
            if beside_band or any(_in_line(box, text, far) for text in self.boxes):
                self._add(self._band(box, plane.shape, parameters.band_heights))

    def _drawn(self, sample: np.ndarray, step: int, shape: tuple[int, ...]) -> None:
        """Search for letters of one grey value in one sample of the frame."""
        for line in drawn_lines(sample, self._parameters):
            box = _scaled(line.box, step)
            if _is_faint(sample, line, self._parameters):
                self._add_band(box, shape, self._parameters.band_heights)
            else:
                self._add(_around(box, shape, self._parameters.margin))

    def _add(self, box: Box) -> None:
        if not any(_holds(known, box) for known in self.boxes):
            self.boxes.append(box)

    def _add_band(self, box: Box, shape: tuple[int, ...], heights: int) -> None:
        self._bands.append(self._band(box, shape, heights))
        self._add(self._bands[-1])

    def _band(self, box: Box, shape: tuple[int, ...], heights: int) -> Box:
        return _band(box, shape, max(self._parameters.margin, heights * box.height))

    def _blended(self, grey: np.ndarray, step: int, shape: tuple[int, ...]) -> None:
        """Search for letters without an even grey value, where none were found yet."""
        doubtful: list[Line] = []
        parameters = self._parameters
        for line in sorted(blended_lines(grey, parameters), key=lambda line: -line.marks):
            box = _scaled(line.box, step)
            if any(_mostly_in(box, known) for known in (*self.boxes, *self._rejected)) and not self._goes_on(line, box):
                continue
            if line.looks is Looks.WRITTEN and (step == 1 or line.marks >= parameters.long_row):
                self._add_band(box, shape, parameters.band_heights)
            elif not any(_mostly_in(line.box, known.box) for known in doubtful):
                doubtful.append(line)
        read = _read(doubtful, grey.shape, parameters)
        for line in doubtful:
            box = _scaled(line.box, step)
            if any(line is known for known in read):
                self._add_band(box, shape, parameters.band_heights)
            else:
                self._rejected.append(box)

    def _crowded(self, grey: np.ndarray, step: int, shape: tuple[int, ...]) -> None:
        """Search for lines of writing in a slice, where none were found yet."""
        parameters = self._parameters
        for line in crowded_lines(grey, parameters):
            box = _scaled(line, step)
            drawn = (text for text in self.boxes if text not in self._bands)
            is_edge = any(_is_edge(box, text, parameters.edge_share) for text in drawn)
            if not is_edge and not any(_mostly_in(box, text) for text in self.boxes):
                self._add_band(box, shape, parameters.crowded_band_heights)

    def _goes_on(self, line: Line, box: Box) -> bool:
        """Whether a long row goes on where the text that was found ends: only some of its letters have one value."""
        far = self._parameters.continuation_heights * box.height
        return (
            line.marks >= self._parameters.long_row
            and line.looks is Looks.WRITTEN
            and all(_columns_beyond(box, text) > far for text in self.boxes)
        )


def _samples(plane: np.ndarray) -> list[np.ndarray]:
    """Return the planes of a picture in which letters may have one value: each sample of a colour picture."""
    return [plane] if plane.ndim == 2 else [np.ascontiguousarray(plane[..., at]) for at in range(plane.shape[-1])]


def _halved(grey: np.ndarray) -> np.ndarray:
    rows, columns = grey.shape[0] // 2 * 2, grey.shape[1] // 2 * 2
    halved: np.ndarray = grey[:rows, :columns].reshape(rows // 2, 2, columns // 2, 2).mean(axis=(1, 3))
    return halved


def _read(lines: list[Line], shape: tuple[int, ...], parameters: DetectorParameters) -> list[Line]:
    """Return those lines in which Tesseract reads letters or digits."""
    if not lines:
        return []
    import pytesseract  # noqa: PLC0415 - it brings pandas, half a second of import

    page = np.full(shape, 255, dtype=np.uint8)
    for line in lines:
        box = line.box
        part = page[box.row : box.row + box.height, box.column : box.column + box.width]
        part[line.shape] = 0
    scale = parameters.reader_scale
    picture = Image.fromarray(page)
    picture = picture.resize((picture.width * scale, picture.height * scale), Image.Resampling.BICUBIC)
    read = pytesseract.image_to_data(picture, config="--psm 11", output_type=pytesseract.Output.DICT)
    words = [
        (int(left) / scale, (int(top) + int(height) / 2) / scale, text, float(sure))
        for left, top, height, text, sure in zip(
            *(read[name] for name in ("left", "top", "height", "text", "conf")), strict=True
        )
    ]
    return [line for line in lines if _letters_at(line, words, parameters) >= parameters.reader_letters]


def _letters_at(line: Line, words: Iterable[tuple[float, float, str, float]], parameters: DetectorParameters) -> int:
    """Return the number of letters and digits read in a line, of words at (left, middle row), surely enough."""
    box, columns, rows = line.box, parameters.reader_slack_columns, parameters.reader_slack_rows
    long = line.marks >= parameters.long_row
    least = parameters.reader_confidence_long if long else parameters.reader_confidence_short
    return sum(
        letter.isalnum()
        for left, middle, text, sure in words
        if sure >= least
        if box.column - columns <= left <= box.column + box.width
        and box.row - rows <= middle <= box.row + box.height + rows
        for letter in text
    )


def _is_faint(plane: np.ndarray, line: Line, parameters: DetectorParameters) -> bool:
    """Whether drawn letters are bright on black, but no brighter than anatomy: on it they go on in other values."""
    box = line.box
    area = plane[box.row : box.row + box.height, box.column : box.column + box.width]
    value = float(area[line.shape].max())
    step = parameters.usual_range_stride
    low, high = (float(value) for value in np.percentile(plane[::step, ::step], parameters.usual_range_percentiles))
    return float(np.median(area[~line.shape])) < value < low + parameters.faint_share * (high - low)


def _scaled(box: Box, step: int) -> Box:
    return Box(column=step * box.column, row=step * box.row, width=step * box.width, height=step * box.height)


def _around(box: Box, shape: tuple[int, ...], margin: int) -> Box:
    """Return a box with a margin, within the picture."""
    top, left = max(0, box.row - margin), max(0, box.column - margin)
    bottom, right = min(shape[0], box.row + box.height + margin), min(shape[1], box.column + box.width + margin)
    return Box(column=left, row=top, width=right - left, height=bottom - top)


def _band(box: Box, shape: tuple[int, ...], high: int) -> Box:
    """Return a band across the picture: what stands beside and below a blended line is most likely text as well.

    Letters are lost where bone or a vessel runs through them, and so are lines that are fainter than the first.
    """
    top, bottom = max(0, box.row - high), min(shape[0], box.row + box.height + high)
    return Box(column=0, row=top, width=shape[1], height=bottom - top)


def _holds(outer: Box, inner: Box) -> bool:
    return _shared(outer, inner) == inner.width * inner.height


def _mostly_in(inner: Box, outer: Box) -> bool:
    return 2 * _shared(outer, inner) > inner.width * inner.height


def _is_edge(box: Box, text: Box, share: int) -> bool:
    """Whether a line is the edge of drawn letters: no longer than they, and more on their rows than the next line."""
    return _columns_beyond(box, text) == 0 and share * _shared(box, text) >= box.width * box.height


def _rows_between(box: Box, other: Box) -> int:
    return max(box.row - other.row - other.height, other.row - box.row - box.height, 0)


def _in_line(box: Box, text: Box, far: int) -> bool:
    """Whether a row stands on the rows of some text, close to it, and goes on beyond its end."""
    inside = text.row <= box.row and box.row + box.height <= text.row + text.height
    apart = max(box.column - text.column - text.width, text.column - box.column - box.width)
    return inside and apart <= far and _columns_beyond(box, text) > far


def _columns_beyond(box: Box, other: Box) -> int:
    left, right = box.column, box.column + box.width
    return max(0, other.column - left) + max(0, right - other.column - other.width)


def _shared(box: Box, other: Box) -> int:
    """Return the number of pixels that two boxes share."""
    rows = min(box.row + box.height, other.row + other.height) - max(box.row, other.row)
    columns = min(box.column + box.width, other.column + other.width) - max(box.column, other.column)
    return max(0, rows) * max(0, columns)
