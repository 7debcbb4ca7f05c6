"""Patients of a cohort: identity, contact data and diagnosis, drawn before any study."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from math import prod
from typing import TYPE_CHECKING

from pacslab.cohort.answer_key import Identifier, Role
from pacslab.cohort.recipe import fictional
from pacslab.cohort.recipe.sections import LONG, Country
from pacslab.cohort.recipe.surnames import SYLLABLES, disjoint_numbers

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from pacslab.cohort.recipe.recipe import Recipe
    from pacslab.scenario import Stream, Variant

PROMINENT = 0
"""The index of the prominent patient."""
LONGEST_FAMILY = 24
"""Letters of a family name that a form, a banner and a person name (64 characters) have room for."""


@dataclass(frozen=True)
class Person:
    """One patient.

    ``phone`` is in the headers; ``contact_name`` and ``contact_phone``, those of a relative, only in PDF reports.
    ``patient_id`` is the value of PatientID, ``second_id`` another value for the same person; ``native`` is the name in
    the country's own script, family^given.
    """

    index: int
    given: str
    family: str
    native: str
    sex: str
    title: str
    birth_date: date
    national_number: str
    record_number: str
    patient_id: str
    second_id: str
    street: str
    village: str
    postcode: str
    phone: str
    email: str
    contact_name: str
    contact_phone: str
    occupation: str
    diagnosis: str
    insurance: str
    account: str
    licence: str
    vehicle: str
    fax: str
    web_page: str
    ip_address: str
    roles: tuple[Role, ...]

    @property
    def prominent(self) -> bool:
        """Return whether newspapers would pay for this patient's images."""
        return Role.PROMINENT in self.roles

    @property
    def name(self) -> str:
        """Return the name as PatientName's first component group holds it."""
        return f"{self.family}^{self.given}"

    @property
    def person_name(self) -> str:
        """Return the whole value of PatientName: the alphabetic group, and the native one where there is any."""
        return f"{self.name}={self.native}" if self.native else self.name

    @property
    def spoken(self) -> str:
        """Return the name as a person writes it."""
        return f"{self.given} {self.family}"

    @property
    def address(self) -> str:
        """Return street, village and postcode in one line."""
        return f"{self.street}, {self.village} {self.postcode}"

    @property
    def other_id(self) -> str:
        """Return the number that PatientID does not hold: the hospital's or the nation's."""
        return self.record_number if self.patient_id == self.national_number else self.national_number

    def kind_of(self, number: str) -> Identifier:
        """Return the kind of identifier that a value of PatientID is."""
        return Identifier.NATIONAL_NUMBER if number == self.national_number else Identifier.RECORD_NUMBER

    @property
    def identifiers(self) -> frozenset[str]:
        """Return every identifier that is unique to this person among the patients of all students.

        It includes a relative's. Quasi-identifiers are left out: dates, age, sex, village, postcode and occupation.
        """
        named = {self.name, self.native, self.contact_name, self.address, self.phone, self.contact_phone, self.fax}
        numbers = {self.national_number, self.record_number, self.patient_id, self.second_id, self.insurance}
        numbers |= {self.account, self.licence, self.vehicle}
        return frozenset((named | numbers | {self.email, self.web_page, self.ip_address}) - {""})

    def age(self, day: date) -> int:
        """Return the age in whole years on a day."""
        had_birthday = (day.month, day.day) >= (self.birth_date.month, self.birth_date.day)
        return day.year - self.birth_date.year - (not had_birthday)


@dataclass
class _Sketch:
    """A person's names, role and diagnosis, before the details are drawn."""

    index: int
    sex: str
    given: str
    family: str
    native_family: str
    roles: list[Role] = field(default_factory=list)
    relative: str = ""
    diagnosis: str = ""


