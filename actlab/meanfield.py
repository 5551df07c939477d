"""What a wide random network does to a signal and to a gradient, without building the network.

In a layer with n inputs, weights from N(0, k²/n) and biases from N(0, b²), the preactivations of a
wide network are close to normal with mean 0. One number a layer then says all about them, their
mean square q, the *length* of the signal, and two expectations over a standard normal z say what a
layer does to it and to the gradient:

* the length map q → k²·E[f(√q z)²] + b², which has a fixed point q* that deep layers approach;
* χ = k²·E[f′(√q* z)²], the factor by which one layer multiplies the mean square of the gradient on
  its way back, and by which it multiplies a small distance between two inputs on the way forward.

Where χ < 1 gradients fade and all inputs become one (order); where χ > 1 gradients explode and
neighbours part (chaos); χ = 1 is the critical line. Poole et al. 2016 and Schoenholz et al. 2017.

>>> from actlab.meanfield import MeanField
>>> round(MeanField("relu").critical_weight(), 6)  # He's √2
1.414214
>>> field = MeanField("tanh")
>>> round(field.chi(weight=2.0), 3)
1.797
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import brentq

from actlab.functions import Activation, get

Function = Callable[[np.ndarray], np.ndarray]

# Gauss's rule on every stretch between two cuts. Its nodes lie inside the stretch, so no node falls
# on a kink: a Gauss-Hermite rule of odd order puts one on ReLU's, and finds 1.48 in place of √2.
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(24)
# Where to cut, in units of z, and around the origin in units of the preactivation √q z: there
# every function of the catalogue changes its slope, however large q is.
_CUTS_Z = (0.5, 1.0, 2.0, 3.0, 4.5, 6.0, 8.0, 10.0)
_CUTS_X = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
#: Lengths beyond these count as 0 and as infinite.
SMALLEST, LARGEST = 1e-14, 1e14


class MeanField:
    """The length map, its fixed point and χ of one function.

    Args:
        function: name of an elementwise function of the catalogue, its entry, or any function from
            float64 arrays to float64 arrays of the same shape.
        derivative: f′, for a function that is not in the catalogue; without it, central differences
            with a step of a millionth of x (or 1e-9) are taken.
        kinks: where f′ jumps, for a function that is not in the catalogue.
        **parameters: values for the entry's parameters; the defaults for those not given.

    Raises:
        ValueError: an entry that is not elementwise, or a name that there is not.
        TypeError: something that cannot be called.
    """

    def __init__(
        self,
        function: str | Activation | Function,
        derivative: Function | None = None,
        kinks: Sequence[float] = (),
        **parameters: Any,
    ) -> None:
        if isinstance(function, str):
            function = get(function)
        if isinstance(function, Activation):
            entry = function
            if entry.kind != "elementwise" or entry.derivative is None:
                raise ValueError(f"{entry.name} is not elementwise, so it has no length map")
            slope = entry.derivative
            kinks = entry.kinks(**(entry.defaults | parameters))
            self.function: Function = lambda x: entry.forward(x, **parameters)
            self.derivative: Function = lambda x: slope(x, **parameters)
        elif callable(function):
            plain = function
            self.function = lambda x: plain(x, **parameters)
            self.derivative = derivative or self._difference
        else:
            raise TypeError(f"a function or the name of one is needed, not {function!r}")
        self.kinks = tuple(float(kink) for kink in kinks)
        self._table: tuple[np.ndarray, np.ndarray] | None = None

    def _difference(self, x: np.ndarray) -> np.ndarray:
        step = 1e-6 * np.maximum(np.abs(x), 1e-3)
        return (self.function(x + step) - self.function(x - step)) / (2 * step)

    # --- the two expectations ---------------------------------------------------------------------

    def _mean_square(self, function: Function, q: float) -> float:
        root = math.sqrt(q)
        cuts = [*_CUTS_Z, *(x / root for x in _CUTS_X)]
        places = {0.0, *cuts, *(-cut for cut in cuts), *(kink / root for kink in self.kinks)}
        ends = np.array(sorted(place for place in places if abs(place) <= _CUTS_Z[-1]))
        half = np.diff(ends)[:, None] / 2
        z = ends[:-1, None] + half * (1 + _NODES)
        density = np.exp(-z * z / 2) / math.sqrt(2 * math.pi)
        return float((function(root * z) ** 2 * density * half * _WEIGHTS).sum())

    def signal(self, q: float) -> float:
        """E[f(√q z)²] for a standard normal z: the mean square of the activations."""
        return self._mean_square(self.function, q)

    def slope(self, q: float) -> float:
        """E[f′(√q z)²] for a standard normal z: the mean square of the derivative."""
        return self._mean_square(self.derivative, q)

    # --- the length map ---------------------------------------------------------------------------

    def length(self, q: float, weight: float, bias: float = 0.0) -> float:
        """The mean square of the next layer's preactivations, given q, that of this layer's.

        Args:
            q: mean square of the preactivations, greater than 0.
            weight: k; the weights have the standard deviation k/√n.
            bias: standard deviation of the biases.
        """
        return weight**2 * self.signal(q) + bias**2

    def lengths(
        self, weight: float, bias: float = 0.0, depth: int = 50, start: float = 1.0
    ) -> np.ndarray:
        """q of each of ``depth`` layers, when the input's mean square is ``start``: (depth,)."""
        found = [weight**2 * start + bias**2]
        while len(found) < depth:
            found.append(float(np.clip(self.length(found[-1], weight, bias), SMALLEST, LARGEST)))
        return np.array(found)

    def fixed_point(self, weight: float, bias: float = 0.0, start: float = 1.0) -> float:
        """q*, which the lengths approach; 0 or infinity where they vanish or explode.

        The map rises with q for every function of the catalogue, so the lengths move in one
        direction, up to the first fixed point. Where every length is one (ReLU with He's weights
        and no biases), it is that of the first layer.

        Args:
            weight: k; the weights have the standard deviation k/√n.
            bias: standard deviation of the biases.
            start: mean square of the input, which decides where there are several fixed points.
        """
        first = float(np.clip(weight**2 * start + bias**2, SMALLEST, LARGEST))

        def excess(log_q: float) -> float:
            q = math.exp(log_q)
            return self.length(q, weight, bias) / q - 1

        here = excess(math.log(first))
        if abs(here) < 1e-9:
            return first
        grid, signals = self._tabulated()
        side = grid > first if here > 0 else grid < first
        grid, signals = grid[side], signals[side]
        crossed = ((weight**2 * signals + bias**2) / grid > 1) != (here > 0)
        if not crossed.any():
            return math.inf if here > 0 else 0.0
        index = crossed.argmax() if here > 0 else len(crossed) - 1 - crossed[::-1].argmax()
        step = -1 if here > 0 else 1  # back towards where the lengths come from
        inside = 0 <= index + step < len(grid)
        near = float(grid[index + step]) if inside else first
        ends = sorted((math.log(near), math.log(grid[index])))
        return math.exp(brentq(excess, *ends, xtol=1e-13))

    def _tabulated(self) -> tuple[np.ndarray, np.ndarray]:
        if self._table is None:
            grid = np.logspace(math.log10(SMALLEST), math.log10(LARGEST), 281)
            self._table = grid, np.array([self.signal(q) for q in grid])
        return self._table

    # --- order and chaos --------------------------------------------------------------------------

    def chi(self, weight: float, bias: float = 0.0, start: float = 1.0) -> float:
        """χ at the fixed point: what one layer multiplies the gradient's mean square by.

        Args:
            weight: k; the weights have the standard deviation k/√n.
            bias: standard deviation of the biases.
            start: mean square of the input, which decides where there are several fixed points.
        """
        q = self.fixed_point(weight, bias, start)
        return weight**2 * self.slope(min(max(q, SMALLEST), LARGEST))

    def critical_weight(
        self, bias: float = 0.0, start: float = 1.0, low: float = 0.05, high: float = 50.0
    ) -> float:
        """The k at which χ passes 1 for a given standard deviation of the biases.

        Where q* jumps (ReLU²), χ jumps too, and k is the place of the jump.

        Raises:
            ValueError: χ does not pass 1 between ``low`` and ``high``.
        """

        def excess(log_k: float) -> float:
            return math.log(max(self.chi(math.exp(log_k), bias, start), 1e-300))

        ends = math.log(low), math.log(high)
        if not excess(ends[0]) < 0 < excess(ends[1]):
            raise ValueError(f"χ does not pass 1 for k between {low} and {high}")
        # A function that is the identity far out (the soft-cap) makes χ − 1 flat beside the jump.
        return math.exp(brentq(excess, *ends, xtol=1e-10, maxiter=1000))

    def critical_line(self, biases: Sequence[float], start: float = 1.0) -> np.ndarray:
        """:meth:`critical_weight` for each of ``biases``, NaN where there is none."""
        found = []
        for bias in biases:
            try:
                found.append(self.critical_weight(float(bias), start))
            except ValueError:
                found.append(math.nan)
        return np.array(found)


