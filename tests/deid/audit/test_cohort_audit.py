"""Every study of the hospital at once: nobody is counted away, and what only several studies show is seen."""

from __future__ import annotations

import io
import json
import os
import random
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pydicom
import pytest
from rich.console import Console

from pacslab.deid.audit.cohort import audit_cohort
from pacslab.deid.audit.report.model import CheckId
from pacslab.errors import DeidError
from tests.support.cohorts import whole

if TYPE_CHECKING:
    from collections.abc import Callable

    from pacslab.deid.audit.report.model import CohortReport


def audited(folder: Path, workers: int = 1) -> CohortReport:
    return audit_cohort(folder, whole().key, workers=workers)


def edit_where(
    folder: Path, which: Callable[[pydicom.Dataset], bool], change: Callable[[pydicom.Dataset], object]
) -> int:
    count = 0
    for path in sorted(folder.iterdir()):
        dataset = pydicom.dcmread(path)
        if which(dataset):
            change(dataset)
            dataset.save_as(path)
            count += 1
    return count


def a_path(folder: Path, modality: str, number: int = 0) -> Path:
    found = [
        path for path in sorted(folder.iterdir()) if pydicom.dcmread(path, stop_before_pixels=True).Modality == modality
    ]
    return found[number]


@pytest.mark.parametrize("workers", [1, 2])
def test_cohort_reference_output_passes(everything: Path, workers: int) -> None:
    report = audited(everything, workers)
    assert report.passed, report.summary()
    assert report.removal_recall == report.utility == 1
    assert report.files_found == report.files_expected
    assert report.verdict == "Nobody is named, and research can use the files."
    assert not report.extra


def test_cohort_zip_scanned_in_parallel_gives_the_same_report(all_files: Path, tmp_path: Path) -> None:
    path = a_path(all_files, "US")
    dataset = pydicom.dcmread(path)
    source = next(instance for instance in whole().key.instances() if instance.modality == "US")
    dataset.PixelData = pydicom.dcmread(io.BytesIO(whole().files[source.file_name])).PixelData
    dataset.save_as(path)
    packed = Path(shutil.make_archive(str(tmp_path / "packed"), "zip", all_files))
    folder, zipped = audited(all_files, 1), audited(packed, 2)
    assert zipped.failed() == folder.failed() != ()
    assert (zipped.leaks, zipped.removed, zipped.kept) == (folder.leaks, folder.removed, folder.kept)
    assert [image.png for image in zipped.pictures] == [image.png for image in folder.pictures] != []


def test_cohort_originals_fail_for_every_patient(tmp_path: Path) -> None:
    for name, content in whole().files.items():
        (tmp_path / name.replace("/", "-")).write_bytes(content)
    report = audited(tmp_path)
    count = len(report.patients)
    assert report.verdict == f"{count} of {count} patients are still named by the files."
    assert report.removal_recall < 0.2
    assert "burned-in text of 4 ultrasound images" in report.html()
    assert "data:image/png;base64," in report._repr_html_()
    assert [patient.named for patient in report.patients] == [True] * count
    assert [patient.leaks for patient in report.patients] == sorted(
        (patient.leaks for patient in report.patients), reverse=True
    )
    assert all("'s name is still in" in patient.worst[0] for patient in report.patients)
    console = Console(width=200)
    with console.capture() as capture:
        console.print(report)
    said = capture.get()
    assert said.index("Worst first") < said.index(report.patients[0].worst[0]) < said.index("De-identification audit")


def test_cohort_file_names_and_order_do_not_matter(all_files: Path) -> None:
    paths = sorted(all_files.iterdir())
    random.Random(7).shuffle(paths)
    for number, path in enumerate(paths):
        path.rename(all_files / f"{os.urandom(4).hex()}-{number}")
    assert audited(all_files).passed


def test_cohort_name_in_one_image_is_one_leaking_patient(all_files: Path) -> None:
    """One identifier among thousands: the share hardly moves, the sentence says it."""
    path = a_path(all_files, "US")
    dataset = pydicom.dcmread(path)
    victim = whole().key.patients[5]
    dataset.SeriesDescription = f"seen with {victim.spoken_name}"
    dataset.save_as(path)
    report = audited(all_files)
    assert report.removal_recall > 0.99
    assert [patient.index for patient in report.leaking] == [victim.index]
    assert report.verdict.startswith("1 of ")
    assert f"patient {victim.index}'s name is still in SeriesDescription" in report.leaking[0].worst[0]


def test_cohort_dates_of_another_patient_are_no_leak(all_files: Path) -> None:
    """A moved date may be the day on which another patient was examined."""
    mine = pydicom.dcmread(a_path(all_files, "CR"), stop_before_pixels=True)
    other = next(
        study.date
        for patient in whole().key.patients
        for study in patient.studies
        if study.modality == "CT" and len(patient.studies) == 1
    )
    edit_where(
        all_files,
        lambda dataset: dataset.PatientID == mine.PatientID,
        lambda dataset: setattr(dataset, "ContentDate", other),
    )
    report = audited(all_files)
    assert not report.leaks


def test_cohort_missing_study_is_reported(all_files: Path) -> None:
    gone = pydicom.dcmread(a_path(all_files, "CT"), stop_before_pixels=True).StudyInstanceUID
    lost = 0
    for path in list(all_files.iterdir()):
        if pydicom.dcmread(path, stop_before_pixels=True).StudyInstanceUID == gone:
            path.unlink()
            lost += 1
    report = audited(all_files)
    assert report.failed() == (CheckId.PRESENT,)
    assert report.check("present").count == lost
    assert report.removal_recall < 1
    assert report.utility < 1


