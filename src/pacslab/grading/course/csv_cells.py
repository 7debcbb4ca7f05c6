"""Cells of CSV tables (RFC 4180): quoted by the csv module, and none can become a formula (CWE-1236)."""

from __future__ import annotations

import csv
import io
import os
import re
from typing import TYPE_CHECKING

from pacslab.errors import CourseError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

# What spreadsheets take for the beginning of a formula, also after spaces, and the full-width forms of the same.
_FORMULA = re.compile(r"^\s*[=+\-@\uff1d\uff0b\uff0d\uff20|%]")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_UNSEEN = re.compile(r"[\x00-\x1f\x7f\u0080-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]+")


def cell(value: object) -> str:
    """Return a value as a cell that a spreadsheet shows and never computes.

    >>> print(cell('=HYPERLINK("http://192.0.2.7")'))
    '=HYPERLINK("http://192.0.2.7")
    >>> cell(-1.5), cell("Müller, Anna"), cell(None)
    ('-1.5', 'Müller, Anna', '')
    """
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
        writer.writerow([cell(name) for name in header])
        writer.writerows([cell(value) for value in row] for row in rows)
    fresh.replace(path)


def decoded(content: bytes) -> str:
    """Return the text of a table: UTF-8, UTF-16, or the older Windows encoding that spreadsheets still write."""
    if content[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return content.decode("utf-16", "replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def delimiter_of(text: str) -> str:
    """Return what stands between the cells of a table's first line: comma, semicolon or tab."""
    first = re.sub(r'"[^"]*"', "", text.partition("\n")[0])
    return max(",;\t", key=first.count)


def read_table(path: Path, *columns: str) -> list[dict[str, str]]:
    """Return the lines of a table that a person saved from a spreadsheet; none where there is no such file.

    Raises
    ------
    CourseError
        If it lacks one of these columns, naming it: marks that are not seen must not be taken for none.

    """
    try:
        text = decoded(path.read_bytes())
    except FileNotFoundError:
        return []
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter_of(text))
    missing = [column for column in columns if column not in (rows.fieldnames or ())]
    if missing:
        raise CourseError(f"{path} has no column {missing[0]!r}", f"Its first line must name: {', '.join(columns)}.")
    return [{name: value or "" for name, value in row.items() if isinstance(name, str)} for row in rows]
