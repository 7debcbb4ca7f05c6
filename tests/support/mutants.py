"""The reference fix with one thing wrong: what proves that the probes see everything, and that nothing else earns.

Mutants are made from the scenario and the weakness registry: whoever adds a weakness adds its mutants with it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from pacslab.errors import ScenarioError
from pacslab.grading.selftest.reference_fix import draw_passwords, fix_templates, write_files
from pacslab.pacs import CONFIGURATION_FILE, HANDOVER_FILE, parse_configuration
from pacslab.scenario import Change

if TYPE_CHECKING:
    from pathlib import Path

    from pacslab.scenario import Scenario


@dataclass(frozen=True)
class Mutant:
    """The reference fix with one change. ``exposed`` are the attack probes that must see it, and no others may.

    ``told`` is what whoever made this mistake must read. A mutant without ``exposed`` keeps strangers out by stopping
    the hospital: it must earn nothing.
    """

    scenario: str
    name: str
    change: Change
    exposed: frozenset[str] = frozenset()
    told: str = ""


def weakened(scenario: Scenario) -> list[Mutant]:
    """Return a mutant for each weakness put back, and for each usual partial fix of it."""
    made = []
    for weakness in scenario.weaknesses:
        made.append(Mutant(scenario.id, weakness.id, weakness.put_back, frozenset(weakness.probes), weakness.cost))
        made += [
            Mutant(scenario.id, f"{weakness.id}: {fix.title}", fix.leaves, frozenset(fix.seen_by), fix.why)
            for fix in weakness.partial
            if fix.leaves is not None
        ]
    return made


def useless(scenario: Scenario) -> list[Mutant]:
    """Return the mutants that keep everybody out, the hospital too."""
    content = parse_configuration(fix_templates(scenario.id)[CONFIGURATION_FILE], CONFIGURATION_FILE)
    nobody = dict.fromkeys(content.get("DicomModalities", {}))
    untold = {name: f"changed-and-told-nobody-{name}" for name in content.get("RegisteredUsers", {})}
    changes: dict[str, dict[str, Any]] = {
        "server off": {"HttpServerEnabled": False, "DicomServerEnabled": False},
        "web off": {"HttpServerEnabled": False},
        "DICOM off": {"DicomServerEnabled": False},
        "everybody blocked": {"RemoteAccessAllowed": False, "DicomModalities": nobody},
        "title changed and not handed over": {"DicomAet": "HIDDEN", "DicomCheckCalledAet": True},
        "password changed and not handed over": {"RegisteredUsers": untold},
    }
    return [Mutant(scenario.id, name, Change(orthanc=change)) for name, change in changes.items()]


def write_mutant(mutant: Mutant, scenario: Scenario, folder: Path) -> None:
    """Write the reference fix with the mutant's change into a work folder, with passwords drawn anew."""
    write_files(mutated(mutant, scenario), folder)


def mutated(mutant: Mutant, scenario: Scenario) -> dict[str, str]:
    """Return the files of the reference fix with the mutant's change."""
    files, change = fix_templates(scenario.id), mutant.change
    for name in change.shipped:
        files[name] = (scenario.folder / name).read_text(encoding="utf-8")
    for name, pieces in change.texts.items():
        for old, new in pieces.items():
            if old not in files.get(name, ""):
                raise ScenarioError(
                    f"the scenario {scenario.id!r} puts back a piece of {name} that its reference fix does not hold: "
                    f"{old[:60]!r}",
                    "Write in 'texts' exactly what stands in the reference fix.",
                )
            files[name] = files[name].replace(old, new)
    if change.orthanc:
        content = merge(parse_configuration(files[CONFIGURATION_FILE], CONFIGURATION_FILE), change.orthanc)
        files[CONFIGURATION_FILE] = json.dumps(content, indent=2)
    if change.handover:
        files[HANDOVER_FILE] = yaml.safe_dump(merge(yaml.safe_load(files[HANDOVER_FILE]), change.handover))
    return draw_passwords(files)


def merge(target: Any, patch: Any) -> Any:
    """Return a JSON value with a merge patch (RFC 7396) applied."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge(result.get(key), value)
    return result
