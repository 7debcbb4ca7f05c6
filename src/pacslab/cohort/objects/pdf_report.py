"""The radiologist's report as PDF, with real text: a text search finds it, an image viewer does not show it."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from pacslab.cohort.answer_key import Identifier, Location
from pacslab.cohort.encoding.dataset_builder import PendingIdentifier
from pacslab.cohort.recipe.texts import phrases_of
from pacslab.cohort.recipe.traps import Trap

if TYPE_CHECKING:
    from pacslab.cohort.plan.plan import StudyPlan
    from pacslab.cohort.recipe.recipe import Recipe
    from pacslab.cohort.recipe.texts import Phrases

Line = tuple[str, str, Identifier | None, str]
"""Label, value, kind of identifier or None, and the identifier's token in the answer key."""


def make_report(recipe: Recipe, study: StudyPlan) -> tuple[bytes, list[PendingIdentifier]]:
    """Return a PDF report and the identifiers in it; it does not hold the diagnosis of the cover page.

    Returns
    -------
    tuple of bytes and list of PendingIdentifier
        The PDF, the same bytes on every machine, and its identifiers: on the page and in the document information.

    """
    from reportlab.lib.pagesizes import A4  # noqa: PLC0415 - only where a report is made
    from reportlab.pdfgen.canvas import Canvas  # noqa: PLC0415

    person = study.person
    named = Trap.PDF_TITLE in study.traps
    words = phrases_of(recipe.country)
    title = f"{words.report} {person.spoken}" if named else words.report
    buffer = io.BytesIO()
    # Uncompressed and without a clock: the same bytes whichever zlib is installed.
    canvas = Canvas(buffer, pagesize=A4, invariant=1, pageCompression=0)
    canvas.setTitle(title)
    canvas.setAuthor(f"Dr {study.reading.spoken}" if named else words.department)
    canvas.setSubject(study.mix.description)
    canvas.setProducer("PACS Lab")
    canvas.setCreator("PACS Lab, synthetic data")
    _letterhead(canvas, recipe, words)
    row = 700
    for label, value, _, _ in _lines(study, words):
        canvas.setFont("Helvetica", 10)
        canvas.drawString(60, row, label)
        canvas.setFont("Helvetica-Bold" if label else "Helvetica", 11)
        canvas.drawString(200, row, value)
        row -= 22
    canvas.setFont("Helvetica", 11)
    for text in _body(study, words):
        canvas.drawString(60, row - 16, text)
        row -= 18
    canvas.setFont("Helvetica", 8)
    canvas.drawString(60, 40, words.footer)
    canvas.showPage()
    canvas.save()
    planted = [
        PendingIdentifier(Location.PDF, kind, "pdf page 1", token, "D")
        for _, _, kind, token in _lines(study, words)
        if kind is not None
    ]
    planted += [
        PendingIdentifier(Location.PDF, kind, "pdf page 1", text, "D")
        for kind, text in _letterhead_identifiers(recipe, words)
    ]
    names = (person.name, study.reading.name)
    planted += [
        PendingIdentifier(Location.PDF, Identifier.NAME, "pdf information", name, "D") for name in names if named
    ]
    return buffer.getvalue(), planted


def _letterhead_identifiers(recipe: Recipe, words: Phrases) -> list[tuple[Identifier, str]]:
    hospital = recipe.hospital
    return [
        (Identifier.GEOGRAPHIC, hospital.name),
        (Identifier.GEOGRAPHIC, hospital.address),
        (Identifier.EMAIL, f"{words.mailbox}@{hospital.domain}"),
    ]


def _letterhead(canvas: object, recipe: Recipe, words: Phrases) -> None:
    hospital = recipe.hospital
    for font, size, row, text in (
        ("Helvetica-Bold", 16, 790, hospital.name),
        ("Helvetica", 9, 775, hospital.address),
        ("Helvetica", 9, 763, f"{words.mailbox}@{hospital.domain}"),
        ("Helvetica-Bold", 13, 732, words.heading),
    ):
        canvas.setFont(font, size)  # type: ignore[attr-defined]
        canvas.drawString(60, row, text)  # type: ignore[attr-defined]
    canvas.line(60, 755, 535, 755)  # type: ignore[attr-defined]


def _lines(study: StudyPlan, words: Phrases) -> list[Line]:
    person = study.person
    day = study.time.date()
    born = person.birth_date
    values: tuple[tuple[str, Identifier | None, str], ...] = (
        (person.spoken, Identifier.NAME, person.name),
        (person.national_number, Identifier.NATIONAL_NUMBER, person.national_number),
        (person.record_number, Identifier.RECORD_NUMBER, person.record_number),
        (f"{born:%d.%m.%Y}", Identifier.DATE, f"{born:%Y%m%d}"),
        (person.address, Identifier.GEOGRAPHIC, person.address),
        (person.contact_name, Identifier.NAME, person.contact_name),
        (person.contact_phone, Identifier.PHONE, person.contact_phone),
        (study.mix.description, None, ""),
        (f"{day:%d.%m.%Y}", Identifier.DATE, f"{day:%Y%m%d}"),
        (f"Dr {study.referring.spoken}", Identifier.NAME, study.referring.name),
        (f"Dr {study.reading.spoken}", Identifier.NAME, study.reading.name),
    )
    return [(label, *value) for label, value in zip(words.labels, values, strict=True)]


def _body(study: StudyPlan, words: Phrases) -> list[str]:
    found = study.finding.words
    return [
        words.findings,
        f"    {found[0].upper()}{found[1:]}.",
        f"    {words.nothing_else}",
        words.advice,
        f"    {words.correlation}",
    ]
