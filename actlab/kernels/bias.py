"""activation(x + bias) and its gradients, with the bias gradient summed in the same pass."""

from __future__ import annotations

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

from actlab.kernels.availability import interpreting
from actlab.kernels.elementwise import is_wide, narrow, on_device_of, widen
from actlab.kernels.formulas import FORMULAS
from actlab.kernels.operators import Operator

#: Most columns of a tile; a warp reads 512 bytes of a bfloat16 row at once.
WIDTH = 256
#: Rows of a tile in the forward pass, and rows that a program of the backward pass walks over.
HEIGHT = 8
STRIP = 128


@triton.jit
def forward_kernel(
    x_pointer,
    bias_pointer,
    y_pointer,
    rows,
    columns,
    p,
    q,
    FORMULA: tl.constexpr,
    WIDE: tl.constexpr,
    ROWS: tl.constexpr,
    BLOCK: tl.constexpr,
):
    row = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)[:, None]
    column = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)[None, :]
    mask = (row < rows) & (column < columns)
    at = row * columns + column
    bias = widen(tl.load(bias_pointer + column, mask=column < columns))
    y = FORMULA(widen(tl.load(x_pointer + at, mask=mask)) + bias, p, q, WIDE)
    tl.store(y_pointer + at, narrow(y, y_pointer.dtype.element_ty), mask=mask)


@triton.jit
def backward_kernel(
    g_pointer,
    s_pointer,
    bias_pointer,
    dx_pointer,
    partial_pointer,
    rows,
    columns,
    p,
    q,
    FORMULA: tl.constexpr,
    ADD_BIAS: tl.constexpr,
    WIDE: tl.constexpr,
    STEPS: tl.constexpr,
    ROWS: tl.constexpr,
    BLOCK: tl.constexpr,
):
    strip = tl.program_id(0).to(tl.int64)
    column = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)[None, :]
    wide = tl.float64 if s_pointer.dtype.element_ty == tl.float64 else tl.float32
    bias = widen(tl.load(bias_pointer + column, mask=column < columns))
    total = tl.zeros((ROWS, BLOCK), wide)
    for step in range(STEPS):
        row = (strip * STEPS + step) * ROWS + tl.arange(0, ROWS)[:, None]
        mask = (row < rows) & (column < columns)
        at = row * columns + column
        g = widen(tl.load(g_pointer + at, mask=mask, other=0.0))
        s = widen(tl.load(s_pointer + at, mask=mask, other=0.0))
        if ADD_BIAS:
            s += bias
        dx = FORMULA(g, s, p, q, WIDE)
        tl.store(dx_pointer + at, narrow(dx, dx_pointer.dtype.element_ty), mask=mask)
        # Beyond the edge g is 0, but a product with an infinite derivative would not be.
        total += tl.where(mask, dx, 0.0)
    sums = tl.sum(total, axis=0)[None, :]
    tl.store(partial_pointer + strip * columns + column, sums, mask=column < columns)


def _shape(x: Tensor) -> tuple[int, int]:
    columns = x.shape[-1]
    return (x.numel() // columns if columns else 0), columns


def _width(columns: int) -> int:
    return min(WIDTH, max(triton.next_power_of_2(columns), 16))


def _forward(x: Tensor, bias: Tensor, name: str, p: float, q: float) -> Tensor:
    x, bias = x.contiguous(), bias.contiguous()
    y = torch.empty_like(x)
    rows, columns = _shape(x)
    height = 64 if interpreting() else HEIGHT
    width = _width(columns)
    if x.numel():
        with on_device_of(x):
            forward_kernel[(triton.cdiv(rows, height), triton.cdiv(columns, width))](
                x,
                bias,
                y,
                rows,
                columns,
                p,
                q,
                FORMULA=FORMULAS[name].forward,
                WIDE=is_wide(x.dtype),
                ROWS=height,
                BLOCK=width,
                num_warps=4,
                enable_fp_fusion=True,
            )
    return y


def _backward(
    gradient: Tensor, saved: Tensor, bias: Tensor, name: str, p: float, q: float
) -> tuple[Tensor, Tensor]:
    gradient, saved, bias = gradient.contiguous(), saved.contiguous(), bias.contiguous()
    dx = torch.empty_like(saved)
    rows, columns = _shape(saved)
    if not saved.numel():
        return dx, torch.zeros_like(bias)
    strips = triton.cdiv(rows, STRIP)
    height = STRIP // 2 if interpreting() else HEIGHT
    width = _width(columns)
    # Sums of a strip each, added up afterwards: the same result in every run, unlike atomics.
    wide = torch.float64 if saved.dtype == torch.float64 else torch.float32
    partial = torch.empty((strips, columns), dtype=wide, device=saved.device)
    with on_device_of(saved):
        backward_kernel[(strips, triton.cdiv(columns, width))](
            gradient,
            saved,
            bias,
            dx,
            partial,
            rows,
            columns,
            p,
            q,
            FORMULA=FORMULAS[name].backward,
            ADD_BIAS=FORMULAS[name].saves == "input",
            WIDE=is_wide(saved.dtype),
            STEPS=STRIP // height,
            ROWS=height,
            BLOCK=width,
            num_warps=4,
            enable_fp_fusion=True,
        )
    return dx, partial.sum(0).to(bias.dtype)


_backward_operator = Operator(
    "bias_activation_backward",
    "(Tensor gradient, Tensor saved, Tensor bias, str name, float p, float q) -> (Tensor, Tensor)",
    _backward,
    lambda gradient, saved, bias, name, p, q: (
        saved.new_empty(saved.shape),
        bias.new_empty(bias.shape),
    ),
)


def _setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    x, bias, ctx.name, ctx.p, ctx.q = inputs
    ctx.save_for_backward(x if FORMULAS[ctx.name].saves == "input" else output, bias)


def _differentiate(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None, None, None]:
    dx, dbias = _backward_operator(gradient, *ctx.saved_tensors, ctx.name, ctx.p, ctx.q)
    return dx, dbias, None, None, None


operator = Operator(
    "bias_activation",
    "(Tensor x, Tensor bias, str name, float p, float q) -> Tensor",
    _forward,
    lambda x, bias, name, p, q: x.new_empty(x.shape),
    _differentiate,
    _setup_context,
)
