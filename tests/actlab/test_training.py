"""Data, batched networks and intervals: what chapters rely on when they compare functions."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats

from actlab.training import (
    Interval,
    accuracy,
    build,
    circles,
    fit,
    he_std,
    mean_interval,
    paired_difference,
    spirals,
    split,
    xavier_std,
    xor,
)

DATA = {"circles": circles, "spirals": spirals, "xor": xor}


@pytest.fixture(autouse=True)
def one_thread():
    """Small matrices: a second thread costs more than it brings."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


# --- data -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", DATA.values(), ids=DATA)
@pytest.mark.parametrize("n", [8, 101])
def test_data_have_the_stated_shapes_and_balanced_classes(make, n):
    points, labels = make(n)
    assert points.shape == (n, 2)
    assert points.dtype == np.float64
    assert labels.shape == (n,)
    assert labels.dtype == np.int64
    assert set(labels) == {0, 1}
    assert abs((labels == 1).sum() - n / 2) <= 1


@pytest.mark.parametrize("make", DATA.values(), ids=DATA)
def test_data_depend_on_the_seed_and_on_nothing_else(make):
    np.testing.assert_array_equal(make(50, seed=3)[0], make(50, seed=3)[0])
    assert np.abs(make(50, seed=3)[0] - make(50, seed=4)[0]).max() > 0.01


def test_circles_have_radius_a_half_and_one():
    points, labels = circles(400, noise=0.0)
    radius = np.hypot(*points.T)
    np.testing.assert_allclose(radius[labels == 0], 0.5)
    np.testing.assert_allclose(radius[labels == 1], 1.0)


def test_circles_noise_is_the_standard_deviation_of_the_radius():
    points, labels = circles(20_000, noise=0.08)
    radius = np.hypot(*points.T) - np.where(labels == 1, 1.0, 0.5)
    assert radius.std() == pytest.approx(0.08, rel=0.03)


def test_spirals_are_one_spiral_turned_by_half_a_turn():
    points, labels = spirals(400, turns=1.5, noise=0.0)
    radius = np.hypot(*points.T)
    turned = np.arctan2(points[:, 1], points[:, 0]) - 2 * np.pi * 1.5 * radius - np.pi * labels
    np.testing.assert_allclose(np.cos(turned), 1.0, atol=1e-9)
    assert radius.max() <= 1


def test_xor_labels_say_whether_the_signs_differ():
    points, labels = xor(400, noise=0.0)
    np.testing.assert_allclose(np.abs(points), 0.7)
    np.testing.assert_array_equal(labels, points[:, 0] * points[:, 1] < 0)
    assert len(np.unique(points, axis=0)) == 4


def test_split_keeps_every_example_once_with_its_label():
    points = np.arange(40.0).reshape(20, 2)
    labels = np.arange(20)
    train_x, train_y, test_x, test_y = split(points, labels, test=0.25)
    assert (len(train_x), len(test_x)) == (15, 5)
    np.testing.assert_array_equal(train_x, points[train_y])
    np.testing.assert_array_equal(test_x, points[test_y])
    assert sorted([*train_y, *test_y]) == list(range(20))
    assert list(train_y) != sorted(train_y)


# --- networks -------------------------------------------------------------------------------------


def test_build_draws_weights_with_the_stated_deviation_and_zero_biases():
    networks = build([300, 200, 3], torch.relu, seeds=4)
    assert [tuple(w.shape) for w in networks.weights] == [(4, 300, 200), (4, 200, 3)]
    assert [tuple(b.shape) for b in networks.biases] == [(4, 1, 200), (4, 1, 3)]
    assert networks.seeds == 4
    assert networks.weights[0].std().item() == pytest.approx(he_std(300), rel=0.01)
    assert all((bias == 0).all() for bias in networks.biases)
    assert all(p.requires_grad and p.is_leaf for p in networks.parameters())
    narrow = build([300, 200, 3], torch.relu, seeds=4, std=xavier_std)
    ratio = networks.weights[0] / narrow.weights[0]
    torch.testing.assert_close(ratio, torch.full_like(ratio, 2**0.5), rtol=1e-5, atol=0)


