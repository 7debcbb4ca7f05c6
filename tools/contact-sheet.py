#!/usr/bin/env python3
"""Draw what the generator's anatomy looks like, a PNG a modality, for the eyes of whoever changes it.

Usage: contact-sheet.py FOLDER [seed]
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from pacslab.cohort.anatomy import cr, ct, exact, mg, mr, us
from pacslab.scenario.variant import Stream

if TYPE_CHECKING:
    from collections.abc import Iterator

CHEST = (
    "normal",
    "nodule-left",
    "effusion-right",
    "consolidation-right",
    "rib-fracture-left",
    "calcification-right",
    "cardiomegaly",
)
LUNG, SOFT_TISSUE = (-500, 1500), (40, 400)
SEED = sys.argv[2] if len(sys.argv) > 2 else "sheet"


def stream(*label: object) -> Stream:
    """Return a stream of the seed."""
    return Stream(repr((SEED, *label)).encode())


def shown(pixels: np.ndarray, centre: float, width: float) -> np.ndarray:
    """Return pixels as a window (centre, width) shows them, from 0 to 255."""
    return np.clip((pixels.astype(np.float32) - centre) * (255 / width) + 128, 0, 255).astype(np.uint8)


def scans() -> Iterator[list[np.ndarray]]:
    """Yield a row a finding: four slices in two windows."""
    noise = ct.noise_field(stream("noise"))
    for shape in CHEST:
        stored = ct.patient_volume(ct.body_for(shape), noise, stream("ct"), shape, "F", scan=stream("scan"))
        volume = stored.astype(int) + ct.INTERCEPT
        yield [shown(volume[number], *window) for number in (2, 9, 12, 17) for window in (SOFT_TISSUE, LUNG)]


def radiographs() -> Iterator[list[np.ndarray]]:
    """Yield a row a view, a picture a finding."""
    chest, grain = cr.draw_chest(stream("chest")), exact.normal(stream("grain"), cr.ROWS, cr.COLUMNS)
    for view in cr.VIEWS:
        taken = (cr.patient_radiograph(chest, grain, stream(shape), shape, "M", view) for shape in CHEST)
        yield [shown(picture, 2048, 4096) for picture in taken]


def heads() -> Iterator[list[np.ndarray]]:
    """Yield all slices of a normal head in three weightings, then the findings."""
    head = mr.draw_head(stream("head"))
    for shape in mr.SHAPES[::2]:
        tissues = mr.patient_head(head, stream("patient"), shape)
        for name, weighting in mr.WEIGHTINGS.items():
            series = shown(mr.patient_series(head, tissues, stream(name), name), *weighting.window)
            yield from ([*series[:13]], [*series[13:]]) if shape == "normal" else ([*series[10:23]],)


def mammograms() -> Iterator[list[np.ndarray]]:
    """Yield a row a finding, in four views."""
    breast = mg.draw_breast(stream("breast"))
    for shape in mg.SHAPES:
        views = [mg.patient_mammogram(breast, stream(shape), shape, *view, scan=stream("scan")) for view in mg.VIEWS]
        yield [shown(view, *mg.WINDOW) for view in views]


def ultrasound() -> Iterator[list[np.ndarray]]:
    """Yield single images, then a loop."""
    screen = us.make_screen(stream("screen"))
    shapes = ("normal", "kidney-stone", "gallstone", "hydronephrosis")
    yield [us.patient_image(screen, stream(shape), shape, 1) for shape in shapes]
    yield [*us.patient_loop(screen, stream("loop"), "normal", 3)[::3]]


def main() -> None:
    """Write the sheets."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for make in (scans, radiographs, heads, mammograms, ultrasound):
        sheet = np.vstack([np.hstack(row) for row in make()])
        Image.fromarray(sheet).save(folder / f"{make.__name__}.png")
        print(folder / f"{make.__name__}.png")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main()
