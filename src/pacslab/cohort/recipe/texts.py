"""Texts of a hospital in its language: printed forms, reports and comments (``synthetic_data/texts/*.yaml``).

Placeholders such as ``{name}`` stand for a patient's data. The files hold texts only, so a translator opens no Python.
"""

from __future__ import annotations

from functools import cache
from string import Formatter
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, Field

from pacslab.cohort.recipe.sections import Country, Line
from pacslab.errors import ScenarioError
from pacslab.models import Model
from pacslab.paths import shipped
from pacslab.scenario import read_yaml

if TYPE_CHECKING:
    from pathlib import Path

FORM_LABELS = 13
"""Labels of an admission form, from the patient's name to the examination."""
REPORT_LABELS = 11
"""Labels of a PDF report, from the patient's name to the physician who reported."""

Text = Annotated[str, Field(min_length=1)]


def _requires(*placeholders: str) -> AfterValidator:
    """Return a validator of a text that has each of these placeholders, and no other."""

    def check(text: str) -> str:
        found = {name for _, name, _, _ in Formatter().parse(text) if name is not None}
        if found != set(placeholders):
            wanted = ", ".join(f"{{{name}}}" for name in placeholders)
            raise ValueError(f"the text {text!r} must hold the placeholders {wanted}, and no other")
        return text

    return AfterValidator(check)


class Language(Model):
    """The language of the texts: a code of RFC 5646, and its meaning in English."""

    code: Text
    meaning: Text


class FormTexts(Model):
    """An admission form and a referral letter: titles, labels, and sentences around the typed values."""

    title: Text
    copy_note: Text
    labels: tuple[str, ...] = Field(min_length=FORM_LABELS, max_length=FORM_LABELS)
    diagnosis: Text
    consent: Text
    signature: Text
    physician: Text
    stamp: tuple[Text, Text]
    letter_title: Text
    greeting: Text
    request: Text
    known_diagnosis: Text
    contact: Text
    closing: Text


class Phrases(Model):
    """Headings of a PDF report, and sentences for attributes that mention a patient."""

    report: Text
    department: Text
    heading: Text
    mailbox: Annotated[str, Field(pattern=r"^[a-z]+$")]
    labels: tuple[Text, ...] = Field(min_length=REPORT_LABELS, max_length=REPORT_LABELS)
    findings: Text
    nothing_else: Text
    advice: Text
    correlation: Text
    footer: Text
    document_title: Line
    request_reason: Annotated[Line, _requires("name")]
    patient_history: Annotated[Text, _requires("born", "seen", "words")]
    series_description: Annotated[Line, _requires("words", "name")]
    code_meaning: Annotated[Line, _requires("kind", "name")]
    image_comment: Annotated[Text, _requires("name", "number", "words")]
    visit_comment: Annotated[Text, _requires("vehicle", "licence", "fax", "email", "page")]
    annotation: Annotated[Text, _requires("words", "name", "born")]
    annotations_title: Line
    report_finding: Annotated[Text, _requires("name", "seen", "number", "words", "phone")]
    conclusion: Text
    tracking_identifier: Text
    key_image: Annotated[Text, _requires("words", "name")]
    overlay_label: Annotated[Line, _requires("name")]
    series_names: dict[str, Line]

    def series_name(self, english: str) -> str:
        """Return the description of a series in this language; one without a translation stays as it is."""
        return self.series_names.get(english, english)


class HospitalTexts(Model):
    """All texts of a language."""

    language: Language
    form: FormTexts
    phrases: Phrases


def load_texts(language: str, root: Path | None = None) -> HospitalTexts:
    """Load the texts of a language.

    Parameters
    ----------
    language
        Such as ``french``, the name of a file without its suffix.
    root
        The folder of the files; the shipped ``synthetic_data/texts`` unless set.

    Raises
    ------
    ScenarioError
        If there is no such file, or it does not fit; the message names file, key and remedy.

    Examples
    --------
    >>> load_texts("french").phrases.series_name("KEY IMAGES")
    'IMAGES CLÉS'

    """
    root = root or shipped("synthetic_data") / "texts"
    return read_yaml(root / f"{language}.yaml", HospitalTexts, ScenarioError)


@cache
def texts_of(country: Country) -> HospitalTexts:
    """Return a country's texts: French in France, English elsewhere, as hospitals in India write."""
    return load_texts("french" if country is Country.FRANCE else "english")


def form_of(country: Country) -> FormTexts:
    """Return the texts of a country's forms; see :func:`texts_of`."""
    return texts_of(country).form


def phrases_of(country: Country) -> Phrases:
    """Return a country's phrases; see :func:`texts_of`."""
    return texts_of(country).phrases
