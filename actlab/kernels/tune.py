"""Try launch shapes on a GPU and print what each reaches, as a share of a same-size copy.

    python -m actlab.kernels.tune                      # relu, gelu, swiglu, softmax
    python -m actlab.kernels.tune silu --size 2^28
    python -m actlab.kernels.tune softmax --columns 32768 131072 --dtype float32
    python -m actlab.kernels.tune softmax --compile 0/8    # an eighth of the shapes, not timed

For finding out what :mod:`.launch` and :func:`.rows.plan` should say; to be quoted, a time has to
come from ``actlab bench``. Each time is the median of ``triton.testing.do_bench``, which empties
the L2 cache before every run. Compiling takes longer than timing: several processes with
``--compile`` fill Triton's cache beforehand.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from actlab import kernels
from actlab.functions import get
from actlab.kernels import launch
from actlab.kernels.availability import interpreting

if TYPE_CHECKING:
    from torch import Tensor

FUNCTIONS = ("relu", "gelu", "swiglu", "softmax")
ROW_LENGTHS = (1024, 4096, 16384, 32768, 131072)
DTYPES = ("bfloat16", "float16", "float32")


def _milliseconds(function: Callable[[], Any]) -> float:
    from triton.testing import do_bench

    return do_bench(function, warmup=15, rep=60, quantiles=[0.5])


def _modes(name: str, x: Tensor) -> Iterator[tuple[str, Callable[[], Any], int]]:
    """(mode, what to time, bytes that it must move) of one function at one input."""
    import torch

    leaf = x.detach().requires_grad_()
    y = kernels.apply(name, leaf)
    g = torch.randn_like(y)
    one = y.numel() * y.element_size()
    gated = get(name).kind == "gated"
    yield "forward", lambda: kernels.apply(name, x), (3 if gated else 2) * one
    yield (
        "backward",
        lambda: torch.autograd.grad(y, leaf, g, retain_graph=True),
        (5 if gated else 3) * one,
    )


def _shapes(name: str, columns: int) -> Iterator[dict[str, int]]:
    if get(name).kind != "vector":
        for warps in (2, 4, 8, 16):
            for moved in (16, 32, 64):
                yield {"num_warps": warps, "bytes_per_thread": moved}
        return
    from actlab.kernels import rows

    if columns > rows.LONGEST_HELD:
        for warps in (8, 16, 32):
            for block in (4096, 8192, 16384):
                for programs in (0, 1, 2):
                    yield {"row_warps": warps, "row_block": block, "row_programs": programs}
        return
    for warps in (1, 2, 4, 8, 16, 32):
        for together in (1, 2, 4):
            if 128 <= columns * together / warps <= 4096:
                yield {"row_warps": warps, "row_rows": together, "row_stages": 0}
        if columns >= 8192:
            for stages in (2, 3):
                yield {"row_warps": warps, "row_rows": 1, "row_stages": stages}


def _inputs(
    name: str, size: int, lengths: tuple[int, ...], dtype: Any
) -> Iterator[tuple[str, Tensor]]:
    import torch

    kind = get(name).kind
    if kind == "vector":
        for columns in lengths:
            yield (
                f"{columns} columns",
                torch.randn(size // columns, columns, device="cuda").to(dtype),
            )
    elif kind == "gated":
        yield "packed", torch.randn(size // 4096, 8192, device="cuda").to(dtype)
    else:
        yield "", torch.randn(size, device="cuda").to(dtype)


def _copy_rate(size: int, dtype: Any) -> float:
    """TB/s of a device-to-device copy of ``size`` elements, read plus written."""
    import torch

    source = torch.randn(size, device="cuda").to(dtype)
    target = torch.empty_like(source)
    moved = 2 * size * source.element_size()
    return moved / _milliseconds(lambda: target.copy_(source)) / 1e9


def _size(text: str) -> int:
    base, _, exponent = text.partition("^")
    value = int(base) ** int(exponent) if exponent else int(base)
    if value < 2**20:
        raise argparse.ArgumentTypeError("at least 2^20 elements, or caches are measured")
    return value


def _part(text: str) -> tuple[int, int]:
    index, _, count = text.partition("/")
    if not (index.isdigit() and count.isdigit() and int(index) < int(count)):
        raise argparse.ArgumentTypeError("write it as 0/8 to 7/8")
    return int(index), int(count)


def _compile(name: str, what: str, function: Callable[[], Any], shapes: list[dict]) -> None:
    for shape in shapes:
        try:
            with launch.override(**shape):
                function()
        except Exception as error:
            print(f"{name} {what} {shape}: {type(error).__name__}")


def _compare(function: Callable[[], Any], shapes: list[dict], moved: int, rate: float) -> None:
    found = []
    default = launch.Launch()
    for shape in [{}, *shapes]:
        try:
            with launch.override(**shape):
                time = _milliseconds(function)
        except Exception as error:  # more shared memory or registers than there are
            print(f"    {shape}: {type(error).__name__}")
            continue
        found.append((moved / time / 1e9 / rate, shape))
    best = sorted(found, key=lambda entry: entry[0], reverse=True)[:8]
    for share, shape in [*best, *(entry for entry in found[:1] if entry not in best)]:
        print(f"    {share:6.1%} of copy  {shape or f'as it is ({default})'}", flush=True)


def main(arguments: list[str] | None = None) -> int:
    """The command; see the module's docstring."""
    parser = argparse.ArgumentParser(
        prog="python -m actlab.kernels.tune",
        description="Try launch shapes on a GPU.",
        epilog="Example: python -m actlab.kernels.tune silu --size 2^28",
    )
    parser.add_argument("functions", nargs="*", help=f"default: {' '.join(FUNCTIONS)}")
    parser.add_argument(
        "--size", type=_size, default=2**28, metavar="N", help="output elements (default 2^28)"
    )
    parser.add_argument("--columns", type=int, nargs="+", default=ROW_LENGTHS, metavar="N")
    parser.add_argument("--dtype", choices=DTYPES, default="bfloat16")
    parser.add_argument("--compile", type=_part, metavar="I/N", help="only compile this part")
    options = parser.parse_args(arguments)
    possible, reason = kernels.available()
    if not possible or interpreting():
        print(reason if not possible else "the interpreter has no speed to tune", file=sys.stderr)
        return 2
    try:
        names = [get(name).name for name in options.functions or FUNCTIONS]
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    import torch

    dtype = getattr(torch, options.dtype)
    rate = 1.0
    if not options.compile:
        for _ in range(8):  # the first ones find the clocks of an idle device
            rate = _copy_rate(options.size, dtype)
        print(f"{reason}; copy of {options.size} {options.dtype}: {rate:.2f} TB/s", flush=True)
    for name in names:
        for what, x in _inputs(name, options.size, tuple(options.columns), dtype):
            for mode, function, moved in _modes(name, x):
                shapes = list(_shapes(name, x.shape[-1]))
                if options.compile:
                    index, count = options.compile
                    _compile(name, f"{mode} {what}", function, shapes[index::count])
                    continue
                print(f"{name} {mode} {what} {options.dtype}".rstrip())
                _compare(function, shapes, moved, rate)
    return 0


if __name__ == "__main__":
    sys.exit(main())
