"""The gated family f(a, b) = activation(a) · b: ``a`` is the gate, ``b`` passes through it.

The clamped SwiGLU is one of them with b + 1 in place of b, and both inputs cut off.

In a feed-forward block a = xW and b = xV. Beware of the order when the two are packed in one
array: ``torch.nn.functional.glu`` takes the *second* half as the gate.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from actlab.functions.parameters import Parameter
from actlab.functions.rectifiers import relu, relu_derivative
from actlab.functions.rounding import ROUNDING, FloatArray, as_float_array, gated, round_to
from actlab.functions.smooth import (
    gelu,
    gelu_derivative,
    logistic,
    sigmoid,
    sigmoid_derivative,
    silu,
    silu_derivative,
)
from actlab.functions.special import two_product

Pair = tuple[FloatArray | np.floating, FloatArray | np.floating]
Function = Callable[[Any], Any]

CLAMPED_ALPHA = Parameter("alpha", r"\alpha", 1.702, 0.5, 3.0, "steepness of the gate", "positive")
CLAMPED_LIMIT = Parameter("limit", "L", 7.0, 1.0, 20.0, "where both inputs are cut off", "positive")


def _operands(a: ArrayLike, b: ArrayLike) -> tuple[FloatArray, FloatArray, np.dtype]:
    """Both as float64 of one shape, and the dtype of the result (the wider of the two)."""
    a, b = as_float_array(a, "a"), as_float_array(b, "b")
    try:
        shape = np.broadcast_shapes(a.shape, b.shape)
    except ValueError:
        raise ValueError(
            f"a of shape {a.shape} and b of shape {b.shape} do not broadcast together"
        ) from None
    dtype = np.result_type(a.dtype, b.dtype)
    return (
        np.broadcast_to(a.astype(np.float64, copy=False), shape),
        np.broadcast_to(b.astype(np.float64, copy=False), shape),
        dtype,
    )


def _product(activation: Function, a: ArrayLike, b: ArrayLike) -> FloatArray | np.floating:
    a, b, dtype = _operands(a, b)
    # A gate of 0 and a value of ±∞ have no limit (it depends on the path), so 0 · ∞ = NaN stands.
    with np.errstate(**ROUNDING, invalid="ignore"):
        return round_to(activation(a) * b, dtype)


def _partials(activation: Function, derivative: Function, a: ArrayLike, b: ArrayLike) -> Pair:
    a, b, dtype = _operands(a, b)
    with np.errstate(**ROUNDING, invalid="ignore"):
        return round_to(derivative(a) * b, dtype), round_to(activation(a), dtype)


def _identity(a: FloatArray) -> FloatArray:
    return a


def glu(a: ArrayLike, b: ArrayLike) -> FloatArray | np.floating:
    """GLU σ(a)·b.

    Args:
        a: preactivation of the gate, any shape.
        b: the gated values, of a shape that broadcasts with ``a``.

    Returns:
        the broadcast shape and the wider of the two dtypes. Paper: dauphin2017glu.

    Raises:
        ValueError: when the shapes do not broadcast.
    """
    return _product(sigmoid, a, b)


def glu_partials(a: ArrayLike, b: ArrayLike) -> Pair:
    """(∂f/∂a, ∂f/∂b) = (σ′(a)·b, σ(a)), both of the broadcast shape."""
    return _partials(sigmoid, sigmoid_derivative, a, b)


def bilinear(a: ArrayLike, b: ArrayLike) -> FloatArray | np.floating:
    """Bilinear gate a·b: a GLU without its sigmoid. Paper: shazeer2020glu."""
    return _product(_identity, a, b)


def bilinear_partials(a: ArrayLike, b: ArrayLike) -> Pair:
    """(∂f/∂a, ∂f/∂b) = (b, a), both of the broadcast shape."""
    a, b, dtype = _operands(a, b)
    # Copies: the caller may change a result without changing its own arrays.
    return round_to(b.copy(), dtype), round_to(a.copy(), dtype)


def reglu(a: ArrayLike, b: ArrayLike) -> FloatArray | np.floating:
    """ReGLU max(a, 0)·b. Paper: shazeer2020glu."""
    return _product(relu, a, b)


def reglu_partials(a: ArrayLike, b: ArrayLike) -> Pair:
    """(∂f/∂a, ∂f/∂b) = (ReLU′(a)·b, ReLU(a)); at a = 0 the first is 0."""
    return _partials(relu, relu_derivative, a, b)


def geglu(a: ArrayLike, b: ArrayLike) -> FloatArray | np.floating:
    """GEGLU GELU(a)·b with the erf form of GELU. Paper: shazeer2020glu."""
    return _product(gelu, a, b)


def geglu_partials(a: ArrayLike, b: ArrayLike) -> Pair:
    """(∂f/∂a, ∂f/∂b) = (GELU′(a)·b, GELU(a))."""
    return _partials(gelu, gelu_derivative, a, b)


def swiglu(a: ArrayLike, b: ArrayLike) -> FloatArray | np.floating:
    """SwiGLU SiLU(a)·b. Paper: shazeer2020glu."""
    return _product(silu, a, b)


def swiglu_partials(a: ArrayLike, b: ArrayLike) -> Pair:
    """(∂f/∂a, ∂f/∂b) = (SiLU′(a)·b, SiLU(a))."""
    return _partials(silu, silu_derivative, a, b)


def clamped_swiglu(
    a: ArrayLike, b: ArrayLike, alpha: float = 1.702, limit: float = 7.0
) -> FloatArray | np.floating:
    """The SwiGLU of gpt-oss: ã·σ(αã)·(b̃ + 1) with ã = min(a, L) and b̃ = b cut to [−L, L].

    Its code packs a and b in turns, a first; here they are two arrays.

    Args:
        a: preactivation of the gate, any shape.
        b: the gated values, of a shape that broadcasts with ``a``.
        alpha: α, a positive number.
        limit: L, a positive number.

    Returns:
        the broadcast shape and the wider of the two dtypes. Paper: openai2025gptoss.

    Raises:
        ValueError: when the shapes do not broadcast, or α or L is out of its range.
    """
    alpha, limit = CLAMPED_ALPHA.number(alpha), CLAMPED_LIMIT.number(limit)
    a, b, dtype = _operands(a, b)
    with np.errstate(**ROUNDING):
        gate, _ = _clamped_gate(a, alpha, limit)
        return round_to(gate * (np.clip(b, -limit, limit) + 1.0), dtype)


def clamped_swiglu_partials(
    a: ArrayLike, b: ArrayLike, alpha: float = 1.702, limit: float = 7.0
) -> Pair:
    """(∂f/∂a, ∂f/∂b); at a = L and at b = ±L the inner slope, which ``torch.clamp`` takes."""
    alpha, limit = CLAMPED_ALPHA.number(alpha), CLAMPED_LIMIT.number(limit)
    a, b, dtype = _operands(a, b)
    with np.errstate(**ROUNDING):
        gate, slope = _clamped_gate(a, alpha, limit)
        by_a = np.where(a > limit, 0.0, slope) * (np.clip(b, -limit, limit) + 1.0)
        by_b = np.where(np.isnan(b), b, np.where(np.abs(b) > limit, 0.0, gate))
        return round_to(by_a, dtype), round_to(by_b, dtype)


def _clamped_gate(a: FloatArray, alpha: float, limit: float) -> tuple[FloatArray, FloatArray]:
    """ã·σ(αã) and its slope in ã, with what the product αã loses."""
    inner = np.minimum(a, limit)
    t, rest = two_product(np.clip(inner, -800.0 / alpha, 800.0 / alpha), alpha)
    share, slope = logistic(t, rest)
    return gated(share, inner), share + t * slope
