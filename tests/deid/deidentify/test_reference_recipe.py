"""The reference recipe: full marks without the answer key, and nothing released that nobody can vouch for."""

from __future__ import annotations

import io
import shutil
import subprocess
from typing import TYPE_CHECKING

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import RLELossless

from pacslab.cohort import Identifier, build_cohort, load_recipe
from pacslab.deid.audit.study import audit_study
from pacslab.deid.deidentify.free_text import clean_text
from pacslab.deid.deidentify.policy import load_policy
from pacslab.deid.deidentify.pseudonyms import Pseudonyms
from pacslab.deid.deidentify.study import deidentify, deidentify_study
from pacslab.errors import DeidError
from pacslab.scenario import make_variant
from tests.support.cohorts import original
from tests.support.outputs import SECRET

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.mark.parametrize("student", ["student", "anna", "b@uni.example", "c.d-e_f", "07"])
def test_recipe_earns_full_marks_for_every_student(tmp_path: Path, student: str) -> None:
    origin = original(student)
    for name, content in origin.files.items():
        (tmp_path / "study" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "study" / name).write_bytes(content)
    done = deidentify_study(tmp_path / "study", tmp_path / "deid", secret=SECRET)
    assert len(done.written) == len(origin.images)
    assert len(done.withheld) == 2
    report = audit_study(tmp_path / "deid", origin.key, origin.study.study_instance_uid)
    assert report.passed, report.summary()
    assert report.removal_recall == report.utility == 1


def first(folder: Path) -> pydicom.FileDataset:
    return pydicom.dcmread(min(folder.glob("*.dcm")))


def test_recipe_with_the_same_secret_writes_the_same_files(tmp_path: Path) -> None:
    for name in ("a", "b"):
        deidentify_study(original().files.values(), tmp_path / name, secret=SECRET)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_pseudonym_differs_with_another_secret(tmp_path: Path) -> None:
    deidentify_study(original().files.values(), tmp_path / "a", secret=SECRET)
    deidentify_study(original().files.values(), tmp_path / "b", secret=SECRET[::-1])
    left, other = first(tmp_path / "a"), first(tmp_path / "b")
    for keyword in ("PatientID", "StudyInstanceUID", "SOPInstanceUID", "StudyDate"):
        assert left[keyword].value != other[keyword].value


def test_secret_too_short_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DeidError, match="can be guessed"):
        deidentify_study(original().files.values(), tmp_path, secret=b"1234")


def test_recipe_without_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DeidError, match="no file"):
        deidentify_study([], tmp_path, secret=SECRET)
    with pytest.raises(DeidError, match="not a folder"):
        deidentify_study(tmp_path / "nowhere", tmp_path, secret=SECRET)


def test_dates_keep_intervals_and_lose_the_hour(tmp_path: Path) -> None:
    """Two studies of one patient keep the days between them; the hour of the examination is gone."""
    cohort = build_cohort(load_recipe("district-hospital"), make_variant("open-archive", "intervals"))
    person = next(draft for draft in cohort.plan.people if len(cohort.plan.studies_of(draft)) == 2)
    days = []
    for number, study in enumerate(cohort.plan.studies_of(person)):
        folder = tmp_path / str(number)
        deidentify_study([content for _, content in cohort.study_files(study)][:1], folder, secret=SECRET)
        dataset = first(folder)
        days.append(np.datetime64(f"{dataset.StudyDate[:4]}-{dataset.StudyDate[4:6]}-{dataset.StudyDate[6:]}"))
        assert dataset.StudyTime == "120000"
        assert dataset.SeriesTime == "120400"
    before, after = (other_study.time.date() for other_study in cohort.plan.studies_of(person))
    assert (days[1] - days[0]).astype(int) == (after - before).days


