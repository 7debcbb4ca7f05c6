"""Answer key of a cohort: every planted identifier, every value to keep, and the answer to every question."""

from __future__ import annotations

import base64
import zlib
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from pacslab.models import Model

if TYPE_CHECKING:
    from collections.abc import Collection


class Location(StrEnum):
    """Place of an identifier in a DICOM file or beside it."""

    HEADER = "header"  # an attribute of the dataset's top level
    NESTED = "nested"  # an attribute in a sequence
    PRIVATE = "private"  # a private attribute
    FREE_TEXT = "free-text"  # a long text (VR LT, ST, UT), or a descriptor that mixes meaning and identity
    UNLISTED = "unlisted"  # a text that PS3.15 table E.1-1 does not list, such as CodeMeaning
    UID = "uid"  # a UID, or a reference to one
    PIXELS = "pixels"  # text burned into pixel data
    FACE = "face"  # a face that a rendering of the series shows, as it cuts this slice
    OVERLAY = "overlay"  # an overlay: its bitmap, label or description (60xx)
    ICON = "icon"  # text in the pixels of an icon image
    PRESENTATION = "presentation-state"  # a presentation state's text annotation
    SR_CONTENT = "sr-content"  # a structured report's content item
    SR_OBSERVER = "sr-observer"  # who or what observed, verified or completed a structured report
    PDF = "pdf"  # an encapsulated PDF: its pages and its document information
    FILE_META = "file-meta"  # the file meta information, group 0002
    PREAMBLE = "preamble"  # the 128 bytes before DICM
    PADDING = "trailing-padding"  # Data Set Trailing Padding (FFFC,FFFC)
    FILE_NAME = "file-name"  # the name of the file or of its folder
    DICOMDIR = "dicomdir"  # the directory file beside the images


class Identifier(StrEnum):
    """Kind of identifier: the eighteen of HIPAA Safe Harbor, 45 CFR 164.514(b)(2)(i)(A) to (R).

    Social security numbers (G) are ``NATIONAL_NUMBER`` in every country; dates and ages over 89 (C) are two kinds here;
    a UID, an accession number or an order's number is "any other unique number" (R), kept apart because PS3.15 treats
    them apart.
    """

    NAME = "name"
    GEOGRAPHIC = "geographic"
    DATE = "date"
    AGE = "age"
    PHONE = "phone"
    FAX = "fax"
    EMAIL = "email"
    NATIONAL_NUMBER = "national-number"
    RECORD_NUMBER = "record-number"
    INSURANCE = "insurance"
    ACCOUNT = "account"
    LICENCE = "licence"
    VEHICLE = "vehicle"
    DEVICE = "device"
    URL = "url"
    IP_ADDRESS = "ip-address"
    BIOMETRIC = "biometric"
    FACE = "face"
    UID = "uid"
    OTHER = "other"


AGE_TOP_CODE = 90
"""Years: all ages above 89 are given as 90; a higher one is an identifier (45 CFR 164.514(b)(2)(i)(C))."""


class Role(StrEnum):
    """Reason why a patient is easy to re-identify; the risk lab is about these patients."""

    PROMINENT = "prominent"
    FAMILY = "family"
    TWO_IDS = "two-ids"
    RARE_DISEASE = "rare-disease"
    OLDEST = "over-89"


class Box(Model):
    """A rectangle of pixels: the upper left corner (column, row), then width and height."""

    column: int
    row: int
    width: int
    height: int


class PlantedIdentifier(Model):
    """One identifier at one place of one instance.

    ``path`` is the attribute, written as ``(0010,0010)``, ``(0040,0275)[0].(0032,1060)`` in a sequence,
    ``(0009,1001)`` for a private element, or ``pixels``, ``face``, ``pdf page 1``, ``pdf information``, ``preamble``,
    ``file name``, ``DICOMDIR``; an icon's and an overlay's pixels have their attribute's path. ``token`` is the
    identifier (the person's name in DICOM order, the date as eight digits), which a de-identified file must not hold.
    ``written`` is its form at this place if that differs from the token. ``action`` is that of PS3.15 table E.1-1, or
    that of the Clean options for a place that the table does not list. ``box`` and ``mask`` belong to burned-in text;
    in a multi-frame image they are the same in every frame. For a face they are its part in the slice: skin, nose,
    lids and lips, about 12 mm deep. ``sop_instance_uid`` is empty for a DICOMDIR.
    """

    sop_instance_uid: str
    patient: int
    location: Location
    kind: Identifier
    path: str
    token: str
    action: str
    written: str = ""
    box: Box | None = None
    mask: str | None = Field(default=None, description="glyph mask of the box: base64 of zlib of packed bits")

    def glyphs(self) -> np.ndarray:
        """Unpack the glyph mask of burned-in text.

        Returns
        -------
        numpy.ndarray
            Boolean, of the shape (height, width) of the box; True where a letter is drawn.

        Raises
        ------
        ValueError
            If this identifier is not burned into pixels.

        """
        if self.box is None or self.mask is None:
            raise ValueError(f"{self.path} of {self.sop_instance_uid} has no glyph mask")
        return unpack_glyphs(self.mask, self.box.height, self.box.width)


