"""Look at a deployment from both sides at once."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from typing import TYPE_CHECKING

from pacslab.errors import DeploymentError
from pacslab.pacs import PEERS
from pacslab.probes import attack, clinic  # noqa: F401  (they register their probes)
from pacslab.probes.findings import Assessment, Finding, Outcome, Registered, Side
from pacslab.probes.registry import PROBES, Probe, ProbeResult, probes_for
from pacslab.probes.retry import look_again, mark_lab_failures
from pacslab.probes.target import LabFailureError, Target

if TYPE_CHECKING:
    from collections.abc import Callable

    from pacslab.pacs import Deployment
    from pacslab.scenario import Scenario

    Progress = Callable[[str, float], None]

TIME_LIMIT = 60.0  # seconds, for all probes together
_AT_ONCE = 8


def assess(deployment: Deployment, progress: Progress = lambda _message, _part: None) -> Assessment:
    """Run every probe of the deployment's scenario and return what they saw.

    Raises
    ------
    DeploymentError
        If the deployment or one of its actors is not running, or the archive holds data that is not synthetic.
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
    with Target.of(deployment) as site:
        ends = time.monotonic() + TIME_LIMIT
        pool = ThreadPoolExecutor(_AT_ONCE)

        def alone(name: str) -> Finding | None:
            anew = replace(site)  # it remembers which doors answered, and a busy one may not have
            try:
                return pool.submit(_look, PROBES[name], anew, deployment.scenario).result(ends - time.monotonic())
            except TimeoutError:
                return None

        try:
            results = _side_by_side(pool, wanted, site, deployment.scenario, progress)
            look_again(results, alone, progress)
            mark_lab_failures(results, site)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
    return Assessment(findings=tuple(_explained(results[one.id], results, deployment.scenario) for one in wanted))


def _side_by_side(
    pool: ThreadPoolExecutor, wanted: list[Probe], site: Target, scenario: Scenario, progress: Progress
) -> dict[str, Finding]:
    """Return what every probe found, by its id; what has not come to an end when the time is over is given up."""
    results: dict[str, Finding] = {}
    running = [pool.submit(_look, one, site, scenario) for one in wanted]
    try:
        for done in as_completed(running, timeout=TIME_LIMIT):
            finding = done.result()
            results[finding.id] = finding
            progress(finding.title, len(results) / len(wanted))
    except TimeoutError:
        for one in wanted:
            results.setdefault(one.id, _given_up(one, scenario))
    return results


def _look(probe: Probe, site: Target, scenario: Scenario) -> Finding:
    started = time.perf_counter()
    try:
        seen = probe.look(site)
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
    """Return the finding of a probe that the archive held up: a stranger would go away, and the staff stand still."""
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
        weaknesses=tuple(one.id for one in scenario.weaknesses if probe.id in one.probes),
        seconds=round(seconds, 3),
    )


def _explained(finding: Finding, results: dict[str, Finding], scenario: Scenario) -> Finding:
    """Say what an open way costs and how it is closed; or, if half of a weakness is fixed, why that is not enough."""
    if finding.outcome is not Outcome.EXPOSED:
        return finding
    exposed = {name: one.evidence for name, one in results.items() if one.outcome is Outcome.EXPOSED}
    own = [one for one in scenario.weaknesses if finding.id in one.probes]
    words = dict.fromkeys(one.explained(exposed) for one in own)
    registered = tuple(
        Registered(
            id=one.id,
            title=one.title,
            cwe=one.cwe,
            cvss=one.cvss,
            score=one.score,
            severity=one.severity,
            controls=one.controls,
            source=one.source.source,
        )
        for one in own
    )
    return finding.model_copy(update={"explanation": " ".join(words), "registered": registered})
