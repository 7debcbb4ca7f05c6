"""The profile applied to one dataset: what becomes of each element, as the policy and its value representation say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset, FileDataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian

from pacslab.deid.deidentify.dates import MIDDAY, age_of, belonging, moment, moments_in, moved
from pacslab.deid.deidentify.free_text import clean_text, identifiers_of
from pacslab.deid.deidentify.policy import BY_VR, Action, Policy
from pacslab.deid.deidentify.writer import LATIN, can_copy, raw_element
from pacslab.deid.dicom.elements import (
    CHARACTER_SET,
    decoded_by,
    element_of,
    is_empty,
    remember,
    text_of,
    undecoded,
    vr_of_element,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydicom.dataelem import DataElement
    from pydicom.tag import BaseTag

    from pacslab.deid.deidentify.pseudonyms import Pseudonyms

METHODS = (
    ("113100", "Basic Application Confidentiality Profile"),
    ("113101", "Clean Pixel Data Option"),
    ("113105", "Clean Descriptors Option"),
    ("113107", "Retain Longitudinal Temporal Information Modified Dates Option"),
    ("113108", "Retain Patient Characteristics Option"),
    ("113111", "Retain Safe Private Option"),
)
"""De-identification Method, CID 7050 of PS3.16."""
WITHOUT_FACE = ("113102", "Clean Recognizable Visual Features Option")
"""What is said besides of a head that lost its face."""
DUMMY = "REMOVED"


@dataclass(frozen=True, eq=False)
class _Rules:
    """A policy by tags."""

    named: dict[int, Action]
    safe: dict[tuple[int, str], frozenset[int]]
    identifying: set[int]


@lru_cache(maxsize=8)
def _rules_of(policy: Policy) -> _Rules:
    return _Rules(policy.actions(), policy.safe_elements(), policy.identifying())


_Memory = dict[tuple[object, ...], "RawDataElement | None"]


@lru_cache(maxsize=32)
def _memory(*_around: object) -> _Memory:
    """Return what elements became (None: nothing), by their bytes, in images about which everything else is the same.

    All images of a series say most things alike: what they say is treated and encoded once.
    """
    return {}


def forget_elements() -> None:
    """Let go of what elements became: another archive begins."""
    _memory.cache_clear()


class ProfileApplier:
    """Applies the policy to one dataset."""

    def __init__(self, dataset: FileDataset, pseudonyms: Pseudonyms, policy: Policy) -> None:
        self._dataset = dataset
        self._pseudonyms = pseudonyms
        self._rules = _rules_of(policy)
        self._known = identifiers_of(dataset, self._rules.identifying)
        self._patient = text_of(dataset, "PatientID") or text_of(dataset, "StudyInstanceUID")
        first = moment(text_of(dataset, "StudyDate"), text_of(dataset, "StudyTime")) or datetime.combine(
            date(2000, 1, 1), MIDDAY
        )
        self._shift = pseudonyms.shift(self._patient, first)
        self._implicit = dataset.original_encoding[0] is True
        self._memory: _Memory | None = None
        if can_copy(dataset):
            around = (self._patient, self._shift, self._known, self._implicit, decoded_by(dataset))
            self._memory = _memory(pseudonyms, self._rules, *around)

    def clean(self, *, without_face: bool = False) -> None:
        """Treat every element, and say in the dataset what was done; a face may have been taken off before."""
        dataset = self._dataset
        age = age_of(dataset)
        for tag in list(dataset.keys()):
            if int(tag) >> 16 & 0xFFE0 in (0x5000, 0x6000):
                del dataset[tag]
        self._items(dataset, self._memory)
        self._say("PatientAge", age)
        self._say("PatientIdentityRemoved", "YES")
        self._say("DeidentificationMethod", "PACS Lab reference recipe, PS3.15 annex E")
        self._say("DeidentificationMethodCodeSequence", (*METHODS, WITHOUT_FACE) if without_face else METHODS)
        if without_face:
            self._say("RecognizableVisualFeatures", "NO")
        self._say("LongitudinalTemporalInformationModified", "MODIFIED")
        if "PixelData" in dataset:
            self._say("BurnedInAnnotation", "NO")
        _clean_file_header(dataset)

    def _say(self, keyword: str, said: str | tuple[tuple[str, str], ...]) -> None:
        """Set an attribute to a text, or to a sequence of codes; an empty text leaves it as it is."""
        if not said:
            return
        known = self._memory.get((keyword, said)) if self._memory is not None else None
        if known is not None:
            self._dataset[known.tag] = known
            return
        value = said if isinstance(said, str) else Sequence([_code(*method) for method in said])
        setattr(self._dataset, keyword, value)
        if self._memory is not None:
            self._keep(self._memory, (keyword, said), self._dataset, self._dataset[keyword].tag)

    def _items(self, dataset: Dataset, memory: _Memory | None = None) -> None:
        """Treat every element. What goes, or stays as it is, is not decoded: that would take most of the time.

        ``memory`` is given where the elements are those of the image itself, not of an item in it.
        """
        elements = dict(dataset.items())
        before = {keyword: text_of(dataset, keyword) for keyword in moments_in(elements)}
        safe = _safe_private(dataset, self._rules.safe)
        for tag, element in elements.items():
            number = int(tag)
            if number & 0x10000:
                if tag not in safe:
                    del dataset[tag]
                continue
            action = self._rules.named.get(number) or BY_VR.get(vr_of_element(tag, element), Action.REMOVE)
            if action is Action.REMOVE:
                if not is_empty(element):
                    del dataset[tag]
            elif action is Action.KEEP:
                continue
            elif memory is None:
                self._apply(dataset, element_of(dataset, tag), action, before)
            else:
                self._recall(memory, dataset, element, action, before)

    def _recall(
        self,
        memory: _Memory,
        dataset: Dataset,
        element: DataElement | RawDataElement,
        action: Action,
        before: dict[str, str],
    ) -> None:
        """Treat an element of the image as the same bytes were treated before, if they were."""
        tag = element.tag
        names_letters = int(tag) == int(CHARACTER_SET)
        raw = undecoded(element) if self._memory is not None and not names_letters else None
        if raw is None:
            self._apply(dataset, element_of(dataset, tag), action, before)
            if names_letters and not can_copy(dataset):
                self._memory = None  # what is copied would be read as other letters
            return
        key = (raw, *(before.get(one) for one in belonging(int(tag)))) if action is Action.SHIFT else (raw,)
        if key not in memory:
            self._apply(dataset, element_of(dataset, tag), action, before)
            self._keep(memory, key, dataset, tag)
        elif (known := memory[key]) is None:
            del dataset[tag]
        else:
            dataset[tag] = known

    def _keep(self, memory: _Memory, key: tuple[object, ...], dataset: Dataset, tag: BaseTag) -> None:
        """Remember what an element became, and let it be written as the bytes that it became."""
        element = dataset.get_item(tag)
        if isinstance(element, RawDataElement):
            return
        made = None
        if element is not None:
            made = raw_element(element, dataset.get("SpecificCharacterSet", LATIN), implicit=self._implicit)
            dataset[tag] = made
        remember(memory, key, made)

    def _apply(self, dataset: Dataset, element: DataElement, action: Action, before: dict[str, str]) -> None:
        tag = element.tag
        if action is Action.EMPTY:
            dataset[tag].value = ""
        elif action is Action.DUMMY:
            dataset[tag].value = DUMMY
        elif action is Action.PSEUDONYM:
            dataset[tag].value = self._pseudonyms.patient(self._patient)
        elif action is Action.NEW_UID:
            element.value = _each(element.value, lambda uid: self._pseudonyms.uid(str(uid)))
        elif action is Action.CLEAN:
            self._clean_text(dataset, element)
        elif action is Action.SHIFT:
            self._move(dataset, element, before)
        elif action is Action.ITEMS:
            for item in element.value:
                self._items(item)
            if element.value and not any(len(item) for item in element.value):
                del dataset[tag]

    def _clean_text(self, dataset: Dataset, element: DataElement) -> None:
        if not element.value:
            return
        cleaned = _each(element.value, lambda text: clean_text(str(text), self._known))
        if cleaned == element.value:
            return
        if element.VR in ("CS", "AS"):
            del dataset[element.tag]
        else:
            element.value = cleaned

    def _move(self, dataset: Dataset, element: DataElement, before: dict[str, str]) -> None:
        """Move a date, a time or both together; what is neither is removed."""
        if not element.value:
            return
        written = moved(element, before, self._shift)
        if written:
            element.value = written
        else:
            del dataset[element.tag]


def _each(value: object, change: Callable[[object], str]) -> object:
    if isinstance(value, MultiValue):
        return [change(one) for one in value]
    return change(value)


def _safe_private(dataset: Dataset, safe: dict[tuple[int, str], frozenset[int]]) -> set[int]:
    """Return the tags of the private elements that stay, and of the creators that reserve their blocks."""
    kept: set[int] = set()
    for tag in dataset.keys():  # noqa: SIM118 - a dataset iterates over its elements
        if not int(tag) & 0x10000 or not tag.is_private_creator:
            continue
        creator = str(element_of(dataset, tag).value).strip()
        elements = safe.get((tag.group, creator), frozenset())
        block = tag.group << 16 | tag.element << 8
        mine = {block | element for element in elements} & set(dataset.keys())
        if mine:
            kept |= {int(tag), *(int(one) for one in mine)}
    return kept


def _code(value: str, meaning: str) -> Dataset:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, "DCM", meaning
    return code


def _clean_file_header(dataset: FileDataset) -> None:
    """Leave in the file header what is needed to read the file, and nothing in the 128 bytes before it."""
    dataset.preamble = b"\0" * 128
    meta = dataset.file_meta
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    if meta.TransferSyntaxUID == DeflatedExplicitVRLittleEndian:
        meta.TransferSyntaxUID = ExplicitVRLittleEndian  # few readers inflate
    needed = {"MediaStorageSOPClassUID", "MediaStorageSOPInstanceUID", "TransferSyntaxUID"}
    for element in list(meta):
        if element.keyword not in needed:
            del meta[element.tag]
