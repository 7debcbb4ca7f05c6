"""The profile applied to one data set (PS3.15 Table E.1-1): every attribute gets the action that the policy names.

The policy is ``policy.yaml``; an attribute that it does not name gets the action of its VR.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

from pydicom.dataset import Dataset, FileDataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian

from pacslab.deid.deidentify.dates import MIDDAY, age_of, moment, moments_in, moved
from pacslab.deid.deidentify.free_text import TextCleaner, identifiers_of
from pacslab.deid.deidentify.policy import Action, Policy
from pacslab.deid.dicom.elements import element_of, is_empty, text_of, vr_of_element

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydicom.dataelem import DataElement, RawDataElement

    from pacslab.deid.deidentify.pseudonyms import Pseudonyms

METHODS = (
    ("113100", "Basic Application Confidentiality Profile"),
    ("113101", "Clean Pixel Data Option"),
    ("113105", "Clean Descriptors Option"),
    ("113107", "Retain Longitudinal Temporal Information Modified Dates Option"),
    ("113108", "Retain Patient Characteristics Option"),
    ("113111", "Retain Safe Private Option"),
)
"""Code values and meanings of De-identification Method, CID 7050 of PS3.16."""
WITHOUT_FACE = ("113102", "Clean Recognizable Visual Features Option")
"""The further method of an image of a head from which the face was removed."""
DUMMY = "REMOVED"
"""The text in attributes that need a value (type 1)."""
_OVERLAYS_AND_CURVES = (0x5000, 0x6000)
_REPEATING_GROUP = 0xFFE0
"""Repeating groups: 50xx are curves, 60xx are overlays (PS3.5 7.6)."""
_ODD_GROUP = 0x10000
"""The bit that makes the group of a tag odd, and its element private (PS3.5 7.8); pydicom asks a property."""


class ProfileApplier:
    """Applies the policy to one data set, in place.

    Parameters
    ----------
    dataset
        A file as pydicom read it; its pixels have been cleaned before.
    pseudonyms
        The pseudonyms of the project.
    policy
        The action for each attribute.

    """

    def __init__(self, dataset: FileDataset, pseudonyms: Pseudonyms, policy: Policy) -> None:
        self._dataset = dataset
        self._pseudonyms = pseudonyms
        self._policy = policy
        self._patient = text_of(dataset, "PatientID") or text_of(dataset, "StudyInstanceUID")
        start = moment(text_of(dataset, "StudyDate"), text_of(dataset, "StudyTime"))
        self._shift = pseudonyms.shift(self._patient, start or datetime.combine(date(2000, 1, 1), MIDDAY))
        self._free_text = self._text_cleaner()

    def clean(self, *, without_face: bool = False) -> None:
        """De-identify the data set and record the methods in it, ``without_face`` for a head without its face."""
        age = age_of(self._dataset)
        self._remove_overlays_and_curves()
        self._apply_to_all(self._dataset)
        self._record_methods(age, without_face=without_face)
        _clean_file_header(self._dataset)

    def _text_cleaner(self) -> TextCleaner:
        """Return the cleaner for free text: it knows the identifiers in all other attributes (E.3.5)."""
        return TextCleaner(identifiers_of(self._dataset, self._policy.identifying))

    def _remove_overlays_and_curves(self) -> None:
        """Remove overlays and curves, which may show text (Table E.1-1; only E.3.3 would keep them, cleaned)."""
        for tag in list(self._dataset.keys()):
            if tag.group & _REPEATING_GROUP in _OVERLAYS_AND_CURVES:
                del self._dataset[tag]

    def _apply_to_all(self, dataset: Dataset) -> None:
        """Apply the policy to every element of a data set, or of an item; only those that change are decoded."""
        elements = dict(dataset.items())
        before = {keyword: text_of(dataset, keyword) for keyword in moments_in(elements)}
        safe = _safe_private_tags(dataset, self._policy)
        for tag, element in elements.items():
            if int(tag) & _ODD_GROUP:
                if tag not in safe:
                    del dataset[tag]
                continue
            action = self._policy.action_for(tag, vr_of_element(tag, element))
            if action is Action.REMOVE:
                if not is_empty(element):
                    del dataset[tag]
            elif action is not Action.KEEP:
                self._apply(dataset, element, action, before)

    def _apply(
        self, dataset: Dataset, element: DataElement | RawDataElement, action: Action, before: dict[str, str]
    ) -> None:
        """Apply an action to one element; ``before`` holds the original dates and times of its data set."""
        decoded = element_of(dataset, element.tag)
        match action:
            case Action.EMPTY:
                decoded.value = ""
            case Action.DUMMY:
                decoded.value = DUMMY
            case Action.PSEUDONYM:
                decoded.value = self._pseudonyms.patient(self._patient)
            case Action.NEW_UID:
                decoded.value = _for_each_value(decoded.value, lambda uid: self._pseudonyms.uid(str(uid)))
            case Action.CLEAN:
                self._clean_text(dataset, decoded)
            case Action.SHIFT:
                self._shift_moment(dataset, decoded, before)
            case Action.ITEMS:
                self._apply_to_items(dataset, decoded)

    def _clean_text(self, dataset: Dataset, element: DataElement) -> None:
        """Remove identifiers from a text; a coded string (CS) or age (AS) that holds one is removed."""
        if not element.value:
            return
        cleaned = _for_each_value(element.value, lambda text: self._free_text.clean(str(text)))
        if cleaned == element.value:
            return
        if element.VR in ("CS", "AS"):
            del dataset[element.tag]
        else:
            element.value = cleaned

    def _shift_moment(self, dataset: Dataset, element: DataElement, before: dict[str, str]) -> None:
        """Shift a date or a time (E.3.6); a value that is neither is removed."""
        if not element.value:
            return
        shifted = moved(element, before, self._shift)
        if shifted:
            element.value = shifted
        else:
            del dataset[element.tag]

    def _apply_to_items(self, dataset: Dataset, sequence: DataElement) -> None:
        """Apply the policy to the items of a sequence; a sequence that has only empty items left is removed."""
        for item in sequence.value:
            self._apply_to_all(item)
        if sequence.value and not any(len(item) for item in sequence.value):
            del dataset[sequence.tag]

    def _record_methods(self, age: str, *, without_face: bool) -> None:
        """Record in the data set how it was de-identified (PS3.15 E.1.1, PS3.3 C.7.1.1 and C.12.1)."""
        if age:
            self._set("PatientAge", age)
        self._set("PatientIdentityRemoved", "YES")
        self._set("DeidentificationMethod", "PACS Lab reference recipe, PS3.15 annex E")
        self._set("DeidentificationMethodCodeSequence", (*METHODS, WITHOUT_FACE) if without_face else METHODS)
        if without_face:
            self._set("RecognizableVisualFeatures", "NO")
        self._set("LongitudinalTemporalInformationModified", "MODIFIED")
        if "PixelData" in self._dataset:
            self._set("BurnedInAnnotation", "NO")

    def _set(self, keyword: str, value: str | tuple[tuple[str, str], ...]) -> None:
        """Set an attribute to a text, or to a sequence of codes."""
        setattr(self._dataset, keyword, value if isinstance(value, str) else Sequence([_code(*code) for code in value]))


def _for_each_value(value: object, change: Callable[[object], str]) -> object:
    """Return a value changed; of a multi-valued element every value."""
    if isinstance(value, MultiValue):
        return [change(single) for single in value]
    return change(value)


def _safe_private_tags(dataset: Dataset, policy: Policy) -> set[int]:
    """Return the tags of safe private elements (E.3.10), and of the private creators that reserve their blocks."""
    kept: set[int] = set()
    for tag in dataset.keys():  # noqa: SIM118 - a dataset iterates over its elements
        if not int(tag) & _ODD_GROUP or not tag.is_private_creator:
            continue
        creator = str(element_of(dataset, tag).value).strip()
        block = tag.group << 16 | tag.element << 8
        listed = {block | low_byte for low_byte in policy.safe_elements.get((tag.group, creator), frozenset())}
        present = listed & set(dataset.keys())
        if present:
            kept |= {int(tag), *present}
    return kept


def _code(value: str, meaning: str) -> Dataset:
    """Return an item of a code sequence (PS3.3 Table 8.8-1)."""
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, "DCM", meaning
    return code


def _clean_file_header(dataset: FileDataset) -> None:
    """Keep what is needed to read the file (PS3.10 7.1); the 128 bytes of the preamble become zero."""
    dataset.preamble = b"\0" * 128
    meta = dataset.file_meta
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    if meta.TransferSyntaxUID == DeflatedExplicitVRLittleEndian:
        meta.TransferSyntaxUID = ExplicitVRLittleEndian  # few readers inflate
    needed = {"MediaStorageSOPClassUID", "MediaStorageSOPInstanceUID", "TransferSyntaxUID"}
    for element in list(meta):
        if element.keyword not in needed:
            del meta[element.tag]
