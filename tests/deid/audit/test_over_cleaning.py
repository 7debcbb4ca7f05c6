"""The reference output with one thing more removed, broken or left unsaid fails exactly that check."""

from __future__ import annotations

import io
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pydicom
import pytest
from pydicom.uid import generate_uid

from pacslab.cohort import Location, build_cohort, digest_outside, load_recipe
from pacslab.deid.audit.study import audit_study
from pacslab.deid.deidentify.study import deidentify_study
from pacslab.scenario import make_variant
from tests.support.cohorts import Original, original
from tests.support.outputs import SECRET, Output

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pydicom.dataset import FileDataset


def delete(*keywords: str) -> Callable[[FileDataset], None]:
    def change(dataset: FileDataset) -> None:
        for keyword in keywords:
            del dataset[keyword]

    change.__name__ = f"no {keywords[0]}"
    return change


def assign(**values: object) -> Callable[[FileDataset], None]:
    def change(dataset: FileDataset) -> None:
        for keyword, value in values.items():
            setattr(dataset, keyword, value)

    change.__name__ = ", ".join(f"{keyword} {value!r}"[:50] for keyword, value in values.items())
    return change


def move_one_date(dataset: FileDataset) -> None:
    day = date.fromisoformat(dataset.ContentDate) + timedelta(days=1)
    dataset.ContentDate = f"{day:%Y%m%d}"


def move_all_dates(dataset: FileDataset) -> None:
    for element in dataset:
        if element.VR == "DA" and element.value:
            element.value = f"{date.fromisoformat(element.value) + timedelta(days=3):%Y%m%d}"


def new_sop_instance_uid(dataset: FileDataset) -> None:
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()


ONE_FILE: list[tuple[Callable[[FileDataset], None], str]] = [
    (delete("PatientSex"), "useful"),
    (assign(PatientSex="O"), "useful"),
    (delete("PatientAge"), "useful"),
    (assign(PatientAge="001Y"), "useful"),
    (assign(PatientAge="72"), "useful"),
    (assign(Modality="OT"), "useful"),
    (delete("TransducerType"), "useful"),
    (delete("BodyPartExamined"), "useful"),
    (delete("ImageComments"), "useful"),
    (assign(ImageComments=""), "useful"),
    (assign(ImageComments="cleaned"), "useful"),
    (delete("PatientIdentityRemoved"), "flags"),
    (assign(PatientIdentityRemoved="NO"), "flags"),
    (delete("DeidentificationMethod", "DeidentificationMethodCodeSequence"), "flags"),
    (delete("BurnedInAnnotation"), "flags"),
    (assign(BurnedInAnnotation="YES"), "flags"),
    (delete("LongitudinalTemporalInformationModified"), "flags"),
    (assign(LongitudinalTemporalInformationModified="UNMODIFIED"), "flags"),
    (assign(LongitudinalTemporalInformationModified="REMOVED"), "flags"),
    (delete("StudyDate"), "dates"),
    (assign(StudyDate=""), "dates"),
    (move_one_date, "dates"),
    (move_all_dates, "dates"),
    (assign(StudyInstanceUID="2.25.1234567"), "uids"),
    (assign(SeriesInstanceUID="2.25.1234567"), "uids"),
    (assign(StudyInstanceUID=""), "uids"),
    (delete("SeriesInstanceUID"), "uids"),
    (assign(SOPInstanceUID="2.25.1234567"), "uids"),
    (new_sop_instance_uid, "uids"),
    (delete("PixelData"), "present"),
]


@pytest.mark.parametrize(("change", "check"), ONE_FILE, ids=lambda value: getattr(value, "__name__", value))
def test_loss_in_a_single_file_fails_its_check(
    output: Output, change: Callable[[FileDataset], None], check: str
) -> None:
    output.edit(change)
    assert output.failed() == {check}


@pytest.mark.parametrize("sequence_only", [True, False], ids=["codes", "words"])
def test_method_named_in_either_way_passes(output: Output, sequence_only: bool) -> None:
    output.edit_all(delete("DeidentificationMethod" if sequence_only else "DeidentificationMethodCodeSequence"))
    assert output.failed() == set()


def test_reference_deleted_fails(output: Output) -> None:
    output.edit(delete("ReferencedImageSequence"), number=1)
    assert output.failed() == {"uids"}


def test_reference_to_nowhere_fails(output: Output) -> None:
    def change(dataset: FileDataset) -> None:
        dataset.ReferencedImageSequence[0].ReferencedSOPInstanceUID = generate_uid()

    output.edit(change, number=1)
    report = output.audit()
    assert report.failed() == ("uids",)
    assert "leads nowhere" in report.check("uids").worst[0]


def test_uid_shared_by_all_images_fails(output: Output) -> None:
    def change(dataset: FileDataset) -> None:
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = "2.25.99"
        for item in dataset.get("ReferencedImageSequence", []):
            item.ReferencedSOPInstanceUID = "2.25.99"

    output.edit_all(change)
    assert output.failed() == {"uids"}


def test_uid_invalid_fails(output: Output) -> None:
    output.edit_all(assign(StudyInstanceUID="2.25.0123"))
    assert output.failed() == {"uids"}


