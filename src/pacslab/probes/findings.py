"""Findings: the results of probes, and the assessment that collects them."""

from __future__ import annotations

from enum import StrEnum

from pacslab.models import VersionTolerantModel
from pacslab.scenario import Severity  # noqa: TC001  (pydantic reads it)


class Side(StrEnum):
    """Who the probe acts for: an attacker or the clinic."""

    ATTACK = "attack"
    CLINIC = "clinic"


class Outcome(StrEnum):
    """A probe's outcome. ``LAB_FAILURE`` is the lab's own fault and never counts against the student."""

    EXPOSED = "exposed"
    CLOSED = "closed"
    WORKS = "works"
    BROKEN = "broken"
    LAB_FAILURE = "lab-failure"

    @property
    def good(self) -> bool:
        """Return whether this is what a hardened server shows."""
        return self in {Outcome.CLOSED, Outcome.WORKS}


class Registered(VersionTolerantModel):
    """The weakness registry's entry of a weakness that was found: CWE class, CVSS 4.0 score, broken controls.

    ``source`` is the source of the figures of its cost.
    """

    id: str
    title: str
    cwe: str
    cvss: str
    score: float
    severity: Severity
    controls: tuple[str, ...]
    source: str

    @property
    def line(self) -> str:
        """Return CWE class and CVSS score in a line."""
        return f"{self.cwe}, CVSS 4.0: {self.score} ({self.severity.value})"


class Finding(VersionTolerantModel):
    """One probe's result: outcome, evidence in words, and the command to try it by hand.

    ``seconds`` is how long it took; ``weaknesses`` are those of the scenario that the probe belongs to. ``registered``
    are their registry entries, where the probe reached its goal.
    """

    id: str
    side: Side
    title: str
    outcome: Outcome
    severity: Severity
    evidence: str
    try_it: str
    explanation: str
    weaknesses: tuple[str, ...] = ()
    registered: tuple[Registered, ...] = ()
    seconds: float


class Assessment(VersionTolerantModel):
    """All findings of one assessment of a deployment, attack side first.

    Examples
    --------
    >>> finding = Finding(id="dicom-echo-stranger", side=Side.ATTACK, title="Open an association as an unknown device",
    ...     outcome=Outcome.EXPOSED, severity=Severity.LOW, evidence="It answered.", try_it="echoscu ...",
    ...     explanation="...", seconds=0.1)
    >>> assessment = Assessment(findings=(finding,))
    >>> assessment.good, [finding.id for finding in assessment.exposed]
    (False, ['dicom-echo-stranger'])

    """

    findings: tuple[Finding, ...]

    def side(self, side: Side) -> tuple[Finding, ...]:
        """Return the findings of one side."""
        return tuple(finding for finding in self.findings if finding.side is side)

    def finding(self, probe: str) -> Finding:
        """Return one probe's finding.

        Raises
        ------
        KeyError
            If that probe was not run.

        """
        for finding in self.findings:
            if finding.id == probe:
                return finding
        raise KeyError(probe)

    @property
    def exposed(self) -> tuple[Finding, ...]:
        """Return the ways in that a stranger still has."""
        return tuple(finding for finding in self.findings if finding.outcome is Outcome.EXPOSED)

    @property
    def broken(self) -> tuple[Finding, ...]:
        """Return the clinic's tasks that no longer work."""
        return tuple(finding for finding in self.findings if finding.outcome is Outcome.BROKEN)

    @property
    def failures(self) -> tuple[Finding, ...]:
        """Return the probes that could not be run, through a fault of the lab itself."""
        return tuple(finding for finding in self.findings if finding.outcome is Outcome.LAB_FAILURE)

    @property
    def good(self) -> bool:
        """Return whether every way in is closed and the hospital works."""
        return all(finding.outcome.good for finding in self.findings)
