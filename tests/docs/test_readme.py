"""What the README says is true: commands, targets, files, notebooks and the screenshot exist."""

import re

import pytest

import pacslab
from pacslab.cli.main import cli
from tests.support.places import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\bmake ([a-z]+)\b(?= |`|\n)", README))))
def test_readme_make_targets_exist(target):
    assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE)


@pytest.mark.parametrize("command", sorted(set(re.findall(r"(?:^ {4}|`|/)pacslab ([a-z]+)\b", README, re.MULTILINE))))
def test_readme_commands_exist(command):
    assert command in cli.commands


@pytest.mark.parametrize("option", sorted(set(re.findall(r"pacslab ([a-z]+ --[a-z]+)", README))))
def test_readme_options_exist(option):
    command, name = option.split()
    assert name in {flag for parameter in cli.commands[command].params for flag in parameter.opts}


@pytest.mark.parametrize("variable", sorted(set(re.findall(r"PACSLAB_[A-Z]+", README))))
def test_readme_variables_are_read_somewhere(variable):
    files = [*(ROOT / "src").rglob("*.py"), ROOT / "docker-compose.yml"]
    assert any(variable in path.read_text(encoding="utf-8") for path in files)


def test_readme_notebooks_exist_and_stand_in_order():
    named = re.findall(r"^\| `(\d\d_\w+)` \|", README, re.MULTILINE)
    assert named == sorted(named)
    assert set(named) <= {path.stem for path in (ROOT / "labs").glob("*.ipynb")}
    assert len(named) >= 4


def test_readme_screenshot_exists_and_is_small():
    (picture,) = re.findall(r"!\[[^\]]{20,}\]\(([^)]+)\)", README)
    assert 20_000 < (ROOT / picture).stat().st_size < 400_000


def test_readme_files_and_folders_exist():
    for name in ("labs/source", "instructor/solutions", "instructor/fixes", "scenarios/open-archive", "LICENSE"):
        assert (ROOT / name).exists()
        assert name.split("/open")[0] in README


def test_readme_example_uses_existing_calls():
    for call in re.findall(r"^ {4}lab\.(\w+)\(", README, re.MULTILINE):
        assert callable(getattr(pacslab.Lab, call))
