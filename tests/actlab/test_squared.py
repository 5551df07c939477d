"""The feed-forward block of chapter 9, and its experiments in seconds."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch.nn import functional as F

from actlab import experiment
from actlab.squared import SquaredFeedForward


@pytest.mark.parametrize("slope", [0.0, 0.5, 1.0, 2.0, -0.5])
def test_it_computes_what_the_formula_says(slope):
    torch.manual_seed(0)
    block = SquaredFeedForward(6, multiple=3, slope=slope).double()
    torch.nn.init.normal_(block.outer.weight)
    x = torch.randn(4, 5, 6, dtype=torch.float64)
    hidden = F.linear(x, block.inner.weight)
    bent = torch.where(hidden > 0, hidden, slope * hidden).square()
    torch.testing.assert_close(block(x), F.linear(bent, block.outer.weight))


def test_it_starts_as_adding_nothing():
    assert not SquaredFeedForward(8)(torch.randn(3, 8)).any()


def test_it_has_two_matrices_and_no_other_parameters():
    assert sum(p.numel() for p in SquaredFeedForward(8).parameters()) == 2 * 8 * 32


@pytest.mark.parametrize("wrong", [{"features": 0}, {"features": 4, "multiple": 0}])
def test_it_refuses_empty_widths(wrong):
    with pytest.raises(ValueError, match="widths"):
        SquaredFeedForward(**wrong)


def test_it_refuses_a_slope_that_is_no_number():
    with pytest.raises(ValueError):
        SquaredFeedForward(4, slope=float("nan"))


@pytest.mark.parametrize("name", ["09_gpt", "09_mlp"])
def test_its_experiments_run(name, tmp_path):
    script = experiment.ROOT / "experiments" / f"{name}.py"
    command = [sys.executable, script, "--quick", "--out", tmp_path]
    subprocess.run(command, check=True, cwd=experiment.ROOT, capture_output=True, timeout=300)
    record = experiment.load(name, tmp_path)
    assert record.about["complete"]
    assert record.size >= 4
