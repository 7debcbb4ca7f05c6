"""What is wrong with an output, and how many things there are of a kind: what every check of the audit returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pydicom.datadict import keyword_for_tag

from pacslab.deid.audit.report.model import TITLES, AuditCheck, Tally

if TYPE_CHECKING:
    from pacslab.deid.audit.report.model import CheckId

MOST_SENTENCES = 8
"""How many faults of one check are told; the rest are counted."""


@dataclass
class AuditVerdicts:
    """What is wrong, by check, and tallies of what was kept, by name; each check of the audit adds its own."""

    _faults: dict[CheckId, dict[str, list[str]]] = field(default_factory=dict)
    _kept: dict[str, list[bool]] = field(default_factory=dict)

    def wrong(self, check: CheckId, sentence: str, file: str = "") -> None:
        """Add a fault of a file; the same sentence about several files is told once."""
        self._faults.setdefault(check, {}).setdefault(sentence, []).append(file)

    def keep(self, name: str, kept: bool) -> None:
        """Count one thing that research needs: kept, or lost."""
        self._kept.setdefault(name, []).append(kept)

    def faults(self, check: CheckId) -> list[tuple[str, str]]:
        """Return (sentence, file) of every fault of a check."""
        return [(sentence, file) for sentence, files in self._faults.get(check, {}).items() for file in files]

    def checked(self, check: CheckId) -> AuditCheck:
        """Return the result of a check."""
        faults = self._faults.get(check, {})
        told = [f"{sentence}{_in_files(files)}" for sentence, files in faults.items()]
        worst = told[:MOST_SENTENCES]
        if len(told) > MOST_SENTENCES:
            worst.append(f"and {len(told) - MOST_SENTENCES} more")
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


def attribute(path: str) -> str:
    """Return an attribute as a person finds it: ``PatientName (0010,0010)``; other places as they are."""
    if not path.startswith("("):
        return path
    steps = [keyword_for_tag(step[1:5] + step[6:10]) for step in path.split(".")]
    named = " > ".join(step for step in steps if step)
    return f"{named} {path}".strip()
