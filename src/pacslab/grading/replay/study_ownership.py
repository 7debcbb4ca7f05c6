"""Decide by the images alone whether a de-identified study is the one that the student was given.

Names and UIDs are gone by then, as they should be, and what is left of the attributes can be typed. A picture cannot:
each student's is drawn with a grain of its own. It stays when somebody brightens the picture or saves it with loss, so
whoever spoils the own pictures loses only what the audit takes, and whoever hands in another's earns nothing.
"""

from __future__ import annotations

import os
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import scipy

from pacslab.deid import decode, parse_dicom

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pacslab.cohort import Cohort
    from pacslab.deid import DeidReport

SAME_GRAIN = 0.5
"""A correlation of grains between what pictures of two students reach (0.31 at most, as both have a fan's edges) and
what the same picture keeps when it is made brighter or harsher, or is saved as JPEG of quality 20 (0.76)."""
UNTOUCHED = "untouched pictures"
_MOST_FILES = 200
_LARGEST = 64 << 20
_ENOUGH = 2


def strangers_study(output: Path, report: DeidReport, cohort: Cohort) -> str:
    """Return why a study is not the student's own, or nothing where at least half of its pictures are.

    Pictures that the audit found untouched are the student's; only where those are fewer than half are the others'
    grains compared with the originals'.

    Parameters
    ----------
    output
        The folder of the de-identified files.
    report
        The audit of it.
    cohort
        The student's cohort, from which the originals are drawn again.

    """
    untouched = next((check for check in report.kept if check.name == UNTOUCHED), None)
    if untouched is None or not report.files_found or _ENOUGH * untouched.good >= untouched.total:
        return ""
    left = list(_grains(_originals(cohort, report.study)))
    wanted = len(left)
    for grain in _grains(_handed_in(output)):
        left = [original for original in left if not _alike(grain, original)]
    own = wanted - len(left)
    if _ENOUGH * own >= untouched.total:
        return ""
    how_many = f"Only {own}" if own else "None"
    return (
        f"{how_many} of the study's {untouched.total} pictures are those that you were given, so nobody can say that "
        "this is your study, and it earns nothing. De-identify your own images, and change no pixel but the writing."
    )


def _originals(cohort: Cohort, uid: str) -> Iterator[bytes]:
    study = next(study for study in cohort.plan.studies if study.uid == uid)
    series = [series for series in study.series if series.content.image]
    pictures = {instance.file_name for series in series for instance in series.instances}
    return (content for name, content in cohort.study_files(study) if name in pictures)


def _handed_in(output: Path) -> Iterator[bytes]:
    files = sorted(Path(folder) / name for folder, _, names in os.walk(output) for name in names)
    ordinary = (path for path in files if path.is_file() and not path.is_symlink())
    return (path.read_bytes() for path in islice(ordinary, _MOST_FILES) if path.stat().st_size <= _LARGEST)


def _grains(contents: Iterator[bytes]) -> Iterator[np.ndarray]:
    """Yield what is left of each picture without all that changes slowly and all that is written over it."""
    for content in contents:
        dataset, _ = parse_dicom(content)
        pixels = decode(dataset) if dataset is not None else None
        if pixels is None or pixels.ndim < 2 or min(pixels.shape[:2]) < 16:
            continue
        values = pixels.astype(np.float32)
        while values.ndim > 2:
            values = values.mean(axis=-1) if values.shape[-1] in (3, 4) else values[0]
        fine = values - scipy.ndimage.uniform_filter(values, size=5)
        limit = 3 * float(np.median(np.abs(fine[fine != 0]))) if fine.any() else 0.0
        yield np.clip(fine, -limit, limit)


def _alike(left: np.ndarray, right: np.ndarray) -> bool:
    if left.shape != right.shape:
        return False
    size = float(np.linalg.norm(left) * np.linalg.norm(right))
    return size > 0 and abs(float(np.vdot(left, right))) / size >= SAME_GRAIN
