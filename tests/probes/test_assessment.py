"""What one look at a deployment does and does not do; the lab's own faults are told apart from the student's."""

import time

import httpx
import pytest

from pacslab.errors import DeploymentError, LabFailureError
from pacslab.grading import write_reference_fix
from pacslab.probes import target
from pacslab.probes.bounded_http import BoundedClient
from pacslab.probes.findings import Outcome
from pacslab.probes.registry import PROBES
from pacslab.probes.target import DicomPeer
from pacslab.scenario import Change
from tests.support.mutants import Mutant, write_mutant
from tests.support.servers import in_process


@pytest.fixture(scope="module")
def fixed(module_session):
    """A deployment with the reference fix."""
    session = module_session("fixed")
    write_reference_fix(session.scenario.id, session.work)
    session.restart()
    return session


def outcomes(assessment, outcome):
    return {finding.id for finding in assessment.findings if finding.outcome is outcome}


def test_assessment_changes_nothing_in_the_archive(running):
    before = sorted(running.archive().get_instances())
    running.assess()
    assert sorted(running.archive().get_instances()) == before
    assert running.device("WS01").get_studies() == []
    assert running.device("ROGUE").get_studies() == []


@in_process
def test_assessment_keeps_images_undrawn_while_deleting(running, monkeypatch):
    """Orthanc 1.12 stands still for ever when it has to, and then the student's archive is found broken."""
    spans = {"draw": [], "delete": []}
    send = BoundedClient.send

    def slowly(client, request, **options):
        path = request.url.path
        kind = "draw" if path.endswith(("/preview", "/rendered")) or path.startswith("/wado") else None
        if request.method == "DELETE" and not path.endswith("0" * 8):  # that one is nobody's
            kind = "delete"
        begun = time.monotonic()
        try:
            if kind:
                time.sleep(0.6)
            return send(client, request, **options)
        finally:
            if kind:
                spans[kind].append((begun, time.monotonic()))

    monkeypatch.setattr(BoundedClient, "send", slowly)
    running.assess()
    assert len(spans["draw"]) >= 3
    assert spans["delete"]
    assert not [
        (drawn, deleted)
        for drawn in spans["draw"]
        for deleted in spans["delete"]
        if drawn[0] < deleted[1] and deleted[0] < drawn[1]
    ]


def starts(session):
    """Return how often the archive's program has started in its server, by its own log."""
    archive = session.deployment.running_state().servers["archive"]
    return sum("Orthanc has started" in line for line in session.deployment.runtime.log(archive, lines=1_000_000))


def test_assessment_with_every_probe_changes_nothing(running):
    """A weakness of another scenario looked for in this one: nothing is deleted, restarted, written or left."""
    archive = running.archive()
    before = sorted(archive.get_instances())
    started = starts(running)
    with target.Target.of(running.deployment) as here:
        for probe in PROBES.values():
            seen = probe.look(here)
            assert seen.evidence
    assert sorted(archive.get_instances()) == before
    assert starts(running) == started >= 1


def test_finding_of_a_partial_fix_says_what_is_missing(fixed):
    weakness = next(mutant for mutant in fixed.scenario.weaknesses if mutant.id == "open-retrieve")
    partial = weakness.partial[0]
    write_mutant(Mutant(fixed.scenario.id, "half", partial.leaves), fixed.scenario, fixed.work)
    fixed.restart()
    assessment = fixed.assess()
    assert {finding.id: finding.explanation for finding in assessment.exposed} == {partial.seen_by[0]: partial.why}
    write_mutant(Mutant(fixed.scenario.id, "whole", weakness.put_back), fixed.scenario, fixed.work)
    fixed.restart()
    whole = fixed.assess().exposed
    assert {instance.id for instance in whole} == set(weakness.probes)
    assert all(instance.explanation == f"{weakness.cost} {weakness.fix}" for instance in whole)


def test_assessment_points_follow_the_server(fixed):
    change = Change(orthanc={"DicomAlwaysAllowFind": True})
    write_mutant(Mutant(fixed.scenario.id, "find", change), fixed.scenario, fixed.work)
    fixed.restart()
    fixed.assess()
    assert {objective.id: objective.points for objective in fixed.score.objectives if objective.stage == "harden"} == {
        "close-web": 10,
        "no-known-password": 10,
        "close-find": 0,
        "close-move": 10,
        "old-device": 0,
    }


def test_retrieve_of_a_study_in_part_is_broken(fixed):
    fixed.reset()
    archive = fixed.archive()
    study = fixed.key.study(fixed.key.facts["clinic_study_uid"])
    question = {"SOPInstanceUID": study.instances[-1].sop_instance_uid}  # not the first, at which the radiologist looks
    [lost] = archive.post_tools_find({"Level": "Instance", "Query": question})
    archive.delete_instances_id(lost)
    assessment = fixed.assess()
    assert outcomes(assessment, Outcome.BROKEN) == {"clinic-workstation-retrieves"}
    expected = int(fixed.key.facts["clinic_study_instances"])
    assert f"{expected - 1} of {expected} images" in assessment.finding("clinic-workstation-retrieves").evidence
    fixed.reset()


def test_assessment_fault_of_the_lab_costs_no_points(fixed, monkeypatch):
    write_reference_fix(fixed.scenario.id, fixed.work)
    fixed.restart()
    fixed.assess()
    earned = fixed.score.points

    def fail(*_):
        raise LabFailureError("the scanner's own disk is full")

    monkeypatch.setattr(DicomPeer, "hold", fail)
    assessment = fixed.assess()
    assert outcomes(assessment, Outcome.LAB_FAILURE) == {"clinic-scanner-stores"}
    assert fixed.check("close-web").passed is None
    assert fixed.score.points == earned


def test_actor_that_does_not_answer_is_reported_in_words(running, monkeypatch):
    monkeypatch.setattr(target, "LAB_ACCOUNT", "somebody-else")
    with pytest.raises(DeploymentError, match="CT01 answered 401"):
        running.assess()


def test_staff_findings_name_what_stops_each_of_them(fixed):
    """The evidence of a broken clinic names who is stuck and why."""
    write_reference_fix(fixed.scenario.id, fixed.work)
    path = fixed.work / "handover.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("username: radiologist", "username: dr-nobody"), encoding="utf-8")
    fixed.restart()
    assessment = fixed.assess()
    assert outcomes(assessment, Outcome.BROKEN) == {"clinic-radiologist-views", "clinic-dicomweb-views"}
    words = assessment.finding("clinic-radiologist-views").evidence
    assert "radiologist" in words
    assert "'dr-nobody'" in words
    assert str(int(httpx.codes.UNAUTHORIZED)) in words
