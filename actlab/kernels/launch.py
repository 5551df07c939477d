"""How a kernel is cut into programs: one place, so that it can be tuned and counted.

Each thread of an elementwise kernel moves 32 bytes of each tensor, as two accesses of 16: that
keeps two loads in flight a thread and spreads the fixed cost of a program (some 20 instructions
for its address) over 16 bfloat16 elements.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

from actlab.kernels.availability import interpreting

THREADS_PER_WARP = 32


@dataclass(frozen=True)
class Launch:
    """Shape of a program.

    Attributes:
        bytes_per_thread: of one tensor, a multiple of 16.
        num_warps: of 32 threads each.
        row_warps: warps of a program that holds softmax rows; None leaves it to their length.
        row_stages: rows that such a program loads ahead, 0 for one program a tile; None as above.
        row_rows: short rows that share a program; None as above.
        row_block: columns that a program takes at a time from a row that it reads twice.
        row_programs: such programs to a multiprocessor, 0 for no limit; None as above.
        interpreted_block: elements a program in Triton's interpreter, whose cost is per program.
    """

    bytes_per_thread: int = 32
    num_warps: int = 4
    row_warps: int | None = None
    row_stages: int | None = None
    row_rows: int | None = None
    row_block: int | None = None
    row_programs: int | None = None
    interpreted_block: int = 1 << 16

    def block(self, itemsize: int, size: int = 1 << 31) -> int:
        """Elements of one program, for elements of ``itemsize`` bytes.

        The interpreter computes whole blocks of any size, so ``size``, the number of elements
        there are, limits them there.
        """
        if interpreting():
            return min(self.interpreted_block, max(16, 1 << (size - 1).bit_length()))
        return self.num_warps * THREADS_PER_WARP * self.bytes_per_thread // itemsize


_current = Launch()


def current() -> Launch:
    """The shape in force."""
    return _current


@contextlib.contextmanager
def override(**changes: int | None) -> Iterator[Launch]:
    """Other shapes for the kernels launched inside the ``with``: for tuning and for tests."""
    global _current
    before = _current
    _current = replace(before, **changes)
    try:
        yield _current
    finally:
        _current = before
