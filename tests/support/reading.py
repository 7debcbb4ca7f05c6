"""Reading files back with code that shares nothing with the generator: pydicom, pypdf and byte searches."""

from __future__ import annotations

import io
import re
import warnings

import numpy as np
import pydicom
import pypdf

from pacslab.cohort.answer_key import Identifier, Location, PlantedIdentifier

WHOLE = {Location.PIXELS, Location.PDF, Location.PREAMBLE, Location.FILE_NAME}


def read(content: bytes) -> pydicom.FileDataset:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pydicom.dcmread(io.BytesIO(content))


def value_at(dataset, path: str):
    here = dataset
    for group, element, item in re.findall(r"\((\w{4}),(\w{4})\)(?:\[(\d+)\])?", path):
        here = here[int(group, 16), int(element, 16)].value
        if item:
            here = here[int(item)]
    return here


def text_of(value) -> str:
    if not isinstance(value, bytes):
        return str(value)
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")


def written_forms(planted: PlantedIdentifier) -> set[str]:
    """How a token may be typed on a page or in a report."""
    token = planted.token
    if planted.written:
        return {planted.written}
    if planted.kind is Identifier.DATE:
        return {token, f"{token[6:]}.{token[4:6]}.{token[:4]}"}
    if "^" in token:
        family, given = token.split("^")
        return {token, f"{given} {family}"}
    return {token}


def pdf_text(dataset) -> tuple[str, str]:
    reader = pypdf.PdfReader(io.BytesIO(dataset.EncapsulatedDocument))
    return reader.pages[0].extract_text(), str(reader.metadata)


def stands(planted: PlantedIdentifier, name: str, content: bytes, dataset) -> bool:
    """Whether an identifier other than burned-in text stands where the key says."""
    forms = written_forms(planted)
    if planted.location is Location.FILE_NAME:
        return any(form in name for form in forms)
    if planted.location is Location.PREAMBLE:
        return any(form.encode() in content[:128] for form in forms)
    if planted.location is Location.PDF:
        page, information = pdf_text(dataset)
        return any(form in (information if planted.path == "pdf information" else page) for form in forms)
    source = dataset.file_meta if planted.location is Location.FILE_META else dataset
    return any(form in text_of(value_at(source, planted.path)) for form in forms)


def drawn_at(planted: PlantedIdentifier, dataset, pixels: np.ndarray | None) -> np.ndarray:
    """The values of the plane that a glyph mask lies in, cut to its box."""
    box = planted.box
    if planted.location is Location.OVERLAY:
        plane = dataset.overlay_array(0x6000)
    elif planted.location is Location.ICON:
        icon = value_at(dataset, planted.path.rpartition(".")[0])
        plane = np.frombuffer(icon.PixelData, np.uint8).reshape(icon.Rows, icon.Columns)
    else:
        plane = pixels[-1] if pixels.ndim >= 3 else pixels
        plane = plane.mean(axis=-1) if plane.ndim == 3 else plane
    return plane[box.row : box.row + box.height, box.column : box.column + box.width].astype(float)


def texts(dataset, prefix: str = ""):
    """Every element that can hold text, with its path; binary ones decoded."""
    for element in dataset:
        path = f"{prefix}({element.tag.group:04X},{element.tag.element:04X})"
        if element.VR == "SQ":
            for index, item in enumerate(element.value):
                yield from texts(item, f"{path}[{index}].")
        elif element.tag not in (0x7FE00010, 0x00420011, 0x54001010, 0x60003000):
            yield path, text_of(element.value)
