"""Overlays and icons of three hospitals: removing them is what PS3.15 asks for, unless the key calls a plane content.

Table E.1-1 removes Icon Image Sequence (0088,0200), and Overlay Data (60xx,3000) where the option Clean Graphics is not
claimed. The hospitals' overlays and icons bear names and nothing else, so none is content to keep; an instructor's own
key may say that one is, such as a contour that somebody measured.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
import pytest

from pacslab.cohort import InstanceKey, Keeping, Location, RetainedValue
from pacslab.deid.audit.judge import judge
from pacslab.deid.dicom.attribute_names import attribute
from tests.support.single_faults import (
    HOSPITALS,
    Hospital,
    Memory,
    by_hospital,
    evidence_in,
    hospital,
    name_of,
    written,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydicom.dataset import FileDataset

    from pacslab.deid.audit.report.model import DeidReport

pytestmark = pytest.mark.worker_group.with_args(by_hospital)

PLANE = "(6000,3000)"
SIDE = 64


def contour() -> bytes:
    """Return the bits of a circle, as an overlay's plane."""
    rows, columns = np.ogrid[:SIDE, :SIDE]
    distance = np.hypot(rows - SIDE / 2, columns - SIDE / 2)
    return np.packbits(np.abs(distance - 20) < 1, bitorder="little").tobytes()


def with_overlay(dataset: FileDataset, plane: bytes) -> FileDataset:
    for element, vr, value in (
        *((0x0010, "US", SIDE), (0x0011, "US", SIDE), (0x0040, "CS", "R"), (0x0050, "SS", [1, 1])),
        *((0x0100, "US", 1), (0x0102, "US", 0), (0x3000, "OW", plane)),
    ):
        dataset.add_new(0x60000000 | element, vr, value)
    return dataset


def drawn_on(place: Hospital, location: Location) -> list[InstanceKey]:
    """Return the images that come with an overlay or an icon."""
    return [
        instance
        for instance in place.instance_of.values()
        if any(planted.location is location for planted in place.key.planted_in({instance.sop_instance_uid}))
    ]


@pytest.mark.parametrize("name", HOSPITALS)
@pytest.mark.parametrize(("location", "keyword"), [(Location.OVERLAY, 0x60003000), (Location.ICON, 0x00880200)])
def test_overlay_and_icon_removed_by_the_profile_is_no_loss(name: str, location: Location, keyword: int) -> None:
    place = hospital(name)
    images = drawn_on(place, location)
    assert images
    for image in images:
        uid = image.sop_instance_uid
        assert keyword in place.original(uid)
        assert keyword not in place.cleaned(uid)
        report = place.audit(place.study_of[uid], {})
        assert report.passed
        assert all(tally.good == tally.total for tally in report.kept)
        assert not [kept for kept in image.kept if kept.path.startswith(("(60", "(0088"))]


def audited(place: Hospital, image: InstanceKey, plane: bytes | None) -> DeidReport:
    """Return the audit of a study of which one image has an overlay that the key calls content to keep."""
    text = hashlib.sha256(contour()).hexdigest()
    kept = (*image.kept, RetainedValue(keeping=Keeping.CONTENT, path=PLANE, text=text))
    uid, study = image.sop_instance_uid, place.study_of[image.sop_instance_uid]
    study = study.model_copy(
        update={
            "instances": tuple(
                instance.model_copy(update={"kept": kept}) if instance.sop_instance_uid == uid else instance
                for instance in study.instances
            )
        }
    )
    patients = tuple(
        patient.model_copy(
            update={
                "studies": tuple(
                    study if old.study_instance_uid == study.study_instance_uid else old for old in patient.studies
                )
            }
        )
        for patient in place.key.patients
    )
    key = place.key.model_copy(update={"patients": patients})
    files = {name_of(instance.sop_instance_uid): place.clean[instance.sop_instance_uid] for instance in study.instances}
    if plane is not None:
        files[name_of(uid)] = written(with_overlay(place.cleaned(uid), plane))
    source = Memory(files)
    return judge(key, study, evidence_in(key, (study,), source), source.notes)


LOST: dict[str, Callable[[], bytes | None]] = {
    "removed": lambda: None,
    "blanked": lambda: bytes(len(contour())),
    "moved": lambda: contour()[SIDE:] + contour()[:SIDE],
}


@pytest.mark.parametrize("name", HOSPITALS)
def test_overlay_plane_called_content_must_stay(name: str) -> None:
    place = hospital(name)
    images = drawn_on(place, Location.OVERLAY)
    kinds = {(picture.modality, picture.sop_class_uid): picture for picture in images}
    for image in kinds.values():
        whole = audited(place, image, contour())
        assert whole.passed, whole.summary()
        for how, plane in LOST.items():
            report = audited(place, image, plane())
            assert report.failed() == ("useful",), how
            assert not report.leaks
            lost = f"{attribute(PLANE)} is gone or another: what was measured says nothing about who it was"
            assert report.check("useful").worst == (f"{lost} ({name_of(image.sop_instance_uid)})",)
            content = next(tally for tally in report.kept if tally.name == "measured content")
            assert content.total - content.good == 1
