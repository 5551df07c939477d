"""The exact cells of a ReLU network tile the square and agree with the network and with counts."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from actlab.regions import cells

EXTENT = 3.0


def network(widths: list[int], seed: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Random layers with biases."""
    rng = np.random.default_rng(seed)
    weights = [rng.standard_normal(shape) for shape in itertools.pairwise(widths)]
    return weights, [rng.standard_normal(width) for width in widths[1:]]


def output(weights: list[np.ndarray], biases: list[np.ndarray], points: np.ndarray) -> np.ndarray:
    """The network itself, (n,)."""
    for w, b in zip(weights[:-1], biases[:-1], strict=True):
        points = np.maximum(points @ w + b, 0)
    return (points @ weights[-1] + biases[-1])[:, 0]


def area(corners: np.ndarray) -> float:
    """Of a polygon whose corners are in order (positive against the clock)."""
    x, y = corners.T
    return float((x * np.roll(y, -1) - y * np.roll(x, -1)).sum() / 2)


@pytest.mark.parametrize("widths", [[2, 1], [2, 5, 1], [2, 8, 8, 1], [2, 4, 4, 4, 1]])
@pytest.mark.parametrize("seed", [0, 1])
def test_cells_tile_the_square_and_carry_the_network(widths, seed):
    weights, biases = network(widths, seed)
    found = cells(weights, biases, EXTENT)
    areas = np.array([area(cell.corners) for cell in found])
    assert (areas > 0).all()
    assert areas.sum() == pytest.approx((2 * EXTENT) ** 2)
    for cell in found:
        np.testing.assert_allclose(
            cell.values(), output(weights, biases, cell.corners), rtol=1e-9, atol=1e-9
        )


@pytest.mark.parametrize("seed", range(4))
def test_one_layer_counts_lines_and_crossings(seed):
    """1 + lines that enter + crossings inside."""
    (w, last), (b, end) = network([2, 12, 1], seed)
    corners = EXTENT * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    entering = sum(len(set((corners @ w + b)[:, i] > 0)) == 2 for i in range(12))
    places = [
        np.linalg.solve(w[:, [i, j]].T, -b[[i, j]]) for i, j in itertools.combinations(range(12), 2)
    ]
    inside = sum(bool((np.abs(place) < EXTENT).all()) for place in places)
    assert len(cells([w, last], [b, end], EXTENT)) == 1 + entering + inside


def test_without_biases_the_cells_are_wedges():
    """All lines meet in the middle: two wedges a unit."""
    weights, biases = network([2, 6, 1], 0)
    found = cells(weights, [np.zeros_like(b) for b in biases], EXTENT)
    assert len(found) == 12


@pytest.mark.parametrize(
    ("weights", "biases", "extent", "words"),
    [
        ([np.ones((3, 1))], [np.zeros(1)], 1.0, "2 inputs"),
        ([np.ones((2, 2))], [np.zeros(2)], 1.0, "1 output"),
        ([np.ones((2, 1))], [np.zeros(2)], 1.0, "bias"),
        ([np.ones((2, 1))], [np.zeros(1)], 0.0, "positive"),
    ],
)
def test_bad_input_gets_a_sentence(weights, biases, extent, words):
    with pytest.raises(ValueError, match=words):
        cells(weights, biases, extent)
