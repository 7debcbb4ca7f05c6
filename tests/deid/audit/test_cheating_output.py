"""Outputs made to look de-identified: none of them passes, and the report says what they are."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from pacslab.deid.deidentify.study import deidentify_study
from tests.support.cohorts import original
from tests.support.outputs import SECRET, Output

if TYPE_CHECKING:
    from pydicom.dataset import FileDataset

PATIENT = next(patient for patient in original().key.patients if original().study in patient.studies)
FAMILY, GIVEN = PATIENT.name.split("^")
NUMBER = PATIENT.national_number


def as_it_came(output: Output) -> None:
    for path, content in zip(output.paths, original().images, strict=True):
        path.write_bytes(content)


def test_original_files_under_other_names_fail(output: Output) -> None:
    as_it_came(output)
    for number, path in enumerate(output.paths):
        path.rename(output.folder / f"{number}.bin")
    report = output.audit()
    assert {"headers", "nested", "private", "uids", "dates", "pixels"} <= set(report.failed())
    assert [patient.index for patient in report.leaking] == [PATIENT.index]


def test_original_files_claiming_deidentification_fail(output: Output) -> None:
    as_it_came(output)

    def claim(dataset: FileDataset) -> None:
        dataset.PatientIdentityRemoved = "YES"
        dataset.DeidentificationMethod = "very thorough"
        dataset.BurnedInAnnotation = "NO"
        dataset.LongitudinalTemporalInformationModified = "MODIFIED"

    output.edit_all(claim)
    assert {"headers", "nested", "private", "uids", "dates", "pixels"} <= output.failed()


def test_encrypted_files_fail(output: Output) -> None:
    for path in output.paths:
        path.write_bytes(os.urandom(path.stat().st_size))
    report = output.audit()
    assert len(report.failed()) == len(report.checks)
    assert report.utility == report.removal_recall == 0


def test_encrypted_files_behind_a_file_header_fail(output: Output) -> None:
    for path in output.paths:
        content = path.read_bytes()
        path.write_bytes(content[:400] + os.urandom(len(content) - 400))
    report = output.audit()
    assert {"present"} <= set(report.failed()) or {"anatomy"} <= set(report.failed())
    assert not report.passed


def test_images_filled_with_zeros_fail(output: Output) -> None:
    output.edit_all(lambda dataset: setattr(dataset, "PixelData", bytes(len(dataset.PixelData))))
    report = output.audit()
    assert report.failed() == ("anatomy",)
    assert report.check("anatomy").count == 4


def test_files_of_zeros_fail(output: Output) -> None:
    for path in output.paths:
        path.write_bytes(bytes(path.stat().st_size))
    assert len(output.failed()) == 12


def test_output_of_another_student_fails(output: Output) -> None:
    shutil.rmtree(output.folder)
    deidentify_study(original("somebody-else").files.values(), output.folder, secret=SECRET)
    report = output.audit()
    assert "anatomy" in report.failed()
    kept = {tally.name: tally for tally in report.kept}
    assert kept["untouched pictures"].good == 0


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("SeriesDescription", GIVEN), ("StudyDescription", FAMILY)),
        (("SeriesDescription", NUMBER[:6]), ("StudyDescription", NUMBER[6:])),
        (("StudyID", NUMBER[:4]), ("SeriesDescription", NUMBER[4:])),
        (("ImageComments", f"{original().key.facts['deid_meaning']} {NUMBER[8:]}"), ("StudyDescription", NUMBER[:8])),
    ],
    ids=["name", "number in halves", "number in unequal parts", "backwards, in a comment"],
)
def test_name_split_over_two_attributes_is_found(
    output: Output, first: tuple[str, str], second: tuple[str, str]
) -> None:
    def split(dataset: FileDataset) -> None:
        for keyword, text in (first, second):
            setattr(dataset, keyword, text)

    output.edit(split)
    report = output.audit()
    assert report.failed() == ("headers",)
    assert report.leaking


def test_name_halves_of_a_number_alone_are_no_leak(output: Output) -> None:
    output.edit(lambda dataset: setattr(dataset, "SeriesDescription", NUMBER[:6]))
    assert output.failed() == set()


@pytest.mark.parametrize("kind", ["swapcase", "title", "upper", "lower"])
def test_name_in_another_letter_case_is_found(output: Output, kind: str) -> None:
    output.edit(lambda dataset: setattr(dataset, "SeriesDescription", getattr(f"{GIVEN} {FAMILY}", kind)()))
    assert output.failed() == {"headers"}
