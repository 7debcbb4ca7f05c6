"""One figure of the benchmarks: a time or a size of the lab's against a reference that ran in the same run."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Ratio:
    """``ours`` and ``reference`` in the same ``unit``; good while their quotient is within ``limit``.

    ``limit`` is the most that the quotient may be, or the least where ``at_least`` is set. ``reference_name`` says
    what was measured beside it, ``note`` whatever else a reader wants (such as instances a second).
    """

    name: str
    ours: float
    reference: float
    limit: float
    reference_name: str
    unit: str = "s"
    note: str = ""
    at_least: bool = False

    @property
    def value(self) -> float:
        """Return the quotient."""
        return self.ours / self.reference

    @property
    def good(self) -> bool:
        """Return whether it is within its limit."""
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    def __str__(self) -> str:
        bound = "at least" if self.at_least else "at most"
        note = f"; {self.note}" if self.note else ""
        return (
            f"{'✓' if self.good else '✗'} {self.name}: {self.value:.2f} x {self.reference_name} ({bound} "
            f"{self.limit:g}): {self.ours:.3g} against {self.reference:.3g} {self.unit}{note}"
        )
