"""Whatever lies in the folder, the audit reads it within bounds, follows no link and says what is wrong."""

from __future__ import annotations

import os
import zlib
from typing import TYPE_CHECKING

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import DeflatedExplicitVRLittleEndian

from pacslab.deid.audit.changed_pictures import SearchBudget
from pacslab.deid.audit.report.model import CheckId
from pacslab.deid.audit.study import audit_study
from pacslab.deid.dicom import output_folder
from pacslab.errors import DeidError
from tests.support.cohorts import original

if TYPE_CHECKING:
    from pathlib import Path

    from pacslab.deid.audit.report.model import DeidReport
    from tests.support.outputs import Output

UID = original().study.study_instance_uid


def audited(folder: Path) -> DeidReport:
    return audit_study(folder, original().key, UID)


def all_failed(folder: Path, words: str) -> None:
    report = audited(folder)
    assert report.failed() == tuple(CheckId)
    assert all(words in check.worst[0] for check in report.checks)
    assert report.removal_recall == report.utility == 0


def test_output_folder_missing_is_reported(tmp_path: Path) -> None:
    all_failed(tmp_path / "deid", "there is no folder")


def test_output_folder_empty_is_reported(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    all_failed(tmp_path, "is empty. Write the de-identified images there")


def test_output_that_is_a_file_is_reported(tmp_path: Path) -> None:
    (tmp_path / "deid").write_text("hello")
    all_failed(tmp_path / "deid", "cannot be read as a ZIP file (File is not a zip file). Hand in the folder")


def test_output_without_dicom_is_reported(tmp_path: Path) -> None:
    (tmp_path / "done.txt").write_text("I have removed everything")
    (tmp_path / "image.png").write_bytes(b"\x89PNG\r\n")
    all_failed(tmp_path, "done.txt is not a DICOM file")


def test_output_audit_of_an_unknown_study_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DeidError, match="has no study"):
        audit_study(tmp_path, original().key, "1.2.3")


