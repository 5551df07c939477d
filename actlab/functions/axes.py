"""Along which axes a function of a vector runs: checked, and made one."""

from __future__ import annotations

from operator import index
from typing import Any


def checked_axes(axis: Any, ndim: int, what: str = "an array") -> tuple[int, ...]:
    """The axes as numbers from 0, in increasing order.

    Args:
        axis: an integer of any type, or a tuple of different ones; negative counts from the end.
        ndim: how many axes there are; a 0-d array counts as a vector of one, as in torch.
        what: how to call it in an error.

    Raises:
        TypeError: when one is not an integer.
        ValueError: when one is out of range, or there twice.
    """
    dimensions = max(ndim, 1)
    found = []
    for one in axis if isinstance(axis, tuple) else (axis,):
        try:
            position = index(one)
        except TypeError:
            raise TypeError(
                f"axis must be an integer or a tuple of integers, got {axis!r}"
            ) from None
        if not -dimensions <= position < dimensions:
            raise ValueError(f"axis {position} is out of range for {what} with {ndim} axes")
        found.append(position % dimensions)
    if len(set(found)) < len(found):
        raise ValueError(f"an axis may be given once, got {axis!r}")
    return tuple(sorted(found))
