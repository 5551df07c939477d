"""Networks with learned slopes: the gradient by hand, the pairing, decay, and the counts."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from actlab import slopes, training


@pytest.mark.parametrize("a", [-0.7, 0.0, 0.25, 1.0, 2.0])
def test_leaky_is_prelu(a: float) -> None:
    x = torch.randn(4, 5, dtype=torch.float64, requires_grad=True)
    slope = torch.tensor([a], dtype=torch.float64, requires_grad=True)
    ours = torch.autograd.grad(slopes.leaky(x, slope).square().sum(), [x, slope])
    theirs = torch.autograd.grad(F.prelu(x, slope).square().sum(), [x, slope])
    for left, right in zip(ours, theirs, strict=True):
        torch.testing.assert_close(left, right)


def test_same_start_as_a_plain_network() -> None:
    plain = training.build([3, 4, 5, 2], lambda x: F.leaky_relu(x, 0.25), seeds=3)
    ours = slopes.build([3, 4, 5, 2], 0.25, seeds=3)
    x = torch.randn(7, 3)
    torch.testing.assert_close(ours(x), plain(x))
    assert [tuple(s.shape) for s in ours.slopes] == [(3, 1, 4), (3, 1, 5)]


def test_training_moves_slopes_and_decay_pulls_them_to_zero() -> None:
    x, y = training.circles(60)
    ends = []
    for decay in (0.0, 10.0):
        nets = slopes.build([2, 6, 2], 0.25, seeds=2, decay=decay)
        training.fit(nets, x, y, steps=60, lr=0.01)
        ends.append(nets.slopes[0].detach().abs().mean().item())
    assert ends[0] != 0.25
    assert ends[1] < 0.1 < ends[0]


def test_a_shared_slope_is_one_a_layer() -> None:
    nets = slopes.build([2, 6, 3, 2], seeds=2, shared=True)
    assert [tuple(s.shape) for s in nets.slopes] == [(2, 1, 1), (2, 1, 1)]
    assert nets(torch.zeros(5, 2)).shape == (2, 5, 2)
    assert slopes.negative_share(nets, 0, by_use=True).tolist() == [0, 0]


def test_negative_share_counts_what_is_used() -> None:
    nets = slopes.build([2, 4, 2], seeds=1)
    nets.slopes[0].data[0, 0, :2] = -1
    nets.weights[1].data[0, 0] = 0  # nobody listens to the first unit
    nets.weights[1].data[0, 1:] = 1
    np.testing.assert_allclose(slopes.negative_share(nets, 0), [0.5])
    np.testing.assert_allclose(slopes.negative_share(nets, 0, by_use=True), [1 / 3])
