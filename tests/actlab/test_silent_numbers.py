"""Inputs for which functions and modules once gave a wrong number without a word."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
import torch
from functions_reference import TRUTH, errors_in_ulp, sizes

from actlab import functions
from actlab.kernels.selftest import ends
from actlab.modules import GatedActivation, LeakyReLU2, Swish, module_for, torch_equivalent

HALVES = [torch.float16, torch.bfloat16]
TORCH_DTYPES = [*HALVES, torch.float32, torch.float64]


# --- products that overflow before they cancel --------------------------------------------------


@pytest.mark.parametrize("dtype", TORCH_DTYPES)
@pytest.mark.parametrize("beta", [1.0, 0.25, -1.0])
@pytest.mark.parametrize("size", [0.0, 3.0, 30.0, 260.0, 1e4, 1e20, 1e38, 1e300, np.inf])
def test_swish_has_finite_gradients_wherever_its_limits_are(size, beta, dtype):
    if size > torch.finfo(dtype).max and np.isfinite(size):
        pytest.skip("not a number of this dtype")
    x = torch.tensor([size, -size], dtype=dtype, requires_grad=True)
    swish = Swish(beta).to(dtype)
    wide = x.detach().double().numpy()
    y = swish(x)
    for_x, for_beta = torch.autograd.grad(y, (x, swish.beta), torch.ones_like(y))
    # A product βx that is rounded costs |βx| units in the last place of e^βx.
    relative = (16 + min(abs(beta * size), 100)) * torch.finfo(
        torch.promote_types(dtype, torch.float32)
    ).eps + torch.finfo(dtype).eps
    tolerance = {"rtol": relative, "atol": 2 * torch.finfo(dtype).tiny}
    np.testing.assert_allclose(y.detach().double(), functions.silu(wide, beta), **tolerance)
    np.testing.assert_allclose(
        for_x.double(), functions.silu_derivative(wide, beta), rtol=relative, atol=relative / 8
    )
    exact = functions.silu_beta_derivative(wide, beta).sum()
    np.testing.assert_allclose(for_beta.double().item(), exact, **tolerance)


def test_a_learned_beta_is_not_rounded_to_the_inputs_dtype():
    x = torch.linspace(-8, 8, 201).bfloat16()
    y = Swish(1.702)(x)
    exact = functions.silu(x.double().numpy(), np.float64(np.float32(1.702)))
    torch.testing.assert_close(y, torch.from_numpy(exact).bfloat16(), rtol=2**-8, atol=0)


# --- slopes in the dtype of the input -----------------------------------------------------------


def every_value(dtype: torch.dtype) -> torch.Tensor:
    """All finite numbers of a 16-bit dtype."""
    x = torch.arange(-(2**15), 2**15, dtype=torch.int32).to(torch.int16).view(dtype)
    return x[x.isfinite()]


GATES = [name for name, entry in functions.CATALOGUE.items() if entry.kind == "gated"]


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("gate", GATES)
def test_gates_are_rounded_once_on_every_16_bit_number(gate, dtype):
    a = every_value(dtype).requires_grad_()
    b = torch.full_like(a, 3.0, requires_grad=True)
    y = GatedActivation(gate)(a, b)
    for_a, for_b = torch.autograd.grad(y, (a, b), torch.ones_like(y))
    wide = a.detach().double().numpy()
    entry = functions.get(gate)
    exact_a, exact_b = entry.partials(wide, np.full_like(wide, 3.0))
    for got, exact in (
        (y.detach(), entry.forward(wide, np.full_like(wide, 3.0))),
        (for_a, exact_a),
        (for_b, exact_b),
    ):
        wanted = torch.from_numpy(exact).to(dtype)
        # One unit, or 1e-6 where F.gelu loses its left tail and where f′ crosses zero.
        unit = torch.finfo(dtype).eps * wanted.double().abs()
        far = (got.double() - wanted.double()).abs() > unit + 1e-6
        assert not (far & (got != wanted)).any(), a[far & (got != wanted)][:5]


@pytest.mark.parametrize("dtype", TORCH_DTYPES)
@pytest.mark.parametrize("gate", GATES)
def test_gates_have_their_limits_at_infinity(gate, dtype):
    a = torch.tensor([-torch.inf, torch.inf], dtype=dtype, requires_grad=True)
    b = torch.tensor([2.0, 2.0], dtype=dtype, requires_grad=True)
    y = GatedActivation(gate)(a, b)
    got = (y, *torch.autograd.grad(y, (a, b), torch.ones_like(y)))
    entry, ends = functions.get(gate), np.array([-np.inf, np.inf])
    wanted = (entry.forward(ends, 2.0), *entry.partials(ends, np.array([2.0, 2.0])))
    for tensor, array in zip(got, wanted, strict=True):
        # Exact, but where a value in between is rounded: the clamped gate ends there.
        near = {"rtol": torch.finfo(dtype).eps, "atol": 0}
        np.testing.assert_allclose(tensor.detach().double().numpy(), array, **near)


# --- a slope of 0 at −∞ -------------------------------------------------------------------------

FLAT = {
    "leaky_relu": {"slope": 0.0},
    "prelu": {"slope": 0.0},
    "rrelu": {"lower": 0.0, "upper": 0.0},
    "leaky_relu2": {"slope": 0.0},
    "elu": {"alpha": 0.0},
}


@pytest.mark.parametrize("dtype", TORCH_DTYPES)
@pytest.mark.parametrize("name", FLAT)
def test_a_slope_of_zero_closes_minus_infinity(name, dtype):
    x = torch.tensor([-torch.inf, -2.0, torch.inf], dtype=dtype, requires_grad=True)
    functions_of_x = [torch_equivalent(name, **FLAT[name])]
    if name != "prelu":  # its module is torch's own, whose slope is learned
        functions_of_x += [module_for(name, **FLAT[name]), module_for(name, **FLAT[name]).eval()]
    for function in functions_of_x:
        y = function(x)
        (dx,) = torch.autograd.grad(y, x, torch.ones_like(y))
        assert y.tolist() == [0.0, 0.0, torch.inf]
        assert dx[:2].tolist() == [0.0, 0.0]
    wide = np.array([-np.inf, -2.0, np.inf])
    assert functions.get(name).forward(wide, **FLAT[name]).tolist() == [0.0, 0.0, np.inf]
    assert LeakyReLU2(0.0)(x).tolist() == [0.0, 0.0, torch.inf]


def test_where_torchs_own_functions_are_nan_is_what_the_documentation_lists():
    found, at_plus = set(), set()
    for name, entry in functions.CATALOGUE.items():
        if entry.kind == "elementwise":
            x = torch.tensor([-torch.inf, torch.inf], requires_grad=True)
            y = torch_equivalent(name)(x)
            y.sum().backward()
            if y.isnan().any() or x.grad.isnan().any():
                found.add(name)
            if x.grad[1].isnan():
                at_plus.add(name)
    assert found == {"softsign", "gelu", "gelu_tanh", "quick_gelu", "silu", "mish", "hardswish"}
    assert at_plus == found - {"hardswish"}
    for name in found:
        assert name in torch_equivalent.__doc__


# --- temperature after the shift ----------------------------------------------------------------


@pytest.mark.parametrize("dtype", TORCH_DTYPES)
@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
@pytest.mark.parametrize("temperature", [1e-18, 1e-3, 0.7, 50.0, 1e18])
def test_a_temperature_divides_what_was_shifted(temperature, name, dtype):
    x = torch.tensor([[100.0, 99.0, -100.0], [-3.0, -3.0, -torch.inf]], dtype=dtype)
    x.requires_grad_()
    wide = x.detach().double().numpy()
    for function in (
        torch_equivalent(name, temperature=temperature),
        module_for(name, temperature=temperature),
    ):
        y = function(x)
        exact = getattr(functions, name)(wide, temperature=temperature)
        wanted = torch.from_numpy(exact).to(dtype)
        near = {"rtol": 2 * torch.finfo(dtype).eps, "atol": torch.finfo(dtype).eps}
        torch.testing.assert_close(y, wanted, **near)
        upstream = torch.tensor([[1.0, 0.0, 0.0]] * 2, dtype=dtype)
        (dx,) = torch.autograd.grad(y, x, upstream)
        exact = getattr(functions, f"{name}_vjp")(
            wide, upstream.double().numpy(), temperature=temperature
        )
        wanted = torch.from_numpy(exact).to(dtype)
        size = min(1 / temperature, torch.finfo(dtype).max)
        near = {"rtol": 4 * torch.finfo(dtype).eps, "atol": 4 * torch.finfo(dtype).eps * size}
        torch.testing.assert_close(dx, wanted, **near)


# --- pickling, broadcasting ---------------------------------------------------------------------


@pytest.mark.parametrize("name", functions.CATALOGUE)
def test_every_module_pickles(name):
    module = module_for(name)
    again = pickle.loads(pickle.dumps(module))
    x = torch.linspace(-3, 3, 8)
    module.eval(), again.eval()
    torch.testing.assert_close(again(x), module(x))
    torch.testing.assert_close(copy.deepcopy(module)(x), module(x))


@pytest.mark.parametrize("gate", GATES)
def test_torch_equivalents_of_gates_broadcast_as_their_functions_do(gate):
    a, b = torch.linspace(-2, 2, 3)[:, None], torch.linspace(-1, 3, 4)
    got = torch_equivalent(gate)(a, b)
    wanted = functions.get(gate).forward(a.numpy(), b.numpy())
    torch.testing.assert_close(got, torch.from_numpy(wanted))


@pytest.mark.parametrize("make", [torch_equivalent, module_for])
def test_bounds_of_random_slopes_are_checked_wherever_they_are_given(make):
    with pytest.raises(ValueError, match="lower must not exceed upper"):
        make("rrelu", lower=0.5, upper=0.25)


# --- the range of parameters --------------------------------------------------------------------

ELEMENTWISE = [name for name, entry in functions.CATALOGUE.items() if entry.kind == "elementwise"]


@pytest.mark.parametrize("name", functions.CATALOGUE)
def test_a_parameter_outside_its_range_is_refused_with_the_range(name):
    entry = functions.get(name)
    for parameter in entry.parameters:
        bad = [1.1e18, -1.1e18, 1e308] + [9e-19, 1e-300] * (parameter.domain == "positive")
        for value in bad:
            for call in (entry.forward, entry.derivative, entry.jvp, entry.vjp, entry.partials):
                one = call in (entry.forward, entry.derivative) and entry.kind != "gated"
                arguments = [np.zeros(2)] * (1 if one else 2)
                if call is not None:
                    with pytest.raises(ValueError, match=f"^{parameter.name} must be .* 1e.?18|0"):
                        call(*arguments, **{parameter.name: value})
            for make in (torch_equivalent, module_for):
                with pytest.raises(ValueError, match=f"^{parameter.name} must be"):
                    make(name, **{parameter.name: value})


#: Parameters at the ends of their ranges, and others that only a product can lose.
EXTREME = [
    *((name, parameters) for name in ELEMENTWISE for parameters in ends(functions.get(name))),
    ("leaky_relu", {"slope": 5e-324}),
    ("silu", {"beta": 1e-300}),
    ("leaky_relu2", {"slope": 1e-200}),
]


@pytest.mark.parametrize("which", ["forward", "derivative"])
@pytest.mark.parametrize(("name", "parameters"), EXTREME, ids=str)
def test_the_ends_of_a_parameters_range_give_right_values(name, parameters, which):
    size = np.array([5e-324, 1e-300, 1e-40, 1e-20, 1e-18, 3e-7, 1.0, 25.0, 1e9, 1e18, 1e30, 1e300])
    x = np.concatenate([-size[::-1], [0.0], size])
    if name == "snake":  # a phase beyond float64 has no sine
        x = x[np.abs(x) <= 1e308 / max(parameters["alpha"], 1)]
    y = getattr(functions.get(name), which)(x, **parameters)
    exact = truth_at_extremes(name, which, x, **parameters)
    # A rounded product βx costs |βx| units of an exponential, which matter only where it is not 0.
    steep = abs(parameters.get("beta", 1 / parameters.get("alpha", np.inf)))
    with np.errstate(over="ignore"):
        slack = 8 + np.minimum(np.abs(x) * steep, 750)
    floor = sizes(name, which, x)
    if (name, which) == ("snake", "derivative"):
        floor = 1.0  # at a phase of 1e18 it is right to 1e-15 of its height, not of itself
    errors = errors_in_ulp(y, exact, floor=floor)
    assert (errors <= slack).all(), (x[errors > slack], y[errors > slack])


def truth_at_extremes(name, which, x, **parameters):
    """As ``truth``, with digits for products of 1e-300 and 1e18."""
    import mpmath

    formula = TRUTH[name][which != "forward"]
    values = []
    for value in x.tolist():
        with mpmath.workdps(1100):
            arguments = {key: mpmath.mpf(p) for key, p in parameters.items()}
            values.append(formula(mpmath.mpf(value), **arguments))
    return values


@pytest.mark.parametrize("temperature", [1e-18, 10.0, 1e18])
def test_logits_at_both_ends_of_float64_are_shifted_without_overflow(temperature):
    x = np.array([1.5e308, -1.5e308])
    wanted = [0.0, -1.5e308 / temperature * 2] if temperature > 2 else [0.0, -np.inf]
    with np.errstate(all="raise"):
        got = functions.log_softmax(x, temperature=temperature)
    np.testing.assert_allclose(got, wanted, rtol=1e-15)
    np.testing.assert_array_equal(functions.softmax(x, temperature=temperature), [1.0, 0.0])


# --- 1 − p at the winner ------------------------------------------------------------------------


def exact_products(x, v, temperature=1.0):
    """(J·v of softmax, J·v of log-softmax, Jᵀ·v of log-softmax) of one row, in multiprecision."""
    import mpmath

    with mpmath.workdps(700):
        weights = [mpmath.exp(mpmath.mpf(value) / temperature) for value in x]
        total = mpmath.fsum(weights)
        s = [weight / total for weight in weights]
        tangent = [mpmath.mpf(value) for value in v]
        mean = mpmath.fsum(a * b for a, b in zip(s, tangent, strict=True))
        upstream = mpmath.fsum(tangent)
        soft = [a * (b - mean) / temperature for a, b in zip(s, tangent, strict=True)]
        log = [(b - mean) / temperature for b in tangent]
        back = [(b - a * upstream) / temperature for a, b in zip(s, tangent, strict=True)]
        return [np.array([float(value) for value in row]) for row in (soft, log, back)]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("temperature", [1.0, 0.5])
@pytest.mark.parametrize(
    ("x", "v"),
    [
        ([40, 0], [1, 0]),
        ([40, 0], [1, 1]),
        ([0, 9, 1, -30], [2, 1, 0.5, -1]),
        ([0, 300, 1, -30], [2, 1, 0.5, -1]),
        ([12, 0, 0, 1], [-1, 0, 0, 0]),
        ([0.5, 0.25, 0], [1, -1, 2]),
        ([3, 3, -4], [1, 2, 5]),
    ],
)
def test_products_with_the_jacobian_keep_their_digits_at_the_winner(x, v, temperature, dtype):
    wide = functions.get("softmax"), functions.get("log_softmax")
    x, v = np.array(x, dtype), np.array(v, dtype)
    soft, log, back = exact_products(
        x.astype(float).tolist(), v.astype(float).tolist(), temperature
    )
    for got, exact in (
        (wide[0].jvp(x, v, temperature=temperature), soft),
        (wide[0].vjp(x, v, temperature=temperature), soft),
        (wide[1].jvp(x, v, temperature=temperature), log),
        (wide[1].vjp(x, v, temperature=temperature), back),
    ):
        # A probability e^−gap is off by up to gap ulp in float64.
        relative = 1e-13 if dtype == np.float64 else np.finfo(dtype).eps
        with np.errstate(over="ignore", under="ignore"):
            wanted = exact.astype(dtype).astype(float)
        np.testing.assert_allclose(
            got.astype(float), wanted, rtol=relative, atol=2 * float(np.finfo(dtype).tiny) * 2**-10
        )


# --- what is no plain array of numbers ----------------------------------------------------------


def calls(entry):
    """Every way to call an entry's functions with one array x."""
    if entry.kind == "elementwise":
        return [entry.forward, entry.derivative]
    if entry.kind == "vector":
        return [entry.forward, lambda x: entry.jvp(x, x), lambda x: entry.vjp(x, x)]
    return [
        lambda x: entry.forward(x, x),
        *(lambda x, i=i: entry.partials(x, x)[i] for i in (0, 1)),
    ]


