"""The byte counts of the catalogue, by function and implementation."""

from __future__ import annotations

from functools import cache

import torch

from actlab.bench.byte_model import Traffic, count
from actlab.bench.cases import Unavailable, case

_ELEMENTS = 1 << 13
_COLUMNS = 1 << 10


@cache
def traffic(
    function: str, implementation: str = "composed", dtype: str = "float32", device: str = "cpu"
) -> Traffic | None:
    """Count one implementation of one function on a small tensor.

    Args:
        function: name in the catalogue.
        implementation: "builtin", "composed", "builtin_packed", "composed_packed", "fused", and
            on a GPU "triton".
        dtype: name of a floating-point dtype.
        device: "cpu" or "cuda".

    Returns:
        The traffic, or None where the function has no such implementation, or none that can be
        watched (NumPy and compiled code).

    Raises:
        ValueError: an unknown function or implementation.
    """
    item = case(function)
    if implementation == "numpy" or implementation.startswith("compiled"):
        return None
    try:
        found = item.implementation(implementation, device)
    except Unavailable:
        return None
    generator = torch.Generator(device).manual_seed(0)
    shape = item.shape(_ELEMENTS, _COLUMNS)
    inputs = tuple(
        torch.randn(shape, generator=generator, dtype=getattr(torch, dtype), device=device)
        for _ in range(item.arity)
    )
    return count(found.call, *found.pack(inputs))


def predicted_ratio(
    function: str, mode: str = "forward", implementation: str = "composed", dtype: str = "float32"
) -> float:
    """Bytes of ``implementation`` over bytes of a fused operator: the speed-up fusion promises.

    Raises:
        ValueError: the function has no such implementation.
    """
    counted = traffic(function, implementation, dtype)
    if counted is None:
        raise ValueError(f"{function} has no {implementation} implementation that can be counted")
    return counted.physical(mode) / traffic(function, "fused", dtype).physical(mode)
