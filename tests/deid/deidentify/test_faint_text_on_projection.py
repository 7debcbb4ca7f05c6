"""Writing across a radiograph or a mammogram: faint letters on film, on bone as bright as they are, or off the skin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from pacslab.cohort import build_cohort, letters, load_recipe
from pacslab.deid.audit.pixels.glyph_match import text_remains
from pacslab.deid.deidentify.text_detection.detector import text_in
from pacslab.deid.deidentify.text_detection.glyph_rows import drawn_lines
from pacslab.deid.dicom.output_folder import parse_dicom
from pacslab.deid.dicom.pixels import decode
from pacslab.scenario import make_variant

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    ("hospital", "student", "study"),
    [("community-hospital", "student1", 13), ("district-hospital-standard", "student3", 17)],
    ids=["small letters on a chest", "from the background across a breast"],
)
def test_faint_text_on_a_projection_is_painted_over(
    hospital: str, student: str, study: int, program: Callable[[str], str]
) -> None:
    program("tesseract")
    cohort = build_cohort(load_recipe(hospital), make_variant("reader", student))
    plan = cohort.plan.studies[study]
    contents = [content for _, content in cohort.study_files(plan)]
    planted = [
        identifier
        for identifier in cohort.planted_in(plan)
        if identifier.path == "pixels" and identifier.box is not None
    ]
    sought = 0
    for content in contents:
        dataset, _ = parse_dicom(content)
        assert dataset is not None
        mine = [identifier for identifier in planted if identifier.sop_instance_uid == dataset.SOPInstanceUID]
        if dataset.Modality not in ("DX", "MG") or not mine:
            continue
        picture = decode(dataset)
        assert picture is not None
        after = picture.copy()
        for box in text_in(picture):
            after[box.row : box.row + box.height, box.column : box.column + box.width] = after.min()
        for objective in mine:
            assert objective.box is not None
            sought += text_remains(picture, objective.box, objective.glyphs())
            assert not text_remains(after, objective.box, objective.glyphs()), objective.token
    assert sought


def test_faint_text_on_bone_of_its_brightness_is_painted_over() -> None:
    """A number of one value is found by its even row; grain that is cut off at one value has no row."""
    grain = make_variant("across", "bone").stream("grain").numpy().normal(3500, 60, (120, 300))
    bone = np.minimum(grain, 3600).astype(np.uint16)
    assert drawn_lines(bone) == []
    bone[0, 0] = 0
    number = letters("940-28-0142-47", 11)
    bone[50 : 50 + number.shape[0], 40 : 40 + number.shape[1]][number] = 3570
    found = [line.box for line in drawn_lines(bone)]
    assert any(box.row <= 54 and box.row + box.height >= 59 and box.width > 80 for box in found)
