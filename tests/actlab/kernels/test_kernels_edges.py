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


CALLS = {
    "elementwise": "kernels.apply('gelu', x)",
    "once more, from the cache": "(kernels.apply('gelu', x), kernels.apply('gelu', x))[1]",
    "saving the output": "kernels.relu2(x, save='output')",
    "saving signs": "kernels.leaky_relu2(x, save='output')",
    "rows": "kernels.softmax(x)",
    "packed": "kernels.swiglu(x)",
    "two": "kernels.swiglu(still, x)",
    "bias": "kernels.bias_activation('relu', still, x[0])",
    "learned": "kernels.prelu(still, x[0, :1])",
    "random": "kernels.rrelu(x, seed=1)",
    "linear": "kernels.linear_leaky_relu2(still, x)",
}


@pytest.mark.parametrize("how", ["jvp", "jacfwd", "dual level", "dual level with a graph"])
@pytest.mark.parametrize("call", CALLS)
def test_a_forward_mode_derivative_is_refused_and_not_zero(call, how):
    import torch
    from torch.autograd import forward_ad

    from actlab import kernels

    start = torch.ones(2, 4, requires_grad="graph" in how)

    def function(x):
        return eval(CALLS[call], {"kernels": kernels, "x": x, "still": torch.ones(2, 4)})

    def derive():
        if how == "jvp":
            return torch.func.jvp(function, (start,), (start,))
        if how == "jacfwd":
            return torch.func.jacfwd(function)(start)
        with forward_ad.dual_level():
            return function(forward_ad.make_dual(start, torch.ones(2, 4)))

    with pytest.raises(RuntimeError, match="no forward-mode derivative"):
        derive()


def test_what_carries_no_tangent_passes_under_forward_mode():
    import torch

    from actlab import kernels

    x = torch.ones(3)
    _, tangent = torch.func.jvp(lambda t: t * kernels.apply("relu", x), (x,), (x,))
    torch.testing.assert_close(tangent, torch.ones(3))


def test_a_parameter_counts_by_its_value_and_not_by_its_object():
    import numpy as np
    import torch

    from actlab import kernels

    x = torch.tensor([-1.0, -2.0])
    for slope in (torch.tensor(0.5), np.array(0.5)):
        before = kernels.apply("leaky_relu", x, slope=slope)
        slope.fill(0.9) if isinstance(slope, np.ndarray) else slope.fill_(0.9)
        after = kernels.apply("leaky_relu", x, slope=slope)
        torch.testing.assert_close(before, 0.5 * x)
        torch.testing.assert_close(after, 0.9 * x)


def test_what_is_remembered_of_calls_is_bounded():
    import torch

    from actlab import kernels

    x = torch.tensor([-1.0])
    for step in range(3 * kernels.MOST_KNOWN):
        y = kernels.apply("leaky_relu", x, slope=step / 1000)
        assert y.item() == pytest.approx(-step / 1000)
        assert len(kernels._KNOWN) <= kernels.MOST_KNOWN
    # A call that is repeated costs no look at its parameters, however many came before it.
    assert kernels._KNOWN
