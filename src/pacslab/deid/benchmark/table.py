"""Running the league, and its table: location by location, kind by kind."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table
from rich.text import Text

from pacslab.deid.audit.cohort import audit_cohort
from pacslab.deid.audit.report.model import Tally  # noqa: TC001 - pydantic reads it
from pacslab.deid.benchmark.tools import tools
from pacslab.errors import DeidError
from pacslab.models import Model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from rich.console import RenderableType

    from pacslab.cohort import AnswerKey
    from pacslab.deid.benchmark.tools import Tool


class Row(Model):
    """One tool in one setting: what it removed, what it kept, whom its output still names, seconds a file."""

    tool: str
    setting: str
    how: str
    leaking_patients: int
    patients: int
    removed: tuple[Tally, ...]
    kept: tuple[Tally, ...]
    failed: tuple[str, ...]
    worst: tuple[str, ...]
    seconds_a_file: float


class League(Model):
    """The whole table. ``left_out`` says which tools are not installed."""

    files: int
    rows: tuple[Row, ...]
    left_out: tuple[str, ...]

    def row(self, tool: str, setting: str = "default") -> Row:
        """Return one tool's row.

        Raises
        ------
        KeyError
            If it did not take part.

        """
        for row in self.rows:
            if (row.tool, row.setting) == (tool, setting):
                return row
        raise KeyError(tool)

    def __rich__(self) -> RenderableType:
        """Return three tables: whom each tool still names, what it leaves where, what it destroys."""
        tables: list[RenderableType] = [self._people()]
        settings = list(dict.fromkeys(row.setting for row in self.rows))
        for title, pick in (
            ("Identifiers left behind, by place", _removed),
            ("Lost for research, by kind", _kept),
        ):
            tables += [self._table(f"{title}: {setting} settings", setting, pick) for setting in settings]
        return Group(*tables, *(Text(f"Left out: {reason}") for reason in self.left_out))

    def _table(self, title: str, setting: str, pick: Callable[[Row], tuple[Tally, ...]]) -> Table:
        rows = [row for row in self.rows if row.setting == setting]
        table = Table(title=title, title_justify="left")
        table.add_column("")
        for row in rows:
            table.add_column(row.tool.replace(" ", "\n"), justify="right")
        for name in self._names(pick):
            table.add_row(name, *(_lost(pick(row), name) for row in rows))
        return table

    def _people(self) -> Table:
        table = Table(title=f"Who is still named, {self.files} files", title_justify="left")
        for heading in ("tool", "setting", "patients named", "ms a file", "worst case"):
            table.add_column(heading)
        for row in self.rows:
            named = f"{row.leaking_patients} of {row.patients}"
            worst = Text(row.worst[0] if row.worst else "")
            table.add_row(row.tool, f"{row.setting}: {row.how}", named, f"{1000 * row.seconds_a_file:.1f}", worst)
        return table

    def _names(self, pick: Callable[[Row], tuple[Tally, ...]]) -> list[str]:
        return list(dict.fromkeys(tally.name for row in self.rows for tally in pick(row)))


def _removed(row: Row) -> tuple[Tally, ...]:
    return row.removed


def _kept(row: Row) -> tuple[Tally, ...]:
    return row.kept


def _lost(tallies: tuple[Tally, ...], name: str) -> str:
    """Return what is missing of a tally, as a count and a sign that needs no colour."""
    tally = next((tally for tally in tallies if tally.name == name), None)
    if tally is None:
        return "-"
    return "✔" if tally.good == tally.total else f"✘ {tally.total - tally.good}/{tally.total}"


def run_league(
    files: Iterable[tuple[str, bytes]],
    key: AnswerKey,
    *,
    only: tuple[str, ...] = (),
    progress: Callable[[str, float], None] | None = None,
) -> League:
    """Run every tool that is installed on the files of one cohort, and audit what each wrote.

    Parameters
    ----------
    files
        (name, Part 10 file) of every instance.
    key
        The cohort's answer key.
    only
        Names of tools; all unless given.
    progress
        Called with the tool's name and the share done.

    Raises
    ------
    DeidError
        If a name is none of the league's.

    """
    everyone: tuple[Tool, ...] = tools()
    known = {tool.name for tool in everyone}
    unknown = set(only) - known
    if unknown:
        raise DeidError(f"the league has no tool {min(unknown)!r}", f"The tools are: {', '.join(sorted(known))}.")
    chosen = [tool for tool in everyone if not only or tool.name in only]
    missing = {tool.name: tool.missing() for tool in chosen}
    playing = [tool for tool in chosen if not missing[tool.name]]
    with tempfile.TemporaryDirectory(prefix="pacslab-league-") as folder:
        source = Path(folder) / "source"
        count = 0
        for name, content in files:
            path = source / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            count += 1
        rows = []
        for number, tool in enumerate(playing):
            if progress is not None:
                progress(f"{tool.name}, {tool.setting}", number / len(playing))
            rows.append(_played(tool, source, Path(folder) / f"out-{number}", key, count))
    left_out = tuple(f"{name}: {why}" for name, why in missing.items() if why)
    return League(files=count, rows=tuple(rows), left_out=left_out)


def _played(tool: Tool, source: Path, folder: Path, key: AnswerKey, count: int) -> Row:
    target = folder / "output"
    target.mkdir(parents=True)
    begun = time.perf_counter()
    tool.run(source, target)
    seconds = time.perf_counter() - begun
    report = audit_cohort(target, key)
    return Row(
        tool=tool.name,
        setting=tool.setting,
        how=tool.how,
        leaking_patients=len(report.leaking),
        patients=len(report.patients),
        removed=report.removed,
        kept=report.kept,
        failed=report.failed(),
        worst=tuple(sentence for check in report.leaking[:3] for sentence in check.worst[:1]),
        seconds_a_file=seconds / max(1, count),
    )
