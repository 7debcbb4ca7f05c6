"""Text that is written as bytes where burned-in text was painted over: a search of the file finds it, no eye does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.single_faults import HOSPITALS, by_hospital, hospital, name_of, written

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydicom.dataset import FileDataset

    from pacslab.cohort import PlantedIdentifier
    from tests.support.single_faults import Hospital

pytestmark = pytest.mark.worker_group.with_args(by_hospital)


def painted(place: Hospital) -> Iterator[tuple[FileDataset, PlantedIdentifier]]:
    """Yield the cleaned pictures that are not compressed, each with a text that was burned in."""
    for uid in place.clean:
        dataset = place.cleaned(uid)
        burned = [identifier for identifier in place.key.planted_in({uid}) if identifier.path == "pixels"]
        if burned and not dataset.file_meta.TransferSyntaxUID.is_compressed:
            yield dataset, max(burned, key=lambda planted: planted.box.width if planted.box else 0)


@pytest.mark.parametrize("name", HOSPITALS)
def test_name_as_bytes_in_the_last_frame_is_found(name: str) -> None:
    place = hospital(name)
    pictures = list(painted(place))
    assert len({dataset.Modality for dataset, _ in pictures}) >= 4
    for dataset, burned in pictures:
        patient = next(person for person in place.key.patients if person.index == burned.patient)
        pixels = dataset.pixel_array
        stored = bytearray(dataset.PixelData)
        samples = dataset.SamplesPerPixel
        last = pixels.size - dataset.Rows * dataset.Columns * samples
        assert burned.box is not None
        first = last + ((burned.box.row + 2) * dataset.Columns + burned.box.column) * samples
        at = first * pixels.itemsize
        text = patient.name.encode()
        assert len(text) <= burned.box.width * samples * pixels.itemsize
        stored[at : at + len(text)] = text
        dataset.PixelData = bytes(stored)
        uid = burned.sop_instance_uid
        report = place.audit(place.study_of[uid], {uid: (name_of(uid), written(dataset))})
        assert patient.name in {leak.token for leak in report.leaks}, (dataset.Modality, pixels.shape)
