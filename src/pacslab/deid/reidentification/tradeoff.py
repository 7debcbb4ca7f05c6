"""Privacy against utility of a release: the smallest crowd of each record, and the research question it answers."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from pydantic import Field, ValidationError

from pacslab.deid.reidentification.attacks import join_with_admissions, smallest_crowd
from pacslab.errors import DeidError
from pacslab.models import Model

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pacslab.deid.reidentification.background_knowledge import Admission
    from pacslab.deid.reidentification.records import LinkageRecord

CROWD = 10
"""In how large a crowd of the town every patient has to disappear."""


class Dates(StrEnum):
    """What becomes of the days of examination."""

    KEPT = "kept"
    MOVED = "moved"
    REMOVED = "removed"


class Choices(Model):
    """A release: which sex, ages and days it tells. ``age_band`` is in years: 1 tells the age, 0 leaves it out."""

    sex: bool = True
    age_band: int = Field(default=1, ge=0, le=50)
    dates: Dates = Dates.KEPT

    def __str__(self) -> str:
        return f"sex={'yes' if self.sex else 'no'} age_band={self.age_band} dates={self.dates}"


def read_choices(text: str) -> Choices | None:
    """Return a release as it is printed, such as ``sex=yes age_band=5 dates=moved``; None where it is not one."""
    said = dict(re.findall(r"(\w+)\s*[=:]\s*(\w+)", text))
    if set(said) != {"sex", "age_band", "dates"}:
        return None
    try:
        return Choices.model_validate(said)
    except ValidationError:
        return None


@dataclass(frozen=True)
class Question:
    """A research question, and what it needs: ages to within some years (None: no ages), days between studies, sex."""

    words: str
    age_band: int | None
    intervals: bool
    sex: bool


GROWTH = Question(
    "How fast do findings grow between two examinations, in women and men of different ages (in groups of ten years)?",
    age_band=10,
    intervals=True,
    sex=True,
)


@dataclass(frozen=True)
class Tradeoff:
    """A release, measured on both sides."""

    choices: Choices
    crowd: int
    found: tuple[str, ...]
    lacking: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether everybody disappears in a crowd and the question can be answered."""
        return self.crowd >= CROWD and not self.lacking

    def __str__(self) -> str:
        lines = [
            f"Whoever has the list can narrow somebody down to {self.crowd} of its people (asked: at least {CROWD})."
        ]
        if self.found:
            more = f" and {len(self.found) - 3} more" if len(self.found) > 3 else ""
            lines.append(f"Found by name: {', '.join(self.found[:3])}{more}.")
        lines += [f"The question cannot be answered: {reason}." for reason in self.lacking]
        lines.append("This release does both." if self.passed else "This release does not do both yet.")
        return "\n".join(lines)


def release(records: Sequence[LinkageRecord], choices: Choices) -> list[LinkageRecord]:
    """Return the records as they would be released. All of a patient's days move alike."""
    return [
        replace(
            record,
            sex=record.sex if choices.sex else "",
            ages=_band(record.ages, choices.age_band),
            day=None if choices.dates is not Dates.KEPT else record.day,
        )
        for record in records
    ]


def _band(ages: tuple[int, int] | None, years: int) -> tuple[int, int] | None:
    if ages is None or years == 0:
        return None
    low = ages[0] // years * years
    return low, low + years - 1


def weigh(
    records: Sequence[LinkageRecord], choices: Choices, listed: Sequence[Admission], question: Question = GROWTH
) -> Tradeoff:
    """Measure a release against the list of admissions and against a research question.

    Parameters
    ----------
    records
        The studies with all that could be kept.
    choices
        What the release keeps of it.
    listed
        What an outsider knows. Days that were moved say nothing to somebody without the secret.
    question
        What the release is for.

    Raises
    ------
    DeidError
        If there is no record.

    """
    if not records:
        raise DeidError("there is no study to release", "Read the records of an output first.")
    shown = release(records, choices)
    lacking = []
    if question.sex and not choices.sex:
        lacking.append("it asks about women and men, and the sex is gone")
    if question.age_band is not None and not 0 < choices.age_band <= question.age_band:
        lacking.append(f"it needs ages to within {question.age_band} years")
    if question.intervals and choices.dates is Dates.REMOVED:
        lacking.append("it needs the days between examinations, and the dates are gone")
    found = join_with_admissions(shown, listed)
    return Tradeoff(choices, smallest_crowd(shown, listed), tuple(link.person for link in found), tuple(lacking))
