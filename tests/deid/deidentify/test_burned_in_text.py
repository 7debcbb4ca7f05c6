"""Burned-in text that no rule knows of is found by its letters and painted over; nothing else is."""

from __future__ import annotations

import io
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pydicom
import pytest

from pacslab.cohort import build_cohort, burn_in, load_recipe
from pacslab.cohort import letters as drawn
from pacslab.deid.audit.pixels.glyph_match import text_remains
from pacslab.deid.deidentify import study
from pacslab.deid.deidentify.policy import load_policy
from pacslab.deid.deidentify.pseudonyms import Pseudonyms
from pacslab.deid.deidentify.study import deidentify, deidentify_study
from pacslab.deid.deidentify.text_detection.detector import MISSING, text_in
from pacslab.deid.deidentify.text_detection.glyph_rows import ConnectedComponent, Looks, look_of_row
from pacslab.scenario import make_variant
from tests.support.cohorts import original, whole
from tests.support.outputs import SECRET

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pacslab.cohort import StudyPlan

TEXT = "RAO ASHA 4821 0937"


@pytest.fixture(autouse=True)
def _reader(program: Callable[[str], str]) -> None:
    program("tesseract")


def image(kind: str, number: int = 0) -> pydicom.FileDataset:
    names = [name for name in whole().files if f"/{kind}-" in name]
    return pydicom.dcmread(io.BytesIO(whole().files[names[number]]))


@cache
def whole_plan() -> StudyPlan:
    return build_cohort(load_recipe("district-hospital"), make_variant("open-archive", "student")).plan.studies[0]


def burned(dataset: pydicom.FileDataset, size: int, contrast: float, at: tuple[int, int]) -> np.ndarray:
    """Burn text into an image; return where its letters are."""
    pixels = dataset.pixel_array.astype(np.int32)
    letters = drawn(TEXT, size)
    where = np.zeros(pixels.shape, dtype=bool)
    where[at[0] : at[0] + letters.shape[0], at[1] : at[1] + letters.shape[1]] = letters
    reach = np.iinfo(dataset.pixel_array.dtype)
    pixels[where] = np.clip(pixels[where] + contrast * np.ptp(pixels), max(reach.min, pixels.min()), pixels.max())
    dataset.PixelData = pixels.astype(dataset.pixel_array.dtype).tobytes()
    return where


def cleaned(dataset: pydicom.FileDataset) -> str:
    return deidentify(dataset, Pseudonyms(SECRET), load_policy(), read_text=True)


@pytest.mark.parametrize(
    ("kind", "size", "contrast"),
    [("cr", 12, 0.3), ("cr", 20, 0.4), ("cr", 14, -0.3), ("ct", 14, 0.5), ("ct", 10, 0.5)],
)
def test_burned_in_text_without_a_rule_is_found(kind: str, size: int, contrast: float) -> None:
    dataset = image(kind)
    before = dataset.pixel_array.copy()
    where = burned(dataset, size, contrast, (100, 40))
    spoilt = dataset.pixel_array.copy()
    assert not cleaned(dataset)
    after = dataset.pixel_array
    assert np.unique(after[where]).size == 1, "the letters are gone"
    changed = after != spoilt
    rows, _ = np.nonzero(where)
    near = np.zeros_like(changed)
    near[rows.min() - 64 : rows.max() + 64, :] = True
    assert not changed[~near].any()
    assert np.array_equal(after[~near], before[~near])


@pytest.mark.parametrize("kind", ["cr", "ct"])
@pytest.mark.parametrize("seed", [0, 1, 2, 4, 5, 6])
def test_burned_in_text_of_every_trap_style_is_found(kind: str, seed: int) -> None:
    """Faint, bright, or dark on a label, small or large, wherever it stands: nobody can make out a letter."""
    dataset = image(kind, seed % 2)
    study = whole_plan()
    picture, texts = burn_in(dataset.pixel_array, study, make_variant("burned in", kind).stream("text", seed))
    after = picture.copy()
    for box in text_in(picture, section=kind == "ct"):
        after[box.row : box.row + box.height, box.column : box.column + box.width] = after.min()
    assert len(texts) == 2
    for text in texts:
        assert text_remains(picture, text.box, text.glyphs), "the text can be read before"
        assert not text_remains(after, text.box, text.glyphs), text.token


