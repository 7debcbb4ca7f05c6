"""The files are what the standard says, according to programs that are not ours."""

from __future__ import annotations

import io
import subprocess

import pydicom
import pytest


@pytest.fixture(scope="module")
def one_of_each(files, cohort, tmp_path_factory) -> list[str]:
    """All but the middle of each CT series, which differs from its ends in position and pixels only."""
    folder = tmp_path_factory.mktemp("files")
    paths = []
    for name, content in files.items():
        if "/ct-" in name and not name.endswith(("-001.dcm", "-021.dcm")):
            continue
        paths.append(folder / name.replace("/", "-"))
        paths[-1].write_bytes(content)
    for number, content in enumerate(cohort.follow_up()):
        paths.append(folder / f"follow-up-{number}.dcm")
        paths[-1].write_bytes(content)
    return [str(path) for path in paths]


def test_conformance_dciodvfy_finds_no_error(one_of_each, program):
    dciodvfy = program("dciodvfy")
    for path in one_of_each:
        answer = subprocess.run([dciodvfy, path], capture_output=True, text=True, check=False)
        said = answer.stdout + answer.stderr
        assert "Error" not in said, f"{path}: {said}"
        assert any(word in said for word in ("CTImage", "CRImage", "USImage", "SCImage", "EncapsulatedPDF")), said


def test_conformance_dcmtk_reads_every_file(one_of_each, program):
    dcmdump = program("dcmdump")
    answer = subprocess.run([dcmdump, "-q", *one_of_each], capture_output=True, check=False)
    assert answer.returncode == 0, answer.stderr.decode()
    assert answer.stderr == b""


def test_conformance_values_obey_their_representation(files):
    """pydicom's own rules for lengths and characters of values, made strict."""
    settings = pydicom.config.settings
    before = settings.reading_validation_mode
    settings.reading_validation_mode = pydicom.config.RAISE
    try:
        for content in files.values():
            dataset = pydicom.dcmread(io.BytesIO(content))
            for element in dataset.iterall():
                assert element.value is None or element.VR
    finally:
        settings.reading_validation_mode = before


def test_conformance_pydicom_writes_the_same_bytes(files):
    for name, content in files.items():
        if name.endswith("-001.dcm"):
            buffer = io.BytesIO()
            dataset = pydicom.dcmread(io.BytesIO(content))
            for element in dataset.iterall():  # decode, so that every element is encoded anew
                _ = element.value
            dataset.save_as(buffer, enforce_file_format=True)
            assert buffer.getvalue() == content, name