# --- the same by simulation -----------------------------------------------------------------------


@dataclass(frozen=True)
class Passage:
    """What one random network did.

    Attributes:
        length: mean square of the preactivations of each layer, (depth,).
        gradient: root mean square of the gradient at the preactivations of each layer over that at
            the last, (depth,); the last is 1.
        correlation: cosine between the preactivations of two inputs, at each layer, the mean over
            pairs, (depth,).
        silent: share of the units of each layer whose derivative is 0 on every example, (depth,).
    """

    length: np.ndarray
    gradient: np.ndarray
    correlation: np.ndarray
    silent: np.ndarray


def simulate(
    function: str | Activation | MeanField,
    weight: float,
    bias: float = 0.0,
    depth: int = 50,
    width: int = 200,
    inputs: int | np.ndarray = 32,
    seed: int = 0,
) -> Passage:
    """Send inputs forward through one random network, and a random error back.

    Args:
        function: as for :class:`MeanField`.
        weight: k; the weights have the standard deviation k/√n, n the number of a layer's inputs.
        bias: standard deviation of the biases.
        depth: number of layers.
        width: units in each layer.
        inputs: the inputs, (examples, features), or how many standard normal ones of ``width``
            features to draw.
        seed: of the weights, biases, inputs and the error that starts at the last layer.
    """
    field = function if isinstance(function, MeanField) else MeanField(function)
    rng = np.random.default_rng(seed)
    h = rng.standard_normal((inputs, width)) if isinstance(inputs, int) else np.asarray(inputs)
    weights, slopes, length, correlation = [], [], [], []
    with np.errstate(over="ignore", invalid="ignore", under="ignore", divide="ignore"):
        for _ in range(depth):
            w = rng.standard_normal((h.shape[1], width)) * (weight / math.sqrt(h.shape[1]))
            z = h @ w + bias * rng.standard_normal(width)
            weights.append(w)
            slopes.append(field.derivative(z))
            length.append(float((z * z).mean()))
            unit = z / np.linalg.norm(z, axis=1, keepdims=True)
            correlation.append(float((unit[::2] * unit[1::2]).sum(1).mean()))
            h = field.function(z)
        gradient = rng.standard_normal(h.shape)
        sizes = [1.0]
        first = float(np.sqrt((gradient**2).mean()))
        for layer in range(depth - 1, 0, -1):
            gradient = (gradient @ weights[layer].T) * slopes[layer - 1]
            sizes.append(float(np.sqrt((gradient**2).mean())) / first)
    return Passage(
        np.array(length),
        np.array(sizes[::-1]),
        np.array(correlation),
        np.array([float((slope == 0).all(0).mean()) for slope in slopes]),
    )
