"""A whole cohort made and written, against writing the same finished datasets with pydicom.

Both write to the same disk, in one process, in seconds of processor time. The cohort's side draws every picture,
compresses what is compressed, and notes every identifier for the answer key; pydicom's side has everything in memory.
"""

from __future__ import annotations

import io
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import pydicom
from ratio import Ratio

from pacslab.cohort import build_cohort, load_recipe
from pacslab.scenario import make_variant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pacslab.cohort import Cohort

RECIPE = "district-hospital-standard"
MOST_MEGABYTES = 300
PEAK = f"""
from pathlib import Path
from pacslab.cohort.build import build_cohort
from pacslab.cohort.recipe.recipe import load_recipe
from pacslab.scenario.variant import make_variant
cohort = build_cohort(load_recipe("{RECIPE}"), make_variant("bench", "memory"))
for _ in cohort.instances():
    pass
cohort.answer_key()
status = Path("/proc/self/status").read_text()
print(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))
"""


def measure(rounds: int) -> Iterator[Ratio]:
    """Yield the ratio of times, medians of rounds in which the two sides take turns, and the memory at its most."""
    files = dict(_cohort(0).instances())
    finished = [(name, _decoded(content)) for name, content in files.items()]
    with tempfile.TemporaryDirectory(prefix="pacslab-bench-cohort-") as place:
        pairs = [
            (
                _timed(lambda number=number: _make(Path(place) / "ours", number)),
                _timed(lambda: _write(Path(place) / "theirs", finished)),
            )
            for number in range(rounds)
        ]
    ours, theirs = (statistics.median(side) for side in zip(*pairs, strict=True))
    megabytes = sum(map(len, files.values())) / 1e6
    yield Ratio(
        "a standard cohort",
        ours,
        theirs,
        2.0,
        "writing it with pydicom",
        note=f"{len(files)} instances, {megabytes:.0f} MB, {len(files) / ours:.0f} instances a second",
    )
    answer = subprocess.run([sys.executable, "-c", PEAK], capture_output=True, text=True, check=True)
    yield Ratio("its memory", int(answer.stdout) / 1024, MOST_MEGABYTES, 1.0, "the limit", unit="MB")


def _cohort(number: int) -> Cohort:
    return build_cohort(load_recipe(RECIPE), make_variant("bench", f"student{number}"))


def _decoded(content: bytes) -> pydicom.FileDataset:
    """Return a dataset whose values pydicom has read, so that it encodes each of them when it writes."""
    dataset = pydicom.dcmread(io.BytesIO(content))
    for element in dataset.iterall():
        _ = element.value
    return dataset


def _timed(work: Callable[[], object]) -> float:
    before = os.times()
    work()
    after = os.times()
    return sum(after[:2]) - sum(before[:2])


def _make(folder: Path, number: int) -> None:
    for name, content in _cohort(number).instances():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    shutil.rmtree(folder)


def _write(folder: Path, finished: list[tuple[str, pydicom.FileDataset]]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, dataset in finished:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            dataset.save_as(path, enforce_file_format=True)
    shutil.rmtree(folder)
