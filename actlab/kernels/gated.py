"""The gated family: activation(a)·b for a and b that lie anywhere, packed in one tensor or not.

A packed projection (..., 2h) is read where it lies: a and b are two views with a row stride of 2h,
and the backward pass writes both halves of one packed gradient. Three tensors' worth of h columns
move forward and five backward, which is the least there is when the gate is recomputed.
"""

from __future__ import annotations

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

from actlab.kernels import launch
from actlab.kernels.elementwise import is_wide, narrow, on_device_of, widen
from actlab.kernels.formulas import FORMULAS, Formula
from actlab.kernels.mathematics import smaller, within
from actlab.kernels.operators import Operator
from actlab.kernels.target import Target

#: The activation inside each gate. GLU's σ′ comes from the input, which is at hand in any case:
#: from the output it would lose its digits where σ is near 1.
ACTIVATIONS: dict[str, Formula] = {
    "glu": FORMULAS["sigmoid_saving_input"],
    "bilinear": FORMULAS["identity"],
    "reglu": FORMULAS["relu"],
    "geglu": FORMULAS["gelu"],
    "swiglu": FORMULAS["silu"],
    "clamped_swiglu": FORMULAS["swish"],
}
#: Gates that cut both inputs off at a limit and take b + 1 for b; α > 0 steepens the first.
CLAMPED = ("clamped_swiglu",)

#: Columns that every block of every dtype divides into.
BLOCK_COLUMNS = 4096
#: Columns that a grid's second axis of 65535 programs covers at any block size.
LONGEST_ROW = 1 << 24


@triton.jit
def forward_kernel(
    a_pointer,
    b_pointer,
    y_pointer,
    rows,
    columns,
    stride,
    alpha,
    limit,
    FORMULA: tl.constexpr,
    CLAMPED: tl.constexpr,
    WIDE: tl.constexpr,
    MASKED: tl.constexpr,
    ROWS: tl.constexpr,
    BLOCK: tl.constexpr,
):
    row = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)[:, None]
    column = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)[None, :]
    mask = (row < rows) & (column < columns) if MASKED else None
    a = widen(tl.load(a_pointer + row * stride + column, mask=mask))
    b = widen(tl.load(b_pointer + row * stride + column, mask=mask))
    if CLAMPED:
        a = smaller(a, limit)
        b = within(b, -limit, limit) + 1.0
    y = FORMULA(a, alpha, 1.0, WIDE) * b
    tl.store(y_pointer + row * columns + column, narrow(y, y_pointer.dtype.element_ty), mask=mask)


@triton.jit
def backward_kernel(
    g_pointer,
    a_pointer,
    b_pointer,
    da_pointer,
    db_pointer,
    rows,
    columns,
    stride,
    alpha,
    limit,
    FORWARD: tl.constexpr,
    BACKWARD: tl.constexpr,
    SAVES_OUTPUT: tl.constexpr,
    CLAMPED: tl.constexpr,
    WIDE: tl.constexpr,
    MASKED: tl.constexpr,
    ROWS: tl.constexpr,
    BLOCK: tl.constexpr,
):
    row = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)[:, None]
    column = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)[None, :]
    mask = (row < rows) & (column < columns) if MASKED else None
    g = widen(tl.load(g_pointer + row * columns + column, mask=mask))
    a = widen(tl.load(a_pointer + row * stride + column, mask=mask))
    b = widen(tl.load(b_pointer + row * stride + column, mask=mask))
    if CLAMPED:
        # What is cut off has no gradient; its ends have, as torch.clamp's.
        g_a = tl.where(a > limit, 0.0, g)
        g_b = tl.where(tl.abs(b) > limit, 0.0, g)
        a = smaller(a, limit)
        b = within(b, -limit, limit) + 1.0
    else:
        g_a = g
        g_b = g
    gate = FORWARD(a, alpha, 1.0, WIDE)
    da = BACKWARD(g_a * b, gate if SAVES_OUTPUT else a, alpha, 1.0, WIDE)
    db = g_b * gate
    at = row * stride + column
    tl.store(da_pointer + at, narrow(da, da_pointer.dtype.element_ty), mask=mask)
    tl.store(db_pointer + at, narrow(db, db_pointer.dtype.element_ty), mask=mask)