def test_burned_in_text_in_a_later_frame_is_found() -> None:
    still = image("ct").pixel_array
    frames = np.stack([still, still, still])
    letters = drawn(TEXT, 14)
    rows, columns = slice(100, 100 + letters.shape[0]), slice(30, 30 + letters.shape[1])
    frames[2, rows, columns][letters] = frames.max()
    assert text_in(frames[:2]) == []
    covered = np.zeros(still.shape, dtype=bool)
    for box in text_in(frames):
        covered[box.row : box.row + box.height, box.column : box.column + box.width] = True
    assert covered[rows, columns][letters].all()


@pytest.mark.parametrize("size", [18, 24])
def test_burned_in_text_of_several_grey_values_is_found(size: int) -> None:
    """Faint letters that reach the brightest grey are drawn ones, and those beside them are not."""
    picture = image("cr").pixel_array.astype(np.int32)
    letters = drawn(TEXT, size)
    area = picture[300 : 300 + letters.shape[0], 200 : 200 + letters.shape[1]]
    bright = letters & (np.arange(letters.shape[1]) < letters.shape[1] * 0.55)
    area[letters] += round(0.12 * np.ptp(picture))
    area[bright] = picture.max()
    covered = np.zeros(picture.shape, dtype=bool)
    for box in text_in(picture.astype(np.uint16)):
        covered[box.row : box.row + box.height, box.column : box.column + box.width] = True
    assert covered[300 : 300 + letters.shape[0], 200 : 200 + letters.shape[1]][letters].all()


def row_of(heights: list[int], feet: list[int]) -> list[ConnectedComponent]:
    """Return marks of these heights that end at these rows, as close to each other as letters."""
    marks, left = [], 0
    for height, foot in zip(heights, feet, strict=True):
        width = round(0.6 * height)
        marks.append(ConnectedComponent(foot - height, foot, left, left + width))
        left += width + 3
    return marks


def test_burned_in_text_of_five_glyphs_on_a_line_is_found() -> None:
    """Folds of a brain are as lean and as close, and one of them stands higher."""
    assert look_of_row(row_of([14, 10, 10, 14, 10], [60, 60, 60, 60, 61])) is Looks.WRITTEN
    assert look_of_row(row_of([15, 18, 13, 16, 11], [66, 68, 63, 67, 68])) is not Looks.WRITTEN
    assert look_of_row(row_of([5, 8, 7, 6, 6, 14], [72, 73, 72, 72, 72, 72])) is not Looks.WRITTEN


@pytest.mark.parametrize("kind", ["cr", "ct"])
def test_burned_in_text_is_not_seen_in_anatomy(kind: str) -> None:
    dataset = image(kind)
    assert text_in(dataset.pixel_array) == []
    before = dataset.pixel_array.copy()
    assert not cleaned(dataset)
    assert np.array_equal(dataset.pixel_array, before)


def test_burned_in_text_claimed_by_an_unknown_machine() -> None:
    dataset = image("us")
    dataset.ManufacturerModelName = "Unknown 3000"
    assert not cleaned(dataset)
    assert text_in(dataset.pixel_array[:48]) == []


def test_burned_in_text_claimed_and_not_found() -> None:
    dataset = image("cr")
    dataset.BurnedInAnnotation = "YES"
    assert "no rule says where" in cleaned(dataset)


def test_burned_in_text_without_tesseract_is_a_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study, "can_read", lambda: False)
    done = deidentify_study(original().images[:1], tmp_path, secret=SECRET, read_text=True)
    assert done.notes == (MISSING,)
    assert len(done.written) == 1


def test_burned_in_text_found_in_parallel_gives_the_same_files(tmp_path: Path) -> None:
    for workers in (1, 2):
        deidentify_study(original().files.values(), tmp_path / str(workers), secret=SECRET, workers=workers)
    for path in (tmp_path / "1").iterdir():
        assert path.read_bytes() == (tmp_path / "2" / path.name).read_bytes()
