"""Text sought at every place of a picture: letters are found wherever they were moved, and what outlines them not."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
import pydicom
import pytest

from pacslab.cohort import build_cohort, load_recipe
from pacslab.deid.audit.pixels.glyph_match import text_anywhere
from pacslab.deid.dicom.pixels import decode
from pacslab.scenario import make_variant

AROUND = {
    "as it is": lambda plane: plane,
    "mirrored": lambda plane: plane[:, ::-1],
    "upside down": lambda plane: plane[::-1, ::-1],
    "turned": np.rot90,
    "moved": lambda plane: np.roll(plane, (38, 82), (0, 1)),
}


@dataclass(frozen=True)
class Radiograph:
    """A radiograph without text, as it is after a wide bar was painted over it, and the shape of the letters."""

    barred: np.ndarray
    letters: list[np.ndarray]


@pytest.fixture(scope="module")
def radiographs() -> list[Radiograph]:
    cohort = build_cohort(load_recipe("clinique"), make_variant("bench", "deid"))
    key = cohort.answer_key()
    studies = [study for patient in key.patients for study in patient.studies]
    taken = {study.study_instance_uid for study in studies if study.modality == "DX"}
    found = []
    for plan in (other_study for other_study in cohort.plan.studies if other_study.uid in taken):
        for _, content in cohort.study_files(plan):
            dataset = pydicom.dcmread(io.BytesIO(content))
            burned = [
                identifier
                for identifier in key.planted_in({dataset.SOPInstanceUID})
                if identifier.box and identifier.mask
            ]
            pixels = decode(dataset) if dataset.Modality == "DX" else None
            if pixels is not None and burned:
                barred = pixels.astype(float)
                barred[
                    min(identifier.box.row for identifier in burned) - 15 : max(
                        identifier.box.row + 30 for identifier in burned
                    )
                ] = 0
                found.append(Radiograph(barred, [identifier.glyphs() for identifier in burned]))
    assert len(found) >= 2
    return found


def test_glyph_match_ignores_anatomy_and_painted_bars(radiographs: list[Radiograph]) -> None:
    """A bar over the whole width takes too much, but nobody reads the name in it, nor in ribs."""
    assert [text_anywhere(image.barred, image.letters) for image in radiographs] == [[]] * len(radiographs)


@pytest.mark.parametrize("way", AROUND)
def test_glyph_match_finds_text_wherever_it_was_moved(radiographs: list[Radiograph], way: str) -> None:
    for image in radiographs:
        for number, letters in enumerate(image.letters):
            rows, columns = letters.shape
            plane = image.barred.copy()
            plane[100 : 100 + rows, 120 : 120 + columns][letters] += 0.3 * np.ptp(plane)
            assert number in text_anywhere(AROUND[way](plane), image.letters)
