"""Pictures of other studies among a student's files: one that is known is not searched, one that was written on is."""

from __future__ import annotations

import io
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pydicom
import pytest

from pacslab.cohort import build_cohort, load_recipe
from pacslab.deid.audit import changed_pictures
from pacslab.deid.audit.study import audit_study
from pacslab.deid.deidentify.study import deidentify_study
from pacslab.scenario import make_variant
from tests.support.cohorts import original, whole
from tests.support.outputs import SECRET, Output

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pydicom.dataset import FileDataset

BANNER = slice(0, 48)


@cache
def another_study(modality: str) -> list[bytes]:
    """Return the images of a study of another patient."""
    key = whole().key
    own = key.patient_of(original().study.study_instance_uid)
    study = next(
        other_study
        for patient in key.patients
        if patient is not own
        for other_study in patient.studies
        if other_study.modality == modality
    )
    return [whole().files[instance.file_name] for instance in study.instances if not instance.document]


@pytest.fixture
def searched(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """Return a list that fills with the size of each picture that is searched."""
    sizes: list[tuple[int, ...]] = []
    search = changed_pictures.text_anywhere

    def counted(pixels: np.ndarray, masks: list[np.ndarray]) -> list[int]:
        sizes.append(pixels.shape)
        return search(pixels, masks)

    monkeypatch.setattr(changed_pictures, "text_anywhere", counted)
    return sizes


def add(output: Output, modality: str) -> Path:
    """Put a de-identified study of another patient beside the own, and return its first file."""
    folder = output.folder / "more"
    return deidentify_study(another_study(modality), folder, secret=SECRET).written[0]


def edit(path: Path, change: Callable[[np.ndarray], np.ndarray]) -> None:
    dataset: FileDataset = pydicom.dcmread(path)
    changed = change(dataset.pixel_array.copy())
    dataset.Rows, dataset.Columns = changed.shape[:2]
    dataset.PixelData = np.ascontiguousarray(changed).tobytes()
    dataset.save_as(path)


@pytest.mark.parametrize("modality", ["CT", "US"])
def test_image_known_to_the_key_is_not_searched(output: Output, searched: list[tuple[int, ...]], modality: str) -> None:
    add(output, modality)
    report = output.audit()
    assert report.passed
    assert len(report.notes) == len(another_study(modality))
    assert searched == []


def test_image_with_a_changed_pixel_is_searched(output: Output, searched: list[tuple[int, ...]]) -> None:
    def change(pixels: np.ndarray) -> np.ndarray:
        pixels[100, 100] ^= 1
        return pixels

    edit(add(output, "CT"), change)
    assert output.audit().passed
    assert searched == [(256, 256)]


def test_image_without_the_whole_key_is_searched(output: Output, searched: list[tuple[int, ...]]) -> None:
    add(output, "CT")
    partial = build_cohort(load_recipe("district-hospital"), make_variant("open-archive", "student")).questions()
    assert audit_study(output.folder, partial, output.origin.study.study_instance_uid).passed
    assert len(searched) == len(another_study("CT"))


def in_the_place_of_its_own(pixels: np.ndarray, banner: np.ndarray) -> np.ndarray:
    pixels[BANNER] = banner
    return pixels


def below(pixels: np.ndarray, banner: np.ndarray) -> np.ndarray:
    pixels[300:348] = banner
    return pixels


def mirrored(pixels: np.ndarray, banner: np.ndarray) -> np.ndarray:
    return below(pixels, banner[:, ::-1])


def upside_down(pixels: np.ndarray, banner: np.ndarray) -> np.ndarray:
    return in_the_place_of_its_own(pixels, banner[::-1, ::-1])


def on_its_side(pixels: np.ndarray, banner: np.ndarray) -> np.ndarray:
    pixels[:480, 200:248] = banner[:, :480].T
    return pixels


def cut_off(pixels: np.ndarray, banner: np.ndarray) -> np.ndarray:
    return in_the_place_of_its_own(pixels, banner)[8:]


def faint(pixels: np.ndarray, banner: np.ndarray) -> np.ndarray:
    return in_the_place_of_its_own(pixels, banner // 40)


@pytest.mark.parametrize(
    "write", [in_the_place_of_its_own, below, mirrored, upside_down, on_its_side, cut_off, faint],
    ids=lambda function: function.__name__,
)  # fmt: skip
def test_image_of_another_study_with_the_studys_text_is_found(
    output: Output, write: Callable[[np.ndarray, np.ndarray], np.ndarray]
) -> None:
    path = add(output, "US")
    banner = output.source().pixel_array[BANNER]
    edit(path, lambda pixels: write(pixels, banner))
    report = output.audit()
    assert report.failed() == ("pixels",)
    assert {leak.file for leak in report.leaks} == {f"more/{path.name}"}


def test_image_that_kept_its_own_text_is_searched(output: Output, searched: list[tuple[int, ...]]) -> None:
    source = pydicom.dcmread(io.BytesIO(another_study("US")[0])).pixel_array
    edit(add(output, "US"), lambda _: source)
    assert output.audit().failed() == ("pixels",)  # it names the hospital of both
    assert searched == [source.shape]
