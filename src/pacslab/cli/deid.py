"""``pacslab deid ...``: audit what was de-identified, and run the reference recipe."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console

from pacslab.cli.options import json_option
from pacslab.console import out, progress_shown
from pacslab.errors import DeidError

if TYPE_CHECKING:
    from pacslab.cohort import AnswerKey
    from pacslab.deid import CohortReport, DeidReport

_SHORT = 1
_file = click.Path(path_type=Path, dir_okay=False)


@click.group()
def deid() -> None:
    """De-identify images, and find out who still leaks."""


@deid.command()
@click.argument("output")
@click.option("--scenario", default="open-archive", help="The scenario (default: open-archive).")
@click.option("--student", help="The student's id (default: PACSLAB_STUDENT, else your user name).")
@click.option("--key", "key_file", type=_file, help="An answer key, as JSON, instead of scenario and student.")
@click.option("--study", help="Audit this study only (its original UID; default: the one that the scenario names).")
@click.option("--everything", is_flag=True, help="Audit every study of the cohort.")
@click.option("--html", "page", type=_file, help="Write the report as one HTML page.")
@click.option("--workers", type=click.IntRange(1, 64), help="Processes (default: one a core).")
@json_option
def audit(
    *,
    output: str,
    scenario: str,
    student: str | None,
    key_file: Path | None,
    study: str | None,
    page: Path | None,
    workers: int | None,
    everything: bool,
    as_json: bool,
) -> None:
    """Audit OUTPUT: a folder, a ZIP file, or the address of a lab's Orthanc; exit with 1 where it falls short."""
    from pacslab.deid import audit_cohort, audit_study  # noqa: PLC0415

    key = _key(scenario, student, key_file, whole=everything or study is not None)
    asked = study or (None if everything else key.facts.get("deid_study_uid"))
    report: DeidReport | CohortReport
    with progress_shown(quiet=as_json) as progress:
        if asked:
            report = audit_study(output, key, asked)
        else:
            report = audit_cohort(output, key, workers=workers, conformance=True, progress=progress)
    if page is not None:
        _write(page, report.html())
    if as_json:
        out(report.to_dict())
    else:
        Console().print(report)
        if page is not None:
            click.echo(f"The report, with pictures: {page}")
    sys.exit(0 if report.passed else _SHORT)


@deid.command()
@click.argument("source", type=click.Path(path_type=Path))
@click.option("--out", "target", required=True, type=click.Path(path_type=Path), help="The folder to write to.")
@click.option("--secret", "secret_file", type=_file, help="A file of 16 bytes or more: the same pseudonyms every time.")
@click.option("--ocr/--no-ocr", default=True, help="Seek burned-in text with Tesseract beyond what rules say.")
@click.option("--workers", type=click.IntRange(1, 64), help="Processes (default: one a core).")
@json_option
def run(*, source: Path, target: Path, secret_file: Path | None, ocr: bool, workers: int | None, as_json: bool) -> None:
    """De-identify the folder SOURCE with the reference recipe (PS3.15, policy.yaml)."""
    from pacslab.deid import run_recipe  # noqa: PLC0415

    with progress_shown(quiet=as_json) as progress:
        done = run_recipe(source, target, secret_file, ocr=ocr, workers=workers, progress=progress)
    reasons = Counter(file.because for file in done.withheld)
    if as_json:
        withheld = [{"name": file.name, "because": file.because} for file in done.withheld]
        out({"written": [str(path) for path in done.written], "withheld": withheld, "notes": list(done.notes)})
        return
    click.echo(f"Wrote {len(done.written)} files to {target}.")
    for reason, count in reasons.most_common():
        click.echo(f"Withheld {count}: {reason}.")
    for note in done.notes:
        click.echo(note)


@deid.command()
@click.option("--recipe", default="district-hospital", help="The cohort's recipe (default: district-hospital).")
@click.option("--student", default="league", help="Whose variant of it (default: league).")
@click.option("--tool", "only", multiple=True, help="Run only this tool; may be given several times.")
@json_option
def league(recipe: str, student: str, only: tuple[str, ...], *, as_json: bool) -> None:
    """Run the tools that people use on one cohort, and see who is still named. Nothing here exits with 1: they lose."""
    from pacslab.cohort import build_cohort, load_recipe  # noqa: PLC0415
    from pacslab.deid import run_league  # noqa: PLC0415
    from pacslab.scenario import make_variant  # noqa: PLC0415

    cohort = build_cohort(load_recipe(recipe), make_variant("league", student))
    with progress_shown(quiet=as_json) as progress:
        result = run_league(cohort.instances(), cohort.answer_key(), only=only, progress=progress)
    if as_json:
        out(result)
    else:
        Console().print(result)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise DeidError(f"{path} cannot be written ({error.strerror})", "Give another file.") from error


def _key(scenario: str, student: str | None, key_file: Path | None, *, whole: bool) -> AnswerKey:
    from pydantic import ValidationError  # noqa: PLC0415

    from pacslab.cohort import AnswerKey as Key  # noqa: PLC0415
    from pacslab.cohort import build_cohort, from_compact, load_recipe  # noqa: PLC0415
    from pacslab.session import Session  # noqa: PLC0415

    if key_file is None:
        session = Session(scenario, student=student)
        if not whole:
            return session.key
        return build_cohort(load_recipe(session.scenario.cohort), session.deployment.variant).answer_key()
    try:
        content = key_file.read_bytes()
        return Key.model_validate_json(content) if content[:1] == b"{" else from_compact(content)
    except OSError as error:
        raise DeidError(f"{key_file} cannot be read ({error.strerror})", "Give the answer key's file.") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(step) for step in first["loc"]) or "the file"
        raise DeidError(
            f"{key_file} is no answer key: {where}: {first['msg']}", "Write one with 'pacslab synth RECIPE --key FILE'."
        ) from error
