"""Softmax and log-softmax along the last axis, forward and backward.

The halves of two numbers of a dtype never differ by more than it holds, which the numbers may do;
so x − max x is computed as ½x − ½max x, exactly, and twice that: one fused instruction either way.

A row of up to 16384 columns (:data:`LONGEST_HELD`) is held in registers: one read, one write. A
longer one is read twice (online softmax, Milakov and Gimelshein 2018): the first pass keeps a
running maximum and a rescaled running sum in every lane, the second walks back from the end, so
that it finds what it needs first in the cache. Its second read is served by the L2 cache as long
as the rows in flight fit there: on an H200 at 32 k columns of bfloat16, at 128 k only in part.

The backward pass needs the output alone, as in torch; unlike there, what the winner's gradient
needs of 1 − p is summed from the others.
"""

# Triton compiles whatever follows a compile-time `if`, even after a return: both sides are spelled
# out.
# ruff: noqa: RET505

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

from actlab.kernels import launch
from actlab.kernels.availability import interpreting
from actlab.kernels.elementwise import is_wide, narrow, on_device_of, widen
from actlab.kernels.mathematics import DOWN, UP, exp_small, exp_times, expm1, expm1_near
from actlab.kernels.operators import Operator
from actlab.kernels.target import Target

LOWEST = tl.constexpr(-3.4028234663852886e38)
LOWEST64 = tl.constexpr(-1.7976931348623157e308)
GROUP = tl.constexpr(8)


@triton.jit
def _log1p(v):
    """log(1 + v) of a few values a row: Goldberg's quotient keeps the digits of a small v."""
    u = 1.0 + v
    return tl.where(u == 1.0, v, tl.log(u) * (v / tl.where(u == 1.0, 1.0, u - 1.0)))


@triton.jit
def _held(x, over_temperature, LOG: tl.constexpr, WIDE: tl.constexpr):
    """(Log-)softmax of rows that are there as a whole."""
    largest = tl.max(x, axis=1, keep_dims=True)
    shifted = (0.5 * x - 0.5 * largest) * (2.0 * over_temperature)
    # Times 2³², which the quotient cancels, so that small probabilities are not flushed to 0.
    weights = exp_times(shifted, 32, WIDE)
    if LOG:
        # log Σ = log1p(Σ of all but one winner), summed without the winners: Σ − 1 would have
        # lost what is below 6e-8. Several winners are counted instead.
        is_largest = x == largest
        others = tl.sum(tl.where(is_largest, 0.0, weights), axis=1, keep_dims=True) * DOWN
        winners = tl.sum(tl.where(is_largest, 1.0, 0.0), axis=1, keep_dims=True)
        # The last term is 0, or NaN where the largest is infinite.
        return shifted - _log1p(others + (winners - 1.0) + (largest - largest))
    else:
        return weights * (1.0 / tl.sum(weights, axis=1, keep_dims=True))


@triton.jit
def held_kernel(
    x_pointer,
    y_pointer,
    rows,
    columns,
    over_temperature,
    LOG: tl.constexpr,
    WIDE: tl.constexpr,
    MASKED: tl.constexpr,
    ROWS: tl.constexpr,
    BLOCK: tl.constexpr,
    STAGES: tl.constexpr,
):
    column = tl.arange(0, BLOCK)[None, :]
    if STAGES == 0:
        row = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)[:, None]
        mask = (row < rows) & (column < columns) if MASKED else None
        other = float("-inf") if MASKED else None
        at = row * columns + column
        x = widen(tl.load(x_pointer + at, mask=mask, other=other))
        y = _held(x, over_temperature, LOG, WIDE)
        tl.store(y_pointer + at, narrow(y, y_pointer.dtype.element_ty), mask=mask)
    else:
        # A program walks over rows and loads the next one while it works on this one.
        for index in tl.range(tl.program_id(0), rows, tl.num_programs(0), num_stages=STAGES):
            mask = column < columns if MASKED else None
            other = float("-inf") if MASKED else None
            at = index.to(tl.int64) * columns + column
            x = widen(tl.load(x_pointer + at, mask=mask, other=other))
            y = _held(x, over_temperature, LOG, WIDE)
            tl.store(y_pointer + at, narrow(y, y_pointer.dtype.element_ty), mask=mask)


