"""Hostile ZIP files: each is refused in one sentence, nothing is written outside, and it takes no time or space."""

import random
import shutil
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from pacslab.errors import CourseError, SubmissionError
from pacslab.grading.course.roster import Student
from pacslab.grading.replay.unpack import read_submission, unpack
from pacslab.grading.selftest.edited_zips import added
from pacslab.grading.selftest.sample_submissions import SubmissionProfile, make_submission
from tests.support import hostile_zips as hostile

ANNA = Student(id="anna", name="Anna")


@pytest.fixture(scope="module")
def honest(course, tmp_path_factory):
    return make_submission(course, ANNA, SubmissionProfile("perfect"), tmp_path_factory.mktemp("honest")).path


@pytest.fixture
def copy(honest, tmp_path):
    (tmp_path / "in").mkdir()
    return Path(shutil.copy(honest, tmp_path / "in"))


REASONS = {
    "a path that leads out": "leads out of its folder",
    "an absolute path": "no path inside a folder",
    "a path of Windows": "no path inside a folder",
    "a drive": "no path inside a folder",
    "a symbolic link": "a link or a device",
    "a device": "a link or a device",
    "a named pipe": "a link or a device",
    "a million entries": "holds more than",
    "a bomb that lies": "is damaged",
    "a bomb that says so": "unpacks to more than",
    "a quine": "share the same bytes",
    "a name of 64 KB": "a name of more than",
    "a name with NUL": "cannot be seen",
    "a name that reads from right to left": "cannot be seen",
    "a name twice": "twice",
    "a tower of folders": "folders deep",
    "JSON without bottom": "cannot be used",
    "absurd numbers": "cannot be used",
    "negative hints": "cannot be used",
    "a note that is no object": "cannot be used",
    "no note": "cannot be used",
    "half a file": "not a ZIP file",
    "a link instead of a file": "cannot be read",
    "a pipe instead of a file": "not an ordinary file",
}
"""What each is refused for: with another rule's words, its own rule is not there."""


def outside(folder):
    return {path for path in folder.rglob("*") if "unpacked" not in path.parts and path.parent.name != "in"}


def test_zip_that_is_honest_is_unpacked_as_it_is(copy, tmp_path):
    handed = unpack(read_submission(copy), tmp_path / "unpacked")
    assert handed.note.student == "anna"
    assert (handed.configuration / "orthanc.json").is_file()
    assert len(list(handed.deid.iterdir())) >= 4
    assert handed.report.startswith("# ")
    assert handed.left_out == ()


@pytest.mark.parametrize("kind", hostile.ZIPS)
def test_zip_that_is_hostile_is_refused_in_one_sentence(copy, tmp_path, kind):
    hostile.ZIPS[kind](copy)
    before = outside(tmp_path)
    tracemalloc.start()
    with pytest.raises(SubmissionError) as caught:
        unpack(read_submission(copy), tmp_path / "unpacked")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 300 << 20
    assert REASONS[kind] in caught.value.problem
    assert "Traceback" not in str(caught.value)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 500
    assert outside(tmp_path) == before
    assert not Path("/tmp/pacslab-outside.txt").exists()
    unpacked = [path for path in (tmp_path / "unpacked").rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in unpacked) < 64 << 20


def test_zip_link_to_another_students_work_is_not_followed(copy, tmp_path):
    theirs = copy.rename(tmp_path / "theirs.zip")
    copy.symlink_to(theirs)
    with pytest.raises(SubmissionError, match="cannot be read"):
        unpack(read_submission(copy), tmp_path / "unpacked")


def test_zip_replaced_after_it_was_read_is_not_unpacked(copy, tmp_path):
    read = read_submission(copy)
    hostile.HARMLESS["claims to have earned everything"](copy)
    with pytest.raises(CourseError, match="was replaced while the class was graded"):
        unpack(read, tmp_path / "unpacked")
    assert not (tmp_path / "unpacked").exists()


def test_zip_with_file_below_a_file_is_refused(copy, tmp_path):
    added(("deid/a", b"x"), ("deid/a/b.dcm", b"y"))(copy)
    with pytest.raises(SubmissionError, match="cannot be unpacked"):
        unpack(read_submission(copy), tmp_path / "unpacked")


def test_zip_bombs_inside_files_stay_packed(copy, tmp_path):
    hostile.HARMLESS["nested bombs"](copy)
    handed = unpack(read_submission(copy), tmp_path / "unpacked")
    assert (handed.deid / "nested.zip").stat().st_size < 1 << 20


def test_zip_foreign_files_are_left_out_and_named(copy, tmp_path):
    with zipfile.ZipFile(copy, "a") as archive:
        for name in ("run.sh", "configuration/evil.so", "configuration/a/b/c/d/e.pem", "configuration/.hidden.pem"):
            archive.writestr(name, b"x")
        archive.writestr("configuration/tls/archive.crt", b"certificate")
        archive.writestr("__MACOSX/._orthanc.json", b"x")
    handed = unpack(read_submission(copy), tmp_path / "unpacked")
    assert len(handed.left_out) == 4
    assert (handed.configuration / "tls" / "archive.crt").read_bytes() == b"certificate"
    assert not list(handed.folder.rglob("*.so"))
    assert not list(handed.folder.rglob("run.sh"))


def test_zip_with_a_folder_around_everything_is_accepted(copy, tmp_path):
    wrapped = tmp_path / "wrapped.zip"
    with zipfile.ZipFile(copy) as old, zipfile.ZipFile(wrapped, "w") as new:
        for name in old.namelist():
            new.writestr(f"my work/{name}", old.read(name))
    assert read_submission(wrapped).note.student == "anna"
    assert (unpack(read_submission(wrapped), tmp_path / "unpacked").configuration / "orthanc.json").is_file()


@pytest.mark.parametrize(
    "content",
    [b"", b"x", b"PK\5\6", b"PK\5\6" + bytes(18), b"PK\5\6" + b"\xff" * 18, random.Random(2026).randbytes(4096)],
    ids=["empty", "one byte", "signature alone", "end of nothing", "end beyond the file", "noise"],
)
def test_zip_that_is_none_is_refused(tmp_path, content):
    path = tmp_path / "x.zip"
    path.write_bytes(content)
    with pytest.raises(SubmissionError):
        read_submission(path)
