"""Assess a deployment: run its attack and clinic probes, and collect their findings."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from typing import TYPE_CHECKING

from pacslab.errors import DeploymentError, LabFailureError
from pacslab.pacs import PEERS
from pacslab.probes import attack, clinic  # noqa: F401  (they register their probes)
from pacslab.probes.findings import Assessment, Finding, Outcome, Registered, Side
from pacslab.probes.registry import PROBES, Probe, ProbeResult, probes_for
from pacslab.probes.retry import look_again, mark_lab_failures
from pacslab.probes.target import Target

if TYPE_CHECKING:
    from collections.abc import Callable

    from pacslab.pacs import Deployment
    from pacslab.scenario import Scenario

    Progress = Callable[[str, float], None]

TIME_LIMIT = 60.0  # seconds, for all probes together
_AT_ONCE = 8


def assess(deployment: Deployment, progress: Progress = lambda _message, _part: None) -> Assessment:
    """Run every probe of the deployment's scenario and return their findings.

    Parameters
    ----------
    deployment
        A running deployment.
    progress
        Called with a text and a part from 0 to 1.

    Returns
    -------
    Assessment
        One finding a probe: the attack probes of the scenario's weaknesses in their order, then the clinic probes.

    Raises
    ------
    DeploymentError
        If the deployment or one of its peers is not running, or the archive holds data that is not synthetic.
    ConfigurationError
        If the student's handover cannot be read.

    """
    wanted = probes_for(deployment.scenario)
    alive = deployment.servers_running()
    gone = [name for name in PEERS if not alive.get(name)]
    if alive and gone:
        raise DeploymentError(
            f"{', '.join(gone)} of this lab has ended, so nothing can be assessed",
            "Call start again: it brings back what is missing and keeps your data.",
        )
    deployment.running_state()
    deployment.assert_synthetic()
    with Target.of(deployment) as target:
        ends = time.monotonic() + TIME_LIMIT
        pool = ThreadPoolExecutor(_AT_ONCE)

        def alone(name: str) -> Finding | None:
            anew = replace(target)  # it caches which addresses answered, and a busy one may not have
            try:
                return pool.submit(_look, PROBES[name], anew, deployment.scenario).result(ends - time.monotonic())
            except TimeoutError:
                return None

        try:
            results = _side_by_side(pool, wanted, target, deployment.scenario, progress)
            look_again(results, alone, progress)
            mark_lab_failures(results, target)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
    return Assessment(findings=tuple(_explained(results[probe.id], results, deployment.scenario) for probe in wanted))


def _side_by_side(
    pool: ThreadPoolExecutor, wanted: list[Probe], target: Target, scenario: Scenario, progress: Progress
) -> dict[str, Finding]:
    """Run the probes in parallel; return their findings by id. A probe that is not done in time is given up."""
    results: dict[str, Finding] = {}
    running = [pool.submit(_look, probe, target, scenario) for probe in wanted]
    try:
        for done in as_completed(running, timeout=TIME_LIMIT):
            finding = done.result()
            results[finding.id] = finding
            progress(finding.title, len(results) / len(wanted))
    except TimeoutError:
        for probe in wanted:
            results.setdefault(probe.id, _given_up(probe, scenario))
    return results


def _look(probe: Probe, target: Target, scenario: Scenario) -> Finding:
    started = time.perf_counter()
    try:
        seen = probe.look(target)
    except LabFailureError as reason:
        seen = ProbeResult(False, f"The lab itself failed: {reason}. This does not count against you.")
        outcome = Outcome.LAB_FAILURE
    except Exception as reason:  # noqa: BLE001  (a probe's bug must not look like a closed door)
        seen = ProbeResult(False, f"The probe itself failed ({type(reason).__name__}: {reason}). Please report this.")
        outcome = Outcome.LAB_FAILURE
    else:
        outcome = _outcome(probe, reached=seen.reached)
    return _finding(probe, scenario, outcome, seen, time.perf_counter() - started)


def _outcome(probe: Probe, *, reached: bool) -> Outcome:
    yes, no = {
        Side.ATTACK: (Outcome.EXPOSED, Outcome.CLOSED),
        Side.CLINIC: (Outcome.WORKS, Outcome.BROKEN),
    }[probe.side]
    return yes if reached else no


def _given_up(probe: Probe, scenario: Scenario) -> Finding:
    """Return the finding of a probe that the archive held up: closed to a stranger, broken for the staff."""
    seen = ProbeResult(False, f"The archive held this up for {TIME_LIMIT:.0f} s without an end, and it was given up.")
    return _finding(probe, scenario, _outcome(probe, reached=False), seen, TIME_LIMIT)


def _finding(probe: Probe, scenario: Scenario, outcome: Outcome, seen: ProbeResult, seconds: float) -> Finding:
    return Finding(
        id=probe.id,
        side=probe.side,
        title=probe.title,
        outcome=outcome,
        severity=probe.severity,
        evidence=seen.evidence,
        try_it=seen.try_it,
        explanation=probe.explanation,
        weaknesses=tuple(weakness.id for weakness in scenario.weaknesses if probe.id in weakness.probes),
        seconds=round(seconds, 3),
    )


def _explained(finding: Finding, results: dict[str, Finding], scenario: Scenario) -> Finding:
    """Add to an exposed finding its cost and fix; or, if a weakness is partly fixed, why that is not enough."""
    if finding.outcome is not Outcome.EXPOSED:
        return finding
    exposed = {name: seen.evidence for name, seen in results.items() if seen.outcome is Outcome.EXPOSED}
    own = [weakness for weakness in scenario.weaknesses if finding.id in weakness.probes]
    words = dict.fromkeys(weakness.explained(exposed) for weakness in own)
    registered = tuple(
        Registered(
            id=weakness.id,
            title=weakness.title,
            cwe=weakness.cwe,
            cvss=weakness.cvss,
            score=weakness.score,
            severity=weakness.severity,
            controls=weakness.controls,
            source=weakness.source.source,
        )
        for weakness in own
    )
    return finding.model_copy(update={"explanation": " ".join(words), "registered": registered})
