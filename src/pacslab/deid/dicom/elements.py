"""Elements of a dataset: decoding, walking and addressing them."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from pydicom.datadict import dictionary_has_tag, dictionary_VR
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag, Tag

from pacslab.cohort import tag_text

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from pacslab.cohort import Location


PIXEL_DATA = {0x7FE00010, 0x7FE00008, 0x7FE00009}
LONGEST_TEXT = 1 << 20
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
        # pydicom would give an unknown value the VR of its tag, and refuse bytes as the items of a sequence
        return DataElement(tag, "UN", raw if isinstance(raw, bytes) else b"", already_converted=True)


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
    return str(dataset.original_character_set), *(None if element is None else str(element.value) for element in others)


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


def decoded(content: bytes) -> str:
    r"""Return bytes as text: UTF-8 where they are, else Latin-1; zero bytes are dropped, which reads UTF-16 too.

    Examples
    --------
    >>> decoded(b"M\xfcller")
    'Müller'

    """
    content = content.replace(b"\0", b"")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def is_private(path: str) -> bool:
    """Whether an attribute is private, or lies in a private sequence: a group number that is odd (PS3.5 7.8).

    Examples
    --------
    >>> is_private("(0029,1010)[0].(0010,0010)"), is_private("(0010,0010)")
    (True, False)

    """
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
