"""The same bits on every machine, close to the functions that they stand for."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy._core._multiarray_umath import __cpu_dispatch__

from pacslab.cohort.anatomy import exact
from pacslab.scenario import Stream

RANGE = np.linspace(-40, 40, 20001, dtype=np.float32)


@pytest.mark.parametrize(
    ("ours", "theirs", "values"),
    [(exact.sin, np.sin, RANGE), (exact.cos, np.cos, RANGE), (exact.log10, np.log10, np.abs(RANGE) + 0.001)],
)
def test_exact_tables_are_close_to_the_functions(ours, theirs, values):
    assert np.abs(ours(values) - theirs(values.astype(np.float64))).max() < 1e-3


def test_exact_exponential_is_close_over_its_range():
    assert np.abs(exact.exp(RANGE) / np.exp(RANGE.astype(np.float64)) - 1).max() < 2e-4


def test_exact_rounding_is_half_to_even():
    values = np.concatenate([RANGE * 10007, np.arange(-4000, 4000, dtype=np.float32) / 2, [np.float32(4_000_000.4)]])
    values = values.astype(np.float32)
    assert np.array_equal(exact.rounded(values), np.rint(values).astype(np.int32))


def test_exact_frexp_and_ldexp_equal_the_library():
    values = np.concatenate([np.float32(2.0) ** np.arange(-120, 120, dtype=np.float32), np.abs(RANGE) + 0.001])
    values = values.astype(np.float32)
    share, exponent = np.frexp(values)
    table = exact.logarithm_table()[((share - np.float32(0.5)) * np.float32(2 * exact.TURN)).astype(np.int32)]
    assert np.array_equal(exact.log10(values), table + exponent.astype(np.float32) * np.float32(np.log10(2)))
    steps = np.rint(RANGE * np.float32(exact.TURN / np.log(2))).astype(np.int32)
    powers = np.ldexp(exact.power_table()[steps & (exact.TURN - 1)], steps >> 12)
    assert np.array_equal(exact.exp(RANGE), powers)


def test_exact_noise_is_normal():
    noise = exact.normal(Stream(b"noise"), 300, 401)
    assert noise.shape == (300, 401)
    assert abs(noise.mean()) < 0.01
    assert abs(noise.std() - 1) < 0.01
    assert abs((noise**4).mean() - 3) < 0.1
    assert np.abs(np.corrcoef(noise[:, :-1].ravel(), noise[:, 1:].ravel())[0, 1]) < 0.01


def test_exact_fields_are_smooth_and_vary():
    field = exact.spline_field(Stream(b"field"), (6, 8, 8), (12, 64, 64))
    assert field.shape == (12, 64, 64)
    assert field.dtype == np.float32
    assert field.std() > 0.2
    assert np.abs(np.diff(field, axis=-1)).max() < 0.6


SCRIPT = Path(__file__)


def bits():
    """A digest of everything here; it may only change together with the generator's version."""
    digest = hashlib.sha256()
    for values in (exact.sin(RANGE), exact.cos(RANGE), exact.exp(RANGE), exact.log10(np.abs(RANGE) + np.float32(0.5))):
        digest.update(np.asarray(values, dtype="<f4").tobytes())
    digest.update(np.asarray(exact.normal(Stream(b"bits"), 50, 51), dtype="<f4").tobytes())
    digest.update(np.asarray(exact.spline_field(Stream(b"bits"), (3, 4, 5), (9, 16, 25)), dtype="<f4").tobytes())
    return digest.hexdigest()


def test_exact_bits_are_those_of_every_machine():
    assert bits() == "1821c4ba1a093e5af6aa98ba38e35ff7cb3d1f7ab089a6ec8d16d0b02bf106ae"


def test_exact_bits_on_an_older_processor_are_the_same():
    """NumPy is told not to use what newer processors can: its own functions differ there."""
    answer = subprocess.run(
        [sys.executable, SCRIPT],
        env=os.environ | {"NPY_DISABLE_CPU_FEATURES": " ".join(__cpu_dispatch__)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout.strip() == bits()


if __name__ == "__main__":
    print(bits())
