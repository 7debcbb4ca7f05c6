"""Free text without identifiers, with its medical words (PS3.15 E.3.5, Clean Descriptors Option).

Two kinds of text are replaced: identifiers that other attributes of the same file hold, and text that has the form of a
name with a title, a number, a date, an e-mail address or a URL (45 CFR 164.514(b)(2)(i)).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pacslab.deid.dicom.elements import element_of, vr_of_element

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from pydicom.dataelem import DataElement, RawDataElement
    from pydicom.dataset import Dataset
    from pydicom.tag import BaseTag

REMOVED = "***"
SHORTEST = 3
"""Characters of the shortest identifier: initials and single digits stand in too many medical words."""
_IDENTIFYING_VRS = {"PN", "DA", "AE", "SQ"}
"""VRs that may identify a person, whatever the attribute; of a sequence, an item may."""

_TITLE = r"(?:mr|mrs|ms|miss|dr|prof|shri|sri|smt|kum|mme|mlle|madame|monsieur)"
_PATTERNS = (
    r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+",  # an e-mail address
    r"(?:https?://|www\.)\S+",
    r"\b\d{1,4}([-./])\d{1,2}\1\d{2,4}\b",  # a date
    r"\b\d{1,2}\.?\s+(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?,?\s+\d{4}\b",
    r"\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?\s+\d{1,2},?\s+\d{4}\b",
    r"\+?(?:\d[ -]?){5,}\d",  # a number of six digits and more
    rf"\b{_TITLE}\b\.?(?:\s+(?-i:[A-Z])[\w'-]+)+",  # Mrs and the name that follows
)
_LIKE_AN_IDENTIFIER = re.compile(
    "|".join(form if "\\1" in form else f"(?:{form})" for form in _PATTERNS), re.IGNORECASE
)
_NEIGHBOURS = re.compile(rf"{re.escape(REMOVED)}(?:[\s,;/^-]*{re.escape(REMOVED)})+")


class TextCleaner:
    """Replaces identifiers in free text (PS3.15 E.3.5, Clean Descriptors Option).

    Parameters
    ----------
    identifiers
        Known identifiers of the persons in the data set, as :func:`identifiers_of` collects them.

    """

    def __init__(self, identifiers: frozenset[str]) -> None:
        self.identifiers = identifiers
        self._known = _pattern(identifiers)

    def clean(self, text: str) -> str:
        """Return a text with ``***`` in place of known identifiers and of text that has the form of one.

        >>> cleaner = TextCleaner(frozenset({"Rao", "Asha", "AC-4821"}))
        >>> cleaner.clean("CT chest of Asha RAO (ac 4821), call +91 98450 12345")
        'CT chest of *** (***), call ***'
        >>> cleaner.clean("CT chest, portal venous phase")
        'CT chest, portal venous phase'

        """
        cleaned = self._known.sub(REMOVED, _LIKE_AN_IDENTIFIER.sub(REMOVED, text))
        return cleaned if cleaned == text else _NEIGHBOURS.sub(REMOVED, cleaned)


def clean_text(text: str, identifiers: frozenset[str]) -> str:
    """Return one text without identifiers; for several texts of one data set use a :class:`TextCleaner`."""
    return TextCleaner(identifiers).clean(text)


def _pattern(identifiers: frozenset[str]) -> re.Pattern[str]:
    """Return a pattern for every identifier as whole words, with any separators between its parts; longest first."""
    forms = []
    for identifier in sorted(identifiers, key=lambda known: (-len(known), known)):
        parts = [re.escape(part) for part in re.findall(r"[^\W_]+", identifier)]
        if parts:
            forms.append(r"[\W_]*".join(parts))
    return re.compile(rf"(?<![^\W_])(?:{'|'.join(forms) or '(?!)'})(?![^\W_])", re.IGNORECASE)


def identifiers_of(dataset: Dataset, identifying: Collection[int]) -> frozenset[str]:
    """Return the identifiers of persons in a data set and in the items of its sequences.

    Parameters
    ----------
    dataset
        The data set before it is de-identified.
    identifying
        Tags of attributes that identify a person; every PN, DA and AE value counts as well.

    Returns
    -------
    frozenset of str
        Names by their parts, numbers, addresses and dates, of at least three characters each.

    """
    found: set[str] = set()
    _collect(dataset, identifying, found)
    return frozenset(text.strip() for text in found if len(text.strip()) >= SHORTEST)


def may_identify(tag: BaseTag, element: DataElement | RawDataElement, identifying: Collection[int]) -> bool:
    """Whether the value of an element, or an item in it, may identify a person."""
    return vr_of_element(tag, element) in _IDENTIFYING_VRS or int(tag) in identifying


def _collect(dataset: Dataset, identifying: Collection[int], found: set[str]) -> None:
    """Add the identifiers of a data set and of the items of its sequences; other elements are not decoded."""
    for tag, undecoded in list(dataset.items()):
        if not may_identify(tag, undecoded, identifying):
            continue
        element = element_of(dataset, tag)
        if element.VR == "SQ":
            for item in element.value:
                _collect(item, identifying, found)
        elif element.value:
            found.update(_parts(element))


def _parts(element: DataElement) -> Iterator[str]:
    """Yield the identifiers in a value: the parts of a person's name; any other value whole, and its parts."""
    for value in element.value if element.VM > 1 else [element.value]:
        if element.VR == "PN":
            yield from re.split(r"[\s^=,]+", str(value))
        else:
            yield str(value)
            yield from str(value).split(", ")
