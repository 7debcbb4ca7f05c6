"""The same output as a folder, as a ZIP file and on an Orthanc server; and ZIP files made to do harm."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

import httpx
import pytest

from pacslab.deid.audit.report.model import CheckId
from pacslab.deid.audit.study import audit_study
from pacslab.deid.dicom import output_folder, output_sources
from pacslab.deid.dicom.output_sources import open_source
from pacslab.errors import DeidError, UnsafeAddressError
from tests.support.cohorts import original

if TYPE_CHECKING:
    from pathlib import Path

    from pacslab.deid.audit.report.model import DeidReport
    from tests.support.outputs import Output

UID = original().study.study_instance_uid


def packed(output: Output, **extra: bytes) -> Path:
    path = output.folder.parent / "out.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in output.paths:
            archive.write(file, f"deid/{file.name}")
        for name, content in extra.items():
            archive.writestr(name, content)
    return path


def audited(path: Path | str) -> DeidReport:
    return audit_study(path, original().key, UID)


def test_zip_is_audited(output: Output) -> None:
    report = audited(packed(output))
    assert report.passed, report.summary()
    assert report.files_found == 4


def test_zip_and_folder_give_the_same_report(output: Output) -> None:
    output.edit(lambda dataset: setattr(dataset, "PatientName", original().key.patients[0].name))
    output.edit(lambda dataset: setattr(dataset, "PixelData", dataset.PixelData[::-1]), 1)
    folder, zipped = output.audit(), audited(packed(output))
    assert folder.failed() == zipped.failed() == (CheckId.HEADERS, CheckId.ANATOMY)
    assert folder.removed == zipped.removed


def all_failed(path: Path, words: str) -> None:
    report = audited(path)
    assert report.failed() == tuple(CheckId)
    assert words in report.check("present").worst[0]


def test_zip_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(b"PK not really")
    all_failed(tmp_path / "x.zip", "cannot be read as a ZIP file")


def test_zip_empty_is_reported(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w"):
        pass
    all_failed(tmp_path / "x.zip", "holds no file")


def test_zip_truncated_is_refused(output: Output) -> None:
    path = packed(output)
    path.write_bytes(path.read_bytes()[:-5000])
    all_failed(path, "cannot be read as a ZIP file")


@pytest.mark.parametrize("name", ["../../evil.dcm", "/etc/evil.dcm", "a/../../b", "C:\\evil.dcm", "..\\evil.dcm"])
def test_zip_path_outside_is_refused(output: Output, name: str) -> None:
    report = audited(packed(output, **{name: b"x"}))
    assert report.passed
    assert any("leads out of the ZIP file" in note for note in report.notes)
    assert not list(output.folder.parent.rglob("*evil*"))


def test_zip_bomb_is_refused(output: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output_folder, "MAX_FILE_BYTES", 1 << 20)
    report = audited(packed(output, bomb=bytes(50 << 20)))
    assert any("bomb was not read: it unpacks to more than 1 MB" in note for note in report.notes)


def test_zip_bomb_of_a_small_claimed_size_is_refused(output: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output_folder, "MAX_FILE_BYTES", 1 << 20)
    path = packed(output, bomb=bytes(8 << 20))
    content = path.read_bytes().replace((8 << 20).to_bytes(4, "little"), (100).to_bytes(4, "little"))
    path.write_bytes(content)
    report = audited(path)
    assert any(note.startswith("bomb ") for note in report.notes)


def test_zip_of_many_bombs_is_refused(output: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output_folder, "MAX_BYTES", 4 << 20)
    report = audited(packed(output, **{f"z{number}": bytes(1 << 20) for number in range(8)}))
    assert sum("was not read" in note for note in report.notes) >= 4


def test_zip_with_too_many_files_is_bounded(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        for number in range(10_000):
            archive.writestr(f"{number}", b"")
    all_failed(tmp_path / "x.zip", "holds 10,000 files, more than 2,000")


def test_zip_with_a_long_directory_is_refused(output: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output_sources, "MAX_DIRECTORY", 100)
    all_failed(packed(output), "its list of contents is too long")


def test_zip_encrypted_entry_is_reported(output: Output) -> None:
    path = packed(output, secret=b"x")
    content = bytearray(path.read_bytes())
    entry = content.rindex(b"PK\x01\x02")
    content[entry + 8] |= 1
    path.write_bytes(content)
    assert "secret is encrypted and was not read" in audited(path).notes


def test_zip_inside_a_zip_is_no_image(output: Output) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("x", "x")
    report = audited(packed(output, inner=inner.getvalue()))
    assert "inner is not a DICOM file" in report.notes


@pytest.mark.parametrize(
    "url", ["http://192.0.2.7:8042", "http://archive.example", "https://8.8.8.8", "http://[::1]:80"]
)
def test_server_outside_the_lab_is_refused(url: str) -> None:
    with pytest.raises(UnsafeAddressError, match="nothing was sent"):
        open_source(url)


def test_server_that_does_not_answer_is_reported() -> None:
    report = audited("http://127.0.0.1:9")
    assert report.failed() == tuple(CheckId)
    assert "cannot be read" in report.check("present").worst[0]


def test_orthanc_is_audited(output: Output, bare_orthanc: str) -> None:
    for path in output.paths:
        httpx.post(f"{bare_orthanc}/instances", content=path.read_bytes(), trust_env=False).raise_for_status()
    report = audited(bare_orthanc)
    assert report.passed, report.summary()
    assert report.files_found == 4


def test_orthanc_and_folder_give_the_same_report(output: Output, bare_orthanc: str) -> None:
    """Leaks, losses, what is no image of the study, and the picture with the name in it."""
    source = output.source()
    output.edit(lambda dataset: setattr(dataset, "PixelData", source.PixelData))
    output.edit(lambda dataset: setattr(dataset, "PatientName", original().key.patients[0].name), 1)
    output.edit(lambda dataset: delattr(dataset, "PatientSex"), 2)
    for path in output.paths[:3]:
        httpx.post(f"{bare_orthanc}/instances", content=path.read_bytes(), trust_env=False).raise_for_status()
    output.paths[3].unlink()
    report, folder = audited(bare_orthanc), output.audit()
    assert set(report.failed()) == {"present", "headers", "pixels", "useful", "uids", "flags"} & set(folder.failed())
    assert report.failed() == folder.failed()
    assert (report.removed, report.kept) == (folder.removed, folder.kept)
    assert {image.png for image in report.pictures} == {image.png for image in folder.pictures} != set()


def test_orthanc_with_too_much_data_is_refused(
    output: Output, bare_orthanc: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    httpx.post(f"{bare_orthanc}/instances", content=output.paths[0].read_bytes(), trust_env=False).raise_for_status()
    monkeypatch.setattr(output_folder, "MAX_FILES", 0)
    with pytest.raises(DeidError, match="more than 0 instances"):
        list(open_source(bare_orthanc).contents())
