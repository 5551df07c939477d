"""One template for every elementwise function: two kernels, and the operators made from them."""

# Triton compiles whatever follows a compile-time `if`, even after a return: both sides are spelled
# out, and a constant dtype stands where Triton expects it.
# ruff: noqa: RET505, SIM300

from __future__ import annotations

import contextlib
from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

from actlab.kernels import launch
from actlab.kernels.availability import require_device
from actlab.kernels.formulas import FORMULAS, Formula
from actlab.kernels.mathematics import INTERPRETED
from actlab.kernels.operators import Operator

#: Elements that a 16-byte access may hold: a size that this divides needs no scalar accesses.
ALIGNMENT = 16


@triton.jit
def widen(x):
    """float32, or float64 for float64: at once after the load, since 16-bit arithmetic is both
    less accurate and, for bfloat16 in Triton's interpreter, silently wrong."""
    if x.dtype.is_fp64():
        return x
    elif INTERPRETED and x.dtype.is_bf16():
        # The interpreter's own conversion loses subnormal numbers; bfloat16 is half a float32.
        bits = x.to(tl.uint16, bitcast=True).to(tl.uint32) << 16
        return bits.to(tl.float32, bitcast=True)
    else:
        return x.to(tl.float32)


@triton.jit
def narrow(y, DTYPE: tl.constexpr):
    """Round to nearest even, once. The interpreter would truncate to bfloat16: rounded by hand."""
    if INTERPRETED and DTYPE == tl.bfloat16:
        bits = y.to(tl.uint32, bitcast=True)
        rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16
        rounded = tl.where(y == y, rounded, 0x7FC0)
        return rounded.to(tl.uint16).to(tl.bfloat16, bitcast=True)
    else:
        return y.to(DTYPE)


@triton.jit
def forward_kernel(
    x_pointer,
    y_pointer,
    size,
    p,
    q,
    FORMULA: tl.constexpr,
    WIDE: tl.constexpr,
    MASKED: tl.constexpr,
    BLOCK: tl.constexpr,
):
    # 64 bits, because the offset of a program passes 2³¹ in large tensors.
    start = tl.program_id(0).to(tl.int64) * BLOCK
    offsets = tl.arange(0, BLOCK)
    mask = offsets < size - start if MASKED else None
    x = widen(tl.load(x_pointer + start + offsets, mask=mask))
    y = FORMULA(x, p, q, WIDE)
    tl.store(y_pointer + start + offsets, narrow(y, y_pointer.dtype.element_ty), mask=mask)


@triton.jit
def backward_kernel(
    g_pointer,
    s_pointer,
    dx_pointer,
    size,
    p,
    q,
    FORMULA: tl.constexpr,
    WIDE: tl.constexpr,
    MASKED: tl.constexpr,
    BLOCK: tl.constexpr,
):
    start = tl.program_id(0).to(tl.int64) * BLOCK
    offsets = tl.arange(0, BLOCK)
    mask = offsets < size - start if MASKED else None
    g = widen(tl.load(g_pointer + start + offsets, mask=mask))
    s = widen(tl.load(s_pointer + start + offsets, mask=mask))
    dx = FORMULA(g, s, p, q, WIDE)
    tl.store(dx_pointer + start + offsets, narrow(dx, dx_pointer.dtype.element_ty), mask=mask)


def is_wide(dtype: torch.dtype) -> bool:
    """Whether results of this dtype need the WIDE formulas."""
    return dtype in (torch.float32, torch.float64)


def on_device_of(tensor: Tensor) -> contextlib.AbstractContextManager[Any]:
    """Triton launches on the current GPU, which need not be the tensor's.

    Raises:
        KernelUnavailable: the tensor is not where kernels run.
    """
    require_device(tensor)
    if tensor.is_cuda and tensor.device.index != torch.cuda.current_device():
        return torch.cuda.device(tensor.device)
    return contextlib.nullcontext()


def dense(tensor: Tensor) -> Tensor:
    """The tensor itself if its elements fill a block of memory in any order, else such a copy.

    An elementwise kernel may walk such a block front to back, so a transposed or channels-last
    tensor costs no copy.
    """
    if tensor.is_contiguous():
        return tensor
    layout = torch.empty_like(tensor)
    return tensor if layout.stride() == tensor.stride() else layout.copy_(tensor)


def laid_out_like(tensor: Tensor, like: Tensor) -> Tensor:
    """``tensor`` with the memory order of ``like``, copied if it has another."""
    if tensor.stride() == like.stride() or (tensor.is_contiguous() and like.is_contiguous()):
        return tensor
    return torch.empty_like(like, dtype=tensor.dtype).copy_(tensor)


def run(kernel: Any, formula: Any, tensors: tuple[Tensor, ...], p: float, q: float) -> None:
    """Launch a kernel over tensors of one memory order; the last is the output.

    A size that is a multiple of the block needs no masks. Otherwise masks are used, and a ragged
    end of fewer than 16 elements is left to a second launch, because a mask that may end anywhere
    turns every access of 16 bytes into scalar ones.
    """
    size = tensors[-1].numel()
    dtype = tensors[-1].dtype
    shape = launch.current()
    block = shape.block(tensors[-1].element_size(), size)
    ragged = 0 if size < block else size % ALIGNMENT

    def start(pointers: tuple[Tensor, ...], count: int) -> None:
        kernel[(triton.cdiv(count, block),)](
            *pointers,
            count,
            p,
            q,
            FORMULA=formula,
            WIDE=is_wide(dtype),
            MASKED=count % block != 0,
            BLOCK=block,
            num_warps=shape.num_warps,
            enable_fp_fusion=True,
        )

    with on_device_of(tensors[-1]):
        if size - ragged:
            start(tensors, size - ragged)
        if ragged:
            tails = tuple(t.as_strided((ragged,), (1,), _end(t) - ragged) for t in tensors)
            start(tails, ragged)


def _end(tensor: Tensor) -> int:
    return tensor.storage_offset() + tensor.numel()


def _define(formula: Formula) -> Operator:
    """Register ``actlab::<name>`` and ``actlab::<name>_backward`` with torch."""

    def forward(x: Tensor, p: float, q: float) -> Tensor:
        x = dense(x)
        y = torch.empty_like(x)
        run(forward_kernel, formula.forward, (x, y), p, q)
        return y

    def backward(gradient: Tensor, saved: Tensor, p: float, q: float) -> Tensor:
        saved = dense(saved)
        dx = torch.empty_like(saved)
        run(backward_kernel, formula.backward, (laid_out_like(gradient, saved), saved, dx), p, q)
        return dx

    backward_operator = Operator(
        f"{formula.name}_backward",
        "(Tensor gradient, Tensor saved, float p, float q) -> Tensor",
        backward,
        lambda gradient, saved, p, q: torch.empty_like(saved),
    )

    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        x, ctx.p, ctx.q = inputs
        ctx.save_for_backward(x if formula.saves == "input" else output)

    def differentiate(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        return backward_operator(gradient, ctx.saved_tensors[0], ctx.p, ctx.q), None, None

    return Operator(
        formula.name,
        "(Tensor x, float p, float q) -> Tensor",
        forward,
        lambda x, p, q: torch.empty_like(x),
        differentiate,
        setup_context,
    )


#: The operator of each formula.
OPERATORS = {name: _define(formula) for name, formula in FORMULAS.items() if name != "identity"}
