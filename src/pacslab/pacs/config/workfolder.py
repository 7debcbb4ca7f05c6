"""The student's work folder: the exercise's files, and those that the student makes."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from pacslab.paths import workspace

if TYPE_CHECKING:
    from pathlib import Path

    from pacslab.scenario import Scenario

CONFIGURATION_FILE = "orthanc.json"
HANDOVER_FILE = "handover.yaml"
REPORT_FILE = "report.md"
NETWORK_FILE = "network.yaml"
PROXY_FILE = "nginx.conf"
CERTIFICATES_FOLDER = "certs"
LIVE_FILES = (CONFIGURATION_FILE, HANDOVER_FILE, NETWORK_FILE, PROXY_FILE)
"""Files that change what runs as soon as they are there."""

_NOT_THE_STUDENTS = {"scenario.yaml", "README.md"}


def exercise_files(scenario: Scenario) -> list[str]:
    """Return the names of the files that a scenario gives to the student."""
    return sorted(
        path.name
        for path in scenario.folder.iterdir()
        if path.is_file() and not path.name.startswith(".") and path.name not in _NOT_THE_STUDENTS
    )


class WorkFolder:
    """``work/<student>/<scenario>`` in the workspace."""

    def __init__(self, scenario: Scenario, student: str) -> None:
        self._scenario = scenario
        self.path = workspace() / "work" / student / scenario.id

    @property
    def configuration(self) -> Path:
        """Return the student's ``orthanc.json``."""
        return self.path / CONFIGURATION_FILE

    @property
    def handover(self) -> Path:
        """Return the student's ``handover.yaml``."""
        return self.path / HANDOVER_FILE

    @property
    def network(self) -> Path:
        """Return the student's ``network.yaml``; it need not exist."""
        return self.path / NETWORK_FILE

    @property
    def proxy(self) -> Path:
        """Return the student's ``nginx.conf``; it need not exist."""
        return self.path / PROXY_FILE

    @property
    def deid(self) -> Path:
        """Return the folder for the de-identified study."""
        return self.path / "deid"

    @property
    def report(self) -> Path:
        """Return the page on which written tasks are answered."""
        return self.path / REPORT_FILE

    def fill(self) -> None:
        """Copy what is missing from the scenario; what the student has stays as it is."""
        self.deid.mkdir(parents=True, exist_ok=True)
        for name in exercise_files(self._scenario):
            if not (self.path / name).exists():
                shutil.copyfile(self._scenario.folder / name, self.path / name)
        if self._scenario.written and not self.report.exists():
            self.report.write_text(_blank_report(self._scenario), encoding="utf-8")

    def restore(self) -> None:
        """Put the shipped files back; the student's are kept beside them as ``before-reset.*``."""
        self.fill()
        shipped = exercise_files(self._scenario)
        for name in {*shipped, *LIVE_FILES}:
            current, original = self.path / name, self._scenario.folder / name
            if not current.exists() or (name in shipped and current.read_bytes() == original.read_bytes()):
                continue
            current.replace(self.path / f"before-reset.{name}")
            if name in shipped:
                shutil.copyfile(original, current)


def _blank_report(scenario: Scenario) -> str:
    sections = [f"## {written.title}\n\n<!-- {' '.join(written.task.split())} -->\n" for written in scenario.written]
    return "\n".join([f"# {scenario.title}\n", *sections])
