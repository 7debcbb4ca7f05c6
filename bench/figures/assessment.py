"""A full assessment against the same requests made one after another by hand, with curl and DCMTK.

The reference ran between the same two assessments: every command that the findings show, and what the hospital's day
is in commands. A second figure holds the assessment of the hardened archive, with its hundreds of guesses, against the
time that a student is willing to wait.
"""

from __future__ import annotations

import statistics
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ratio import Ratio

from pacslab.errors import RuntimeUnavailableError
from pacslab.grading import write_reference_fix
from pacslab.pacs import choose_runtime
from pacslab.probes import Side
from pacslab.session import Session

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pacslab.probes import Assessment

SCENARIO = "open-archive"
WAITED = {"process": 5.0, "docker": 8.0}  # seconds that a whole assessment may take on two cores


def by_hand(session: Session, assessment: Assessment) -> list[str]:
    """Return the commands of every probe: those that the attacks show, and the hospital's day."""
    server = session.deployment.running_state().servers["archive"]
    key, url, where = session.key, server.url, f"{server.dicom.host} {server.dicom.port}"
    study = key.facts["clinic_study_uid"]
    series = key.study(study).instances[0].series_instance_uid
    question = f'{{"Level": "Instance", "Query": {{"SeriesInstanceUID": "{series}"}}}}'
    image = f"curl -s {url}/tools/find -d '{question}' | grep -o '[0-9a-f-]\\{{44\\}}' | head -1"
    return [
        *(finding.try_it for finding in assessment.side(Side.ATTACK)),
        f"storescu -aet CT01 -aec ARCHIVE {where} follow-up-*.dcm",
        f"findscu -S -aet WS01 -aec ARCHIVE {where} -k QueryRetrieveLevel=STUDY -k StudyInstanceUID={study}",
        f"movescu -S -aet WS01 -aem WS01 -aec ARCHIVE {where} -k QueryRetrieveLevel=STUDY -k StudyInstanceUID={study}",
        f"curl -s {url}/instances/$({image})/preview -o preview.png",
        f"curl -s {url}/dicom-web/studies/{study}/series",
        f"curl -s {url}/system {url}/statistics {url}/modalities?expand",
    ]


def run_by_hand(commands: list[str], folder: Path) -> float:
    """Return the seconds that the commands take, one after another."""
    started = time.perf_counter()
    for command in commands:
        done = subprocess.run(command, shell=True, cwd=folder, capture_output=True, timeout=60, check=False)
        if done.returncode:
            raise SystemExit(f"the reference failed: {command}\n{done.stderr.decode(errors='replace')}")
    return time.perf_counter() - started


def assessed(session: Session) -> tuple[float, Assessment]:
    """Return the seconds of one assessment, and what it saw."""
    started = time.perf_counter()
    assessment = session.assess()
    return time.perf_counter() - started, assessment


def _figures(runtime: str, rounds: int) -> Iterator[Ratio]:
    session = Session(SCENARIO, student="bench-assessment", runtime=runtime, hours=0.5)
    session.start()
    try:
        session.reset()
        commands = by_hand(session, assessed(session)[1])
        ours, reference, hardened = [], [], []
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            for number, content in enumerate(session.deployment.data.cohort().follow_up()):
                (folder / f"follow-up-{number}.dcm").write_bytes(content)
            for _ in range(rounds):
                ours.append(assessed(session)[0])
                reference.append(run_by_hand(commands, folder))
        write_reference_fix(SCENARIO, session.work)
        session.restart()
        for _ in range(rounds):
            seconds, assessment = assessed(session)
            if not assessment.good:
                raise SystemExit("the hardened archive did not pass")
            hardened.append(seconds)
        note = f"{len(commands)} commands by hand, {len(assessment.findings)} probes"
        yield Ratio(
            f"assessment of the open archive, {runtime}",
            statistics.median(ours),
            statistics.median(reference),
            1.0,
            "curl and DCMTK one after another",
            note=note,
        )
        yield Ratio(
            f"assessment of the hardened archive, {runtime}",
            statistics.median(hardened),
            WAITED[runtime],
            1.0,
            "the time that it may take",
        )
    finally:
        session.stop()


def measure(rounds: int) -> Iterator[Ratio]:
    """Yield both figures in each runtime that works here."""
    for runtime in ("process", "docker"):
        with suppress(RuntimeUnavailableError):
            choose_runtime(runtime)
            yield from _figures(runtime, rounds)
