"""Options of orthanc.json set from a cell: the value changes, and nothing else of the file does."""

import json
from pathlib import Path

import pytest

from pacslab.errors import ConfigurationError
from pacslab.notebook.option_editing import differing_lines, with_options
from pacslab.pacs import parse_configuration
from pacslab.scenario import load_scenario, scenario_ids

SHIPPED = [load_scenario(name).folder / "orthanc.json" for name in scenario_ids()]
TRAPS = """{
  // "DicomAet" : "COMMENTED",
  "Name" : "a } brace, a // slash and a \\" quote", /* "Name" : 1 */
  "DicomModalities" : { "DicomAet" : [ "INNER", 4242 ] },
  "DicomAet" : "ARCHIVE" // the end
}
"""


@pytest.mark.parametrize("path", SHIPPED, ids=[path.parent.name for path in SHIPPED])
def test_option_shipped_is_set_and_other_lines_stay(path: Path):
    before = path.read_text(encoding="utf-8")
    after = with_options(before, {"DicomAet": "OTHER"})
    assert parse_configuration(after, "x") == {**parse_configuration(before, "x"), "DicomAet": "OTHER"}
    assert {sign for sign, _, _ in differing_lines(before, after)} == {"+", "-"}
    assert len(differing_lines(before, after)) == 2


def test_option_in_comments_and_strings_is_not_mistaken():
    after = with_options(TRAPS, {"DicomAet": "NEW"})
    assert after == TRAPS.replace('"DicomAet" : "ARCHIVE"', '"DicomAet" : "NEW"')


def test_option_new_is_added_and_a_table_is_readable():
    after = with_options(TRAPS, {"HttpPort": 8042, "RegisteredUsers": {"a": "b"}})
    content = parse_configuration(after, "x")
    assert (content["HttpPort"], content["RegisteredUsers"]) == (8042, {"a": "b"})
    assert "// the end" in after
    assert parse_configuration(with_options("{}", {"Name": "x"}), "x") == {"Name": "x"}


def test_option_takes_every_kind_of_value():
    for value in (True, None, 3, 1.5, 'ü " \\', [1, {"x": []}], {}):
        assert parse_configuration(with_options(TRAPS, {"Name": value}), "x")["Name"] == json.loads(json.dumps(value))


def test_option_misspelt_is_refused_with_the_right_name():
    with pytest.raises(ConfigurationError, match=r"Did you mean 'DicomAlwaysAllowFind'\?"):
        with_options(TRAPS, {"DicomAlwaysAlowFind": False})


def test_option_in_a_broken_file_is_reported_with_its_line():
    with pytest.raises(ConfigurationError, match="line 5, column"):
        with_options(TRAPS.replace("4242 ] },", "4242 ] }"), {"Name": "x"})
