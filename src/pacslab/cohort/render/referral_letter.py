"""Scanned referral letter: running text with identifiers of patient and physician."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pacslab.cohort.answer_key import Identifier
from pacslab.cohort.recipe.texts import form_of
from pacslab.cohort.render.scanned_pages import COLUMNS, Burned, Sheet, Stationery, scanned, stationery_of

if TYPE_CHECKING:
    import numpy as np

    from pacslab.cohort.plan.plan import StudyPlan
    from pacslab.cohort.recipe.recipe import Recipe
    from pacslab.scenario import Stream


def make_letterhead(recipe: Recipe, grain: np.ndarray) -> Stationery:
    """Return the hospital's empty letter paper; see :func:`pacslab.cohort.render.scanned_pages.make_stationery`."""
    sheet = Sheet(None)
    sheet.print_place(60, 54, recipe.hospital.name, 20, bold=True)
    sheet.print_place(60, 84, recipe.hospital.address, 12)
    sheet.draw.line((60, 108, COLUMNS - 60, 108), fill=150, width=2)
    return stationery_of(sheet, grain)


def referral_letter(
    paper: Stationery, recipe: Recipe, study: StudyPlan, stream: Stream
) -> tuple[np.ndarray, list[Burned]]:
    """Draw a scanned letter.

    Parameters
    ----------
    paper
        What :func:`make_letterhead` returned.
    recipe, study
        The hospital, and the patient's study.
    stream
        The page's rotation on the scanner is drawn from it.

    Returns
    -------
    tuple of numpy.ndarray and list of Burned
        The page, uint8 of shape (rows, columns), and the identifiers on it.

    """
    form, person = form_of(recipe.country), study.person
    sheet = Sheet(paper.form)
    day = study.time.date()
    sheet.print(60, 150, form.letter_title, 16, bold=True)
    sheet.type(480, 150, f"{day:%d.%m.%Y}", Identifier.DATE, f"{day:%Y%m%d}")
    sheet.type(60, 210, form.greeting)
    sheet.type(60, 244, form.request)
    lines: tuple[tuple[str, Identifier | None, str], ...] = (
        (f"{person.title} {person.spoken}", Identifier.NAME, person.name),
        (f"{person.birth_date:%d.%m.%Y}", Identifier.DATE, f"{person.birth_date:%Y%m%d}"),
        (person.national_number, Identifier.NATIONAL_NUMBER, person.national_number),
        (person.insurance, Identifier.INSURANCE, person.insurance),
        (study.mix.description, None, ""),
    )
    row = 284
    for text, kind, token in lines:
        sheet.type(110, row, text, kind, token)
        row += 34
    sheet.type(60, row + 20, form.known_diagnosis)
    sheet.type(110, row + 54, person.diagnosis, Identifier.OTHER)
    sheet.type(60, row + 108, form.contact)
    sheet.type(110, row + 142, person.phone, Identifier.PHONE)
    sheet.type(110, row + 176, person.vehicle, Identifier.VEHICLE)
    sheet.type(60, row + 240, form.closing)
    sheet.type(60, row + 290, f"Dr {study.referring.spoken}", Identifier.NAME, study.referring.name)
    return scanned(paper, sheet, stream)
