"""What goes wrong every day: outputs that a hurried person would call anonymous. For the attack to be tried on.

Each starts from the originals and takes out names, addresses, numbers and comments as it should; what else it does to
dates, numbers and pictures is the mistake that gives it its name.
"""

from __future__ import annotations

import hashlib
import io
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

import pydicom

from pacslab.deid.reidentification.attacks import md5_days
from pacslab.deid.reidentification.background_knowledge import day_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pydicom.dataset import Dataset

_GONE = (
    "PatientAddress",
    "PatientTelephoneNumbers",
    "PatientBirthDate",
    "OtherPatientIDsSequence",
    "RequestAttributesSequence",
    "ImageComments",
    "ReferringPhysicianName",
    "PerformingPhysicianName",
    "OperatorsName",
    "AccessionNumber",
)


class Mistake(StrEnum):
    """What was done wrong."""

    DATES_KEPT = "dates kept"
    NUMBER_HASHED = "number hashed without a secret"
    DATES_FROM_MD5 = "dates moved by the number's MD5"
    OCCUPATION_KEPT = "occupation kept"
    FACES_KEPT = "faces kept in MR heads"


def release_badly(originals: Iterable[bytes], target: Path, mistake: Mistake) -> int:
    """Write the images as a hurried person would, with one mistake; return how many."""
    target.mkdir(parents=True, exist_ok=True)
    count = 0
    for content in originals:
        dataset = pydicom.dcmread(io.BytesIO(content))
        if "PixelData" not in dataset or dataset.Modality == "OT":
            continue
        _hurried(dataset, mistake)
        count += 1
        dataset.save_as(target / f"{count:05d}.dcm")
    return count


def _hurried(dataset: Dataset, mistake: Mistake) -> None:
    number = _record_number(dataset)
    for keyword in _GONE:
        if keyword in dataset:
            del dataset[keyword]
    dataset.remove_private_tags()
    if mistake is not Mistake.OCCUPATION_KEPT:
        for keyword in ("Occupation", "PatientComments"):
            if keyword in dataset:
                del dataset[keyword]
    dataset.PatientName = "ANONYMOUS"
    dataset.PatientIdentityRemoved = "YES"
    if mistake is Mistake.NUMBER_HASHED:
        dataset.PatientID = hashlib.sha256(number.encode()).hexdigest()
    else:
        dataset.PatientID = "R" + hashlib.blake2b(number.encode(), key=b"kept at home", digest_size=5).hexdigest()
    if mistake is Mistake.DATES_FROM_MD5:
        _move(dataset, -md5_days(number))
    elif mistake is not Mistake.DATES_KEPT:
        _move(dataset, None)


def _record_number(dataset: Dataset) -> str:
    others = dataset.get("OtherPatientIDsSequence") or []
    return str(others[0].PatientID if others else dataset.PatientID)


def _move(dataset: Dataset, days: int | None) -> None:
    """Move every date by some days, or empty it."""
    for element in dataset.iterall():
        if element.VR in ("DA", "DT") and element.value:
            day = day_of(str(element.value))
            element.value = "" if days is None or day is None else f"{day + timedelta(days=days):%Y%m%d}"
