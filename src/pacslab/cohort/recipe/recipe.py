"""Recipe of a hospital's cohort, loaded and validated from ``synthetic_data/<name>.yaml``.

A recipe may begin with ``extends: another-recipe`` and then hold only the differences.
"""

from __future__ import annotations

import re
from datetime import date  # noqa: TC003 - pydantic reads the annotations
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from pacslab.cohort.recipe.fictional import DOORS, postcode
from pacslab.cohort.recipe.fictional import street as street_address
from pacslab.cohort.recipe.name_lists import Words, has_native_forms, list_of_words, native_form
from pacslab.cohort.recipe.sections import (
    LONG,
    CharacterSet,
    Country,
    Hospital,
    Kind,
    Line,
    Names,
    Occupation,
    People,
    Period,
    Prominent,
    Range,
    Staff,
    StudyMix,
)
from pacslab.cohort.recipe.traps import EVERY, LEVELS, Difficulty, Trap
from pacslab.errors import ScenarioError
from pacslab.models import Model
from pacslab.paths import shipped
from pacslab.scenario import check_document, did_you_mean, read_mapping

if TYPE_CHECKING:
    from pathlib import Path


MAX_GIVEN_NAME_BYTES = 21
"""Bytes of a given name in all its scripts: a PN value has 64, and family names are longer (see :mod:`.surnames`)."""
MAX_PATIENTS = 500
"""Patients of a cohort; more would not fit a student's machine."""


