"""The reference recipe: DICOM PS3.15 annex E, Basic Application Level Confidentiality Profile, with five options.

Clean pixel data, clean descriptors, longitudinal information with modified dates, patient characteristics; and clean
recognizable visual features, where a head has a face. It knows nothing of the answer key: what it removes it finds by
``policy.yaml``, in the file itself, and for a face in the series.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from pydicom.datadict import keyword_for_tag
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset, FileDataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
)

from pacslab.deid.blanking import darken, paint_over, read_boxes, text_boxes
from pacslab.deid.cleaning import clean_text, identifiers_of
from pacslab.deid.encoding import LATIN, can_copy, encoded_file, raw_element
from pacslab.deid.files import is_cut_off, parse_dicom
from pacslab.deid.heads import Given, shows_a_head, with_faces
from pacslab.deid.parallel import in_order
from pacslab.deid.places import (
    CHARACTER_SET,
    decoded_by,
    element_of,
    forget,
    is_empty,
    remember,
    text_of,
    undecoded,
    vr_of_element,
)
from pacslab.deid.policy import BY_VR, Action, Policy, load_policy
from pacslab.deid.pseudonyms import Pseudonyms
from pacslab.deid.reading import MISSING, can_read
from pacslab.errors import DeidError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import numpy as np
    from pydicom.dataelem import DataElement
    from pydicom.tag import BaseTag

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

OLDEST = 90
"""Ages above 89 are few enough to identify (45 CFR 164.514(b)(2)(i)(C)); all of them become 90."""
MIDDAY = time(12)
DUMMY = "REMOVED"


@dataclass(frozen=True)
class Withheld:
    """A file that is not in the output, and why."""

    name: str
    because: str


@dataclass(frozen=True)
class Deidentified:
    """What the recipe wrote, and what it left out."""

    written: tuple[Path, ...]
    withheld: tuple[Withheld, ...]
    notes: tuple[str, ...] = ()


def deidentify_study(
    source: Path | Iterable[bytes],
    target: Path,
    *,
    secret: bytes,
    read_text: bool = False,
    workers: int = 1,
    progress: Callable[[int], None] | None = None,
) -> Deidentified:
    """De-identify the files of a study (or of several, of any number of patients).

    Parameters
    ----------
    source
        A folder, read with its subfolders; or the content of the files.
    target
        The folder to write to, made if need be; files are called ``image-0001.dcm`` and so on.
    secret
        At least 16 random bytes. With the same secret the same patient, study and image get the same pseudonyms.
    read_text
        Whether text is also sought by a reader (Tesseract) where no rule says that there is any: about half a second
        a picture.
    workers
        How many processes.
    progress
        Called with the number of files done.

    Returns
    -------
    Deidentified
        The files written. Documents, and images with burned-in text at an unknown place, are withheld.

    Raises
    ------
    DeidError
        If the secret is too short, or the source is no folder or holds no file.

    """
    forget()
    _memory.cache_clear()
    reader = read_text and can_read()
    one = _One(Pseudonyms(secret), load_policy(), read_text=reader)
    target.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    withheld: list[Withheld] = []
    for number, (name, cleaned, reason) in enumerate(in_order(one, with_faces(_contents(source)), workers), start=1):
        if progress is not None:
            progress(number)
        if reason:
            withheld.append(Withheld(name, reason))
            continue
        path = target / f"image-{len(written) + 1:04d}.dcm"
        path.write_bytes(cleaned)
        written.append(path)
    if not written and not withheld:
        raise DeidError("there is no file to de-identify", "Give the folder that holds the study.")
    return Deidentified(tuple(written), tuple(withheld), (MISSING,) if read_text and not reader else ())


class _One:
    """De-identifies one file after the other, in whichever process."""

    def __init__(self, pseudonyms: Pseudonyms, policy: Policy, *, read_text: bool) -> None:
        self._pseudonyms = pseudonyms
        self._policy = policy
        self._read_text = read_text

    def __call__(self, given: Given) -> tuple[str, bytes, str]:
        """Return the file's name, and its de-identified content or why there is none."""
        if given.because:
            return given.name, b"", given.because
        return given.name, *_deidentified(given, self._pseudonyms, self._policy, read_text=self._read_text)


