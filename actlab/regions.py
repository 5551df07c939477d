"""The linear regions of a small ReLU network on a square, cut exactly and not sampled.

A ReLU network is affine wherever no unit switches. :func:`cells` starts with the square and cuts
it, layer by layer: inside a piece on which the layers before are affine, each unit of the next
layer switches along one straight line. A grid of points can miss a thin piece; this cannot
(Hanin & Rolnick 2019 count along lines, which is exact in the same way).

>>> import numpy as np
>>> from actlab.regions import cells
>>> len(cells([np.eye(2), np.ones((2, 1))], [np.zeros(2), np.zeros(1)], 1.0))  # both axes
4
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

TINY = 1e-12  # of the side of the square: pieces thinner than that are rounding


@dataclass(frozen=True)
class Cell:
    """A convex piece of the square on which the network is affine.

    Attributes:
        corners: its vertices in order, float64 (k, 2).
        slope: gradient of the output inside, float64 (2,).
        offset: the output inside is ``point @ slope + offset``.
    """

    corners: np.ndarray
    slope: np.ndarray
    offset: float

    def values(self) -> np.ndarray:
        """The network's output at the corners, (k,)."""
        return self.corners @ self.slope + self.offset


def cells(weights: Sequence[np.ndarray], biases: Sequence[np.ndarray], extent: float) -> list[Cell]:
    """All linear regions of a ReLU network inside ``[-extent, extent]²``.

    Args:
        weights: of each layer, (inputs, outputs); the first has 2 inputs, the last 1 output.
        biases: of each layer, (outputs,).
        extent: half of the side of the square, > 0.

    Returns:
        The cells. Two neighbours whose slopes happen to agree are two cells: a unit switches
        between them.

    Raises:
        ValueError: shapes that do not follow each other, or an extent that is not positive.
    """
    weights = [np.asarray(w, float) for w in weights]
    biases = [np.asarray(b, float).ravel() for b in biases]
    widths = [2, *(w.shape[1] for w in weights)]
    shapes = [w.shape for w in weights] == list(itertools.pairwise(widths))
    if not shapes or [len(b) for b in biases] != widths[1:] or widths[-1] != 1:
        raise ValueError("weights must lead from 2 inputs to 1 output, with a bias for each output")
    if not extent > 0:
        raise ValueError(f"the extent must be positive, not {extent}")
    square = extent * np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])
    return [Cell(*found) for found in _cut(square, np.eye(2), np.zeros(2), weights, biases, extent)]


def _cut(
    corners: np.ndarray,
    slopes: np.ndarray,
    offsets: np.ndarray,
    weights: list[np.ndarray],
    biases: list[np.ndarray],
    extent: float,
) -> Iterator[tuple[np.ndarray, np.ndarray, float]]:
    """Pieces of a polygon on which the layers so far give ``point @ slopes + offsets``."""
    slopes, offsets = slopes @ weights[0], offsets @ weights[0] + biases[0]
    if len(weights) == 1:
        yield corners, slopes[:, 0], float(offsets[0])
        return
    pieces = [corners]
    for normal, offset in zip(slopes.T, offsets, strict=True):
        pieces = [part for piece in pieces for part in _halves(piece, normal, offset, extent)]
    for piece in pieces:
        on = piece.mean(0) @ slopes + offsets > 0
        yield from _cut(piece, slopes * on, offsets * on, weights[1:], biases[1:], extent)


def _halves(
    corners: np.ndarray, normal: np.ndarray, offset: float, extent: float
) -> list[np.ndarray]:
    """A convex polygon, or its two parts where the line ``x·normal + offset = 0`` cuts it."""
    height = corners @ normal + offset
    limit = TINY * extent * np.hypot(*normal)
    if height.min() >= -limit or height.max() <= limit:
        return [corners]
    following = np.roll(np.arange(len(corners)), -1)
    sides: tuple[list, list] = ([], [])
    for i, j in enumerate(following):
        for side, sign in zip(sides, (1, -1), strict=True):
            if sign * height[i] >= 0:
                side.append(corners[i])
        if height[i] * height[j] < 0:
            share = height[i] / (height[i] - height[j])
            crossing = corners[i] + share * (corners[j] - corners[i])
            sides[0].append(crossing)
            sides[1].append(crossing)
    return [np.array(side) for side in sides]
