"""The samples that instructors get: made and graded by the commands, with the gradebook that they are shown."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pacslab.paths import shipped
from tests.support.instructor_guide import commands_in

pytestmark = pytest.mark.timeout(900)


def run(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "pacslab", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=800,
    )


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """What the guide says to type is typed, line by line, in an empty folder."""
    folder = tmp_path_factory.mktemp("try it first")
    typed = commands_in("Try it first")
    assert len(typed) == 3
    environment = {**os.environ, "PACSLAB_RUNTIME": "process"}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    for line in typed:
        result = subprocess.run(
            ["bash", "-c", line], cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=800
        )
        assert result.returncode == 0, (line, result.stderr)
    return folder / "rehearsal"


def rows(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_rehearsal_gives_the_gradebook_that_is_shipped(graded):
    shown = rows(shipped("instructor") / "samples" / "gradebook.csv")
    assert rows(graded / "grades" / "gradebook.csv") == shown
    assert [(row["student"], row["state"]) for row in shown] == [
        ("ada", "graded"),
        ("ben", "graded"),
        ("chloe", "partly broken"),
        ("dan", "graded"),
        ("eve", "broken"),
    ]


def test_rehearsal_signals_the_copied_submission(graded):
    content = json.loads((graded / "grades" / "results.json").read_text(encoding="utf-8"))
    signals = {grade["student"]: grade["signals"] for grade in content["grades"]}
    assert {signal["kind"] for signal in signals["dan"]} == {"ticket", "answer", "secret", "chain"}
    assert all("ada" in signal["words"] for signal in signals["dan"] if signal["kind"] != "chain")
    assert not signals["ben"]
    dan = next(grade for grade in content["grades"] if grade["student"] == "dan")
    assert sum(objective["points"] for objective in dan["objectives"] if objective["stage"] == "harden") == 50
    copied = [objective for objective in dan["objectives"] if objective["id"].startswith("deid-")]
    assert {signal["points"] for signal in copied} == {0}
    assert all("nobody can say that this is your study" in signal["message"] for signal in copied)


def test_rehearsal_merges_marks_and_replays_nothing(graded):
    path = graded / "grades" / "marking.csv"
    table = rows(path)
    for row in table:
        row["points"] = "8"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(table[0]))
        writer.writeheader()
        writer.writerows(table)
    command = ("grade", graded / "submissions", "--course", graded, "--to", graded / "grades", "--runtime", "process")
    result = run(*command, "--json")
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["replayed"] == 0
    assert json.loads(result.stdout)["unmarked"] == 0
    ada = rows(graded / "grades" / "gradebook.csv")[0]
    assert (ada["points"], ada["risk"]) == ("176", "8")


def test_rehearsal_writes_every_page_and_table(graded):
    names = {path.name for path in (graded / "grades").iterdir()}
    assert {"gradebook.csv", "canvas.csv", "moodle.csv", "class.html", "marking.html", "results.json"} <= names
    assert len(list((graded / "grades" / "students").glob("*.html"))) == 5
