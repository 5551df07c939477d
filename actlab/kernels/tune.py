"""Try launch shapes on a GPU and print what each reaches, as a share of a same-size copy.

    python -m actlab.kernels.tune                      # relu, gelu, swiglu, softmax
    python -m actlab.kernels.tune silu --size 2^28

For finding out what :mod:`.launch` and :func:`.rows.plan` should say; to be quoted, a time has to
come from ``actlab bench``. Each time is the median of ``triton.testing.do_bench``, which empties
the L2 cache before every run.
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


def _milliseconds(function: Callable[[], Any]) -> float:
    from triton.testing import do_bench

    return do_bench(function, warmup=25, rep=100, quantiles=[0.5])


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
    if get(name).kind == "vector":
        for warps in (4, 8, 16, 32):
            for stages in (0, 2, 3) if columns <= 32768 else (0,):
                yield {"row_warps": warps, "row_stages": stages}
    else:
        for warps in (2, 4, 8, 16):
            for moved in (16, 32, 64):
                yield {"num_warps": warps, "bytes_per_thread": moved}


def _inputs(name: str, size: int) -> Iterator[tuple[str, Tensor]]:
    import torch

    kind = get(name).kind
    if kind == "vector":
        for columns in ROW_LENGTHS:
            yield (
                f"{columns} columns",
                torch.randn(size // columns, columns, device="cuda").bfloat16(),
            )
    elif kind == "gated":
        yield "packed", torch.randn(size // 4096, 8192, device="cuda").bfloat16()
    else:
        yield "", torch.randn(size, device="cuda").bfloat16()


def _copy_rate(size: int) -> float:
    """TB/s of a device-to-device copy of ``size`` bfloat16 elements, read plus written."""
    import torch

    source = torch.randn(size, device="cuda").bfloat16()
    target = torch.empty_like(source)
    return 4 * size / _milliseconds(lambda: target.copy_(source)) / 1e9


def _size(text: str) -> int:
    base, _, exponent = text.partition("^")
    value = int(base) ** int(exponent) if exponent else int(base)
    if value < 2**20:
        raise argparse.ArgumentTypeError("at least 2^20 elements, or caches are measured")
    return value


def main(arguments: list[str] | None = None) -> int:
    """The command; see the module's docstring."""
    parser = argparse.ArgumentParser(
        prog="python -m actlab.kernels.tune",
        description="Try launch shapes on a GPU (bfloat16).",
        epilog="Example: python -m actlab.kernels.tune silu --size 2^28",
    )
    parser.add_argument("functions", nargs="*", help=f"default: {' '.join(FUNCTIONS)}")
    parser.add_argument(
        "--size", type=_size, default=2**28, metavar="N", help="output elements (default 2^28)"
    )
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
    for _ in range(8):  # the first ones find the clocks of an idle device
        rate = _copy_rate(options.size)
    print(f"{reason}; copy of {2 * options.size / 2**20:.0f} MiB: {rate:.2f} TB/s", flush=True)
    for name in names:
        for what, x in _inputs(name, options.size):
            for mode, function, moved in _modes(name, x):
                print(f"{name} {mode} {what}".rstrip())
                found = []
                default = launch.Launch()
                for shape in [{}, *_shapes(name, x.shape[-1])]:
                    try:
                        with launch.override(**shape):
                            time = _milliseconds(function)
                    except Exception as error:  # more shared memory or registers than there are
                        print(f"    {shape}: {type(error).__name__}")
                        continue
                    found.append((moved / time / 1e9 / rate, shape))
                for share, shape in sorted(found, key=lambda entry: entry[0], reverse=True)[:6]:
                    print(
                        f"    {share:6.1%} of copy  {shape or f'as it is ({default})'}", flush=True
                    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
