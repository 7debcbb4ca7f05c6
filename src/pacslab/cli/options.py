"""The options and arguments that several commands share."""

from __future__ import annotations

import click

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")
student_option = click.option("--student", help="The student's id (default: PACSLAB_STUDENT, else your user name).")
runtime_option = click.option(
    "--runtime", help="Where servers run: docker, process or auto (default: PACSLAB_RUNTIME)."
)
scenario_argument = click.argument("scenario", default="open-archive")
