"""Ultrasound: speckle of the right statistics, loops that move, and regions that say where the fan is."""

from __future__ import annotations

import numpy as np
import pytest

from pacslab.cohort.anatomy import us
from pacslab.scenario import Stream


@pytest.fixture(scope="module")
def screen():
    return us.make_screen(Stream(b"screen"))


def test_ultrasound_speckle_is_rayleigh(screen):
    """Fully developed speckle: mean over deviation of the amplitude is 1.91 (Burckhardt, 1978)."""
    assert abs(screen.speckle.mean() / screen.speckle.std() - 1.91) < 0.05


def test_ultrasound_speckle_is_finer_along_the_beam(screen):
    values = screen.speckle - screen.speckle.mean()
    along = (values[2:] * values[:-2]).mean()
    across = (values[:, 2:] * values[:, :-2]).mean()
    assert across > 2 * along
    assert across / values.var() > 0.15


def test_ultrasound_regions_hold_the_fan_and_no_banner(screen):
    rows, columns = np.nonzero(screen.inside)
    assert (columns.min(), rows.min(), columns.max(), rows.max()) == us.SECTOR
    assert us.BANNER[3] < us.SECTOR[1]
    picture = us.patient_image(screen, Stream(b"one"), "normal", 1)
    assert not picture[us.BANNER[1] : us.BANNER[3] + 1].any()
    left, top, right, bottom = us.SECTOR
    assert (bottom - top) * us.PIXEL * 10 == pytest.approx(us.DEPTH, rel=0.08)
    assert right - left > 500


def test_ultrasound_loop_moves_and_comes_back(screen):
    loop = us.patient_loop(screen, Stream(b"loop"), "normal", 1)
    assert loop.shape == (12, us.ROWS, us.COLUMNS)
    shown = loop.reshape(12, -1)[:, screen.inside.ravel()].astype(float)
    alike = [float(np.corrcoef(shown[0], region)[0, 1]) for region in shown]
    assert alike[3] < alike[1] < 1
    assert alike[6] > alike[3] + 0.1  # half way round, the organ lies where it began
    assert len({frame.tobytes() for frame in loop}) == 12


def test_ultrasound_skin_stays_while_the_organ_slides(screen):
    loop = us.patient_loop(screen, Stream(b"loop"), "normal", 1).astype(float)
    near, far = loop[:, 62:90, 280:360], loop[:, 200:300, 220:420]
    assert np.corrcoef(near[0].ravel(), near[3].ravel())[0, 1] > np.corrcoef(far[0].ravel(), far[3].ravel())[0, 1] + 0.2


def test_ultrasound_colour_is_in_its_box_only(screen):
    loop = us.patient_loop(screen, Stream(b"flow"), "normal", 3, 4)
    coloured = us.in_colour(loop, Stream(b"vessel"))
    assert coloured.shape == (*loop.shape, 3)
    grey = (coloured[..., 0] == coloured[..., 1]) & (coloured[..., 1] == coloured[..., 2])
    left, top, right, bottom = us.DOPPLER
    outside = np.ones(grey.shape, dtype=bool)
    outside[:, top : bottom + 1, left : right + 1] = False
    assert grey[outside].all()
    box = coloured[:, top : bottom + 1, left : right + 1].astype(int)
    assert ((box[..., 0] - box[..., 2]) > 80).sum() > 100  # towards the probe
    assert ((box[..., 2] - box[..., 0]) > 80).sum() > 100  # away from it


@pytest.mark.parametrize(("shape", "number"), [("kidney-stone", 1), ("hydronephrosis", 1), ("gallstone", 1)])
def test_ultrasound_finding_is_visible(screen, shape, number):
    ill = us.patient_image(screen, Stream(b"one"), shape, number).astype(int)
    well = us.patient_image(screen, Stream(b"one"), "normal", 4 if shape == "gallstone" else number).astype(int)
    assert (np.abs(ill - well) > 60).sum() > 400


def test_ultrasound_stone_throws_a_shadow(screen):
    ill = us.patient_image(screen, Stream(b"one"), "kidney-stone", 1).astype(int)
    well = us.patient_image(screen, Stream(b"one"), "normal", 1).astype(int)
    darker = (well - ill) > 50
    rows = np.flatnonzero(darker.sum(axis=1) > 8)
    assert rows.max() > 420
    assert rows.max() - rows.min() > 120
