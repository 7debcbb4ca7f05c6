"""Every place of a file where text can stand: attributes however nested, file header, preamble, PDF, file name."""

from __future__ import annotations

import io
import logging
import warnings
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import pypdf
from pydicom.datadict import dictionary_has_tag, dictionary_VR
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag, Tag

from pacslab.cohort.answer_key import Location

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # it tells every fault of a hostile file

PIXEL_DATA = {0x7FE00010, 0x7FE00008, 0x7FE00009}
ENCAPSULATED_DOCUMENT = 0x00420011
TRAILING_PADDING = 0xFFFCFFFC
FREE_TEXT_VRS = {"LT", "ST", "UT", "UC"}
LONGEST_TEXT = 1 << 20
LONGEST_BINARY_TEXT = 1 << 16
PDF_PAGE = "pdf page "
MAX_PDF_STREAM = 32 << 20
MAX_PDF_OBJECTS = 20_000
MAX_NESTING = 32
LONGEST_REMEMBERED = 4096
MOST_REMEMBERED = 8192
"""How long an element's value may be, in bytes, and of how many it is remembered what they hold."""
PLAIN = {"AS", "CS", "DA", "DT", "TM", "UI"}
"""Value representations of text that no character set governs (PS3.5 6.1.2.3) and that is no number."""
_DEPENDING = {None, "UN", "OB or OW", "US or SS", "US or OW", "US or SS or OW"}
CHARACTER_SET, _PIXEL_REPRESENTATION = BaseTag(0x00080005), BaseTag(0x00280103)

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class Place(NamedTuple):
    """One value of a file: where it stands, its text, and its VR; binary values keep their bytes as well."""

    path: str
    location: Location
    text: str
    binary: bytes = b""
    vr: str = ""


def tag_text(tag: int) -> str:
    """Return a tag as the answer key writes it: ``(0010,0010)``."""
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"


def walk(dataset: Dataset, path: str = "") -> Iterator[tuple[str, DataElement]]:
    """Yield (path, element) of every element of a dataset, those in sequences after the sequence that holds them.

    An element whose value cannot be decoded is yielded with its bytes as they are.

    Raises
    ------
    ValueError
        If sequences are nested more than 32 deep, so that nobody can say what they hold.

    """
    if path.count("[") > MAX_NESTING:
        raise ValueError(f"nests sequences more than {MAX_NESTING} deep")
    for tag in sorted(dataset.keys()):
        yield from _walk_element(dataset, tag, path)


def _walk_element(dataset: Dataset, tag: BaseTag, path: str = "") -> Iterator[tuple[str, DataElement]]:
    element = element_of(dataset, tag)
    here = f"{path}{tag_text(tag)}"
    yield here, element
    if isinstance(element.value, Sequence):
        for index, item in enumerate(element.value):
            yield from walk(item, f"{here}[{index}].")


def element_of(dataset: Dataset, tag: BaseTag) -> DataElement:
    """Return an element; one that cannot be decoded comes with its bytes as they are."""
    try:
        return dataset[tag]
    except Exception:  # noqa: BLE001 - pydicom raises many kinds for values that are not of their VR
        raw = dict(dataset.items())[tag].value
        return DataElement(tag, "UN", raw if isinstance(raw, bytes) else b"")


def vr_of_element(tag: BaseTag, element: DataElement | RawDataElement) -> str:
    """Return the value representation of an element of a dataset; ``UN`` where nobody can say."""
    if element.VR not in (None, "UN"):
        return str(element.VR)
    try:
        return dictionary_VR(tag)
    except KeyError:
        return "UN"


def undecoded(element: DataElement | RawDataElement) -> Hashable | None:
    """Return what an element holds as its file has it, to know it again; None where it is decoded, or is long.

    An element of unknown VR has none either: what it means depends on others.
    """
    if not isinstance(element, RawDataElement) or not isinstance(element.value, bytes):
        return None
    if len(element.value) > LONGEST_REMEMBERED or (element.VR or _listed_vr(element.tag)) in _DEPENDING:
        return None
    return int(element.tag), element.VR, element.value, element.is_implicit_VR, element.is_little_endian