class Recipe(Model):
    """A hospital's cohort.

    Names come from ``names``, or from Faker's lists of ``locale`` (such as ``fr_FR``). ``traps`` is a difficulty
    (``easy``, ``usual``, ``hard``), or each trap with the number of studies that it is set in, or ``all``.
    """

    id: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=48)]
    """The file's name without ``.yaml``."""
    country: Country = Country.INDIA
    """Whose identity numbers, telephones and postcodes are imitated."""
    character_set: CharacterSet = CharacterSet.UTF_8
    """Specific Character Set (0008,0005) of every file."""
    patient_id: Literal["national-number", "record-number"] = "national-number"
    """Which number stands in Patient ID (0010,0020)."""
    record_prefix: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] = "JA"
    """The two letters that record and accession numbers begin with."""
    hospital: Hospital
    """Name and address of the hospital."""
    period: Period
    """The days on which studies were made."""
    today: date
    """The day of the lab: after the period, and the date of the scanner's new study."""
    names: Names | None = None
    """Lists of names of the recipe's own, in place of ``locale``."""
    locale: str | None = None
    """Faker's locale that names are drawn from, such as ``fr_FR``."""
    word_lists: dict[str, str] = Field(
        default_factory=dict, description="the SHA-256 that the locale's lists must have"
    )
    """The SHA-256 that the locale's lists must have, so that another Faker is found out."""
    physicians: tuple[Staff, ...] = Field(min_length=3)
    """Who refers and reads; a study has two different ones."""
    technicians: tuple[Staff, ...] = Field(min_length=1)
    """Who operates the machines."""
    wards: tuple[Line, ...] = ()
    """Current Patient Location (0038,0300); none where the list is empty."""
    streets: tuple[Line, ...] = Field(min_length=1)
    """Streets of invented addresses."""
    villages: tuple[Line, ...] = Field(min_length=1)
    """Towns and villages of invented addresses."""
    occupations: tuple[Occupation, ...] = Field(min_length=1)
    """Occupation (0010,2180) of patients."""
    prominent: Prominent
    """The patient whom newspapers would pay for."""
    people: People = People()
    """Patients who are easy to find."""
    diagnoses: tuple[Line, ...]
    """Diagnoses, one a patient."""
    returning: Range
    """How many patients have a second study."""
    prior_years: Range = Range(least=0, most=0)
    """How many years earlier the first of two studies was."""
    cover_pages: Range
    """How many patients have a scanned cover page."""
    reports: Range
    """How many patients have a PDF report."""
    traps: Difficulty | dict[Trap, Annotated[int, Field(ge=0, le=EVERY)] | Literal["all"]] = Difficulty.USUAL
    """Where identifiers are hidden: a difficulty, or each trap with the number of studies, or ``all``."""
    studies: tuple[StudyMix, ...] = Field(min_length=1)
    """The kinds of study, each at most once."""

    @property
    def most_studies(self) -> int:
        """Return the largest number of studies that a variant can have."""
        return sum(mix.studies.most for mix in self.studies)

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Return the kinds of study, those first that show the patient."""
        return tuple(sorted((mix.kind for mix in self.studies), key=lambda kind: kind is Kind.ELECTROCARDIOGRAM))

    def mix(self, kind: Kind) -> StudyMix:
        """Return the studies of one kind (a recipe has each kind at most once)."""
        return next(mix for mix in self.studies if mix.kind is kind)

    def studies_with(self, trap: Trap) -> int:
        """Return the number of studies with a trap; 0 if it is switched off."""
        chosen = LEVELS[self.traps] if isinstance(self.traps, Difficulty) else self.traps
        number = chosen.get(trap, 0)
        return EVERY if number == "all" else int(number)

    def words(self) -> Words:
        """Return the lists of names that patients are drawn from."""
        return self._words

    @cached_property
    def _words(self) -> Words:
        if self.names is not None:
            return Words(self.names.female, self.names.male, self.names.family)
        taken = self._reserved_words
        listed = list_of_words(str(self.locale))

        def free(names: tuple[str, ...]) -> tuple[str, ...]:
            return tuple(name for name in names if not taken & _words_of(name) and self._fits(name))

        return Words(free(listed.female), free(listed.male), free(listed.family), listed.origin)

    def native(self, name: str) -> str:
        """Return a name in the country's own script if the locale's lists have it, else ''."""
        return native_form(self.locale, name) if self.locale and self.two_scripts else ""

    @cached_property
    def two_scripts(self) -> bool:
        """Return whether patients' names are also written in the country's own script."""
        return self.locale is not None and self.names is None and has_native_forms(self.locale)

    def is_free(self, name: str) -> bool:
        """Return whether a family name shares no word with the hospital's texts and staff."""
        return not _words_of(name) & self._reserved_words

    def _fits(self, name: str) -> bool:
        """Return whether a given name can be encoded and leaves room in a PN value for a coined family name."""
        try:
            return len((name + self.native(name)).encode(self.character_set.codec)) <= MAX_GIVEN_NAME_BYTES
        except UnicodeEncodeError:
            return False

    @model_validator(mode="after")
    def _possible(self) -> Self:
        kinds = [mix.kind for mix in self.studies]
        if len(set(kinds)) < len(kinds):
            raise ValueError("'studies' must list each kind once")
        if set(kinds) <= {Kind.ELECTROCARDIOGRAM}:
            raise ValueError("'studies' must list a kind that has images")
        fewest = sum(mix.studies.least for mix in self.studies)
        if not 4 <= fewest <= self.most_studies <= MAX_PATIENTS:
            raise ValueError(
                f"'studies' must be 4 to {MAX_PATIENTS} together, not {fewest} to {self.most_studies}; change "
                "'least' and 'most'"
            )
        for kind, least in ((self.clinic_kind, 2), (self.prominent_kind, 1)):
            if self.mix(kind).studies.least < least:
                raise ValueError(f"the questions need at least {least} studies of kind {kind}; raise 'least'")
        if self.returning.most * 2 > fewest:
            raise ValueError(f"'returning' of {self.returning.most} is more than half of the {fewest} studies")
        for name, pages in (("cover_pages", self.cover_pages), ("reports", self.reports)):
            if pages.least < 2 or pages.most > fewest - self.returning.most:
                raise ValueError(
                    f"{name!r} must lie between 2 (the prominent patient's and one to ask for) "
                    f"and {fewest - self.returning.most}"
                )
        if self.today <= self.period.last:
            raise ValueError("'today' must be after the period's last day")
        return self

    @model_validator(mode="after")
    def _addresses_fit(self) -> Self:
        longest = max(self.streets, key=len), max(self.villages, key=len)
        houses, flats = DOORS[self.country]
        street = street_address(houses - 1, flats - 1, longest[0], self.country)
        code = postcode(0, self.country, self.hospital.postcode_prefix)
        if len(f"{street}, {longest[1]} {code}".encode(self.character_set.codec, "replace")) > LONG:
            raise ValueError(
                f"'{street}, {longest[1]} {code}' has more than the {LONG} characters of an address; shorten the "
                "street in 'streets' or the village in 'villages'"
            )
        return self

    @model_validator(mode="after")
    def _enough_people(self) -> Self:
        if (self.names is None) == (self.locale is None):
            raise ValueError("give either 'names', lists of your own, or 'locale', whose lists Faker has; not both")
        need = self.most_studies
        special = self.people.family + self.people.two_ids + self.people.over_89 + bool(self.people.rare_diseases)
        fewest = sum(mix.studies.least for mix in self.studies) - self.returning.most
        if special + 1 > fewest:
            raise ValueError(f"'people' asks for {special} special patients, and there are {fewest - 1} beside the VIP")
        if self.people.two_ids > self.returning.least:
            raise ValueError(f"'people.two_ids' of {self.people.two_ids} needs as many 'returning' patients")
        source = "names" if self.names is not None else f"locale {self.locale!r}"
        words = self.words()
        for name, have in (("female", words.female), ("male", words.male), ("family", words.family)):
            if len(set(have)) < need:
                what = f"'names.{name}'" if self.names is not None else f"{source} has too few names ({name}):"
                raise ValueError(f"{what} needs {need} different entries, one a patient, and has {len(set(have))}")
        for name, digest in self.word_lists.items():
            found = words.origin.get(name, "none")
            if not found.endswith(digest):
                raise ValueError(
                    f"'word_lists' pins {name} to {digest}, and this machine has {found}: the same students would get "
                    "other patients. Install the version of Faker that requirements.lock names, or write the new digest"
                )
        if len(set(self.diagnoses)) < need:
            raise ValueError(
                f"'diagnoses' needs {need} different entries, one a patient, and has {len(set(self.diagnoses))}"
            )
        if self.names is not None:
            self._names_stand_alone()
        return self

    @property
    def clinic_kind(self) -> Kind:
        """Return the kind of study of the clinic's day: CT if the recipe has it."""
        return Kind.CHEST_CT if Kind.CHEST_CT in self.kinds else self.kinds[0]

    @property
    def prominent_kind(self) -> Kind:
        """Return the kind of the prominent patient's study: ultrasound if the recipe has it."""
        return Kind.ABDOMINAL_ULTRASOUND if Kind.ABDOMINAL_ULTRASOUND in self.kinds else self.kinds[-1]

    @cached_property
    def _reserved_words(self) -> set[str]:
        """Return the words that no patient's name may contain, as they would look like a leak."""
        staff = {name for member in (*self.physicians, *self.technicians) for name in (member.given, member.family)}
        return {word for name in staff for word in _words_of(name)} | self._own_words()

    def _own_words(self) -> set[str]:
        texts = [self.hospital.name, self.hospital.address, self.hospital.region, *self.streets, *self.villages]
        texts += [*self.occupations, *self.diagnoses, *self.prominent.diagnoses, *self.prominent.occupations]
        texts += [self.prominent.comment, *(mix.description for mix in self.studies), *self.wards]
        texts += [finding.words for mix in self.studies for finding in mix.findings]
        return {word for text in texts for word in _words_of(text)}

    def _names_stand_alone(self) -> None:
        words = self.words()
        names = {name.lower() for group in (words.female, words.male, words.family) for name in group}
        staff = {
            name.lower() for member in (*self.physicians, *self.technicians) for name in (member.given, member.family)
        }
        for taken, what in (
            (staff, "a member of the staff's name"),
            (self._own_words(), "a word of the hospital's own texts"),
        ):
            if names & taken:
                raise ValueError(f"the patient name {min(names & taken).title()!r} is also {what}; use another")


