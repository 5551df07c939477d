"""The experiments of chapter 5: their gradients are autograd's, and a quick run makes a record."""

from __future__ import annotations

import importlib.util
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from actlab import experiment
from actlab.meanfield import MeanField

FOLDER = Path(__file__).resolve().parents[2] / "experiments"


def load(name: str):
    """A script as a module; its name starts with a digit, so it cannot be imported."""
    spec = importlib.util.spec_from_file_location(f"experiment_{name}", FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("start", ["he", "batchnorm", "residual", "both"])
def test_what_arrives_is_what_autograd_says(start):
    deep, field = load("05_deep"), MeanField("tanh")
    weights, biases, norm, residual, *_ = deep.started(field, start, 3, 6, 30)
    x = deep.inputs(3, 8)
    (row,) = deep.passage(field, weights, biases, x, (6,), norm, residual, 3)
    h, marked = torch.tensor(x), []
    for layer, w in enumerate(weights):
        z = h @ torch.tensor(w)
        if norm:
            z = (z - z.mean(0)) / (z.var(0, unbiased=False) + 1e-5).sqrt()
        if not residual:
            z.requires_grad_().retain_grad() if layer else z.requires_grad_()
            marked.append(z)
        h = torch.tanh(z) + (h if residual and layer else 0)
        if residual:
            h.requires_grad_().retain_grad() if layer else h.requires_grad_()
            marked.append(h)
    error = torch.tensor(np.random.default_rng([6, 3]).standard_normal(h.shape))
    marked[-1].backward(error)
    share = (marked[0].grad ** 2).mean().sqrt() / (error**2).mean().sqrt()
    # The variance's small constant is left out on the way back, hence not more digits.
    assert row["log10_gradient"] == pytest.approx(math.log10(share), abs=2e-3)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["05_deep", "05_training"])
def test_a_quick_run_makes_a_record(name, tmp_path):
    load(name).main(["--quick", "--out", str(tmp_path)])
    found = experiment.load(name, tmp_path)
    assert found.about["complete"]
    assert set(found) == set(experiment.load(name))
