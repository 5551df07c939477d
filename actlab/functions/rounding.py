"""The dtype contract, kept in one place: check, compute in float64, round once.

Every public function of :mod:`actlab.functions` passes through :func:`elementwise` (or, with
more than one array, through :func:`as_float_array` and :func:`round_to`), so that none of them
has to think about dtypes, warnings or 0-d arrays.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

import numpy as np
from numpy.typing import ArrayLike

FloatArray = np.ndarray
P = ParamSpec("P")

#: Underflow and overflow are answers here, not accidents: a result too small for the dtype is 0
#: (or subnormal) and one too large is ±inf, which is what rounding the true value gives. The
#: tests compare every such result with mpmath. ``invalid`` and ``divide`` stay as the caller set
#: them: inf − inf, 0 · inf and 1/0 would be mistakes in a formula and must not be hidden.
ROUNDING: dict[str, Any] = {"over": "ignore", "under": "ignore"}


def as_float_array(x: ArrayLike, name: str = "x") -> FloatArray:
    """``x`` as an array of float16, float32 or float64, without a copy where none is needed.

    Args:
        x: an array, a number or a (nested) list of numbers.
        name: how to call it in an error.

    Returns:
        the array in the machine's byte order; integers and booleans become float64.

    Raises:
        TypeError: for complex, long double, object, text or date dtypes, and for a masked array.
        ValueError: for a ragged list.
    """
    if isinstance(x, np.ma.MaskedArray):
        raise TypeError(
            f"{name} is a masked array, whose mask would be lost: give {name}.filled(…) instead"
        )
    try:
        array = np.asarray(x)
    except ValueError:
        raise ValueError(f"{name} must be numbers in rows of one length") from None
    if array.dtype.kind in "biu":
        return array.astype(np.float64)
    if array.dtype.kind == "f" and array.dtype.itemsize <= 8:
        return _quiet(array.astype(array.dtype.newbyteorder("="), copy=False))
    raise TypeError(
        f"{name} must hold float16, float32, float64, integer or boolean numbers, "
        f"got dtype {array.dtype}"
    )


def _quiet(array: FloatArray) -> FloatArray:
    """The array; a copy with quiet NaN in place of signalling ones, which raise when used."""
    mantissa = np.finfo(array.dtype).nmant
    bits = array.view(f"u{array.dtype.itemsize}")
    is_nan = np.isnan(array)
    signalling = is_nan & ((bits >> (mantissa - 1)) & 1 == 0)
    return np.where(signalling, array.dtype.type(np.nan), array) if signalling.any() else array


def round_to(y: ArrayLike, dtype: np.dtype) -> FloatArray | np.floating:
    """Round a float64 result once to ``dtype``; 0-d becomes a NumPy scalar, as with ufuncs."""
    with np.errstate(**ROUNDING):
        return np.asarray(y).astype(dtype, copy=False)[()]


def elementwise(
    compute: Callable[Concatenate[FloatArray, P], FloatArray],
) -> Callable[Concatenate[ArrayLike, P], FloatArray | np.floating]:
    """Give a float64 formula the dtype contract of :mod:`actlab.functions`.

    ``compute`` receives a float64 array that it must not change and returns a new one of the
    same shape; the decorated function takes and returns float16, float32 or float64.
    """

    @wraps(compute)
    def contract(x: ArrayLike, *args: P.args, **kwargs: P.kwargs) -> FloatArray | np.floating:
        array = as_float_array(x)
        with np.errstate(**ROUNDING):
            y = compute(array.astype(np.float64, copy=False), *args, **kwargs)
        return round_to(y, array.dtype)

    return contract


def unless_nan(x: FloatArray, y: ArrayLike) -> FloatArray:
    """``y``, but NaN where ``x`` is NaN: comparisons alone would turn NaN into a number."""
    return np.where(np.isnan(x), x, y)


def gated(gate: Any, x: FloatArray) -> FloatArray:
    """``gate · x`` where a gate of exactly 0 is closed to ±inf too, so that 0 · inf is 0.

    That is the limit whenever the gate vanishes faster than ``x`` grows, as every gate here does.
    """
    return gate * np.where(np.equal(gate, 0) & np.isinf(x), np.copysign(1.0, x), x)


def mended(near: FloatArray, is_far: FloatArray, far: Callable[[], FloatArray]) -> FloatArray:
    """``near``, and ``far()`` where it is called for; hardly any array has such elements."""
    return np.where(is_far, far(), near) if is_far.any() else near