def test_cohort_extra_files_are_named(all_files: Path) -> None:
    path = a_path(all_files, "CT")
    (all_files / "copy.dcm").write_bytes(path.read_bytes())
    report = audited(all_files)
    assert len(report.extra) == 1
    assert report.passed


def test_pseudonym_shared_by_two_patients_is_reported(all_files: Path) -> None:
    people = sorted({pydicom.dcmread(path, stop_before_pixels=True).PatientID for path in all_files.iterdir()})
    edit_where(
        all_files,
        lambda dataset: dataset.PatientID == people[0],
        lambda dataset: setattr(dataset, "PatientID", people[1]),
    )
    report = audited(all_files)
    assert report.failed() == (CheckId.USEFUL,)
    assert "is the PatientID of 2 different patients" in report.check("useful").worst[0]


def study_of_a_returning_patient(folder: Path) -> str:
    counted: dict[str, set[str]] = {}
    for path in sorted(folder.iterdir()):
        dataset = pydicom.dcmread(path, stop_before_pixels=True)
        counted.setdefault(dataset.PatientID, set()).add(dataset.StudyInstanceUID)
    return min(next(studies for _, studies in sorted(counted.items()) if len(studies) > 1))


def test_pseudonym_differing_between_studies_is_reported(all_files: Path) -> None:
    uid = study_of_a_returning_patient(all_files)
    edit_where(
        all_files,
        lambda dataset: dataset.StudyInstanceUID == uid,
        lambda dataset: setattr(dataset, "PatientID", "PSOMEBODY"),
    )
    assert audited(all_files).failed() == (CheckId.USEFUL,)


def test_cohort_lost_intervals_between_studies_are_reported(all_files: Path) -> None:
    uid = study_of_a_returning_patient(all_files)

    def later(dataset: pydicom.Dataset) -> None:
        for element in dataset.iterall():
            if element.VR == "DA" and element.value:
                element.value = f"{int(element.value[:4]) + 4}{element.value[4:]}"

    edit_where(all_files, lambda read_dataset: read_dataset.StudyInstanceUID == uid, later)
    report = audited(all_files)
    assert report.failed() == (CheckId.DATES,)
    assert "the days between patient" in report.check("dates").worst[0]


def test_cohort_images_swapped_between_patients_are_reported(all_files: Path) -> None:
    """The picture says whose file it is: with somebody else's attributes it is that patient's, wrongly labelled."""
    first = a_path(all_files, "CR")
    uid = pydicom.dcmread(first).StudyInstanceUID
    second = next(
        path
        for path in sorted(all_files.iterdir())
        if (other := pydicom.dcmread(path, stop_before_pixels=True)).Modality == "CR" and other.StudyInstanceUID != uid
    )
    left, two = pydicom.dcmread(first), pydicom.dcmread(second)
    left.PixelData, two.PixelData = two.PixelData, left.PixelData
    left.save_as(first)
    two.save_as(second)
    assert CheckId.USEFUL in audited(all_files).failed()


def test_cohort_cropped_images_are_still_recognised(all_files: Path) -> None:
    uid = pydicom.dcmread(a_path(all_files, "US")).StudyInstanceUID

    def cropped(dataset: pydicom.Dataset) -> None:
        pixels = dataset.pixel_array[10:]
        dataset.set_pixel_data(pixels.copy(), "MONOCHROME2", 8, generate_instance_uid=False)

    count = edit_where(all_files, lambda read_dataset: read_dataset.StudyInstanceUID == uid, cropped)
    report = audited(all_files)
    assert report.failed() == (CheckId.ANATOMY,)
    assert report.check("anatomy").count == count


def test_cohort_output_of_another_hospital_fails(everything: Path) -> None:
    """Somebody else's clean files are no success: nothing of this cohort is there untouched."""
    report = audit_cohort(everything, whole("another").key, workers=1)
    kept = {tally.name: tally for tally in report.kept}
    assert kept["untouched pictures"].good == 0
    assert {CheckId.ANATOMY} <= set(report.failed())


def test_cohort_empty_output_fails(tmp_path: Path) -> None:
    report = audited(tmp_path)
    assert report.failed() == tuple(CheckId)
    assert report.removal_recall == report.utility == 0
    assert "is empty" in report.check("present").worst[0]


def test_cohort_unknown_study_is_refused(everything: Path) -> None:
    with pytest.raises(DeidError, match="has no study"):
        audit_cohort(everything, whole().key, ["1.2.3"])


def test_cohort_report_json_equals_the_report(everything: Path) -> None:
    read = json.loads(json.dumps(audited(everything).to_dict()))
    assert read["leaking_patients"] == 0
    assert read["passed"] is True
    assert len(read["studies"]) == len(whole().key.studies())


def test_cohort_conformance_counts_valid_dicom(
    everything: Path, all_files: Path, program: Callable[[str], str]
) -> None:
    program("dciodvfy")
    good = audit_cohort(everything, whole().key, conformance=True)
    assert good.passed, good.summary()
    assert "valid DICOM" in {tally.name for tally in good.kept}
    edit_where(all_files, lambda dataset: dataset.Modality == "CT", lambda dataset: delattr(dataset, "ImageType"))
    report = audit_cohort(all_files, whole().key, conformance=True)
    assert report.failed() == (CheckId.USEFUL,)
    assert "no valid CT file any more" in report.check("useful").worst[0]
