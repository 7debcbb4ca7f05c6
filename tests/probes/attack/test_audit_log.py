"""The archive's log after a day's work: what it says of who did what, and that it names no patient."""

import re
from contextlib import suppress

import httpx
import pytest
from pydicom.dataset import Dataset
from pynetdicom import AE
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelGet

from pacslab.grading import write_reference_fix
from pacslab.probes.findings import Outcome
from pacslab.probes.target import Target
from tests.support.servers import in_process, sessions

NAMING = {
    "in DICOM's writing": "' of ' .. tags['PatientName']",
    "by the number": "' of ' .. tags['PatientID']",
}
SILENT = {
    "the scanner": ("function OnStoredInstance(", "local function stored(", "CT01 stored"),
    "the workstation": ("function IncomingFindRequestFilter(", "local function asked(", "WS01 searched"),
    "who fetched": ("function Initialize(", "local function initialize(", "WS01 fetched"),
    "who on the web": ("' by user ' .. plain(username)", "''", "radiologist opened the image, administrator deleted"),
    "which image": ("' ' .. path ..", "'' ..", "radiologist opened the image, administrator deleted"),
}


@pytest.fixture(scope="module")
def hospital(runtime):
    with sessions(runtime, f"audit-{runtime}", "silent-overwrite") as start:
        yield start("log")


def audited(hospital, old="", new=""):
    write_reference_fix("silent-overwrite", hospital.work)
    path = hospital.work / "audit.lua"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new) if old else text, encoding="utf-8")
    hospital.restart()
    return hospital.assess().finding("audit-missing")


def test_audit_log_names_who_stored_searched_read_deleted(hospital):
    finding = audited(hospital)
    assert finding.outcome is Outcome.CLOSED, finding.evidence
    log = hospital.log(10_000)
    for told in (
        r"AUDIT stored instance [0-9a-f-]{44} by device CT01 at [0-9.]+",
        r"AUDIT search over DICOM by device WS01 at [0-9.]+",
        r"Association Received from AET WS01 on IP [0-9.]+",
        r"Sending resource [0-9a-f-]{44} to modality .WS01.",
        r"AUDIT web GET /instances/[0-9a-f-]{44}/preview by user radiologist at [0-9.]+",
        r"AUDIT web DELETE /studies/[0-9a-f-]{44} by user administrator at [0-9.]+",
    ):
        assert any(re.search(told, line) for line in log), told
    words = "\n".join(log)
    assert not [patient.patient_id for patient in hospital.key.patients if patient.patient_id in words]
    assert not [patient.name for patient in hospital.key.patients if patient.name in words]


def fetch(hospital, runtime, study):
    """Fetch a study by C-GET: as the workstation's Orthanc where it knows how, or else from its address."""
    state = hospital.deployment.running_state()
    if runtime == "docker":
        wanted = {"Level": "Study", "Resources": [{"StudyInstanceUID": study}]}
        hospital.device("WS01").post_modalities_id_get("archive", wanted)
        return
    caller = AE(ae_title="WS01")
    caller.add_requested_context(StudyRootQueryRetrieveInformationModelGet)
    place = state.servers["archive"].dicom
    own = (state.network.addresses["WS01"], 0)
    association = caller.associate(place.host, place.port, ae_title="ARCHIVE", bind_address=own)
    assert association.is_established
    question = Dataset()
    question.QueryRetrieveLevel, question.StudyInstanceUID = "STUDY", study
    list(association.send_c_get(question, StudyRootQueryRetrieveInformationModelGet))
    association.release()


def test_audit_log_has_a_line_for_a_c_get(hospital, runtime):
    audited(hospital)
    before = set(hospital.log(10_000))
    fetch(hospital, runtime, hospital.key.facts["clinic_study_uid"])
    fresh = "\n".join(line for line in hospital.log(10_000) if line not in before)
    assert re.search(r'C-GET: Sending resource [0-9a-f-]{44} to modality "WS01"', fresh), fresh
    assert hospital.key.facts["clinic_study_uid"] not in fresh


def test_audit_log_takes_no_line_of_a_client(hospital):
    audited(hospital)
    with Target.of(hospital.deployment) as site, site.web(site.handover.web.radiologist) as client:
        for path in ("/x%0AAUDIT%20forged", "/x%0D%0AAUDIT%20forged", "/patients?name=AUDIT%20forged"):
            with suppress(httpx.HTTPError):
                client.get(path)
    log = hospital.log(200)
    assert any("GET /x by user radiologist" in line for line in log)
    assert not [line for line in log if "forged" in line]


@in_process
@pytest.mark.parametrize("how", NAMING)
def test_audit_log_that_names_the_patient_is_found(hospital, how):
    finding = audited(hospital, "instance ' .. instanceId", f"instance ' .. instanceId .. {NAMING[how]}")
    assert finding.outcome is Outcome.EXPOSED
    assert "names the patient" in finding.evidence
    assert "does not say" not in finding.evidence


@in_process
@pytest.mark.parametrize("what", SILENT)
def test_audit_log_that_omits_somebody_is_found_with_whom(hospital, what):
    old, new, missing = SILENT[what]
    finding = audited(hospital, old, new)
    assert finding.outcome is Outcome.EXPOSED
    assert missing in finding.evidence
    assert "names the patient" not in finding.evidence


def test_audit_log_probe_deletes_what_it_stored(hospital):
    audited(hospital)
    with Target.of(hospital.deployment) as site, site.web(site.handover.web.administrator) as client:
        assert len(client.get("/studies").json()) == int(hospital.key.facts["study_count"])
