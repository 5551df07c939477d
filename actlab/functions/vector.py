"""Softmax and log-softmax: functions of a whole vector, along any axis, with their Jacobians.

The Jacobian J of n outputs by n inputs is never formed. ``*_jvp`` gives J·v, what a small change
v of the logits does; ``*_vjp`` gives Jᵀ·g, what backpropagation needs of an upstream gradient g.
"""

from __future__ import annotations

from operator import index

import numpy as np
from numpy.typing import ArrayLike

from actlab.functions.parameters import Parameter
from actlab.functions.rounding import ROUNDING, FloatArray, as_float_array, gated, round_to

TEMPERATURE = Parameter(
    "temperature", r"\tau", 1.0, 0.1, 10.0, "divides the logits: small is sharp", "positive"
)

#: An infinite tangent or gradient may meet its opposite in the sum: inf − inf = NaN then stands.
INFINITE_TANGENTS = {**ROUNDING, "invalid": "ignore"}


def _checked_axis(axis: int, ndim: int) -> int:
    # A 0-d array counts as a vector of one, as in torch.
    dimensions = max(ndim, 1)
    try:
        position = index(axis)
    except TypeError:
        raise TypeError(f"axis must be an integer, got {axis!r}") from None
    if not -dimensions <= position < dimensions:
        raise ValueError(f"axis {position} is out of range for an array with {ndim} axes")
    return position % dimensions


def _logits(
    x: ArrayLike, axis: int, temperature: float
) -> tuple[FloatArray, np.dtype, tuple[int, ...], int, float]:
    """Checked: x as float64 (at least 1-d), its dtype and shape, the axis, the temperature."""
    array = as_float_array(x)
    axis = _checked_axis(axis, array.ndim)
    temperature = float(TEMPERATURE.check(temperature, ()))
    logits = np.atleast_1d(array.astype(np.float64, copy=False))
    return logits, array.dtype, array.shape, axis, temperature


def _shifted(x: FloatArray, axis: int, temperature: float) -> FloatArray:
    """(x − max x)/τ, so that the largest exponential is 1 and none overflows.

    A single +∞ wins outright. Several +∞, or nothing but −∞, leave no limit: they stay NaN,
    which is why inf − inf is let through here.
    """
    largest = np.max(x, axis=axis, keepdims=True, initial=-np.inf)
    with np.errstate(invalid="ignore"):
        shifted = (x - largest) / temperature
        # Two finite logits may be further apart than the largest number, but their halves are not.
        apart = np.isinf(shifted) & np.isfinite(x)
        if apart.any():
            halves = (0.5 * x - 0.5 * largest) / temperature
            shifted = np.where(apart, 2.0 * halves, shifted)
    is_infinite = x == np.inf
    lone = is_infinite & (np.count_nonzero(is_infinite, axis=axis, keepdims=True) == 1)
    return np.where(lone, 0.0, shifted)


def _softmax(x: FloatArray, axis: int, temperature: float) -> FloatArray:
    weights = np.exp(_shifted(x, axis, temperature))
    return weights / np.sum(weights, axis=axis, keepdims=True)


def _tangent(v: ArrayLike, name: str, shape: tuple[int, ...]) -> FloatArray:
    v = as_float_array(v, name)
    if v.shape != shape:
        raise ValueError(f"{name} must have the shape of x, {shape}, got {v.shape}")
    return np.atleast_1d(v.astype(np.float64, copy=False))


def softmax(x: ArrayLike, axis: int = -1, temperature: float = 1.0) -> FloatArray | np.floating:
    """Softmax e^(x_i/τ) / Σ_j e^(x_j/τ) along one axis.

    Args:
        x: logits, array of any shape; −∞ marks an entry that takes no part.
        axis: the axis whose entries compete and sum to 1; negative counts from the end.
        temperature: τ > 0.

    Returns:
        probabilities, shape and dtype of ``x``. A slice with NaN, with nothing but −∞ or with
        several +∞ is NaN throughout. In float64 the gap to the largest logit is rounded, so that
        a probability e^−gap is off by up to about gap ulp. Paper: bridle1990softmax.

    Raises:
        ValueError: when the axis is out of range or the temperature is not positive.
    """
    x, dtype, shape, axis, temperature = _logits(x, axis, temperature)
    with np.errstate(**ROUNDING):
        return round_to(_softmax(x, axis, temperature).reshape(shape), dtype)


