"""What is fixed about a kernel when it is compiled without a GPU."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# Triton's names of the dtypes: bytes an element, and what torch and the records call them.
ITEM_BYTES = {"bf16": 2, "fp16": 2, "fp32": 4, "fp64": 8}
DTYPE_NAMES = {"bf16": "bfloat16", "fp16": "float16", "fp32": "float32", "fp64": "float64"}


@dataclass(frozen=True)
class Target:
    """A kernel with everything fixed that its machine code depends on.

    Attributes:
        name: ``gelu/forward/bfloat16``.
        kernel: the ``@triton.jit`` function.
        signature: Triton types of the arguments that are not constants, by name, in order.
        constants: the ``tl.constexpr`` arguments, by name.
        elements: output elements a program.
        num_warps: warps a program.
        bytes: moved per output element, for the budget.
        num_stages: depth of the software pipeline, for kernels with a loop.
        aligned: whether sizes and strides are multiples of 16, as they are for whole blocks.
    """

    name: str
    kernel: Any
    signature: Mapping[str, str]
    constants: Mapping[str, Any]
    elements: int
    num_warps: int
    bytes: float
    num_stages: int = 3
    aligned: bool = True