OTHERS = [functions.erf, functions.erfc, functions.normal_cdf, functions.normal_pdf]
OTHERS += [functions.prelu_slope_derivative, functions.silu_beta_derivative]
EVERY_CALL = [
    *((name, call) for name, entry in functions.CATALOGUE.items() for call in calls(entry)),
    *((function.__name__, function) for function in OTHERS),
]


@pytest.mark.parametrize(("name", "call"), EVERY_CALL)
@pytest.mark.parametrize("dtype", [">f2", ">f4", ">f8"])
def test_results_have_the_machines_byte_order(dtype, name, call):
    x = np.array([[-1.5, 0.25, 3.0]])
    got = call(x.astype(dtype))
    assert got.dtype.isnative
    np.testing.assert_array_equal(got, call(x.astype(np.dtype(dtype).newbyteorder("="))))


@pytest.mark.parametrize(("name", "call"), EVERY_CALL)
@pytest.mark.parametrize("bits", [0x7C01, 0x7F800001, 0x7FF0000000000001])
def test_a_signalling_nan_is_a_nan(bits, name, call):
    unsigned, kind = {0x7C01: ("u2", "f2"), 0x7F800001: ("u4", "f4")}.get(bits, ("u8", "f8"))
    x = np.array([[bits, 0]], unsigned).view(kind)
    with np.errstate(all="raise"):
        y = call(x)
    assert y.dtype == kind
    # The derivative of the bilinear gate by a is b, and so on: each has one NaN at least.
    assert np.isnan(y[0, 0])


