"""Life lines: dead spells, revivals, and the control in which none is possible."""

from __future__ import annotations

import importlib.util
import sys

import numpy as np
import pytest
import torch

from actlab import experiment, lifelines
from actlab.training import build

ALIVE = np.array([[1, 0, 1, 0], [0, 0, 1, 0], [1, 0, 1, 1], [0, 0, 1, 1]], bool)[:, None]


def data(n=60, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, 5)), rng.integers(0, 3, n)


def test_spells_have_a_start_and_perhaps_an_end():
    found = [(s.unit, s.start, s.end) for s in lifelines.spells(ALIVE)]
    assert found == [(0, 1, 2), (0, 3, None), (1, 0, None), (3, 0, 2)]


def test_counts_agree_with_the_spells():
    found = {name: int(value[0]) for name, value in lifelines.counts(ALIVE).items()}
    assert found == {
        "born_dead": 2, "deaths": 2, "revivals": 2, "ever": 3, "back": 1, "dead": 2,
    }  # fmt: skip


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_one_network_of_many_learns_what_it_would_alone(optimizer):
    points, labels = data()
    both = build([5, 8, 8, 3], torch.relu, [0, 1])
    lifelines.train(both, points, labels, 20, [0.1, 0.02], optimizer=optimizer, batch=16)
    alone = build([5, 8, 8, 3], torch.relu, [1])
    lifelines.train(alone, points, labels, 20, 0.02, optimizer=optimizer, batch=16)
    for a, b in zip(both.parameters(), alone.parameters(), strict=True):
        assert torch.allclose(a[1], b[0], atol=1e-5)


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam"])
def test_updates_are_those_of_torch(optimizer):
    points, labels = data()
    ours, theirs = (build([5, 8, 3], torch.relu, [3]) for _ in range(2))
    lifelines.train(ours, points, labels, 5, 0.05, optimizer=optimizer)
    update = {
        "sgd": lambda p: torch.optim.SGD(p, lr=0.05),
        "momentum": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9),
        "adam": lambda p: torch.optim.Adam(p, lr=0.05),
    }[optimizer](theirs.parameters())
    x, y = torch.tensor(points, dtype=torch.float32), torch.tensor(labels)
    for _ in range(5):
        update.zero_grad()
        torch.nn.functional.cross_entropy(theirs(x)[0], y).backward()
        update.step()
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.allclose(a, b, atol=1e-5)


def test_nobody_comes_back_over_a_frozen_layer():
    points, labels = data()
    for frozen, expected in (((0,), False), ((), True)):
        networks = build([5, 16, 16, 3], torch.relu, 20)
        lines = lifelines.train(networks, points, labels, 60, 2.5, frozen=frozen)
        assert lines.alive[1].shape == lines.moved[1].shape == (61, 20, 16)
        counts = lifelines.counts(lines.alive[1])
        assert counts["deaths"].sum() > 0
        assert (counts["revivals"].sum() > 0) == expected
        for spell in lifelines.spells(lines.alive[1]):
            if spell.end is not None:
                own = lines.moved[1][spell.start + 1 : spell.end + 1, spell.network, spell.unit]
                assert not own.any()


def test_decay_of_all_parameters_cannot_move_a_sign_and_decay_of_weights_can():
    def lines(biases):
        networks = build([2, 4, 4, 2], torch.relu, 1)
        with torch.no_grad():
            networks.weights[1].copy_(-networks.weights[1].abs() - 1)
            networks.biases[0] += 1.0
            networks.biases[1] += 0.2
        x = np.abs(data()[0][:, :2])
        return lifelines.train(
            networks, x, data()[1] % 2, 200, 0.05, decay=1.0, decay_biases=biases, frozen=(0,)
        )

    assert not lines(True).alive[1].any()
    found = lines(False).alive[1]
    assert not found[0].any()
    assert found.any()


def test_statistics_of_the_training_set_serve_other_data():
    networks = build([5, 8, 3], torch.relu, 2)
    gains = [torch.ones(2, 1, 8)]
    x = torch.tensor(data()[0], dtype=torch.float32)
    kept = []
    whole = lifelines.preactivations(networks, x, gains=gains, statistics=kept)[-1]
    half = lifelines.preactivations(networks, x[:7], gains=gains, statistics=kept)[-1]
    assert torch.allclose(whole[:, :7], half, atol=1e-5)


def test_default_start_is_that_of_a_linear_layer():
    networks = lifelines.networks_like([100, 50, 10], range(4), "default")
    weight, offset = networks.weights[0].detach(), networks.biases[1].detach()
    assert float(weight.abs().max()) <= 0.1
    assert float(weight.std()) == pytest.approx(0.1 / 3**0.5, rel=0.03)
    assert float(offset.abs().max()) <= 50**-0.5
    with pytest.raises(ValueError, match="start"):
        lifelines.networks_like([2, 2], [0], "xavier")


def test_a_bootstrap_resamples_networks():
    ratio, low, high = lifelines.bootstrap_ratio([0, 10, 0, 10], [10, 10, 10, 10])
    assert (ratio, low) == (0.5, 0.0)
    assert high == 1.0
    assert np.isnan(lifelines.bootstrap_ratio([0], [0])[0])


def test_rule_of_three():
    assert 1000 * lifelines.rule_of_three(1000) == pytest.approx(3, abs=0.01)
    with pytest.raises(ValueError, match="optimizer"):
        lifelines.train(build([2, 2, 2], torch.relu, 1), *data(), 1, 0.1, optimizer="lion")


def test_the_experiment_runs_and_its_control_holds(tmp_path, monkeypatch):
    """The script of chapter 6 in its quick form: every part has rows, frozen layers no revival."""
    path = experiment.ROOT / "experiments" / "06_revivals.py"
    spec = importlib.util.spec_from_file_location("revivals", path)
    script = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "revivals", script)  # its dataclass looks itself up there
    spec.loader.exec_module(script)
    script.main(["--quick", "--device", "cpu", "--out", str(tmp_path)])
    table = experiment.load("06_revivals", tmp_path)
    assert table.levels("part") == ["lines", "revivals", "dose", "remedies"]
    frozen = table.where(part="revivals", arm="sgd, frozen", layer=2)
    assert frozen["revivals"].sum() == 0
