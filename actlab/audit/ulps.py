"""Two ways to count units in the last place, which have to agree.

:func:`steps` counts on the lattice of the format: how many numbers lie between what came out and
the true value rounded. :func:`distances` measures on the real line: how far what came out is from
the true value itself, over the spacing of the format there. They share no line of code.
"""

from __future__ import annotations

import numpy as np

from actlab.properties import Floats

_SMALLEST_NORMAL = {"float16": -14, "bfloat16": -126, "float32": -126, "float64": -1022}
_VIEWS = {"float16": np.int16, "float32": np.int32, "float64": np.int64}


def ordinals(y: np.ndarray, floats: Floats) -> np.ndarray:
    """The place of each number of a format on its lattice; both zeros are 0. int64 (n,)."""
    if floats.name == "bfloat16":
        bits = y.astype(np.float32).view(np.int32).astype(np.int64) >> 16
        width = 15
    else:
        view = _VIEWS[floats.name]
        bits = y.astype(floats.name).view(view).astype(np.int64)
        width = 8 * np.dtype(view).itemsize - 1
    magnitude = bits & ((1 << width) - 1)
    return np.where(bits < 0, -magnitude, magnitude)


def steps(got: np.ndarray, target: np.ndarray, floats: Floats) -> np.ndarray:
    """Numbers of the format from ``target`` to ``got``, both in it and finite; float64 (n,)."""
    a, b = ordinals(got, floats), ordinals(target, floats)
    same = (a >= 0) == (b >= 0)
    near = np.abs(np.where(same, a - b, 0)).astype(float)
    return np.where(same, near, np.abs(a.astype(float)) + np.abs(b.astype(float)))


def spacing(y: np.ndarray, floats: Floats) -> np.ndarray:
    """The distance of the format's numbers around y: of the subnormals below the normal range."""
    exponent = np.frexp(np.abs(y))[1] - 1
    smallest = _SMALLEST_NORMAL[floats.name]
    exponent = np.where(y == 0, smallest, np.maximum(exponent, smallest))
    return np.ldexp(1.0, exponent - floats.mantissa)


def distances(got: np.ndarray, high: np.ndarray, low: np.ndarray, floats: Floats) -> np.ndarray:
    """|got − (high + low)| in units of the format's spacing at the true value; float64 (n,)."""
    return np.abs((got - high) - low) / spacing(high, floats)


def disagreements(lattice: np.ndarray, real: np.ndarray, floats: Floats) -> int:
    """At how many points the two counters contradict each other.

    Rounding the true value moves the first by half a step, and where the exponent changes on the
    way its steps are twice as small or large. Beyond a binade the two are different by design.
    """
    near = lattice < 2.0 ** (floats.mantissa - 1)
    apart = (lattice > 2 * real + 1.01) | (lattice < real / 2 - 1.01)
    return int(np.sum(near & apart))


def smallest_normal(floats: Floats) -> float:
    """The smallest normal number of a format."""
    return float(np.ldexp(1.0, _SMALLEST_NORMAL[floats.name]))
