"""Does de-identification break the files? ``dciodvfy`` (David Clunie's dicom3tools) says what DICOM requires."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from pacslab.deid.audit.report.model import CheckId

if TYPE_CHECKING:
    from pacslab.deid.audit.evidence import OutputEvidence, OutputFile
    from pacslab.deid.audit.verdicts import AuditVerdicts
    from pacslab.deid.dicom.output_folder import Source

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


def check_conformance(verdicts: AuditVerdicts, submission: OutputEvidence, source: Source) -> None:
    """Check one file of each series: the archive's own files have no errors, so every error is new."""
    if shutil.which(PROGRAM) is None:
        source.notes.append(f"whether the files are valid DICOM was not checked: this machine has no {PROGRAM}")
        return
    series: dict[str, OutputFile] = {}
    for file in submission.files:
        if file.instance is not None:
            series.setdefault(file.instance.series_instance_uid, file)
    with ThreadPoolExecutor(4) as pool:
        found = dict(
            zip(series, pool.map(lambda file: complaints(source.again(file.name)), series.values()), strict=True)
        )
    same: dict[str, list[OutputFile]] = defaultdict(list)
    for uid, errors in found.items():
        verdicts.keep("valid DICOM", not errors)
        for error in errors[:MOST]:
            same[error].append(series[uid])
    for error, files in same.items():
        for file in files:
            verdicts.wrong(
                CheckId.USEFUL, f"no valid {file.contents.text_of('Modality')} file any more: {error[:160]}", file.name
            )
