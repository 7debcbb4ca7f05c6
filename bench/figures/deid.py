"""De-identification: the audit against reading the same files with pydicom, the reference recipe against gdcmanon.

Both in one process, in seconds of processor time. "Reading" is what any audit does at least: every element's value, and
the pixels. How the audit scales with processor cores is reckoned from processor time as well, so that it does not
depend on what else the machine does: looking at files in one process, against the longest that any of several works on
it. What follows in one process alone - matching files to originals, and the checks - is printed beside it.
"""

from __future__ import annotations

import gc
import os
import resource
import shutil
import statistics
import subprocess
import tempfile
import time
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pydicom
from ratio import Ratio

from pacslab.cohort import build_cohort, load_recipe
from pacslab.deid import (
    AuditKey,
    CheckId,
    FileScanner,
    ParallelScan,
    audit_cohort,
    can_read,
    deidentify_study,
    in_batches,
    in_order,
    open_source,
    quiet_pydicom,
)
from pacslab.scenario import make_variant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pacslab.cohort import AnswerKey
    from pacslab.deid import FileScan, Listed, Source

SECRET = b"the benchmark's own secret"
HOSPITAL = "community-hospital"
"""The hospital with every trap that takes the audit longest."""
RECIPE = "district-hospital"
MOST_WORKERS = 4
EACH = 0.7
"""How much of a process's work each of several does."""
_READERS_OWN = {CheckId.PIXELS, CheckId.ANATOMY}
"""What depends on how well the recipe's reader finds burned-in text."""


def measure(rounds: int) -> Iterator[Ratio]:
    """Yield each ratio: medians of rounds in which the two sides take turns."""
    with tempfile.TemporaryDirectory(prefix="pacslab-bench-deid-") as place:
        folder = Path(place)
        # First, as what an audit leaves in memory slows down all that follows.
        yield from _against_gdcmanon(rounds, folder)
        cleaned = folder / "cleaned"
        key = _archive(HOSPITAL, folder / "hospital")
        deidentify_study(folder / "hospital", cleaned, secret=SECRET, read_text=can_read(), workers=os.cpu_count() or 1)
        note = f"{_count(cleaned)} files of {HOSPITAL}"
        yield _taking_turns(
            rounds,
            lambda: _audit(cleaned, key),
            lambda: _read(cleaned),
            Ratio("audit", 0, 1, 3.0, "reading with pydicom", note=note),
        )
        yield _scaling(rounds, cleaned, key)


def _against_gdcmanon(rounds: int, folder: Path) -> Iterator[Ratio]:
    program = shutil.which("gdcmanon")
    if program is None:
        return
    archive = folder / "archive"
    _archive(RECIPE, archive)
    certificate, numbers = _certificate(folder), count()
    yield _taking_turns(
        rounds,
        lambda: _recipe(archive, folder / f"ours-{next(numbers)}"),
        lambda: _gdcmanon(program, certificate, archive, folder / f"theirs-{next(numbers)}"),
        Ratio("reference recipe without OCR", 0, 1, 3.0, "gdcmanon", note=f"{_count(archive)} files"),
    )


def _archive(recipe: str, folder: Path) -> AnswerKey:
    """Write a cohort's files to a folder, and return its answer key."""
    cohort = build_cohort(load_recipe(recipe), make_variant("bench", "deid"))
    folder.mkdir()
    for number, (_, content) in enumerate(cohort.instances()):
        (folder / f"{number:05d}.dcm").write_bytes(content)
    return cohort.answer_key()


def _count(folder: Path) -> int:
    return sum(1 for _ in folder.iterdir())


def _scaling(rounds: int, folder: Path, key: AnswerKey) -> Ratio:
    """Return how much faster several processes scan files than one, where each has a core of its own.

    Of the rounds the quickest count: processes that run at once are in the way of whatever else the machine does.
    """
    workers = min(MOST_WORKERS, os.cpu_count() or 1)
    pairs = [(_audit(folder, key), _scanned(folder, key, 1), _scanned(folder, key, workers)) for _ in range(rounds)]
    whole, alone, together = (min(side) for side in zip(*pairs, strict=True))
    return Ratio(
        f"audit with {workers} processes",
        alone,
        together,
        EACH * workers if workers > 1 else 0.9,
        "as fast as with one",
        note=f"{whole - alone:.2g} s more are one process's alone: all of it "
        f"{whole / (whole - alone + together):.2f} times as fast",
        at_least=True,
    )


def _scanned(folder: Path, key: AnswerKey, workers: int) -> float:
    """Return the processor time of scanning files: that of the busiest process, or of each core if that is more."""
    source = open_source(folder)
    scan = _TimedScan(FileScanner(AuditKey(key, key.studies())), source)
    spent: dict[int, float] = {}

    def work() -> None:
        for process, seconds, _ in in_order(scan, in_batches(source), workers):
            spent[process] = max(seconds, spent.get(process, 0.0))

    with quiet_pydicom():
        everything = _timed(work)
    return max(everything / workers, *spent.values()) if workers > 1 else everything


class _TimedScan:
    """Scans a batch of files, and says how long this process has worked since it began."""

    def __init__(self, scanner: FileScanner, source: Source) -> None:
        self._scan = ParallelScan(scanner, source)

    def __call__(self, batch: list[Listed]) -> tuple[int, float, list[FileScan]]:
        scans = self._scan(batch)
        return os.getpid(), time.process_time(), scans


def _taking_turns(rounds: int, ours: Callable[[], float], theirs: Callable[[], float], ratio: Ratio) -> Ratio:
    pairs = [(ours(), theirs()) for _ in range(rounds)]
    mine, others = (statistics.median(side) for side in zip(*pairs, strict=True))
    return Ratio(ratio.name, mine, others, ratio.limit, ratio.reference_name, note=ratio.note, at_least=ratio.at_least)


def _timed(work: Callable[[], object]) -> float:
    """Return the processor time of some work, here and in the programs that it ran; what was left before is cleared."""
    gc.collect()
    before = _spent()
    work()
    return _spent() - before


def _spent() -> float:
    """Return the processor time of this process and of the programs that have ended, finer than a clock's tick."""
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in spent)


def _audit(folder: Path, key: AnswerKey) -> float:
    return _timed(lambda: _passing(folder, key))


def _passing(folder: Path, key: AnswerKey) -> None:
    report = audit_cohort(folder, key, workers=1)
    if not set(report.failed()) <= _READERS_OWN:
        raise SystemExit(f"the reference output does not pass the audit: {report.summary()}")


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
    return _timed(lambda: deidentify_study(source, target, secret=SECRET))


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
    target.mkdir()
    command = [program, "-e", "-c", str(certificate), "--continue", "-i", str(source), "-o", str(target)]
    return _timed(lambda: subprocess.run(command, check=True, capture_output=True))
