"""Names that are drawn in overlays and icons, and a DICOMDIR beside the images: each a place of its own."""

from __future__ import annotations

import io
import shutil
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pydicom
import pytest
from pydicom.fileset import FileSet

from pacslab.cohort import Identifier, Location, Trap, build_cohort, load_recipe
from pacslab.deid.audit.cohort import audit_cohort
from pacslab.deid.audit.study import audit_study
from pacslab.deid.deidentify.study import deidentify_study
from pacslab.deid.dicom.elements import value_at
from pacslab.scenario import make_variant
from tests.support.cohorts import Original, original
from tests.support.outputs import SECRET, Output

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pydicom.dataset import FileDataset

    from pacslab.cohort import PlantedIdentifier


@cache
def drawn_on() -> Original:
    """Return a CT study whose first slice has an overlay and an icon with the name, and no other trap."""
    traps = dict.fromkeys((Trap.OVERLAY, Trap.ICON), 500)
    recipe = load_recipe("district-hospital-standard").model_copy(update={"traps": traps})
    cohort = build_cohort(recipe, make_variant("drawn", "asha"))
    plan = next(
        other_study
        for other_study in cohort.plan.studies
        if other_study.kind == "chest-ct" and other_study.syntax.value.endswith("1.2.1")
    )
    files = dict(cohort.study_files(plan))
    planted = cohort.planted_in(plan)
    seen = cohort.patient_key(plan.person, [plan])
    person = seen.model_copy(
        update={
            "studies": tuple(other_study for other_study in seen.studies if other_study.study_instance_uid == plan.uid)
        }
    )
    key = cohort.questions().model_copy(update={"patients": (person,), "planted": tuple(planted), "complete": True})
    return Original(key, key.study(plan.uid), files)


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clean")
    deidentify_study(drawn_on().files.values(), folder, secret=SECRET)
    return folder


@pytest.fixture
def output(clean: Path, tmp_path: Path) -> Output:
    shutil.copytree(clean, tmp_path / "deid")
    return Output(tmp_path / "deid", drawn_on())


def planted(location: Location) -> list[PlantedIdentifier]:
    return [
        identifier
        for identifier in drawn_on().key.planted
        if identifier.location is location and identifier.box is not None
    ]


def before() -> FileDataset:
    """Return the first slice as it came from the archive."""
    uid = planted(Location.ICON)[0].sop_instance_uid
    read = [pydicom.dcmread(io.BytesIO(content)) for content in drawn_on().files.values()]
    return next(dataset for dataset in read if dataset.SOPInstanceUID == uid)


def overlay_back(dataset: FileDataset) -> None:
    """Put the plane back, without label and description."""
    for element in before():
        if element.tag.group == 0x6000 and element.tag.elem not in (0x0022, 0x1500):
            dataset.add(element)


def icon_back(dataset: FileDataset) -> None:
    dataset.IconImageSequence = before().IconImageSequence


