"""Quasi-identifiers of each released study: all attributes that an outsider can join with a list."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pacslab.deid.dicom.elements import text_of
from pacslab.deid.dicom.output_folder import parse_dicom
from pacslab.deid.dicom.output_sources import open_source
from pacslab.deid.dicom.text_places import attribute_places
from pacslab.deid.reidentification.background_knowledge import age_on, day_of, department_of

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from pydicom.dataset import Dataset

    from pacslab.cohort import AnswerKey


@dataclass
class LinkageRecord:
    """One study as it was released.

    ``ages`` is the youngest and the oldest that the patient may be; ``pictures`` are the SHA-256 of each image's pixel
    bytes, as they stand there.
    """

    pseudonym: str
    study: str
    sex: str
    ages: tuple[int, int] | None
    weight: str
    day: date | None
    time: str
    modality: str
    device: str
    words: str
    pictures: set[str] = field(default_factory=set)

    @property
    def department(self) -> str:
        """Return the department in which images of the modality are made."""
        return department_of(self.modality)


def read_records(output: Path | str) -> list[LinkageRecord]:
    """Return the studies of an output, in the order of their new UIDs.

    Raises
    ------
    DeidError
        If the output cannot be read at all.

    """
    found: dict[str, LinkageRecord] = {}
    for _, content in open_source(output).contents():
        dataset, _ = parse_dicom(content)
        if dataset is None:
            continue
        uid = text_of(dataset, "StudyInstanceUID")
        record = found.setdefault(uid, _record(dataset, uid))
        if "PixelData" in dataset:
            record.pictures.add(picture_digest(dataset))
    return [found[uid] for uid in sorted(found)]


def records_of(key: AnswerKey) -> list[LinkageRecord]:
    """Return the records of a release that kept everything, from the answer key alone."""
    records = []
    for patient in key.patients:
        for study in patient.studies:
            day = day_of(study.date)
            age = age_on(patient, day) if day is not None else None
            records.append(
                LinkageRecord(
                    pseudonym=f"patient {patient.index}",
                    study=study.study_instance_uid,
                    sex=patient.sex,
                    ages=(age, age) if age is not None else None,
                    weight="",
                    day=day,
                    time="",
                    modality=study.modality,
                    device="",
                    words=study.description,
                )
            )
    return records


def picture_digest(dataset: Dataset) -> str:
    """Return the SHA-256 of an image's pixel bytes, by which a known image is recognised."""
    return hashlib.sha256(bytes(dataset.PixelData)).hexdigest()


def _record(dataset: Dataset, uid: str) -> LinkageRecord:
    age = text_of(dataset, "PatientAge")
    words = " ".join(
        place.text for place in attribute_places(dataset) if not place.binary and len(place.text) <= _LONGEST
    )
    return LinkageRecord(
        pseudonym=text_of(dataset, "PatientID"),
        study=uid,
        sex=text_of(dataset, "PatientSex"),
        ages=(int(age[:3]), int(age[:3])) if age[:3].isdigit() and age[3:] == "Y" else None,
        weight=text_of(dataset, "PatientWeight"),
        day=day_of(text_of(dataset, "StudyDate")),
        time=text_of(dataset, "StudyTime"),
        modality=text_of(dataset, "Modality"),
        device=text_of(dataset, "DeviceSerialNumber") or text_of(dataset, "StationName"),
        words=words,
    )


_LONGEST = 10_000
