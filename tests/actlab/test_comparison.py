"""The statistics behind every comparison of the course, against SciPy, theory and simulation."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats

from actlab import comparison, training

RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


# --- data -----------------------------------------------------------------------------------------


def test_mnist1d_is_bit_for_bit_what_the_package_makes():
    from mnist1d.data import get_dataset_args, make_dataset

    recipe = get_dataset_args()
    recipe.num_samples, recipe.train_split, recipe.seed = 200, 0.6, 7
    package = make_dataset(recipe)
    mine = comparison.mnist1d(7, 120, 80)
    for key, values in zip(("x", "y", "x_test", "y_test"), mine, strict=True):
        np.testing.assert_array_equal(values, package[key].astype(values.dtype))
    assert mine[0].dtype == np.float32
    assert mine[1].dtype == np.int64


def test_mnist1d_leaves_the_global_generator_alone():
    np.random.seed(3)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    comparison.mnist1d(0, 20, 10)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_mnist1d_is_balanced_standardised_and_different_for_each_seed():
    points, labels, test_points, test_labels = comparison.mnist1d_many([3, 5], 80, 40)
    assert points.shape == (2, 80, 40)
    assert test_points.shape == (2, 40, 40)
    both = np.concatenate([labels, test_labels], 1)
    assert all((np.bincount(row) == 12).all() for row in both)
    inputs = np.concatenate([points, test_points], 1)
    np.testing.assert_allclose(inputs.mean((1, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(inputs.std((1, 2)), 1, atol=1e-5)
    assert np.abs(points[0] - points[1]).max() > 0.1
    np.testing.assert_array_equal(points[1], comparison.mnist1d(5, 80, 40)[0])


@pytest.mark.parametrize(("train", "test"), [(0, 0), (15, 10), (-10, 20)])
def test_mnist1d_refuses_sizes_that_cannot_be_balanced(train, test):
    with pytest.raises(ValueError, match="multiple of 10"):
        comparison.mnist1d(0, train, test)


# --- training -------------------------------------------------------------------------------------


def test_per_seed_data_train_as_each_network_alone_would():
    points, labels, *_ = comparison.mnist1d_many([0, 1], 50, 0)
    together = training.build([40, 8, 10], torch.relu, seeds=[0, 1])
    training.fit(together, points, labels, steps=5, batch=10)
    alone = training.build([40, 8, 10], torch.relu, seeds=[0])
    training.fit(alone, points[0], labels[0], steps=5, batch=10)
    torch.testing.assert_close(together.weights[0][0], alone.weights[0][0])
    # Full batch: the second network sees its own data.
    whole = training.build([40, 8, 10], torch.relu, seeds=[0, 1])
    training.fit(whole, points, labels, steps=3)
    second = training.build([40, 8, 10], torch.relu, seeds=[1])
    training.fit(second, points[1], labels[1], steps=3)
    torch.testing.assert_close(whole.weights[0][1], second.weights[0][0])
    each = [
        training.accuracy(alone, points[0], labels[0])[0],
        training.accuracy(together, points, labels)[0],
    ]
    assert each[0] == pytest.approx(each[1])


def test_fit_measures_at_the_checkpoints_of_one_training():
    points, labels, *_ = comparison.mnist1d_many(2, 60, 0)
    networks = training.build([40, 16, 10], torch.tanh, seeds=2)
    found = comparison.fit(networks, points, labels, steps=(5, 40), lr=0.01, batch=20)
    assert found.shape == (2, 2)
    shorter = training.build([40, 16, 10], torch.tanh, seeds=2)
    first = comparison.fit(shorter, points, labels, steps=5, lr=0.01, batch=20)
    np.testing.assert_array_equal(found[0], first[0])
    np.testing.assert_array_equal(found[1], comparison.accuracy(networks, points, labels))


@pytest.mark.parametrize("steps", [(), (0, 3), (5, 5), (9, 3), 0])
def test_fit_refuses_checkpoints_that_do_not_rise(steps):
    networks = training.build([2, 2], torch.tanh, seeds=1)
    with pytest.raises(ValueError, match="rising"):
        comparison.fit(networks, np.zeros((4, 2)), np.zeros(4), steps=steps)


def test_tune_gives_each_arm_every_rate_and_flags_an_edge():
    tried = {"a": [], "b": []}

    def arm(name, best):
        def train(rate):
            tried[name].append(rate)
            return [-abs(np.log(rate / best)), np.nan if rate == 1 else 0]

        return train

    rates = [0.01, 0.1, 1]
    found = comparison.tune({"a": arm("a", 0.1), "b": arm("b", 0.001)}, rates)
    assert tried == {"a": rates, "b": rates}
    assert (found["a"].best, found["a"].at_edge) == (0.1, False)
    assert (found["b"].best, found["b"].at_edge) == (0.01, True)
    assert found["a"].scores[1] == -np.inf
    with pytest.raises(ValueError, match="at least two"):
        comparison.tune({}, [0.1])
    with pytest.raises(ValueError, match="finite"):
        comparison.tune({"a": lambda rate: [np.nan]}, rates)


# --- statistics -----------------------------------------------------------------------------------


def test_paired_agrees_with_scipy():
    a, b = RNG.normal(1, 2, 9), RNG.normal(0, 2, 9)
    found = comparison.paired(a, b, 0.9)
    reference = stats.ttest_rel(a, b)
    assert found.p == pytest.approx(reference.pvalue)
    interval = reference.confidence_interval(0.9)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))
    assert found.sd == pytest.approx(np.std(a - b, ddof=1))
    assert found.half == pytest.approx((found.high - found.low) / 2)
    assert f"{found:.2f}".startswith(f"{found.mean:.2f} [")


def test_paired_knows_the_limits():
    assert comparison.paired([1, 2], [1, 2]).p == 1
    assert comparison.paired([2, 3], [1, 2]).p == 0
    for a, b, words in [
        ([1], [1], "two pairs"),
        ([1, 2], [1, 2, 3], "one length"),
        ([1, np.nan], [1, 2], "NaN"),
    ]:
        with pytest.raises(ValueError, match=words):
            comparison.paired(a, b)
    with pytest.raises(ValueError, match="between 0 and 1"):
        comparison.paired([1, 2], [2, 4], 95)


def test_holm_is_the_worked_example_and_never_weaker_than_bonferroni():
    found = comparison.holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005})
    np.testing.assert_allclose(found.adjusted, [0.03, 0.06, 0.06, 0.02])
    np.testing.assert_array_equal(found.rejected, [True, False, False, True])
    assert found["d"] == (pytest.approx(0.02), True)
    for _ in range(50):
        p = RNG.uniform(0, 0.1, 6)
        adjusted = comparison.holm(p).adjusted
        assert (adjusted <= np.minimum(6 * p, 1) + 1e-15).all()
        assert (adjusted >= p).all()
        assert (np.diff(adjusted[np.argsort(p)]) >= 0).all()
    results = [comparison.paired([1, 2, 4], [0, 0, 1]), comparison.paired([1, 2], [2, 1])]
    assert comparison.holm(results).p[0] == results[0].p
    for bad in ([], [1.2], [np.nan]):
        with pytest.raises(ValueError):
            comparison.holm(bad)


def test_holm_keeps_the_error_rate_of_a_family_of_nulls():
    rng = np.random.default_rng(1)
    p = stats.ttest_1samp(rng.normal(size=(4000, 5, 6)), 0, axis=2).pvalue
    wrong = np.mean([comparison.holm(row).rejected.any() for row in p])
    assert 0.035 < wrong < 0.06
    assert (p < 0.05).any(1).mean() > 0.18  # uncorrected


def test_bonferroni_widens_each_interval_by_the_number_of_comparisons():
    arms = {name: (RNG.normal(size=8), RNG.normal(size=8)) for name in "abcd"}
    found = comparison.bonferroni(arms)
    for name, (a, b) in arms.items():
        assert found[name] == comparison.paired(a, b, 1 - 0.05 / 4)
    with pytest.raises(ValueError, match="at least one"):
        comparison.bonferroni({})


def test_equivalent_is_the_interval_inside_the_margin():
    a = RNG.normal(0, 1, 20)
    for shift, margin in [(0.0, 1.0), (0.9, 1.0), (0.3, 0.2), (-2, 1)]:
        b = a - shift + RNG.normal(0, 0.4, 20)
        found = comparison.equivalent(a, b, margin)
        inside = -margin < found.low and found.high < margin
        assert found.equivalent == inside
        assert found.equivalent == (found.p < 0.05)
        assert (found.low, found.high) == pytest.approx(
            stats.ttest_rel(a, b).confidence_interval(0.9)[:2]
        )
    assert comparison.equivalent([1, 2], [1, 2], 0.1).equivalent
    with pytest.raises(ValueError, match="margin"):
        comparison.equivalent([1, 2], [1, 3], 0)


def test_a_few_noisy_seeds_are_neither_different_nor_equivalent():
    a, b = np.array([1.0, 3, -2]), np.zeros(3)
    assert comparison.paired(a, b).p > 0.05
    assert not comparison.equivalent(a, b, 1).equivalent


def test_power_agrees_with_simulation_and_seeds_needed_is_the_fewest():
    rng = np.random.default_rng(2)
    draws = rng.normal(1, 1.2, (20_000, 14))
    found = (stats.ttest_1samp(draws, 0, axis=1).pvalue < 0.05).mean()
    assert comparison.power(14, 1.2, 1) == pytest.approx(found, abs=0.012)
    assert comparison.power(14, 1.2, 1) == comparison.power(14, 1.2, -1)
    assert comparison.power(10, 1, 1e-9) == pytest.approx(0.05, abs=1e-4)
    assert comparison.power(50, 1, 100) == 1
    for sd, delta in [(1.2, 1), (1.8, 1), (0.3, 1), (5, 1), (1, 0.01)]:
        n = comparison.seeds_needed(sd, delta)
        assert comparison.power(n, sd, delta) >= 0.8
        assert n == 2 or comparison.power(n - 1, sd, delta) < 0.8
        assert n == pytest.approx(8 * (sd / delta) ** 2 + 2, abs=2 + 0.03 * n)
    with pytest.raises(ValueError, match="power"):
        comparison.seeds_needed(1, 0)
    with pytest.raises(ValueError, match="at least 2"):
        comparison.power(1, 1, 1)


def test_equivalence_power_agrees_with_simulation():
    rng = np.random.default_rng(3)
    for n, delta in [(6, 0.0), (14, 0.4)]:
        draws = rng.normal(delta, 1, (20_000, n))
        half = stats.t.ppf(0.95, n - 1) * draws.std(1, ddof=1) / n**0.5
        said = (np.abs(draws.mean(1)) + half < 1).mean()
        assert comparison.equivalence_power(n, 1, 1, delta) == pytest.approx(said, abs=0.015)


def test_crossed_covers_where_an_interval_over_seeds_does_not():
    rng = np.random.default_rng(4)
    narrow = wide = 0
    for _ in range(300):
        table = (
            0.2
            + rng.normal(0, 0.3, (8, 1))
            + rng.normal(0, 1.2, (1, 40))
            + rng.normal(0, 1, (8, 40))
        )
        seeds = training.mean_interval(table.mean(1))
        both = comparison.crossed(table)
        narrow += seeds.low < 0.2 < seeds.high
        wide += both.low < 0.2 < both.high
    assert narrow / 300 < 0.85
    assert 0.92 < wide / 300 <= 1
    with pytest.raises(ValueError, match="2 seeds and 2 items"):
        comparison.crossed(np.zeros((1, 9)))
    assert comparison.crossed(np.zeros((3, 4))).high == 0


def test_variance_shares_sum_to_one_and_find_what_was_put_in():
    a, b = np.array([-3.0, 0, 3]), np.array([-1.0, 1])
    scores = (a[:, None, None] + b[None, :, None]).repeat(4, 2)
    found = comparison.variance_shares(scores, ["a", "b", "seed"])
    assert found["a"] == pytest.approx(6 / 7)
    assert found["b"] == pytest.approx(1 / 7)
    assert sum(found.values()) == pytest.approx(1)
    assert found["rest"] == pytest.approx(0, abs=1e-12)
    product = a[:, None] * b
    assert comparison.variance_shares(product, ["a", "b"])["a × b"] == pytest.approx(1)
    noise = comparison.variance_shares(RNG.normal(size=(3, 4, 2, 5)), list("abcd"), order=1)
    assert list(noise) == ["a", "b", "c", "d", "rest"]
    assert sum(noise.values()) == pytest.approx(1)
    for bad, names in [(scores, ["a", "b"]), (np.full((2, 2), np.nan), "ab"), (np.ones(3), "a")]:
        with pytest.raises(ValueError):
            comparison.variance_shares(bad, list(names))
