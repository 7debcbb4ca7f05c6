"""Texts of an encapsulated PDF (PS3.3 A.45.1)."""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING, Any

import pypdf

from pacslab.cohort import Location
from pacslab.deid.dicom.elements import LONGEST_TEXT, Place, decoded

if TYPE_CHECKING:
    from collections.abc import Iterator


PDF_PAGE = "pdf page "
MAX_PDF_STREAM = 32 << 20
MAX_PDF_OBJECTS = 20_000


def pdf_places(content: bytes) -> Iterator[Place]:
    """Yield the text of every page, the document information and every decompressed stream of a PDF.

    Raises
    ------
    ValueError
        If the PDF cannot be read completely, so that nobody can say it is clean.

    """
    yield Place("pdf", Location.PDF, "", content)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            reader = pypdf.PdfReader(io.BytesIO(content))
            information = " ; ".join(str(value) for value in (reader.metadata or {}).values())
            yield Place("pdf information", Location.PDF, information)
            for number, page in enumerate(reader.pages, start=1):
                yield Place(f"{PDF_PAGE}{number}", Location.PDF, page.extract_text())
            for stream in _pdf_streams(reader):
                yield Place("pdf stream", Location.PDF, decoded(stream[:LONGEST_TEXT]), stream)
    except Exception as error:
        raise ValueError(f"{type(error).__name__}: {str(error)[:80]}") from error


def _pdf_streams(reader: pypdf.PdfReader) -> Iterator[bytes]:
    for number in range(1, min(len(reader.xref_objStm) + _highest_object(reader), MAX_PDF_OBJECTS) + 1):
        found: Any = pypdf.generic.IndirectObject(number, 0, reader).get_object()
        if isinstance(found, pypdf.generic.StreamObject) and found.get("/Subtype") != "/Image":
            yield found.get_data()[:MAX_PDF_STREAM]


def _highest_object(reader: pypdf.PdfReader) -> int:
    return max((number for table in reader.xref.values() for number in table), default=0)
