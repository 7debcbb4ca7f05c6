"""The reference recipe over every recipe of a hospital, with every trap: nobody is left where a rule reaches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pacslab.cohort.answer_key import Location
from pacslab.cohort.build import build_cohort
from pacslab.cohort.recipe import load_recipe
from pacslab.deid.cohort_audit import audit_cohort
from pacslab.deid.recipe import deidentify_study
from pacslab.deid.report import LOCATION_NAMES, CheckId
from pacslab.scenario.variant import make_variant

from .conftest import SECRET

if TYPE_CHECKING:
    from pathlib import Path

TEXT_WITHOUT_A_RULE = {CheckId.PIXELS}
"""Text in slices that claim to have none is left to the reader, which has tests of its own."""


@pytest.mark.slow
@pytest.mark.parametrize("hospital", ["clinique", "community-hospital", "district-hospital-standard"])
def test_reference_recipe_over_a_whole_hospital(tmp_path: Path, hospital: str) -> None:
    cohort = build_cohort(load_recipe(hospital), make_variant("hospitals", "student"))
    deidentify_study((content for _, content in cohort.instances()), tmp_path, secret=SECRET, workers=2)
    report = audit_cohort(tmp_path, cohort.answer_key(), workers=2)
    assert set(report.failed()) <= TEXT_WITHOUT_A_RULE, report.summary()
    for one in report.removed:
        if one.name != LOCATION_NAMES[Location.PIXELS]:
            assert one.good == one.total, one
    for one in report.kept:
        assert one.share >= 0.95, one