def _deidentified(given: Given, pseudonyms: Pseudonyms, policy: Policy, *, read_text: bool) -> tuple[bytes, str]:
    """Return the de-identified file, or why there is none."""
    content = given.content
    dataset, reason = parse_dicom(content)
    if dataset is None:
        return b"", reason
    if is_cut_off(dataset, content):
        return b"", "is damaged: it was cut off"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            reason = deidentify(dataset, pseudonyms, policy, read_text=read_text, face=given.face)
            return (b"", reason) if reason else (encoded_file(dataset), "")
    except Exception as error:  # noqa: BLE001 - a damaged file may raise anything; it is not released, the others are
        return b"", f"is damaged and cannot be vouched for ({type(error).__name__}: {str(error)[:80]})"


def deidentify(
    dataset: FileDataset,
    pseudonyms: Pseudonyms,
    policy: Policy,
    *,
    read_text: bool = False,
    face: np.ndarray | None = None,
) -> str:
    """De-identify one dataset in place; ``face`` says which pixels of a slice of a head belong to the face.

    Returns
    -------
    str
        Why the dataset must not be released; empty when it may.

    """
    modality = text_of(dataset, "Modality")
    for kind in policy.withhold:
        if kind.modality == modality:
            return kind.because
    if face is None and shows_a_head(dataset):
        return "shows a head, and where the face is only the whole series tells"
    if "PixelData" in dataset:
        reason = _clean_picture(dataset, policy, read_text=read_text)
        if reason:
            return reason
        if face is not None:
            darken(dataset, face)
    elif "EncapsulatedDocument" in dataset:
        return "documents are about the patient, not images of the patient"
    elif modality not in policy.without_picture:
        return "holds no picture"
    _Cleaner(dataset, pseudonyms, policy).clean(without_face=face is not None)
    return ""


def _clean_picture(dataset: FileDataset, policy: Policy, *, read_text: bool) -> str:
    """Paint over the text in a picture, or return why that cannot be done."""
    boxes = text_boxes(dataset, policy.banners)
    if read_text and not boxes:
        boxes = read_boxes(dataset, boxes)
    if boxes is None:
        return "text is burned into the picture and no rule says where"
    if boxes:
        paint_over(dataset, boxes)
    return ""


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


class _Cleaner:
    """Applies the policy to one dataset."""

    def __init__(self, dataset: FileDataset, pseudonyms: Pseudonyms, policy: Policy) -> None:
        self._dataset = dataset
        self._pseudonyms = pseudonyms
        self._rules = _rules_of(policy)
        self._known = identifiers_of(dataset, self._rules.identifying)
        self._patient = text_of(dataset, "PatientID") or text_of(dataset, "StudyInstanceUID")
        first = _moment(text_of(dataset, "StudyDate"), text_of(dataset, "StudyTime")) or datetime.combine(
            date(2000, 1, 1), MIDDAY
        )
        self._shift = pseudonyms.shift(self._patient, first)
        self._implicit = dataset.original_encoding[0] is True
        self._memory: _Memory | None = None
        if can_copy(dataset):
            around = (self._patient, self._shift, self._known, self._implicit, decoded_by(dataset))
            self._memory = _memory(pseudonyms, self._rules, *around)

    def clean(self, *, without_face: bool = False) -> None:
        dataset = self._dataset
        age = _age(dataset)
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
        before = {keyword: text_of(dataset, keyword) for keyword in _moments(elements)}
        safe = _safe_private(dataset, self._rules.safe)
        for tag, element in elements.items():
            number = int(tag)
            if number & 0x10000:
                if tag not in safe:
                    del dataset[tag]
                continue
            action = self._rules.named.get(number) or BY_VR.get(vr_of_element(tag, element), Action.REMOVE)
            if action is Action.REMOVE:
                if not is_empty(dataset, tag):
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
        raw = undecoded(element) if self._memory is not None and tag != CHARACTER_SET else None
        if raw is None:
            self._apply(dataset, element_of(dataset, tag), action, before)
            if tag == CHARACTER_SET and not can_copy(dataset):
                self._memory = None  # what is copied would be read as other letters
            return
        key = (raw, *(before.get(one) for one in _belonging(int(tag)))) if action is Action.SHIFT else (raw,)
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
        """Move a date, time or both together: a date knows its time by its name (StudyDate, StudyTime)."""
        if not element.value:
            return
        keyword = element.keyword
        text = before.get(keyword, str(element.value))
        if element.VR == "DT":
            moved = _moment(text[:8], text[8:14])
            written = f"{moved + self._shift:%Y%m%d%H%M%S}" if moved else ""
        elif element.VR == "DA":
            moved = _moment(text, before.get(keyword.replace("Date", "Time"), ""))
            written = f"{moved + self._shift:%Y%m%d}" if moved else ""
        else:
            on = before.get(keyword.replace("Time", "Date"), "") or "20000101"
            moved = _moment(on, text)
            written = f"{moved + self._shift:%H%M%S}" if moved else ""
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
        if not tag.is_private_creator:
            continue
        creator = str(element_of(dataset, tag).value).strip()
        elements = safe.get((tag.group, creator), frozenset())
        block = tag.group << 16 | tag.element << 8
        mine = {block | element for element in elements} & set(dataset.keys())
        if mine:
            kept |= {int(tag), *(int(one) for one in mine)}
    return kept


