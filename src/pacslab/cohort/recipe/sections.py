"""Sections of a cohort recipe: hospital, people, devices and studies, each validated by itself."""

from __future__ import annotations

from datetime import date, timedelta
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from pacslab.cohort.anatomy import ecg, mg, mr
from pacslab.cohort.encoding.transfer_syntaxes import Syntax
from pacslab.models import Model
from pacslab.scenario import did_you_mean

LONG = 64
"""Characters that an LO or PN value holds (PS3.5 table 6.2-1)."""

Word = Annotated[str, Field(pattern=r"^[^\W\d_][^\W\d_'-]{3,30}$|^[^\W\d_][^\W\d_]*(['-][^\W\d_]+)+$", min_length=4)]
Line = Annotated[str, Field(min_length=1, max_length=LONG, pattern=r"^[^\\^=\x00-\x1f]+$")]
Place = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\\^=\x00-\x1f]+$")]
Occupation = Annotated[str, Field(min_length=1, max_length=16)]  # an SH value
Domain = Annotated[str, Field(pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+)*\.(example|invalid)$")]


class Country(StrEnum):
    """The country of the hospital's numbers and postcodes (see :mod:`pacslab.cohort.recipe.fictional`)."""

    INDIA = "india"
    FRANCE = "france"
    USA = "usa"


class CharacterSet(StrEnum):
    """Specific Character Set (0008,0005): UTF-8, or Latin alphabet 1."""

    UTF_8 = "ISO_IR 192"
    LATIN_1 = "ISO_IR 100"

    @property
    def codec(self) -> str:
        """Return Python's name of it."""
        return "utf-8" if self is CharacterSet.UTF_8 else "latin-1"


class Kind(StrEnum):
    """Kinds of study that the generator can draw."""

    CHEST_CT = "chest-ct"
    CHEST_RADIOGRAPH = "chest-radiograph"
    DIGITAL_CHEST = "digital-chest"
    ABDOMINAL_ULTRASOUND = "abdominal-ultrasound"
    BRAIN_MR = "brain-mr"
    MAMMOGRAPHY = "mammography"
    ELECTROCARDIOGRAM = "electrocardiogram"


class Extra(StrEnum):
    """Series that a study can have besides its images."""

    TEXT_REPORT = "text-report"
    MEASUREMENTS = "measurements"
    DOSE_REPORT = "dose-report"
    KEY_IMAGES = "key-images"
    PRESENTATION = "presentation-state"
    LETTER = "referral-letter"
    CINE = "cine"
    COLOUR_CINE = "colour-cine"
    FLAIR = "flair"


CHEST_SHAPES = (
    "normal",
    "nodule-right",
    "nodule-left",
    "effusion-right",
    "effusion-left",
    "consolidation-right",
    "consolidation-left",
    "calcification-right",
    "calcification-left",
    "rib-fracture-right",
    "rib-fracture-left",
)
SHAPES: dict[Kind, tuple[str, ...]] = {
    Kind.CHEST_CT: CHEST_SHAPES,
    Kind.CHEST_RADIOGRAPH: (*CHEST_SHAPES, "cardiomegaly"),
    Kind.DIGITAL_CHEST: (*CHEST_SHAPES, "cardiomegaly"),
    Kind.ABDOMINAL_ULTRASOUND: ("normal", "kidney-stone", "gallstone", "hydronephrosis"),
    Kind.BRAIN_MR: mr.SHAPES,
    Kind.MAMMOGRAPHY: mg.SHAPES,
    Kind.ELECTROCARDIOGRAM: ecg.RHYTHMS,
}
"""Findings that each kind of study can show."""

MOST_IMAGES: dict[Kind, int] = {
    Kind.CHEST_CT: 24,
    Kind.CHEST_RADIOGRAPH: 2,
    Kind.DIGITAL_CHEST: 2,
    Kind.ABDOMINAL_ULTRASOUND: 12,
    Kind.BRAIN_MR: 26,
    Kind.MAMMOGRAPHY: 4,
    Kind.ELECTROCARDIOGRAM: 1,
}
"""Slices, views or recordings that a series of each kind can have."""

_KINDS_WITH_EXTRA: dict[Extra, tuple[Kind, ...]] = {
    Extra.CINE: (Kind.ABDOMINAL_ULTRASOUND,),
    Extra.COLOUR_CINE: (Kind.ABDOMINAL_ULTRASOUND,),
    Extra.FLAIR: (Kind.BRAIN_MR,),
    Extra.DOSE_REPORT: (Kind.CHEST_CT, Kind.CHEST_RADIOGRAPH, Kind.DIGITAL_CHEST, Kind.MAMMOGRAPHY),
}
_EXTRAS_OF_IMAGES = {Extra.KEY_IMAGES, Extra.PRESENTATION, Extra.MEASUREMENTS}

SYNTAXES: dict[str, Syntax] = {
    "explicit": Syntax.EXPLICIT_LITTLE,
    "implicit": Syntax.IMPLICIT_LITTLE,
    "deflated": Syntax.DEFLATED,
    "rle": Syntax.RLE,
    "jpeg": Syntax.JPEG_BASELINE,
    "jpeg-lossless": Syntax.JPEG_LOSSLESS,
    "jpeg-2000": Syntax.JPEG_2000,
}
"""Transfer syntaxes by their names in a recipe."""


class Range(Model):
    """From ``least`` to ``most``, both included; the variant draws the number."""

    least: int = Field(ge=0, le=500)
    """The smallest number."""
    most: int = Field(ge=0, le=500)
    """The largest number."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.least > self.most:
            raise ValueError(f"least ({self.least}) is more than most ({self.most})")
        return self


class Hospital(Model):
    """The hospital. ``domain`` is a reserved one (RFC 2606), the postcode prefix one that was never issued."""

    name: Line
    """Institution Name (0008,0080)."""
    address: Place
    """Institution Address (0008,0081)."""
    region: Line
    """The district or state; no patient is called like it."""
    postcode_prefix: Annotated[str, Field(pattern=r"^0[0-9]{2}$")]
    """Three digits that no postcode of the country begins with."""
    domain: Domain
    """The domain of e-mail addresses and web pages: reserved by RFC 2606."""


class Period(Model):
    """The days on which studies were made."""

    first: date
    """The first day."""
    last: date
    """The last day, at least 30 days later."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.last - self.first < timedelta(days=30):
            raise ValueError("'last' must be at least 30 days after 'first'")
        return self


class Staff(Model):
    """A physician or technician."""

    given: Word
    """The given name."""
    family: Word
    """The family name; no patient has it."""

    @property
    def name(self) -> str:
        """Return the name as a DICOM person name."""
        return f"{self.family}^{self.given}"

    @property
    def spoken(self) -> str:
        """Return the name as a person writes it."""
        return f"{self.given} {self.family}"


class Names(Model):
    """The names that patients are drawn from."""

    female: tuple[Word, ...] = Field(min_length=1)
    """Given names of women, one a patient."""
    male: tuple[Word, ...] = Field(min_length=1)
    """Given names of men, one a patient."""
    family: tuple[Word, ...] = Field(min_length=1)
    """Family names, one a patient."""


class Prominent(Model):
    """The prominent patient, for whose images newspapers would pay."""

    occupations: tuple[Occupation, ...] = Field(min_length=1)
    """Occupations that everybody knows somebody by."""
    comment: Place
    """What the staff wrote into Patient Comments (0010,4000)."""
    diagnoses: tuple[Line, ...] = Field(min_length=1)
    """Diagnoses that nobody should read in a newspaper."""


class People(Model):
    """Patients who are easy to find: how many share a family name and an address, have a second ID, are over 89."""

    family: int = Field(default=0, ge=0, le=6)
    """How many patients share a family name and an address."""
    two_ids: int = Field(default=0, ge=0, le=5)
    """How many have a second Patient ID."""
    over_89: int = Field(default=0, ge=0, le=5)
    """How many are over 89, an age that 45 CFR 164.514(b)(2)(i)(C) calls identifying."""
    rare_diseases: tuple[Line, ...] = ()
    """Rare diagnoses; where there are any, the variant draws one of them for one patient."""

    @model_validator(mode="after")
    def _not_alone(self) -> Self:
        if self.family == 1:
            raise ValueError("a 'family' of 1 shares its name with nobody; write 0, or 2 to 6")
        return self


class Device(Model):
    """The machine that makes a kind of study."""

    model: Line
    """Manufacturer's Model Name (0008,1090)."""
    station: Annotated[str, Field(pattern=r"^[A-Z0-9_]{3,16}$")]
    """Station Name (0008,1010)."""
    serial_prefix: Annotated[str, Field(pattern=r"^[A-Z0-9]{2,8}$")]
    """What Device Serial Number (0018,1000) begins with."""


class ReportedFinding(Model):
    """A finding: ``shape`` is drawn in the image, ``words`` are in the report."""

    shape: str
    """What is drawn: a shape that the kind of study can show."""
    words: Line
    """What the report says about it."""


class StudyMix(Model):
    """One kind of study: how many, of how many images each, with what else, and how they are encoded.

    ``encodings`` are taken in turn by the kind's studies; ``extras`` belong to each of them.
    """

    kind: Kind
    """The kind of study."""
    studies: Range
    """How many of them a variant has."""
    images: int = Field(ge=1, le=64)
    """Images of each series."""
    description: Line
    """Study Description (0008,1030)."""
    device: Device
    """The machine that makes it."""
    findings: tuple[ReportedFinding, ...] = Field(min_length=1)
    """What its studies can show; the variant draws one."""
    extras: tuple[Extra, ...] = ()
    """What each of its studies holds besides images."""
    encodings: tuple[str, ...] = Field(default=("explicit",), min_length=1)
    """Transfer syntaxes: ``explicit``, ``implicit``, ``deflated``, ``rle``, ``jpeg``, ``jpeg-lossless``,
    ``jpeg-2000``."""

    @model_validator(mode="after")
    def _drawable(self) -> Self:
        known = SHAPES[self.kind]
        for finding in self.findings:
            if finding.shape not in known:
                hint = did_you_mean(finding.shape, list(known))
                raise ValueError(
                    f"a study of kind {self.kind} cannot show {finding.shape!r} ({', '.join(known)}). {hint}".strip()
                )
        if self.images > MOST_IMAGES[self.kind]:
            raise ValueError(f"'images' of kind {self.kind} is at most {MOST_IMAGES[self.kind]}, not {self.images}")
        return self

    @model_validator(mode="after")
    def _possible(self) -> Self:
        for extra in self.extras:
            if self.kind not in _KINDS_WITH_EXTRA.get(extra, tuple(Kind)):
                raise ValueError(f"a study of kind {self.kind} has no {extra}; remove it from 'extras'")
            if self.kind is Kind.ELECTROCARDIOGRAM and extra in _EXTRAS_OF_IMAGES:
                raise ValueError(f"{extra} needs images, and a study of kind {self.kind} has none")
        for encoding in self.encodings:
            if encoding not in SYNTAXES:
                hint = did_you_mean(encoding, list(SYNTAXES))
                raise ValueError(f"there is no encoding {encoding!r} ({', '.join(SYNTAXES)}). {hint}".strip())
            if encoding == "jpeg" and self.kind is not Kind.ABDOMINAL_ULTRASOUND:
                raise ValueError(f"'jpeg' holds eight bits, and a study of kind {self.kind} more; use 'jpeg-lossless'")
        return self