def _words_of(text: str) -> set[str]:
    return set(re.findall(r"[^\W\d_]+", text.lower()))


def recipe_names(root: Path | None = None) -> list[str]:
    """Return the names of the recipes in a folder; the shipped ``synthetic_data`` unless set."""
    return sorted(path.stem for path in (root or shipped("synthetic_data")).glob("*.yaml"))


def load_recipe(name: str, root: Path | None = None) -> Recipe:
    """Load a recipe by its name.

    Parameters
    ----------
    name
        Such as ``district-hospital``.
    root
        The folder of recipes; the shipped ``synthetic_data`` unless set.

    Raises
    ------
    ScenarioError
        If there is no such recipe, or it does not fit; the message names file, key and remedy.

    Examples
    --------
    >>> load_recipe("district-hospital").country.value
    'india'

    """
    root = root or shipped("synthetic_data")
    path = root / f"{name}.yaml"
    content = _extended(name, root, ())
    recipe = check_document(content, path, Recipe, ScenarioError)
    if recipe.id != name:
        raise ScenarioError(f"{path}: id is {recipe.id!r}", f"Write 'id: {name}', the file's own name.")
    return recipe


def _extended(name: str, root: Path, below: tuple[str, ...]) -> dict[str, Any]:
    """Return a recipe's keys merged with those of the recipe that it extends."""
    known = sorted({*recipe_names(root), *recipe_names()})
    if name not in known:
        hint = did_you_mean(name, known)
        where = f"{root / below[-1]}.yaml extends it" if below else f"in {root}"
        raise ScenarioError(
            f"there is no cohort recipe {name!r} ({where})" if below else f"there is no cohort recipe {name!r} {where}",
            f"{hint} The recipes are: {', '.join(known) or 'none'}.".strip(),
        )
    if name in below:
        raise ScenarioError(
            f"{root / name}.yaml extends itself, by way of {', '.join(below)}", "Remove one of the 'extends' lines."
        )
    path = root / f"{name}.yaml"
    content = read_mapping(path if path.exists() else shipped("synthetic_data") / path.name, ScenarioError)
    base = content.pop("extends", None)
    if base is None:
        return content
    return _merged(_extended(str(base), root, (*below, name)), content)


def _merged(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Merge mappings key by key; other values are replaced, and null removes a key."""
    merged = dict(base)
    for key, value in changes.items():
        old = merged.get(key)
        if value is None:
            merged.pop(key, None)
        elif isinstance(old, dict) and isinstance(value, dict) and key != "traps":
            merged[key] = _merged(old, value)
        else:
            merged[key] = value
    return merged
