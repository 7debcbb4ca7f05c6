"""Every place of a file where text can stand: attributes however nested, file header, preamble, PDF, file name."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from pacslab.cohort import Location
from pacslab.deid.dicom.elements import PIXEL_DATA, Place, _walk_element, decoded, is_private, walk
from pacslab.deid.dicom.pdf import pdf_places

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydicom.dataelem import DataElement

logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # it logs every fault of a hostile file

ENCAPSULATED_DOCUMENT = 0x00420011
TRAILING_PADDING = 0xFFFCFFFC
FREE_TEXT_VRS = {"LT", "ST", "UT", "UC"}
LONGEST_BINARY_TEXT = 1 << 16


def attribute_places(dataset: Dataset) -> Iterator[Place]:
    """Yield every attribute of a dataset that holds a value."""
    for tag in sorted(dataset.keys()):
        yield from places_of(dataset, tag)


def places_of(dataset: Dataset, tag: BaseTag) -> Iterator[Place]:
    """Yield the values of one element, and all that a sequence holds."""
    for path, element in _walk_element(dataset, tag):
        if element.VR == "SQ":
            continue
        values, binary = _texts(element.value)
        location = _location(path, element)
        if element.tag == ENCAPSULATED_DOCUMENT and binary:
            yield from pdf_places(binary)
        elif binary:
            short = len(binary) <= LONGEST_BINARY_TEXT and element.tag not in PIXEL_DATA
            yield Place(path, location, decoded(binary) if short else "", binary, element.VR)
        for text in values:
            yield Place(path, location, text, vr=element.VR)


def header_places(dataset: Dataset) -> Iterator[Place]:
    """Yield the preamble and every element of the file meta information."""
    preamble = getattr(dataset, "preamble", None) or b""
    if preamble.strip(b"\0"):
        yield Place("preamble", Location.PREAMBLE, decoded(preamble), preamble)
    for path, element in walk(dataset.file_meta):
        values, binary = _texts(element.value)
        for text in [decoded(binary)] if binary else values:
            yield Place(path, Location.FILE_META, text, binary, element.VR)


def _texts(value: Any) -> tuple[list[str], bytes]:
    """Return the text values of an element, and its bytes when it is binary."""
    if value is None:
        return [], b""
    if isinstance(value, bytes):
        return [], value
    values = value if isinstance(value, (list, tuple)) or hasattr(value, "append") else [value]
    texts: list[str] = []
    for item in values:
        if isinstance(item, bytes):
            texts.append(decoded(item))
        elif hasattr(item, "components"):
            texts.extend(str(component) for component in item.components if component)
        elif not isinstance(item, (Dataset, BaseTag)):
            texts.append(str(getattr(item, "original_string", None) or item))
    return [text for text in texts if text.strip()], b""


def _location(path: str, element: DataElement) -> Location:
    if is_private(path):
        return Location.PRIVATE
    if element.tag == TRAILING_PADDING:
        return Location.PADDING
    if element.VR in FREE_TEXT_VRS:
        return Location.FREE_TEXT
    return Location.NESTED if "." in path else Location.HEADER
