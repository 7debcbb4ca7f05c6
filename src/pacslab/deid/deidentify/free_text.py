"""Free text without identifiers, with its medical words.

What the rest of the file knows about the patient is taken out, and so is what looks like a name, a number or a date.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from pydicom.dataelem import RawDataElement

from pacslab.deid.dicom.elements import element_of, vr_of_element

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

REMOVED = "***"
SHORTEST = 3
_SAYING = {"PN", "DA", "AE", "SQ"}
"""Value representations that may say who somebody is, whatever the attribute."""

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
_ALWAYS = re.compile("|".join(f"(?:{one})" if "\\1" not in one else one for one in _PATTERNS), re.IGNORECASE)
_TOGETHER = re.compile(rf"{re.escape(REMOVED)}(?:[\s,;/^-]*{re.escape(REMOVED)})+")


def identifiers_of(dataset: Dataset, identifying: set[int]) -> frozenset[str]:
    """Return what a dataset says about the persons in it: names by their parts, numbers, addresses, dates.

    Parameters
    ----------
    dataset
        The dataset before it is de-identified.
    identifying
        Tags of attributes that identify somebody; every PN, DA and SH value counts as well.

    """
    raw = _raw(dataset, identifying)
    known = _KNOWN.get(raw) if raw is not None else None
    if known is None:
        found: set[str] = set()
        _collect(dataset, identifying, found)
        known = frozenset(one.strip() for one in found if len(one.strip()) >= SHORTEST)
        if raw is not None:
            if len(_KNOWN) >= MANY:
                _KNOWN.clear()
            _KNOWN[raw] = known
    return known


_KNOWN: dict[tuple[object, ...], frozenset[str]] = {}
"""What images said, by the undecoded bytes that said it: images of a series say the same."""
MANY = 64


def _raw(dataset: Dataset, identifying: set[int]) -> tuple[object, ...] | None:
    """Return the undecoded bytes of everything that may identify somebody; None where some of it is decoded already."""
    found: list[object] = [str(dataset.get("SpecificCharacterSet"))]
    for tag, element in dataset.items():
        if vr_of_element(tag, element) in _SAYING or int(tag) in identifying:
            if not isinstance(element, RawDataElement) or not isinstance(element.value, bytes):
                return None
            found += [int(tag), element.value]
    return tuple(found)


def _collect(dataset: Dataset, identifying: set[int], found: set[str]) -> None:
    """Add what a dataset and the items of its sequences say; only elements that can say it are decoded."""
    for tag, undecoded in list(dataset.items()):
        if vr_of_element(tag, undecoded) not in _SAYING and int(tag) not in identifying:
            continue
        element = element_of(dataset, tag)
        if element.VR == "SQ":
            for item in element.value:
                _collect(item, identifying, found)
            continue
        if not element.value:
            continue
        values = element.value if element.VM > 1 else [element.value]
        if element.VR == "PN":
            found.update(part for value in values for part in re.split(r"[\s^=,]+", str(value)))
        else:
            for value in values:
                found.add(str(value))
                found.update(str(value).split(", "))


@lru_cache(maxsize=4096)
def clean_text(text: str, identifiers: frozenset[str]) -> str:
    """Return a text with ``***`` in place of identifiers, known ones and such as look like one."""
    cleaned = text
    for pattern in (_ALWAYS, _pattern(identifiers)):
        cleaned = pattern.sub(REMOVED, cleaned)
    return cleaned if cleaned == text else _TOGETHER.sub(REMOVED, cleaned)


@lru_cache(maxsize=64)
def _pattern(identifiers: frozenset[str]) -> re.Pattern[str]:
    """Return what finds any identifier as a whole word, whatever stands between its parts."""
    forms = []
    for one in sorted(identifiers, key=lambda known: (-len(known), known)):
        parts = [re.escape(part) for part in re.findall(r"[^\W_]+", one)]
        if parts:
            forms.append(r"[\W_]*".join(parts))
    return re.compile(rf"(?<![^\W_])(?:{'|'.join(forms) or '(?!)'})(?![^\W_])", re.IGNORECASE)
