"""``pacslab synth`` and ``pacslab cache``, run as a user runs them."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pydicom
import pytest
from pydicom.fileset import FileSet

from pacslab.cohort import build_cohort, load_recipe
from pacslab.cohort.answer_key import AnswerKey, Location
from pacslab.cohort.answer_key_formats import from_compact
from pacslab.deid import scratch_orthanc
from pacslab.pacs import UNFINISHED_PREFIX, list_cache, prune_cache
from pacslab.paths import cache_root
from pacslab.scenario import make_variant

COMMAND = [sys.executable, "-m", "pacslab", "synth"]


def synth(*arguments: object, **options) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *map(str, arguments)], capture_output=True, text=True, check=False, **options)


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("synth")
    answer = synth(
        "district-hospital",
        "--student",
        "asha",
        "--scenario",
        "open-archive",
        "--out",
        place / "images",
        "--key",
        place / "key.json",
        "--json",
    )
    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout)["instances"] == len(list((place / "images").rglob("*.dcm")))
    return place


def test_synth_folder_holds_the_students_cohort(written):
    cohort = build_cohort(load_recipe("district-hospital"), make_variant("open-archive", "asha"))
    assert {
        path.relative_to(written / "images").as_posix(): path.read_bytes()
        for path in (written / "images").rglob("*.dcm")
    } == dict(cohort.instances())
    assert AnswerKey.model_validate_json((written / "key.json").read_bytes()) == cohort.answer_key()
    assert sorted(path.name for path in written.iterdir()) == ["images", "key.json"]


def test_synth_folder_that_is_not_empty_is_refused(written):
    before = sorted(written.rglob("*"))
    answer = synth("district-hospital", "--out", written / "images")
    assert (answer.returncode, answer.stdout) == (2, "")
    assert "holds something already" in answer.stderr
    assert sorted(written.rglob("*")) == before


def test_synth_dicomdir_leads_to_every_image(tmp_path):
    answer = synth(
        "district-hospital", "--student", "asha", "--out", tmp_path / "cd", "--dicomdir", "--key", tmp_path / "key"
    )
    assert answer.returncode == 0, answer.stderr
    key = from_compact((tmp_path / "key").read_bytes())
    fileset = FileSet(tmp_path / "cd" / "DICOMDIR")
    assert {dataset.SOPInstanceUID for dataset in fileset} == {
        instance.sop_instance_uid for instance in key.instances()
    }
    for instance in key.instances():
        path = tmp_path / "cd" / instance.file_name
        assert pydicom.dcmread(path, stop_before_pixels=True).SOPInstanceUID == instance.sop_instance_uid
        assert all(len(part) <= 8 for part in Path(instance.file_name).parts)
    directory = (tmp_path / "cd" / "DICOMDIR").read_bytes()
    told = [identifier for identifier in key.planted if identifier.location is Location.DICOMDIR]
    assert {words.patient for words in told} == {person.index for person in key.patients}
    assert all(words.token.encode() in directory for words in told)


def test_synth_on_a_full_disk_leaves_nothing(tmp_path):
    def small() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    answer = synth("district-hospital", "--out", tmp_path / "images", preexec_fn=small)
    assert answer.returncode == 2
    assert "cannot be written" in answer.stderr
    assert answer.stderr.count("\n") <= 2
    assert list(tmp_path.iterdir()) == []


def test_synth_interrupted_leaves_nothing(tmp_path):
    running = subprocess.Popen(
        [*COMMAND, "district-hospital", "--out", str(tmp_path / "images")],
        stderr=subprocess.PIPE,
        start_new_session=True,
        # In a background job of a shell nobody would hear the signal.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )
    while running.poll() is None and not any(tmp_path.rglob("*.dcm")):
        time.sleep(0.01)
    os.kill(running.pid, signal.SIGINT)
    running.communicate(timeout=60)
    assert running.returncode != 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("districthospital", "--out", "x"), "Did you mean 'district-hospital'"),
        (("clinique",), "either --out or --into"),
        (("clinique", "--out", "x", "--into", "http://127.0.0.1:1"), "either --out or --into"),
        (("clinique", "--into", "http://127.0.0.1:1", "--dicomdir"), "not in a server"),
        (("clinique", "--into", "http://8.8.8.8:8042"), "not an address of a lab network"),
        (("clinique", "--into", "http://example.com"), "not an address of a lab network"),
        (("clinique", "--into", "ftp://127.0.0.1"), "is no web address"),
        (("clinique", "--into", "http://127.77.0.1:1"), "did not take the images"),
        (("clinique", "--out", "/proc/nothing/here"), "cannot be written"),
    ],
)
def test_synth_bad_option_is_one_line(arguments, words, tmp_path):
    answer = synth(*arguments, cwd=tmp_path)
    assert answer.returncode == 2
    assert words in answer.stderr
    assert "Traceback" not in answer.stderr
    assert list(tmp_path.iterdir()) == []


def test_synth_without_a_recipe_lists_them():
    answer = synth()
    assert {line.split()[0] for line in answer.stdout.splitlines()} >= {
        "district-hospital",
        "clinique",
        "community-hospital",
    }


def test_synth_upload_to_a_server_of_the_lab_is_complete():
    with scratch_orthanc("process") as url:
        answer = synth("district-hospital", "--student", "asha", "--scenario", "open-archive", "--into", url, "--json")
        assert answer.returncode == 0, answer.stderr
        told = json.loads(answer.stdout)
        statistics = httpx.get(f"{url}/statistics").json()
        assert statistics["CountInstances"] == told["instances"]
        assert statistics["CountPatients"] == told["patients"]


def test_cache_is_listed_limited_and_cleared(tmp_path, monkeypatch):
    monkeypatch.setenv("PACSLAB_CACHE", str(tmp_path))
    for number in range(4):
        folder = cache_root() / "archives" / f"open-archive-{number}"
        folder.mkdir(parents=True)
        (folder / "image").write_bytes(bytes(400_000))
        os.utime(folder, (number, number))
    abandoned, begun = (cache_root() / "archives" / f"{UNFINISHED_PREFIX}{name}" for name in ("abandoned", "begun"))
    for folder in (abandoned, begun):
        (folder / "server").mkdir(parents=True)
    os.utime(abandoned, (0, 0))
    kept = list_cache()
    assert [snapshot.name[-1] for snapshot in kept.snapshots] == ["0", "1", "2", "3"]
    assert kept.size == 1_600_000
    monkeypatch.setenv("PACSLAB_CACHE_MB", "1")
    prune_cache(kept.snapshots[0].path, most=24)
    assert [snapshot.name[-1] for snapshot in list_cache().snapshots] == ["0", "3"], (
        "the oldest go, but not the one in use"
    )
    assert (abandoned.exists(), begun.exists()) == (False, True), "another start may be at it"
    answer = subprocess.run(
        [sys.executable, "-m", "pacslab", "cache", "--clear", "--json"], capture_output=True, text=True, check=True
    )
    assert json.loads(answer.stdout) == {"freed": 800_000}
    assert list_cache().snapshots == ()
    assert not begun.exists()
    monkeypatch.setenv("PACSLAB_CACHE_MB", "plenty")
    answer = subprocess.run([sys.executable, "-m", "pacslab", "cache"], capture_output=True, text=True, check=False)
    assert answer.returncode == 2
    assert "no number of megabytes" in answer.stderr
