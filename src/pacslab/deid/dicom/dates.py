"""Dates of DICOM attributes (value representation DA, PS3.5 6.2)."""

from __future__ import annotations

from datetime import date


def date_of(text: str) -> date | None:
    """Return the date with which a value begins, written ``YYYYMMDD``; None where it is none.

    Examples
    --------
    >>> date_of("20191103")
    datetime.date(2019, 11, 3)
    >>> date_of("20191131") is None
    True

    """
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:8]))
    except ValueError:
        return None
