"""Text in pixels: banners burned into images, and scanned pages with typed text.

Pillow draws glyphs from DejaVu, which matplotlib ships, so the machine needs no font of its own.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pacslab.cohort.answer_key import AGE_TOP_CODE, Box, Identifier, Location, pack_glyphs
from pacslab.cohort.encoding.dataset_builder import PendingIdentifier
from pacslab.cohort.recipe.texts import FORM_LABELS, form_of
from pacslab.errors import PacslabError

if TYPE_CHECKING:
    from PIL import Image, ImageDraw

    from pacslab.cohort.plan.plan import StudyPlan
    from pacslab.cohort.recipe.recipe import Recipe
    from pacslab.scenario import Stream

ROWS = 1018
COLUMNS = 720
"""A4 at 87 dots an inch."""
GLYPH_MARGIN = 2
"""Pixels around the glyphs that belong to their box."""


@dataclass(frozen=True)
class Burned:
    """A burned-in identifier: token, kind, box, and glyph mask (boolean, of the shape of the box)."""

    token: str
    kind: Identifier
    box: Box
    glyphs: np.ndarray

    def pending(self) -> PendingIdentifier:
        """Return the entry of the answer key, before the instance is named."""
        return PendingIdentifier(
            Location.PIXELS, self.kind, "pixels", self.token, "C", self.box, pack_glyphs(self.glyphs)
        )


@cache
def _font(name: str, size: int) -> Any:
    from PIL import ImageFont  # noqa: PLC0415 - only where pixels are made

    spec = importlib.util.find_spec("matplotlib")
    if spec is None or spec.origin is None:
        raise PacslabError("matplotlib, whose fonts draw the pages, is not installed", "Install pacslab again.")
    path = Path(spec.origin).parent / "mpl-data" / "fonts" / "ttf" / f"{name}.ttf"
    return ImageFont.truetype(str(path), size, layout_engine=ImageFont.Layout.BASIC)


def burn_banner(picture: np.ndarray, recipe: Recipe, study: StudyPlan, *, named: bool = True) -> list[Burned]:
    """Burn the banner of an ultrasound machine into the black rows above the fan.

    Parameters
    ----------
    picture
        uint8 of shape (480, 640); changed in place.
    recipe, study
        The hospital, and the study of the patient.
    named
        Whether the banner holds identifiers; it always holds the machine's settings.

    Returns
    -------
    list of Burned
        The identifiers of the banner.

    """
    person = study.person
    width = picture.shape[1]
    name, number = recipe.hospital.name, person.national_number
    lines = [
        (name.upper(), name, Identifier.GEOGRAPHIC, 5, False),
        (study.time.strftime("%d.%m.%Y"), study.time.strftime("%Y%m%d"), Identifier.DATE, 5, True),
        (f"{person.family} {person.given}".upper(), person.name, Identifier.NAME, 23, False),
        (number, number, Identifier.NATIONAL_NUMBER, 23, True),
    ]
    burned = []
    for text, token, kind, row, flush_right in lines if named else []:
        glyphs = letters(text, 15)
        left = width - 8 - glyphs.shape[1] if flush_right else 8
        box = Box(column=left, row=row, width=glyphs.shape[1], height=glyphs.shape[0])
        picture[row : row + box.height, left : left + box.width][glyphs] = 230
        burned.append(Burned(token, kind, box, glyphs))
    for text, row in (("ABD  C5-2", 440), ("MI 0.9 TIS 0.4", 457)):
        glyphs = letters(text, 12)
        picture[row : row + glyphs.shape[0], 8 : 8 + glyphs.shape[1]][glyphs] = 170
    return burned


@cache
def letters(text: str, size: int) -> np.ndarray:
    """Draw a text as a glyph mask, without antialiasing.

    Returns
    -------
    numpy.ndarray
        Boolean, of the text's height and width in pixels, with a margin of :data:`GLYPH_MARGIN`.

    """
    from PIL import Image, ImageDraw  # noqa: PLC0415 - only where pixels are made

    font = _font("DejaVuSansMono-Bold", size)
    left, top, right, bottom = font.getbbox(text, mode="1")
    image = Image.new("1", (right - left + 2 * GLYPH_MARGIN, bottom - top + 2 * GLYPH_MARGIN))
    draw = ImageDraw.Draw(image)
    draw.fontmode = "1"
    draw.text((GLYPH_MARGIN - left, GLYPH_MARGIN - top), text, fill=1, font=font)
    return np.array(image)


Typed = tuple[str, Identifier, tuple[int, int, int, int]]
"""An identifier typed on a page: token, kind, and left, top, right and bottom in pixels."""


@dataclass(frozen=True)
class Stationery:
    """An empty form of a hospital.

    ``form`` is the printed ink (a greyscale image, 0 is none). ``paper``, the scanned sheet without ink, and ``bite``,
    the darkness of ink in the scan, are float arrays of shape (rows, columns). ``printed`` are the form's identifiers.
    """

    form: Image.Image
    paper: np.ndarray
    bite: np.ndarray
    printed: tuple[Typed, ...] = ()


def make_stationery(recipe: Recipe, grain: np.ndarray) -> Stationery:
    """Return the empty form of a hospital.

    Parameters
    ----------
    recipe
        The recipe of the hospital.
    grain
        Noise of unit deviation, of shape (rows, columns).

    """
    sheet = Sheet(None)
    _print_form(sheet, recipe)
    return stationery_of(sheet, grain)


def stationery_of(sheet: Sheet, grain: np.ndarray) -> Stationery:
    """Return the stationery of a printed sheet; ``grain`` is as in :func:`make_stationery`."""
    return Stationery(sheet.ink, 236.5 + 3 * grain - _shadow(), 0.80 + 0.06 * grain, tuple(sheet.typed))


def cover_page(stationery: Stationery, study: StudyPlan, stream: Stream) -> tuple[np.ndarray, list[Burned]]:
    """Draw a scanned admission form.

    Parameters
    ----------
    stationery
        The empty form.
    study
        The study of the patient. The diagnosis is typed on the form and is in no header.
    stream
        The page's rotation on the scanner is drawn from it.

    Returns
    -------
    tuple of numpy.ndarray and list of Burned
        The page, uint8 of shape (rows, columns), and the identifiers on it.

    """
    sheet = Sheet(stationery.form)
    _fill_in(sheet, study)
    return scanned(stationery, sheet, stream)


def scanned(stationery: Stationery, sheet: Sheet, stream: Stream) -> tuple[np.ndarray, list[Burned]]:
    """Scan a sheet, rotated by about a degree: uint8 of shape (rows, columns), and the identifiers on it."""
    from PIL import Image  # noqa: PLC0415 - only where pixels are made

    angle = stream.uniform(0.4, 1.3) * stream.choice((-1, 1))
    ink = np.asarray(sheet.ink.rotate(angle, Image.Resampling.BILINEAR))
    page = stationery.paper - ink * stationery.bite
    burned = [
        _rotated(ink, token, kind, corners, angle) for token, kind, corners in (*stationery.printed, *sheet.typed)
    ]
    return np.clip(page, 0, 255, out=page).astype(np.uint8), burned


class Sheet:
    """A sheet of paper: its ink, and the identifiers typed on it."""

    def __init__(self, form: Image.Image | None) -> None:
        from PIL import Image, ImageDraw  # noqa: PLC0415 - only where pixels are made

        self.ink = Image.new("L", (COLUMNS, ROWS)) if form is None else form.copy()
        self.draw: ImageDraw.ImageDraw = ImageDraw.Draw(self.ink)
        self.typed: list[Typed] = []

    def print(self, column: int, row: int, text: str, size: int = 13, *, bold: bool = False) -> None:
        """Print a text of the form."""
        self.draw.text((column, row), text, fill=210, font=_font("DejaVuSans-Bold" if bold else "DejaVuSans", size))

    def print_place(self, column: int, row: int, text: str, size: int, *, bold: bool = False, token: str = "") -> None:
        """Print a text of the form and record it as a geographic identifier."""
        self.print(column, row, text, size, bold=bold)
        font = _font("DejaVuSans-Bold" if bold else "DejaVuSans", size)
        self._remember(font, (column, row), text, Identifier.GEOGRAPHIC, token)

    def type(self, column: int, row: int, text: str, kind: Identifier | None = None, token: str = "") -> None:
        """Type a value; if it has a kind, record it as an identifier, with ``token`` if that differs from the text."""
        font = _font("DejaVuSansMono", 17)
        self.draw.text((column, row), text, fill=235, font=font)
        if kind is not None:
            self._remember(font, (column, row), text, kind, token)

    def _remember(self, font: Any, at: tuple[int, int], text: str, kind: Identifier, token: str) -> None:
        column, row = at
        left, top, right, bottom = (int(edge) for edge in font.getbbox(text))
        self.typed.append((token or text, kind, (column + left, row + top, column + right, row + bottom)))


def _shadow() -> np.ndarray:
    """Return the darkness of the scanner's lid along the left and lower edge."""
    across = np.exp(-np.arange(COLUMNS, dtype=np.float32) / 9)[None, :]
    down = np.exp(-np.arange(ROWS, dtype=np.float32)[::-1] / 6)[:, None]
    return np.asarray(95 * across + 70 * down)


