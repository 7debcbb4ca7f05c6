"""The action for each attribute (PS3.15 Table E.1-1): ``policy.yaml``, read and checked."""

from __future__ import annotations

from enum import StrEnum
from functools import cached_property
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
    """What happens to an attribute, with the code of PS3.15 Table E.1-1 where it has one."""

    PSEUDONYM = "pseudonym"
    """D: replaced by the patient's pseudonym."""
    EMPTY = "empty"
    """Z: replaced by an empty value."""
    DUMMY = "dummy"
    """D: replaced by a fixed text."""
    REMOVE = "remove"
    """X: removed."""
    CLEAN = "clean"
    """C: kept without the identifiers found in it."""
    KEEP = "keep"
    """K: kept."""
    SHIFT = "shift"
    """C: moved by the patient's secret time (Retain Longitudinal Temporal Information, E.3.6)."""
    NEW_UID = "new uid"
    """U: replaced by a UID that is consistent within the project."""
    ITEMS = "items"
    """Every item of the sequence is treated by the same rules."""


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
"""Actions for attributes that the policy does not name, by VR; every other VR is removed."""


class Withhold(Model):
    """A modality that is not released, and the reason."""

    modality: Annotated[str, Field(pattern=r"^[A-Z]{2,16}$")]
    because: str


class Banner(Model):
    """The rectangle into which machines of one model burn text, in images of one size (pixels)."""

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
    """Private elements of one creator that PS3.15 Table E.3.10-1 lists as safe.

    ``elements`` are the low bytes of the element numbers: the private creator's block is the high byte (PS3.5 7.8.1).
    """

    group: int = Field(ge=1, le=0xFFFF)
    creator: str
    elements: tuple[int, ...]


class Policy(Model):
    """The actions by attribute keyword; :meth:`action_for` returns the action for any attribute."""

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

    def action_for(self, tag: int, vr: str) -> Action:
        """Return the action for a standard attribute: by its tag if the policy names it, else by its VR.

        >>> policy = load_policy()
        >>> policy.action_for(0x00100010, "PN")  # Patient's Name
        <Action.PSEUDONYM: 'pseudonym'>
        >>> policy.action_for(0x00081030, "LO")  # Study Description
        <Action.CLEAN: 'clean'>
        >>> policy.action_for(0x00080020, "DA")  # Study Date, by its VR
        <Action.SHIFT: 'shift'>
        >>> policy.action_for(0x00080080, "LO")  # Institution Name: no rule keeps it
        <Action.REMOVE: 'remove'>

        """
        return self._actions.get(tag) or BY_VR.get(vr, Action.REMOVE)

    @cached_property
    def _actions(self) -> dict[int, Action]:
        """The actions of all attributes that the policy names, by tag."""
        named = {
            Action.PSEUDONYM: self.pseudonym,
            Action.EMPTY: self.empty,
            Action.DUMMY: self.dummy,
            Action.REMOVE: self.remove,
            Action.CLEAN: self.clean,
            Action.KEEP: self.keep,
        }
        return {tag: action for action, keywords in named.items() for tag in _tags(keywords)}

    @cached_property
    def safe_elements(self) -> dict[tuple[int, str], frozenset[int]]:
        """The low bytes of safe private elements, by group number and private creator."""
        return {(safe.group, safe.creator): frozenset(safe.elements) for safe in self.safe_private}

    @cached_property
    def identifying(self) -> frozenset[int]:
        """The tags of attributes that identify a person: their values are removed from free text as well."""
        tags = _tags((*self.pseudonym, *self.empty, *self.dummy, *self.remove))
        return frozenset(tag for tag in tags if dictionary_VR(tag) != "SQ")


def _tags(keywords: tuple[str, ...]) -> list[int]:
    return [tag for tag in map(tag_for_keyword, keywords) if tag is not None]


def load_policy(path: Path = SHIPPED) -> Policy:
    """Return a policy.

    Returns
    -------
    Policy
        The actions, checked: every keyword is in the DICOM dictionary and is named once.

    Raises
    ------
    DeidError
        If the file does not fit; the message names the key and the remedy.

    """
    return read_yaml(path, Policy, DeidError)
