"""Two counters of ulp, and what is kept out of them."""

from __future__ import annotations

import numpy as np
import pytest

from actlab.audit.accuracy import Tally, judge
from actlab.audit.subject import rounded
from actlab.audit.ulps import disagreements, distances, ordinals, spacing, steps
from actlab.properties import Floats

FORMATS = ("bfloat16", "float16", "float32", "float64")


@pytest.mark.parametrize("name", FORMATS)
def test_neighbours_are_one_step_and_one_spacing_apart(name):
    floats = Floats.of(name)
    rng = np.random.default_rng(0)
    codes = np.unique(rng.integers(-1 - floats.top + 1, floats.top - 1, 4000))
    x = floats.values(codes).astype(float)
    up = floats.values(codes + 1).astype(float)
    lattice = steps(up, x, floats)
    crossing = codes == -1  # −0 and 0 are one place
    assert (lattice[~crossing] == 1).all()
    real = distances(up, x, np.zeros_like(x), floats)
    assert np.isin(real[~crossing], (0.5, 1.0)).all()
    assert disagreements(lattice, real, floats) == 0


def test_a_counter_that_is_wrong_is_noticed():
    floats = Floats.of("float32")
    assert disagreements(np.array([5.0, 1.0]), np.array([1.0, 1.0]), floats) == 1
    assert disagreements(np.array([1.0]), np.array([9.0]), floats) == 1


@pytest.mark.parametrize("name", ["float16", "float32"])
def test_rounding_is_numpys(name):
    y = np.random.default_rng(1).normal(0, 1, 2000) * np.exp2(np.arange(2000) % 60 - 40)
    np.testing.assert_array_equal(rounded(y, Floats.of(name)), y.astype(name).astype(float))


def test_rounding_to_bfloat16_is_torchs():
    import torch

    y = np.random.default_rng(2).normal(0, 1, 2000).astype(np.float32)
    y = np.concatenate([y * np.float32(2.0) ** (np.arange(2000) % 250 - 130), [3.4e38, 0, -0.0]])
    y = y.astype(np.float32)
    wanted = torch.from_numpy(y).to(torch.bfloat16).double().numpy()
    np.testing.assert_array_equal(rounded(y.astype(float), Floats.of("bfloat16")), wanted)


def test_both_zeros_are_one_place_on_the_lattice():
    floats = Floats.of("float16")
    assert ordinals(np.array([0.0, -0.0]), floats).tolist() == [0, 0]
    assert spacing(np.array([0.0]), floats)[0] == 2.0**-24


def classes(got, high, name="float32"):
    x = np.arange(float(len(got)))
    judged = judge(x, np.array(got), np.array(high), np.zeros(len(got)), Floats.of(name))
    return judged.kind.tolist(), judged


def test_nothing_is_masked():
    kind, judged = classes(
        [np.nan, np.inf, 1.0, -1.0, 0.0, 0.0, 1.0, 1.0],
        [1.0, 1.0, 1e39, 1.0, 1e-10, 1e-40, 1.5, 1.0],
    )
    wanted = "is_nan overflow not_overflowed wrong_sign vanished flushed inaccurate"
    assert kind == [*wanted.split(), ""]
    assert np.isnan(judged.lattice[[0, 1, 2, 5]]).all()  # a flush is a class of its own
    assert np.isfinite(judged.lattice[[3, 4, 6, 7]]).all()


def test_where_there_is_no_truth_nothing_is_judged():
    kind, _ = classes([np.nan, 3.0], [np.nan, np.nan])
    assert kind == ["", ""]


def test_a_zero_of_the_wrong_sign_is_counted():
    _, judged = classes([-0.0, 0.0], [0.0, 0.0])
    assert judged.minus_zero.tolist() == [True, False]


def test_bins_and_intervals():
    floats = Floats.of("float32")
    high = np.ones(300)
    got = high + 2.0**-23 * np.repeat([0, 1, 2, 7, 50, 1000], 50)
    x = np.linspace(1, 2, 300)
    tally = Tally(floats)
    for part in np.array_split(np.arange(300), 7):  # batches leave no trace
        tally.add(judge(x[part], got[part], high[part], np.zeros(part.size), floats))
    report = tally.report()
    assert list(report["bins"].values()) == [50] * 6
    assert report["largest_ulp"] == 1000
    assert report["share_exact"] == pytest.approx(1 / 6)
    assert report["mean_ulp"] == pytest.approx(report["mean_ulp_real"]) == pytest.approx(1060 / 6)
    (interval,) = report["intervals"]
    assert (interval["low"], interval["high"], interval["points"]) == (x[200], x[-1], 100)


def test_steps_against_the_truth_are_counted():
    floats = Floats.of("float32")
    x = np.linspace(0, 1, 50)
    got = x.copy()
    got[20] = 0.2
    tally = Tally(floats)
    tally.add(judge(x, got, x, np.zeros(50), floats))
    assert tally.report()["wrong_way"] == 1