def pack_glyphs(mask: np.ndarray) -> str:
    """Pack a boolean array of shape (height, width) into the text of ``PlantedIdentifier.mask``.

    Examples
    --------
    >>> mask = np.eye(4, dtype=bool)
    >>> bool((unpack_glyphs(pack_glyphs(mask), 4, 4) == mask).all())
    True

    """
    return base64.b64encode(zlib.compress(np.packbits(mask).tobytes(), 9)).decode()


def unpack_glyphs(mask: str, height: int, width: int) -> np.ndarray:
    """Return the boolean array of shape (height, width) that :func:`pack_glyphs` packed."""
    packed = np.frombuffer(zlib.decompress(base64.b64decode(mask)), dtype=np.uint8)
    return np.unpackbits(packed, count=width * height).astype(bool).reshape(height, width)


class Region(Model):
    """A region of an image: its bounding box, and a mask of the box packed like a glyph mask."""

    box: Box
    mask: str

    @classmethod
    def of(cls, picture: np.ndarray) -> Region | None:
        """Return the region where a boolean image of shape (rows, columns) is True; None if it is nowhere True."""
        rows, columns = np.flatnonzero(picture.any(axis=1)), np.flatnonzero(picture.any(axis=0))
        if not rows.size:
            return None
        top, left = int(rows[0]), int(columns[0])
        height, width = int(rows[-1]) + 1 - top, int(columns[-1]) + 1 - left
        packed = pack_glyphs(picture[top : top + height, left : left + width])
        return cls(box=Box(column=left, row=top, width=width, height=height), mask=packed)

    def drawn(self, rows: int, columns: int) -> np.ndarray:
        """Return the region as a boolean image of shape (rows, columns), cropped at its edges."""
        picture = np.zeros((rows, columns), dtype=bool)
        box = self.box
        there = picture[box.row : box.row + box.height, box.column : box.column + box.width]
        there[...] = unpack_glyphs(self.mask, box.height, box.width)[: there.shape[0], : there.shape[1]]
        return picture


class Keeping(StrEnum):
    """Reason why a value must survive de-identification."""

    SAFE_PRIVATE = "safe-private"
    MEANING = "meaning"
    CONTENT = "content"


class RetainedValue(Model):
    """A value that must survive de-identification.

    It is a safe private element of PS3.15 table E.3.10-1 (``creator`` is its private creator), the words of a finding,
    or a number, a code or binary samples of a report or recording; of samples, ``text`` is the SHA-256 (hexadecimal).
    """

    keeping: Keeping
    path: str
    text: str
    creator: str = ""


class InstanceKey(Model):
    """One instance as generated: an output file is matched to it without trusting its file name or UID.

    ``pixels_outside`` is :func:`digest_outside` of the decoded pixels; None for an instance without pixels.
    ``document`` marks scanned cover pages and encapsulated PDF reports, which a research set may leave out; the
    ``kept`` values of a report count only if it is not left out.
    ``face`` means that a three-dimensional rendering of the series shows the patient's face. The brain of such an image
    must survive; it lies at ``brain`` (None if burned-in text covers it), and ``pixels_outside`` is then
    :func:`digest_within` of the brain without the text.
    """

    sop_instance_uid: str
    sop_class_uid: str
    series_instance_uid: str
    modality: str
    instance_number: int
    file_name: str
    document: bool = False
    pixels_outside: str | None = None
    transfer_syntax_uid: str = "1.2.840.10008.1.2.1"  # Explicit VR Little Endian (PS3.5 A.2)
    kept: tuple[RetainedValue, ...] = ()
    face: bool = False
    brain: Region | None = None


class StudyKey(Model):
    """One study and its instances; ``patient_id`` is the value of PatientID in its files."""

    study_instance_uid: str
    patient_id: str = ""
    cover_page_names_diagnosis: bool = False
    accession_number: str
    date: str
    description: str
    modality: str
    instances: tuple[InstanceKey, ...]


class PatientKey(Model):
    """One patient: identity, and the studies."""

    index: int
    name: str = Field(description="as PatientName holds it: family^given")
    spoken_name: str = Field(description="as a person writes it: given family")
    patient_id: str
    national_number: str
    birth_date: str
    sex: str
    address: str
    phone: str
    diagnosis: str
    prominent: bool = False
    native_name: str = Field(default="", description="the name in the country's own script, as PatientName holds it")
    record_number: str = ""
    email: str = ""
    other_ids: tuple[str, ...] = Field(default=(), description="further values of PatientID of the same person")
    roles: tuple[Role, ...] = ()
    studies: tuple[StudyKey, ...]


