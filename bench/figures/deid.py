"""De-identification: the audit against reading the same files with pydicom, the reference recipe against gdcmanon.

Both in one process, in seconds of processor time. "Reading" is what any audit does at least: every element's value, and
the pixels.
"""

from __future__ import annotations

import resource
import shutil
import statistics
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pydicom
from ratio import Ratio

from pacslab.cohort.build import build_cohort
from pacslab.cohort.recipe import load_recipe
from pacslab.deid.cohort_audit import audit_cohort
from pacslab.deid.recipe import deidentify_study
from pacslab.scenario.variant import make_variant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pacslab.cohort.answer_key import AnswerKey

RECIPE = "district-hospital"


def measure(rounds: int) -> Iterator[Ratio]:
    """Yield both ratios: medians of rounds in which the two sides take turns."""
    cohort = build_cohort(load_recipe(RECIPE), make_variant("bench", "deid"))
    with tempfile.TemporaryDirectory(prefix="pacslab-bench-deid-") as place:
        folder = Path(place)
        archive, cleaned = folder / "archive", folder / "cleaned"
        archive.mkdir()
        for number, (_, content) in enumerate(cohort.instances()):
            (archive / f"{number:05d}.dcm").write_bytes(content)
        count = sum(1 for _ in archive.iterdir())
        deidentify_study(archive, cleaned, secret=b"the benchmark's own secret")
        key = cohort.answer_key()
        yield _taking_turns(
            rounds,
            lambda: _audit(cleaned, key),
            lambda: _read(cleaned),
            Ratio("audit", 0, 1, 3.0, "reading with pydicom", note=f"{count} files"),
        )
        program = shutil.which("gdcmanon")
        if program is not None:
            certificate = _certificate(folder)
            yield _taking_turns(
                rounds,
                lambda: _recipe(archive, folder / "ours"),
                lambda: _gdcmanon(program, certificate, archive, folder / "theirs"),
                Ratio("reference recipe without OCR", 0, 1, 3.0, "gdcmanon", note=f"{count} files"),
            )


def _taking_turns(rounds: int, ours: Callable[[], float], theirs: Callable[[], float], ratio: Ratio) -> Ratio:
    pairs = [(ours(), theirs()) for _ in range(rounds)]
    mine, others = (statistics.median(side) for side in zip(*pairs, strict=True))
    return Ratio(ratio.name, mine, others, ratio.limit, ratio.reference_name, note=ratio.note, at_least=ratio.at_least)


def _timed(work: Callable[[], object]) -> float:
    """Return the processor time of some work, here and in the programs that it ran."""
    before = _spent()
    work()
    return _spent() - before


def _spent() -> float:
    """Return the processor time of this process and of the programs that have ended, finer than a clock's tick."""
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in spent)


def _audit(folder: Path, key: AnswerKey) -> float:
    return _timed(lambda: _passing(folder, key))


def _passing(folder: Path, key: AnswerKey) -> None:
    report = audit_cohort(folder, key, workers=1)
    if not report.passed:
        raise SystemExit("the reference output does not pass the audit")


def _read(folder: Path) -> float:
    def work() -> None:
        for path in sorted(folder.iterdir()):
            dataset = pydicom.dcmread(path)
            for element in dataset.iterall():
                _ = element.value
            if "PixelData" in dataset:
                _ = dataset.pixel_array

    return _timed(work)


def _recipe(source: Path, target: Path) -> float:
    shutil.rmtree(target, ignore_errors=True)
    return _timed(lambda: deidentify_study(source, target, secret=b"the benchmark's own secret"))


def _certificate(folder: Path) -> Path:
    certificate = folder / "certificate.pem"
    subprocess.run(
        [
            *["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=bench"],
            "-keyout",
            str(folder / "key.pem"),
            "-out",
            str(certificate),
        ],
        check=True,
        capture_output=True,
    )
    return certificate


def _gdcmanon(program: str, certificate: Path, source: Path, target: Path) -> float:
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    command = [program, "-e", "-c", str(certificate), "--continue", "-i", str(source), "-o", str(target)]
    return _timed(lambda: subprocess.run(command, check=True, capture_output=True))
