"""An electrocardiogram that a cardiologist reads as what it is."""

from __future__ import annotations

import numpy as np
import pytest

from pacslab.cohort.anatomy import ecg
from pacslab.scenario import Stream

NAMES = [lead.name for lead in ecg.LEADS]


def recorded(rhythm, number=0):
    return ecg.record(Stream(b"ecg %d" % number), rhythm)


def peaks(samples):
    """R peaks of lead II, found without knowing where they were put."""
    lead = samples[:, NAMES.index("II")] * ecg.SENSITIVITY / 1000
    high = lead > 0.6 * lead.max()
    starts = np.flatnonzero(high & ~np.roll(high, 1))
    return starts / ecg.RATE


@pytest.mark.parametrize("rhythm", ecg.RHYTHMS)
@pytest.mark.parametrize("number", range(4))
def test_ecg_rate_is_the_counted_one(rhythm, number):
    made = recorded(rhythm, number)
    assert made.samples.shape == (5000, 12)
    assert made.samples.dtype == np.int16
    found = peaks(made.samples)
    assert len(found) == len(made.beats)
    assert abs(60 * (len(found) - 1) / (found[-1] - found[0]) - made.rate) <= 1
    assert 55 <= made.rate <= 125


@pytest.mark.parametrize("rhythm", ecg.RHYTHMS)
def test_ecg_limb_leads_obey_einthoven_and_goldberger(rhythm):
    lead_one, two, three, right, left, foot = recorded(rhythm).samples[:, :6].T.astype(int)
    assert np.array_equal(three, two - lead_one)
    assert np.abs(2 * right + lead_one + two).max() <= 1
    assert np.abs(2 * left - 2 * lead_one + two).max() <= 1
    assert np.abs(2 * foot - 2 * two + lead_one).max() <= 1


def test_ecg_of_fibrillation_has_irregular_beats():
    steady = np.diff(recorded("normal").beats)
    ragged = np.diff(recorded("atrial-fibrillation").beats)
    assert steady.std() / steady.mean() < 0.04
    assert ragged.std() / ragged.mean() > 0.1


def segment(made, lead, start, end):
    """Mean level in millivolts between two times after the R peak, against the level before the P wave."""
    values = made.samples[:, NAMES.index(lead)] * ecg.SENSITIVITY / 1000
    levels = []
    for beat in made.beats[1:-1]:
        at = round(beat * ecg.RATE)
        after = values[at + int(start * ecg.RATE) : at + int(end * ecg.RATE)]
        levels.append(after.mean() - values[at - int(0.27 * ecg.RATE) : at - int(0.24 * ecg.RATE)].mean())
    return np.mean(levels)


def test_ecg_of_infarction_lifts_anterior_leads():
    ill, well = recorded("st-elevation"), recorded("normal")
    for lead in ("V2", "V3", "V4"):
        assert segment(ill, lead, 0.08, 0.12) > 0.2
        assert segment(well, lead, 0.08, 0.12) < 0.1
    assert segment(ill, "II", 0.08, 0.12) < -0.05


def test_ecg_of_fibrillation_has_no_p_wave():
    assert segment(recorded("normal"), "II", -0.18, -0.15) > 0.06
    assert abs(segment(recorded("atrial-fibrillation"), "II", -0.18, -0.15)) < 0.06


def test_ecg_is_one_per_patient():
    assert np.array_equal(recorded("normal").samples, recorded("normal").samples)
    assert not np.array_equal(recorded("normal", 1).samples, recorded("normal", 2).samples)


def test_ecg_of_an_unknown_rhythm_is_refused_by_name():
    with pytest.raises(ValueError, match="'flutter' is no rhythm"):
        recorded("flutter")