class Origin(Model):
    """Provenance of a cohort; another origin gives the same student other patients."""

    generator: str = ""
    words: dict[str, str] = Field(
        default_factory=dict, description="each list of words by name: its version and the SHA-256 of what it says"
    )


class AnswerKey(Model):
    """The answer key of one variant.

    ``facts`` are the answers to a scenario's questions by name; a question's text may use those listed in ``told``.
    ``complete`` means that ``planted``, ``kept`` and ``pixels_outside`` cover every instance; otherwise they cover only
    the study to be de-identified.
    """

    scenario: str
    student: str
    recipe: str
    origin: Origin = Origin()
    complete: bool = False
    patients: tuple[PatientKey, ...]
    planted: tuple[PlantedIdentifier, ...]
    facts: dict[str, str]
    told: tuple[str, ...] = ()

    def studies(self) -> tuple[StudyKey, ...]:
        """Return every study of every patient."""
        return tuple(study for patient in self.patients for study in patient.studies)

    def instances(self) -> tuple[InstanceKey, ...]:
        """Return every instance of every study."""
        return tuple(instance for study in self.studies() for instance in study.instances)

    def study(self, study_instance_uid: str) -> StudyKey:
        """Return one study by its UID.

        Raises
        ------
        KeyError
            If the cohort has no such study.

        """
        for study in self.studies():
            if study.study_instance_uid == study_instance_uid:
                return study
        raise KeyError(study_instance_uid)

    def patient_of(self, study_instance_uid: str) -> PatientKey:
        """Return the patient of a study.

        Raises
        ------
        KeyError
            If the cohort has no such study.

        """
        for patient in self.patients:
            if any(study.study_instance_uid == study_instance_uid for study in patient.studies):
                return patient
        raise KeyError(study_instance_uid)

    @cached_property
    def _by_instance(self) -> dict[str, tuple[PlantedIdentifier, ...]]:
        by_instance: dict[str, list[PlantedIdentifier]] = {}
        for identifier in self.planted:
            by_instance.setdefault(identifier.sop_instance_uid, []).append(identifier)
        return {uid: tuple(planted) for uid, planted in by_instance.items()}

    def planted_in(self, sop_instance_uids: Collection[str]) -> tuple[PlantedIdentifier, ...]:
        """Return the identifiers planted in these instances, in the order of the key."""
        wanted = set(sop_instance_uids)
        return tuple(
            identifier for uid, planted in self._by_instance.items() if uid in wanted for identifier in planted
        )

    def with_role(self, role: Role) -> tuple[PatientKey, ...]:
        """Return the patients with a role."""
        return tuple(patient for patient in self.patients if role in patient.roles)

    def with_number_ending(self, digits: str) -> tuple[PatientKey, ...]:
        """Return the patients with a national number that ends in these digits."""
        return tuple(patient for patient in self.patients if patient.national_number.endswith(digits))

    def who_is(self, token: str) -> tuple[PatientKey, ...]:
        """Return the patients that a name, number, address or UID belongs to.

        Letter case and separators are ignored. Dates, ages and words that many people share belong to nobody.
        """
        found = self._owners.get(plain(token), ())
        return tuple(patient for patient in self.patients if patient.index in found)

    @cached_property
    def _owners(self) -> dict[str, frozenset[int]]:
        owners: dict[str, set[int]] = {}
        for patient in self.patients:
            for text in _texts_of(patient):
                owners.setdefault(plain(text), set()).add(patient.index)
        for identifier in self.planted:
            if identifier.kind not in (Identifier.DATE, Identifier.AGE):
                owners.setdefault(plain(identifier.token), set()).add(identifier.patient)
        owners.pop("", None)
        return {text: frozenset(patients) for text, patients in owners.items()}


def _texts_of(patient: PatientKey) -> tuple[str, ...]:
    """Return every text that identifies this patient."""
    texts = (patient.name, patient.spoken_name, patient.native_name, patient.patient_id, *patient.other_ids)
    texts += (patient.national_number, patient.record_number, patient.address, patient.phone, patient.email)
    for study in patient.studies:
        texts += (study.study_instance_uid, study.accession_number)
        for instance in study.instances:
            texts += (instance.sop_instance_uid, instance.series_instance_uid)
    return texts


def plain(text: str) -> str:
    """Return a text's letters and digits in lower case, the form in which identifiers are compared.

    Examples
    --------
    >>> plain("Müller^Anna, 12-34")
    'mülleranna1234'

    """
    return "".join(char for char in text.casefold() if char.isalnum())
