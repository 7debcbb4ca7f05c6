"""Faint writing across a slice is found though outlines run through its letters, and slices without any stay."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pytest

from pacslab.cohort import BOX_MARGIN, build_cohort, burn_in, load_recipe
from pacslab.deid.audit.pixels.glyph_match import text_remains
from pacslab.deid.deidentify.policy import load_policy
from pacslab.deid.deidentify.pseudonyms import Pseudonyms
from pacslab.deid.deidentify.study import deidentify
from pacslab.deid.deidentify.text_detection.detector import text_in
from pacslab.deid.dicom.output_folder import parse_dicom
from pacslab.deid.dicom.pixels import decode
from pacslab.scenario import make_variant
from tests.support.outputs import SECRET

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydicom.dataset import FileDataset

    from pacslab.cohort import Cohort, PlantedIdentifier


@cache
def cohort(hospital: str, student: str) -> Cohort:
    return build_cohort(load_recipe(hospital), make_variant("unseen", student))


def slices(hospital: str, student: str, study: int) -> Iterator[tuple[FileDataset, list[PlantedIdentifier]]]:
    """Yield the slices of a study, each with what is written across it."""
    plan = cohort(hospital, student).plan.studies[study]
    contents = [content for _, content in cohort(hospital, student).study_files(plan)]
    planted = [identifier for identifier in cohort(hospital, student).planted_in(plan) if identifier.path == "pixels"]
    for content in contents:
        dataset, _ = parse_dicom(content)
        assert dataset is not None
        if dataset.Modality in ("CT", "MR"):
            yield (
                dataset,
                [identifier for identifier in planted if identifier.sop_instance_uid == dataset.SOPInstanceUID],
            )


def painted(picture: np.ndarray) -> np.ndarray:
    after = picture.copy()
    for box in text_in(picture, section=True):
        after[box.row : box.row + box.height, box.column : box.column + box.width] = after.min()
    return after


@pytest.mark.parametrize(
    ("hospital", "student", "study"),
    [
        ("community-hospital", "1", 8),
        ("community-hospital", "3", 6),
        ("community-hospital", "7", 1),
        ("district-hospital-standard", "4", 8),
        ("district-hospital-standard", "6", 2),
        ("district-hospital-standard", "6", 3),
        ("district-hospital-standard", "6", 6),
        ("district-hospital-standard", "7", 3),
        ("district-hospital-standard", "8", 6),
    ],
)
def test_faint_text_hidden_by_outlines_is_found(hospital: str, student: str, study: int) -> None:
    """In each of these a search for single letters overlooks the name or the number."""
    sought = 0
    for dataset, planted in slices(hospital, student, study):
        picture = decode(dataset)
        assert picture is not None
        after = painted(picture) if planted else picture
        for identifier in planted:
            assert identifier.box is not None
            sought += text_remains(picture, identifier.box, identifier.glyphs())
            assert not text_remains(after, identifier.box, identifier.glyphs()), identifier.token
    assert sought


@pytest.mark.parametrize(
    ("hospital", "student", "study"), [("community-hospital", "4", 0), ("district-hospital-standard", "2", 3)]
)
def test_faint_text_of_one_value_is_painted_over_alone(hospital: str, student: str, study: int) -> None:
    """Their upper or lower edges are no line of their own, for which a band across the slice would go."""
    dataset, planted = next(slices(hospital, student, study))
    picture = decode(dataset)
    assert picture is not None
    assert planted
    after = painted(picture)
    around = np.zeros(picture.shape, dtype=bool)
    for identifier in planted:
        assert identifier.box is not None
        assert not text_remains(after, identifier.box, identifier.glyphs())
        rows = slice(max(0, identifier.box.row - BOX_MARGIN), identifier.box.row + identifier.box.height + BOX_MARGIN)
        around[
            rows, max(0, identifier.box.column - BOX_MARGIN) : identifier.box.column + identifier.box.width + BOX_MARGIN
        ] = True
    assert np.array_equal(after[~around], picture[~around])


def test_faint_text_recipe_treats_a_ct_as_slices() -> None:
    dataset, planted = next(slices("district-hospital-standard", "6", 2))
    assert not deidentify(dataset, Pseudonyms(SECRET), load_policy(), read_text=True)
    after = decode(dataset)
    assert after is not None
    assert planted
    assert not any(
        identifier.box and text_remains(after, identifier.box, identifier.glyphs()) for identifier in planted
    )


@pytest.mark.parametrize("study", [2, 6])
@pytest.mark.parametrize("brighter", [True, False])
def test_faint_text_anywhere_on_a_slice_is_found(study: int, brighter: bool) -> None:
    """Whatever the name, its size and its place; also as dark as it would be bright."""
    plans = cohort("district-hospital-standard", "9").plan.studies
    clean = [dataset for dataset, planted in slices("district-hospital-standard", "9", study) if not planted]
    sought = 0
    for number, dataset in enumerate(clean):
        picture = decode(dataset)
        assert picture is not None
        stream = make_variant("across", "slices").stream("text", study, number)
        written, texts = burn_in(picture, plans[number % len(plans)], stream)
        if not brighter:
            change = written.astype(np.int32) - picture
            drawn = [text for text in texts if not _is_faint(change, text.box.row, text.box.column, text.glyphs)]
            if drawn:
                continue
            written = (picture.astype(np.int32) - change + change.max()).astype(picture.dtype)
        after = painted(written)
        for text in texts:
            sought += text_remains(written, text.box, text.glyphs)
            assert not text_remains(after, text.box, text.glyphs), (number, text.token)
    assert sought >= 3


def _is_faint(change: np.ndarray, row: int, column: int, glyphs: np.ndarray) -> bool:
    """Whether nothing but the letters changed, and they became brighter without getting one value."""
    area = change[row : row + glyphs.shape[0], column : column + glyphs.shape[1]]
    return bool((area[~glyphs] == 0).all() and (area[glyphs] >= 0).all() and np.median(area[glyphs]) < 400)


def test_faint_text_is_not_seen_on_clean_slices() -> None:
    pictures = [
        decode(dataset)
        for study in (1, 2, 6, 8)
        for dataset, planted in slices("community-hospital", "9", study)
        if not planted
    ]
    assert len(pictures) > 60
    taken = sum(bool(text_in(picture, section=True)) for picture in pictures if picture is not None)
    assert taken <= 0.03 * len(pictures)