def test_output_folder_behind_a_link_is_refused(output: Output, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(output.folder)
    all_failed(tmp_path / "link", "is a link")


def test_output_links_inside_are_not_followed(output: Output, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    output.paths[0].rename(outside / "one.dcm")
    (output.folder / "one.dcm").symlink_to(outside / "one.dcm")
    (output.folder / "all").symlink_to(outside)
    report = output.audit()
    assert report.failed() == ("present",)
    assert sum("is a link and was not followed" in note for note in report.notes) == 2


def test_output_pipe_is_not_opened(output: Output) -> None:
    os.mkfifo(output.folder / "pipe.dcm")
    report = output.audit()
    assert report.passed
    assert "pipe.dcm is not an ordinary file and was not read" in report.notes


def test_output_unreadable_bytes_fail(output: Output) -> None:
    output.paths[0].write_bytes(b"\0" * 128 + b"DICM" + os.urandom(3000))
    assert "present" in output.failed()


@pytest.mark.parametrize("share", [0.02, 0.3, 0.9])
def test_output_truncated_file_is_reported(output: Output, share: float) -> None:
    path = output.paths[0]
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    failed = output.failed()
    assert failed & {"present", "pixels", "anatomy"}
    assert failed <= {"present", "pixels", "anatomy", "uids", "useful", "flags", "dates"}


def test_output_with_too_many_files_is_bounded(output: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output_folder, "MAX_FILES", 20)
    for number in range(30):
        (output.folder / f"{number}").touch()
    all_failed(output.folder, "holds more than 20 files")


def test_output_huge_file_is_not_read(output: Output) -> None:
    with (output.folder / "huge.dcm").open("wb") as file:
        file.truncate(3 << 30)
    report = output.audit()
    assert report.passed
    assert "huge.dcm was not read: it is larger than 128 MB" in report.notes


def test_output_many_large_files_are_bounded(output: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output_folder, "MAX_BYTES", 1 << 20)
    assert any("the folder is larger than 1 MB" in note for note in output.audit().notes)


def test_output_deep_folders_are_bounded(output: Output) -> None:
    deep = output.folder
    for _ in range(12):
        deep = deep / "d"
    deep.mkdir(parents=True)
    (deep / "x.dcm").write_bytes(output.paths[0].read_bytes())
    assert any("folders deep" in note for note in output.audit().notes)


def test_output_deep_sequences_are_bounded(output: Output) -> None:
    inner = Dataset()
    inner.PatientName = "X"
    for _ in range(60):
        outer = Dataset()
        outer.ReferencedImageSequence = Sequence([inner])
        inner = outer
    output.edit(lambda dataset: setattr(dataset, "ReferencedImageSequence", inner.ReferencedImageSequence))
    report = output.audit()
    assert report.failed() == ("present",)
    assert any("32 deep" in note for note in report.notes)


def test_output_deflated_bomb_is_refused(output: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output_folder, "MAX_FILE_BYTES", 1 << 20)
    path = output.paths[0]
    dataset = pydicom.dcmread(path)
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    dataset.save_as(path)
    content = path.read_bytes()
    start = 144 + int.from_bytes(content[140:144], "little")
    squeezed = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    bomb = squeezed.compress(bytes(8 << 20)) + squeezed.flush()
    path.write_bytes(content[:start] + bomb)
    report = output.audit()
    assert "present" in report.failed()
    assert any("unpacks to more than 1 MB" in note for note in report.notes)


def test_output_deflated_and_clean_passes(output: Output) -> None:
    output.edit(lambda dataset: setattr(dataset.file_meta, "TransferSyntaxUID", DeflatedExplicitVRLittleEndian))
    assert output.failed() == set()


def test_output_identifier_in_deflated_bytes_is_found(output: Output) -> None:
    number = original().key.patients[0].national_number

    def change(dataset: pydicom.FileDataset) -> None:
        dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
        dataset.add_new(0x00189998, "OB", bytes([0xFF]) * 70_000 + number.encode())

    output.edit(change)
    assert output.failed() == {"headers"}


def test_output_values_of_the_wrong_kind_are_tolerated(output: Output) -> None:
    path = output.paths[0]
    content = path.read_bytes()
    at = content.index(b"\x20\x00\x13\x00IS")
    path.write_bytes(content[: at + 8] + b"?!" + content[at + 10 :])
    assert output.failed() == set()


def test_output_huge_claimed_size_is_refused(output: Output) -> None:
    def change(dataset: pydicom.FileDataset) -> None:
        dataset.Rows = dataset.Columns = 65535
        dataset.NumberOfFrames = 1000

    output.edit(change)
    assert output.failed() == {"pixels", "anatomy"}


def test_output_many_foreign_images_are_bounded(output: Output) -> None:
    for number in range(10):
        content = bytearray(output.paths[0].read_bytes())
        content[-1000 - number] ^= 1
        (output.folder / f"more-{number}.dcm").write_bytes(content)
    study = output.origin.study
    budget = SearchBudget(len(study.instances))
    report = audit_study(output.folder, output.origin.key, study.study_instance_uid, budget=budget)
    assert report.failed() == ("pixels",)
    assert "too many pictures" in report.check("pixels").worst[0]


@pytest.mark.parametrize("seed", range(20))
def test_output_random_damage_never_crashes_the_audit(output: Output, seed: int) -> None:
    """Whatever is damaged, there is a report."""
    rng = np.random.default_rng(seed)
    for path in output.paths:
        content = bytearray(path.read_bytes())
        for at in rng.integers(132, 2600, size=12):
            content[at] = rng.integers(256)
        path.write_bytes(content)
    report = output.audit()
    assert len(report.checks) == len(CheckId)
    assert report.to_dict()


def test_output_editor_backup_folder_is_ignored(output: Output) -> None:
    (output.folder / ".ipynb_checkpoints").mkdir()
    (output.folder / ".ipynb_checkpoints" / "image-0001.dcm").write_bytes(original().images[0])
    report = output.audit()
    assert report.passed
    assert not report.notes
