"""What a function does to a normal signal, to a deep network, and to eight bits."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from actlab.audit.reference import Reference
from actlab.meanfield import LARGEST, SMALLEST, MeanField, simulate
from actlab.properties import gaussian_moments

DEPTH, WIDTH = 50, 200
#: Standard deviation k/√n of the weights; "fitted" keeps the signal's mean square.
INITIALISATIONS = {"pytorch": 1 / math.sqrt(3), "lecun": 1.0, "he": math.sqrt(2)}


def measure(
    reference: Reference, kinks: tuple[float, ...], bends: tuple[float, ...]
) -> dict[str, Any]:
    """Moments, gain, length map, χ, gradients through 50 layers, and int8, as plain data."""
    f, slope = reference.pair()
    with np.errstate(all="ignore"):
        mean, second, slope_second = gaussian_moments(f, slope, (*kinks, *bends))
        found: dict[str, Any] = {
            "mean": mean,
            "second_moment": second,
            "slope_second_moment": slope_second,
            "gain": 1 / math.sqrt(second) if second > 0 and np.isfinite(second) else None,
            "gradient_growth": slope_second / second if second > 0 else None,
        }
        field = MeanField(f, slope, kinks)
        found["length_map"] = {
            name: _fixed(field, weight) for name, weight in _weights(found["gain"]).items()
        }
        found["critical_weight"] = _critical(field)
        found["layers"] = {
            name: _through(field, weight) for name, weight in _weights(found["gain"]).items()
        }
        found["int8"] = _int8(f)
    return found


def _weights(gain: float | None) -> dict[str, float]:
    return {**INITIALISATIONS, **({"fitted": gain} if gain else {})}


def _fixed(field: MeanField, weight: float) -> dict[str, Any]:
    """The length q* that deep layers approach, and χ there."""
    result: dict[str, Any] = {"weight": weight, "length": None, "chi": None}
    try:
        length = field.fixed_point(weight)
        q = min(max(length, SMALLEST), LARGEST)
        result |= {"length": length, "chi": weight**2 * field.slope(q)}
    except (ValueError, OverflowError, ZeroDivisionError, RuntimeError):
        pass  # a map without a fixed point between the smallest and the largest length
    return result


def _critical(field: MeanField) -> float | None:
    try:
        return field.critical_weight()
    except (ValueError, OverflowError, ZeroDivisionError, RuntimeError):
        return None


def _through(field: MeanField, weight: float) -> dict[str, Any]:
    """The gradient at the first of 50 layers over that at the last, in one random network."""
    passage = simulate(field, weight, depth=DEPTH, width=WIDTH, inputs=16, seed=0)
    return {
        "weight": weight,
        "gradient": float(passage.gradient[0]),
        "length_last": float(passage.length[-1]),
        "silent_last": float(passage.silent[-1]),
        "gradients": [float(value) for value in passage.gradient],
    }


def _int8(f: Any) -> dict[str, Any]:
    """The error that eight bits make of the outputs of a normal input, one scale for all of them.

    The range is that of 10 000 outputs, at evenly spaced quantiles. Signal over noise in decibels;
    ``levels`` is how many of the 256 codes occur.
    """
    from scipy.special import ndtri

    y = np.asarray(f(ndtri((np.arange(10_000) + 0.5) / 10_000)), float)
    if not np.isfinite(y).all() or y.max() == y.min():
        return {}
    result = {}
    # Symmetric: 0 is 0 and one bit is the sign. Affine: 0 stays a code of its own.
    largest = np.abs(y).max() / 127
    low, high = min(y.min(), 0.0), max(y.max(), 0.0)
    step = (high - low) / 255
    zero = np.rint(-low / step)
    for name, codes, back in (
        ("symmetric", np.clip(np.rint(y / largest), -127, 127), lambda c: c * largest),
        ("affine", np.clip(np.rint(y / step) + zero, 0, 255), lambda c: (c - zero) * step),
    ):
        noise = float(np.mean((back(codes) - y) ** 2))
        signal = float(np.mean(y**2))
        result[name] = {
            "decibels": 10 * math.log10(signal / noise) if noise > 0 else math.inf,
            "levels": int(np.unique(codes).size),
        }
    return result
