"""Builder of a DICOM dataset that records every identifier put into it, with its attribute path."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pacslab.cohort.answer_key import Box, Identifier, Keeping, Location, PlantedIdentifier, RetainedValue
from pacslab.cohort.encoding.explicit_vr import encode_element, encode_item, known, tag_text

if TYPE_CHECKING:
    from datetime import datetime

FREE_TEXT_VRS = {"LT", "ST", "UT"}
"""Value representations of long texts (PS3.5 table 6.2-1)."""

IDENTIFYING_ATTRIBUTES: dict[str, tuple[Identifier, str]] = {
    "AccessionNumber": (Identifier.RECORD_NUMBER, "Z"),
    "AcquisitionDate": (Identifier.DATE, "X/Z"),
    "AdmissionID": (Identifier.RECORD_NUMBER, "X"),
    "ContentCreatorName": (Identifier.NAME, "Z"),
    "ContentDate": (Identifier.DATE, "Z/D"),
    "CurrentPatientLocation": (Identifier.GEOGRAPHIC, "X"),
    "DeviceSerialNumber": (Identifier.DEVICE, "X/Z/D"),
    "FrameOfReferenceUID": (Identifier.UID, "U"),
    "InstanceCreationDate": (Identifier.DATE, "X/D"),
    "InstitutionAddress": (Identifier.GEOGRAPHIC, "X"),
    "InstitutionName": (Identifier.GEOGRAPHIC, "X/Z/D"),
    "OperatorsName": (Identifier.NAME, "X/Z/D"),
    "PatientAddress": (Identifier.GEOGRAPHIC, "X"),
    "PatientBirthDate": (Identifier.DATE, "Z"),
    "PatientName": (Identifier.NAME, "Z"),
    "PatientTelephoneNumbers": (Identifier.PHONE, "X"),
    "PerformedProcedureStepStartDate": (Identifier.DATE, "X"),
    "PerformingPhysicianName": (Identifier.NAME, "X"),
    "PresentationCreationDate": (Identifier.DATE, "X"),
    "ReferencedSOPInstanceUID": (Identifier.UID, "U"),
    "ReferringPhysicianName": (Identifier.NAME, "Z"),
    "RequestedProcedureID": (Identifier.RECORD_NUMBER, "X/Z"),
    "RequestingPhysician": (Identifier.NAME, "X"),
    "SOPInstanceUID": (Identifier.UID, "U"),
    "ScheduledProcedureStepID": (Identifier.RECORD_NUMBER, "X"),
    "SeriesDate": (Identifier.DATE, "X/D"),
    "SeriesInstanceUID": (Identifier.UID, "U"),
    "SynchronizationFrameOfReferenceUID": (Identifier.UID, "U"),
    "StationName": (Identifier.DEVICE, "X/Z/D"),
    "StudyDate": (Identifier.DATE, "Z"),
    "StudyID": (Identifier.RECORD_NUMBER, "Z"),
    "StudyInstanceUID": (Identifier.UID, "U"),
}
"""The kind of identifier an attribute holds, and its action in PS3.15 table E.1-1 ("Z" if it has no row there)."""


@dataclass(frozen=True)
class PendingIdentifier:
    """An identifier at one place, before its instance and patient are known; see :class:`PlantedIdentifier`."""

    location: Location
    kind: Identifier
    path: str
    token: str
    action: str
    box: Box | None = None
    mask: str | None = None
    written: str = ""

    def of(self, sop_instance_uid: str, patient: int) -> PlantedIdentifier:
        """Return the identifier as planted in an instance of a patient."""
        return PlantedIdentifier.model_construct(
            sop_instance_uid=sop_instance_uid,
            patient=patient,
            location=self.location,
            kind=self.kind,
            path=self.path,
            token=self.token,
            action=self.action,
            box=self.box,
            mask=self.mask,
            written=self.written,
        )


@dataclass
class Notes:
    """Identifiers planted in a dataset, and values in it that must survive de-identification."""

    planted: list[PendingIdentifier] = field(default_factory=list)
    kept: list[RetainedValue] = field(default_factory=list)


class DatasetBuilder:
    """Adds attributes to a dataset and records those that identify somebody in ``planted``.

    Parameters
    ----------
    codec
        Python's name of Specific Character Set (0008,0005).
    notes
        The record to add to; the items of a sequence share that of their dataset.
    prefix
        The path of the item within its dataset, such as ``(0040,0275)[0].``.
    location
        The location of every identifier in the item; None derives it from each attribute.

    """

    def __init__(
        self, codec: str = "utf-8", notes: Notes | None = None, prefix: str = "", location: Location | None = None
    ) -> None:
        self.notes = notes or Notes()
        self.codec = codec
        self._prefix = prefix
        self._location = location
        self._elements: dict[int, bytes] = {}
        self._items: dict[int, list[DatasetBuilder]] = {}

    @property
    def planted(self) -> list[PendingIdentifier]:
        """Return the identifiers recorded so far."""
        return self.notes.planted

    @property
    def kept(self) -> list[RetainedValue]:
        """Return the values that must survive de-identification."""
        return self.notes.kept

    def encoded(self) -> dict[int, bytes]:
        """Return every element, encoded in explicit VR little endian, by its tag."""
        sequences = {
            tag: encode_element(tag, "SQ", b"".join(encode_item(item.encoded()) for item in items))
            for tag, items in self._items.items()
        }
        return self._elements | sequences

    def put(self, **attributes: Any) -> None:
        """Add attributes by keyword and record those of :data:`IDENTIFYING_ATTRIBUTES` that have a value."""
        for keyword, value in attributes.items():
            self._set(keyword, value)
            if keyword in IDENTIFYING_ATTRIBUTES and value:
                kind, action = IDENTIFYING_ATTRIBUTES[keyword]
                self._note(keyword, str(value), kind, action)

    def identify(self, keyword: str, value: str, kind: Identifier, action: str) -> None:
        """Add an attribute and record its whole value as an identifier."""
        self._set(keyword, value)
        if value:
            self._note(keyword, value, kind, action)

    def mention(
        self,
        keyword: str,
        text: str,
        action: str,
        *mentioned: tuple[Identifier, str] | tuple[Identifier, str, str],
        meaning: str = "",
        location: Location | None = None,
    ) -> None:
        """Add a text and record the identifiers that it mentions.

        Parameters
        ----------
        keyword, text
            The attribute and its value.
        action
            The expected action on it (PS3.15 table E.1-1).
        mentioned
            For each identifier its kind and token, and as a third value its form in the text if that differs.
        meaning
            Words of the text that must survive de-identification.
        location
            The identifiers' location; None derives it from the attribute.

        Raises
        ------
        ValueError
            If the text does not hold a mentioned identifier.

        """
        self._set(keyword, text)
        for kind, token, *form in mentioned:
            if (form[0] if form else token) not in text:
                raise ValueError(f"{keyword} does not hold {token!r}")
            self._note(keyword, token, kind, action, location=location, written=form[0] if form else "")
        if meaning:
            self.kept.append(RetainedValue(keeping=Keeping.MEANING, path=self.path(keyword), text=meaning))

    def content(self, keyword: str, value: str | bytes) -> None:
        """Add a value that identifies nobody and that research needs (number, code, samples); record it as kept."""
        self._set(keyword, value)
        text = hashlib.sha256(value).hexdigest() if isinstance(value, bytes) else value
        self.kept.append(RetainedValue(keeping=Keeping.CONTENT, path=self.path(keyword), text=text))

    def moment(self, keyword: str, when: datetime, action: str) -> None:
        """Add a date-time value (VR DT) and record its date."""
        date, value = f"{when:%Y%m%d}", f"{when:%Y%m%d%H%M%S}"
        self.mention(keyword, value, action, (Identifier.DATE, date, value))

    def empty_sequence(self, *keywords: str) -> None:
        """Add sequences without items."""
        for keyword in keywords:
            self._items.setdefault(known(keyword)[0], [])

    def item(self, keyword: str, location: Location | None = None) -> DatasetBuilder:
        """Append an item to a sequence and return it; ``location`` is that of all its identifiers, if given."""
        items = self._items.setdefault(known(keyword)[0], [])
        prefix = f"{self.path(keyword)}[{len(items)}]."
        items.append(DatasetBuilder(self.codec, self.notes, prefix, location or self._location))
        return items[-1]

    def code(self, keyword: str, value: str, scheme: str, meaning: str) -> DatasetBuilder:
        """Add a coded entry (PS3.3 8.8), and return its item."""
        item = self.item(keyword)
        item.put(CodeValue=value, CodingSchemeDesignator=scheme, CodeMeaning=meaning)
        return item

    def private(
        self, group: int, creator: str, elements: list[tuple[int, str, Any, Identifier | None]], *, safe: bool = False
    ) -> None:
        """Add a private block (PS3.5 7.8.1) and record its identifiers.

        Parameters
        ----------
        group, creator
            The odd group number and the private creator.
        elements
            Element number within the block, VR, value, and the kind of identifier or None.
        safe
            True for elements of PS3.15 table E.3.10-1, which the option Retain Safe Private keeps.

        """
        block = next(number for number in range(0x10, 0x100) if (group << 16 | number) not in self._elements)
        reservation = group << 16 | block
        self._elements[reservation] = encode_element(reservation, "LO", creator)
        for element, vr, value, kind in elements:
            tag = group << 16 | block << 8 | element
            self._elements[tag] = encode_element(tag, vr, value, self.codec)
            path = f"{self._prefix}{tag_text(tag)}"
            if kind is not None:
                self.planted.append(PendingIdentifier(Location.PRIVATE, kind, path, str(value), "X"))
            if safe:
                self.kept.append(
                    RetainedValue(keeping=Keeping.SAFE_PRIVATE, path=path, text=str(value), creator=creator)
                )

    def raw(self, tag: int, vr: str, value: Any, *identifiers: tuple[Location, Identifier, str]) -> None:
        """Add an element by its tag, such as one of a repeating group.

        ``identifiers`` are the location, kind and token of each identifier in the value.
        """
        self._elements[tag] = encode_element(tag, vr, value, self.codec)
        for location, kind, token in identifiers:
            self.planted.append(PendingIdentifier(location, kind, f"{self._prefix}{tag_text(tag)}", token, "X"))

    def _set(self, keyword: str, value: Any) -> None:
        tag, vr = known(keyword)
        self._elements[tag] = encode_element(tag, vr, value, self.codec)

    def path(self, keyword: str) -> str:
        """Return the path of an attribute, as the answer key writes it."""
        return f"{self._prefix}{tag_text(known(keyword)[0])}"

    def _note(
        self,
        keyword: str,
        token: str,
        kind: Identifier,
        action: str,
        *,
        location: Location | None = None,
        written: str = "",
    ) -> None:
        location = location or self._location
        if kind is Identifier.UID:
            location = Location.UID
        elif location is None and known(keyword)[1] in FREE_TEXT_VRS:
            location = Location.FREE_TEXT
        elif location is None:
            location = Location.NESTED if self._prefix else Location.HEADER
        groups = token.split("=") if kind is Identifier.NAME else [token]
        for group in groups:
            self.planted.append(PendingIdentifier(location, kind, self.path(keyword), group, action, written=written))
