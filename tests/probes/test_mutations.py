"""The probes are proven by mutation, for every folder under ``scenarios/`` and every weakness that it names.

What ships is open in exactly its weaknesses, the reference fix is not, and each weakness put back is seen by exactly
its probes. Nothing here lists a scenario, a weakness or a setting.
"""

import shutil
from contextlib import ExitStack

import pytest

from pacslab.errors import ConfigurationError
from pacslab.grading import write_reference_fix
from pacslab.probes.findings import Outcome, Side
from pacslab.probes.probe_instances import synthetic_image
from pacslab.probes.target import Target
from pacslab.scenario import load_scenario, scenario_ids
from tests.support.mutants import useless, weakened, write_mutant
from tests.support.servers import in_process, sessions
from tests.support.shown_commands import type_by_hand

SCENARIOS = scenario_ids()
WEAKENED = [mutant for name in SCENARIOS for mutant in weakened(load_scenario(name))]
USELESS = [mutant for name in SCENARIOS for mutant in useless(load_scenario(name))]


def a_spread(mutants):
    """Return one mutant of each scenario, of another kind each time."""
    spread = []
    for number, scenario in enumerate(SCENARIOS):
        own = [mutant for mutant in mutants if mutant.scenario == scenario]
        spread.append(own[number % len(own)])
    return spread


def for_each_mutant(mutants):
    """Run a test with each mutant as processes, and with one of each scenario, as restarts take longer, in Docker."""
    pairs = [("process", mutant) for mutant in mutants] + [("docker", mutant) for mutant in a_spread(mutants)]
    marks = {"process": (), "docker": pytest.mark.docker}
    named = [
        pytest.param(*pair, id=f"{pair[0]}-{pair[1].scenario}: {pair[1].name}", marks=marks[pair[0]]) for pair in pairs
    ]
    return pytest.mark.parametrize(("runtime", "mutant"), named, indirect=["runtime"])


def by_scenario(params):
    """Return the worker group of a test: all of a scenario's use its one deployment in turn."""
    return f"mutations of {params['mutant'].scenario if 'mutant' in params else params.get('scenario')}"


pytestmark = pytest.mark.worker_group.with_args(by_scenario)


class Deployments:
    """The one deployment of each scenario in each runtime, which all tests of this file use in turn.

    They live as long as the file, whichever parameter ``runtime`` has: a mutant restarts the archive and nothing else.
    """

    def __init__(self, stack):
        self._stack = stack
        self._running = {}
        self._looked = {}

    def of(self, runtime, scenario):
        """Return a scenario's deployment, to be changed."""
        self._looked.pop((runtime, scenario), None)
        return self._session(runtime, scenario)

    def as_shipped(self, runtime, scenario):
        """Return a scenario's deployment as it ships, and what is seen of it; looked at once as long as it stays so."""
        session = self._session(runtime, scenario)
        if (runtime, scenario) not in self._looked:
            self._looked[runtime, scenario] = shipped_again(session).assess()
        return session, self._looked[runtime, scenario]

    def _session(self, runtime, scenario):
        if (runtime, scenario) not in self._running:
            start = self._stack.enter_context(sessions(runtime, f"mutations-{runtime}", scenario))
            self._running[runtime, scenario] = start("mutant")
        return self._running[runtime, scenario]


@pytest.fixture(scope="module")
def deployments():
    with ExitStack() as stack:
        yield Deployments(stack)


def outcomes(assessment, outcome):
    return {finding.id for finding in assessment.findings if finding.outcome is outcome}


def told(assessment):
    return [
        (finding.id, finding.outcome.value, finding.evidence)
        for finding in assessment.findings
        if not finding.outcome.good
    ]


def shipped_again(session):
    session.reset()
    return session


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_scenario_as_shipped_fails_exactly_its_weaknesses(deployments, runtime, scenario):
    session, assessment = deployments.as_shipped(runtime, scenario)
    weak = {probe for mutant in session.scenario.weaknesses for probe in mutant.probes}
    assert outcomes(assessment, Outcome.EXPOSED) == weak == {finding.id for finding in assessment.side(Side.ATTACK)}, (
        told(assessment)
    )
    assert outcomes(assessment, Outcome.WORKS) == {finding.id for finding in assessment.side(Side.CLINIC)}, told(
        assessment
    )
    assert all(finding.evidence and finding.explanation for finding in assessment.findings)
    assert all(finding.try_it for finding in assessment.side(Side.ATTACK))
    assert session.score.stage("harden")[0] == 0