@triton.jit
def long_kernel(
    x_pointer,
    y_pointer,
    rows,
    columns,
    over_temperature,
    LOG: tl.constexpr,
    WIDE: tl.constexpr,
    MASKED: tl.constexpr,
    CHUNKS: tl.constexpr,
    BLOCK: tl.constexpr,
):
    lane = tl.arange(0, BLOCK // GROUP)
    # Eight neighbours to a lane: one rescaling of the sum for eight exponentials, all in a thread.
    offsets = lane[:, None] * GROUP + tl.arange(0, GROUP)[None, :]
    wide = tl.float64 if x_pointer.dtype.element_ty == tl.float64 else tl.float32
    # Not −∞, from which an entry of −∞ would differ by NaN; and no finite entry is below it.
    lowest = LOWEST64 if x_pointer.dtype.element_ty == tl.float64 else LOWEST
    for row in range(tl.program_id(0), rows, tl.num_programs(0)):
        base = tl.cast(row, tl.int64) * columns
        largest = tl.full((BLOCK // GROUP,), lowest, wide)
        # For the logarithm the entries equal to the largest are counted, and the others summed.
        total = tl.zeros((BLOCK // GROUP,), wide)
        winners = tl.zeros((BLOCK // GROUP,), wide)
        for chunk in range(CHUNKS):
            at = chunk * BLOCK + offsets
            mask = at < columns if MASKED else None
            other = float("-inf") if MASKED else None
            x = tl.load(x_pointer + base + at, mask=mask, other=other, eviction_policy="evict_last")
            x = widen(x)
            larger = tl.maximum(largest, tl.max(x, axis=1))
            halves = 0.5 * x - 0.5 * larger[:, None]
            weights = exp_times(halves * (2.0 * over_temperature), 32, WIDE)
            rescale = exp_small((largest - larger) * over_temperature, WIDE)
            if LOG:
                is_larger = x == larger[:, None]
                total += tl.where(larger > largest, winners * UP, 0.0)
                winners = tl.where(larger > largest, 0.0, winners)
                winners += tl.sum(tl.where(is_larger, 1.0, 0.0), axis=1)
                weights = tl.where(is_larger, 0.0, weights)
            total = total * rescale + tl.sum(weights, axis=1)
            largest = larger
        row_largest = tl.max(largest, axis=0)
        rescale = exp_small((largest - row_largest) * over_temperature, WIDE)
        if LOG:
            total += tl.where(row_largest > largest, winners * UP, 0.0)
            winners = tl.where(row_largest > largest, 0.0, winners)
            row_winners = tl.sum(winners, axis=0)
            # Without a winner there is nothing but −∞.
            row_winners = tl.where(row_winners < 1.0, float("nan"), row_winners)
            others = tl.sum(total * rescale, axis=0) * DOWN
            log_total = _log1p(others + (row_winners - 1.0) + (row_largest - row_largest))
        else:
            row_total = tl.sum(total * rescale, axis=0)
            # The winner alone weighs 2³²: less means that there is none, nothing but −∞.
            scale = 1.0 / tl.where(row_total < 1.0, float("nan"), row_total)
        for step in range(CHUNKS):
            at = (CHUNKS - 1 - step) * BLOCK + offsets
            mask = at < columns if MASKED else None
            x = widen(tl.load(x_pointer + base + at, mask=mask, eviction_policy="evict_first"))
            shifted = (0.5 * x - 0.5 * row_largest) * (2.0 * over_temperature)
            y = shifted - log_total if LOG else exp_times(shifted, 32, WIDE) * scale
            tl.store(y_pointer + base + at, narrow(y, y_pointer.dtype.element_ty), mask=mask)


@triton.jit
def _wins(y, LOG: tl.constexpr):
    """Whether a probability is above a half: of one entry at most, and the only one for which
    1 − p cancels."""
    return y > (-0.6931471805599453 if LOG else 0.5)


@triton.jit
def _derivative(g, s, y, wins, winner_g, others, rest, LOG: tl.constexpr, WIDE: tl.constexpr):
    """The gradient of the logits, τ left out.

    For log-softmax the winner's is g·(1 − s) − s·Σg with Σ over the others alone (``others``) and
    1 − s as −expm1(y). For softmax it is s·(u − Σs·u) with u = g − winner_g, which changes
    nothing because the probabilities sum to 1, and makes the winner's own term 0; ``others`` is
    then Σs·g and ``rest`` Σs over the others. Without a winner ``winner_g`` is 0.
    """
    if LOG:
        if y.dtype.is_fp64():
            fall = expm1(y, WIDE)
        else:
            # e^y is there already: away from 0 the subtraction from 1 is good enough.
            fall = tl.where(y > (-0.5 if WIDE else -0.25), expm1_near(y, WIDE), s - 1.0)
        at_winner = -g * fall - s * others
        return tl.where(wins, at_winner, g - s * (others + winner_g))
    else:
        return s * ((g - winner_g) - (others - winner_g * rest))


@triton.jit
def held_backward_kernel(
    g_pointer,
    y_pointer,
    dx_pointer,
    rows,
    columns,
    over_temperature,
    LOG: tl.constexpr,
    WIDE: tl.constexpr,
    MASKED: tl.constexpr,
    ROWS: tl.constexpr,
    BLOCK: tl.constexpr,
):
    row = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)[:, None]
    column = tl.arange(0, BLOCK)[None, :]
    mask = (row < rows) & (column < columns) if MASKED else None
    other = 0.0 if MASKED else None
    # What lies beyond the row must not look like a winner, nor like a share.
    absent = (float("-inf") if LOG else 0.0) if MASKED else None
    at = row * columns + column
    g = widen(tl.load(g_pointer + at, mask=mask, other=other))
    y = widen(tl.load(y_pointer + at, mask=mask, other=absent))
    wins = _wins(y, LOG)
    of_losers = tl.where(wins, 0.0, g)
    s = exp_small(y, WIDE) if LOG else y
    others = tl.sum(of_losers if LOG else s * of_losers, axis=1, keep_dims=True)
    winner_g = tl.sum(tl.where(wins, g, 0.0), axis=1, keep_dims=True)
    rest = 0.0 if LOG else tl.sum(tl.where(wins, 0.0, s), axis=1, keep_dims=True)
    dx = _derivative(g, s, y, wins, winner_g, others, rest, LOG, WIDE) * over_temperature
    tl.store(dx_pointer + at, narrow(dx, dx_pointer.dtype.element_ty), mask=mask)


@triton.jit
def long_backward_kernel(
    g_pointer,
    y_pointer,
    dx_pointer,
    rows,
    columns,
    over_temperature,
    LOG: tl.constexpr,
    WIDE: tl.constexpr,
    MASKED: tl.constexpr,
    CHUNKS: tl.constexpr,
    BLOCK: tl.constexpr,
):
    lane = tl.arange(0, BLOCK // GROUP)
    # Eight neighbours to a lane, as in the forward pass: three sums then fit into the registers.
    offsets = lane[:, None] * GROUP + tl.arange(0, GROUP)[None, :]
    wide = tl.float64 if g_pointer.dtype.element_ty == tl.float64 else tl.float32
    for row in range(tl.program_id(0), rows, tl.num_programs(0)):
        base = tl.cast(row, tl.int64) * columns
        others = tl.zeros((BLOCK // GROUP,), wide)
        winner_g = tl.zeros((BLOCK // GROUP,), wide)
        rest = tl.zeros((BLOCK // GROUP,), wide)
        for chunk in range(CHUNKS):
            at = chunk * BLOCK + offsets
            mask = at < columns if MASKED else None
            other = 0.0 if MASKED else None
            absent = (float("-inf") if LOG else 0.0) if MASKED else None
            here = base + at
            g = tl.load(g_pointer + here, mask=mask, other=other, eviction_policy="evict_last")
            y = tl.load(y_pointer + here, mask=mask, other=absent, eviction_policy="evict_last")
            g, y = widen(g), widen(y)
            wins = _wins(y, LOG)
            winner_g += tl.sum(tl.where(wins, g, 0.0), axis=1)
            others += tl.sum(tl.where(wins, 0.0, g if LOG else y * g), axis=1)
            if not LOG:
                rest += tl.sum(tl.where(wins, 0.0, y), axis=1)
        row_others = tl.sum(others, axis=0)
        row_winner_g = tl.sum(winner_g, axis=0)
        row_rest = tl.sum(rest, axis=0)
        for step in range(CHUNKS):
            at = (CHUNKS - 1 - step) * BLOCK + offsets
            mask = at < columns if MASKED else None
            g = widen(tl.load(g_pointer + base + at, mask=mask, eviction_policy="evict_first"))
            y = widen(tl.load(y_pointer + base + at, mask=mask, eviction_policy="evict_first"))
            wins = _wins(y, LOG)
            s = exp_small(y, WIDE) if LOG else y
            dx = _derivative(g, s, y, wins, row_winner_g, row_others, row_rest, LOG, WIDE)
            dx *= over_temperature
            tl.store(dx_pointer + base + at, narrow(dx, dx_pointer.dtype.element_ty), mask=mask)


@dataclass(frozen=True)
class Plan:
    """How rows of a given length are cut: see :func:`plan`."""

    held: bool
    rows: int
    block: int
    num_warps: int
    stages: int
    programs: int = 0  # to a multiprocessor, 0 for no limit


#: Columns of the longest row that one program holds in registers. At 32 k columns of bfloat16 a
#: held row reaches 72 % of a copy's bandwidth on an H200, one that is read twice 99 %.
LONGEST_HELD = 16384


def _long_shape(width: int, itemsize: int, direction: str) -> tuple[int, int]:
    """Columns at a time and warps for a row that is read twice: the best of those tried.

    `benchmarks/h200-tune.txt` has what an H200 makes of each; why was not measured.
    """
    if width <= 32768:
        return (4096 if itemsize == 2 else 16384 if itemsize == 4 else 8192), (
            16 if direction == "forward" else 32
        )
    return (16384 if itemsize <= 4 else 8192), (32 if direction == "forward" else 16)


def plan(name: str, columns: int, itemsize: int, direction: str, height: int = 1 << 31) -> Plan:
    """The launch for ``height`` rows of ``columns`` elements.

    Short rows share a program of 2048 elements; longer ones get a warp for 512 elements, up to
    32 warps. The longest held rows leave room for one program a multiprocessor, whose memory would
    idle while it computes; if two rows fit in shared memory, programs persist and load ahead.
    """
    width = max(triton.next_power_of_2(columns), 16)
    wish = launch.current()
    if width > LONGEST_HELD:
        block, warps = _long_shape(width, itemsize, direction)
        return Plan(
            held=False,
            rows=1,
            block=wish.row_block or block,
            num_warps=wish.row_warps or warps,
            stages=0,
            programs=wish.row_programs or 0,
        )
    rows = wish.row_rows or max(2048 // width, 1)
    if interpreting():
        rows = launch.current().block(itemsize, width * min(height, 1 << 16)) // width or 1
    num_warps = min(max(rows * width // 512, 4), 32)
    if name == "log_softmax" and direction == "forward" and rows * width <= 2048:
        num_warps = 2  # its second reduction waits less for others
    ahead = direction == "forward" and width >= 16384 and 2 * width * itemsize <= 128 * 1024
    stages = 2 if ahead and not interpreting() else 0
    if wish.row_warps is not None:
        num_warps = wish.row_warps
    if wish.row_stages is not None and direction == "forward" and rows == 1:
        stages = wish.row_stages
    return Plan(True, rows, width, num_warps, stages)


def _programs(device: torch.device) -> int:
    return torch.cuda.get_device_properties(device).multi_processor_count


def _launch(direction: str, name: str, tensors: tuple[Tensor, ...], temperature: float) -> None:
    """Run over contiguous tensors whose last axis is the row; the last tensor is the output."""
    output = tensors[-1]
    columns = output.shape[-1]
    rows = output.numel() // columns
    chosen = plan(name, columns, output.element_size(), direction, rows)
    constants = {
        "LOG": name == "log_softmax",
        "WIDE": is_wide(output.dtype),
        "BLOCK": chosen.block,
        "num_warps": chosen.num_warps,
        "enable_fp_fusion": True,
    }
    with on_device_of(output):
        if not chosen.held:
            kernel = long_kernel if direction == "forward" else long_backward_kernel
            limit = chosen.programs and not interpreting()
            programs = chosen.programs * _programs(output.device) if limit else rows
            kernel[(min(rows, programs),)](
                *tensors,
                rows,
                columns,
                1.0 / temperature,
                MASKED=columns % chosen.block != 0,
                CHUNKS=triton.cdiv(columns, chosen.block),
                **constants,
            )
            return
        masked = bool(columns != chosen.block or rows % chosen.rows)
        if direction == "forward":
            programs = triton.cdiv(rows, chosen.rows)
            if chosen.stages:
                programs = min(programs, _programs(output.device))
            held_kernel[(programs,)](
                *tensors,
                rows,
                columns,
                1.0 / temperature,
                MASKED=masked,
                ROWS=chosen.rows,
                STAGES=chosen.stages,
                **constants,
            )
        else:
            held_backward_kernel[(triton.cdiv(rows, chosen.rows),)](
                *tensors,
                rows,
                columns,
                1.0 / temperature,
                MASKED=masked,
                ROWS=chosen.rows,
                **constants,
            )


def _define(name: str) -> Operator:
    def forward(x: Tensor, temperature: float) -> Tensor:
        x = x.contiguous()
        y = torch.empty_like(x)
        if x.numel():
            _launch("forward", name, (x, y), temperature)
        return y

    def backward(gradient: Tensor, y: Tensor, temperature: float) -> Tensor:
        y = y.contiguous()
        dx = torch.empty_like(y)
        if y.numel():
            _launch("backward", name, (gradient.contiguous(), y, dx), temperature)
        return dx

    backward_operator = Operator(
        f"{name}_backward",
        "(Tensor gradient, Tensor y, float temperature) -> Tensor",
        backward,
        lambda gradient, y, temperature: y.new_empty(y.shape),
    )

    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        _, ctx.temperature = inputs
        ctx.save_for_backward(output)

    return Operator(
        name,
        "(Tensor x, float temperature) -> Tensor",
        forward,
        lambda x, temperature: x.new_empty(x.shape),
        lambda ctx, gradient: (
            backward_operator(gradient, ctx.saved_tensors[0], ctx.temperature),
            None,
        ),
        setup_context,
    )


OPERATORS = {name: _define(name) for name in ("softmax", "log_softmax")}


def targets() -> list[Target]:
    """Machine code that is counted: held rows of 4 k and of the longest length, and long ones."""
    found = []
    for direction in ("forward", "backward"):
        tensors = ("x", "y") if direction == "forward" else ("g", "y", "dx")
        pointers = {f"{tensor}_pointer": "*bf16" for tensor in tensors}
        for columns in (4096, LONGEST_HELD):
            chosen = plan("softmax", columns, 2, direction)
            found.append(
                Target(
                    f"softmax_{columns}/{direction}/bfloat16",
                    held_kernel if direction == "forward" else held_backward_kernel,
                    pointers | {"rows": "i32", "columns": "i32", "over_temperature": "fp32"},
                    {
                        "LOG": False,
                        "WIDE": False,
                        "MASKED": False,
                        "ROWS": chosen.rows,
                        "BLOCK": chosen.block,
                    }
                    | ({"STAGES": chosen.stages} if direction == "forward" else {}),
                    elements=chosen.rows * chosen.block,
                    num_warps=chosen.num_warps,
                    bytes=2 * len(tensors),
                )
            )
        chosen = plan("softmax", 1 << 17, 2, direction)
        found.append(
            Target(
                f"softmax_long/{direction}/bfloat16",
                long_kernel if direction == "forward" else long_backward_kernel,
                pointers | {"rows": "i32", "columns": "i32", "over_temperature": "fp32"},
                {
                    "LOG": False,
                    "WIDE": False,
                    "MASKED": False,
                    "CHUNKS": (1 << 17) // chosen.block,
                    "BLOCK": chosen.block,
                },
                elements=chosen.block,
                num_warps=chosen.num_warps,
                bytes=2 * len(tensors),
            )
        )
    return found
