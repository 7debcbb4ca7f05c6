"""Dates and times shifted together, and ages (PS3.15 E.3.6, With Modified Dates; E.3.7, Patient Characteristics)."""

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
    """Return a DA, TM or DT value shifted by a patient's secret time.

    A date and its time are shifted as one moment; they belong together by name (StudyDate, StudyTime).

    Parameters
    ----------
    element
        A date or a time.
    before
        The original dates and times of the data set, by keyword.
    shift
        The patient's secret time.

    Returns
    -------
    str
        The shifted value in the same VR (PS3.5 6.2); empty if the value was no date or time.

    Examples
    --------
    >>> from pydicom.dataelem import DataElement
    >>> before = {"StudyDate": "20240301", "StudyTime": "013000"}
    >>> moved(DataElement("StudyDate", "DA", "20240301"), before, timedelta(days=-400, hours=-2))
    '20230125'
    >>> moved(DataElement("StudyTime", "TM", "013000"), before, timedelta(days=-400, hours=-2))
    '233000'

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
    """Return a DA and a TM value as one moment, noon if there is no time; None if there is no date."""
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
    """Return Patient's Age (0010,1010) at the study as an AS value, such as ``042Y``.

    Ages above 89 become 90 (45 CFR 164.514(b)(2)(i)(C)). The age is the stated one, or computed from the dates of
    birth and study; empty if the data set has neither.

    >>> from pydicom.dataset import Dataset
    >>> patient = Dataset()
    >>> patient.PatientBirthDate, patient.StudyDate = "19300615", "20240301"
    >>> age_of(patient)
    '090Y'

    """
    stated = text_of(dataset, "PatientAge")
    if stated[:3].isdigit() and stated[3:] in ("D", "W", "M"):
        return stated
    years = int(stated[:3]) if stated[:3].isdigit() and stated[3:] == "Y" else None
    born, studied = text_of(dataset, "PatientBirthDate"), text_of(dataset, "StudyDate")
    if years is None and born[:8].isdigit() and studied[:8].isdigit() and len(born) >= 8:
        years = int(studied[:4]) - int(born[:4]) - (studied[4:8] < born[4:8])
    return f"{max(0, min(years, AGE_TOP_CODE)):03d}Y" if years is not None else ""
