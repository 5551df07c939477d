"""The experiments behind chapters 4 and 10 run, resume, and write what the chapters read."""

from __future__ import annotations

import importlib.util
from types import ModuleType

import numpy as np
import pytest
import torch

from actlab import experiment, training


def script(name: str) -> ModuleType:
    """An experiment as a module."""
    spec = importlib.util.spec_from_file_location(
        f"experiment_{name}", experiment.ROOT / "experiments" / f"{name}.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def quick(module: ModuleType, name: str, folder) -> experiment.Table:
    """Its record after two quick runs, of which the second has nothing left to do."""
    for _ in range(2):
        module.main(["--quick", "--out", str(folder)])
    found = experiment.load(name, folder)
    assert found.about["complete"]
    assert len(found.about["sessions"]) == 1
    return found


def test_the_ranking_compares_at_the_rates_that_validation_chose(tmp_path):
    module = script("04_ranking")
    found = quick(module, "04_ranking", tmp_path)
    tuned, compared = found.where(part="tune"), found.where(part="compare")
    assert tuned.grid("new", "function", "rate", "steps", "seed").shape == (2, 2, 3, 2)
    assert not set(tuned.levels("seed")) & set(compared.levels("seed"))
    for function in tuned.levels("function"):
        for steps in tuned.levels("steps"):
            rows = tuned.where(function=function, steps=steps)
            means = {rate: rows.where(rate=rate)["new"].mean() for rate in rows.levels("rate")}
            best = max(means.values())
            kept = compared.where(function=function, steps=steps).levels("rate")
            assert any(means[rate] == best for rate in kept)


def test_a_rate_runs_only_as_long_as_it_is_best():
    module = script("04_ranking")
    scores = {("100", "0.1"): 5, ("100", "0.2"): 7, ("200", "0.1"): 9, ("200", "0.2"): 8}
    rows = [
        {"part": "tune", "function": "relu", "steps": steps, "rate": rate, "new": str(score)}
        for (steps, rate), score in scores.items()
    ]
    assert module.chosen(rows) == {("relu", "0.2"): 100, ("relu", "0.1"): 200}


def test_the_gate_is_measured_with_its_mean_and_swaps_balance(tmp_path):
    module = script("10_regulariser")
    found = quick(module, "10_regulariser", tmp_path)
    assert found.levels("arm") == ["relu", "gelu", "gate"]
    gelu = found.where(arm="gelu")
    for swap in module.SWAPS:
        changed, lost, gained = (gelu[f"{count}_{swap}"] for count in module.COUNTS)
        assert (lost + gained <= changed + 1e-9).all()
    assert np.isnan(found.where(arm="relu")["changed_silu"]).all()


def test_the_gate_has_gelu_as_its_mean():
    toss = script("10_regulariser").gate(0)
    x = torch.full((200_000,), -0.75)
    mean, expected = toss(x).mean().item(), torch.nn.functional.gelu(x[:1]).item()
    assert mean == pytest.approx(expected, abs=0.005)
    assert set(toss(x).unique().tolist()) == {-0.75, 0.0}


def test_swapping_a_function_for_itself_changes_nothing(monkeypatch):
    module = script("10_regulariser")
    monkeypatch.setattr(
        module, "SWAPS", {"same": torch.nn.functional.gelu, "zero": torch.zeros_like}
    )
    networks = training.build([4, 8, 3], torch.nn.functional.gelu, 2)
    x = np.random.default_rng(0).standard_normal((2, 50, 4)).astype(np.float32)
    y = np.zeros((2, 50), np.int64)
    same, zero = np.split(np.array(module.swapped(networks, x, y)), 2)
    assert (same == 0).all()
    # All-zero hidden layers answer class 0 throughout, which is right: nothing can be lost.
    assert (zero[0] == zero[2]).all()
    assert (zero[0] > 0).all()
    assert (zero[1] == 0).all()
