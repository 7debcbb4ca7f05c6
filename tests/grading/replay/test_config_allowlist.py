"""The allow-list: honest configurations pass, and nothing that reaches beyond the lab is started."""

import json

import pytest

from pacslab.errors import ConfigurationError
from pacslab.grading.replay.config_allowlist import replayable
from pacslab.grading.replay.configuration_files import read_configuration_files
from pacslab.grading.selftest.reference_fix import reference_fix, write_reference_fix
from pacslab.pacs import parse_configuration
from pacslab.paths import shipped
from pacslab.scenario import scenario_ids
from tests.support import hostile_submissions

SCENARIO = shipped("scenarios") / "open-archive"
SHIPPED = SCENARIO / "orthanc.json"


@pytest.fixture
def fixed():
    return parse_configuration(reference_fix("open-archive")["orthanc.json"], "orthanc.json")


def started(folder, scenario):
    return replayable(read_configuration_files(folder), read_configuration_files(scenario))


def ready(folder, content):
    (folder / "orthanc.json").write_text(content if isinstance(content, str) else json.dumps(content))
    return started(folder, SCENARIO)


def test_allowlist_takes_shipped_files_and_reference_fix(tmp_path, fixed):
    assert not ready(tmp_path, SHIPPED.read_text(encoding="utf-8")).sandbox
    assert not ready(tmp_path, fixed).sandbox
    assert json.loads(ready(tmp_path, fixed).text) == fixed


@pytest.mark.parametrize("kind", hostile_submissions.CONFIGURATIONS)
def test_allowlist_refuses_hostile_options_by_name(tmp_path, fixed, kind):
    options = hostile_submissions.CONFIGURATIONS[kind]
    with pytest.raises(ConfigurationError) as caught:
        ready(tmp_path, {**fixed, **options})
    assert any(option in str(caught.value) for option in options)


def test_allowlist_sends_code_to_the_sandbox(tmp_path, fixed):
    assert ready(tmp_path, {**fixed, "ExecuteLuaEnabled": True}).sandbox == (
        "ExecuteLuaEnabled runs code or writes files",
    )
    assert not ready(tmp_path, {**fixed, "ExecuteLuaEnabled": False}).sandbox


def test_allowlist_takes_certificates_handed_in(tmp_path, fixed):
    (tmp_path / "tls").mkdir()
    (tmp_path / "tls" / "archive.crt").write_text("certificate")
    options = {"DicomTlsEnabled": True, "DicomTlsCertificate": "tls/archive.crt"}
    assert not ready(tmp_path, {**fixed, **options}).sandbox
    (tmp_path / "passwd.crt").symlink_to("/etc/passwd")
    for path in ("tls/other.crt", "tls", "../x.crt", "/etc/passwd", "passwd.crt", "tls\\archive.crt"):
        with pytest.raises(ConfigurationError, match="DicomTlsCertificate"):
            ready(tmp_path, {**fixed, "DicomTlsCertificate": path})


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("AuthenticationEnabled", "yes"),
        ("HttpThreadsCount", True),
        ("HttpThreadsCount", 50.5),
        ("Name", "x" * 1000),
        ("Name", "a\x00b"),
        ("RegisteredUsers", ["a"]),
        ("RegisteredUsers", {str(n): "x" for n in range(100)}),
        ("RegisteredUsers", {"a": {"b": "c"}}),
        ("DicomModalities", {"CT01": "CT01"}),
        ("DicomModalities", {"CT01": {"AET": "CT01", "Host": "127.0.0.1", "Port": 4242}}),
        ("DicomModalities", {"CT01": ["CT01", "10.0.0.1", 4242]}),
        ("DicomModalities", {"CT01": {"AET": "CT01", "Host": "${HOME}", "Port": 4242}}),
        ("DicomModalities", {"CT01": {"AET": "CT01", "Host": "${CT01_HOST}", "Port": 4242, "Run": "sh"}}),
        ("DicomWeb", {"Enable": True, "Root": 7}),
        ("HttpProxy", "192.0.2.1:80"),
        ("ExternalDictionaries", ["/etc/passwd"]),
        ("Dictionary", {"0009,1001": ["LO", "X", 1, 1]}),
    ],
)
def test_allowlist_refuses_values_of_another_kind(tmp_path, fixed, option, value):
    with pytest.raises(ConfigurationError, match=option):
        ready(tmp_path, {**fixed, option: value})


def test_allowlist_refuses_a_missing_configuration(tmp_path):
    with pytest.raises(ConfigurationError, match="there is no orthanc"):
        started(tmp_path, SCENARIO)
    for text in ("", "[]", "{", "{" * 100_000, '{"Name": "a", "Name": "b"}', '{"HttpTimeout": ' + "9" * 10_000 + "}"):
        with pytest.raises(ConfigurationError):
            ready(tmp_path, text)


def test_secrets_are_found_where_they_stand(tmp_path, fixed):
    (tmp_path / "orthanc.json").write_text(json.dumps(fixed))
    (tmp_path / "archive.key").write_text("-----BEGIN PRIVATE KEY-----\nAAAA\n")
    found = dict(read_configuration_files(tmp_path).secrets())
    assert found["the password of 'radiologist'"] == fixed["RegisteredUsers"]["radiologist"]
    assert "the private key archive.key" in found


SERVER = "server {{ listen 8443 ssl; location / {{ proxy_pass {target}; }} }}"


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        (SERVER.format(target="http://${ARCHIVE_HOST}:8042"), True),
        ("upstream a { server ${ARCHIVE_HOST}:8042; } " + SERVER.format(target="http://a/x"), True),
        (SERVER.format(target="http://192.0.2.7"), False),
        (SERVER.format(target="http://127.0.0.1:8042"), False),
        (SERVER.format(target="http://$http_x_target"), False),
        ("upstream a { server 192.0.2.7:80; } " + SERVER.format(target="http://a"), False),
    ],
)
def test_allowlist_lets_a_proxy_reach_lab_machines_alone(tmp_path, fixed, text, allowed):
    (tmp_path / "nginx.conf").write_text(text)
    if allowed:
        ready(tmp_path, fixed)
        return
    with pytest.raises(ConfigurationError, match="leads to"):
        ready(tmp_path, fixed)


@pytest.mark.parametrize("scenario", scenario_ids())
def test_allowlist_takes_every_scenario_and_its_fix(tmp_path, scenario):
    folder = shipped("scenarios") / scenario
    for path in folder.iterdir():
        if path.name != "scenario.yaml":
            (tmp_path / path.name).write_bytes(path.read_bytes())
    started(tmp_path, folder)
    write_reference_fix(scenario, tmp_path)
    started(tmp_path, folder)