def draw_people(
    recipe: Recipe, variant: Variant, count: int, women: Collection[int] = (), twice: Collection[int] = ()
) -> list[Person]:
    """Draw the patients of a cohort.

    Parameters
    ----------
    recipe, variant, count
        The cohort, and its number of patients.
    women
        Indices of patients who must be women because of their examination.
    twice
        Indices of patients with two studies, who may have two values of PatientID.

    Returns
    -------
    list of Person
        The first is the prominent patient. National numbers and their last four digits are unique; so are names, except
        the family name within a family.

    """
    stream = variant.stream("people")
    words = recipe.words()
    sexes = ["F" if index in women else stream.choice("FM") for index in range(count)]
    given = {
        "F": stream.sample(sorted(set(words.female)), min(count, len(set(words.female)))),
        "M": stream.sample(sorted(set(words.male)), min(count, len(set(words.male)))),
    }
    relatives = {sex: stream.sample(names, len(names)) for sex, names in given.items()}
    diagnoses = stream.sample(sorted(set(recipe.diagnoses)), count)
    diagnoses[PROMINENT] = stream.choice(recipe.prominent.diagnoses)
    sketches = []
    families = _families(recipe, variant)
    for index, sex in enumerate(sexes):
        first = given[sex][index]
        family, native = next((latin, script) for latin, script in families if _name_fits(recipe, first, latin, script))
        sketches.append(_Sketch(index, sex, first, family, native))
    _assign_roles(recipe, variant, sketches, diagnoses, twice)
    numbers = _numbers(recipe, variant)
    taken = {(sketch.given, sketch.family) for sketch in sketches}
    people: list[Person] = []
    endings: set[str] = set()
    for index, sketch in enumerate(sketches):
        others = relatives["M" if sketch.sex == "F" else "F"]
        sketch.relative = next(name for name in others[index:] + others[:index] if (name, sketch.family) not in taken)
        taken.add((sketch.relative, sketch.family))
        sketch.diagnosis = diagnoses[index]
        people.append(_draw_person(recipe, variant, stream, sketch, next(numbers), endings))
    return _with_family_address(people)


def _families(recipe: Recipe, variant: Variant) -> Iterator[tuple[str, str]]:
    """Yield family names in Latin letters and in the country's own script, unique among all students' patients.

    A name is a listed one and a coined one with a hyphen; with two scripts only a coined one, as PN has 64 bytes for
    both scripts.
    """
    syllables = SYLLABLES[recipe.country]
    if recipe.two_scripts:
        length = 4
        for number in disjoint_numbers(variant, "family", syllables.count(length), 4 * recipe.most_studies):
            yield syllables.name(number, length)
        return
    listed = sorted(set(recipe.words().family))
    length = 2 if recipe.country is Country.USA else 3
    for number in disjoint_numbers(variant, "family", len(listed) * syllables.count(length), 2 * recipe.most_studies):
        coined, position = divmod(number, len(listed))
        yield f"{listed[position]}-{syllables.name(coined, length)[0]}", ""


def _name_fits(recipe: Recipe, given: str, family: str, native: str) -> bool:
    """Return whether a name occurs in no text of the hospital, and fits a printed form and a PN value."""
    if not recipe.is_free(family) or len(family) > LONGEST_FAMILY:
        return False
    whole = f"{family}^{given}={native}^{recipe.native(given)}" if native else f"{family}^{given}"
    return len(whole.encode(recipe.character_set.codec)) <= LONG


@dataclass(frozen=True)
class _Numbers:
    """A patient's numbers and address, from spaces too small to draw from at random."""

    national: str
    address: tuple[str, str, str]
    phone: str
    contact_phone: str
    fax: str


def _numbers(recipe: Recipe, variant: Variant) -> Iterator[_Numbers]:
    """Yield each patient's numbers, unique among all students' patients."""
    country, most = recipe.country, recipe.most_studies
    lines = disjoint_numbers(variant, "telephone", fictional.telephones(country), 3 * most)
    national = disjoint_numbers(variant, "national number", fictional.US_NATIONAL_NUMBERS, 2 * most)
    endings: set[str] = set()  # unique, as a question asks for the owner of a number by its last four digits
    houses, flats = fictional.DOORS[country]
    sizes = (houses, flats, len(recipe.streets), len(recipe.villages), fictional.postcodes(country))
    for number in disjoint_numbers(variant, "address", prod(sizes), most):
        house, flat, street, village, code = _mixed_radix_digits(number, sizes)
        us_number = ""
        if country is Country.USA:
            us_number = next(
                number for number in map(fictional.us_national_number, national) if number[-4:] not in endings
            )
            endings.add(us_number[-4:])
        yield _Numbers(
            us_number,
            (
                fictional.street(house, flat, recipe.streets[street], country),
                recipe.villages[village],
                fictional.postcode(code, country, recipe.hospital.postcode_prefix),
            ),
            *(fictional.telephone(next(lines), country) for _ in range(3)),
        )


def _mixed_radix_digits(number: int, radices: tuple[int, ...]) -> list[int]:
    """Return the digits of a number in mixed radix, the least significant first."""
    digits = []
    for radix in radices:
        number, digit = divmod(number, radix)
        digits.append(digit)
    return digits


