"""The gated family f(a, b) = activation(a) · b: ``a`` is the gate, ``b`` passes through it.

In a feed-forward block a = xW and b = xV. Beware of the order when the two are packed in one
array: ``torch.nn.functional.glu`` takes the *second* half as the gate.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from actlab.functions.rectifiers import relu, relu_derivative
from actlab.functions.rounding import ROUNDING, FloatArray, as_float_array, round_to
from actlab.functions.smooth import (
    gelu,
    gelu_derivative,
    sigmoid,
    sigmoid_derivative,
    silu,
    silu_derivative,
)

Pair = tuple[FloatArray | np.floating, FloatArray | np.floating]
Function = Callable[[Any], Any]


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
