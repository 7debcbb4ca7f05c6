"""Scenarios are data: what ships is valid, and what does not fit is named with file, key and remedy."""

import shutil

import pytest
import yaml

from pacslab.errors import ScenarioError
from pacslab.paths import shipped
from pacslab.probes import Side, probes_for
from pacslab.scenario.documents import read_mapping
from pacslab.scenario.loading import load_scenario, scenario_ids
from pacslab.scenario.models import ProbeCheck
from pacslab.session import Session


@pytest.fixture
def copy(tmp_path):
    target = tmp_path / "open-archive"
    shutil.copytree(shipped("scenarios") / "open-archive", target)
    return target


def changed(folder, change):
    path = folder / "scenario.yaml"
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    change(content)
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return str(folder)


KINDS = {
    "open-archive",
    "well-known-password",
    "promiscuous-dicom",
    "borrowed-title",
    "cleartext",
    "remote-code",
    "unlocked-side-door",
    "silent-overwrite",
}


def test_scenarios_ship_eight_kinds_with_story_and_sources():
    assert set(scenario_ids()) >= KINDS
    scenarios = [load_scenario(name) for name in sorted(KINDS)]
    for told in ("title", "summary", "story"):
        assert len({getattr(scenario_name, told) for scenario_name in scenarios}) == len(KINDS)
    weak = [frozenset(weakness.id for weakness in scenario_name.weaknesses) for scenario_name in scenarios]
    assert len(set(weak)) == len(KINDS)
    assert all(reference.source for scenario_name in scenarios for reference in scenario_name.references)


@pytest.mark.parametrize("name", scenario_ids())
def test_scenario_as_shipped_is_valid_with_known_probes(name):
    scenario = load_scenario(name)
    assert len(scenario.objectives) >= 8
    assert all(
        objective.points and objective.explanation and 1 <= len(objective.hints) <= 3
        for objective in scenario.objectives
    )
    assert {objective.stage for objective in scenario.objectives} >= {"discover", "read", "harden"}
    assert sum(probe.side is Side.ATTACK for probe in probes_for(scenario)) >= 5
    assert sum(probe.side is Side.CLINIC for probe in probes_for(scenario)) >= 4


@pytest.mark.parametrize("name", scenario_ids())
def test_scenario_attacks_each_earn_points_when_closed(name):
    scenario = load_scenario(name)
    closing = {
        probe
        for objective in scenario.objectives
        if isinstance(objective.check, ProbeCheck)
        for probe in objective.check.closed
    }
    assert closing == {probe for weakness in scenario.weaknesses for probe in weakness.probes}


def test_scenario_unknown_is_answered_with_the_nearest():
    with pytest.raises(ScenarioError, match=r"no scenario 'open-archiv'.*Did you mean 'open-archive'\?.*scenarios are"):
        load_scenario("open-archiv")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda c: c.update(minuts=3), r"'minuts' is unknown.*Did you mean 'minutes'"),
        (lambda c: c.pop("title"), "'title' is missing"),
        (lambda c: c["objectives"][0].update(points="many"), r"objectives\.0\.points"),
        (lambda c: c["objectives"].append(c["objectives"][0]), "'archive-title' is given twice"),
        (lambda c: c["objectives"][0]["check"].pop("equals"), "either 'fact' or 'equals'"),
        (
            lambda c: c["weaknesses"][0].update(partial=[{"title": "x", "seen_by": ["nothing"], "why": "x"}]),
            "not in its 'probes'",
        ),
        (lambda c: c["weaknesses"].append("open-serch"), r"'open-serch' is not in the registry.*'open-search'"),
        (lambda c: c["weaknesses"][0].update(cvss="CVSS:4.0/AV:N"), "not a CVSS 4.0 vector"),
        (lambda c: c["weaknesses"][0].update(probes=[]), r"weaknesses\.0\.probes"),
        (lambda c: c["weaknesses"][0].update(put_back={}), "a change needs"),
        (lambda c: c["weaknesses"][0].update(put_back=None), r"weaknesses\.0\.put_back"),
    ],
)
def test_scenario_value_that_does_not_fit_is_named(copy, change, words):
    with pytest.raises(ScenarioError, match=words) as caught:
        load_scenario(changed(copy, change))
    assert "scenario.yaml" in str(caught.value)


_MISSPELT = ["dicom-find-strangers", "dicom-find-stranger", "dicom-old-device", "dicom-borrowed-title"]


def test_scenario_unknown_probe_is_named_by_the_session(copy):
    folder = changed(copy, lambda c: c["weaknesses"][1].update(probes=_MISSPELT))
    with pytest.raises(ScenarioError, match="'dicom-find-strangers', which does not exist"):
        Session(folder)


def test_scenario_unknown_probe_is_named(copy):
    scenario = load_scenario(changed(copy, lambda c: c["weaknesses"][1].update(probes=_MISSPELT)))
    with pytest.raises(ScenarioError, match=r"'dicom-find-strangers', which does not exist\. Did you mean"):
        probes_for(scenario)


def test_scenario_broken_yaml_has_line_and_column(copy):
    (copy / "scenario.yaml").write_text("id: open-archive\ntitle: [unclosed\n", encoding="utf-8")
    with pytest.raises(ScenarioError, match=r"not valid YAML at line \d+, column \d+"):
        load_scenario(str(copy))


def test_scenario_without_its_configuration_is_refused(copy):
    (copy / "orthanc.json").unlink()
    with pytest.raises(ScenarioError, match=r"has no orthanc\.json"):
        load_scenario(str(copy))


@pytest.mark.parametrize(
    "text",
    ["a: " + "[" * 100_000, "a: " + "{" * 100_000, "- " * 100_000 + "x", "\n".join(" " * n + "a:" for n in range(200))],
)
def test_scenario_nested_without_end_is_refused(tmp_path, text):
    """The reader in C calls itself for each level, and would take the program with it."""
    (tmp_path / "deep.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ScenarioError, match="nested more than"):
        read_mapping(tmp_path / "deep.yaml", ScenarioError)
