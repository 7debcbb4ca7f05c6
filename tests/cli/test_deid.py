"""``pacslab deid ...`` as people and machines run it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from pacslab.deid.deidentify import folder as recipe_run
from tests.support.cohorts import original, whole
from tests.support.outputs import SECRET

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("places")


def run(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "pacslab", "deid", *map(str, arguments)],
        capture_output=True,
        text=True,
        env=os.environ | environment,
        timeout=240,
        check=False,
    )


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "key.json"
    path.write_text(whole().key.model_dump_json(), encoding="utf-8")
    return path


def test_audit_command_over_the_scenarios_study(cleaned: Path) -> None:
    result = run("audit", cleaned, "--student", "student")
    assert result.returncode == 0, result.stdout
    assert "Nobody is named" in result.stdout


def test_audit_command_that_finds_leaks_exits_with_one(tmp_path: Path, key_file: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    for number, content in enumerate(original().images):
        (folder / str(number)).write_bytes(content)
    page = tmp_path / "report.html"
    result = run("audit", folder, "--key", key_file, "--everything", "--json", "--html", page)
    assert result.returncode == 1
    report = json.loads(result.stdout)
    assert report["leaking_patients"] == 1
    assert "data:image/png;base64," in page.read_text(encoding="utf-8")
    assert "http" not in page.read_text(encoding="utf-8").replace("http-equiv", "")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--key", "/nowhere.json"], "/nowhere.json cannot be read"),
        (["--key", __file__], "is not an answer key"),
        (["--study", "1.2.3"], "has no study '1.2.3'"),
        (["--scenario", "open-archiv"], "Did you mean 'open-archive'?"),
        (["--html", "/no/such/folder/page.html"], "cannot be written"),
    ],
)
def test_audit_command_with_bad_input_exits_with_two(cleaned: Path, arguments: list[str], words: str) -> None:
    result = run("audit", cleaned, "--student", "student", *arguments)
    assert result.returncode == 2
    assert words in result.stderr
    assert result.stderr.count("\n") == 1


def test_audit_command_refuses_an_address_outside_the_lab() -> None:
    result = run("audit", "http://192.0.2.1:8042")
    assert result.returncode == 2
    assert "nothing was sent" in result.stderr


def test_audit_command_words_are_the_same_each_time(tmp_path: Path) -> None:
    """Also in another process, in which Python orders its sets another way."""
    for number, content in enumerate(original().files.values()):
        (tmp_path / str(number)).write_bytes(content)
    said = [run("audit", tmp_path, "--student", "student", "--json", PYTHONHASHSEED=seed).stdout for seed in "123"]
    assert len(json.loads(said[0])["leaks"]) > 100
    assert len(set(said)) == 1


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Return a folder with one study as it came from the archive."""
    folder = tmp_path / "archive"
    for name, content in original().files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def test_recipe_command_then_audit_command(archive: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(SECRET)
    first = run("run", archive, "--out", tmp_path / "a", "--no-ocr", "--secret", secret)
    assert first.returncode == 0, first.stderr
    assert "Wrote 4 files" in first.stdout
    assert "Withheld 1: documents are about the patient" in first.stdout
    again = run("run", archive, "--out", tmp_path / "b", "--no-ocr", "--secret", secret, "--json")
    assert len(json.loads(again.stdout)["written"]) == 4
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()
    assert run("audit", tmp_path / "a", "--student", "student").returncode == 0


def test_recipe_command_refuses_in_one_line(archive: Path, cleaned: Path, tmp_path: Path) -> None:
    short = tmp_path / "short"
    short.write_bytes(b"1234")
    for arguments, words in (
        ((archive, "--out", cleaned), "is not empty"),
        (("/nowhere", "--out", tmp_path / "x"), "is not a folder"),
        ((archive, "--out", tmp_path / "x", "--secret", "/nowhere"), "cannot be read"),
        ((archive, "--out", tmp_path / "x", "--secret", short), "can be guessed"),
    ):
        result = run("run", *arguments)
        assert result.returncode == 2
        assert words in result.stderr
        assert result.stderr.count("\n") == 1


def test_recipe_progress_says_how_long_it_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While text is sought, the words of the progress say about how long it goes on; then nothing is left."""
    clock = iter(range(0, 100_000, 40))
    monkeypatch.setattr(recipe_run.time, "monotonic", lambda: float(next(clock)))
    said: list[tuple[str, float]] = []
    source = tmp_path / "source"
    source.mkdir()
    for number, content in enumerate(original().images):
        (source / f"{number}.dcm").write_bytes(content)
    recipe_run.run_recipe(source, tmp_path / "out", workers=1, progress=lambda *step: said.append(step))
    assert [share for _, share in said] == [0.25, 0.5, 0.75, 1]
    assert [words for words, _ in said] == [
        "De-identifying 4 files, about 2 min left",
        "De-identifying 4 files, about 80 s left",
        "De-identifying 4 files, about 40 s left",
        "De-identifying 4 files",
    ]
