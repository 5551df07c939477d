"""Look inside a network: where it bends, what its units do, how its signals grow or fade."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
import torch

from actlab.training import Stack


@torch.no_grad()
def bends_on_line(
    networks: Stack, start: np.ndarray, end: np.ndarray, slope: float = 0.0
) -> list[np.ndarray]:
    """Where each ReLU network bends on the straight way from ``start`` to ``end``: exactly.

    Between two bends every preactivation is affine in the position ``t``, so a layer can add a
    bend only where one of its units crosses zero. The crossings are solved for, layer by layer,
    in float64: nothing is sampled and none is missed.

    Args:
        networks: ReLU networks (their ``activation`` is not consulted).
        start: first point, shape (features,).
        end: last point, shape (features,).
        slope: that of the activation left of 0: 0 for ReLU, more for a leaky one. With 1 nothing
            bends.

    Returns:
        For each network the sorted positions ``t`` in (0, 1) at which the slope of some hidden
        unit's output changes, float64. The number of linear pieces is at most one more.
    """
    if slope == 1:
        return [np.empty(0) for _ in range(networks.seeds)]
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
            z = np.concatenate([z, at_crossing])[order]
            value = np.where(z > 0, z, slope * z)
        found.append(position[1:-1])
    return found


def left_reach(
    function: Callable[[torch.Tensor], torch.Tensor],
    dtype: torch.dtype = torch.float32,
    of: Literal["value", "gradient"] = "gradient",
    start: float = -1.0,
    end: float = -20.0,
) -> float:
    """How far to the left an activation's value or gradient is anything but exactly 0.

    The numbers tried are 10,000 a unit, rounded to ``dtype``: every number of a 16-bit type left of
    -1 is among them. The gradient is autograd's.

    Args:
        function: elementwise, on torch tensors.
        dtype: type of the input, and so of the arithmetic under test.
        of: what has to differ from 0.
        start: where to begin.
        end: where to stop looking.

    Returns:
        The leftmost number whose value or gradient is not 0; ``end`` if there is no end in sight,
        and NaN if everything is 0.

    Raises:
        ValueError: ``of`` is neither "value" nor "gradient", or ``end`` is not left of ``start``.
    """
    if of not in ("value", "gradient"):
        raise ValueError(f"of must be 'value' or 'gradient', not {of!r}")
    if not end < start:
        raise ValueError(f"end ({end}) must lie left of start ({start})")
    count = round((start - end) * 10_000) + 1
    x = torch.linspace(start, end, count, dtype=torch.float64).to(dtype).requires_grad_()
    y = function(x)
    (slope,) = torch.autograd.grad(y, x, torch.ones_like(y))
    found = x.detach()[(y if of == "value" else slope) != 0]
    return found.min().item() if len(found) else float("nan")
