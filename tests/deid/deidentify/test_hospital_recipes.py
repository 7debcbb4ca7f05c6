"""The reference recipe over every recipe of a hospital, with every trap: nobody is left, and hardly anything lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pacslab.cohort import build_cohort, load_recipe
from pacslab.deid.audit.cohort import audit_cohort
from pacslab.deid.audit.report.model import CheckId
from pacslab.deid.deidentify.study import deidentify_study
from pacslab.scenario import make_variant
from tests.support.outputs import SECRET

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.mark.slow
@pytest.mark.parametrize("hospital", ["clinique", "community-hospital", "district-hospital-standard"])
def test_recipe_leaves_nobody_named_in_a_whole_hospital(
    tmp_path: Path, hospital: str, program: Callable[[str], str]
) -> None:
    """Text that no rule knows of is found by the reader, and anatomy is hardly ever taken for it."""
    program("tesseract")
    program("dciodvfy")
    cohort = build_cohort(load_recipe(hospital), make_variant("hospitals", "student"))
    files = (content for _, content in cohort.instances())
    deidentify_study(files, tmp_path, secret=SECRET, read_text=True, workers=2)
    report = audit_cohort(tmp_path, cohort.answer_key(), workers=2, conformance=True)
    assert set(report.failed()) <= {CheckId.ANATOMY}, report.summary()
    assert not report.leaks
    for tally in report.removed:
        assert tally.good == tally.total, tally
    for tally in report.kept:
        assert tally.share >= 0.95, tally
