"""Every picture has the same bits on every processor, NumPy and Python: this digest was made once, and is compared."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from numpy._core._multiarray_umath import __cpu_dispatch__

from pacslab.cohort.anatomy import cr, ct, ecg, exact, mg, mr, us
from pacslab.scenario import Stream

EXPECTED = {
    "ct": "98d4cb2a38092170217e1bda414d8cba47f3ef6183c93972a5f8cffc3fc0b155",
    "cr": "b4d615edec444d1c7691db7b3939bd473ee3b153595887154ed5b947645c8878",
    "mr": "1844d9ddcdaac62fde246ee700364f0e70da3156f266a8cc34dc52c27ca3117a",
    "mg": "1166797d412836a8a223d1e5a6294b0ef86c1bb59cc5480003364e63f6ef8f37",
    "us": "49b63fa30ffb91d350130bd98460c6a0637725a9b25dd3e234a72a8721c54e8c",
    "ecg": "2199576bd0126089c11e0b064a75c3c5cecdeeec7614e9fdda0735ce865bb91f",
}
"""When pictures are changed on purpose, run this file as a script, and raise the generator's version."""


def stream(label):
    return Stream(label.encode())


def scans():
    noise = ct.noise_field(stream("noise"))
    for shape, sex in (("nodule-left", "F"), ("consolidation-right", "M"), ("rib-fracture-left", "M")):
        yield ct.patient_volume(ct.body_for(shape), noise, stream(shape), shape, sex, scan=stream("scan"))


def radiographs():
    chest, grain = cr.draw_chest(stream("chest")), exact.normal(stream("grain"), cr.ROWS, cr.COLUMNS)
    for shape, sex in (("nodule-left", "F"), ("consolidation-right", "M"), ("cardiomegaly", "M")):
        for view in cr.VIEWS:
            yield cr.patient_radiograph(chest, grain, stream(shape), shape, sex, view)


def heads():
    head = mr.draw_head(stream("head"))
    tissues = mr.patient_head(head, stream("patient"), "tumour-left")
    for weighting in mr.WEIGHTINGS:
        yield mr.patient_series(head, tissues, stream(weighting), weighting)


def mammograms():
    breast = mg.draw_breast(stream("breast"))
    for laterality, view in mg.VIEWS:
        yield mg.patient_mammogram(breast, stream("patient"), "mass-right", laterality, view, scan=stream("scan"))


def ultrasound():
    screen = us.make_screen(stream("screen"))
    for shape in ("gallstone", "kidney-stone", "hydronephrosis"):
        yield us.patient_image(screen, stream(shape), shape, 1)
    yield us.in_colour(us.patient_loop(screen, stream("loop"), "normal", 3, 4), stream("vessel"))


def electrocardiograms():
    for rhythm in ecg.RHYTHMS:
        yield ecg.record(stream(rhythm), rhythm).samples


PICTURES = {
    "ct": scans,
    "cr": radiographs,
    "mr": heads,
    "mg": mammograms,
    "us": ultrasound,
    "ecg": electrocardiograms,
}


def digest(modality):
    made = hashlib.sha256()
    for picture in PICTURES[modality]():
        made.update(picture.astype(picture.dtype.newbyteorder("<")).tobytes())
    return made.hexdigest()


@pytest.mark.parametrize("modality", EXPECTED)
def test_anatomy_digest_is_that_of_every_machine(modality):
    assert digest(modality) == EXPECTED[modality]


def test_anatomy_digest_on_an_older_processor_is_the_same():
    """NumPy is told to do without what newer processors can: its own sines would be others."""
    answer = subprocess.run(
        [sys.executable, Path(__file__)],
        env=os.environ | {"NPY_DISABLE_CPU_FEATURES": " ".join(__cpu_dispatch__)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert dict(line.split() for line in answer.stdout.splitlines()) == EXPECTED


if __name__ == "__main__":
    for modality in EXPECTED:
        print(modality, digest(modality))
