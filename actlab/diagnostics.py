"""Look inside a network: where it bends, what its units do, how its signals grow or fade."""

from __future__ import annotations

import numpy as np
import torch

from actlab.training import Stack


@torch.no_grad()
def bends_on_line(networks: Stack, start: np.ndarray, end: np.ndarray) -> list[np.ndarray]:
    """Where each ReLU network bends on the straight way from ``start`` to ``end``: exactly.

    Between two bends every preactivation is affine in the position ``t``, so a layer can add a
    bend only where one of its units crosses zero. The crossings are solved for, layer by layer,
    in float64: nothing is sampled and none is missed.

    Args:
        networks: ReLU networks (their ``activation`` is not consulted).
        start: first point, shape (features,).
        end: last point, shape (features,).

    Returns:
        For each network the sorted positions ``t`` in (0, 1) at which the slope of some hidden
        unit's output changes, float64. The number of linear pieces is at most one more.
    """
    ends = np.stack([np.asarray(start, float), np.asarray(end, float)])
    found = []
    for index in range(networks.seeds):
        position = np.array([0.0, 1.0])
        value = ends  # what the layer receives at each position, shape (positions, width)
        layers = zip(networks.weights[:-1], networks.biases[:-1], strict=True)
        for weight, bias in layers:
            z = value @ weight[index].double().numpy() + bias[index].double().numpy()
            left, right = z[:-1], z[1:]
            piece, unit = np.nonzero(left * right < 0)
            share = left[piece, unit] / (left[piece, unit] - right[piece, unit])
            crossing = position[piece] + share * np.diff(position)[piece]
            at_crossing = left[piece] + share[:, None] * (right[piece] - left[piece])
            at_crossing[np.arange(len(unit)), unit] = 0.0
            position = np.concatenate([position, crossing])
            order = np.argsort(position, kind="stable")
            position = position[order]
            value = np.maximum(np.concatenate([z, at_crossing])[order], 0)
        found.append(position[1:-1])
    return found
