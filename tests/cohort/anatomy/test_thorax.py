"""One thorax, seen by computed tomography and by the radiograph that is its projection."""

from __future__ import annotations

import numpy as np
import pytest

from pacslab.cohort.anatomy import cr, ct, exact, thorax
from pacslab.scenario import Stream

SHAPES = [
    f"{kind}-{side}"
    for kind in ("nodule", "effusion", "consolidation", "calcification", "rib-fracture")
    for side in ("right", "left")
]


@pytest.fixture(scope="module")
def noise():
    return ct.noise_field(Stream(b"noise"))


@pytest.fixture(scope="module")
def volume(noise):
    return scanned(noise, "normal")


def scanned(noise, shape, seed=b"patient"):
    volume = ct.patient_volume(ct.body_for(shape), noise, Stream(seed), shape, "M", scan=Stream(seed))
    return volume.astype(int) + ct.INTERCEPT


@pytest.fixture(scope="module")
def chest():
    return cr.draw_chest(Stream(b"chest"))


@pytest.fixture(scope="module")
def grain():
    return exact.normal(Stream(b"grain"), cr.ROWS, cr.COLUMNS)


def exposed(chest, grain, shape, view="PA", seed=b"patient"):
    return cr.patient_radiograph(chest, grain, Stream(seed), shape, "M", view).astype(int)


def place(x, y):
    return round(y / ct.SPACING + (ct.SIZE - 1) / 2), round(x / ct.SPACING + (ct.SIZE - 1) / 2)


def hounsfield(volume, x, y, z, reach=3):
    row, column = place(x, y)
    return float(
        np.median(volume[round(z / ct.STEP), row - reach : row + reach + 1, column - reach : column + reach + 1])
    )


@pytest.mark.parametrize(
    ("what", "where", "low", "high"),
    [
        ("right lung", (-75, 0, 168), -920, -780),
        ("left lung", (75, 10, 168), -920, -780),
        ("windpipe", (0, 12, 216), -1024, -930),
        ("left ventricle with contrast medium", (36, -14, 108), 130, 240),
        ("descending aorta", (20, 42, 108), 180, 280),
        ("liver", (-70, 0, 36), 70, 140),
        ("vertebral body", (0, 64, 96), 180, 420),
        ("air beside the patient", (-172, -100, 120), -1024, -950),
    ],
)
def test_ct_organs_have_their_hounsfield_units(volume, what, where, low, high):
    assert low <= hounsfield(volume, *where) <= high, what


def test_ct_bone_is_the_densest_tissue_everywhere(volume):
    assert all((plane > 350).sum() > 100 for plane in volume)
    assert volume.max() < 1500


def test_ct_lungs_have_the_size_of_lungs(volume):
    litres = ((volume > -930) & (volume < -700)).sum() * ct.SPACING**2 * ct.STEP / 1e6
    assert 3.0 < litres < 7.5


def test_ct_noise_is_that_of_a_standard_dose(volume):
    row, column = place(-70, 0)
    liver = volume[3, row - 8 : row + 8, column - 8 : column + 8]
    assert 6 < liver.std() < 25


def test_radiograph_is_the_projection_of_the_ct(chest, grain):
    """Rays are added up through the slices of tomography here, independently, and compared in the lungs' region."""
    body = np.minimum(ct.draw_body().astype(np.float64), 55)
    water = ((body + 1000) / 1000).sum(axis=1) * ct.SPACING / 10  # (slices, columns), cm
    picture = exposed(chest, grain, "normal").astype(float)
    rows = np.rint((cr.TOP - np.arange(ct.SLICES) * ct.STEP) / cr.SPACING).astype(int)
    columns = np.rint(thorax.axis(ct.SIZE) / cr.SPACING + (cr.COLUMNS - 1) / 2).astype(int)
    inner = np.abs(thorax.axis(ct.SIZE)) < 115
    chosen = slice(2, 20)
    smooth = sum(np.roll(picture, (dy, dx), (0, 1)) for dy in range(-9, 10, 3) for dx in (-3, 0, 3))
    shown = smooth[rows[chosen][:, None], columns[inner][None, :]]
    assert np.corrcoef(shown.ravel(), water[chosen][:, inner].ravel())[0, 1] > 0.85