def test_dates_all_moved_alike_once_more_pass(output: Output) -> None:
    output.edit_all(move_all_dates)
    assert output.failed() == set()


def test_dates_beside_the_study_date_may_go(output: Output) -> None:
    output.edit_all(delete("SeriesDate", "ContentDate", "AcquisitionDate", "InstanceCreationDate"))
    assert output.failed() == set()


def test_dates_all_removed_and_declared_fail(output: Output) -> None:
    def change(dataset: FileDataset) -> None:
        for element in list(dataset):
            if element.VR == "DA":
                del dataset[element.tag]
        dataset.LongitudinalTemporalInformationModified = "REMOVED"

    output.edit_all(change)
    assert output.failed() == {"dates"}


def test_age_in_a_group_passes(output: Output) -> None:
    def change(dataset: FileDataset) -> None:
        years = int(dataset.PatientAge[:3])
        dataset.PatientAge = f"{years // 10 * 10 + 5:03d}Y"

    output.edit_all(change)
    assert output.failed() == set()


def test_image_missing_fails(output: Output) -> None:
    output.paths[2].unlink()
    report = output.audit()
    assert report.failed() == ("present",)
    assert "image 3 (US" in report.check("present").worst[0]
    assert any(tally.good < tally.total for tally in report.removed)


def test_image_alone_leaves_three_missing(output: Output) -> None:
    for path in output.paths[1:]:
        path.unlink()
    assert output.audit().check("present").count == 3


def test_image_present_twice_is_a_note(output: Output) -> None:
    (output.folder / "copy.dcm").write_bytes(output.paths[0].read_bytes())
    report = output.audit()
    assert report.passed
    assert any("second copy" in note for note in report.notes)


def test_image_twice_in_place_of_another_fails(output: Output) -> None:
    output.paths[1].write_bytes(output.paths[0].read_bytes())
    assert "present" in output.failed()


def test_file_names_and_folders_of_any_kind_pass(output: Output) -> None:
    (output.folder / "a" / "b").mkdir(parents=True)
    for number, path in enumerate(output.paths):
        path.rename(output.folder / "a" / "b" / f"IM{9 - number}")
    assert output.failed() == set()


@pytest.fixture(scope="module")
def chest(tmp_path_factory: pytest.TempPathFactory) -> Output:
    """Return a CT study, with an answer key of its own, and its reference output."""
    cohort = build_cohort(load_recipe("district-hospital"), make_variant("open-archive", "chest"))
    plan = next(
        other_study
        for other_study in cohort.plan.studies
        if other_study.kind == "chest-ct" and len(other_study.series) == 1
    )
    files = dict(cohort.study_files(plan))
    key = cohort.answer_key()
    study = key.study(plan.uid)
    seen = study.model_copy(
        update={
            "instances": tuple(
                instance.model_copy(update={"pixels_outside": digest_outside(pixels_of(files[instance.file_name]), [])})
                for instance in study.instances
            )
        }
    )
    patients = tuple(
        patient.model_copy(update={"studies": tuple(seen if old is study else old for old in patient.studies)})
        for patient in key.patients
    )
    key = key.model_copy(update={"patients": patients, "planted": tuple(cohort.planted_in(plan))})
    folder = tmp_path_factory.mktemp("chest")
    deidentify_study(files.values(), folder, secret=SECRET)
    return Output(folder, Original(key, seen, files))


def pixels_of(content: bytes) -> object:
    return pydicom.dcmread(io.BytesIO(content)).pixel_array


@pytest.mark.parametrize(
    ("change", "check"),
    [
        (delete("PixelSpacing"), "useful"),
        (delete("RescaleSlope"), "useful"),
        (delete("ImagePositionPatient"), "useful"),
        (assign(FrameOfReferenceUID="2.25.7"), "uids"),
        (assign(BurnedInAnnotation="YES"), "flags"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_chest_ct_loss_fails_its_check(chest: Output, change: Callable[[FileDataset], None], check: str) -> None:
    path = chest.paths[0]
    before = path.read_bytes()
    assert chest.failed() == set()
    chest.edit(change)
    assert chest.failed() == {check}
    path.write_bytes(before)


def test_pixels_outside_the_boxes_are_those_of_the_key() -> None:
    """The digest of the answer key is that of the original file, so an untouched picture is never blamed."""
    study, key = original().study, original().key
    for instance in study.instances:
        if instance.pixels_outside:
            boxes = [found.box for found in key.planted_in({instance.sop_instance_uid}) if found.box]
            assert digest_outside(pixels_of(original().files[instance.file_name]), boxes) == instance.pixels_outside
    assert any(identifier.location is Location.PIXELS for identifier in key.planted)


def test_study_of_another_patient_in_the_folder_fails(tmp_path: Path) -> None:
    """Another patient's clean study is none of this one's images."""
    deidentify_study(original("somebody-else").files.values(), tmp_path / "deid", secret=SECRET)
    report = audit_study(tmp_path / "deid", original().key, original().study.study_instance_uid)
    assert "anatomy" in report.failed()
