"""A head that a radiologist reads as one, and that a face can be rendered from."""

from __future__ import annotations

import numpy as np
import pytest

from pacslab.cohort.anatomy import mr
from pacslab.cohort.anatomy.head import SLICES, SPACING, STEP, Tissue, Z
from pacslab.scenario import Stream


@pytest.fixture(scope="module")
def head():
    return mr.draw_head(Stream(b"head"))


@pytest.fixture(scope="module")
def patient(head):
    return mr.patient_head(head, Stream(b"patient"), "normal")


@pytest.fixture(scope="module")
def series(head, patient):
    return {name: mr.patient_series(head, patient, Stream(name.encode()), name) for name in mr.WEIGHTINGS}


def signal(series, patient, tissue):
    """Median over a tissue, without voxels that its neighbours blur into."""
    inside = patient == tissue
    core = (
        inside[:, 1:-1, 1:-1] & inside[:, :-2, 1:-1] & inside[:, 2:, 1:-1] & inside[:, 1:-1, :-2] & inside[:, 1:-1, 2:]
    )
    return float(np.median(series[:, 1:-1, 1:-1][core]))


def test_mr_series_has_twelve_bits_and_twenty_slices(series):
    for images in series.values():
        assert images.shape == (SLICES, mr.ROWS, mr.COLUMNS)
        assert images.shape[0] >= 20
        assert images.dtype == np.uint16
        assert images.max() < 4096


def test_mr_weightings_have_their_contrasts(series, patient):
    t1, t2, flair = (
        {
            tissue: signal(series[name], patient, tissue)
            for tissue in (Tissue.CSF, Tissue.GREY, Tissue.WHITE, Tissue.FAT)
        }
        for name in ("t1", "t2", "flair")
    )
    assert t1[Tissue.FAT] > t1[Tissue.WHITE] > t1[Tissue.GREY] > 2 * t1[Tissue.CSF]
    assert t2[Tissue.CSF] > 1.5 * t2[Tissue.GREY]
    assert t2[Tissue.GREY] > 1.2 * t2[Tissue.WHITE]
    assert flair[Tissue.CSF] < 0.4 * flair[Tissue.WHITE] < 0.4 * flair[Tissue.GREY]


def test_mr_brain_has_the_size_of_a_brain(patient):
    litre = SPACING * SPACING * STEP / 1e6
    brain = np.isin(patient, mr.BRAIN)
    assert 0.9 < brain.sum() * litre < 1.6
    grey, white = (int((patient == tissue).sum()) for tissue in (Tissue.GREY, Tissue.WHITE))
    assert 0.6 < grey / white < 1.8
    ventricles = (patient == Tissue.CSF) & brain_box(patient)
    assert 0.01 < ventricles.sum() * litre < 0.08


def brain_box(patient):
    """The middle of the brain, where fluid is ventricle."""
    box = np.zeros(patient.shape, dtype=bool)
    box[(Z > -2) & (Z < 36), 85:215, 100:156] = True
    return box


def test_mr_skull_surrounds_the_brain_at_every_level(patient):
    for plane, z in zip(patient, Z, strict=True):
        if not 0 < z < 60:
            continue
        brain = np.argwhere(np.isin(plane, mr.BRAIN))
        for row, column in brain[:: max(1, len(brain) // 60)]:
            for ray in (plane[row, :column], plane[row, column:], plane[:row, column], plane[row:, column]):
                assert (ray == Tissue.CORTEX).any()


def test_mr_noise_is_rayleigh_in_air_and_normal_in_tissue(series):
    """A magnitude image has no zero-mean background: mean over deviation is 1.91 (Gudbjartsson and Patz, 1995)."""
    air = series["t2"][:, 200:, :40].astype(float)
    assert 1.75 < (air.mean() + 0.5) / air.std() < 2.1
    deviation = air.std() / 0.655
    assert abs(deviation - mr.WEIGHTINGS["t2"].noise) < 1


def rendered(images, threshold):
    """What a surface renderer sees from the front: the row of the first voxel brighter than air."""
    solid = images > threshold
    return np.where(solid.any(axis=1), solid.argmax(axis=1), mr.ROWS)


def test_mr_surface_shows_nose_and_eye_sockets(series, patient):
    surface = rendered(series["t1"], 150)
    region = mr.face_region(patient)
    middle = mr.COLUMNS // 2
    tip = surface[:, middle - 6 : middle + 6].min(axis=1)
    level = int(tip.argmin())
    assert -80 < Z[level] < -50  # the nose's tip lies below the eyes
    eyes = int(np.searchsorted(Z, -32))
    assert surface[level, middle] * SPACING + 15 < surface[eyes, middle - 34] * SPACING
    assert region.rows[0] <= surface[level, middle] <= region.rows[1]
    assert region.slices[0] <= level < region.slices[1]


def test_mr_face_region_tells_whether_a_face_remains(series, patient):
    region = mr.face_region(patient)
    images = series["t1"].copy()
    assert (images[region.mask] > 150).mean() > 0.75
    images[region.slices[0] : region.slices[1], region.rows[0] : region.rows[1]] = 0
    assert (images[region.mask] > 150).mean() < 0.01
    assert not np.isin(patient[region.mask], mr.BRAIN).any()


@pytest.mark.parametrize("shape", mr.SHAPES[1:])
def test_mr_finding_changes_its_side_only(head, shape):
    ill = mr.patient_head(head, Stream(b"one"), shape)
    well = mr.patient_head(head, Stream(b"one"), "normal")
    changed = ill != well
    assert 40 < changed.sum() < 40000
    columns = np.flatnonzero(changed.any(axis=(0, 1)))
    assert (columns < 128).all() if shape.endswith("right") else (columns > 128).all()
    t2 = [mr.patient_series(head, patient, Stream(b"noise"), "t2").astype(int) for patient in (ill, well)]
    assert np.abs(t2[0] - t2[1])[changed].mean() > 10 * mr.WEIGHTINGS["t2"].noise
    far = ~changed.any(axis=(1, 2))
    assert np.array_equal(t2[0][far], t2[1][far])


def test_mr_old_bleed_has_a_dark_ring(head):
    ill = mr.patient_head(head, Stream(b"one"), "bleed-left")
    t2 = mr.patient_series(head, ill, Stream(b"noise"), "t2")
    assert signal(t2, ill, Tissue.OLD_BLOOD) > 4 * np.median(t2[ill == Tissue.IRON])


def test_mr_slices_are_stacked_upwards_evenly():
    places = [mr.position(number) for number in range(SLICES)]
    assert len({place[:2] for place in places}) == 1
    assert np.allclose(np.diff([place[2] for place in places]), STEP)
    assert mr.THICKNESS < STEP


def test_mr_heads_differ_by_patient_and_repeat(head):
    first, again, other = (mr.patient_head(head, Stream(seed), "normal") for seed in (b"1", b"1", b"2"))
    assert np.array_equal(first, again)
    assert (first != other).mean() > 0.05
