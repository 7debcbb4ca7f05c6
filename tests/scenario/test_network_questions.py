"""The questions of the network scenarios, answered as a student answers them: by asking the running servers."""

import base64
import re
import ssl

import httpx
import pyorthanc
import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID
from pynetdicom import AE
from pynetdicom.sop_class import Verification

from pacslab.grading import read_configuration_files, replayable, write_reference_fix
from pacslab.pacs import read_pcap
from pacslab.scenario.loading import load_scenario, scenario_ids
from tests.support.servers import in_process, sessions


def lab(runtime, scenario):
    return sessions(runtime, "finds", scenario)


def earned(session, **answers):
    """Check that each answer is right, by objective."""
    for objective, answer in answers.items():
        result = session.check(objective.replace("_", "-"), answer)
        assert result.passed, (objective, answer, result.message)


def answers_of(session, entry, level, query):
    client = session.device("ROGUE")
    asked = pyorthanc.Modality(client, entry).query({"Level": level, "Query": query})
    return client.get_queries_id_answers(asked["ID"], {"expand": "", "simplify": ""})


def number_owner(session, entry):
    ending = re.search(r"\d{4}", session.task("number-owner").text).group()
    (found,) = answers_of(session, entry, "Patient", {"PatientID": f"*{ending}", "PatientName": ""})
    return found["PatientName"]


def tags_of_each_study(client):
    for study in client.get_studies():
        series = client.get_studies_id(study)["Series"][0]
        yield client.get_instances_id_simplified_tags(client.get_series_id(series)["Instances"][0])


def prominent(client):
    return next(
        tags["PatientName"]
        for tags in tags_of_each_study(client)
        if re.search("VIP|public", str(tags.get("PatientComments", "")) + str(tags.get("StudyComments", "")))
    )


@in_process
def test_question_locked_front_and_open_back(runtime):
    with lab(runtime, "promiscuous-dicom") as start:
        session = start(runtime)
        studies = answers_of(session, "archive", "Study", {"PatientID": "", "PatientName": "", "StudyInstanceUID": ""})
        mover = session.device("ROGUE")
        for study in studies:
            wanted = [{"StudyInstanceUID": study["StudyInstanceUID"]}]
            mover.post_modalities_id_move("archive", {"Level": "Study", "TargetAet": "SERVICE", "Resources": wanted})
        earned(
            session,
            web_is_locked=httpx.get(f"{session.url}/patients", trust_env=False).status_code,
            stranger_find=len(studies),
            patient_count=len({study["PatientID"] for study in studies}),
            number_owner=number_owner(session, "archive"),
            prominent_patient=prominent(session.device("ROGUE")),
        )


@in_process
def test_question_borrowed_name(runtime):
    with lab(runtime, "borrowed-title") as start:
        session = start(runtime)
        endpoint = session.deployment.state.servers["archive"].dicom
        accepted, reason = 0, ""
        for title in ("CT01", "CT02", "WS01", "WS02", "SERVICE", "ROGUE"):
            caller = AE(ae_title=title)
            caller.add_requested_context(Verification)
            association = caller.associate(endpoint.host, endpoint.port, ae_title="ARCHIVE")
            accepted += association.is_established
            if association.is_rejected:
                reason = association.acceptor.primitive.reason_str
            association.abort()
        earned(
            session,
            unknown_is_refused=re.search(r"(Calling|Called) AE", reason).group(1),
            borrowed_find=len(answers_of(session, "archive-as-ws01", "Study", {})),
            titles_on_the_list=accepted,
            number_owner=number_owner(session, "archive-as-ws01"),
        )


@in_process
def test_question_unlocked_side_door(runtime):
    with lab(runtime, "unlocked-side-door") as start:
        session = start(runtime)
        front = f"http://{session.deployment.state.proxy.http}"
        outside = {"transport": httpx.HTTPTransport(local_address=session.deployment.state.network.outsider)}
        ending = re.search(r"\d{4}", session.task("number-owner").text).group()
        with httpx.Client(base_url=front, timeout=20, **outside) as client:
            status = client.get("/").status_code
            backup = re.findall(r'href="([^"]+\.zip)"', client.get("/backup/").text)[0]
            assert client.get(f"/backup/{backup}").content[:2] == b"PK"
            studies = client.get("/dicom-web/studies", params={"includefield": "PatientName"}).json()
        owner = next(
            study["00100010"]["Value"][0]["Alphabetic"]
            for study in studies
            if study["00100020"]["Value"][0].endswith(ending)
        )
        earned(
            session,
            front_door=status,
            side_door=session.deployment.state.servers["archive"].http.port,
            behind_the_front=session.archive().get_statistics()["CountInstances"],
            backup_file=backup,
            number_owner=owner,
            prominent_patient=prominent(session.archive()),
        )


@in_process
def test_question_readable_on_the_wire(runtime):
    with lab(runtime, "cleartext") as start:
        session = start(runtime)
        said = b"\n".join(read_pcap(session.eavesdrop().read_bytes()).streams().values())
        user, password = base64.b64decode(re.search(rb"Basic (\S+)", said).group(1)).decode().split(":")
        uid = re.search(rb"2\.25\.\d+|1\.2\.\d+\.[\d.]{20,}", said[said.index(b"STUDY") - 200 :]).group().decode()
        client = session.archive(user, password)
        place = session.deployment.state.proxy.https
        shown = x509.load_pem_x509_certificate(ssl.get_server_certificate((place.host, place.port)).encode())
        studies = client.post_tools_find({"Level": "Study", "Query": {"StudyInstanceUID": uid.rstrip(".")}})
        ending = re.search(r"\d{4}", session.task("number-owner").text).group()
        owner = next(
            patient["MainDicomTags"]["PatientName"]
            for patient in client.get_patients({"expand": ""})
            if patient["MainDicomTags"]["PatientID"].endswith(ending)
        )
        earned(
            session,
            name_on_the_cable=re.search(rb"(ARCHIVE) +WS01", said).group(1).decode(),
            password_on_the_cable=password,
            whose_name=client.get_studies_id_statistics(studies[0])["CountInstances"],
            self_signed=shown.issuer.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value,
            number_owner=owner,
            prominent_patient=prominent(client),
        )


@pytest.mark.parametrize("scenario", scenario_ids())
def test_reference_fix_passes_the_graders_allowlist(scenario, tmp_path):
    write_reference_fix(scenario, tmp_path)
    assert replayable(read_configuration_files(tmp_path), read_configuration_files(load_scenario(scenario).folder)).text
