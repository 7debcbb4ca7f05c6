"""Every command. It reads arguments and prints; what is done is done elsewhere.

Exit status: 0 on success, 1 when what was looked at falls short, 2 on bad input or where the machine cannot do it,
with one line that says what happened and what to do.
"""

from __future__ import annotations

import sys
import warnings
from typing import TYPE_CHECKING, Any, NoReturn

import click
from rich.console import Console

from pacslab.cli.deid import deid
from pacslab.cli.grading import course, grade, submit
from pacslab.cli.options import json_option, runtime_option, scenario_argument, student_option
from pacslab.cli.synth import cache, synth
from pacslab.console import out, progress_shown
from pacslab.errors import PacslabError, PacslabWarning
from pacslab.version import __version__

if TYPE_CHECKING:
    from pacslab.session import Session

_PRINT = Console()
_SHORT = 1
_BAD = 2
_INTERRUPTED = 130


def _session(scenario: str, student: str | None, runtime: str | None = None, hours: float | None = None) -> Session:
    from pacslab.session import Session  # noqa: PLC0415

    options: dict[str, Any] = {} if hours is None else {"hours": hours}
    return Session(scenario, student=student, runtime=runtime, **options)


_EPILOG = (
    "SCENARIO, where a command takes one, is a name that 'pacslab scenarios' lists; open-archive unless given. "
    "Everything is ended by 'pacslab stop --all'."
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]}, epilog=_EPILOG)
@click.version_option(__version__, prog_name="pacslab")
def cli() -> None:
    """PACS Lab: find, harden and de-identify a real, deliberately open image archive."""


for _command in (deid, course, submit, grade, synth, cache):
    cli.add_command(_command)


@cli.command()
@json_option
def doctor(*, as_json: bool) -> None:
    """Say what this machine has, what it lacks, and what to do."""
    from pacslab.doctor import examine  # noqa: PLC0415

    report = examine()
    if as_json:
        out(report)
    else:
        for check in report.checks:
            sign = "✓" if check.good else "✗" if check.needed else "-"
            _PRINT.print(f"{sign} {check.name}: {check.found}", highlight=False)
            if not check.good and check.remedy:
                _PRINT.print(f"    {check.remedy}", highlight=False)
        _PRINT.print(report.verdict, highlight=False, style="bold")
    sys.exit(0 if report.ready else _SHORT)


@cli.command()
@click.option("--port", type=click.IntRange(1, 65535), help="The port of 127.0.0.1 (default: 8888 or the next free).")
@click.option("--browser/--no-browser", default=True, help="Open a web browser.")
@click.option("--in-container", is_flag=True, help="Listen on the container's interface; only for the student image.")
def lab(*, port: int | None, browser: bool, in_container: bool) -> None:
    """Open the notebooks in JupyterLab. When it ends, every server of the lab ends."""
    from pacslab.notebook import serve  # noqa: PLC0415

    sys.exit(serve(port=port, browser=browser, in_container=in_container, on_message=click.echo))


@cli.command()
@json_option
def scenarios(*, as_json: bool) -> None:
    """List the scenarios."""
    from pacslab.scenario import load_scenario, scenario_ids  # noqa: PLC0415

    found = [load_scenario(name) for name in scenario_ids()]
    if as_json:
        fields = ("id", "title", "minutes", "points")
        out([{name: getattr(scenario, name) for name in fields} for scenario in found])
        return
    for scenario in found:
        summary = f"{scenario.title} ({scenario.minutes} min, {scenario.points} points)"
        _PRINT.print(f"[bold]{scenario.id}[/]  {summary}", highlight=False)
        _PRINT.print(f"    {scenario.summary}", highlight=False)


