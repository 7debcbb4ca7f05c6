"""A face in an MR head: found however it was treated, taken off by the reference recipe, and the brain left alone."""

from __future__ import annotations

import io
import shutil
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pydicom
import pytest
from scipy import ndimage

from pacslab.cohort import Identifier, Location, build_cohort, load_recipe
from pacslab.deid.audit.cohort import audit_cohort
from pacslab.deid.audit.study import audit_study
from pacslab.deid.deidentify.head_series import faces_in
from pacslab.deid.deidentify.study import deidentify_study
from pacslab.deid.dicom.volumes import volume_of
from pacslab.scenario import make_variant
from tests.support.cohorts import Original
from tests.support.outputs import SECRET, Output

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pydicom.dataset import FileDataset


@cache
def head() -> Original:
    """Return the MR study of a small hospital without other traps: T1, T2 and FLAIR of one head."""
    recipe = load_recipe("district-hospital-standard").model_copy(update={"traps": {}})
    cohort = build_cohort(recipe, make_variant("hospitals", "asha"))
    plan = next(other_study for other_study in cohort.plan.studies if other_study.kind == "brain-mr")
    files = dict(cohort.study_files(plan))
    key = cohort.questions()
    own = cohort.planted_in(plan)
    seen = cohort.patient_key(plan.person, [plan])
    person = seen.model_copy(
        update={
            "studies": tuple(other_study for other_study in seen.studies if other_study.study_instance_uid == plan.uid)
        }
    )
    key = key.model_copy(update={"patients": (person,), "planted": tuple(own), "complete": True})
    return Original(key, key.study(plan.uid), files)


