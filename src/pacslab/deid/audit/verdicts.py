"""Findings of the checks - faults, and what was kept or lost - and the verdict on each check that they add up to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pacslab.deid.audit.report.model import TITLES, AuditCheck, Tally

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pacslab.deid.audit.report.model import CheckId

MOST_SENTENCES = 8
"""How many faults of one check are named; the rest are counted."""


@dataclass(frozen=True)
class Fault:
    """A fault of a file (empty where it is of none), by the check that fails for it."""

    check: CheckId
    sentence: str
    file: str = ""


@dataclass(frozen=True)
class Kept:
    """One thing that research needs, by its kind: kept, or lost."""

    name: str
    kept: bool


Finding = Fault | Kept


class AuditVerdicts:
    """The faults of each check and the tallies of what was kept; nothing of it changes.

    Parameters
    ----------
    findings
        What the checks found, in the order in which it is reported.

    """

    def __init__(self, findings: Iterable[Finding] = ()) -> None:
        self._faults: dict[CheckId, dict[str, list[str]]] = {}
        self._kept: dict[str, list[bool]] = {}
        for finding in findings:
            if isinstance(finding, Fault):
                self._faults.setdefault(finding.check, {}).setdefault(finding.sentence, []).append(finding.file)
            else:
                self._kept.setdefault(finding.name, []).append(finding.kept)

    def failed(self, check: CheckId) -> bool:
        """Whether a check has any fault."""
        return check in self._faults

    def checked(self, check: CheckId) -> AuditCheck:
        """Return the result of a check; the same sentence about several files stands in it once."""
        faults = self._faults.get(check, {})
        sentences = [f"{sentence}{_in_files(files)}" for sentence, files in faults.items()]
        worst = sentences[:MOST_SENTENCES]
        if len(sentences) > MOST_SENTENCES:
            worst.append(f"and {len(sentences) - MOST_SENTENCES} more")
        count = sum(len(files) for files in faults.values())
        return AuditCheck(id=check, title=TITLES[check], passed=not faults, worst=tuple(worst), count=count)

    @property
    def kept(self) -> tuple[Tally, ...]:
        """Return the tallies in the order in which they were first counted."""
        return tuple(Tally(name=name, good=sum(counted), total=len(counted)) for name, counted in self._kept.items())


def _in_files(files: list[str]) -> str:
    named = sorted({file for file in files if file})
    if not named:
        return ""
    return f" ({named[0]}{f' and {len(named) - 1} more' if len(named) > 1 else ''})"
