"""Eight-bit grids: which numbers a tensor may hold, and what rounding to them costs.

The same code serves NumPy arrays and PyTorch tensors. Following jacob2018quantization, a grid is a
step and a zero point: the code c stands for the number step · (c − zero).

>>> import numpy as np
>>> grid = affine(-0.17, 24.7)
>>> grid.zero, round(float(grid.step), 4)
(2, 0.0975)
>>> grid(np.array([-0.17, 0.0, 30.0])).round(3).tolist()
[-0.195, 0.0, 24.671]
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Grid:
    """The numbers step · (c − zero) for whole c from ``low`` to ``high``.

    Attributes:
        step: distance of neighbours, > 0; a number, or an array that broadcasts (one a channel).
        zero: the code of 0, a whole number; or an array of them.
        low: smallest code.
        high: largest code.
    """

    step: Any
    zero: Any
    low: int
    high: int

    def codes(self, x: Any) -> Any:
        """The nearest codes, halves to even, ends clipped; in the dtype of ``x``."""
        return (_round(x / self.step) + self.zero).clip(self.low, self.high)

    def __call__(self, x: Any) -> Any:
        """``x`` rounded to the grid and back, in the dtype of ``x``."""
        return (self.codes(x) - self.zero) * self.step


def _round(x: Any) -> Any:
    return np.round(x) if isinstance(x, np.ndarray | float) else x.round()


def symmetric(largest: Any, bits: int = 8) -> Grid:
    """A signed grid from −largest to largest, 0 in its middle; the code −2ᵇ⁻¹ is left unused.

    Args:
        largest: the largest |x| to represent, > 0; a number or one a channel.
        bits: 2 or more.

    Raises:
        ValueError: ``largest`` is not positive and finite, or too few bits.
    """
    if bits < 2:
        raise ValueError(f"a grid needs at least 2 bits, not {bits}")
    if not _all_positive(largest):
        raise ValueError("the largest value of a symmetric grid must be positive and finite")
    top = 2 ** (bits - 1) - 1
    return Grid(largest / top, 0, -top, top)


def affine(low: float, high: float, bits: int = 8) -> Grid:
    """An unsigned grid from about ``low`` to about ``high``, moved so that 0 is one of its numbers.

    Args:
        low: smallest value to represent; taken as 0 if it is positive.
        high: largest; taken as 0 if it is negative.
        bits: 2 or more.

    Raises:
        ValueError: the range is empty or not finite, or too few bits.
    """
    if bits < 2:
        raise ValueError(f"a grid needs at least 2 bits, not {bits}")
    low, high = min(float(low), 0.0), max(float(high), 0.0)
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ValueError(f"an affine grid needs a finite range with two ends, not {low} to {high}")
    top = 2**bits - 1
    step = (high - low) / top
    return Grid(step, round(-low / step), 0, top)


def _all_positive(x: Any) -> bool:
    x = np.asarray(x)
    return bool(np.isfinite(x).all() and (x > 0).all())


def signal_to_noise(signal: Any, noisy: Any) -> float:
    """10 · log₁₀ of mean square over mean square error, in decibels; inf where they are equal."""
    signal, noisy = np.asarray(signal, np.float64), np.asarray(noisy, np.float64)
    noise = np.mean((noisy - signal) ** 2)
    return math.inf if noise == 0 else float(10 * np.log10(np.mean(signal**2) / noise))
