"""Softmax and log-softmax: functions of a whole vector, along any axis, with their Jacobians.

The Jacobian J of n outputs by n inputs is never formed. ``*_jvp`` gives J·v, what a small change
v of the logits does; ``*_vjp`` gives Jᵀ·g, what backpropagation needs of an upstream gradient g.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from actlab.functions.axes import checked_axes
from actlab.functions.parameters import Parameter
from actlab.functions.rounding import ROUNDING, FloatArray, as_float_array, gated, round_to
from actlab.functions.special import two_product

TEMPERATURE = Parameter(
    "temperature", r"\tau", 1.0, 0.1, 10.0, "divides the logits: small is sharp", "positive"
)

#: An infinite tangent or gradient may meet its opposite in the sum: inf − inf = NaN then stands.
INFINITE_TANGENTS = {**ROUNDING, "invalid": "ignore"}


Axes = int | tuple[int, ...]


@dataclass(frozen=True)
class _Call:
    """What every function here checks first.

    Attributes:
        x: the logits in float64, at least 1-d; several axes are one, the last.
        dtype: of the result.
        shape: of the result.
        axes: those that compete, in increasing order.
        temperature: τ.
    """

    x: FloatArray
    dtype: np.dtype
    shape: tuple[int, ...]
    axes: tuple[int, ...]
    temperature: float

    @property
    def axis(self) -> int:
        """The one axis of :attr:`x` along which it competes."""
        return self.axes[0] if len(self.axes) == 1 else -1

    def result(self, y: FloatArray) -> FloatArray | np.floating:
        """y, computed from :attr:`x`, in the shape and dtype that the caller expects."""
        if len(self.axes) != 1:
            kept = tuple(self.shape[i] for i in range(len(self.shape)) if i not in self.axes)
            y = y.reshape(*kept, *(self.shape[i] for i in self.axes))
            y = np.moveaxis(y, range(len(kept), len(self.shape)), self.axes)
        return round_to(y.reshape(self.shape), self.dtype)


def _together(array: FloatArray, axes: tuple[int, ...]) -> FloatArray:
    """Several axes as one, the last; a single one stays where it is."""
    array = np.atleast_1d(array.astype(np.float64, copy=False))
    if len(axes) == 1:
        return array
    last = range(array.ndim - len(axes), array.ndim)
    kept = array.shape
    size = math.prod(kept[i] for i in axes)
    return np.moveaxis(array, axes, last).reshape(
        *(kept[i] for i in range(array.ndim) if i not in axes), size
    )


def _checked(x: ArrayLike, axis: Axes, temperature: float) -> _Call:
    array = as_float_array(x)
    axes = checked_axes(axis, array.ndim)
    temperature = float(TEMPERATURE.check(temperature, ()))
    return _Call(_together(array, axes), array.dtype, array.shape, axes, temperature)


def _shifted(call: _Call) -> tuple[FloatArray, FloatArray]:
    """(x − max x)/τ, so that the largest exponential is 1 and none overflows, and its rounding.

    The second array is what the difference and the quotient lost: e^(shifted + rest) is right
    where e^shifted would be off by as many ulp as the gap is wide.

    A single +∞ wins outright. Several +∞, or nothing but −∞, leave no limit: they stay NaN,
    which is why inf − inf is let through here.
    """
    x, temperature = call.x, call.temperature
    largest = np.max(x, axis=call.axis, keepdims=True, initial=-np.inf)
    with np.errstate(invalid="ignore"):
        gap = x - largest
        shifted = gap / temperature
        if np.all(shifted > -750.0):  # as nearly always: nothing below is needed
            return shifted, _lost(x, largest, gap, shifted, temperature)
        # Two finite logits may be further apart than the largest number, but their halves are not.
        apart = np.isinf(shifted) & np.isfinite(x)
        if apart.any():
            halves = (0.5 * x - 0.5 * largest) / temperature
            shifted = np.where(apart, 2.0 * halves, shifted)
    is_infinite = x == np.inf
    lone = is_infinite & (np.count_nonzero(is_infinite, axis=call.axis, keepdims=True) == 1)
    shifted = np.where(lone, 0.0, shifted)
    # Below −750 the exponential is 0; a NaN is none of these either.
    near = shifted > -750.0
    near_x, near_gap = np.where(near & ~lone, x, 0.0), np.where(near & ~lone, gap, 0.0)
    top = np.where(near & ~lone, largest, 0.0)
    near_shifted = np.where(near & ~lone, shifted, 0.0)
    return shifted, _lost(near_x, top, near_gap, near_shifted, temperature)


def _lost(
    x: FloatArray, top: FloatArray, gap: FloatArray, shifted: FloatArray, temperature: float
) -> FloatArray:
    """What gap = x − top and shifted = gap/τ lost by rounding, of finite numbers."""
    # Knuth's two-sum: exactly what the difference lost.
    part = gap - x
    rest = (x - (gap - part)) - (top + part)
    if temperature == 1.0:
        return rest
    product, error = two_product(shifted, temperature)
    return ((gap - product) - error + rest) / temperature


def _weights(call: _Call) -> tuple[FloatArray, FloatArray]:
    """e^((x − max x)/τ), and the rounded exponent with its rest."""
    shifted, rest = _shifted(call)
    return np.exp(shifted) * (1.0 + rest), shifted + rest


def _softmax(call: _Call) -> FloatArray:
    weights, _ = _weights(call)
    return weights / _sum(weights, call)


def _tangent(v: ArrayLike, name: str, call: _Call) -> FloatArray:
    v = as_float_array(v, name)
    if v.shape != call.shape:
        raise ValueError(f"{name} must have the shape of x, {call.shape}, got {v.shape}")
    return _together(v, call.axes)


def _winner(call: _Call) -> np.ndarray:
    """True at one largest logit of each slice, False elsewhere."""
    found = np.zeros(call.x.shape, bool)
    if call.x.shape[call.axis]:
        place = np.argmax(call.x, axis=call.axis, keepdims=True)
        np.put_along_axis(found, place, True, call.axis)
    return found


def _sum(values: FloatArray, call: _Call) -> FloatArray:
    return np.sum(values, axis=call.axis, keepdims=True)


def _relative(v: FloatArray, winner: np.ndarray, call: _Call) -> FloatArray:
    """v less the winner's own, which changes no product: J·1 = 0 for both functions.

    v − Σ s·v cancels where s is almost 1. Now the winner's term of the sum is 0, and what is left
    is a sum over the others alone.
    """
    own = _sum(np.where(winner, v, 0.0), call)
    # A difference must not overflow, nor an infinite tangent reach entries that it does not touch.
    return v - np.where(np.abs(own) < 1e300, own, 0.0)


def softmax(x: ArrayLike, axis: Axes = -1, temperature: float = 1.0) -> FloatArray | np.floating:
    """Softmax e^(x_i/τ) / Σ_j e^(x_j/τ) along one axis, or several.

    Args:
        x: logits, array of any shape; −∞ marks an entry that takes no part.
        axis: the axis whose entries compete and sum to 1, or a tuple of axes that do so together;
            negative counts from the end.
        temperature: τ > 0.

    Returns:
        probabilities, shape and dtype of ``x``. A slice with NaN, with nothing but −∞ or with
        several +∞ is NaN throughout. In float64 a probability is within 5 ulp for a handful of
        logits, however far they lie apart. Paper: bridle1990softmax.

    Raises:
        ValueError: when the axis is out of range or the temperature is not positive.
    """
    call = _checked(x, axis, temperature)
    with np.errstate(**ROUNDING):
        return call.result(_softmax(call))


def softmax_jvp(
    x: ArrayLike, v: ArrayLike, axis: Axes = -1, temperature: float = 1.0
) -> FloatArray | np.floating:
    """J·v of :func:`softmax` at logits ``x``: s·(v − Σ s·v)/τ, with v of the shape of x."""
    return _symmetric(_checked(x, axis, temperature), v, "v")


def softmax_vjp(
    x: ArrayLike, g: ArrayLike, axis: Axes = -1, temperature: float = 1.0
) -> FloatArray | np.floating:
    """Jᵀ·g of :func:`softmax` at logits ``x``; J is symmetric, so this is the same as J·g."""
    return _symmetric(_checked(x, axis, temperature), g, "g")


def _symmetric(call: _Call, v: ArrayLike, name: str) -> FloatArray | np.floating:
    tangent = _tangent(v, name, call)
    with np.errstate(**INFINITE_TANGENTS):
        s = _softmax(call)
        u = _relative(tangent, _winner(call), call)
        return call.result(gated(s, u - _sum(gated(s, u), call)) / call.temperature)


def log_softmax(
    x: ArrayLike, axis: Axes = -1, temperature: float = 1.0
) -> FloatArray | np.floating:
    """log softmax(x) along an axis or several, without ever forming a probability that could be 0.

    Args:
        x: logits, array of any shape.
        axis: the axis whose entries compete, or a tuple of axes; negative counts from the end.
        temperature: τ > 0.

    Returns:
        values ≤ 0, shape and dtype of ``x``. The winner's value is −log1p(Σ of the others), so
        that it keeps its digits where log Σ would round to 0. Paper: blanchard2021logsumexp.

    Raises:
        ValueError: when the axis is out of range or the temperature is not positive.
    """
    call = _checked(x, axis, temperature)
    if call.x.shape[call.axis] == 0:
        return call.result(call.x.copy())
    with np.errstate(**ROUNDING):
        weights, shifted = _weights(call)
        # A NaN or inf − inf at the winner must reach the whole slice, hence − 1 and not = 0.
        others = weights - _winner(call)
        return call.result(shifted - np.log1p(_sum(others, call)))


def log_softmax_jvp(
    x: ArrayLike, v: ArrayLike, axis: Axes = -1, temperature: float = 1.0
) -> FloatArray | np.floating:
    """J·v of :func:`log_softmax` at logits ``x``: (v − Σ s·v)/τ, with v of the shape of x."""
    call = _checked(x, axis, temperature)
    tangent = _tangent(v, "v", call)
    with np.errstate(**INFINITE_TANGENTS):
        u = _relative(tangent, _winner(call), call)
        return call.result((u - _sum(gated(_softmax(call), u), call)) / call.temperature)


def log_softmax_vjp(
    x: ArrayLike, g: ArrayLike, axis: Axes = -1, temperature: float = 1.0
) -> FloatArray | np.floating:
    """Jᵀ·g of :func:`log_softmax` at logits ``x``: (g − s·Σ g)/τ, with g of the shape of x.

    At the winner that is g·(1 − s) − s·Σ of the other g, with 1 − s as the sum of the other s.
    """
    call = _checked(x, axis, temperature)
    upstream = _tangent(g, "g", call)
    with np.errstate(**INFINITE_TANGENTS):
        s, winner = _softmax(call), _winner(call)
        rest = _sum(np.where(winner, 0.0, s), call)
        others = _sum(np.where(winner, 0.0, upstream), call)
        at_winner = gated(rest, upstream) - gated(s, others)
        elsewhere = upstream - gated(s, _sum(upstream, call))
        return call.result(np.where(winner, at_winner, elsewhere) / call.temperature)