def _tile(rows: int, columns: int, itemsize: int) -> tuple[int, int]:
    """(rows, columns) of a program: several rows when they are short."""
    elements = launch.current().block(itemsize, rows * triton.next_power_of_2(columns))
    width = min(triton.next_power_of_2(columns), elements)
    return max(elements // width, 1), width


def _run(
    kernel: Any,
    pointers: tuple[Tensor, ...],
    stride: int,
    parameters: tuple[float, ...],
    **constants: Any,
) -> None:
    """Launch over the shape of the first tensor, which is contiguous: (rows, columns)."""
    first = pointers[0] if kernel is backward_kernel else pointers[-1]
    rows, columns = first.shape
    if not rows or not columns:
        return
    if columns > LONGEST_ROW:  # then it is the only row: a grid's second axis is limited
        for start in range(0, columns, LONGEST_ROW):
            part = tuple(tensor[:, start : start + LONGEST_ROW] for tensor in pointers)
            _run(kernel, part, stride, parameters, **constants)
        return
    height, width = _tile(rows, columns, first.element_size())
    with on_device_of(first):
        kernel[(triton.cdiv(rows, height), triton.cdiv(columns, width))](
            *pointers,
            rows,
            columns,
            stride,
            *(parameters or (0.0, 0.0)),
            CLAMPED=bool(parameters),
            WIDE=is_wide(first.dtype),
            MASKED=bool(rows % height or columns % width),
            ROWS=height,
            BLOCK=width,
            num_warps=launch.current().num_warps,
            enable_fp_fusion=True,
            **constants,
        )


def _as_rows(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor, int]:
    """a and b as (rows, columns) with one row stride and unit column stride, copied if need be."""
    if a.is_contiguous() and b.is_contiguous():
        # Rows mean nothing then: whole blocks where the size allows them, else one long row.
        size = a.numel()
        columns = BLOCK_COLUMNS if size % BLOCK_COLUMNS == 0 else size
        flat = (-1, columns) if size else (0, 1)
        return a.view(flat), b.view(flat), columns
    columns = a.shape[-1] if a.ndim else 1
    rows = a.numel() // columns if columns else 0
    pair = []
    for tensor in (a, b):
        try:
            flat = tensor.view(rows, columns)
        except RuntimeError:  # its rows have no common stride
            flat = tensor.contiguous().view(rows, columns)
        pair.append(flat if columns <= 1 or flat.stride(1) == 1 else flat.contiguous())
    if pair[0].stride() != pair[1].stride():
        pair = [flat.contiguous() for flat in pair]
    return pair[0], pair[1], pair[0].stride(0)


def _forward(formula: Formula, a: Tensor, b: Tensor, *parameters: float) -> Tensor:
    flat_a, flat_b, stride = _as_rows(a, b)
    y = torch.empty(flat_a.shape, dtype=a.dtype, device=a.device)
    _run(forward_kernel, (flat_a, flat_b, y), stride, parameters, FORMULA=formula.forward)
    return y.view(a.shape)


def _backward(
    formula: Formula,
    gradient: Tensor,
    a: Tensor,
    b: Tensor,
    da: Tensor,
    db: Tensor,
    stride: int,
    *parameters: float,
) -> None:
    _run(
        backward_kernel,
        (gradient.reshape(a.shape).contiguous(), a, b, da, db),
        stride,
        parameters,
        FORWARD=formula.forward,
        BACKWARD=formula.backward,
        SAVES_OUTPUT=formula.saves == "output",
    )


def _halves(packed: Tensor, gate_first: bool) -> tuple[Tensor, Tensor]:
    first, second = packed.tensor_split(2, dim=-1)
    return (first, second) if gate_first else (second, first)


def _half_shape(packed: Tensor) -> list[int]:
    return [*packed.shape[:-1], packed.shape[-1] // 2]


def _define_packed(name: str, formula: Formula) -> Operator:
    more = ", float alpha, float limit" if name in CLAMPED else ""

    def forward(packed: Tensor, gate_first: bool, *parameters: float) -> Tensor:
        return _forward(formula, *_halves(packed, gate_first), *parameters)

    def backward(gradient: Tensor, packed: Tensor, gate_first: bool, *parameters: float) -> Tensor:
        packed = packed.contiguous()
        flat = packed.view(-1, packed.shape[-1]) if packed.numel() else packed.view(0, 2)
        dpacked = torch.empty_like(flat)
        a, b = _halves(flat, gate_first)
        da, db = _halves(dpacked, gate_first)
        _backward(formula, gradient, a, b, da, db, flat.shape[-1], *parameters)
        return dpacked.view(packed.shape)

    backward_operator = Operator(
        f"{name}_backward",
        f"(Tensor gradient, Tensor packed, bool gate_first{more}) -> Tensor",
        backward,
        lambda gradient, packed, *_: packed.new_empty(packed.shape),
    )

    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        packed, *ctx.others = inputs
        ctx.save_for_backward(packed)

    return Operator(
        name,
        f"(Tensor packed, bool gate_first{more}) -> Tensor",
        forward,
        lambda packed, *_: packed.new_empty(_half_shape(packed)),
        lambda ctx, gradient: (
            backward_operator(gradient, ctx.saved_tensors[0], *ctx.others),
            *(None for _ in ctx.others),
        ),
        setup_context,
    )


def _define_separate(name: str, formula: Formula) -> Operator:
    more = ", float alpha, float limit" if name in CLAMPED else ""

    def forward(a: Tensor, b: Tensor, *parameters: float) -> Tensor:
        return _forward(formula, a, b, *parameters)

    def backward(
        gradient: Tensor, a: Tensor, b: Tensor, *parameters: float
    ) -> tuple[Tensor, Tensor]:
        flat_a, flat_b, stride = _as_rows(a, b)
        if stride != flat_a.shape[-1]:
            # The gradients are new and contiguous, and one stride serves all.
            flat_a, flat_b = flat_a.contiguous(), flat_b.contiguous()
        da, db = torch.empty_like(flat_a), torch.empty_like(flat_b)
        _backward(formula, gradient, flat_a, flat_b, da, db, flat_a.shape[-1], *parameters)
        return da.view(a.shape), db.view(b.shape)

    backward_operator = Operator(
        f"{name}_of_two_backward",
        f"(Tensor gradient, Tensor a, Tensor b{more}) -> (Tensor, Tensor)",
        backward,
        lambda gradient, a, b, *_: (a.new_empty(a.shape), b.new_empty(b.shape)),
    )

    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        a, b, *ctx.others = inputs
        ctx.save_for_backward(a, b)

    return Operator(
        f"{name}_of_two",
        f"(Tensor a, Tensor b{more}) -> Tensor",
        forward,
        lambda a, b, *_: a.new_empty(a.shape),
        lambda ctx, gradient: (
            *backward_operator(gradient, *ctx.saved_tensors, *ctx.others),
            *(None for _ in ctx.others),
        ),
        setup_context,
    )


#: Operators of one packed tensor, and of two.
PACKED = {name: _define_packed(name, formula) for name, formula in ACTIVATIONS.items()}
SEPARATE = {name: _define_separate(name, formula) for name, formula in ACTIVATIONS.items()}


def targets() -> list[Target]:
    """The kernels whose machine code is counted: bfloat16, rows that whole blocks cover."""
    shape = launch.Launch()
    block = shape.block(2)
    targets = []
    for name, formula in ACTIVATIONS.items():
        numbers = {"rows": "i32", "columns": "i32", "stride": "i32"}
        numbers |= {"alpha": "fp32", "limit": "fp32"}
        shared = {
            "CLAMPED": name in CLAMPED,
            "WIDE": False,
            "MASKED": False,
            "ROWS": 1,
            "BLOCK": block,
        }
        targets.append(
            Target(
                f"{name}/forward/bfloat16",
                forward_kernel,
                {f"{tensor}_pointer": "*bf16" for tensor in ("a", "b", "y")} | numbers,
                {"FORMULA": formula.forward, **shared},
                elements=block,
                num_warps=shape.num_warps,
                bytes=6,
            )
        )
        targets.append(
            Target(
                f"{name}/backward/bfloat16",
                backward_kernel,
                {f"{tensor}_pointer": "*bf16" for tensor in ("g", "a", "b", "da", "db")} | numbers,
                {
                    "FORWARD": formula.forward,
                    "BACKWARD": formula.backward,
                    "SAVES_OUTPUT": formula.saves == "output",
                    **shared,
                },
                elements=block,
                num_warps=shape.num_warps,
                bytes=10,
            )
        )
    return targets
