"""Check that an implementation is right before its time means anything.

Each check runs on fresh random inputs and compares with the catalogue's float64 NumPy functions,
which share no code with what is checked. Memory of the output's size is filled with NaN and freed
just before the call, so that an element that is never written shows up as NaN.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch

from actlab.bench.cases import Case, Implementation

# Norm of the difference over norm of the reference, for one operation. Where the dtype is narrow:
# four times the unit roundoff, because a pass that keeps its rounded output, as PyTorch's sigmoid
# and tanh do, is off by up to two on these inputs. Where it is not: what fast exponentials reach.
TOLERANCE = {
    torch.float64: 1e-12,
    torch.float32: 1e-6,
    torch.float16: 4 * 2.0**-11,
    torch.bfloat16: 4 * 2.0**-8,
}
# Rounding x + 3 in bfloat16 can take an input that is this close to a kink of hardswish over it.
_ACROSS_A_KINK = 2.0**-5
ODD_SIZES = (1, 1023, 1025)
_SAMPLED = 1 << 16
_EDGE = 1024


@dataclass(frozen=True)
class Verdict:
    """Result of a check.

    Attributes:
        errors: relative error of "forward" and "backward", finite or infinite.
        tolerance: what each had to stay below.
        poisoned: whether the output is known to lie in memory that held NaN before.
        reason: one sentence when the implementation is wrong, otherwise "".
    """

    errors: dict[str, float]
    tolerance: float
    poisoned: bool
    reason: str = ""

    @property
    def passed(self) -> bool:
        """Whether every error is below the tolerance."""
        return not self.reason


def tolerance(dtype: torch.dtype, operations: int) -> float:
    """Allowed relative error: each operation of a composed formula rounds once more."""
    return TOLERANCE[dtype] * max(1, operations)


def relative_error(found: np.ndarray, expected: np.ndarray) -> float:
    """Norm of the difference over norm of the reference; infinite for NaN or a wrong shape."""
    if found.shape != expected.shape:
        return math.inf
    difference = float(np.linalg.norm((found - expected).ravel()))
    scale = float(np.linalg.norm(expected.ravel()))
    if not math.isfinite(difference):
        return math.inf
    return difference / scale if scale > 0 else (0.0 if difference == 0 else math.inf)


class _Poison:
    """Free memory that was just filled with NaN, and what of it was used afterwards."""

    def __init__(self, like: torch.Tensor, blocks: int = 3) -> None:
        filled = [torch.full_like(like, math.nan) for _ in range(blocks)]
        self.ranges = [(t.data_ptr(), t.data_ptr() + t.numel() * t.element_size()) for t in filled]

    def holds(self, output: torch.Tensor | np.ndarray) -> bool:
        start = (
            output.data_ptr()
            if isinstance(output, torch.Tensor)
            else np.asarray(output).ctypes.data
        )
        return any(low <= start < high for low, high in self.ranges)


def _positions(case: Case, shape: tuple[int, ...], generator: np.random.Generator) -> object:
    """Index of the outputs that are compared: all of a small tensor, a sample of a large one.

    Rows stay whole, because softmax needs them; both ends are always included, because that is
    where a kernel that handles the last block wrongly shows it.
    """
    total = math.prod(shape)
    if total <= 4 * _SAMPLED:
        return slice(None)
    if len(shape) == 1:
        middle = generator.integers(0, total, _SAMPLED)
        return np.concatenate([np.arange(_EDGE), middle, np.arange(total - _EDGE, total)])
    rows = shape[0]
    wanted = min(rows, max(4, _SAMPLED // shape[1]))
    return np.unique(np.concatenate([[0, rows - 1], generator.integers(0, rows, wanted)]))


def _chosen(value: torch.Tensor | np.ndarray, index: Any) -> np.ndarray:
    if isinstance(value, torch.Tensor):
        if not isinstance(index, slice):
            value = value[torch.from_numpy(index).to(value.device)]
        return value.detach().to("cpu", torch.float64).numpy()
    return np.asarray(value)[index].astype(np.float64)


def check(
    case: Case,
    implementation: Implementation,
    inputs: Sequence[torch.Tensor],
    upstream: torch.Tensor,
    operations: int = 1,
    backward: bool = True,
    label: str = "",
) -> Verdict:
    """Run ``implementation`` once and compare output and gradients with the float64 reference.

    Args:
        case: the function.
        implementation: how it is computed.
        inputs: fresh random tensors of one shape.
        upstream: random gradient of the output, of the same shape.
        operations: operations of the longer pass, which set the tolerance.
        backward: also check the gradients.
        label: said in the reason, for example the size.
    """
    inputs = tuple(inputs)
    index = _positions(case, tuple(inputs[0].shape), np.random.default_rng())
    allowed = tolerance(inputs[0].dtype, operations)
    packed = implementation.pack(inputs)
    poison = _Poison(upstream)
    gradients: Sequence = ()
    if implementation.framework == "numpy":
        arrays = [tensor.numpy() for tensor in packed]
        output = implementation.call(*arrays)
        if backward:
            gradients = implementation.vjp(upstream.numpy(), *arrays)
    else:
        leaves = [
            (tensor.clone() if implementation.overwrites else tensor.detach()).requires_grad_(
                backward
            )
            for tensor in packed
        ]
        output = implementation.call(*leaves)
        if backward:
            gradients = implementation.unpack(torch.autograd.grad(output, leaves, upstream))
    poisoned = poison.holds(output)
    known = [_chosen(tensor, index) for tensor in inputs]
    errors = {"forward": relative_error(_chosen(output, index), case.reference(*known))}
    if backward:
        expected = case.reference_vjp(_chosen(upstream, index), *known)
        errors["backward"] = max(
            relative_error(_chosen(found, index), reference)
            for found, reference in zip(gradients, expected, strict=True)
        )
    worst = max(errors, key=errors.get)
    reason = ""
    if errors[worst] == math.inf:
        reason = (
            f"wrong result{label}: the {worst} pass gives NaN, infinity or another shape where "
            "float64 gives numbers, so it is not timed"
        )
    elif errors[worst] > allowed:
        reason = (
            f"wrong result{label}: the {worst} pass differs from float64 by {errors[worst]:.1e} of "
            f"its size, more than the {allowed:.1e} allowed, so it is not timed"
        )
    return Verdict(errors, allowed, poisoned, reason)


def _random(case: Case, shape: tuple[int, ...], dtype: torch.dtype, device: str) -> torch.Tensor:
    """Normal numbers, on which rounding cannot make a right implementation look wrong.

    Three times as wide as usual, because formulas lose digits in the tails; but as they are for
    softmax, whose gradient would cancel where one logit wins. No number lies next to a kink, where
    a rounded intermediate takes the slope of the other side. A single number lies a little above
    1: the error is compared with the norm of the result, and a lone element has no neighbours
    that give it a scale. Below lie hard-tanh's kink and a zero of StarReLU; above, the slope of
    tanh goes down, which PyTorch takes from the rounded output (at 1.5 off by five roundoffs).
    """
    if shape[-1] == 1:
        return (1.05 + 0.1 * torch.rand(shape, device=device)).to(dtype)
    width = 1 if case.activation.kind == "vector" else 3
    x = torch.randn(shape, device=device).mul_(width)
    for kink in case.activation.kinks():
        x += 2 * _ACROSS_A_KINK * ((x - kink).abs() < _ACROSS_A_KINK)
    return x.to(dtype)


def check_odd_sizes(
    case: Case,
    implementation: Implementation,
    dtype: torch.dtype,
    device: str,
    operations: int = 1,
    backward: bool = True,
) -> Verdict | None:
    """Check sizes that no block size divides; returns the first failure, or None."""
    for size in ODD_SIZES:
        shape = (size,) if case.activation.kind == "elementwise" else (3, size)
        make = partial(_random, case, shape, dtype, device)
        inputs = [make() for _ in range(case.arity)]
        if case.activation.kind == "vector" and size == 1:
            continue  # the gradient of a softmax over one element is 0: no relative error
        verdict = check(
            case, implementation, inputs, make(), operations, backward, f" at {size} elements"
        )
        if not verdict.passed:
            return verdict
    return None
