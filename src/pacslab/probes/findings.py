"""What a probe saw."""

from __future__ import annotations

from enum import StrEnum

from pacslab.models import VersionTolerantModel
from pacslab.scenario import Severity  # noqa: TC001  (pydantic reads it)


class Side(StrEnum):
    """Who the probe stands in for."""

    ATTACK = "attack"
    CLINIC = "clinic"


class Outcome(StrEnum):
    """What became of it. ``LAB_FAILURE`` is the lab's own fault and never counts against the student."""

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
    """What the weakness registry says of a weakness that was found: its class, its CVSS 4.0 score, whom it breaks with.

    ``source`` is where the figures of what it cost come from.
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
        """Return class and score in one line."""
        return f"{self.cwe}, CVSS 4.0: {self.score} ({self.severity.value})"


class Finding(VersionTolerantModel):
    """One probe's result. ``seconds`` is how long it took; ``weaknesses`` are the scenario's that it belongs to.

    ``registered`` is what the registry says of them, where the probe reached what it was after.
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
    """All findings of one look at a deployment, attack side first."""

    findings: tuple[Finding, ...]

    def side(self, side: Side) -> tuple[Finding, ...]:
        """Return the findings of one side."""
        return tuple(one for one in self.findings if one.side is side)

    def finding(self, probe: str) -> Finding:
        """Return one probe's finding.

        Raises
        ------
        KeyError
            If that probe was not run.

        """
        for one in self.findings:
            if one.id == probe:
                return one
        raise KeyError(probe)

    @property
    def exposed(self) -> tuple[Finding, ...]:
        """Return the ways in that a stranger still has."""
        return tuple(one for one in self.findings if one.outcome is Outcome.EXPOSED)

    @property
    def broken(self) -> tuple[Finding, ...]:
        """Return what the hospital can no longer do."""
        return tuple(one for one in self.findings if one.outcome is Outcome.BROKEN)

    @property
    def failures(self) -> tuple[Finding, ...]:
        """Return what could not be looked at, through a fault of the lab itself."""
        return tuple(one for one in self.findings if one.outcome is Outcome.LAB_FAILURE)

    @property
    def good(self) -> bool:
        """Return whether every way in is closed and the hospital works."""
        return all(one.outcome.good for one in self.findings)
