"""A DICOMDIR is written with pydicom's own table of directory records as it is."""

from __future__ import annotations

import pytest
from pydicom.dataset import Dataset
from pydicom.fileset import DIRECTORY_RECORDERS

from pacslab.cohort import build_cohort, load_recipe
from pacslab.cohort.dicomdir_media import as_media
from pacslab.cohort.plan.instance_kinds import Content
from pacslab.scenario import make_variant


@pytest.fixture(scope="module")
def cohort():
    return build_cohort(load_recipe("clinique"), make_variant("media", "asha"))


@pytest.fixture
def files(cohort, tmp_path):
    """The documents of a study with a key object selection, whose records differ from pydicom's."""
    study = next(study for study in cohort.plan.studies if study.has(Content.KEY_IMAGES))
    folder = tmp_path / "files"
    for name, content in cohort.study_files(study):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def recorded(name):
    """What pydicom's recorder makes of a document with findings."""
    document = Dataset()
    document.InstanceNumber, document.CompletionFlag, document.VerificationFlag = 1, "COMPLETE", "UNVERIFIED"
    document.ContentDate, document.ContentTime = "20260101", "120000"
    document.ConceptNameCodeSequence = [Dataset()]
    finding = Dataset()
    finding.RelationshipType = "CONTAINS"
    document.ContentSequence = [finding]
    return DIRECTORY_RECORDERS[name](document)


@pytest.mark.parametrize("broken", [False, True], ids=["written", "failed"])
def test_dicomdir_leaves_the_recorders_of_pydicom_unchanged(cohort, files, tmp_path, broken):
    before = dict(DIRECTORY_RECORDERS)
    key = cohort.questions().model_copy(update={"patients": ()})
    if broken:
        next(files.rglob("*.dcm")).write_bytes(b"no DICOM")
        with pytest.raises(Exception, match="DICM"):
            as_media(cohort, files, tmp_path / "media", key)
    else:
        as_media(cohort, files, tmp_path / "media", key)
        assert (tmp_path / "media" / "DICOMDIR").exists()
    assert before == DIRECTORY_RECORDERS
    for name in ("SR DOCUMENT", "KEY OBJECT DOC"):
        assert len(recorded(name).ContentSequence) == 1
