"""LeakyReLU(x·Wᵀ + b, a)² in one kernel: the activation in the matrix product's epilogue.

The accumulators hold the preactivation; squaring it there saves the activation's own pass over
memory, 4 bytes an element in bfloat16. For a gradient the
preactivation is stored as well, and it is all that the activation's backward pass needs.
"""

from __future__ import annotations

import math
from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

from actlab.kernels.availability import interpreting
from actlab.kernels.elementwise import is_wide, narrow, on_device_of, widen
from actlab.kernels.formulas import leaky_relu2_forward
from actlab.kernels.mathematics import INTERPRETED
from actlab.kernels.operators import Operator
from actlab.kernels.target import Target

#: Rows of programs that run together, so that they share columns of the weight in the L2 cache.
GROUP = tl.constexpr(8)


@triton.jit
def kernel(
    x_pointer,
    weight_pointer,
    bias_pointer,
    pre_pointer,
    y_pointer,
    m,
    n,
    slope_squared,
    K: tl.constexpr,
    HAS_BIAS: tl.constexpr,
    KEEP: tl.constexpr,
    WIDE: tl.constexpr,
    BLOCK_M: tl.constexpr,
    BLOCK_N: tl.constexpr,
    BLOCK_K: tl.constexpr,
):
    program = tl.program_id(0)
    tiles_n = tl.cdiv(n, BLOCK_N)
    tiles_m = tl.cdiv(m, BLOCK_M)
    first = program // (GROUP * tiles_n) * GROUP
    height = min(tiles_m - first, GROUP)
    tile_m = first + program % (GROUP * tiles_n) % height
    tile_n = program % (GROUP * tiles_n) // height
    row = tile_m.to(tl.int64) * BLOCK_M + tl.arange(0, BLOCK_M)
    column = tile_n.to(tl.int64) * BLOCK_N + tl.arange(0, BLOCK_N)
    # Rows beyond the edge are read from inside instead of masked; they are not stored.
    x_row = (row % m)[:, None] * K
    weight_row = (column % n)[None, :] * K
    wide = tl.float64 if x_pointer.dtype.element_ty == tl.float64 else tl.float32
    total = tl.zeros((BLOCK_M, BLOCK_N), wide)
    for step in range(tl.cdiv(K, BLOCK_K)):
        k = step * BLOCK_K + tl.arange(0, BLOCK_K)
        if K % BLOCK_K == 0:
            x = tl.load(x_pointer + x_row + k[None, :])
            weight = tl.load(weight_pointer + weight_row + k[:, None])
        else:
            x = tl.load(x_pointer + x_row + k[None, :], mask=k[None, :] < K, other=0.0)
            weight = tl.load(weight_pointer + weight_row + k[:, None], mask=k[:, None] < K, other=0)
        if INTERPRETED:
            total += tl.dot(widen(x), widen(weight), out_dtype=wide)
        else:
            # "ieee": float32 stays float32, as torch's matrix product does by default.
            total = tl.dot(x, weight, total, input_precision="ieee", out_dtype=wide)
    if HAS_BIAS:
        total += widen(tl.load(bias_pointer + column % n))[None, :]
    at = row[:, None] * n + column[None, :]
    mask = (row[:, None] < m) & (column[None, :] < n)
    # Rounded whether it is kept or not: the backward pass sees the rounded value, and a result
    # must not depend on whether a gradient will be asked for.
    pre = narrow(total, y_pointer.dtype.element_ty)
    if KEEP:
        tl.store(pre_pointer + at, pre, mask=mask)
    y = leaky_relu2_forward(widen(pre), slope_squared, 0.0, WIDE)
    tl.store(y_pointer + at, narrow(y, y_pointer.dtype.element_ty), mask=mask)


def _tiles(itemsize: int) -> dict[str, int]:
    if interpreting():
        return {"BLOCK_M": 64, "BLOCK_N": 64, "BLOCK_K": 64}
    if itemsize == 2:
        return {"BLOCK_M": 128, "BLOCK_N": 256, "BLOCK_K": 64, "num_warps": 8, "num_stages": 3}
    return {"BLOCK_M": 64, "BLOCK_N": 64, "BLOCK_K": 32, "num_warps": 4, "num_stages": 2}