def test_recipe_over_a_whole_cohort_leaks_nothing(tmp_path: Path) -> None:
    """Every image of the hospital comes out, every document stays back, and no direct identifier is left in a file."""
    cohort = build_cohort(load_recipe("district-hospital"), make_variant("open-archive", "everybody"))
    files = [content for _, content in cohort.instances()]
    done = deidentify_study(files, tmp_path, secret=SECRET)
    documents = sum(instance.document for study in cohort.answer_key().studies() for instance in study.instances)
    assert len(done.withheld) == documents
    assert len(done.written) == cohort.count - documents
    tokens = [
        token.encode()
        for draft in cohort.plan.people
        for token in (draft.name, draft.spoken, draft.national_number, draft.record_number, draft.phone)
    ]
    for path in done.written:
        content = path.read_bytes()
        assert not [token for token in tokens if token in content]


def some_image(**changes: object) -> pydicom.FileDataset:
    dataset = pydicom.dcmread(io.BytesIO(original().images[0]))
    for keyword, value in changes.items():
        setattr(dataset, keyword, value)
    return dataset


def apply(dataset: pydicom.FileDataset) -> str:
    return deidentify(dataset, Pseudonyms(SECRET), load_policy())


def test_burned_in_text_of_an_unknown_machine_is_withheld() -> None:
    dataset = some_image(ManufacturerModelName="Unknown 3000")
    del dataset.SequenceOfUltrasoundRegions
    assert "no rule says where" in apply(dataset)


def test_burned_in_text_outside_a_declared_region_is_removed() -> None:
    region = Dataset()
    region.RegionLocationMinX0, region.RegionLocationMinY0 = 0, 60
    region.RegionLocationMaxX1, region.RegionLocationMaxY1 = 639, 479
    dataset = some_image(ManufacturerModelName="Unknown 3000", SequenceOfUltrasoundRegions=Sequence([region]))
    before = dataset.pixel_array.copy()
    assert not apply(dataset)
    assert not dataset.pixel_array[:60].any()
    assert np.array_equal(dataset.pixel_array[60:], before[60:])
    assert dataset.BurnedInAnnotation == "NO"


def compressed(dataset: pydicom.FileDataset) -> pydicom.FileDataset:
    dataset.compress(RLELossless, generate_instance_uid=False)
    return dataset


def in_colour(dataset: pydicom.FileDataset) -> pydicom.FileDataset:
    colours = np.stack([dataset.pixel_array] * 3, axis=-1)
    dataset.set_pixel_data(colours, "RGB", 8, generate_instance_uid=False)
    return dataset


def many_frames(dataset: pydicom.FileDataset) -> pydicom.FileDataset:
    frames = np.stack([dataset.pixel_array] * 3)
    dataset.set_pixel_data(frames, "MONOCHROME2", 8, generate_instance_uid=False)
    return dataset


@pytest.mark.parametrize("kind", [compressed, in_colour, many_frames])
def test_banner_of_another_kind_of_image_is_removed(kind: Callable[[pydicom.FileDataset], pydicom.FileDataset]) -> None:
    dataset = kind(some_image())
    before = dataset.pixel_array.copy()
    assert not apply(dataset)
    after = dataset.pixel_array
    rows = (slice(None), slice(48)) if kind is many_frames else slice(48)
    below = (slice(None), slice(48, None)) if kind is many_frames else slice(48, None)
    assert before[rows].any()
    assert not after[rows].any()
    assert np.array_equal(after[below], before[below])


def test_damaged_files_are_withheld(tmp_path: Path) -> None:
    files = original().images
    broken = files[0].replace(b"MONOCHROME2", b"MONOCHROME9")
    done = deidentify_study([broken, files[1][:500], b"hello", files[2]], tmp_path, secret=SECRET)
    assert len(done.written) == 1
    assert [withheld_file.name for withheld_file in done.withheld] == ["file 1", "file 2", "file 3"]
    assert "damaged" in done.withheld[0].because


def test_age_is_computed_and_capped() -> None:
    dataset = some_image(PatientBirthDate="19100101")
    del dataset.PatientAge
    apply(dataset)
    assert dataset.PatientAge == "090Y"


