"""The calibration page shows the numbers with which the detector runs."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from pacslab.deid.deidentify.calibration import COMMAND, parameter_table
from pacslab.deid.deidentify.text_detection.parameters import DetectorParameters

PAGE = Path(__file__).parents[3] / "docs" / "calibration.md"


def test_calibration_page_shows_current_parameters():
    page = PAGE.read_text(encoding="utf-8")
    assert parameter_table() in page, f"write it again: {COMMAND}"


def test_every_parameter_has_a_unit_and_a_reason():
    for number in fields(DetectorParameters):
        assert number.metadata["unit"], number.name
        assert number.metadata["chosen"].endswith("."), number.name
