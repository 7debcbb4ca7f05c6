"""Five linkage attacks from a pseudonym to a person; each reports a person only if exactly one candidate fits."""

from __future__ import annotations

import hashlib
import warnings
from dataclasses import dataclass
from datetime import timedelta
from itertools import product
from typing import TYPE_CHECKING

from pacslab.deid.search.text_forms import words_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from pacslab.deid.reidentification.background_knowledge import Admission, Story
    from pacslab.deid.reidentification.records import LinkageRecord

HASHES: dict[int, Callable[[bytes], str]] = {
    32: lambda raw: hashlib.md5(raw, usedforsecurity=False).hexdigest(),
    40: lambda raw: hashlib.sha1(raw, usedforsecurity=False).hexdigest(),
    64: lambda raw: hashlib.sha256(raw).hexdigest(),
}
"""Hash functions by the length of their hexadecimal form: the length gives the function away."""
QUASI = ("sex", "ages", "weight", "modality", "day", "time", "device")


@dataclass(frozen=True)
class Link:
    """A pseudonym and the person linked to it; ``by`` names the attributes that matched."""

    pseudonym: str
    person: str
    by: str


def join_with_admissions(records: Iterable[LinkageRecord], listed: Sequence[Admission]) -> list[Link]:
    """Link records with the list of admissions by department, day, sex and age.

    Attributes that a record does not have are not compared.

    Parameters
    ----------
    records
        The released studies.
    listed
        The list of admissions.

    Returns
    -------
    list of Link
        One link for each record that exactly one person fits.

    """
    links = []
    for record in records:
        fitting = {admission.name for admission in listed if _fits(record, admission)}
        if len(fitting) == 1:
            said = [text for text in (_said(record.day), record.sex, _ages(record), record.department) if text]
            links.append(Link(record.pseudonym, fitting.pop(), ", ".join(said)))
    return links


def _fits(record: LinkageRecord, admission: Admission) -> bool:
    return (
        record.department == admission.department
        and (record.day is None or record.day == admission.day)
        and (record.sex not in ("F", "M") or record.sex == admission.sex)
        and (record.ages is None or record.ages[0] <= admission.age <= record.ages[1])
    )


def smallest_crowd(records: Iterable[LinkageRecord], listed: Sequence[Admission]) -> int:
    """Return the least number of people on the list who fit a record; 0 if there is no record."""
    return min((sum(_fits(record, admission) for admission in listed) for record in records), default=0)


def _ages(record: LinkageRecord) -> str:
    if record.ages is None:
        return ""
    low, high = record.ages
    return f"{low} years" if low == high else f"{low} to {high} years"


def _said(value: object) -> str:
    return "" if value is None else str(value)


def follow_the_news(records: Iterable[LinkageRecord], story: Story) -> list[Link]:
    """Link the story's person with the only record of its day and department, or of the person's occupation."""
    records = list(records)
    same_day = [record for record in records if record.day == story.day and record.department == story.department]
    occupation = f" {' '.join(words_of(story.occupation))} "
    speaking = [record for record in records if occupation in f" {' '.join(words_of(record.words))} "]
    links = []
    for fitting, by in ((same_day, f"{story.department} on {story.day}"), (speaking, story.occupation)):
        if len({record.pseudonym for record in fitting}) == 1:
            links.append(Link(fitting[0].pseudonym, story.person, by))
    return links


def numbers_of(form: str) -> Iterator[str]:
    """Yield every number of a form such as ``JA14-######``, in which each ``#`` is a digit.

    >>> list(numbers_of("JA1-#"))[:3]
    ['JA1-0', 'JA1-1', 'JA1-2']

    """
    for digits in product("0123456789", repeat=form.count("#")):
        left = iter(digits)
        yield "".join(next(left) if letter == "#" else letter for letter in form)


def undo_hashes(records: Iterable[LinkageRecord], numbers: Iterable[str]) -> dict[str, str]:
    """Return the number behind each pseudonym that is an unsalted hash, by hashing every possible number once.

    Parameters
    ----------
    records
        Pseudonyms that are hexadecimal digits as long as MD5, SHA-1 or SHA-256 makes them are tried.
    numbers
        All possible numbers; a million takes about a second.

    Returns
    -------
    dict of str to str
        The original number by pseudonym, in lower case.

    """
    sought = {record.pseudonym.lower() for record in records}
    lengths = {len(pseudonym) for pseudonym in sought}
    functions = [function for length, function in HASHES.items() if length in lengths]
    if not functions:
        return {}
    found: dict[str, str] = {}
    for number in numbers:
        raw = number.encode()
        for function in functions:
            hashed = function(raw)
            if hashed in sought:
                found[hashed] = number
        if len(found) == len(sought):
            break
    return found


def md5_days(number: str, most: int = 365) -> int:
    """Return the days by which a tool shifts dates that derives the shift from the MD5 of the patient's number."""
    return int(hashlib.md5(number.encode(), usedforsecurity=False).hexdigest(), 16) % most + 1


def undo_date_shifts(records: Iterable[LinkageRecord], listed: Sequence[Admission]) -> list[Link]:
    """Find the person whose own number moves a record's day back to the day on which that person came.

    The tool is public, so everybody can compute what it does to every number on the list.
    """
    links = []
    for record in records:
        if record.day is None:
            continue
        fitting = {
            admission.name
            for admission in listed
            if record.day + timedelta(days=md5_days(admission.number)) == admission.day
            and record.department == admission.department
            and record.sex in ("", admission.sex)
        }
        if len(fitting) == 1:
            links.append(Link(record.pseudonym, fitting.pop(), "the MD5 of the person's own number"))
    return links


def match_pictures(records: Iterable[LinkageRecord], known: dict[str, str]) -> list[Link]:
    """Find the person whose picture is known from elsewhere: from an open archive, a lecture or a newspaper.

    Parameters
    ----------
    records
        The released studies.
    known
        Persons by the SHA-256 of the pixel bytes of their pictures.

    """
    links = []
    for record in records:
        people = {known[digest] for digest in record.pictures if digest in known}
        links += [Link(record.pseudonym, person, "a picture that is known from elsewhere") for person in sorted(people)]
    return links


def smallest_group(records: Iterable[LinkageRecord], quasi: Sequence[str] = QUASI) -> int:
    """Return k: how many records, at least, share their quasi-identifiers (pycanon's k-anonymity); 0 for none."""
    rows = [{name: str(getattr(record, name)) for name in quasi} for record in records]
    if not rows or not quasi:
        return len(rows)
    import pandas as pd  # noqa: PLC0415 - half a second of import
    from pycanon import anonymity  # noqa: PLC0415 - it brings pandas

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pycanon groups tables in a way that a coming pandas will not know
        return int(anonymity.k_anonymity(pd.DataFrame(rows), list(quasi)))