def test_age_of_ninety_is_that_of_everybody_above(tmp_path: Path) -> None:
    """Of a patient who is 96 today, an earlier examination."""
    cohort = build_cohort(load_recipe("clinique"), make_variant("full", "g"))
    plan = cohort.plan.studies[5]
    assert plan.person.age(plan.time.date()) == 90
    done = deidentify_study((content for _, content in cohort.study_files(plan)), tmp_path, secret=SECRET)
    assert {str(pydicom.dcmread(path, stop_before_pixels=True).PatientAge) for path in done.written} == {"090Y"}
    assert not [identifier for identifier in cohort.planted_in(plan) if identifier.kind is Identifier.AGE]
    oldest = (study for study in cohort.plan.studies if study.person.age(study.time.date()) > 90)
    assert [identifier for identifier in cohort.planted_in(next(oldest)) if identifier.kind is Identifier.AGE]


def test_identifier_in_a_coded_string_is_removed() -> None:
    dataset = some_image(BodyPartExamined=original().key.patients[0].name.split("^")[0].upper())
    apply(dataset)
    assert "BodyPartExamined" not in dataset


def test_private_blocks_and_unlisted_text_are_removed() -> None:
    dataset = some_image(MedicalAlerts="x", DischargeDiagnosisDescription="x", BranchOfService="x")
    dataset.add_new(0x60003000, "OW", b"\1\0")
    apply(dataset)
    left = {element.keyword for element in dataset.iterall()}
    assert not left & {"MedicalAlerts", "DischargeDiagnosisDescription", "BranchOfService", "OverlayData"}
    assert not [element for element in dataset.iterall() if element.tag.is_private]


def test_uids_of_the_standard_stay() -> None:
    dataset = some_image()
    apply(dataset)
    assert dataset.SOPClassUID == "1.2.840.10008.5.1.4.1.1.6.1"
    assert dataset.is_implicit_VR is False


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("Mrs Asha Rao, ID 012345678901: 9 mm stone.", "***, ID ***: 9 mm stone."),
        ("RAO^ASHA seen 03.11.2019, 6 mm nodule", "***, seen ***, 6 mm nodule"),
        ("call +91 555 0123 456 or rao@post.example", "call *** or ***"),
        ("Seen by Dr Smith on 3 Nov 2019. No change since March.", "Seen by *** on ***. No change since March."),
        ("T2 lesion of 12 x 14 mm in L4/L5, BI-RADS 3", "T2 lesion of 12 x 14 mm in L4/L5, BI-RADS 3"),
        ("liver 10.5 cm, EF 55 %, 120/80", "liver 10.5 cm, EF 55 %, 120/80"),
    ],
)
def test_free_text_keeps_findings_and_loses_names(text: str, cleaned: str) -> None:
    known = frozenset({"Asha", "Rao", "012345678901"})
    found = clean_text(text, known)
    assert found.replace("*** ", "***, ") == cleaned.replace("*** ", "***, ")


needs_dciodvfy = pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dciodvfy (dicom3tools) is not installed")


def complaints(path: Path) -> set[str]:
    """Return the errors of the conformance checker."""
    run = subprocess.run(["dciodvfy", str(path)], capture_output=True, text=True, check=False)
    return {line for line in (run.stdout + run.stderr).splitlines() if line.startswith("Error")}


@needs_dciodvfy
def test_conformance_is_no_worse_than_before(tmp_path: Path) -> None:
    cohort = build_cohort(load_recipe("district-hospital"), make_variant("open-archive", "conformance"))
    for kind in ("chest-ct", "chest-radiograph", "abdominal-ultrasound"):
        study = next(other_study for other_study in cohort.plan.studies if other_study.kind == kind)
        _, content = next(cohort.study_files(study))
        (tmp_path / "before.dcm").write_bytes(content)
        done = deidentify_study([content], tmp_path / kind, secret=SECRET)
        assert complaints(done.written[0]) <= complaints(tmp_path / "before.dcm")