def _rotated(ink: np.ndarray, token: str, kind: Identifier, corners: tuple[int, int, int, int], angle: float) -> Burned:
    """Return a typed text with its box and glyph mask after the page was rotated about its centre."""
    left, top, right, bottom = corners
    turn = np.radians(angle)
    x = np.array([left, right, left, right]) - COLUMNS / 2
    y = np.array([top, top, bottom, bottom]) - ROWS / 2
    columns = x * np.cos(turn) + y * np.sin(turn) + COLUMNS / 2
    rows = y * np.cos(turn) - x * np.sin(turn) + ROWS / 2
    first_column, last_column = (
        max(0, int(columns.min()) - GLYPH_MARGIN),
        min(COLUMNS, int(columns.max()) + GLYPH_MARGIN + 1),
    )
    first_row, last_row = max(0, int(rows.min()) - GLYPH_MARGIN), min(ROWS, int(rows.max()) + GLYPH_MARGIN + 1)
    box = Box(column=first_column, row=first_row, width=last_column - first_column, height=last_row - first_row)
    return Burned(token, kind, box, ink[first_row:last_row, first_column:last_column] > 110)


FIRST_ROW, ROW_STEP = 172, 40
DIAGNOSIS_ROW = FIRST_ROW + ROW_STEP * FORM_LABELS