@pytest.fixture(scope="module")
def defaced(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("defaced")
    done = deidentify_study(head().files.values(), folder, secret=SECRET)
    assert len(done.written) == len(head().images)
    return folder


@pytest.fixture
def output(defaced: Path, tmp_path: Path) -> Output:
    shutil.copytree(defaced, tmp_path / "deid")
    return Output(tmp_path / "deid", head())


def images_of(output: Output) -> dict[tuple[str, int], Path]:
    """Return the MR images of an output by series description and number."""
    found = {}
    for path in output.paths:
        dataset = pydicom.dcmread(path, stop_before_pixels=True)
        if dataset.Modality == "MR":
            found[str(dataset.SeriesDescription), int(dataset.InstanceNumber)] = path
    return found


def originals() -> dict[tuple[str, int], FileDataset]:
    read = [pydicom.dcmread(io.BytesIO(content)) for content in head().files.values()]
    return {
        (str(dataset.SeriesDescription), int(dataset.InstanceNumber)): dataset
        for dataset in read
        if dataset.Modality == "MR"
    }


def treat(output: Output, change: Callable[[np.ndarray, np.ndarray], np.ndarray], *, only: int = 0) -> None:
    """Replace the pixels of the T1 series by what a treatment makes of the original's and of the recipe's."""
    before = originals()
    for (series, number), path in images_of(output).items():
        if series.startswith("T1") and only in (0, number):
            dataset = pydicom.dcmread(path)
            treated = change(before[series, number].pixel_array, dataset.pixel_array)
            dataset.PixelData = np.clip(treated, 0, 4095).astype(np.uint16).tobytes()
            dataset.save_as(path)


def test_face_is_an_identifier_with_its_place() -> None:
    faces = [identifier for identifier in head().key.planted if identifier.location is Location.FACE]
    assert {head_face.kind for head_face in faces} == {Identifier.FACE}
    assert len({head_face.token for head_face in faces}) == 1
    heads = {instance.sop_instance_uid: instance for instance in head().study.instances if instance.face}
    assert len(faces) > 0.4 * len(heads)
    for head_face in faces:
        assert head_face.box is not None
        assert head_face.sop_instance_uid in heads
        assert head_face.glyphs().any()


def test_face_is_removed_by_the_recipe_and_the_brain_stays(output: Output) -> None:
    report = output.audit()
    assert report.passed, report.summary()
    counted = {tally.name: tally for tally in (*report.removed, *report.kept)}
    assert counted["faces"].good == counted["faces"].total > 20
    assert counted["brains"].good == counted["brains"].total > 40
    for path in images_of(output).values():
        dataset = pydicom.dcmread(path, stop_before_pixels=True)
        assert dataset.RecognizableVisualFeatures == "NO"
        codes = [code.CodeValue for code in dataset.DeidentificationMethodCodeSequence]
        assert "113102" in codes
        assert "113100" in codes


def test_face_cleaning_is_declared_by_head_series_only(cleaned: Path) -> None:
    for path in sorted(cleaned.glob("*.dcm"))[:3]:
        dataset = pydicom.dcmread(path, stop_before_pixels=True)
        assert "RecognizableVisualFeatures" not in dataset
        assert "113102" not in [code.CodeValue for code in dataset.DeidentificationMethodCodeSequence]


def blurred(before: np.ndarray, _: np.ndarray) -> np.ndarray:
    return np.where(np.arange(256)[:, None] < 66, ndimage.gaussian_filter(before.astype(float), 2), before)


def faint(before: np.ndarray, _: np.ndarray) -> np.ndarray:
    return np.where(np.arange(256)[:, None] < 60, before // 10, before)


def inverted(before: np.ndarray, _: np.ndarray) -> np.ndarray:
    return np.where(np.arange(256)[:, None] < 60, 1500 - before.astype(int), before)


def skinned(before: np.ndarray, _: np.ndarray) -> np.ndarray:
    """Take off five pixels of skin and leave what lies under it, in the shape of the face."""
    inside = ndimage.binary_fill_holes(before > 150)
    return np.where(ndimage.distance_transform_edt(inside) > 5, before, 0)


TREATMENTS = [lambda before, _: before, blurred, faint, inverted, skinned]


@pytest.mark.parametrize("change", TREATMENTS, ids=["as it was", "blurred", "faint", "inverted", "skinned"])
def test_face_left_in_one_series_is_a_leak(
    output: Output, change: Callable[[np.ndarray, np.ndarray], np.ndarray]
) -> None:
    treat(output, change)
    report = output.audit()
    assert "pixels" in report.failed()
    assert {leak.location for leak in report.leaks} == {Location.FACE}
    (patient,) = report.leaking
    assert patient.worst == (f"patient {patient.index}'s face can be rendered from 1 MR series",)


def test_face_slice_put_back_is_exactly_that_leak(output: Output) -> None:
    treat(output, lambda before, _: before, only=6)
    report = output.audit()
    assert report.failed() == ("pixels",)
    (leak,) = report.leaks
    assert (leak.location, leak.place) == (Location.FACE, "face")
    assert "can be rendered" in report.check("pixels").worst[0]
    assert report.leaking[0].worst == (f"a part of patient {leak.patient}'s face is still in 1 MR image",)
    assert next(tally for tally in report.removed if tally.name == "faces").good == -1 + next(
        tally.total for tally in report.removed if tally.name == "faces"
    )


def everything_dark(_: np.ndarray, after: np.ndarray) -> np.ndarray:
    return after * 0


def front_half_dark(_: np.ndarray, after: np.ndarray) -> np.ndarray:
    return np.where(np.arange(256)[:, None] < 110, 0, after)


@pytest.mark.parametrize("change", [everything_dark, front_half_dark])
def test_face_removal_that_takes_brain_is_a_loss(
    output: Output, change: Callable[[np.ndarray, np.ndarray], np.ndarray]
) -> None:
    treat(output, change)
    report = output.audit()
    assert report.failed() == ("anatomy",)
    assert "nothing of the brain" in report.check("anatomy").worst[0]
    brains = next(tally for tally in report.kept if tally.name == "brains")
    assert brains.good < brains.total


def test_face_removal_may_take_everything_but_the_brain(output: Output) -> None:
    """Whoever strips the skull has taken off the face, and lost nothing that the key asks for."""
    brains = {
        instance.instance_number: instance.brain.drawn(256, 256)
        for instance in head().study.instances
        if instance.brain is not None
    }
    for (_, number), path in images_of(output).items():
        dataset = pydicom.dcmread(path)
        dataset.PixelData = np.where(brains[number], dataset.pixel_array, 0).astype(np.uint16).tobytes()
        dataset.save_as(path)
    assert output.failed() == set()


def test_face_removal_undeclared_fails(output: Output) -> None:
    for path in images_of(output).values():
        dataset = pydicom.dcmread(path)
        del dataset.RecognizableVisualFeatures
        dataset.save_as(path)
    assert output.failed() == {"flags"}


def test_face_series_that_is_no_volume_is_withheld(tmp_path: Path) -> None:
    """One slice does not tell where the face is, and slices without a place do not either."""
    slices = [instance for (series, _), instance in sorted(originals().items()) if series.startswith("T1")]
    done = deidentify_study(iter([content_of(slices[5])]), tmp_path / "one", secret=SECRET)
    assert not done.written
    assert "face" in done.withheld[0].because
    for dataset in slices:
        del dataset.ImagePositionPatient
    done = deidentify_study((content_of(image) for image in slices), tmp_path / "without", secret=SECRET)
    assert not done.written
    assert len(done.withheld) == len(slices)


def test_face_is_not_sought_in_a_knee(tmp_path: Path) -> None:
    knee = next(iter(originals().values()))
    knee.BodyPartExamined = "KNEE"
    done = deidentify_study([content_of(knee)], tmp_path, secret=SECRET)
    assert len(done.written) == 1
    assert "RecognizableVisualFeatures" not in pydicom.dcmread(done.written[0])


def content_of(dataset: FileDataset) -> bytes:
    stored = io.BytesIO()
    dataset.save_as(stored)
    return stored.getvalue()


@pytest.mark.parametrize("plane", ["sagittal", "coronal", "from the crown"])
def test_face_removal_is_the_same_in_other_slice_directions(plane: str) -> None:
    """The same head, cut another way: what goes is the same voxels."""
    slices = [
        instance
        for (series, _), instance in sorted(originals().items(), key=lambda item: item[0])
        if series[:2] == "T1"
    ]
    expected = faces_in(slices)
    volume = volume_of(slices)
    assert expected is not None
    assert volume is not None
    axial = np.stack([expected[number] for number in range(len(slices))])
    values = volume.values.astype(np.uint16)
    place = np.array([float(image) for image in slices[0].ImagePositionPatient])
    step, along, across = volume.spacing
    turned = []
    if plane == "from the crown":
        turned = [*reversed(slices)]
        cut = [axial[len(slices) - 1 - number] for number in range(len(slices))]
    elif plane == "sagittal":
        for column in range(256):
            at = place + np.array([column * across, 0, (len(slices) - 1) * step])
            turned.append(recut(slices[0], values[::-1, :, column], (0, 1, 0, 0, 0, -1), at, (step, along)))
        cut = [axial[::-1, :, column] for column in range(256)]
    else:
        for row in range(256):
            at = place + np.array([0, row * along, (len(slices) - 1) * step])
            turned.append(recut(slices[0], values[::-1, row, :], (1, 0, 0, 0, 0, -1), at, (step, across)))
        cut = [axial[::-1, row, :] for row in range(256)]
    found = faces_in(turned)
    assert found is not None
    assert all(np.array_equal(found[number], mask) for number, mask in enumerate(cut))


def recut(
    like: FileDataset, pixels: np.ndarray, directions: tuple[int, ...], place: np.ndarray, spacing: tuple[float, float]
) -> FileDataset:
    dataset = pydicom.dcmread(io.BytesIO(content_of(like)))
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.ImageOrientationPatient = list(directions)
    dataset.ImagePositionPatient = [float(value) for value in place]
    dataset.PixelSpacing = list(spacing)
    dataset.PixelData = np.ascontiguousarray(pixels).tobytes()
    return dataset


def test_face_leaks_of_originals_name_every_series(tmp_path: Path) -> None:
    for number, dataset in enumerate(originals().values()):
        dataset.save_as(tmp_path / f"{number}.dcm")
    report = audit_cohort(tmp_path, head().key, workers=1)
    assert any("face can be rendered from 2 MR series" in line for line in report.leaking[0].worst)
    report = audit_study(tmp_path, head().key, head().study.study_instance_uid)
    faces = next(tally for tally in report.removed if tally.name == "faces")
    assert faces.good == 0
