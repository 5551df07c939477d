"""Inputs for which a kernel once gave a wrong number without a word, in every dtype it takes."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.interpreted

DTYPES = ["bfloat16", "float16", "float32", "float64"]
#: A row that a program holds, and one that it reads twice.
WIDTHS = [40, 16385]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_a_row_of_minus_infinities_is_nan_with_its_gradient(name, width, dtype):
    import torch

    from actlab import kernels

    x = torch.full((2, width), -torch.inf, dtype=getattr(torch, dtype))
    # The second row has a limit: its neighbour must not spoil it.
    x[1, 3] = -5.0
    x.requires_grad_()
    y = kernels.apply(name, x)
    (dx,) = torch.autograd.grad(y, x, torch.ones_like(y))
    assert y[0].isnan().all()
    assert dx[0].isnan().all()
    assert y[1, 3] == (1.0 if name == "softmax" else 0.0)
    assert not y[1].isnan().any()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
@pytest.mark.parametrize("special", ["inf", "nan"])
def test_a_row_with_infinity_or_nan_is_nan_throughout(special, name, width):
    import torch

    from actlab import kernels

    x = torch.zeros(1, width)
    x[0, 7] = float(special)
    assert kernels.apply(name, x).isnan().all()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("level", [-3.4e38, -1e308])
def test_a_row_of_the_lowest_numbers_is_no_row_of_infinities(level, width):
    import torch

    from actlab import kernels

    dtype = torch.float32 if level > -1e39 else torch.float64
    y = kernels.softmax(torch.full((1, width), level, dtype=dtype))
    torch.testing.assert_close(y, torch.full_like(y, 1 / width))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("gap", [1.5, 9.0, 16.8, 40.0])
@pytest.mark.parametrize("width", WIDTHS)
def test_log_softmax_of_the_winner_keeps_its_digits(width, gap, dtype):
    """The reference is the NumPy function; scalars of float64 kernels are float32 (1e-7)."""
    import numpy as np
    import torch

    from actlab import functions, kernels

    x = torch.full((4, width), -gap, dtype=getattr(torch, dtype))
    x[:, 0] = 0.0
    x[1, 5] = 0.0  # two winners in one lane or block
    x[2, -1] = 0.0  # and in two of them
    x[3, 2] = gap  # a later winner
    x[:, 9:30] = -torch.inf
    exact = functions.log_softmax(x.double().numpy())
    got = kernels.log_softmax(x).double().numpy()
    tolerance = {"bfloat16": 5e-3, "float16": 7e-4, "float32": 2e-6, "float64": 2e-6}[dtype]
    finite = np.isfinite(exact)
    size = np.maximum(np.abs(exact[finite]), torch.finfo(x.dtype).tiny)
    assert np.max(np.abs(got[finite] - exact[finite]) / size) < tolerance
    assert np.array_equal(finite, np.isfinite(got))