def _print_form(sheet: Sheet, recipe: Recipe) -> None:
    """Print the empty form, with the department's stamp."""
    draw, hospital, form = sheet.draw, recipe.hospital, form_of(recipe.country)
    draw.rectangle((36, 36, COLUMNS - 36, ROWS - 60), outline=170, width=2)
    sheet.print_place(60, 54, hospital.name.upper(), 22, bold=True, token=hospital.name)
    sheet.print_place(60, 86, hospital.address, 12)
    sheet.print(60, 122, form.title, 16, bold=True)
    sheet.print(500, 124, form.copy_note, 11)
    draw.line((36, 150, COLUMNS - 36, 150), fill=170, width=2)
    for number, label in enumerate(form.labels):
        row = FIRST_ROW + ROW_STEP * number
        sheet.print(60, row + 3, label)
        draw.line((228, row + 24, COLUMNS - 60, row + 24), fill=90)
    row = DIAGNOSIS_ROW
    draw.rectangle((56, row + 6, COLUMNS - 56, row + 84), outline=190, width=2)
    sheet.print(68, row + 12, form.diagnosis, 14, bold=True)
    sheet.print(60, row + 112, form.consent, 11)
    draw.line((60, row + 172, 280, row + 172), fill=120)
    sheet.print(60, row + 176, form.signature, 10)
    draw.line((430, row + 172, COLUMNS - 60, row + 172), fill=120)
    sheet.print(430, row + 176, form.physician, 10)
    draw.ellipse((300, row + 132, 400, row + 232), outline=110, width=3)
    sheet.print(318, row + 164, form.stamp[0], 10, bold=True)
    sheet.print(323, row + 180, form.stamp[1], 10, bold=True)
    strokes = [(452 + 7 * n, row + 152 + 14 * ((n * 7) % 3 - 1) * (1 - n / 24)) for n in range(22)]
    draw.line(strokes, fill=200, width=2, joint="curve")


def _fill_in(sheet: Sheet, study: StudyPlan) -> None:
    """Type one patient's values, in the order of the form's labels."""
    person = study.person
    day = study.time.date()
    values: tuple[tuple[str, Identifier | None, str], ...] = (
        (f"{person.title} {person.spoken}", Identifier.NAME, person.name),
        (_grouped_by_four(person.national_number), Identifier.NATIONAL_NUMBER, person.national_number),
        (person.record_number, Identifier.RECORD_NUMBER, ""),
        (f"{person.birth_date:%d.%m.%Y}", Identifier.DATE, f"{person.birth_date:%Y%m%d}"),
        (f"{person.age(day)} / {person.sex}", *_age_identifier(person.age(day))),
        (person.street, Identifier.GEOGRAPHIC, ""),
        (f"{person.village} {person.postcode}", Identifier.GEOGRAPHIC, ""),
        (person.phone, Identifier.PHONE, ""),
        (person.email[:44], Identifier.EMAIL, person.email),
        (person.occupation, Identifier.OTHER if person.prominent else None, ""),
        (f"{day:%d.%m.%Y}", Identifier.DATE, f"{day:%Y%m%d}"),
        (f"Dr {study.referring.spoken}", Identifier.NAME, study.referring.name),
        (study.mix.description, None, ""),
    )
    for number, (text, kind, token) in enumerate(values):
        sheet.type(232, FIRST_ROW + ROW_STEP * number, text, kind, token)
    sheet.type(84, DIAGNOSIS_ROW + 44, person.diagnosis, Identifier.OTHER)


def _age_identifier(age: int) -> tuple[Identifier | None, str]:
    """Return kind and token of an age above :data:`AGE_TOP_CODE`; no kind for any other age."""
    return (Identifier.AGE, f"{age:03d}Y") if age > AGE_TOP_CODE else (None, "")


def _grouped_by_four(number: str) -> str:
    if "-" in number:
        return number
    return " ".join(number[at : at + 4] for at in range(0, len(number), 4))
