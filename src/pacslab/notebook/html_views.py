"""Results as HTML for notebooks, rendered from the templates.

Values are escaped: names and comments come from DICOM files, and a file may hold markup.
"""

from __future__ import annotations

import os
import re
import time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from pacslab.console import OUTCOMES
from pacslab.pacs import LIVE_FILES, REPORT_FILE
from pacslab.probes import Outcome, Side
from pacslab.templating import html_environment

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jinja2 import Environment

    from pacslab.deid import DeidReport
    from pacslab.errors import PacslabError
    from pacslab.grading import Receipt, Score
    from pacslab.probes import Assessment
    from pacslab.session_models import CheckResult, Hint, ObjectiveStatus, Status

STAGES = {"discover": "Discover", "read": "Read", "harden": "Harden", "deidentify": "De-identify"}
SIDES = {Side.ATTACK: "A stranger tries to …", Side.CLINIC: "The hospital's day"}
_TURNED = {
    Outcome.CLOSED: "Closed since the last look",
    Outcome.EXPOSED: "Open since the last look",
    Outcome.BROKEN: "Broken since the last look",
    Outcome.WORKS: "Working again since the last look",
}
_NEW_TAB = Markup(' target="_blank" rel="noopener"')
_CODE = re.compile(r"`([^`]+)`")


def _prose(text: str) -> Markup:
    """Return a text with the parts between backticks as code, everything else escaped."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped in this line


def clock(seconds: float) -> str:
    """Return a duration in hours and minutes."""
    hours, minutes = divmod(int(seconds) // 60, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min"


@cache
def _environment() -> Environment:
    environment = html_environment("pacslab.notebook", trim_blocks=True, lstrip_blocks=True)
    environment.filters["prose"] = _prose
    environment.globals.update(stages=STAGES, clock=clock)
    return environment


def page(template: str, **values: Any) -> str:
    """Return a template filled in."""
    return _environment().get_template(f"{template}.html").render(**values)


def progress(text: str, part: float) -> str:
    """Return a bar; ``part`` is from 0 to 1."""
    return page("progress", text=text, percent=round(100 * part))


def status(now: Status, score: Score, *, new_tab: bool = False) -> str:
    """Return the servers, their state and time left, and the score.

    JupyterLab opens links of an output in its own tabs; where it does not look (in a widget), ``new_tab`` is wanted.
    """
    work = Path(now.work)
    files = [(name, link_to(work / name)) for name in (*LIVE_FILES, REPORT_FILE) if (work / name).is_file()]
    ends = time.strftime("%H:%M", time.localtime(time.time() + now.seconds_left))
    tab = _NEW_TAB if new_tab else ""
    return page("status", now=now, ends=ends, bars=stages(score), files=files, tab=tab)


def done(text: str, now: Status) -> str:
    """Return a line with a finished action and a link to the archive."""
    return page("done", text=text, now=now)


def stages(score: Score) -> list[tuple[str, int, int]]:
    """Return name, points and maximum points of each stage that has any."""
    return [(words, *score.stage(stage)) for stage, words in STAGES.items() if score.stage(stage)[1]]


def link_to(path: Path) -> str:
    """Return the relative path from the notebook to a file, which JupyterLab opens in its editor."""
    return os.path.relpath(path, Path.cwd())


def turned(seen: Assessment, before: Assessment) -> list[str]:
    """List the differences from the previous assessment; empty if nothing has changed."""
    was = {finding.id: finding.outcome for finding in before.findings}
    lines = []
    for outcome, words in _TURNED.items():
        titles = [
            finding.title
            for finding in seen.findings
            if finding.outcome is outcome and was.get(finding.id) is not outcome
        ]
        if titles:
            lines.append(f"{words}: {'; '.join(titles)}.")
    return lines


def assessment(seen: Assessment, since: Iterable[str] = ()) -> str:
    """Return the changes since the previous assessment, and both sides as tables."""
    sides = [(SIDES[side], _rows(seen, side)) for side in Side]
    return page("assessment", sides=sides, seen=seen, since=list(since))


def _rows(seen: Assessment, side: Side) -> list[dict[str, Any]]:
    return [{"style": OUTCOMES[finding.outcome], "finding": finding} for finding in seen.side(side)]


def score(now: Score) -> str:
    """Return the points of every stage and objective."""
    return page("score", now=now, bars=stages(now))


def check(result: CheckResult) -> str:
    """Return a check's result, its reasons, and the explanation once it is earned."""
    return page("check", result=result)


def hint(next_hint: Hint) -> str:
    """Return a hint."""
    return page("hint", hint=next_hint)


def task(objective: ObjectiveStatus) -> str:
    """Return an objective's question."""
    return page("task", task=objective)


def audit(report: DeidReport, only: tuple[str, ...] = ()) -> str:
    """Return the checks of a de-identification, all or those named, and both sides of its score."""
    return page(
        "audit", report=report, checks=[check for check in report.checks if not only or check.id in only], only=only
    )


def receipt(submitted: Receipt) -> str:
    """Return a submission's files, and the SHA-256 that proves it."""
    return page("receipt", receipt=submitted, link=link_to(Path(submitted.path)))


def trouble(problem: PacslabError) -> str:
    """Return an error for people: problem, remedy and details."""
    return page("trouble", problem=problem)


def changes(rows: Iterable[tuple[str, str, str]], name: str) -> str:
    """Return the lines of a file that differ: sign, word and text of each."""
    return page("changes", rows=list(rows), name=name)
