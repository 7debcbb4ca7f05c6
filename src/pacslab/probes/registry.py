"""The registry of probes. A probe is a function that tries something on a target and reports the result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pacslab.errors import ScenarioError
from pacslab.pacs import read_configuration
from pacslab.probes.findings import Side
from pacslab.scenario import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable

    from pacslab.probes.target import Target
    from pacslab.scenario import Scenario, Severity


@dataclass(frozen=True)
class ProbeResult:
    """Whether a probe reached its goal, the evidence in words, and the command to try it by hand."""

    reached: bool
    evidence: str
    try_it: str = ""


@dataclass(frozen=True)
class Probe:
    """An attack that strangers try, or a task of the hospital's day."""

    id: str
    side: Side
    title: str
    severity: Severity
    explanation: str
    look: Callable[[Target], ProbeResult]
    applies: Callable[[Scenario], bool]


PROBES: dict[str, Probe] = {}


def always(_scenario: Scenario) -> bool:
    """Return True: the probe belongs to every scenario."""
    return True


def has_web_viewer(scenario: Scenario) -> bool:
    """Return whether the hospital's wards view images through DICOMweb: the shipped archive has it enabled."""
    shipped = read_configuration(scenario.folder / "orthanc.json").get("DicomWeb")
    return isinstance(shipped, dict) and shipped.get("Enable") is True


def probe(
    name: str, side: Side, title: str, severity: Severity, applies: Callable[[Scenario], bool] = always
) -> Callable[[Callable[[Target], ProbeResult]], Callable[[Target], ProbeResult]]:
    """Register a function as a probe; its docstring's first line is the explanation that a student reads.

    ``applies`` tells for a scenario whether a clinic probe belongs to its hospital's day.
    """

    def register(look: Callable[[Target], ProbeResult]) -> Callable[[Target], ProbeResult]:
        if name in PROBES:
            raise ValueError(f"the probe {name!r} is registered twice")
        explanation = (look.__doc__ or "").strip().splitlines()[0]
        PROBES[name] = Probe(name, side, title, severity, explanation, look, applies)
        return look

    return register


def probes_for(scenario: Scenario) -> list[Probe]:
    """Return the attack probes of a scenario's weaknesses, in their order, then the clinic probes that apply.

    Raises
    ------
    ScenarioError
        If the scenario names a probe that does not exist.

    Examples
    --------
    >>> from pacslab.probes import PROBES, probes_for
    >>> from pacslab.scenario import load_scenario
    >>> PROBES["dicom-find-stranger"].title
    'Search the archive as an unknown device'
    >>> [probe.id for probe in probes_for(load_scenario("open-archive")) if probe.side == "clinic"][0]
    'clinic-scanner-stores'

    """
    wanted: dict[str, Probe] = {}
    attacks = [probe.id for probe in PROBES.values() if probe.side is Side.ATTACK]
    for weakness in scenario.weaknesses:
        for name in weakness.probes:
            if name not in attacks:
                raise ScenarioError(
                    f"{scenario.folder / 'scenario.yaml'}: the weakness {weakness.id!r} names the probe {name!r}, "
                    "which does not exist",
                    did_you_mean(name, attacks) or f"The attack probes are: {', '.join(attacks)}.",
                )
            wanted[name] = PROBES[name]
    clinic = [probe for probe in PROBES.values() if probe.side is Side.CLINIC and probe.applies(scenario)]
    return [*wanted.values(), *clinic]
