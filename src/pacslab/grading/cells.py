"""Cells of tables: quoted by the csv module, and none can become a formula."""

from __future__ import annotations

import csv
import os
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

# What spreadsheets take for the beginning of a formula, also after spaces, and the full-width forms of the same.
_FORMULA = re.compile(r"^\s*[=+\-@\uff1d\uff0b\uff0d\uff20|%]")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_UNSEEN = re.compile(r"[\x00-\x1f\x7f\u0080-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]+")


def cell(value: object) -> str:
    """Return a value as a cell that a spreadsheet shows and never computes."""
    text = _UNSEEN.sub(" ", "" if value is None else str(value))
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def read_cell(text: str) -> str:
    """Return what a cell held before :func:`cell` made it safe."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text[1:]) else text


def write_table(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a CSV file whole: UTF-8 with the mark that spreadsheets look for, every cell quoted."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    with fresh.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL)
        writer.writerow([cell(one) for one in header])
        writer.writerows([cell(one) for one in row] for row in rows)
    fresh.replace(path)
