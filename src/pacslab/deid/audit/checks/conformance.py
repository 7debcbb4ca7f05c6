"""Check that de-identified files are valid DICOM, with ``dciodvfy`` of David Clunie's dicom3tools."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from pacslab.deid.audit.report.model import CheckId
from pacslab.deid.audit.verdicts import Fault, Kept

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pacslab.deid.audit.evidence import Evidence
    from pacslab.deid.audit.match import OutputFile
    from pacslab.deid.audit.verdicts import Finding

PROGRAM = "dciodvfy"
SECONDS = 60
MOST = 3


def complaints(content: bytes) -> list[str]:
    """Return the errors that the conformance checker finds in a file.

    Raises
    ------
    FileNotFoundError
        If this machine has no ``dciodvfy``.

    """
    with tempfile.NamedTemporaryFile(suffix=".dcm") as file:
        Path(file.name).write_bytes(content)
        run = subprocess.run([PROGRAM, file.name], capture_output=True, timeout=SECONDS, check=False)  # noqa: S603
    said = (run.stdout + run.stderr).decode(errors="replace")
    return [line.removeprefix("Error - ").strip() for line in said.splitlines() if line.startswith("Error")]


def conformance_notes() -> list[str]:
    """Return a note where this machine has no conformance checker."""
    if shutil.which(PROGRAM) is not None:
        return []
    return [f"whether the files are valid DICOM was not checked: this machine has no {PROGRAM}"]


def check_conformance(evidence: Evidence, content_of: Callable[[str], bytes]) -> Iterator[Finding]:
    """Check one file of each series: the archive's own files have no errors, so every error is new."""
    if shutil.which(PROGRAM) is None:
        return
    series: dict[str, OutputFile] = {}
    for file in evidence.files:
        if file.instance is not None:
            series.setdefault(file.instance.series_instance_uid, file)
    with ThreadPoolExecutor(4) as pool:
        found = dict(
            zip(series, pool.map(lambda file: complaints(content_of(file.name)), series.values()), strict=True)
        )
    same: dict[str, list[OutputFile]] = defaultdict(list)
    for uid, errors in found.items():
        yield Kept("valid DICOM", not errors)
        for error in errors[:MOST]:
            same[error].append(series[uid])
    for error, files in same.items():
        for file in files:
            yield Fault(
                CheckId.USEFUL, f"no valid {file.contents.text_of('Modality')} file any more: {error[:160]}", file.name
            )
