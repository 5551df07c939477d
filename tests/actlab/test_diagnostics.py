"""Bends on a line, against an independent count with exact fractions; reach of a gradient."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest
import torch

from actlab.diagnostics import bends_on_line, left_reach
from actlab.training import Stack, build


def stack_of(layers) -> Stack:
    """One network, as a stack of one seed, from a list of (W, b)."""
    return Stack(
        [torch.tensor(W, dtype=torch.float32)[None] for W, _ in layers],
        [torch.tensor(b, dtype=torch.float32)[None, None] for _, b in layers],
        torch.relu,
    )


def exact_bends(networks: Stack, index: int, start, end, left=Fraction(0)) -> list[float]:
    """The same positions in rational arithmetic: pieces with affine units, layer by layer."""
    start = [Fraction(float(v)) for v in start]
    end = [Fraction(float(v)) for v in end]
    units = [(b - a, a) for a, b in zip(start, end, strict=True)]
    pieces = [(Fraction(0), Fraction(1), units)]
    for weight, bias in zip(networks.weights[:-1], networks.biases[:-1], strict=True):
        W = [[Fraction(v) for v in row] for row in weight[index].tolist()]
        c = [Fraction(v) for v in bias[index, 0].tolist()]
        following = []
        for low, high, units in pieces:
            z = [
                (
                    sum((s * W[i][j] for i, (s, _) in enumerate(units)), Fraction(0)),
                    sum((v * W[i][j] for i, (_, v) in enumerate(units)), c[j]),
                )
                for j in range(len(c))
            ]
            zeros = {-v / s for s, v in z if s}
            cuts = [low, *sorted(t for t in zeros if low < t < high), high]
            for a, b in itertools.pairwise(cuts):
                middle = (a + b) / 2
                on = [(s, v) if s * middle + v > 0 else (left * s, left * v) for s, v in z]
                following.append((a, b, on))
        pieces = following
    ends = sorted({low for low, _, _ in pieces} - {Fraction(0)})
    return [float(t) for t in ends]


@pytest.mark.parametrize("slope", [Fraction(0), Fraction(1, 4), Fraction(31, 32)])
@pytest.mark.parametrize("widths", [[2, 16, 2], [2, 8, 8, 8, 2], [3, 5, 4, 3, 2, 1]])
def test_bends_equal_those_of_exact_arithmetic(widths, slope):
    networks = build(widths, torch.relu, seeds=3)
    generator = torch.Generator().manual_seed(9)
    with torch.no_grad():
        for bias in networks.biases:
            bias.copy_(0.3 * torch.randn(bias.shape, generator=generator))
    rng = np.random.default_rng(4)
    start, end = rng.uniform(-1, 1, (2, widths[0])) + np.array([[-4.0], [4.0]])
    found = bends_on_line(networks, start, end, slope=float(slope))
    assert len(found) == 3
    assert sum(map(len, found)) > 10
    for index, positions in enumerate(found):
        expected = exact_bends(networks, index, start, end, slope)
        assert len(positions) == len(expected)
        np.testing.assert_allclose(positions, expected, rtol=1e-9, atol=1e-12)


def test_bends_of_one_layer_are_where_its_units_are_zero():
    network = stack_of([([[1.0, -2.0, 1.0]], [-0.25, 1.0, 5.0]), ([[1.0], [1.0], [1.0]], [0.0])])
    (positions,) = bends_on_line(network, np.array([0.0]), np.array([1.0]))
    np.testing.assert_allclose(positions, [0.25, 0.5])
    assert positions.dtype == np.float64


def test_a_piece_far_shorter_than_any_grid_is_found():
    where = [0.5, 0.5 + 2**-22, 0.5 + 2**-21]
    layers = [([[1.0] * 3], [-t for t in where]), ([[1.0], [-2.0], [1.0]], [0.0])]
    (positions,) = bends_on_line(stack_of(layers), np.array([0.0]), np.array([1.0]))
    np.testing.assert_allclose(positions, where, rtol=0, atol=1e-15)


@pytest.mark.parametrize("depth", [1, 3, 6])
def test_folding_doubles_the_pieces(depth):
    fold = ([[2.0, 2.0], [-4.0, -4.0]], [0.0, -0.5])
    layers = [([[1.0, 1.0]], [0.0, -0.5]), *[fold] * (depth - 1), ([[2.0], [-4.0]], [0.0])]
    # from a point just inside, so that no fold lies on an end of the line
    (positions,) = bends_on_line(stack_of(layers), np.array([1e-4]), np.array([1 - 1e-4]))
    at = 1e-4 + positions * (1 - 2e-4)
    np.testing.assert_allclose(at, np.arange(1, 2**depth) / 2**depth, atol=1e-9)


def test_positions_are_shares_of_the_way_and_turn_round_with_it():
    networks = build([2, 12, 12, 2], torch.relu, seeds=2)
    start, end = np.array([-2.0, 1.0]), np.array([2.0, 1.5])
    forth, back = bends_on_line(networks, start, end), bends_on_line(networks, end, start)
    for one, other in zip(forth, back, strict=True):
        assert (np.diff(one) >= 0).all()
        assert ((one > 0) & (one < 1)).all()
        np.testing.assert_allclose(one, 1 - other[::-1], atol=1e-9)


def test_a_network_without_hidden_layers_and_a_dead_one_do_not_bend():
    (none,) = bends_on_line(build([2, 2], torch.relu, seeds=1), np.zeros(2), np.ones(2))
    assert none.shape == (0,)
    dead = stack_of([([[1.0, 1.0]], [0.0, -0.5]), ([[-1.0], [-1.0]], [-1.0]), ([[1.0]], [0.0])])
    (positions,) = bends_on_line(dead, np.array([0.1]), np.array([1.0]))
    np.testing.assert_allclose(positions, [4 / 9])  # (0.5 - 0.1) / 0.9: the first layer's own


def test_with_slope_one_nothing_bends():
    networks = build([2, 8, 8, 2], torch.relu, seeds=2)
    found = bends_on_line(networks, np.array([-1.0, 0.5]), np.array([1.0, 0.5]), slope=1.0)
    assert [positions.shape for positions in found] == [(0,), (0,)]


def test_no_gradient_is_recorded():
    networks = build([2, 4, 2], torch.relu, seeds=1)
    bends_on_line(networks, np.zeros(2), np.ones(2))
    assert all(p.grad is None for p in networks.parameters())


# --- how far left a gradient reaches --------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_reach_of_a_function_with_a_known_end(dtype):
    # Powers of two are numbers of every type, and between them nothing is rounded to them.
    assert left_reach(lambda x: torch.where(x >= -4, x * x, 0), dtype) == -4
    assert left_reach(lambda x: torch.where(x >= -4, 3.0, 0) + 0 * x, dtype, "value") == -4


def test_reach_tells_value_and_gradient_apart():
    def clipped(x):
        return x.clamp(min=-2.0)

    assert left_reach(clipped, of="value") == -20
    assert left_reach(clipped) == -2


def test_reach_tries_every_number_of_a_16_bit_type():
    bits = torch.arange(-(2**15), 2**15, dtype=torch.int32).to(torch.int16)
    for dtype in (torch.float16, torch.bfloat16):
        numbers = bits.view(dtype)
        for number in numbers[(numbers < -5) & (numbers > -5.1)]:
            assert left_reach(lambda x, at=number: torch.where(x == at, x, 0), dtype) == number


def test_reach_of_nothing_is_nan_and_of_everything_is_the_end():
    assert np.isnan(left_reach(torch.relu))
    assert left_reach(torch.relu, start=1.0, end=-1.0) == pytest.approx(0, abs=2e-4)
    assert left_reach(torch.nn.functional.leaky_relu, end=-3.0) == -3


def test_reach_refuses_what_it_cannot_measure():
    with pytest.raises(ValueError, match="'value' or 'gradient'"):
        left_reach(torch.relu, of="slope")
    with pytest.raises(ValueError, match="must lie left of"):
        left_reach(torch.relu, start=-5.0, end=-5.0)
