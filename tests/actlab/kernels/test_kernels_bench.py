"""The benchmark's own check has to let right kernels pass, or a GPU run loses their rows."""

from __future__ import annotations

import pytest

from actlab.functions import CATALOGUE


@pytest.mark.interpreted
@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32"])
@pytest.mark.parametrize("function", CATALOGUE)
def test_the_benchmark_takes_every_kernel(function, dtype):
    import torch

    from actlab.bench import correctness
    from actlab.bench.cases import case

    item = case(function)
    names = [name for name in item.implementations() if name.startswith("triton")]
    assert names
    for name in names:
        implementation = item.implementation(name, "cuda")  # interpreted, on CPU tensors
        verdict = correctness.check_odd_sizes(item, implementation, getattr(torch, dtype), "cpu")
        assert verdict is None, f"{name}: {verdict.reason}"
