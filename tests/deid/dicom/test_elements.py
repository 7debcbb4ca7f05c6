"""Elements of damaged files are still read: what cannot be decoded comes as bytes."""

import io

import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from pacslab.cohort import build_cohort, load_recipe
from pacslab.deid.audit.audit_key import AuditKey
from pacslab.deid.audit.scan import FileScanner
from pacslab.deid.dicom.elements import tag_text, walk
from pacslab.deid.dicom.output_folder import quiet_pydicom
from pacslab.scenario import make_variant

REFERENCED_IMAGE = 0x00081140


def damaged(length, vr="SQ"):
    """Return a data set with one item in a sequence, of whose value only so many bytes are left."""
    item = Dataset()
    item.ReferencedSOPInstanceUID = "1.2.3.4"
    whole = Dataset()
    whole.ReferencedImageSequence = Sequence([item])
    file = io.BytesIO()
    pydicom.dcmwrite(file, whole, implicit_vr=False, little_endian=True)
    value = file.getvalue()[12 : 12 + length]
    cut = Dataset()
    cut[REFERENCED_IMAGE] = pydicom.dataelem.RawDataElement(
        pydicom.tag.BaseTag(REFERENCED_IMAGE), vr, len(value), value, 0, False, True
    )
    return cut


@pytest.mark.parametrize("vr", ["SQ", "UN"])
@pytest.mark.parametrize("length", [1, 3, 7, 9, 15, 20, 27])
def test_element_of_a_cut_sequence_is_walked(length, vr):
    path, _ = next(walk(damaged(length, vr)))
    assert path == tag_text(REFERENCED_IMAGE)


@pytest.fixture(scope="module")
def clinique():
    """Return a cohort with structured reports and presentation states, its key, and a scanner."""
    cohort = build_cohort(load_recipe("clinique"), make_variant("hospitals", "student"))
    key = cohort.answer_key()
    return cohort, key, FileScanner(AuditKey(key, key.studies()))


@pytest.mark.parametrize("modality", ["SR", "PR", "CT"])
def test_file_cut_off_anywhere_is_scanned_without_error(clinique, modality):
    """A full disk or a broken transfer cuts a file wherever it likes, inside a sequence too."""
    cohort, key, scanner = clinique
    study = next(study for study in key.studies() if modality in {image.modality for image in study.instances})
    plan = next(plan for plan in cohort.plan.studies if plan.uid == study.study_instance_uid)
    files = dict(cohort.study_files(plan))
    content = next(files[image.file_name] for image in study.instances if image.modality == modality)
    with quiet_pydicom():
        for cut in sorted({*range(1, 900, 23), len(content) // 3, len(content) // 2}):
            assert scanner.scan("image.dcm", content[:-cut]).name == "image.dcm"