def _moments(elements: dict[BaseTag, DataElement | RawDataElement]) -> Iterator[str]:
    """Yield the keywords of the dates and times among a dataset's elements."""
    for tag, element in elements.items():
        if vr_of_element(tag, element) in ("DA", "TM", "DT"):
            keyword = keyword_for_tag(tag)
            if keyword:
                yield keyword


@cache
def _belonging(tag: int) -> tuple[str, str, str]:
    """Return the keywords on which a moved date or time depends: its own, and those of its date and time."""
    keyword = keyword_for_tag(tag)
    return keyword, keyword.replace("Date", "Time"), keyword.replace("Time", "Date")


def _moment(day: str, clock: str) -> datetime | None:
    """Return a DA and a TM value as one moment; noon where there is no time; None where there is no date."""
    try:
        on = date(int(day[:4]), int(day[4:6]), int(day[6:8]))
    except ValueError:
        return None
    digits = (clock.partition(".")[0] + "000000")[:6] if clock[:2].isdigit() else "120000"
    try:
        at = time(int(digits[:2]), int(digits[2:4]), min(int(digits[4:6]), 59))
    except ValueError:
        at = MIDDAY
    return datetime.combine(on, at)


def _age(dataset: Dataset) -> str:
    """Return the age at the study, at most 90 years; computed where the file does not say it, empty if nobody can."""
    stated = text_of(dataset, "PatientAge")
    if stated[:3].isdigit() and stated[3:] in ("D", "W", "M"):
        return stated
    years = int(stated[:3]) if stated[:3].isdigit() and stated[3:] == "Y" else None
    born, studied = text_of(dataset, "PatientBirthDate"), text_of(dataset, "StudyDate")
    if years is None and born[:8].isdigit() and studied[:8].isdigit() and len(born) >= 8:
        years = int(studied[:4]) - int(born[:4]) - (studied[4:8] < born[4:8])
    return f"{max(0, min(years, OLDEST)):03d}Y" if years is not None else ""


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


def _contents(source: Path | Iterable[bytes]) -> Iterator[tuple[str, bytes]]:
    if not isinstance(source, Path):
        yield from ((f"file {number}", content) for number, content in enumerate(source, start=1))
        return
    if not source.is_dir():
        raise DeidError(f"{source} is not a folder", "Give the folder that holds the study.")
    for path in sorted(source.rglob("*")):
        if path.is_file() and not path.is_symlink():
            yield path.relative_to(source).as_posix(), path.read_bytes()
