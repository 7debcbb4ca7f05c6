"""The weakness registry: every entry is whole, its score is computed, and every attack probe belongs to something."""

import pytest
import yaml
from cvss import CVSS4

from pacslab.paths import shipped
from pacslab.probes import PROBES, Side
from pacslab.scenario.loading import load_scenario, scenario_ids
from pacslab.scenario.weaknesses import Severity, Weakness, weakness_ids

REGISTRY = shipped("scenarios") / "weaknesses"


def registered(name):
    return Weakness.model_validate(yaml.safe_load((REGISTRY / f"{name}.yaml").read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", weakness_ids())
def test_weakness_as_registered_is_whole(name):
    weakness = registered(name)
    assert weakness.id == name
    assert weakness.settings
    assert weakness.severity is Severity(CVSS4(weakness.cvss).severity.lower())
    assert 0 < weakness.score <= 10
    assert {"HIPAA", "GDPR", "ISO/IEC"} <= {control.split()[0] for control in weakness.controls}
    assert weakness.source.source


def test_weakness_partial_fix_is_known_by_what_it_leaves():
    weakness = registered("open-retrieve")
    found = {"dicom-get-stranger": "a study", "dicom-move-stranger": "a study", "http-anonymous-rest": "names"}
    got = {name: words for name, words in found.items() if name != "dicom-move-stranger"}
    assert weakness.partial_fix(got).seen_by == ("dicom-get-stranger",)
    assert weakness.explained(got) == weakness.partial_fix(got).why
    assert weakness.partial_fix(found) is None
    assert weakness.explained(found) == f"{weakness.cost} {weakness.fix}"
    assert weakness.partial_fix({}) is None


def test_weakness_partial_fixes_are_told_apart_by_words():
    weakness = registered("no-audit")
    missing = {"audit-missing": "Of this the archive's log does not say who did it: WS01 searched."}
    naming = {"audit-missing": "The log names the patient: 'Lua says: stored for A^B'."}
    nothing = {"audit-missing": "Of this the archive's log does not say who did it: CT01 stored an image, x opened it."}
    assert weakness.partial_fix(missing).title == "Searches over DICOM are forgotten"
    assert weakness.partial_fix(naming).title == "The log names the patients"
    assert weakness.explained(nothing) == f"{weakness.cost} {weakness.fix}"


def test_weakness_usual_fix_is_named_after_its_cost():
    weakness = registered("webdav-upload")
    words = weakness.explained({"http-webdav-upload": "it took a file"})
    assert words.startswith(f"{weakness.cost} {weakness.fix} Not enough: Deleting is forbidden")
    assert words.endswith(weakness.partial[0].why)


def test_weakness_has_a_usual_fix_and_its_shortcoming():
    ways = [registered(name) for name in weakness_ids()]
    ways += [mutant for name in scenario_ids() for mutant in load_scenario(name).weaknesses]
    assert {fix.id for fix in ways} - {fix.id for fix in ways if fix.partial} == set()


def test_weakness_covers_every_attack():
    used = {probe for name in weakness_ids() for probe in registered(name).probes}
    used |= {probe for name in scenario_ids() for mutant in load_scenario(name).weaknesses for probe in mutant.probes}
    assert {registered_probe.id for registered_probe in PROBES.values() if registered_probe.side is Side.ATTACK} <= used
