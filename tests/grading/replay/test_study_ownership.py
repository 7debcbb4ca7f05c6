"""A de-identified study is the student's own or it earns nothing; spoilt pictures stay the student's own."""

import io

import numpy as np
import pydicom
import pytest

from pacslab.deid import DeidReport, Tally, audit_study, deidentify_study
from pacslab.grading.replay.study_ownership import UNTOUCHED, strangers_study
from pacslab.pacs import cohort_of
from pacslab.scenario import load_scenario, make_variant


class Mine:
    """A student's cohort, and the study that is to be de-identified, cleaned."""

    def __init__(self, student, folder):
        self.cohort = cohort_of(load_scenario("open-archive"), make_variant("open-archive", student, b"k" * 32))
        self.key = self.cohort.questions()
        self.uid = self.key.facts["deid_study_uid"]
        study = next(other_study for other_study in self.cohort.plan.studies if other_study.uid == self.uid)
        images = {instance.file_name for instance in self.key.study(self.uid).instances if not instance.document}
        contents = [content for name, content in self.cohort.study_files(study) if name in images]
        written = deidentify_study(contents, folder, secret=b"s" * 32).written
        self.cleaned = [path.read_bytes() for path in written]

    def says(self, contents, folder, untouched=0):
        """Return what is said of an output in which the audit finds so many pictures untouched."""
        folder.mkdir()
        for number, content in enumerate(contents):
            (folder / f"{number}.dcm").write_bytes(content)
        kept = (Tally(name=UNTOUCHED, good=untouched, total=4),)
        report = DeidReport(study=self.uid, checks=(), files_expected=4, files_found=len(contents), kept=kept)
        return strangers_study(folder, report, self.cohort)


@pytest.fixture(scope="module")
def anna(tmp_path_factory):
    return Mine("anna", tmp_path_factory.mktemp("anna") / "out")


@pytest.fixture(scope="module")
def ben(tmp_path_factory):
    return Mine("ben", tmp_path_factory.mktemp("ben") / "out")


def changed(content, change):
    dataset = pydicom.dcmread(io.BytesIO(content))
    dataset.PixelData = change(dataset.pixel_array).astype("uint8").tobytes()
    buffer = io.BytesIO()
    dataset.save_as(buffer)
    return buffer.getvalue()


def brighter(pixels):
    return np.clip(pixels * 1.3 + 15, 0, 255)


def test_study_of_the_student_is_what_the_audit_finds(anna, tmp_path):
    assert anna.says(anna.cleaned, tmp_path / "out", untouched=4) == ""
    report = audit_study(tmp_path / "out", anna.key, anna.uid)
    assert next((tally.good, tally.total) for tally in report.kept if tally.name == UNTOUCHED) == (4, 4)


def test_study_with_brighter_images_is_still_the_students(anna, tmp_path):
    assert anna.says([changed(content, brighter) for content in anna.cleaned], tmp_path / "out") == ""


@pytest.mark.parametrize("disguise", [lambda pixels: pixels, brighter, lambda pixels: 255 - pixels])
def test_study_of_another_student_is_found_in_disguise(anna, ben, tmp_path, disguise):
    words = anna.says([changed(content, disguise) for content in ben.cleaned], tmp_path / "out")
    assert words.startswith("None of the study's 4 pictures")


def test_study_with_a_single_own_image_counts_it_once(anna, ben, tmp_path):
    copies = [changed(anna.cleaned[0], lambda pixels, n=n: np.clip(pixels + n, 0, 255)) for n in (1, 2, 3)]
    assert anna.says([*copies, *ben.cleaned[1:]], tmp_path / "out", untouched=1).startswith(
        "Only 1 of the study's 4 pictures"
    )


def test_study_with_images_painted_black_is_nobodys(anna, tmp_path):
    black = [changed(content, lambda pixels: pixels * 0) for content in anna.cleaned]
    assert anna.says(black, tmp_path / "out").startswith("None of")
