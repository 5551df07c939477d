"""Inputs for which a kernel once gave a wrong number without a word, in every dtype it takes."""

from __future__ import annotations

import pytest

from actlab.functions import CATALOGUE
from actlab.kernels.selftest import ends

pytestmark = pytest.mark.interpreted

ELEMENTWISE = [name for name, entry in CATALOGUE.items() if entry.kind == "elementwise"]
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
    from actlab.kernels import dispatch

    x = torch.tensor([-1.0])
    for step in range(3 * dispatch.MOST_KNOWN):
        y = kernels.apply("leaky_relu", x, slope=step / 1000)
        assert y.item() == pytest.approx(-step / 1000)
        assert len(dispatch._KNOWN) <= dispatch.MOST_KNOWN
    # A call that is repeated costs no look at its parameters, however many came before it.
    assert dispatch._KNOWN


FLAT = {
    "apply": "kernels.apply('leaky_relu2', x, slope=0.0)",
    "save": "kernels.leaky_relu2(x, 0.0, save='output')",
    "tensor": "kernels.prelu(x, torch.zeros(1, dtype=x.dtype))",
    "channels": "kernels.prelu(x[None], torch.zeros(3, dtype=x.dtype))[0]",
    "random": "kernels.rrelu(x, 0.0, 0.0, seed=1)",
    "bias": "kernels.bias_activation('leaky_relu', x[None], torch.zeros_like(x), slope=0.0)[0]",
    "linear": "kernels.linear_leaky_relu2(x[:, None], torch.ones_like(x[:1, None]), slope=0.0)",
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("path", FLAT)
def test_a_slope_of_zero_closes_minus_infinity(path, dtype):
    import torch

    from actlab import kernels

    x = torch.tensor([-torch.inf, -2.0, torch.inf], dtype=getattr(torch, dtype))
    x.requires_grad_()
    y = eval(FLAT[path], {"kernels": kernels, "x": x, "torch": torch}).reshape(-1)
    assert y.tolist() == [0.0, 0.0, torch.inf]
    (dx,) = torch.autograd.grad(y, x, torch.ones_like(y))
    assert dx[:2].tolist() == [0.0, 0.0]
    with torch.no_grad():
        x[0] = torch.nan
    y = eval(FLAT[path], {"kernels": kernels, "x": x, "torch": torch}).reshape(-1)
    assert y[0].isnan()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("name", "parameters"),
    [(name, parameters) for name in ELEMENTWISE for parameters in ends(CATALOGUE[name])],
    ids=str,
)
def test_the_ends_of_a_parameters_range_give_right_values(name, parameters, dtype):
    import numpy as np
    import torch

    from actlab import kernels
    from actlab.functions import get

    size = torch.tensor([0.0, 1e-30, 1e-20, 1e-6, 1.0, 20.0, 1e4, 1e18, 1e30, torch.inf])
    x = torch.cat([-size, size]).to(getattr(torch, dtype)).requires_grad_()
    y = kernels.apply(name, x, **parameters)
    (dx,) = torch.autograd.grad(y, x, torch.ones_like(y))
    wide = x.detach().double().numpy()
    for got, which in ((y.detach(), "forward"), (dx, "derivative")):
        if (name, which) == ("snake", "derivative"):
            # A rounded frequency of 1e18 has no phase left.
            kept = np.abs(wide) * parameters["alpha"] < 10
            wide, got = wide[kept], got[torch.from_numpy(kept)]
        wanted = torch.from_numpy(getattr(get(name), which)(wide, **parameters)).to(got.dtype)
        # float64 kernels overflow no earlier than float64, but compute with float32 scalars.
        relative = {"bfloat16": 1e-2, "float16": 2e-3, "float32": 5e-6, "float64": 5e-6}[dtype]
        # A rounded product of 1e18 costs its size in units of an exponential, which is 0 by then.
        np.testing.assert_allclose(
            got.double(),
            wanted.double(),
            rtol=relative,
            atol=max(torch.finfo(got.dtype).tiny, 1e-37),
        )


