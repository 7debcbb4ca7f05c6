"""What the generator knows and the student does not: every planted identifier and every question's answer."""

from __future__ import annotations

import base64
import hashlib
import zlib
from enum import StrEnum

import numpy as np
from pydantic import BaseModel, ConfigDict, Field


class Location(StrEnum):
    """Where in a DICOM file an identifier stands."""

    HEADER = "header"
    NESTED = "nested"
    PRIVATE = "private"
    FREE_TEXT = "free-text"
    UID = "uid"
    PIXELS = "pixels"
    PDF = "pdf"
    FILE_META = "file-meta"


class Identifier(StrEnum):
    """What kind of identifier it is: the HIPAA Safe Harbor list, 45 CFR 164.514(b)(2), as far as images hold it."""

    NAME = "name"
    GEOGRAPHIC = "geographic"
    DATE = "date"
    PHONE = "phone"
    EMAIL = "email"
    NATIONAL_NUMBER = "national-number"
    RECORD_NUMBER = "record-number"
    ACCOUNT = "account"
    DEVICE = "device"
    UID = "uid"
    OTHER = "other"


class Model(BaseModel):
    """Frozen, and strict about its keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Box(Model):
    """A rectangle of pixels: the upper left corner (column, row), then width and height."""

    column: int
    row: int
    width: int
    height: int


class Planted(Model):
    """One identifier at one place of one instance.

    ``path`` is the attribute, written as ``(0010,0010)``, ``(0040,0275)[0].(0032,1060)`` in a sequence,
    ``(0009,1001)`` for a private element, ``pixels`` or ``pdf page 1``. ``token`` is the exact text as it stands
    there (the person's name in DICOM order, the date as eight digits), which must not be found in a
    de-identified file. ``action`` is PS3.15 table E.1-1's. ``box`` and ``mask`` belong to burned-in text.
    """

    sop_instance_uid: str
    patient: int
    location: Location
    kind: Identifier
    path: str
    token: str
    action: str
    box: Box | None = None
    mask: str | None = Field(default=None, description="glyph mask of the box: base64 of zlib of packed bits")

    def glyphs(self) -> np.ndarray:
        """Return the glyph mask as a boolean array of shape (height, width).

        Raises
        ------
        ValueError
            If this identifier is not burned into pixels.

        """
        if self.box is None or self.mask is None:
            raise ValueError(f"{self.path} of {self.sop_instance_uid} has no glyph mask")
        packed = np.frombuffer(zlib.decompress(base64.b64decode(self.mask)), dtype=np.uint8)
        size = self.box.width * self.box.height
        return np.unpackbits(packed, count=size).astype(bool).reshape(self.box.height, self.box.width)


def pack_glyphs(mask: np.ndarray) -> str:
    """Return a boolean array of shape (height, width) as the text that ``Planted.mask`` holds."""
    return base64.b64encode(zlib.compress(np.packbits(mask).tobytes(), 9)).decode()


class InstanceKey(Model):
    """One instance as generated: what an output is matched against without trusting its file name or UID.

    ``pixels_outside`` is :func:`digest_outside` of the decoded pixels; None for an instance without pixels.
    ``document`` marks what a research set leaves out: scanned cover pages and encapsulated PDF reports.
    """

    sop_instance_uid: str
    sop_class_uid: str
    series_instance_uid: str
    modality: str
    instance_number: int
    file_name: str
    document: bool = False
    pixels_outside: str | None = None


class StudyKey(Model):
    """One study: its instances and what is known of it."""

    study_instance_uid: str
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
    studies: tuple[StudyKey, ...]


class AnswerKey(Model):
    """All that was planted for one variant.

    ``facts`` answers the questions of a scenario by name; those listed in ``told`` may stand in a question's text.
    """

    scenario: str
    student: str
    recipe: str
    patients: tuple[PatientKey, ...]
    planted: tuple[Planted, ...]
    facts: dict[str, str]
    told: tuple[str, ...] = ()

    def studies(self) -> tuple[StudyKey, ...]:
        """Return every study of every patient."""
        return tuple(study for patient in self.patients for study in patient.studies)

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

    def planted_in(self, sop_instance_uids: set[str]) -> tuple[Planted, ...]:
        """Return what is planted in these instances."""
        return tuple(one for one in self.planted if one.sop_instance_uid in sop_instance_uids)


def digest_outside(pixels: np.ndarray, boxes: list[Box], margin: int = 8) -> str:
    """Return the SHA-256 (hexadecimal) of the pixels outside the boxes, each grown by ``margin`` pixels.

    Parameters
    ----------
    pixels
        Decoded pixel values of shape (rows, columns) or (rows, columns, samples), integers.
    boxes
        Where identifiers are burned in; what lies there does not count.
    margin
        How many pixels around a box may be lost with it.

    """
    kept = np.array(pixels, dtype="<i4", copy=True)
    for box in boxes:
        top, left = max(0, box.row - margin), max(0, box.column - margin)
        kept[top : box.row + box.height + margin, left : box.column + box.width + margin] = 0
    shape = "x".join(str(size) for size in kept.shape).encode()
    return hashlib.sha256(shape + b":" + kept.tobytes()).hexdigest()