@cli.command()
@scenario_argument
@student_option
@runtime_option
@click.option("--hours", type=float, help="How long the servers may live (default: 8).")
@json_option
def start(scenario: str, student: str | None, runtime: str | None, hours: float | None, *, as_json: bool) -> None:
    """Start a scenario's servers, or find them again."""
    from pacslab.console import status_line, status_table  # noqa: PLC0415

    session = _session(scenario, student, runtime, hours)
    with progress_shown(quiet=as_json) as progress:
        status = session.start(progress)
    if as_json:
        out(status)
    else:
        _PRINT.print(status_table(status))
        _PRINT.print(status_line(status), highlight=False)


@cli.command()
@json_option
def status(*, as_json: bool) -> None:
    """Show every running deployment of this lab."""
    from pacslab.console import status_line, status_table  # noqa: PLC0415
    from pacslab.pacs import list_running, remove_expired  # noqa: PLC0415

    remove_expired()
    found = [_session(state.scenario, state.student).status() for state in list_running()]
    if as_json:
        out([deployment.model_dump(mode="json") for deployment in found])
        return
    if not found:
        _PRINT.print("Nothing is running. Start the first lab with: pacslab start open-archive", highlight=False)
    for deployment in found:
        _PRINT.print(status_table(deployment))
        _PRINT.print(status_line(deployment), highlight=False)


@cli.command()
@scenario_argument
@student_option
@json_option
def restart(scenario: str, student: str | None, *, as_json: bool) -> None:
    """Start the archive again with your orthanc.json. Its data stays."""
    session = _session(scenario, student)
    with progress_shown(quiet=as_json) as progress:
        now = session.restart(progress)
    if as_json:
        out(now)
    else:
        _PRINT.print(f"The archive runs with your configuration: {session.url}", highlight=False)


@cli.command()
@scenario_argument
@student_option
@json_option
def reset(scenario: str, student: str | None, *, as_json: bool) -> None:
    """Bring back the shipped data and configuration. Your files are kept as before-reset.*."""
    session = _session(scenario, student)
    with progress_shown(quiet=as_json) as progress:
        now = session.reset(progress)
    if as_json:
        out(now)
    else:
        _PRINT.print(f"Data and configuration are as shipped: {session.url}", highlight=False)


@cli.command()
@scenario_argument
@student_option
@click.option("--renew", is_flag=True, help="Make all of them again, the hospital's authority too.")
@json_option
def certificates(scenario: str, student: str | None, *, renew: bool, as_json: bool) -> None:
    """Make the hospital's certificates in your work folder. The authority that signs them is made, too."""
    session = _session(scenario, student)
    written = session.make_certificates(renew=renew)
    if as_json:
        out({"folder": str(session.work / "certs"), "written": [path.name for path in written]})
        return
    for path in written:
        click.echo(path)
    if not written:
        click.echo(f"All of them are in {session.work / 'certs'} already; --renew makes them again.")


@cli.command()
@scenario_argument
@student_option
@click.option("--lines", default=40, show_default=True, type=click.IntRange(1, 10_000), help="How many, from the end.")
@json_option
def log(scenario: str, student: str | None, *, lines: int, as_json: bool) -> None:
    """Show the archive's own log. It says who did what, where its rules write that down."""
    last_lines = _session(scenario, student).log(lines)
    if as_json:
        out({"lines": list(last_lines)})
        return
    for line in last_lines:
        click.echo(line)


@cli.command()
@scenario_argument
@student_option
@click.option("--details", is_flag=True, help="Say why it matters, which rules it breaks and how to see it by hand.")
@json_option
def assess(scenario: str, student: str | None, *, details: bool, as_json: bool) -> None:
    """Attack the archive and live the hospital's day. Exit with 1 where a way is open or the hospital is stopped."""
    from pacslab.console import assessment_tables  # noqa: PLC0415

    session = _session(scenario, student)
    with progress_shown(quiet=as_json) as progress:
        assessment = session.assess(progress)
    if as_json:
        out(assessment)
    else:
        for table in assessment_tables(assessment, details=details):
            _PRINT.print(table)
        _PRINT.print(f"Points: {session.score.points} of {session.score.out_of}", highlight=False)
    sys.exit(0 if assessment.good else _SHORT)