@cache
def _listed_vr(tag: BaseTag) -> str | None:
    """Return the value representation of an element whose file names none; None where its maker's block tells."""
    return None if tag.is_private or not dictionary_has_tag(tag) else dictionary_VR(tag)


def decoded_by(dataset: Dataset) -> Hashable:
    """Return what else the meaning of a dataset's elements depends on: character set, and sign of pixel values."""
    others = [dataset.get_item(tag) for tag in (CHARACTER_SET, _PIXEL_REPRESENTATION)]
    return str(dataset.original_character_set), *(None if one is None else str(one.value) for one in others)


def remember(memory: dict[_Key, _Value], key: _Key, value: _Value) -> None:
    """Keep something for the next file, among a bounded number of others."""
    if len(memory) >= MOST_REMEMBERED:
        memory.clear()
    memory[key] = value


def forget() -> None:
    """Let go of what files held: a new archive begins."""
    _TEXTS.clear()


def is_empty(element: DataElement | RawDataElement) -> bool:
    """Whether an element has no value, or a sequence no item; without decoding it."""
    value = element.value
    return value is None or (isinstance(value, (bytes, str, Sequence)) and len(value) == 0)


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


def decoded(content: bytes) -> str:
    """Return bytes as text: UTF-8 where they are, else Latin-1; zero bytes are dropped, which reads UTF-16 too."""
    content = content.replace(b"\0", b"")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _texts(value: Any) -> tuple[list[str], bytes]:
    """Return the text values of an element, and its bytes when it is binary."""
    if value is None:
        return [], b""
    if isinstance(value, bytes):
        return [], value
    values = value if isinstance(value, (list, tuple)) or hasattr(value, "append") else [value]
    texts: list[str] = []
    for one in values:
        if isinstance(one, bytes):
            texts.append(decoded(one))
        elif hasattr(one, "components"):
            texts.extend(str(component) for component in one.components if component)
        elif not isinstance(one, (Dataset, BaseTag)):
            texts.append(str(getattr(one, "original_string", None) or one))
    return [text for text in texts if text.strip()], b""


def _location(path: str, element: DataElement) -> Location:
    if is_private(path):
        return Location.PRIVATE
    if element.tag == TRAILING_PADDING:
        return Location.PADDING
    if element.VR in FREE_TEXT_VRS:
        return Location.FREE_TEXT
    return Location.NESTED if "." in path else Location.HEADER


def is_private(path: str) -> bool:
    """Whether an attribute is private, or lies in a private sequence: a group number that is odd."""
    return any(int(step[1:5], 16) % 2 for step in path.split(".") if step.startswith("("))


def value_at(dataset: Dataset, path: str) -> Any:
    """Return the value at a path of the answer key, or None if there is none."""
    here: Any = dataset
    for step in path.split("."):
        tag = Tag(int(step[1:5], 16), int(step[6:10], 16))
        if not isinstance(here, Dataset) or tag not in here:
            return None
        here = element_of(here, tag).value
        if "[" in step:
            index = int(step[step.index("[") + 1 : -1])
            if not isinstance(here, Sequence) or len(here) <= index:
                return None
            here = here[index]
    return here


def text_of(dataset: Dataset, keyword: str) -> str:
    """Return an attribute's value as text, empty where it is missing or cannot be decoded.

    What is not decoded yet stays so.
    """
    tag = _tag(keyword)
    element = dataset.get_item(tag)
    if element is None:
        return ""
    if isinstance(element, RawDataElement) and vr_of_element(tag, element) in PLAIN:
        value = element.value
        if isinstance(value, bytes) and value.isascii() and b"\\" not in value:
            return value.decode("ascii").rstrip("\0 ").strip()
    raw = undecoded(element)
    if raw is None:
        return _text(element_of(dataset, tag).value)
    key = (str(dataset.original_character_set), raw)
    text = _TEXTS.get(key)
    if text is None:
        apart = Dataset({tag: element})
        implicit, little = dataset.original_encoding
        apart.set_original_encoding(implicit, little, dataset.original_character_set)
        text = _text(element_of(apart, tag).value)
        remember(_TEXTS, key, text)
    return text


_TEXTS: dict[tuple[object, ...], str] = {}


@cache
def _tag(keyword: str) -> BaseTag:
    return Tag(keyword)


def _text(value: object) -> str:
    return "" if value is None else str(value).strip()
