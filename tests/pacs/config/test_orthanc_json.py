"""The student's orthanc.json: read as Orthanc reads it, and refused in words where it must be."""

import pytest

from pacslab.errors import ConfigurationError
from pacslab.pacs.config.orthanc_json import (
    check_configuration,
    complete_configuration,
    known_options,
    parse_configuration,
    read_configuration,
)
from pacslab.paths import shipped

SHIPPED = sorted(shipped("scenarios").glob("*/orthanc.json")) + sorted(
    shipped("instructor").glob("fixes/*/orthanc.json")
)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.parent.name)
def test_configuration_as_shipped_is_accepted(path):
    assert read_configuration(path)["DicomAet"]


def test_configuration_comments_keep_line_numbers():
    assert parse_configuration('{ // one\n "Name": "a // not a comment", /* two\n lines */ "HttpPort": 8042}', "x") == {
        "Name": "a // not a comment",
        "HttpPort": 8042,
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{\n  "Name": "x"\n  "DicomAet": "A"\n}', r"line 3, column 3.*comma"),
        ('{"Name": "x",}', "line 1, column 14"),
        ("", "line 1, column 1"),
        ("[]", "not a JSON object"),
        ('{"Name": 1, "Name": 2}', "'Name' twice"),
        ('{"Name": "x"', "line 1"),
        ("{" * 100_000, "line 1|nested too deeply"),
    ],
)
def test_configuration_that_is_no_json_has_line_and_column(text, words):
    with pytest.raises(ConfigurationError, match=words):
        parse_configuration(text, "orthanc.json")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"AuthenticationEnable": True}, r"does not know\. Did you mean 'AuthenticationEnabled'"),
        ({"dicomaet": "X"}, "Did you mean 'DicomAet'"),
        ({"StorageDirectory": "/etc"}, "the lab decides"),
        ({"HttpBindAddresses": ["0.0.0.0"]}, "binds every server to its own address"),
        ({"Plugins": ["/tmp/x.so"]}, "the lab loads the plugins"),
        ({"LuaScripts": "rules.lua"}, "as a list"),
        ({"HttpPort": 80}, "hidden port"),
        ({"DicomPort": 11112}, "hidden port"),
        ({"SslEnabled": True}, "crashes"),
    ],
)
def test_configuration_that_must_not_run_is_refused(content, words):
    with pytest.raises(ConfigurationError, match=words):
        check_configuration(content, "orthanc.json")


def test_configuration_missing_says_how_to_bring_it_back(tmp_path):
    with pytest.raises(ConfigurationError, match="Run reset"):
        read_configuration(tmp_path / "orthanc.json")


def test_configuration_data_folder_is_the_labs():
    content = {"Name": "x", "RemoteAccessAllowed": True}
    ready = complete_configuration(content, "/data", ["a.so"])
    assert ready == {
        **content,
        "HttpPort": 8042,
        "DicomPort": 4242,
        "StorageDirectory": "/data",
        "IndexDirectory": "/data",
        "Plugins": ["a.so"],
    }


def test_configuration_options_are_those_of_orthanc():
    assert {"DicomAlwaysAllowFind", "RegisteredUsers", "DicomTlsEnabled", "OverwriteInstances"} <= set(known_options())
