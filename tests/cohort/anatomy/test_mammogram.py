"""Mammograms: four views of one woman, each what its view code says."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import label

from pacslab.cohort.anatomy import mg
from pacslab.scenario import Stream


@pytest.fixture(scope="module")
def breast():
    return mg.draw_breast(Stream(b"breast"))


def taken(breast, shape, laterality, view, seed=b"woman"):
    return mg.draw(breast, Stream(seed), shape, laterality, view, scan=Stream(b"scan"))


@pytest.mark.parametrize(("laterality", "view"), mg.VIEWS)
def test_mammogram_chest_wall_is_on_the_coded_side(breast, laterality, view):
    picture = mg.patient_mammogram(breast, Stream(b"woman"), "normal", laterality, view, scan=Stream(b"scan"))
    assert picture.shape == (mg.ROWS, mg.COLUMNS)
    assert picture.dtype == np.uint16
    assert picture.max() < 4096
    covered = (picture > 0).mean(axis=0)
    wall, air = (covered[:20], covered[-20:]) if laterality == "L" else (covered[-20:], covered[:20])
    assert wall.min() > 0.5
    assert air.max() == 0
    assert mg.PATIENT_ORIENTATION[laterality, view][0] == {"L": "A", "R": "P"}[laterality]


def test_mammogram_pectoral_muscle_is_in_oblique_views_only(breast):
    corner = {view: taken(breast, "normal", "L", view)[0][10:90, 5:60] for view in ("CC", "MLO")}
    assert (corner["MLO"] > 1700).mean() > 0.95
    assert (corner["CC"] > 1700).mean() < 0.05


def test_mammogram_density_varies_between_women(breast):
    dense = []
    for number in range(12):
        picture = taken(breast, "normal", "L", "CC", b"woman %d" % number)[0]
        dense.append(float((picture[picture > 0] > 1700).mean()))
    assert max(dense) - min(dense) > 0.15
    assert 0 < np.median(dense) < 0.75


def test_mammogram_parenchyma_has_the_spectrum_of_breasts(breast):
    """Power falls with about the third power of frequency (Burgess, 2001: exponents from 1.5 to 3.5)."""
    patch = taken(breast, "normal", "L", "CC")[0][322:578, 40:296].astype(float)
    window = np.hanning(256)[:, None] * np.hanning(256)[None, :]
    power = np.abs(np.fft.fft2((patch - patch.mean()) * window)) ** 2
    frequency = np.hypot(np.fft.fftfreq(256)[:, None], np.fft.fftfreq(256)[None, :])
    bands = [(0.012, 0.024), (0.024, 0.048), (0.048, 0.096)]
    means = [np.log2(power[(frequency > low) & (frequency <= high)].mean()) for low, high in bands]
    slope = np.diff(means).mean()
    assert -4.5 < slope < -1.2


@pytest.mark.parametrize("shape", mg.SHAPES[1:])
def test_mammogram_finding_is_in_both_views_of_its_side(breast, shape):
    for laterality, view in mg.VIEWS:
        ill, found = taken(breast, shape, laterality, view)
        well, nothing = taken(breast, "normal", laterality, view)
        assert nothing is None
        changed = np.argwhere(np.abs(ill.astype(int) - well) > 250)
        if shape.endswith({"L": "left", "R": "right"}[laterality]):
            assert len(changed) > 40
            away = np.abs(changed - (found.row, found.column)).max(axis=1)
            assert (away < 2.8 * found.radius + 20).all()
        else:
            assert found is None
            assert len(changed) == 0


def test_mammogram_calcifications_are_small_and_many(breast):
    ill, well = (taken(breast, shape, "L", "CC")[0].astype(int) for shape in ("calcifications-left", "normal"))
    _, count = label(ill - well > 300)
    assert 8 <= count <= 18
