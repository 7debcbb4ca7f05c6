"""The commands of a course: tickets, submissions, grades."""

from __future__ import annotations

import signal
import sys
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pacslab.cli.options import json_option, runtime_option
from pacslab.console import out, progress_shown

if TYPE_CHECKING:
    from collections.abc import Iterator

_student = click.option("--student", help="The student's id (default: PACSLAB_STUDENT, the ticket's, your user name).")


@click.group()
def course() -> None:
    """Make a course, and give each student a ticket."""


@course.command("init")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), default=".")
@click.option("--id", "course_id", default="pacs-lab", show_default=True, help="Small letters, digits and '-'.")
@click.option("--title", default="PACS Lab", show_default=True)
@click.option("--scenario", "chosen", multiple=True, help="A scenario of the course; several times for several.")
@json_option
def course_init(folder: Path, course_id: str, title: str, chosen: tuple[str, ...], *, as_json: bool) -> None:
    """Make course.toml, and beside it the secret that nobody but you may read."""
    from pacslab.grading import COURSE_FILE, SECRET_FOLDER, init_course  # noqa: PLC0415

    made = init_course(folder, course_id, title, chosen or ("open-archive",))
    if as_json:
        out(made)
        return
    click.echo(f"Made {folder / COURSE_FILE}: set dates and points there.")
    click.echo(f"Keep {folder / SECRET_FOLDER} to yourself, and back it up: every student's variant follows from it.")


@course.command("tickets")
@click.argument("roster", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--course", "course_path", type=click.Path(path_type=Path), default="course.toml", show_default=True)
@click.option("--to", "target", type=click.Path(file_okay=False, path_type=Path), default="tickets", show_default=True)
@json_option
def course_tickets(roster: Path, course_path: Path, target: Path, *, as_json: bool) -> None:
    """Write a signed ticket for each student of a class list (CSV of Canvas, Moodle or your own)."""
    from pacslab.grading import read_course, write_tickets  # noqa: PLC0415

    written = write_tickets(read_course(course_path), roster, target)
    if as_json:
        out([{"student": student, "file": str(path)} for student, path in written.items()])
    else:
        click.echo(
            f"Wrote {len(written)} ticket(s) to {target}. A student saves theirs as ticket.pacslab beside labs/."
        )


@course.command("rehearse")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), default="rehearsal")
@json_option
def course_rehearse(folder: Path, *, as_json: bool) -> None:
    """Make a course with five invented students and what they handed in, to try grading with."""
    from pacslab.grading import make_rehearsal  # noqa: PLC0415

    handed_in = make_rehearsal(folder)
    if as_json:
        out({"course": str(folder / "course.toml"), "submissions": [str(path) for path in handed_in]})
    else:
        click.echo(f"Made {folder} with {len(handed_in)} submissions. Grade them:")
        click.echo(f"  pacslab grade {folder / 'submissions'} --course {folder} --to {folder / 'grades'}")


@course.command("nbgrader")
@click.argument("grades", type=click.Path(file_okay=False, path_type=Path), default="grades")
@click.option("--db", "database", default="sqlite:///gradebook.db", show_default=True, help="nbgrader's gradebook.")
@click.option("--assignment", help="What the assignment is called in nbgrader (default: as the scenario).")
@click.option("--scenario", default="open-archive", show_default=True)
@json_option
def course_nbgrader(grades: Path, database: str, assignment: str | None, scenario: str, *, as_json: bool) -> None:
    """Put a graded class into nbgrader's gradebook, cell by cell."""
    from pacslab.grading import write_to_nbgrader  # noqa: PLC0415

    cells = write_to_nbgrader(grades, database, assignment or scenario, scenario)
    if as_json:
        out(cells)
    else:
        click.echo(f"Set {sum(cells.values())} cells of {len(cells)} students. 'nbgrader export' shows their scores.")


@course.command("otter")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), default="tests")
@click.option("--scenario", default="open-archive", show_default=True)
@json_option
def course_otter(folder: Path, scenario: str, *, as_json: bool) -> None:
    """Write otter's test files for the objectives of a scenario: one cell of a notebook runs one of them."""
    from pacslab.grading import write_otter_tests  # noqa: PLC0415
    from pacslab.scenario import load_scenario  # noqa: PLC0415

    written = write_otter_tests(folder, load_scenario(scenario))
    if as_json:
        out([str(path) for path in written])
    else:
        click.echo(f"Wrote {len(written)} tests to {folder}. A cell of a notebook runs one:")
        check = f'check("{written[0].stem}", global_env=globals())'
        click.echo(f'  import otter; otter.Notebook(tests_dir="{folder}").{check}')


@click.command()
@click.argument("scenario", default="open-archive")
@_student
@click.option("--to", "target", type=click.Path(path_type=Path), help="The ZIP file, or the folder to put it into.")
@json_option
def submit(scenario: str, student: str | None, target: Path | None, *, as_json: bool) -> None:
    """Pack what is graded into one ZIP file, and show it."""
    from pacslab.session import Session  # noqa: PLC0415

    receipt = Session(scenario, student=student).submit(target)
    if as_json:
        out(receipt)
    else:
        click.echo(receipt.text(), nl=False)


@click.command()
@click.argument("submissions", type=click.Path(file_okay=False, path_type=Path))
@click.option("--course", "course_path", type=click.Path(path_type=Path), default="course.toml", show_default=True)
@click.option(
    "--roster", type=click.Path(dir_okay=False, path_type=Path), help="Default: roster.csv beside the course."
)
@click.option("--to", "target", type=click.Path(file_okay=False, path_type=Path), default="grades", show_default=True)
@runtime_option
@click.option("--workers", type=click.IntRange(1, 64), help="Submissions at once (default: one more than cores).")
@click.option("--limit", type=click.FloatRange(5, 3600), default=240, show_default=True, help="Seconds for each.")
@json_option
def grade(  # noqa: PLR0917
    submissions: Path,
    course_path: Path,
    roster: Path | None,
    target: Path,
    runtime: str | None,
    workers: int | None,
    limit: float,
    *,
    as_json: bool,
) -> None:
    """Grade a folder of submissions. Each is replayed in clean servers; run it again to go on, or after marking.

    Exit with 1 where the lab itself could not look at a submission.
    """
    from pacslab.grading import (  # noqa: PLC0415
        GradingRequest,
        find_roster,
        grade_class,
        read_course,
        read_roster,
        write_outputs,
    )

    made = read_course(course_path)
    students = read_roster(find_roster(made, roster))
    with _ended_by_terminate(), progress_shown(quiet=as_json) as progress:
        book = grade_class(GradingRequest(submissions, made, students, target, runtime, workers, limit), progress)
    missing = write_outputs(target, book)
    states = Counter(grade.state for grade in book.counting())
    if as_json:
        out({"replayed": book.replayed, "states": states, "unmarked": missing, "strays": book.strays})
    else:
        click.echo(
            f"{sum(states.values())} grades: {', '.join(f'{n} {state}' for state, n in sorted(states.items()))}."
        )
        click.echo(f"Replayed {book.replayed}; the rest was on disk. {target / 'class.html'} shows the class.")
        if missing:
            click.echo(
                f"{missing} written answers wait for marks: read {target / 'marking.html'}, fill in marking.csv."
            )
        for file, reason in book.strays.items():
            click.echo(f"Nobody's: {file} ({reason})")
    sys.exit(0 if book.certain else 1)


@contextmanager
def _ended_by_terminate() -> Iterator[None]:
    """Let a request to end do what Ctrl+C does: every server ends first."""

    def interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
