"""Tables for people on the terminal. Colours are never the only difference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from pacslab.probes import Outcome, Side

if TYPE_CHECKING:
    from pacslab.demo import Demo
    from pacslab.probes import Assessment, Finding
    from pacslab.session_models import Status


@dataclass(frozen=True)
class OutcomeStyle:
    """How an outcome looks: its sign, and word and colour in a terminal (rich) and on a page (CSS class)."""

    sign: str
    word: str
    colour: str
    page_word: str
    page_class: str


OUTCOMES = {
    Outcome.EXPOSED: OutcomeStyle("✗", "EXPOSED", "bold red", "open", "bad"),
    Outcome.CLOSED: OutcomeStyle("✓", "closed", "green", "closed", "good"),
    Outcome.WORKS: OutcomeStyle("✓", "works", "green", "works", "good"),
    Outcome.BROKEN: OutcomeStyle("✗", "BROKEN", "bold red", "broken", "bad"),
    Outcome.LAB_FAILURE: OutcomeStyle("?", "lab failed", "yellow", "lab failed", "unsure"),
}
_SIDES = {Side.ATTACK: "A stranger tries to", Side.CLINIC: "The hospital's day"}


def outcome_text(outcome: Outcome) -> Text:
    """Return an outcome as a sign, a word and a colour.

    Examples
    --------
    >>> outcome_text(Outcome.EXPOSED).plain
    '✗ EXPOSED'
    >>> outcome_text(Outcome.CLOSED).plain
    '✓ closed'

    """
    style = OUTCOMES[outcome]
    return Text(f"{style.sign} {style.word}", style=style.colour)


def _seen(finding: Finding, *, details: bool) -> Text:
    """Return a finding's evidence; of a bad finding also its weaknesses and, with details, why it matters."""
    words = Text(finding.evidence)
    if finding.outcome.good:
        return words
    for weakness in finding.registered:
        words.append(f"\n{weakness.title} ({weakness.line})", style="dim")
    if details:
        words.append(f"\n{finding.explanation}")
        for weakness in finding.registered:
            words.append(f"\nBreaks: {'; '.join(weakness.controls)}. It happened: {weakness.source}.", style="dim")
        if finding.try_it:
            words.append(f"\nBy hand: {finding.try_it}")
    return words


def assessment_tables(assessment: Assessment, *, details: bool = False) -> list[Table]:
    """Return a table for each side; with details each bad finding says why it matters and how to try it."""
    tables = []
    for side in Side:
        table = Table(title=_SIDES[side], title_justify="left", show_lines=True, expand=True)
        table.add_column("", ratio=3)
        table.add_column("result", no_wrap=True)
        table.add_column("what was seen", ratio=6)
        for finding in assessment.side(side):
            table.add_row(finding.title, outcome_text(finding.outcome), _seen(finding, details=details))
        tables.append(table)
    return tables


def status_table(status: Status) -> Table:
    """Return a deployment's servers and figures."""
    title = f"{status.title} · student {status.student} · {status.points} of {status.out_of} points"
    table = Table(title=title, title_justify="left")
    for column in ("server", "what it is", "web", "DICOM", "state"):
        table.add_column(column)
    for server in status.servers:
        table.add_row(server.name, server.role, server.url, server.dicom, "✓ running" if server.running else "✗ ended")
    return table


def status_line(status: Status) -> str:
    """Return a deployment's runtime, Orthanc version and time left in a line.

    Examples
    --------
    >>> from pacslab.session_models import Status
    >>> status_line(Status(scenario="s", title="T", student="asha", running=False, work="w", points=0, out_of=9))
    'T: not running. Start it with: pacslab start s'

    """
    if not status.servers:
        return f"{status.title}: not running. Start it with: pacslab start {status.scenario}"
    hours, minutes = divmod(status.seconds_left // 60, 60)
    return (
        f"Runtime {status.runtime}, Orthanc {status.orthanc}; ends by itself in {hours} h {minutes:02} min. "
        f"Your files: {status.work}"
    )


def demo_table(demo: Demo) -> Table:
    """Return every probe and every count, before and after."""
    table = Table(title="The open archive, before and after the fix", title_justify="left")
    table.add_column("")
    table.add_column("before", no_wrap=True)
    table.add_column("after", no_wrap=True)
    for side in Side:
        table.add_row(Text(_SIDES[side], style="bold"), "", "")
        for finding in demo.before.side(side):
            table.add_row(
                f"  {finding.title}",
                outcome_text(finding.outcome),
                outcome_text(demo.after.finding(finding.id).outcome),
            )
    table.add_section()
    table.add_row(Text("What leaked to somebody without a password", style="bold"), "", "")
    for name, words in (
        ("patients", "patients, over the web"),
        ("studies", "studies, over the web"),
        ("instances", "images and documents, over the web"),
        ("studies_over_dicom", "studies, found by a stranger's device"),
    ):
        table.add_row(f"  {words}", str(getattr(demo.leaked_before, name)), str(getattr(demo.leaked_after, name)))
    table.add_section()
    passed = sum(demo.deid_checks.values())
    table.add_row("De-identified study: checks of the audit passed", "", f"{passed} of {len(demo.deid_checks)}")
    table.add_row("Points", "", f"{demo.points} of {demo.out_of}")
    return table