@in_process
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_finding_command_typed_by_hand_reaches_the_same(deployments, runtime, scenario, tmp_path, program):
    """The placeholders are filled in as a student does: a password from the handover, a file of one's own."""
    session, assessment = deployments.as_shipped(runtime, scenario)
    work = tmp_path / "work"
    if any("capture.pcap" in shown_finding.try_it for shown_finding in assessment.exposed):
        session.eavesdrop()
    shutil.copytree(session.work, work)
    (work / "note.txt").write_text("a note", encoding="utf-8")
    with Target.of(session.deployment) as site:
        (work / "FILE.dcm").write_bytes(synthetic_image(site, "by-hand", "BY HAND")[1])
    for finding in assessment.exposed:
        in_clear = finding.id in {"tls-web-none", "tls-dicom-none"}
        type_by_hand(finding.try_it, session, work, program, a_refusal_will_do=in_clear)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_reference_fix_closes_and_earns_everything(deployments, runtime, scenario):
    session = deployments.of(runtime, scenario)
    write_reference_fix(scenario, session.work)
    session.restart()
    assessment = session.assess()
    assert assessment.good, told(assessment)
    earned, possible = session.score.stage("harden")
    assert earned == possible > 0


@for_each_mutant(WEAKENED)
def test_mutant_with_a_weakness_is_found_by_its_probes_alone(deployments, runtime, mutant):
    session = deployments.of(runtime, mutant.scenario)
    write_mutant(mutant, session.scenario, session.work)
    session.restart()
    assessment = session.assess()
    assert outcomes(assessment, Outcome.EXPOSED) == mutant.exposed, told(assessment)
    for finding in assessment.exposed:
        assert mutant.told in finding.explanation
        assert mutant.name.split(":")[0] in {known.id for known in finding.registered}
    assert not assessment.broken, told(assessment)
    assert not assessment.failures, told(assessment)
    earned, possible = session.score.stage("harden")
    assert earned < possible


@for_each_mutant(USELESS)
def test_mutant_that_stops_the_clinic_too_earns_nothing(deployments, runtime, mutant):
    session = deployments.of(runtime, mutant.scenario)
    write_mutant(mutant, session.scenario, session.work)
    session.restart()
    assessment = session.assess()
    assert assessment.broken
    assert not assessment.exposed, told(assessment)
    assert not assessment.failures, told(assessment)
    assert session.score.stage("harden")[0] == 0


@in_process
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_mutant_on_another_port_is_refused_and_earns_nothing(deployments, runtime, scenario):
    session = shipped_again(deployments.of(runtime, scenario))
    session.assess()
    path = session.work / "orthanc.json"
    path.write_text(path.read_text(encoding="utf-8").replace("8042", "8043", 1), encoding="utf-8")
    try:
        with pytest.raises(ConfigurationError, match="8042"):
            session.restart()
        session.assess()
        assert session.score.stage("harden")[0] == 0
    finally:
        shipped_again(session)


@in_process
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_mutant_with_a_wiped_archive_earns_nothing(deployments, runtime, scenario):
    session = shipped_again(deployments.of(runtime, scenario))
    write_reference_fix(scenario, session.work)
    session.restart()
    with (
        Target.of(session.deployment) as site,
        site.web(site.handover.web.administrator) as client,
    ):
        for patient in client.get("/patients").json():
            client.delete(f"/patients/{patient}")
        assert client.get("/patients").json() == []
    assessment = session.assess()
    broken = {"clinic-workstation-finds", "clinic-workstation-retrieves", "clinic-radiologist-views"}
    assert broken <= outcomes(assessment, Outcome.BROKEN)
    assert session.score.stage("harden")[0] == 0
    shipped_again(session)


def test_mutants_are_at_least_forty():
    names = [(mutant.scenario, mutant.name) for mutant in (*WEAKENED, *USELESS)]
    assert len(set(names)) == len(names) >= 40