@pytest.mark.parametrize("call", ["apply('leaky_relu', x, slope=1e39)", "prelu(x, 1e200)"])
def test_a_parameter_beyond_its_range_is_refused(call):
    import torch

    from actlab import kernels

    with pytest.raises(ValueError, match="slope must be between -1e"):
        eval(f"kernels.{call}", {"kernels": kernels, "x": torch.zeros(2)})


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("width", WIDTHS)
def test_logits_at_both_ends_of_the_dtype_are_shifted_without_overflow(width, dtype):
    import torch

    from actlab import kernels

    dtype = getattr(torch, dtype)
    x = torch.full((1, width), -0.9 * torch.finfo(dtype).max, dtype=dtype)
    x[0, 3] = 0.9 * torch.finfo(dtype).max
    y = kernels.log_softmax(x, temperature=10.0)
    wanted = -0.18 * torch.finfo(dtype).max
    torch.testing.assert_close(y[0, 0].item(), wanted, rtol=1e-6, atol=0)
    assert y[0, 3] == 0
    assert kernels.softmax(x, temperature=10.0)[0, 3] == 1


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("gap", [6.0, 10.0, 40.0])
@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_the_winners_gradient_keeps_its_digits(name, gap, width, dtype):
    """1 − p cancels at the winner, whose gradient was 0 as soon as p rounded to 1."""
    import numpy as np
    import torch

    from actlab import functions, kernels

    x = torch.full((1, width), -torch.inf, dtype=getattr(torch, dtype))
    x[0, [2, 9, 30]] = torch.tensor([0.0, -gap, -gap - 1], dtype=x.dtype)
    x.requires_grad_()
    for upstream in ([1.0, 0.0, 0.0], [2.0, 1.0, -3.0], [1.0, 0.0, 1.0]):
        g = torch.zeros_like(x)
        g[0, [2, 9, 30]] = torch.tensor(upstream, dtype=x.dtype)
        (dx,) = torch.autograd.grad(kernels.apply(name, x), x, g)
        exact = functions.get(name).vjp(x.detach().double().numpy(), g.double().numpy())
        # The output is what is saved, and it is rounded: so are the probabilities of the losers.
        relative = {"bfloat16": 0.2, "float16": 0.03, "float32": 2e-5, "float64": 2e-5}[dtype]
        np.testing.assert_allclose(
            dx.double(), exact, rtol=relative, atol=torch.finfo(x.dtype).smallest_normal
        )


@pytest.mark.parametrize("shape", [(2, 0), (2, 3, 0), (0, 4), (0, 0)])
def test_a_linear_layer_of_nothing_is_its_bias(shape):
    import torch

    from actlab import kernels

    x = torch.zeros(shape, requires_grad=True)
    weight = torch.zeros(3, shape[-1], requires_grad=True)
    bias = torch.tensor([1.0, -2.0, 3.0], requires_grad=True)
    y = kernels.linear_leaky_relu2(x, weight, bias, 0.5)
    torch.testing.assert_close(y, torch.tensor([1.0, 1.0, 9.0]).expand(*shape[:-1], 3))
    gradients = torch.autograd.grad(y.sum(), (x, weight, bias))
    assert [tuple(g.shape) for g in gradients] == [shape, tuple(weight.shape), (3,)]
    rows = y.numel() // 3
    torch.testing.assert_close(gradients[2], rows * torch.tensor([2.0, -1.0, 6.0]))


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmax_takes_a_tuple_of_axes(name):
    import numpy as np
    import torch

    from actlab import functions, kernels

    x = torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(0), requires_grad=True)
    for axis in ((0, 2), (1,), (-1, 0), np.int64(1)):
        y = kernels.apply(name, x, axis=axis)
        wanted = functions.get(name).forward(x.detach().numpy(), axis=axis)
        torch.testing.assert_close(y.detach(), torch.from_numpy(wanted))
        (dx,) = torch.autograd.grad(y, x, x.detach())
        wanted = functions.get(name).vjp(x.detach().numpy(), x.detach().numpy(), axis=axis)
        torch.testing.assert_close(dx, torch.from_numpy(wanted), rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match="may be given once"):
        kernels.apply(name, x, axis=(0, 0))
