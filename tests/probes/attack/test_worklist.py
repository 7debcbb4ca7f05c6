"""The worklist, which tells scanners who comes today: whether strangers get it, with Orthanc's own worklist plugin."""

import json
import os

import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from pacslab.pacs import PLUGIN_FOLDERS, parse_configuration
from pacslab.probes.registry import PROBES
from pacslab.probes.target import Target
from tests.support.servers import sessions


@pytest.fixture(scope="module")
def hospital():
    if not any((folder / "libModalityWorklists.so").exists() for folder in PLUGIN_FOLDERS):
        missing = "this Orthanc came without its worklist plugin"
        (pytest.fail if os.environ.get("PACSLAB_REQUIRE_TOOLS") else pytest.skip)(missing)
    with sessions("process", "worklist") as start:
        yield start("worklist")


def appointment(folder):
    entry = Dataset()
    entry.file_meta = FileMetaDataset()
    entry.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    entry.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.31"
    entry.file_meta.MediaStorageSOPInstanceUID = "2.25.4711"
    entry.PatientName, entry.PatientID, entry.AccessionNumber = "Invented^Person", "SYN-0001", "A1"
    step = Dataset()
    step.Modality, step.ScheduledStationAETitle = "CT", "CT01"
    step.ScheduledProcedureStepStartDate, step.ScheduledProcedureStepStartTime = "20200211", "0900"
    entry.ScheduledProcedureStepSequence = [step]
    folder.mkdir(exist_ok=True)
    pydicom.dcmwrite(folder / "today.wl", entry, enforce_file_format=True)


@pytest.mark.parametrize("always", [True, False])
def test_worklist_always_allowed_is_read_by_a_stranger(hospital, tmp_path, always):
    appointment(tmp_path / "worklist")
    shipped = (hospital.scenario.folder / "orthanc.json").read_text(encoding="utf-8")
    content = parse_configuration(shipped, "orthanc.json")
    content["DicomAlwaysAllowFindWorklist"] = always
    content["Worklists"] = {"Enable": True, "Database": str(tmp_path / "worklist")}
    (hospital.work / "orthanc.json").write_text(json.dumps(content), encoding="utf-8")
    hospital.restart()
    with Target.of(hospital.deployment) as site:
        seen = PROBES["dicom-worklist-stranger"].look(site)
    assert seen.reached is always, seen.evidence
    assert not always or "Invented Person" in seen.evidence