def test_a_seed_gives_the_same_network_alone_in_company_and_under_another_activation():
    together = build([5, 7, 2], torch.relu, seeds=6)
    alone = build([5, 7, 2], torch.tanh, seeds=[4])
    for many, one in zip(together.weights, alone.weights, strict=True):
        assert torch.equal(many[4], one[0])
    assert not torch.equal(together.weights[0][3], together.weights[0][4])


def test_a_stack_computes_what_its_networks_compute_one_by_one():
    networks = build([3, 8, 5, 2], torch.tanh, seeds=3)
    with torch.no_grad():
        for bias in networks.biases:
            bias.normal_(generator=torch.Generator().manual_seed(0))
    x = torch.randn(11, 3, generator=torch.Generator().manual_seed(1))
    logits = networks(x)
    assert logits.shape == (3, 11, 2)
    for seed in range(3):
        hidden = x
        for layer in range(3):
            hidden = hidden @ networks.weights[layer][seed] + networks.biases[layer][seed]
            torch.testing.assert_close(networks.preactivations(x)[layer][seed], hidden)
            if layer < 2:
                hidden = torch.tanh(hidden)
        torch.testing.assert_close(logits[seed], hidden)
    torch.testing.assert_close(networks(x.expand(3, 11, 3)), logits)


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
@pytest.mark.parametrize("batch", [None, 16])
def test_networks_trained_together_end_where_the_first_ends_alone(optimizer, batch):
    points, labels = circles(80)
    setting = {"steps": 12, "lr": 0.05, "optimizer": optimizer, "batch": batch}
    together, alone = build([2, 6, 2], torch.tanh, seeds=3), build([2, 6, 2], torch.tanh, seeds=1)
    losses = fit(together, points, labels, **setting)
    own = fit(alone, points, labels, **setting)
    assert losses.shape == (12, 3)
    torch.testing.assert_close(losses[:, 0], own[:, 0], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(together.weights[0][0], alone.weights[0][0], rtol=1e-3, atol=1e-4)


def test_one_step_of_sgd_is_the_gradient_of_the_mean_cross_entropy():
    points, labels = xor(40)
    networks = build([2, 5, 2], torch.tanh, seeds=2)
    before = [p.detach().clone() for p in networks.parameters()]
    x = torch.tensor(points, dtype=torch.float32)
    own = torch.stack(
        [torch.nn.functional.cross_entropy(networks(x)[s], torch.tensor(labels)) for s in range(2)]
    )
    gradients = torch.autograd.grad(own.sum(), networks.parameters())
    losses = fit(networks, points, labels, steps=1, lr=0.5, optimizer="sgd")
    torch.testing.assert_close(losses[0], own.detach())
    for old, new, gradient in zip(before, networks.parameters(), gradients, strict=True):
        torch.testing.assert_close(new.detach(), old - 0.5 * gradient)


def test_fit_is_reproducible_and_leaves_torchs_own_generator_alone():
    points, labels = circles(60)
    torch.manual_seed(123)
    state = torch.get_rng_state()
    runs = [fit(build([2, 4, 2], torch.relu), points, labels, steps=5, batch=8) for _ in range(2)]
    assert torch.equal(*runs)
    assert torch.equal(torch.get_rng_state(), state)


def test_fit_calls_back_before_each_step():
    points, labels = circles(20)
    networks = build([2, 3, 2], torch.relu, seeds=1)
    seen = []
    fit(
        networks,
        points,
        labels,
        steps=3,
        on_step=lambda step: seen.append((step, networks.weights[0].detach().clone())),
    )
    assert [step for step, _ in seen] == [0, 1, 2]
    assert torch.equal(seen[0][1], build([2, 3, 2], torch.relu, seeds=1).weights[0])
    assert not torch.equal(seen[0][1], seen[1][1])


def test_fit_refuses_an_unknown_optimizer():
    with pytest.raises(ValueError, match=r"'adam' or 'sgd', not 'rmsprop'"):
        fit(build([2, 3, 2], torch.relu), *circles(20), steps=1, optimizer="rmsprop")


def test_training_solves_circles_with_a_bend_and_not_without():
    train_x, train_y, test_x, test_y = split(*circles(300))
    scores = {}
    for name, bend in {"relu": torch.relu, "none": lambda z: z}.items():
        networks = build([2, 16, 2], bend, seeds=3)
        fit(networks, train_x, train_y, steps=150, lr=0.05)
        scores[name] = accuracy(networks, test_x, test_y)
    assert (scores["relu"] > 0.97).all()
    assert (scores["none"] < 0.65).all()


def test_accuracy_counts_right_answers_for_each_network():
    networks = build([1, 2], torch.relu, seeds=2)
    with torch.no_grad():
        networks.weights[0][0] = torch.tensor([[-1.0, 1.0]])  # class 1 where x > 0
        networks.weights[0][1] = torch.tensor([[1.0, -1.0]])  # the opposite
    found = accuracy(networks, np.array([[-2.0], [-1.0], [1.0], [2.0]]), np.array([0, 0, 1, 0]))
    np.testing.assert_array_equal(found, [0.75, 0.25])
    assert found.dtype == np.float64


# --- comparisons ----------------------------------------------------------------------------------


def test_mean_interval_is_students():
    values = np.array([0.3, 0.5, 0.9, 0.4, 0.7])
    found = mean_interval(values, confidence=0.9)
    low, high = stats.t.interval(0.9, 4, loc=values.mean(), scale=stats.sem(values))
    assert (found.mean, found.low, found.high) == pytest.approx((values.mean(), low, high))
    assert found.n == 5


def test_mean_interval_covers_as_often_as_it_says():
    rng = np.random.default_rng(0)
    found = [mean_interval(rng.normal(1.0, 2.0, 5), 0.8) for _ in range(1500)]
    assert np.mean([i.low < 1.0 < i.high for i in found]) == pytest.approx(0.8, abs=0.03)


def test_pairing_removes_what_both_have_in_common():
    rng = np.random.default_rng(1)
    common = rng.normal(0, 5, 10)
    a, b = common + 1 + 0.01 * rng.normal(size=10), common + 0.01 * rng.normal(size=10)
    paired = paired_difference(a, b)
    assert paired.resolved
    assert paired.mean == pytest.approx(1, abs=0.02)
    assert paired.high - paired.low < 0.05
    assert paired_difference(b, a).mean == pytest.approx(-paired.mean)


@pytest.mark.parametrize(
    ("low", "high", "resolved"),
    [(0.1, 0.3, True), (-0.3, -0.1, True), (-0.1, 0.3, False), (0.0, 0.3, False)],
)
def test_an_interval_that_contains_zero_resolves_nothing(low, high, resolved):
    assert Interval((low + high) / 2, low, high, 5).resolved is resolved


def test_an_interval_prints_its_ends_with_one_format():
    interval = Interval(0.1234, -0.05, 0.25, 8)
    assert f"{interval}" == "+0.123 [-0.050, +0.250]"
    assert f"{interval:.1f}" == "0.1 [-0.1, 0.2]"


@pytest.mark.parametrize("values", [[], [1.0], [[1.0, 2.0], [3.0, 4.0]], 3.0])
def test_an_interval_needs_two_values_in_a_row(values):
    with pytest.raises(ValueError, match="at least two values"):
        mean_interval(values)


@pytest.mark.parametrize("confidence", [0, 1, 95, -0.5])
def test_a_confidence_outside_zero_to_one_is_refused(confidence):
    with pytest.raises(ValueError, match="between 0 and 1"):
        mean_interval([1.0, 2.0], confidence)


def test_paired_values_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match="equal numbers"):
        paired_difference([1.0, 2.0, 3.0], [1.0, 2.0])