@pytest.mark.parametrize(("name", "call"), EVERY_CALL)
def test_masks_and_ragged_lists_are_refused_in_one_sentence(name, call):
    masked = np.ma.masked_array([1.0, 2.0], mask=[False, True])
    with pytest.raises(TypeError, match="is a masked array, whose mask would be lost"):
        call(masked)
    with pytest.raises(ValueError, match="must be numbers in rows of one length") as caught:
        call([[1.0, 2.0], [3.0]])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmax_takes_a_tuple_of_axes(name):
    entry = functions.get(name)
    rng = np.random.default_rng(0)
    x, v = rng.normal(size=(2, 3, 4, 5)) * 3, rng.normal(size=(2, 3, 4, 5))
    for axes in ((0, 2), (2, 0), (-1, 1), (3,), (0, 1, 2, 3)):
        flat_axes = sorted(axis % 4 for axis in axes)
        kept = [axis for axis in range(4) if axis not in flat_axes]

        def flat(array, kept=kept, flat_axes=flat_axes):
            moved = array.transpose(*kept, *flat_axes)
            return moved.reshape(*moved.shape[: len(kept)], -1)

        np.testing.assert_allclose(flat(entry.forward(x, axis=axes)), entry.forward(flat(x)))
        for product in (entry.jvp, entry.vjp):
            np.testing.assert_allclose(flat(product(x, v, axis=axes)), product(flat(x), flat(v)))
        got = torch_equivalent(name, axis=axes)(torch.from_numpy(x))
        np.testing.assert_allclose(got, entry.forward(x, axis=axes), rtol=1e-12)
    total = (
        np.exp(entry.forward(x, axis=(1, 2)))
        if name == "log_softmax"
        else entry.forward(x, axis=(1, 2))
    )
    np.testing.assert_allclose(total.sum((1, 2)), 1.0)
    assert entry.forward(np.float32(3), axis=(0,)).shape == ()
    assert entry.forward(np.zeros((2, 0, 3)), axis=(1, 2)).shape == (2, 0, 3)
    assert entry.forward(x, axis=np.int64(1)).shape == x.shape
    assert torch_equivalent(name, axis=np.int64(1))(torch.zeros(2, 3)).shape == (2, 3)
    for axes, error, words in (
        ((0, 0), ValueError, "may be given once"),
        ((0, -4), ValueError, "may be given once"),
        ((0, 9), ValueError, "axis 9 is out of range"),
        ((0, 0.5), TypeError, "axis must be an integer or a tuple of integers"),
    ):
        with pytest.raises(error, match=words):
            entry.forward(x, axis=axes)
        with pytest.raises(error, match=words):
            torch_equivalent(name, axis=axes)(torch.from_numpy(x))
