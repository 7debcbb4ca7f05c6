"""``pacslab synth`` and ``pacslab cache``: a synthetic hospital's images, and what is kept to start faster."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from pacslab.cli.options import json_option
from pacslab.console import out, progress_shown
from pacslab.errors import ScenarioError, warn


@dataclass(frozen=True)
class SynthRequest:
    """What to make, and where to: a folder (``--out``) or a lab's Orthanc (``--into``)."""

    recipe: str | None
    folder: Path | None
    url: str | None
    user: str | None
    dicomdir: bool
    key_file: Path | None
    student: str | None
    scenario: str | None
    recipes: Path | None


@click.command()
@click.argument("recipe", required=False)
@click.option("--out", "folder", type=click.Path(path_type=Path), help="The folder to write to; new, or empty.")
@click.option("--into", "url", help="The web address of a lab's Orthanc to send to.")
@click.option("--user", help="name:password for --into.")
@click.option("--dicomdir", is_flag=True, help="Lay the files out as media, with a DICOMDIR.")
@click.option(
    "--key",
    "key_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the answer key: JSON if the name ends in .json, else compact.",
)
@click.option("--student", help="Whose patients (default: PACSLAB_STUDENT, else your user name).")
@click.option("--scenario", help="The scenario whose variant it is (default: the recipe's name).")
@click.option(
    "--recipes", type=click.Path(path_type=Path, file_okay=False, exists=True), help="A folder of recipes of your own."
)
@json_option
def synth(*, as_json: bool, **options: Any) -> None:
    """Make the images of a synthetic hospital. Without RECIPE, list the recipes."""
    request = SynthRequest(**options)
    if request.recipe is None:
        _list_recipes(request.recipes, as_json=as_json)
        return
    if (request.folder is None) == (request.url is None):
        raise ScenarioError("say where to: either --out or --into", "Add --out FOLDER, or --into URL.")
    if request.dicomdir and request.folder is None:
        raise ScenarioError("a DICOMDIR lies in a folder, not in a server", "Use --dicomdir with --out.")
    facts = _make(request, request.recipe, quiet=as_json)
    if as_json:
        out(facts)
        return
    click.echo(f"{facts['instances']} instances of {facts['patients']} invented patients: {facts['where']}")
    if request.key_file is not None:
        click.echo(f"The answer key, which no student should see: {request.key_file}")


def _list_recipes(folder: Path | None, *, as_json: bool) -> None:
    from pacslab.cohort import load_recipe, recipe_names  # noqa: PLC0415

    names = recipe_names(folder)
    if as_json:
        out(names)
        return
    for name in names:
        click.echo(f"{name:28} {load_recipe(name, folder).hospital.name}")


def _make(request: SynthRequest, recipe: str, *, quiet: bool) -> dict[str, Any]:
    """Write the cohort where it was asked for, with its answer key if wanted, and return the facts to print."""
    from pacslab.cohort import (  # noqa: PLC0415
        build_cohort,
        describe_this_machine,
        load_recipe,
        write_cohort,
        write_key,
    )
    from pacslab.pacs import upload_cohort  # noqa: PLC0415
    from pacslab.scenario import make_variant  # noqa: PLC0415
    from pacslab.session import default_student  # noqa: PLC0415

    variant = make_variant(request.scenario or recipe, request.student or default_student())
    cohort = build_cohort(load_recipe(recipe, request.recipes), variant)
    warn(describe_this_machine())
    with progress_shown(quiet=quiet) as progress:
        if request.folder is not None:
            written = write_cohort(cohort, request.folder, progress, dicomdir=request.dicomdir)
            count, key = written.instances, written.key
        else:
            count, key = upload_cohort(cohort, str(request.url), request.user, progress), cohort.answer_key()
        if request.key_file is not None:
            write_key(key, request.key_file)
    return {
        "recipe": recipe,
        "student": cohort.variant.student,
        "patients": len(key.patients),
        "instances": count,
        "where": str(request.folder or request.url),
        "key": None if request.key_file is None else str(request.key_file),
    }


@click.command()
@click.option("--clear", is_flag=True, help="Delete all of it; the next start makes what it needs again.")
@json_option
def cache(*, clear: bool, as_json: bool) -> None:
    """Say what is kept to start faster, and its size."""
    from pacslab.pacs import clear_cache, list_cache  # noqa: PLC0415

    if clear:
        freed = clear_cache()
        out({"freed": freed}) if as_json else click.echo(f"Deleted; {freed / 1e6:.0f} MB are free again.")
        return
    kept = list_cache()
    if as_json:
        snapshots = kept.snapshots
        out([{"name": snapshot.name, "bytes": snapshot.size, "path": str(snapshot.path)} for snapshot in snapshots])
        return
    for snapshot in kept.snapshots:
        click.echo(f"{snapshot.size / 1e6:8.1f} MB  {snapshot.name}")
    click.echo(f"{kept.size / 1e6:8.1f} MB of at most {kept.limit / 1e6:.0f} MB in {kept.root}")
