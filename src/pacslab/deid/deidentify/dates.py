"""Dates, times and ages: which belong together, what they become when they are moved, and how old somebody was."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

from pydicom.datadict import keyword_for_tag

from pacslab.cohort import AGE_TOP_CODE
from pacslab.deid.dicom.elements import text_of, vr_of_element

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydicom.dataelem import DataElement, RawDataElement
    from pydicom.dataset import Dataset
    from pydicom.tag import BaseTag

MIDDAY = time(12)


def moved(element: DataElement, before: dict[str, str], shift: timedelta) -> str:
    """Return a DA, TM or DT value moved by a patient's secret time; empty where it is none.

    A date knows its time by its name (StudyDate, StudyTime), and a time its date: ``before`` are the values of both
    as the file had them, by keyword.
    """
    keyword = element.keyword
    text = before.get(keyword, str(element.value))
    if element.VR == "DT":
        then = moment(text[:8], text[8:14])
        return f"{then + shift:%Y%m%d%H%M%S}" if then else ""
    if element.VR == "DA":
        then = moment(text, before.get(keyword.replace("Date", "Time"), ""))
        return f"{then + shift:%Y%m%d}" if then else ""
    then = moment(before.get(keyword.replace("Time", "Date"), "") or "20000101", text)
    return f"{then + shift:%H%M%S}" if then else ""


def moments_in(elements: dict[BaseTag, DataElement | RawDataElement]) -> Iterator[str]:
    """Yield the keywords of the dates and times among a dataset's elements."""
    for tag, element in elements.items():
        if vr_of_element(tag, element) in ("DA", "TM", "DT"):
            keyword = keyword_for_tag(tag)
            if keyword:
                yield keyword


def moments_for(tag: int) -> tuple[str, str, str]:
    """Return the keywords on which a shifted date or time depends: its own, and those of its date and its time."""
    keyword = keyword_for_tag(tag)
    return keyword, keyword.replace("Date", "Time"), keyword.replace("Time", "Date")


def moment(day: str, clock: str) -> datetime | None:
    """Return a DA and a TM value as one moment; noon where there is no time; None where there is no date."""
    try:
        on = date(int(day[:4]), int(day[4:6]), int(day[6:8]))
    except ValueError:
        return None
    digits = (clock.partition(".")[0] + "000000")[:6] if clock[:2].isdigit() else "120000"
    try:
        at = time(int(digits[:2]), int(digits[2:4]), min(int(digits[4:6]), 59))
    except ValueError:
        at = MIDDAY
    return datetime.combine(on, at)


def age_of(dataset: Dataset) -> str:
    """Return the age at the study, at most 90 years; computed where the file does not say it, empty if nobody can."""
    stated = text_of(dataset, "PatientAge")
    if stated[:3].isdigit() and stated[3:] in ("D", "W", "M"):
        return stated
    years = int(stated[:3]) if stated[:3].isdigit() and stated[3:] == "Y" else None
    born, studied = text_of(dataset, "PatientBirthDate"), text_of(dataset, "StudyDate")
    if years is None and born[:8].isdigit() and studied[:8].isdigit() and len(born) >= 8:
        years = int(studied[:4]) - int(born[:4]) - (studied[4:8] < born[4:8])
    return f"{max(0, min(years, AGE_TOP_CODE)):03d}Y" if years is not None else ""