def softmax_jvp(
    x: ArrayLike, v: ArrayLike, axis: int = -1, temperature: float = 1.0
) -> FloatArray | np.floating:
    """J·v of :func:`softmax` at logits ``x``: s·(v − Σ s·v)/τ, with v of the shape of x."""
    x, dtype, shape, axis, temperature = _logits(x, axis, temperature)
    v = _tangent(v, "v", shape)
    with np.errstate(**INFINITE_TANGENTS):
        s = _softmax(x, axis, temperature)
        product = gated(s, v - np.sum(gated(s, v), axis=axis, keepdims=True)) / temperature
        return round_to(product.reshape(shape), dtype)


def softmax_vjp(
    x: ArrayLike, g: ArrayLike, axis: int = -1, temperature: float = 1.0
) -> FloatArray | np.floating:
    """Jᵀ·g of :func:`softmax` at logits ``x``; J is symmetric, so this is the same as J·g."""
    _tangent(g, "g", as_float_array(x).shape)
    return softmax_jvp(x, g, axis, temperature)


def log_softmax(x: ArrayLike, axis: int = -1, temperature: float = 1.0) -> FloatArray | np.floating:
    """log softmax(x) along one axis, without ever forming a probability that could be 0.

    Args:
        x: logits, array of any shape.
        axis: the axis whose entries compete; negative counts from the end.
        temperature: τ > 0.

    Returns:
        values ≤ 0, shape and dtype of ``x``. The winner's value is −log1p(Σ of the others), so
        that it keeps its digits where log Σ would round to 0. Paper: blanchard2021logsumexp.

    Raises:
        ValueError: when the axis is out of range or the temperature is not positive.
    """
    x, dtype, shape, axis, temperature = _logits(x, axis, temperature)
    if x.shape[axis] == 0:
        return round_to(x.reshape(shape).copy(), dtype)
    with np.errstate(**ROUNDING):
        shifted = _shifted(x, axis, temperature)
        others = np.exp(shifted)
        winner = np.argmax(x, axis=axis, keepdims=True)
        # A NaN or inf − inf at the winner must reach the whole slice, hence − 1 and not = 0.
        top = np.take_along_axis(others, winner, axis)
        np.put_along_axis(others, winner, top - 1.0, axis)
        y = shifted - np.log1p(np.sum(others, axis=axis, keepdims=True))
        return round_to(y.reshape(shape), dtype)


def log_softmax_jvp(
    x: ArrayLike, v: ArrayLike, axis: int = -1, temperature: float = 1.0
) -> FloatArray | np.floating:
    """J·v of :func:`log_softmax` at logits ``x``: (v − Σ s·v)/τ, with v of the shape of x."""
    x, dtype, shape, axis, temperature = _logits(x, axis, temperature)
    v = _tangent(v, "v", shape)
    with np.errstate(**INFINITE_TANGENTS):
        s = _softmax(x, axis, temperature)
        product = (v - np.sum(gated(s, v), axis=axis, keepdims=True)) / temperature
        return round_to(product.reshape(shape), dtype)


def log_softmax_vjp(
    x: ArrayLike, g: ArrayLike, axis: int = -1, temperature: float = 1.0
) -> FloatArray | np.floating:
    """Jᵀ·g of :func:`log_softmax` at logits ``x``: (g − s·Σ g)/τ, with g of the shape of x."""
    x, dtype, shape, axis, temperature = _logits(x, axis, temperature)
    g = _tangent(g, "g", shape)
    with np.errstate(**INFINITE_TANGENTS):
        s = _softmax(x, axis, temperature)
        product = (g - gated(s, np.sum(g, axis=axis, keepdims=True))) / temperature
        return round_to(product.reshape(shape), dtype)