def test_radiograph_views_show_a_nodule_at_one_height(chest, grain):
    heights = []
    for view in cr.VIEWS:
        changed = np.abs(exposed(chest, grain, "nodule-left", view) - exposed(chest, grain, "normal", view)) > 100
        rows, columns = np.nonzero(changed)
        heights.append(rows.mean())
        assert rows.max() - rows.min() < 40
        assert columns.max() - columns.min() < 40
    assert abs(heights[0] - heights[1]) < 3


@pytest.mark.parametrize("shape", SHAPES)
def test_ct_finding_changes_its_side_only(noise, volume, shape):
    changed = np.abs(scanned(noise, shape) - volume) > 40
    columns = np.nonzero(changed)[2]
    assert len(columns) > 20
    middle = ct.SIZE // 2
    assert (columns < middle).all() if shape.endswith("right") else (columns > middle).all()


@pytest.mark.parametrize("shape", SHAPES)
def test_radiograph_finding_changes_its_side(chest, grain, shape):
    changed = np.abs(exposed(chest, grain, shape) - exposed(chest, grain, "normal")) > 80
    columns = np.nonzero(changed)[1]
    assert len(columns) > 30
    assert ((columns < 256) == shape.endswith("right")).mean() > 0.97  # the viewer faces the patient


def test_ct_calcification_is_denser_than_a_nodule(noise):
    assert scanned(noise, "calcification-left").max() > 700
    well, nodule = (scanned(noise, shape) for shape in ("normal", "nodule-left"))
    assert (nodule - well).max() < 1000
    assert nodule[(nodule - well) > 300].max() < 120


def test_ct_broken_rib_has_a_gap_and_blood(noise, volume):
    broken = scanned(noise, "rib-fracture-right")
    changed = np.abs(broken - volume) > 60
    (number,) = np.flatnonzero(changed.any(axis=(1, 2)))
    before, after = volume[number][changed[number]], broken[number][changed[number]]
    assert ((before > 200) & (after < 130)).sum() > 5
    assert ((before < -700) & (after > -50)).sum() > 20


def width_of_heart(volume):
    """Of the heart and of the chest, in the slice through the ventricles, by what is between the lungs."""
    plane = volume[8]
    row = place(0, -22)[0]
    lung = np.flatnonzero((plane[row] < -700) & (np.abs(thorax.axis(ct.SIZE)) < 125))
    middle = ct.SIZE // 2
    left, right = lung[lung < middle - 3].max(), lung[lung > middle + 3].min()
    return (right - left) / (lung.max() - lung.min())


def test_ct_large_heart_takes_half_of_the_chest(noise, volume):
    assert width_of_heart(volume) < 0.5
    assert width_of_heart(scanned(noise, "cardiomegaly")) > 0.5


def test_radiograph_large_heart_is_large(chest, grain):
    ill, well = (exposed(chest, grain, shape) for shape in ("cardiomegaly", "normal"))
    brighter = (ill - well > 150)[250:380]
    assert brighter.sum() > 2000
    assert brighter[:, 256:].sum() > brighter[:, :256].sum()


def test_radiograph_has_twelve_bits_dark_air_bright_bone(chest, grain):
    for view in cr.VIEWS:
        picture = exposed(chest, grain, "normal", view)
        assert picture.shape == (cr.ROWS, cr.COLUMNS)
        assert 0 <= picture.min() <= picture[5:20, 5:20].mean() < 120
        assert picture.max() < 4096


@pytest.mark.parametrize("sex", ["F", "M"])
def test_thorax_differs_by_patient_and_repeats(noise, chest, grain, sex):
    made = [cr.patient_radiograph(chest, grain, Stream(seed), "normal", sex) for seed in (b"1", b"1", b"2")]
    assert np.array_equal(made[0], made[1])
    assert not np.array_equal(made[0], made[2])
    body, scan = ct.draw_body(), b"scan"
    scans = [
        ct.patient_volume(body, noise, Stream(seed), "normal", sex, scan=Stream(scan)) for seed in (b"1", b"1", b"2")
    ]
    assert np.array_equal(scans[0], scans[1])
    assert not np.array_equal(scans[0], scans[2])
