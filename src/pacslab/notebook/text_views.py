"""Results as plain text, for terminals and for notebooks read without HTML."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from rich.console import Console

from pacslab.console import assessment_tables, status_line, status_table
from pacslab.notebook.html_views import STAGES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import RenderableType

    from pacslab.deid import DeidReport
    from pacslab.grading import Score
    from pacslab.probes import Assessment
    from pacslab.session_models import CheckResult, Hint, ObjectiveStatus, Status

_WIDTH = 100


def plain(*parts: RenderableType) -> str:
    """Return rich's output without colours, 100 columns wide."""
    screen = Console(file=io.StringIO(), width=_WIDTH, color_system=None, force_terminal=False, force_jupyter=False)
    for part in parts:
        screen.print(part, highlight=False)
    written = screen.file
    return written.getvalue() if isinstance(written, io.StringIO) else ""


def status(now: Status) -> str:
    """Return the servers and their state."""
    return plain(status_table(now), status_line(now)) if now.servers else plain(status_line(now))


def assessment(seen: Assessment, since: Iterable[str] = ()) -> str:
    """Return both sides, and the changes since the previous assessment."""
    return "\n".join([plain(*assessment_tables(seen)), *since])


def score(now: Score) -> str:
    """Return the points of each stage and objective."""
    lines = [f"{now.points} of {now.out_of} points"]
    for stage, words in STAGES.items():
        points, out_of = now.stage(stage)
        if out_of:
            lines.append(f"{words}: {points} of {out_of}")
            lines += [
                f"  {'✓' if part.points else '·'} {part.points:>3} of {part.out_of:<3} {part.title} ({part.id})"
                for part in now.objectives
                if part.stage == stage
            ]
    return "\n".join(lines)


def check(result: CheckResult) -> str:
    """Return a check's result."""
    sign = {True: "✓", False: "✗", None: "…"}[result.passed]
    points = f" ({result.points} of {result.out_of} points)" if result.out_of else ""
    lines = [f"{sign} {result.title}: {result.message}{points}"]
    lines += [f"  - {reason}" for reason in result.reasons]
    return "\n".join([*lines, result.explanation]).rstrip()


def hint(next_hint: Hint) -> str:
    """Return a hint."""
    return (
        f"Hint {next_hint.number} of {next_hint.out_of}: {next_hint.text}"
        if next_hint.out_of
        else "There are no hints for this one."
    )


def task(objective: ObjectiveStatus) -> str:
    """Return a question."""
    return f"{objective.title} ({objective.points} points)\n{objective.text}"


def audit(report: DeidReport, only: tuple[str, ...] = ()) -> str:
    """Return the checks of a de-identification, all or those named."""
    if not only:
        return report.summary()
    lines = []
    for check in report.checks:
        if check.id in only:
            lines.append(f"{'✓' if check.passed else '✗'} {check.title} ({check.id})")
            lines += [f"  - {words}" for words in check.worst]
    return "\n".join(lines)


def changes(rows: Iterable[tuple[str, str, str]], name: str) -> str:
    """Return the lines of a file that differ."""
    lines = [f"{sign} {text}" for sign, _, text in rows]
    return "\n".join([f"{name}:", *lines]) if lines else f"{name}: as shipped."