@cli.command()
@scenario_argument
@student_option
@click.option("--all", "everything", is_flag=True, help="Every deployment of this lab, known or not.")
@json_option
def stop(scenario: str, student: str | None, *, everything: bool, as_json: bool) -> None:
    """End the servers; your work folder stays."""
    from pacslab.pacs import stop_all  # noqa: PLC0415

    if everything:
        deployments, servers = stop_all()
    else:
        servers = _session(scenario, student).stop()
        deployments = int(servers > 0)
    if as_json:
        out({"deployments": deployments, "servers": servers})
    else:
        click.echo(f"Ended {servers} server(s) of {deployments} deployment(s)." if servers else "Nothing was running.")


@cli.command()
@runtime_option
@json_option
def demo(runtime: str | None, *, as_json: bool) -> None:
    """Do the main job in a terminal, and show before and after."""
    from pacslab.console import demo_table  # noqa: PLC0415
    from pacslab.demo import run_demo  # noqa: PLC0415

    with progress_shown(quiet=as_json) as progress:
        result = run_demo(runtime, progress)
    if as_json:
        out({**result.model_dump(mode="json"), "good": result.good})
    else:
        _PRINT.print(demo_table(result))
        for objective in result.unanswered:
            _PRINT.print(
                f"Not answered: {objective}. It stands on a scanned page, which needs human eyes.", highlight=False
            )
        words = f"Runtime {result.runtime}, Orthanc {result.orthanc}, {result.seconds:.1f} s. Nothing is left running."
        _PRINT.print(words, highlight=False)
    sys.exit(0 if result.good else _SHORT)


def _fail(problem: PacslabError, *, as_json: bool) -> NoReturn:
    if as_json:
        out({"error": {"problem": problem.problem, "remedy": problem.remedy, "details": list(problem.details)}})
    else:
        click.echo(f"pacslab: {problem}", err=True)
        for line in problem.details:
            click.echo(f"    {line}", err=True)
    sys.exit(_BAD)


_PYTHONS_FORM = warnings.formatwarning


def format_warning(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, line: str | None = None
) -> str:
    """Return a warning of the lab as a line for people, and others as Python writes them."""
    if issubclass(category, PacslabWarning):
        return f"pacslab: {message}\n"
    return _PYTHONS_FORM(message, category, filename, lineno, line)


def _refused(reason: OSError) -> PacslabError:
    where = f": {reason.filename}" if reason.filename else ""
    return PacslabError(
        f"this machine refused ({reason.strerror or reason}{where})",
        "Make room or give the rights, or choose other folders with PACSLAB_HOME, PACSLAB_STATE and PACSLAB_CACHE.",
    )


def _unanswered(reason: Exception) -> PacslabError:
    return PacslabError(
        f"a server of the lab did not answer as it should ({reason})",
        "Try again; a machine with too much to do is slow. 'pacslab status' shows what runs.",
    )


def main() -> None:
    """Run the command line; every error for people is one line on standard error."""
    warnings.formatwarning = format_warning
    as_json = "--json" in sys.argv
    try:
        cli(standalone_mode=False)
    except PacslabError as problem:
        _fail(problem, as_json=as_json)
    except OSError as reason:
        _fail(_refused(reason), as_json=as_json)
    except click.exceptions.Abort:
        click.echo("pacslab: interrupted; 'pacslab stop --all' ends what was started.", err=True)
        sys.exit(_INTERRUPTED)
    except click.ClickException as problem:
        click.echo(f"pacslab: {problem.format_message()} 'pacslab --help' lists the commands.", err=True)
        sys.exit(_BAD)
    except Exception as reason:
        from httpx import HTTPError  # noqa: PLC0415

        if not isinstance(reason, HTTPError):
            raise
        _fail(_unanswered(reason), as_json=as_json)


if __name__ == "__main__":
    main()
