"""What to measure."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from actlab.bench.cases import Implementation, case
from actlab.bench.names import (
    COUNTED_ONLY,
    CPU_ONLY,
    DEVICES,
    DTYPES,
    GPU_ONLY,
    IMPLEMENTATIONS,
    MODES,
)
from actlab.bench.protocol import Effort


@dataclass(frozen=True)
class Plan:
    """What to measure.

    Attributes:
        functions: catalogue names.
        sizes: elements of the output.
        dtypes: of :data:`~actlab.bench.names.DTYPES`.
        modes: of :data:`~actlab.bench.names.MODES`.
        implementations: of :data:`~actlab.bench.names.IMPLEMENTATIONS`; those that a function does
            not have are left out.
        device: "cpu" or "cuda".
        threads: threads of PyTorch on a CPU.
        columns: length of a row for softmax and packed gates.
        effort: how long to measure; None for the device's usual.
        extra: function -> name -> callable, compared beside the others. A callable takes and
            returns torch tensors, or NumPy arrays if it is wrapped in :func:`numpy_function`.
        check_odd_sizes: also check sizes that no block size divides.
        passes: how often the whole plan is measured; two say how far runs lie apart.
        caches: how many times the rotated inputs and outputs of a row exceed the cache.
        all_ceilings: also measure reading, adding and, on a GPU, multiplying matrices.
    """

    functions: tuple[str, ...]
    sizes: tuple[int, ...] = (1 << 20,)
    dtypes: tuple[str, ...] = ("float32",)
    modes: tuple[str, ...] = MODES
    implementations: tuple[str, ...] = ("builtin", "composed")
    device: str = "cpu"
    threads: int = 1
    columns: int = 1024
    effort: Effort | None = None
    extra: Mapping[str, Mapping[str, Callable | Implementation]] = field(default_factory=dict)
    check_odd_sizes: bool = True
    passes: int = 1
    caches: float = 4.0
    all_ceilings: bool = True

    def names(self, function: str) -> tuple[str, ...]:
        """Implementations of one function that this plan times."""
        exist = set(case(function).implementations()) - set(COUNTED_ONLY)
        wanted = [n for n in IMPLEMENTATIONS if n in exist and n in self.implementations]
        if self.device == "cuda":
            wanted = [n for n in wanted if n not in CPU_ONLY]
        else:
            wanted = [n for n in wanted if n not in GPU_ONLY]
        return (*wanted, *self.extra.get(function, {}))

    def validate(self) -> None:
        """Refuse names that do not exist and numbers that make no sense here.

        Raises:
            ValueError: with one sentence.
        """
        for function in (*self.functions, *self.extra):
            case(function)
        for what, given, known in (
            ("mode", self.modes, MODES),
            ("dtype", self.dtypes, DTYPES),
            ("implementation", self.implementations, IMPLEMENTATIONS),
        ):
            for value in given:
                if value not in known:
                    raise ValueError(f"unknown {what} {value!r}: choose from {', '.join(known)}")
        for size in self.sizes:
            if size < 1:
                raise ValueError(f"a size has to be at least 1 element, not {size}")
        for what, number in (("columns", self.columns), ("passes", self.passes)):
            if number < 1:
                raise ValueError(f"{what} has to be at least 1, not {number}")
        cores = os.cpu_count() or 1
        if not 1 <= self.threads <= cores:
            # PyTorch starts as many as it is told to, and dies of 999,999.
            raise ValueError(
                f"threads has to be from 1 to the {cores} cores of this machine, not {self.threads}"
            )
        if self.device not in DEVICES:
            raise ValueError(f"unknown device {self.device!r}: choose from {', '.join(DEVICES)}")

    def row_count(self) -> int:
        """Rows that the plan measures in all its passes, copies left out."""
        per_size = sum(len(self.names(name)) for name in self.functions)
        return per_size * len(self.sizes) * len(self.dtypes) * len(self.modes) * self.passes


def numpy_function(forward: Callable, vjp: Callable | None = None) -> Implementation:
    """Wrap your own NumPy function for ``extra``.

    Args:
        forward: takes float arrays, returns the output.
        vjp: takes (upstream, *inputs), returns a tuple with the gradient of each input; None to
            time the forward pass only.
    """
    return Implementation("numpy function", forward, vjp=vjp, framework="numpy")
