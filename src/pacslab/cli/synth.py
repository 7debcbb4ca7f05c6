"""``pacslab synth`` and ``pacslab cache``: a synthetic hospital's images, and what is kept to start faster."""

from __future__ import annotations

from pathlib import Path

import click

from pacslab.console import out, progress_shown
from pacslab.errors import ScenarioError, warn

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")


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
@_json
def synth(
    *,
    recipe: str | None,
    folder: Path | None,
    url: str | None,
    user: str | None,
    dicomdir: bool,
    key_file: Path | None,
    student: str | None,
    scenario: str | None,
    recipes: Path | None,
    as_json: bool,
) -> None:
    """Make the images of a synthetic hospital. Without RECIPE, list the recipes."""
    from pacslab.cohort import (  # noqa: PLC0415  # noqa: PLC0415
        build_cohort,
        describe_this_machine,
        load_recipe,
        recipe_names,
        write_cohort,
        write_key,
    )
    from pacslab.pacs import upload_cohort  # noqa: PLC0415
    from pacslab.scenario import make_variant  # noqa: PLC0415
    from pacslab.session import default_student  # noqa: PLC0415

    if recipe is None:
        names = recipe_names(recipes)
        if as_json:
            out(names)
            return
        for name in names:
            click.echo(f"{name:28} {load_recipe(name, recipes).hospital.name}")
        return
    if (folder is None) == (url is None):
        raise ScenarioError("say where to: either --out or --into", "Add --out FOLDER, or --into URL.")
    if dicomdir and folder is None:
        raise ScenarioError("a DICOMDIR lies in a folder, not in a server", "Use --dicomdir with --out.")
    cohort = build_cohort(load_recipe(recipe, recipes), make_variant(scenario or recipe, student or default_student()))
    warn(describe_this_machine())
    with progress_shown(quiet=as_json) as progress:
        if folder is not None:
            written = write_cohort(cohort, folder, progress, dicomdir=dicomdir)
            count, key = written.instances, written.key
        else:
            count, key = upload_cohort(cohort, str(url), user, progress), cohort.answer_key()
        if key_file is not None:
            write_key(key, key_file)
    facts = {
        "recipe": recipe,
        "student": cohort.variant.student,
        "patients": len(key.patients),
        "instances": count,
        "where": str(folder or url),
        "key": None if key_file is None else str(key_file),
    }
    if as_json:
        out(facts)
        return
    click.echo(f"{count} instances of {len(key.patients)} invented patients: {facts['where']}")
    if key_file is not None:
        click.echo(f"The answer key, which no student should see: {key_file}")


@click.command()
@click.option("--clear", is_flag=True, help="Delete all of it; the next start makes what it needs again.")
@_json
def cache(*, clear: bool, as_json: bool) -> None:
    """Say what is kept to start faster, and its size."""
    from pacslab.pacs import clear_cache, list_cache  # noqa: PLC0415

    if clear:
        freed = clear_cache()
        out({"freed": freed}) if as_json else click.echo(f"Deleted; {freed / 1e6:.0f} MB are free again.")
        return
    kept = list_cache()
    if as_json:
        out([{"name": one.name, "bytes": one.size, "path": str(one.path)} for one in kept.snapshots])
        return
    for one in kept.snapshots:
        click.echo(f"{one.size / 1e6:8.1f} MB  {one.name}")
    click.echo(f"{kept.size / 1e6:8.1f} MB of at most {kept.limit / 1e6:.0f} MB in {kept.root}")
