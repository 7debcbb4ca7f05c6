"""The league on one cohort: "we anonymised it" is not an answer, and the table says whom each tool still names."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from pacslab.cohort import Location
from pacslab.deid.audit.report.model import LOCATION_NAMES
from pacslab.deid.benchmark import tools as league_tools
from pacslab.deid.benchmark.table import League, run_league
from pacslab.errors import DeidError
from pacslab.pacs.runtimes.process import bind_shim
from tests.support.cohorts import whole

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TOOLS = ("Orthanc", "dicom-anonymizer", "dicognito", "deid", "gdcmanon")
FEW = ("chest-radiograph", "abdominal-ultrasound")


@pytest.fixture(scope="module")
def league(program: Callable[[str], str]) -> League:
    """Return the league on the ultrasound studies and radiographs, with their pages and reports."""
    program("gdcmanon")
    program("Orthanc")
    files = [(name, content) for name, content in whole().files.items() if any(kind in name for kind in FEW)]
    kept = {name for name, _ in files}
    patients = []
    for patient in whole().key.patients:
        studies = tuple(study for study in patient.studies if study.instances[0].file_name in kept)
        if studies:
            patients.append(patient.model_copy(update={"studies": studies}))
    return run_league(files, whole().key.model_copy(update={"patients": tuple(patients)}))


def test_league_has_every_tool_in_both_settings(league: League) -> None:
    assert not league.left_out
    assert {(row.tool, row.setting) for row in league.rows} == {
        *((tool, setting) for tool in TOOLS for setting in ("default", "best")),
        ("reference recipe", "default"),
    }


@pytest.mark.parametrize("setting", ["default", "best"])
@pytest.mark.parametrize("tool", TOOLS)
def test_league_tools_each_leave_a_name(league: League, tool: str, setting: str) -> None:
    row = league.row(tool, setting)
    assert row.leaking_patients > 0
    assert "'s " in row.worst[0]


@pytest.mark.parametrize("tool", TOOLS)
def test_league_tools_read_no_burned_in_text(league: League, tool: str) -> None:
    pixels = next(tally for tally in league.row(tool).removed if tally.name == LOCATION_NAMES[Location.PIXELS])
    assert pixels.good == 0


def test_league_reference_recipe_leaves_no_name_and_no_loss(league: League) -> None:
    row = league.row("reference recipe")
    assert row.leaking_patients == 0
    assert not row.failed
    assert all(tally.good == tally.total for tally in (*row.removed, *row.kept))


def test_league_tools_each_write_files(league: League) -> None:
    """A tool that was run wrongly would lose everything; all of them release at least the images they think clean."""
    for row in league.rows:
        images = next(tally for tally in row.kept if tally.name == "images")
        assert images.good > 0, (row.tool, row.setting)


def test_league_table_on_a_terminal(league: League) -> None:
    console = Console(width=140)
    with console.capture() as capture:
        console.print(league)
    said = capture.get()
    assert all(tool in said for tool in TOOLS)
    assert f"{league.row('Orthanc').leaking_patients} of {league.row('Orthanc').patients}" in said
    assert "✘" in said


def test_league_table_as_json(league: League) -> None:
    assert League.model_validate(json.loads(league.model_dump_json())) == league


def test_league_leaves_out_a_tool_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(league_tools.shutil, "which", lambda _: None)
    result = run_league([], whole().key, only=("gdcmanon",))
    assert result.rows == ()
    assert result.left_out == ("gdcmanon: there is no program gdcmanon (Debian, Ubuntu: apt install libgdcm-tools)",)


def test_league_leaves_out_an_orthanc_beyond_loopback(
    program: Callable[[str], str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program("Orthanc")
    monkeypatch.setenv("PACSLAB_RUNTIME", "process")
    monkeypatch.setenv("PACSLAB_CACHE", str(tmp_path))  # nothing was compiled before
    monkeypatch.setattr(bind_shim, "find_compiler", lambda: None)
    (line,) = run_league([], whole().key, only=("Orthanc",)).left_out
    assert line.startswith("Orthanc: the process runtime needs a C compiler once")
    assert "apt-get install gcc" in line


def test_league_without_tools_has_the_reference_recipe(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every tool is optional; each that is missing is one line, which says how to install it."""
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    monkeypatch.setenv("PACSLAB_RUNTIME", "docker")
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere")
    result = run_league([("1.dcm", next(iter(whole().files.values())))], whole().key)
    assert [row.tool for row in result.rows] == ["reference recipe"]
    assert {line.split(":")[0] for line in result.left_out} == set(TOOLS)
    assert all("install" in line for line in result.left_out if not line.startswith("Orthanc"))
    console = Console(width=140)
    with console.capture() as capture:
        console.print(result)
    said = capture.get()
    assert all(said.count(f"Left out: {tool}: ") == 1 for tool in TOOLS)
    assert said.count("(pip install 'pacslab[league]')") == 3


def test_league_command_prints_the_table(program: Callable[[str], str]) -> None:
    program("gdcmanon")
    command = [sys.executable, "-m", "pacslab", "deid", "league", "--tool", "gdcmanon", "--student", "student"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stdout.split())
    places = [LOCATION_NAMES[location] for location in (Location.NESTED, Location.PRIVATE, Location.PIXELS)]
    assert all(heading in said for heading in ("Who is still named", "best settings", *places))


def test_league_command_refuses_an_unknown_tool() -> None:
    with pytest.raises(DeidError, match="has no tool 'gdcmanom'"):
        run_league([], whole().key, only=("gdcmanom",))
