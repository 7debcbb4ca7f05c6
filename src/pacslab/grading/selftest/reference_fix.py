"""The reference fix of a scenario: the instructor's configuration, with passwords drawn anew."""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING

from pacslab.errors import ScenarioError
from pacslab.pacs import CERTIFICATES_FOLDER, CONFIGURATION_FILE, HANDOVER_FILE, make_certificates
from pacslab.paths import shipped

if TYPE_CHECKING:
    from pathlib import Path

_PLACEHOLDER = re.compile(r"<([A-Z_]+)>")
_REQUIRED = (CONFIGURATION_FILE, HANDOVER_FILE)


def fix_templates(scenario_id: str) -> dict[str, str]:
    """Return the files of the reference fix by their names, with the placeholders of the passwords in them.

    Raises
    ------
    ScenarioError
        If the scenario has no reference fix.

    """
    folder = shipped("instructor") / "fixes" / scenario_id
    for name in _REQUIRED:
        if not (folder / name).is_file():
            raise ScenarioError(
                f"the scenario {scenario_id!r} has no reference fix ({folder / name} is missing)",
                f"Add it to {folder}.",
            )
    return {
        path.name: path.read_text(encoding="utf-8")
        for path in sorted(folder.iterdir())
        if path.suffix != ".md" and path.is_file()
    }


def draw_passwords(templates: dict[str, str]) -> dict[str, str]:
    """Return the files with every placeholder replaced by a fresh password, the same one wherever its name stands."""
    drawn: dict[str, str] = {}

    def password(match: re.Match[str]) -> str:
        return drawn.setdefault(match.group(1), secrets.token_urlsafe(18))

    return {name: _PLACEHOLDER.sub(password, text) for name, text in templates.items()}


def reference_fix(scenario_id: str) -> dict[str, str]:
    """Return the files of the reference fix by their names, every placeholder replaced by a fresh password.

    Raises
    ------
    ScenarioError
        If the scenario has no reference fix.

    """
    return draw_passwords(fix_templates(scenario_id))


def write_reference_fix(scenario_id: str, folder: Path) -> None:
    """Write the reference fix into a work folder, with certificates where it names any.

    Raises
    ------
    ScenarioError
        If the scenario has no reference fix.

    """
    write_files(reference_fix(scenario_id), folder)


def write_files(files: dict[str, str], folder: Path) -> None:
    """Write files into a work folder, and make the hospital's certificates where one of them names any."""
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    if any(f"{CERTIFICATES_FOLDER}/" in text for text in files.values()):
        make_certificates(folder, ["127.0.0.1"])