def faint(dataset: FileDataset) -> None:
    icon_back(dataset)
    item = dataset.IconImageSequence[0]
    item.PixelData = (np.frombuffer(item.PixelData, np.uint8) // 5 + 40).astype(np.uint8).tobytes()


def a_row_lower(dataset: FileDataset) -> None:
    overlay_back(dataset)
    plane = np.pad(dataset.overlay_array(0x6000), ((14, 2), (25, 7)))
    plane = np.pad(plane, ((0, 0), (0, -plane.shape[1] % 8)))
    dataset[0x60000010].value, dataset[0x60000011].value = plane.shape
    dataset[0x60003000].value = np.packbits(plane.ravel(), bitorder="little").tobytes()


CASES: list[tuple[Callable[[FileDataset], None], Location, str]] = [
    (overlay_back, Location.OVERLAY, "OverlayData"),
    (a_row_lower, Location.OVERLAY, "OverlayData"),
    (icon_back, Location.ICON, "IconImageSequence"),
    (faint, Location.ICON, "IconImageSequence"),
]


@pytest.mark.parametrize(
    ("change", "location", "named"), CASES, ids=lambda value: getattr(value, "__name__", str(value))
)
def test_overlay_or_icon_with_a_name_is_a_leak(
    output: Output, change: Callable[[FileDataset], None], location: Location, named: str
) -> None:
    assert output.failed() == set()
    output.edit(change, number_of_first(output))
    report = output.audit()
    assert report.failed() == ("pixels",)
    assert {(leak.location, leak.kind) for leak in report.leaks} == {(location, Identifier.NAME)}
    assert {leak.place for leak in report.leaks} == {identifier.path for identifier in planted(location)}
    said = report.check("pixels").worst[0]
    assert "the patient's name can still be read in" in said
    assert named in said
    assert report.leaking


def number_of_first(output: Output) -> int:
    """Return which file was made from the slice with the traps."""
    digest = before().pixel_array.tobytes()
    pixels = [getattr(pydicom.dcmread(path), "PixelData", b"") for path in output.paths]
    return next(number for number, frame in enumerate(pixels) if frame == digest)


def painted_over(dataset: FileDataset) -> None:
    """Keep overlay and icon, with the letters taken out of both."""
    overlay_back(dataset)
    plane = dataset.overlay_array(0x6000) * 0
    plane[4:9, 10:60] = 1
    dataset[0x60003000].value = np.packbits(plane.ravel(), bitorder="little").tobytes()
    icon_back(dataset)
    item = dataset.IconImageSequence[0]
    pixels = np.frombuffer(item.PixelData, np.uint8).reshape(item.Rows, item.Columns).copy()
    for identifier in planted(Location.ICON):
        assert identifier.box is not None
        pixels[
            identifier.box.row : identifier.box.row + identifier.box.height,
            identifier.box.column : identifier.box.column + identifier.box.width,
        ] = 0
    item.PixelData = pixels.tobytes()


def test_overlay_and_icon_without_the_name_may_stay(output: Output) -> None:
    output.edit(painted_over, number_of_first(output))
    assert output.failed() == set()


def test_icon_that_cannot_be_read_is_reported(output: Output) -> None:
    def spoil(dataset: FileDataset) -> None:
        icon_back(dataset)
        dataset.IconImageSequence[0].PixelData = b"\1\2\3\4"

    output.edit(spoil, number_of_first(output))
    report = output.audit()
    assert report.failed() == ("pixels",)
    assert "cannot be looked at" in report.check("pixels").worst[0]


def test_overlay_and_icon_originals_are_counted_by_place(tmp_path: Path) -> None:
    for number, content in enumerate(drawn_on().files.values()):
        (tmp_path / f"{number}.dcm").write_bytes(content)
    report = audit_study(tmp_path, drawn_on().key, drawn_on().study.study_instance_uid)
    counted = {tally.name: tally for tally in report.removed}
    assert counted["overlays"].good == counted["icons"].good == 0
    assert counted["icons"].total == len(planted(Location.ICON)) == 2
    assert value_at(before(), planted(Location.ICON)[0].path)


# A DICOMDIR ----------------------------------------------------------------------------------------------------------


def directory_of(contents: list[bytes], folder: Path) -> Path:
    """Return the DICOMDIR that a burner would write for some files, in a folder of its own."""
    media = FileSet()
    for content in contents:
        dataset = pydicom.dcmread(io.BytesIO(content))
        dataset.StudyID = dataset.StudyID or "1"  # a directory wants one
        media.add(dataset)
    media.write(folder / "media")
    return folder / "media" / "DICOMDIR"


@pytest.fixture
def study(cleaned: Path, tmp_path: Path) -> Output:
    shutil.copytree(cleaned, tmp_path / "deid")
    return Output(tmp_path / "deid", original())


def test_dicomdir_of_the_original_files_is_a_leak(study: Output, tmp_path: Path) -> None:
    shutil.copy(directory_of(original().images, tmp_path), study.folder / "DICOMDIR")
    report = study.audit()
    assert set(report.failed()) == {"headers", "uids", "dates"}
    assert {leak.location for leak in report.leaks} == {Location.DICOMDIR}
    assert {leak.place for leak in report.leaks} > {f"(0004,1220)[{number}].(0004,1511)" for number in (3, 4, 5)}
    said = "the patient's name is in PatientName (0010,0010) of the DICOMDIR"
    assert any(said in line for line in report.check("headers").worst)
    assert any(line.endswith("'s name is still in the DICOMDIR") for line in report.leaking[0].worst)
    assert not [note for note in report.notes if "DICOMDIR" in note]


def test_dicomdir_under_another_name_is_found(study: Output, tmp_path: Path) -> None:
    shutil.copy(directory_of(original().images, tmp_path), study.folder / "index.dcm")
    assert {leak.location for leak in study.audit().leaks} == {Location.DICOMDIR}


def test_image_named_dicomdir_is_read_as_an_image(study: Output) -> None:
    """Its name keeps nobody from looking at its pixels."""
    study.paths[0].rename(study.folder / "DICOMDIR")
    assert study.audit().passed
    burned = [identifier.sop_instance_uid for identifier in original().key.planted if identifier.box is not None]
    image = next(
        instance
        for instance in original().study.instances
        if instance.sop_instance_uid in burned and not instance.document
    )
    (study.folder / "DICOMDIR").write_bytes(original().files[image.file_name])
    assert "pixels" in study.failed()


def test_dicomdir_of_the_clean_files_passes(study: Output, tmp_path: Path) -> None:
    shutil.copy(directory_of([path.read_bytes() for path in study.paths], tmp_path), study.folder / "DICOMDIR")
    report = study.audit()
    assert report.passed, report.summary()
    assert report.files_found == len(study.paths)


def test_dicomdir_unreadable_is_searched_as_bytes(study: Output) -> None:
    patient = next(person for person in original().key.patients if original().study in person.studies)
    (study.folder / "DICOMDIR").write_bytes(b"\0" * 50 + patient.name.encode())
    report = study.audit()
    assert report.failed() == ("headers",)
    assert {leak.location for leak in report.leaks} == {Location.DICOMDIR}


def test_dicomdir_is_counted_by_the_key_of_media(study: Output, tmp_path: Path) -> None:
    """Where the originals came with a DICOMDIR, what it said is counted as gone or left like everything else."""
    key, uid = original().key, original().study.study_instance_uid
    patient = next(person for person in key.patients if original().study in person.studies)
    said = [
        original()
        .key.planted[0]
        .model_copy(
            update={
                "sop_instance_uid": "",
                "patient": patient.index,
                "location": Location.DICOMDIR,
                "kind": Identifier.NAME,
                "path": "DICOMDIR",
                "token": patient.name,
            }
        )
    ]
    key = key.model_copy(update={"planted": (*key.planted, *said)})
    for number, report in enumerate(
        [audit_study(study.folder, key, uid), audit_cohort(study.folder, key, [uid], workers=1)]
    ):
        assert next(measure for measure in report.removed if measure.name == "DICOMDIR").good == 1, number
    shutil.copy(directory_of(original().images, tmp_path), study.folder / "DICOMDIR")
    for report in (audit_study(study.folder, key, uid), audit_cohort(study.folder, key, [uid], workers=1)):
        tally = next(measure for measure in report.removed if measure.name == "DICOMDIR")
        assert (tally.good, tally.total) == (0, 1)