def _forward(
    x: Tensor, weight: Tensor, bias: Tensor | None, slope: float, keep: bool
) -> tuple[Tensor, Tensor]:
    """(y, preactivation); the second is empty unless kept."""
    k, n = x.shape[-1], weight.shape[0]
    # Not reshape(-1, k): with k = 0 any number of rows would do.
    m = math.prod(x.shape[:-1])
    flat, weight = x.reshape(m, k).contiguous(), weight.contiguous()
    y = torch.empty((*x.shape[:-1], n), dtype=x.dtype, device=x.device)
    pre = torch.empty_like(y) if keep else torch.empty(0, dtype=x.dtype, device=x.device)
    if not y.numel():
        return y, pre
    tiles = _tiles(x.element_size())
    programs = triton.cdiv(m, tiles["BLOCK_M"]) * triton.cdiv(n, tiles["BLOCK_N"])
    with on_device_of(x):
        kernel[(programs,)](
            flat,
            weight,
            weight if bias is None else bias.contiguous(),
            pre if keep else y,
            y,
            m,
            n,
            slope * slope,
            K=k,
            HAS_BIAS=bias is not None,
            KEEP=keep,
            WIDE=is_wide(x.dtype),
            enable_fp_fusion=True,
            **tiles,
        )
    return y, pre


def _fake(
    x: Tensor, weight: Tensor, bias: Tensor | None, slope: float, keep: bool
) -> tuple[Tensor, Tensor]:
    shape = (*x.shape[:-1], weight.shape[0])
    return x.new_empty(shape), x.new_empty(shape if keep else (0,))


def _setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    x, weight, bias, ctx.slope, _ = inputs
    ctx.has_bias = bias is not None
    ctx.save_for_backward(x, weight, output[1])
    ctx.mark_non_differentiable(output[1])


def _differentiate(ctx: Any, gradient: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
    x, weight, pre = ctx.saved_tensors
    # dpre = gradient · 2·LeakyReLU(pre, a²), by the elementwise kernel; the rest is torch's.
    dpre = torch.ops.actlab.leaky_relu2_backward(gradient, pre, ctx.slope * ctx.slope, 0.0)
    rows = math.prod(x.shape[:-1])
    flat = dpre.reshape(rows, dpre.shape[-1])
    for_x = dpre @ weight if ctx.needs_input_grad[0] else None
    for_weight = flat.t() @ x.reshape(rows, x.shape[-1]) if ctx.needs_input_grad[1] else None
    for_bias = flat.sum(0) if ctx.has_bias and ctx.needs_input_grad[2] else None
    return for_x, for_weight, for_bias, None, None


_operator = Operator(
    "linear_leaky_relu2",
    "(Tensor x, Tensor weight, Tensor? bias, float slope, bool keep) -> (Tensor, Tensor)",
    _forward,
    _fake,
    _differentiate,
    _setup_context,
)


def operator(x: Tensor, weight: Tensor, bias: Tensor | None, slope: float) -> Tensor:
    """LeakyReLU(x·Wᵀ + b, slope)²; the preactivation is stored only if a gradient needs it."""
    tensors = (x, weight) if bias is None else (x, weight, bias)
    keep = torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors)
    return _operator(x, weight, bias, slope, keep)[0]


def targets() -> list[Target]:
    """Machine code that is counted; the figure of interest is that it uses the tensor cores."""
    tiles = _tiles(2)
    num_warps = tiles.pop("num_warps")
    num_stages = tiles.pop("num_stages")
    pointers = ("x", "weight", "bias", "pre", "y")
    return [
        Target(
            "linear_leaky_relu2/forward/bfloat16",
            kernel,
            {f"{name}_pointer": "*bf16" for name in pointers}
            | {"m": "i32", "n": "i32", "slope_squared": "fp32"},
            {"K": 4096, "HAS_BIAS": True, "KEEP": True, "WIDE": False, **tiles},
            elements=tiles["BLOCK_M"] * tiles["BLOCK_N"],
            num_warps=num_warps,
            bytes=4,
            num_stages=num_stages,
        )
    ]
