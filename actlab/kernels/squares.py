"""ReLU² and LeakyReLU² that keep their output for the backward pass, and at most a bit besides.

The derivatives need x, of which y = LeakyReLU(x, a)² has kept the size: x is √y or −√y/|a|. The
root is rounded to the dtype of y; in bfloat16 and float16 that gives x back exactly, because y's
half unit of rounding is a quarter unit in the root. So the gradients are those of the kernels that
keep x, bit for bit, except where the square left the dtype (float16: |x| ≥ 256 or < 1.7e-4).

ReLU² needs no more. LeakyReLU² has lost the sign too: its forward pass packs the signs, eight to a
byte. What the activation itself keeps alive then falls from one tensor to 1/16 of one (bfloat16),
because y is held by the next linear layer for its own backward pass in any case. Kernels
published so far keep x and y.
"""

from __future__ import annotations

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

from actlab.kernels import launch
from actlab.kernels.elementwise import (
    OPERATORS,
    dense,
    is_wide,
    laid_out_like,
    narrow,
    on_device_of,
    widen,
)
from actlab.kernels.formulas import leaky_relu2_forward
from actlab.kernels.operators import Operator
from actlab.kernels.target import Target

EIGHT = tl.constexpr(8)


@triton.jit
def forward_kernel(
    x_pointer,
    y_pointer,
    signs_pointer,
    size,
    slope_squared,
    WIDE: tl.constexpr,
    MASKED: tl.constexpr,
    BLOCK: tl.constexpr,
):
    start = tl.program_id(0).to(tl.int64) * BLOCK
    byte = tl.arange(0, BLOCK // EIGHT)
    bit = tl.arange(0, EIGHT)[None, :]
    offsets = byte[:, None] * EIGHT + bit
    mask = offsets < size - start if MASKED else None
    x = widen(tl.load(x_pointer + start + offsets, mask=mask))
    y = leaky_relu2_forward(x, slope_squared, 0.0, WIDE)
    tl.store(y_pointer + start + offsets, narrow(y, y_pointer.dtype.element_ty), mask=mask)
    signs = tl.sum((x > 0.0).to(tl.int32) << bit, axis=1)
    byte_mask = byte * EIGHT < size - start if MASKED else None
    tl.store(signs_pointer + start // EIGHT + byte, signs.to(tl.uint8), mask=byte_mask)


@triton.jit
def backward_kernel(
    g_pointer,
    y_pointer,
    signs_pointer,
    dx_pointer,
    size,
    slope_squared,
    over_slope,
    SIGNED: tl.constexpr,
    WIDE: tl.constexpr,
    MASKED: tl.constexpr,
    BLOCK: tl.constexpr,
):
    start = tl.program_id(0).to(tl.int64) * BLOCK
    byte = tl.arange(0, BLOCK // EIGHT)[:, None]
    bit = tl.arange(0, EIGHT)[None, :]
    offsets = byte * EIGHT + bit
    mask = offsets < size - start if MASKED else None
    g = widen(tl.load(g_pointer + start + offsets, mask=mask))
    y = widen(tl.load(y_pointer + start + offsets, mask=mask))
    root = tl.sqrt(y)
    if SIGNED:
        byte_mask = byte * EIGHT < size - start if MASKED else None
        signs = tl.load(signs_pointer + start // EIGHT + byte, mask=byte_mask).to(tl.int32)
        positive = ((signs >> bit) & 1) != 0
        x = widen(narrow(tl.where(positive, root, root * over_slope), y_pointer.dtype.element_ty))
        dx = 2.0 * (g * tl.where(positive, x, -slope_squared * x))
    else:
        x = widen(narrow(root, y_pointer.dtype.element_ty))
        dx = 2.0 * (g * x)
    tl.store(dx_pointer + start + offsets, narrow(dx, dx_pointer.dtype.element_ty), mask=mask)


def _run(
    kernel: Any, tensors: tuple[Tensor, ...], like: Tensor, *scalars: float, **constants: Any
) -> None:
    size = like.numel()
    if not size:
        return
    shape = launch.current()
    block = shape.block(like.element_size(), size)
    with on_device_of(like):
        kernel[(triton.cdiv(size, block),)](
            *tensors,
            size,
            *scalars,
            WIDE=is_wide(like.dtype),
            MASKED=size % block != 0,
            BLOCK=block,
            num_warps=shape.num_warps,
            enable_fp_fusion=True,
            **constants,
        )


def _forward(x: Tensor, slope: float) -> tuple[Tensor, Tensor]:
    x = dense(x)
    y = torch.empty_like(x)
    signs = torch.empty(triton.cdiv(x.numel(), 8), dtype=torch.uint8, device=x.device)
    _run(forward_kernel, (x, y, signs), x, slope * slope)
    return y, signs


def _backward(gradient: Tensor, y: Tensor, signs: Tensor, slope: float) -> Tensor:
    dx = torch.empty_like(y)
    over_slope = 1.0 / abs(slope) if slope else 0.0
    pointers = (laid_out_like(gradient, y), y, signs, dx)
    _run(backward_kernel, pointers, y, slope * slope, over_slope, SIGNED=True)
    return dx


def _backward_unsigned(gradient: Tensor, y: Tensor) -> Tensor:
    dx = torch.empty_like(y)
    # No signs are read; a pointer has to be given.
    _run(backward_kernel, (laid_out_like(gradient, y), y, y, dx), y, 0.0, 0.0, SIGNED=False)
    return dx


_backward_operator = Operator(
    "leaky_relu2_saving_output_backward",
    "(Tensor gradient, Tensor y, Tensor signs, float slope) -> Tensor",
    _backward,
    lambda gradient, y, signs, slope: torch.empty_like(y),
)


def _setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    _, ctx.slope = inputs
    ctx.save_for_backward(*output)
    ctx.mark_non_differentiable(output[1])


_operator = Operator(
    "leaky_relu2_saving_output",
    "(Tensor x, float slope) -> (Tensor, Tensor)",
    _forward,
    lambda x, slope: (
        torch.empty_like(x),
        x.new_empty(((x.numel() + 7) // 8,), dtype=torch.uint8),
    ),
    lambda ctx, gradient, _: (_backward_operator(gradient, *ctx.saved_tensors, ctx.slope), None),
    _setup_context,
)
_unsigned_backward_operator = Operator(
    "relu2_saving_output_backward",
    "(Tensor gradient, Tensor y) -> Tensor",
    _backward_unsigned,
    lambda gradient, y: torch.empty_like(y),
)
_unsigned_operator = Operator(
    "relu2_saving_output",
    "(Tensor x) -> Tensor",
    lambda x: OPERATORS["relu2"](x, 0.0, 0.0),
    lambda x: torch.empty_like(x),
    lambda ctx, gradient: _unsigned_backward_operator(gradient, *ctx.saved_tensors),
    lambda ctx, inputs, output: ctx.save_for_backward(output),
)


def relu2_saving_output(x: Tensor) -> Tensor:
    """max(x, 0)²; the backward pass keeps the result alone."""
    return _unsigned_operator(x)


def leaky_relu2_saving_output(x: Tensor, slope: float) -> Tensor:
    """LeakyReLU(x, slope)²; the backward pass keeps the result and the packed signs."""
    return _operator(x, slope)[0]


def targets() -> list[Target]:
    """Machine code that is counted."""
    shape = launch.Launch()
    block = shape.block(2)
    constants = {"WIDE": False, "MASKED": False, "BLOCK": block}
    gradients = {"g_pointer": "*bf16", "y_pointer": "*bf16", "signs_pointer": "*u8"}
    gradients |= {"dx_pointer": "*bf16", "size": "i32"}
    gradients |= {"slope_squared": "fp32", "over_slope": "fp32"}
    values = {"x_pointer": "*bf16", "y_pointer": "*bf16", "signs_pointer": "*u8", "size": "i32"}
    values |= {"slope_squared": "fp32"}
    rows: tuple[tuple[str, Any, dict, dict, float], ...] = (
        ("leaky_relu2_saving_output/forward", forward_kernel, values, {}, 4.125),
        ("leaky_relu2_saving_output/backward", backward_kernel, gradients, {"SIGNED": True}, 6.125),
        ("relu2_saving_output/backward", backward_kernel, gradients, {"SIGNED": False}, 6.0),
    )
    return [
        Target(
            f"{name}/bfloat16",
            kernel,
            signature,
            {**constants, **more},
            elements=block,
            num_warps=shape.num_warps,
            bytes=moved,
        )
        for name, kernel, signature, more, moved in rows
    ]
