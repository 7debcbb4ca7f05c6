"""A key, a running archive or a machine of another version: what happened is said, and what to do."""

from __future__ import annotations

import re
import sys
import time

import pytest

from pacslab.cli import main
from pacslab.cohort import provenance
from pacslab.cohort.answer_key import AnswerKey, Origin
from pacslab.cohort.build import build_cohort
from pacslab.cohort.encoding.transfer_syntaxes import PINNED, codecs
from pacslab.cohort.provenance import GENERATOR_VERSION, describe_key_origin, describe_this_machine, origin_of
from pacslab.cohort.recipe.recipe import load_recipe
from pacslab.deid import audit_study
from pacslab.errors import DeploymentError, PacslabWarning
from pacslab.pacs import ArchiveData, Deployment, Network, Owner, State, deployment_folder, lab_id, write_state
from pacslab.pacs.archive import snapshot
from pacslab.scenario import load_scenario, make_variant
from tests.support.places import ROOT


@pytest.fixture(scope="module")
def own() -> Origin:
    return origin_of(load_recipe("clinique"))


def test_version_of_the_codecs_is_the_locked_one():
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    locked = dict(re.findall(r"^([a-z0-9-]+)==(\S+)", text, re.MULTILINE))
    assert {name: locked[name] for name in PINNED} == PINNED
    assert codecs() == PINNED
    assert describe_this_machine() == ""


def test_version_of_a_key_made_here_needs_no_warning(own):
    assert own.generator == GENERATOR_VERSION
    assert set(own.words) == {"faker fr_FR", *PINNED}
    assert describe_key_origin(own) == ""
    assert describe_key_origin(Origin()) == "", "a key that somebody wrote by hand"


def test_version_of_an_older_key_is_reported_with_a_remedy(own):
    older = describe_key_origin(own.model_copy(update={"generator": "3"}))
    assert "other patients" in older
    assert f"generator 3, and here is generator {GENERATOR_VERSION}" in older
    assert "make both again with 'pacslab synth" in older
    names = describe_key_origin(own.model_copy(update={"words": own.words | {"faker fr_FR": "1.0 sha256:00"}}))
    assert "other patients" in names
    assert "faker fr_FR 1.0, and here is" in names
    gone = describe_key_origin(own.model_copy(update={"words": {"faker xx_XX": "1.0 sha256:00"}}))
    assert "here is none" in gone
    packed = describe_key_origin(own.model_copy(update={"words": own.words | {"pillow": "9.5.0"}}))
    assert "pillow 9.5.0 (here " in packed
    assert "other bytes" in packed
    assert "requirements.lock" in packed


def test_version_of_an_older_key_is_in_the_audits_notes(tmp_path):
    key = build_cohort(load_recipe("district-hospital"), make_variant("open-archive", "asha")).questions()
    study = key.facts["deid_study_uid"]
    assert not any("answer key" in note for note in audit_study(tmp_path, key, study).notes)
    older: AnswerKey = key.model_copy(update={"origin": Origin(generator="3")})
    assert describe_key_origin(older.origin) in audit_study(tmp_path, older, study).notes


def test_version_of_other_codecs_is_reported_by_synth(monkeypatch, capsys):
    monkeypatch.setattr(provenance, "PINNED", PINNED | {"pillow": "99.0"})
    assert "pillow 99.0 (here" in describe_this_machine()
    monkeypatch.setattr(sys, "argv", ["pacslab", "synth", "district-hospital", "--out", "/proc/nothing/here"])
    with pytest.raises(SystemExit), pytest.warns(PacslabWarning, match="requirements.lock names pillow 99.0"):
        main.main()
    assert "cannot be written" in capsys.readouterr().err


def test_version_warning_is_one_line_on_the_command_line():
    line = main.format_warning(PacslabWarning("Mind the codecs."), PacslabWarning, "x.py", 1)
    assert line == "pacslab: Mind the codecs.\n"
    assert "x.py:1" in main.format_warning(UserWarning("other"), UserWarning, "x.py", 1)


@pytest.fixture
def running(places):
    """A deployment that an earlier version of the lab has started and whose servers seem to run."""
    assert places.is_dir(), "a state of its own"
    variant = make_variant("open-archive", "asha")
    deployment = Deployment(load_scenario("open-archive"), variant, "process")

    def by(made: Origin) -> Deployment:
        owner, network = Owner(lab_id(), deployment.id, time.time() + 3600), Network("nothing", {})
        state = State(
            "open-archive", "asha", "process", "1.12.7", owner, network, {}, "x", {}, time.time(), origin=made
        )
        deployment_folder(deployment.id).mkdir(parents=True, exist_ok=True)
        write_state(deployment.id, state)
        return deployment

    yield by
    deployment.stop()
    assert deployment.state is None


def test_version_of_an_older_archive_is_refused(running):
    for made, words in ((Origin(generator="3"), "generator 3, and here"), (Origin(), "an earlier generator")):
        deployment = running(made)
        for use in (deployment.start, lambda deployment=deployment: deployment.answer_key):
            with pytest.raises(DeploymentError, match=words) as caught:
                use()
            assert "lab.stop()), then start again" in caught.value.remedy


def test_version_of_this_archive_is_found_again(running, monkeypatch):
    monkeypatch.setattr(provenance, "PINNED", PINNED | {"pillow": "99.0"})
    deployment = running(origin_of(load_recipe("district-hospital")))
    with pytest.warns(PacslabWarning, match=r"pillow 99\.0"):
        assert deployment.start().student == "asha"


def test_snapshot_of_another_version_is_not_used(monkeypatch):
    scenario, variant = load_scenario("open-archive"), make_variant("open-archive", "asha")
    ours = ArchiveData(scenario, variant, "process", "1.12.7").folder
    assert ArchiveData(scenario, variant, "process", "1.12.7").folder == ours
    assert ArchiveData(scenario, variant, "process", "1.13.0").folder != ours
    assert ArchiveData(scenario, variant, "docker", "1.12.7").folder != ours
    monkeypatch.setattr(snapshot, "GENERATOR_VERSION", "of tomorrow")
    assert ArchiveData(scenario, variant, "process", "1.12.7").folder != ours