def _assign_roles(
    recipe: Recipe, variant: Variant, sketches: list[_Sketch], diagnoses: list[str], twice: Collection[int]
) -> None:
    """Assign the roles that make patients easy to find, at most one to each patient."""
    stream = variant.stream("roles")
    wanted = recipe.people
    sketches[PROMINENT].roles.append(Role.PROMINENT)
    two_ids = stream.sample(sorted(twice), min(wanted.two_ids, len(twice))) if wanted.two_ids else []
    for index in two_ids:
        sketches[index].roles.append(Role.TWO_IDS)
    free = stream.sample(
        [index for index, sketch in enumerate(sketches) if not sketch.roles], len(sketches) - 1 - len(two_ids)
    )
    for index in free[: wanted.family]:
        sketches[index].roles.append(Role.FAMILY)
        sketches[index].family = sketches[free[0]].family
        sketches[index].native_family = sketches[free[0]].native_family
    free = free[wanted.family :]
    for index in free[: wanted.over_89]:
        sketches[index].roles.append(Role.OLDEST)
    free = free[wanted.over_89 :]
    if wanted.rare_diseases:
        sketches[free[0]].roles.append(Role.RARE_DISEASE)
        diagnoses[free[0]] = stream.choice(wanted.rare_diseases)


def _draw_person(  # noqa: PLR0917
    recipe: Recipe, variant: Variant, stream: Stream, sketch: _Sketch, numbers: _Numbers, endings: set[str]
) -> Person:
    """Draw a person's details; ``endings`` are the last four digits of the national numbers so far."""
    index = sketch.index
    country, roles = recipe.country, sketch.roles
    born = recipe.period.first - timedelta(days=stream.between(20 * 366, 86 * 365))
    if Role.OLDEST in roles:
        born = recipe.period.first - timedelta(days=stream.between(96 * 366, 101 * 365))
    number = numbers.national or fictional.national_number(stream, country, sketch.sex, born)
    while number[-4:] in endings:
        number = fictional.national_number(stream, country, sketch.sex, born)
    endings.add(number[-4:])
    occupations = recipe.prominent.occupations if index == PROMINENT else recipe.occupations
    record = f"{recipe.record_prefix}{stream.between(10, 19)}-{fictional.digits(stream, 12)}"
    more = variant.stream("person", index)
    mailbox = plain_ascii(f"{sketch.given[0]}.{sketch.family}").lower()
    return Person(
        index=index,
        given=sketch.given,
        family=sketch.family,
        native=f"{sketch.native_family}^{recipe.native(sketch.given)}" if sketch.native_family else "",
        sex=sketch.sex,
        title=("Mme" if sketch.sex == "F" else "M.")
        if country is Country.FRANCE
        else ("Mrs" if sketch.sex == "F" else "Mr"),
        birth_date=born,
        national_number=number,
        record_number=record,
        patient_id=number if recipe.patient_id == "national-number" else record,
        second_id=f"{recipe.record_prefix}X{fictional.digits(more, 12)}" if Role.TWO_IDS in roles else "",
        street=numbers.address[0],
        village=numbers.address[1],
        postcode=numbers.address[2],
        phone=numbers.phone,
        email=f"{mailbox}{fictional.digits(stream, 4)}@post.example",
        contact_name=f"{sketch.relative} {sketch.family}",
        contact_phone=numbers.contact_phone,
        occupation=stream.choice(occupations),
        diagnosis=sketch.diagnosis,
        insurance=fictional.plate(more),
        account=f"ACC{fictional.digits(more, 13)}",
        licence=fictional.plate(more),
        vehicle=fictional.plate(more),
        fax=numbers.fax,
        web_page=f"https://people.{recipe.hospital.domain}/{fictional.digits(more, 13)}",
        ip_address=fictional.ip_address(more),
        roles=tuple(roles),
    )


def _with_family_address(people: list[Person]) -> list[Person]:
    """Return the patients, with the members of the family at the same address."""
    first = next((person for person in people if Role.FAMILY in person.roles), None)
    if first is None:
        return people
    return [
        replace(person, street=first.street, village=first.village, postcode=first.postcode)
        if Role.FAMILY in person.roles
        else person
        for person in people
    ]


def plain_ascii(text: str) -> str:
    """Return a name in ASCII letters, digits, dots and hyphens, for a mailbox or a file name.

    Examples
    --------
    >>> plain_ascii("Élodie d'Arc-Lebœuf")
    'ElodiedArc-Lebuf'

    """
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(char for char in decomposed if char.isascii() and (char.isalnum() or char in ".-"))
