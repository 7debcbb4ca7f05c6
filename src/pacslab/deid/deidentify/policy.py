"""What the reference recipe does with each attribute: ``policy.yaml``, read and checked."""

from __future__ import annotations

from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator
from pydicom.datadict import dictionary_VR, tag_for_keyword

from pacslab.cohort import Box
from pacslab.errors import DeidError
from pacslab.models import Model
from pacslab.scenario import read_yaml

SHIPPED = Path(__file__).with_name("policy.yaml")


class Action(StrEnum):
    """What happens to an attribute; PS3.15 table E.1-1 writes D, Z, X, C, K and U."""

    PSEUDONYM = "pseudonym"
    EMPTY = "empty"
    DUMMY = "dummy"
    REMOVE = "remove"
    CLEAN = "clean"
    KEEP = "keep"
    SHIFT = "shift"
    NEW_UID = "new uid"
    ITEMS = "items"


BY_VR = {
    "UI": Action.NEW_UID,
    "DA": Action.SHIFT,
    "TM": Action.SHIFT,
    "DT": Action.SHIFT,
    "SQ": Action.ITEMS,
    **dict.fromkeys(("CS", "AS"), Action.CLEAN),
    **dict.fromkeys(
        ("IS", "DS", "US", "SS", "UL", "SL", "UV", "SV", "FL", "FD", "AT", "US or SS", "OF", "OD", "OL"), Action.KEEP
    ),
}
"""Everything else is removed."""


class Withhold(Model):
    """A kind of instance that is left out."""

    modality: Annotated[str, Field(pattern=r"^[A-Z]{2,16}$")]
    because: str


class Banner(Model):
    """Where the machines of one model write text, in images of one size."""

    model: str
    rows: int
    columns: int
    row: int = Field(ge=0)
    column: int = Field(ge=0)
    width: int = Field(ge=1)
    height: int = Field(ge=1)

    @property
    def box(self) -> Box:
        """Return the rectangle to paint over."""
        return Box(column=self.column, row=self.row, width=self.width, height=self.height)


class SafePrivate(Model):
    """Private elements of one creator that say nothing about the patient; ``elements`` are their last two digits."""

    group: int = Field(ge=1, le=0xFFFF)
    creator: str
    elements: tuple[int, ...]


class Policy(Model):
    """What to do, by attribute keyword; :meth:`action` answers for every attribute."""

    pseudonym: tuple[str, ...]
    empty: tuple[str, ...]
    dummy: tuple[str, ...]
    remove: tuple[str, ...]
    clean: tuple[str, ...]
    keep: tuple[str, ...]
    withhold: tuple[Withhold, ...]
    without_picture: tuple[str, ...]
    safe_private: tuple[SafePrivate, ...]
    banners: tuple[Banner, ...]

    @model_validator(mode="after")
    def _known(self) -> Policy:
        named = [*self.pseudonym, *self.empty, *self.dummy, *self.remove, *self.clean, *self.keep]
        for keyword in named:
            if tag_for_keyword(keyword) is None:
                raise ValueError(f"DICOM has no attribute {keyword!r}")
            if named.count(keyword) > 1:
                raise ValueError(f"{keyword!r} is listed twice")
        return self

    def actions(self) -> dict[int, Action]:
        """Return the action of every attribute that is named, by tag."""
        return {
            tag_for_keyword(keyword) or 0: action
            for action, keywords in (
                (Action.PSEUDONYM, self.pseudonym),
                (Action.EMPTY, self.empty),
                (Action.DUMMY, self.dummy),
                (Action.REMOVE, self.remove),
                (Action.CLEAN, self.clean),
                (Action.KEEP, self.keep),
            )
            for keyword in keywords
        }

    def safe_elements(self) -> dict[tuple[int, str], frozenset[int]]:
        """Return the safe private elements, by group and creator."""
        return {(one.group, one.creator): frozenset(one.elements) for one in self.safe_private}

    def identifying(self) -> set[int]:
        """Return the tags whose values identify somebody, and are looked for in text that is kept."""
        everything = (*self.pseudonym, *self.empty, *self.dummy, *self.remove)
        named = (tag_for_keyword(keyword) or 0 for keyword in everything)
        return {tag for tag in named if dictionary_VR(tag) != "SQ"}


@cache
def load_policy(path: Path = SHIPPED) -> Policy:
    """Return a policy.

    Raises
    ------
    DeidError
        If the file does not fit; the message names the key and the remedy.

    """
    return read_yaml(path, Policy, DeidError)
