"""PReLU with a learned slope, and RReLU whose random slopes are drawn twice instead of kept."""

from __future__ import annotations

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

from actlab.kernels import launch
from actlab.kernels.elementwise import (
    dense,
    is_wide,
    laid_out_like,
    narrow,
    on_device_of,
    widen,
)
from actlab.kernels.formulas import leaky_relu_backward, leaky_relu_forward
from actlab.kernels.operators import Operator
from actlab.kernels.target import Target


@triton.jit
def _slopes(slope_pointer, at, mask, channels, inner, SHARED: tl.constexpr):
    if SHARED:
        slope = widen(tl.load(slope_pointer))
    else:
        slope = widen(tl.load(slope_pointer + at // inner % channels, mask=mask))
    return slope


@triton.jit
def prelu_forward_kernel(
    x_pointer,
    slope_pointer,
    y_pointer,
    size,
    channels,
    inner,
    SHARED: tl.constexpr,
    WIDE: tl.constexpr,
    BLOCK: tl.constexpr,
):
    at = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    mask = at < size
    slope = _slopes(slope_pointer, at, mask, channels, inner, SHARED)
    x = widen(tl.load(x_pointer + at, mask=mask))
    y = leaky_relu_forward(x, slope, 0.0, WIDE)
    tl.store(y_pointer + at, narrow(y, y_pointer.dtype.element_ty), mask=mask)


@triton.jit
def prelu_backward_kernel(
    g_pointer,
    x_pointer,
    slope_pointer,
    dx_pointer,
    partial_pointer,
    size,
    channels,
    inner,
    SHARED: tl.constexpr,
    WIDE: tl.constexpr,
    BLOCK: tl.constexpr,
):
    at = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    mask = at < size
    slope = _slopes(slope_pointer, at, mask, channels, inner, SHARED)
    g = widen(tl.load(g_pointer + at, mask=mask, other=0.0))
    x = widen(tl.load(x_pointer + at, mask=mask, other=0.0))
    dx = leaky_relu_backward(g, x, slope, 0.0, WIDE)
    tl.store(dx_pointer + at, narrow(dx, dx_pointer.dtype.element_ty), mask=mask)
    if SHARED:
        # What this program adds to the slope's gradient; x is 0 beyond the end.
        tl.store(partial_pointer + tl.program_id(0), tl.sum(tl.where(x > 0.0, 0.0, g * x), axis=0))


def _channels(x: Tensor, slope: Tensor) -> tuple[int, int]:
    """(channels, elements of one channel of one image) of a contiguous x."""
    return slope.numel(), 1 if slope.numel() == 1 else max(x[0, 0].numel(), 1)


def _prelu_forward(x: Tensor, slope: Tensor) -> Tensor:
    x, slope = x.contiguous(), slope.contiguous()
    y = torch.empty_like(x)
    if x.numel():
        shape = launch.current()
        block = shape.block(x.element_size(), x.numel())
        with on_device_of(x):
            prelu_forward_kernel[(triton.cdiv(x.numel(), block),)](
                x,
                slope,
                y,
                x.numel(),
                *_channels(x, slope),
                SHARED=slope.numel() == 1,
                WIDE=is_wide(x.dtype),
                BLOCK=block,
                num_warps=shape.num_warps,
                enable_fp_fusion=True,
            )
    return y


def _prelu_backward(gradient: Tensor, x: Tensor, slope: Tensor) -> tuple[Tensor, Tensor]:
    gradient, x, slope = gradient.contiguous(), x.contiguous(), slope.contiguous()
    dx = torch.empty_like(x)
    if not x.numel():
        return dx, torch.zeros_like(slope)
    shared = slope.numel() == 1
    shape = launch.current()
    block = shape.block(x.element_size(), x.numel())
    programs = triton.cdiv(x.numel(), block)
    wide = torch.float64 if x.dtype == torch.float64 else torch.float32
    partial = torch.empty(programs if shared else 1, dtype=wide, device=x.device)
    with on_device_of(x):
        prelu_backward_kernel[(programs,)](
            gradient,
            x,
            slope,
            dx,
            partial,
            x.numel(),
            *_channels(x, slope),
            SHARED=shared,
            WIDE=is_wide(x.dtype),
            BLOCK=block,
            num_warps=shape.num_warps,
            enable_fp_fusion=True,
        )
    if shared:
        dslope = partial.sum()
    else:
        # One sum a channel: a reduction of its own, which torch does well.
        terms = torch.where(x > 0, 0, gradient.to(wide) * x)
        dslope = terms.sum([axis for axis in range(x.ndim) if axis != 1])
    return dx, dslope.to(slope.dtype).view(slope.shape)


_prelu_backward_operator = Operator(
    "prelu_learned_backward",
    "(Tensor gradient, Tensor x, Tensor slope) -> (Tensor, Tensor)",
    _prelu_backward,
    lambda gradient, x, slope: (x.new_empty(x.shape), slope.new_empty(slope.shape)),
)
prelu = Operator(
    "prelu_learned",
    "(Tensor x, Tensor slope) -> Tensor",
    _prelu_forward,
    lambda x, slope: x.new_empty(x.shape),
    lambda ctx, gradient: _prelu_backward_operator(gradient, *ctx.saved_tensors),
    lambda ctx, inputs, output: ctx.save_for_backward(*inputs),
)


# --- RReLU --------------------------------------------------------------------------------------


#: A number that float32 has: slopes drawn from here on upwards are never 0.
LEAST_SLOPE = 1e-30


@triton.jit
def rrelu_kernel(
    g_pointer,
    x_pointer,
    out_pointer,
    size,
    lower,
    width,
    seed,
    BACKWARD: tl.constexpr,
    MAY_BE_FLAT: tl.constexpr,
    WIDE: tl.constexpr,
    BLOCK: tl.constexpr,
):
    start = tl.program_id(0).to(tl.int64) * BLOCK
    # Philox makes four numbers at a time, here for four neighbours: a quarter of the work. Which
    # number an element gets depends on its position alone, not on the launch.
    four = start // 4 + tl.arange(0, BLOCK // 4)
    first, second, third, fourth = tl.rand4x(seed, four)
    draw = tl.join(tl.join(first, third), tl.join(second, fourth)).reshape(BLOCK)
    slope = lower + width * draw
    at = start + tl.arange(0, BLOCK)
    mask = at < size
    x = widen(tl.load(x_pointer + at, mask=mask))
    if BACKWARD:
        g = widen(tl.load(g_pointer + at, mask=mask))
        out = leaky_relu_backward(g, x, slope, 0.0, WIDE)
    elif MAY_BE_FLAT:
        out = leaky_relu_forward(x, slope, 0.0, WIDE)
    else:
        # No slope is 0, and none has to be kept from −∞: three instructions fewer.
        out = tl.where(x > 0.0, x, slope * x)
    tl.store(out_pointer + at, narrow(out, out_pointer.dtype.element_ty), mask=mask)


def _rrelu_run(gradient: Tensor | None, x: Tensor, lower: float, upper: float, seed: int) -> Tensor:
    x = dense(x)
    out = torch.empty_like(x)
    if x.numel():
        shape = launch.current()
        block = shape.block(x.element_size(), x.numel())
        with on_device_of(x):
            rrelu_kernel[(triton.cdiv(x.numel(), block),)](
                x if gradient is None else laid_out_like(gradient, x),
                x,
                out,
                x.numel(),
                lower,
                upper - lower,
                seed,
                BACKWARD=gradient is not None,
                MAY_BE_FLAT=lower < LEAST_SLOPE,
                WIDE=is_wide(x.dtype),
                BLOCK=block,
                num_warps=shape.num_warps,
                enable_fp_fusion=True,
            )
    return out


def _rrelu_setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    x, *ctx.draw = inputs
    ctx.save_for_backward(x)


_rrelu_backward_operator = Operator(
    "rrelu_random_backward",
    "(Tensor gradient, Tensor x, float lower, float upper, int seed) -> Tensor",
    _rrelu_run,
    lambda gradient, x, lower, upper, seed: torch.empty_like(x),
)
rrelu = Operator(
    "rrelu_random",
    "(Tensor x, float lower, float upper, int seed) -> Tensor",
    lambda x, lower, upper, seed: _rrelu_run(None, x, lower, upper, seed),
    lambda x, lower, upper, seed: torch.empty_like(x),
    lambda ctx, gradient: (
        _rrelu_backward_operator(gradient, *ctx.saved_tensors, *ctx.draw),
        None,
        None,
        None,
    ),
    _rrelu_setup_context,
)


def targets() -> list[Target]:
    """Machine code that is counted: drawing random numbers is most of the work."""
    shape = launch.Launch()
    block = shape.block(2)
    tensors = {f"{name}_pointer": "*bf16" for name in ("g", "x", "out")}
    scalars = {"size": "i32", "lower": "fp32", "width": "fp32", "seed": "i32"}
    return [
        Target(
            f"rrelu_random/{'backward' if backward else 'forward'}/bfloat16",
            rrelu_kernel,
            tensors | scalars,
            {"BACKWARD": backward, "MAY_BE_FLAT": False, "WIDE": False, "BLOCK": block},
            elements=block,
            num_warps=shape.num_warps,
            bytes=6 if backward else 4,
        )
        for backward in (False, True)
    ]
