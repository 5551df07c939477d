"""Grids of few bits: where their numbers lie, and what rounding to them costs."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from actlab import quantize

ENDS = st.floats(-100, 100).filter(lambda x: x == 0 or abs(x) > 1e-6)


@given(ENDS, ENDS, st.integers(2, 10))
def test_an_affine_grid_holds_zero_and_errs_by_half_a_step_within_its_range(a, b, bits):
    low, high = min(a, b, 0.0), max(a, b, 0.0)
    if low == high:
        return
    grid = quantize.affine(low, high, bits)
    assert grid(np.zeros(1)).item() == 0
    assert 0 <= grid.zero <= 2**bits - 1
    x = np.linspace(low, high, 501)
    assert abs(grid(x) - x).max() <= grid.step * (1 + 1e-9)  # zero is rounded: a step at the ends
    inside = x[(x > low + grid.step) & (x < high - grid.step)]
    if len(inside):
        assert abs(grid(inside) - inside).max() <= grid.step / 2 * (1 + 1e-9)


@given(st.floats(1e-6, 1e6), st.integers(2, 10))
def test_a_symmetric_grid_is_odd_and_reaches_its_ends(largest, bits):
    grid = quantize.symmetric(largest, bits)
    x = np.linspace(-1.5, 1.5, 301) * largest
    np.testing.assert_array_equal(grid(-x), -grid(x))
    assert grid(x).max() == pytest.approx(largest)
    assert len(np.unique(grid(x))) <= 2**bits - 1


def test_one_step_a_channel():
    x = np.array([[1.0, 100.0], [-0.5, 50.0]])
    grid = quantize.symmetric(abs(x).max(0))
    np.testing.assert_allclose(grid.step, [1 / 127, 100 / 127])
    assert abs(grid(x) - x)[:, 0].max() < 0.004


def test_numpy_and_torch_agree():
    x = np.random.default_rng(0).normal(size=1000)
    grid = quantize.affine(-0.5, 2.0)
    np.testing.assert_array_equal(grid(x), grid(torch.tensor(x)).numpy())
    assert grid(np.float32(x)).dtype == np.float32
    assert grid(torch.tensor(x).float()).dtype == torch.float32


def test_a_positive_signal_gains_the_missing_bit():
    x = np.random.default_rng(0).uniform(0, 1, 100_000)
    gain = quantize.signal_to_noise(x, quantize.affine(0, 1)(x)) - quantize.signal_to_noise(
        x, quantize.symmetric(1.0)(x)
    )
    assert gain == pytest.approx(20 * math.log10(255 / 127), abs=0.1)


def test_signal_to_noise():
    assert quantize.signal_to_noise([1.0, 1.0], [1.1, 0.9]) == pytest.approx(20)
    assert quantize.signal_to_noise([1.0], [1.0]) == math.inf


@pytest.mark.parametrize(
    "bad",
    [
        lambda: quantize.symmetric(0.0),
        lambda: quantize.symmetric(np.array([1.0, np.nan])),
        lambda: quantize.symmetric(1.0, bits=1),
        lambda: quantize.affine(0.0, 0.0),
        lambda: quantize.affine(0.0, math.inf),
        lambda: quantize.affine(0.0, 1.0, bits=1),
    ],
)
def test_a_grid_that_cannot_be_is_refused(bad):
    with pytest.raises(ValueError):
        bad()
