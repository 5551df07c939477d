"""Forward and derivative against multiprecision, against torch, and at the edges of each dtype."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch
from functions_reference import (
    FLOAT64_ULP,
    LIMITS,
    OTHER,
    TRUTH,
    errors_in_ulp,
    sizes,
    truth,
)

from actlab.functions import CATALOGUE, erf, erfc, get, normal_cdf, normal_pdf
from actlab.modules import torch_equivalent

ELEMENTWISE = [name for name, entry in CATALOGUE.items() if entry.kind == "elementwise"]
WHICH = ("forward", "derivative")
DTYPES = (np.float16, np.float32, np.float64)

#: The stated accuracy in float32 and float16: the true value, rounded (½ ulp), but for float64's
#: own error in front of that rounding.
NARROW_ULP = 0.5 + 1e-4


@cache
def grid(seed: int = 0) -> np.ndarray:
    """Dense where functions bend, spread over the tails, plus the hard points."""
    rng = np.random.default_rng(seed)
    tiny = np.geomspace(np.finfo(np.float64).smallest_subnormal, 0.1, 30)
    return np.concatenate(
        [
            np.linspace(-8, 8, 129),
            rng.uniform(-10, 10, 60),
            rng.uniform(-37.4, 37.4, 60),
            rng.uniform(-700, 700, 40),
            tiny,
            -tiny,
            # Where a branch or a formula changes, with its neighbours.
            *[
                np.nextafter(p, [p - 1, p, p + 1])
                for p in (-6.0, -5.656854249492381, -3.0, -0.67448975, -1.0, 0.0, 1.0, 3.0, 6.0)
            ],
            # Exponentials near the ends of float64 (±708.4, ±709.8) and of float32 (±88.7).
            [-708.0, 708.0, 709.5, 709.9, 745.2, -87.0, 88.5, 88.9, -104.0, -16.7, 16.7, 36.8],
        ]
    )


@cache
def exact(name: str, which: str, dtype: type = np.float64) -> list:
    return truth(name, which, grid().astype(dtype).astype(np.float64))


def function(name: str, which: str):
    return getattr(CATALOGUE[name], which)


def test_the_tables_cover_the_catalogue():
    assert set(FLOAT64_ULP) == set(TRUTH) == set(ELEMENTWISE) == set(LIMITS)


@pytest.mark.parametrize("which", WHICH)
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_float64_is_within_its_bound(name, which):
    x = grid()
    y, floor = function(name, which)(x), sizes(name, which, x)
    errors = errors_in_ulp(y, exact(name, which), floor=floor)
    worst = np.argmax(errors)
    bound = FLOAT64_ULP[name][WHICH.index(which)]
    assert errors[worst] <= bound, f"{errors[worst]:.2f} ulp at x = {x[worst]!r}"


@pytest.mark.parametrize("which", WHICH)
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_float32_is_the_rounded_truth(name, which):
    with np.errstate(over="ignore", under="ignore"):
        x = grid().astype(np.float32)
    y = function(name, which)(x)
    assert y.dtype == np.float32
    errors = errors_in_ulp(y, exact(name, which, np.float32), np.float32)
    worst = np.argmax(errors)
    assert errors[worst] <= NARROW_ULP, f"{errors[worst]:.4f} ulp at x = {x[worst]!r}"


@cache
def every_float16() -> np.ndarray:
    return np.arange(2**16, dtype=np.uint16).view(np.float16)


@pytest.mark.parametrize("which", WHICH)
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_every_float16_is_the_rounded_truth(name, which):
    """All 63,488 finite inputs, against torch's own float64 function and its autograd."""
    x = every_float16()
    x = x[np.isfinite(x)]
    t = torch.tensor(x.astype(np.float64), requires_grad=True)
    y = torch_equivalent(name)(t)
    y.sum().backward()
    reference = (y.detach() if which == "forward" else t.grad).numpy()
    with np.errstate(all="raise"):
        got = function(name, which)(x)
    assert got.dtype == np.float16
    overflowing = np.abs(reference) >= 65520  # what rounds beyond the largest, 65504
    assert np.array_equal(got[overflowing], np.copysign(np.inf, reference[overflowing]))
    # The largest has no neighbour above: its spacing is that of its lower neighbours.
    rounded = np.minimum(np.abs(reference), 65472).astype(np.float16)
    spacing = np.spacing(rounded).astype(float)
    errors = np.abs(got.astype(float) - reference)[~overflowing] / spacing[~overflowing]
    # np.spacing looks at the rounded size, which may be one binade up or down from the exact one.
    assert errors.max() <= 0.5 + 2e-3, x[~overflowing][np.argmax(errors)]


@pytest.mark.parametrize(
    "name", sorted({"gelu", "silu", "mish", "gelu_tanh", "elu", "log_sigmoid"})
)
@pytest.mark.parametrize("which", WHICH)
def test_float16_sample_against_multiprecision(name, which):
    """The reference of the exhaustive test is torch; here it is mpmath, on every 173rd value."""
    x = every_float16()
    x = x[np.isfinite(x) & (np.abs(x.astype(float)) < 700)][::173]
    errors = errors_in_ulp(
        function(name, which)(x), truth(name, which, x.astype(float)), np.float16
    )
    assert errors.max() <= NARROW_ULP


@pytest.mark.parametrize("which", WHICH)
@pytest.mark.parametrize(
    ("name", "parameters"), [(name, values) for name in OTHER for values in OTHER[name]], ids=str
)
def test_other_parameters_are_within_their_bound(name, parameters, which):
    # A rounded product βx or quotient x/α costs |βx| half ulp in the exponential.
    x = grid()[np.abs(grid()) < 40]
    y = function(name, which)(x, **parameters)
    scale = {"beta": parameters.get("beta", 0), "alpha": 1 / parameters.get("alpha", np.inf)}
    amplification = np.abs(x) * max(abs(value) for value in scale.values())
    floor = sizes(name, which, x)
    if (name, which) == ("silu", "derivative"):
        floor = 0.125  # its zero moves with β
    errors = errors_in_ulp(y, truth(name, which, x, **parameters), floor=floor)
    assert (errors <= 2 * max(FLOAT64_ULP[name]) + 1 + amplification).all()


# --- edges ------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_limits_and_nan(name, dtype):
    x = np.array([-np.inf, np.inf, np.nan], dtype)
    with np.errstate(all="raise"):
        y, d = function(name, "forward")(x), function(name, "derivative")(x)
    expected = np.array(LIMITS[name]).astype(dtype)
    assert np.array_equal(y[:2], expected[:2])
    assert np.array_equal(d[:2], expected[2:], equal_nan=True)  # NaN: there is no limit
    assert np.isnan(y[2])
    assert np.isnan(d[2])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_extremes_are_as_good_as_the_limits(name, dtype):
    """The largest finite numbers, where squares and exponentials of the input overflow."""
    largest = np.finfo(dtype).max
    x = np.array([-largest, largest], dtype)
    with np.errstate(all="raise"):
        y, d = function(name, "forward")(x), function(name, "derivative")(x)
    low, high, low_slope, high_slope = LIMITS[name]
    for value, limit, slope, given in zip(y, (low, high), (low_slope, high_slope), x, strict=True):
        if np.isfinite(limit):
            assert abs(value - dtype(limit)) <= 2 * np.finfo(dtype).eps
        elif np.isinf(slope):
            assert value == np.inf
        elif np.isnan(slope):
            assert value == given
        else:
            linear = float(given) * slope  # Python floats overflow to inf in silence
            expected = linear if abs(linear) <= float(largest) else limit
            assert float(value) == pytest.approx(expected, rel=float(np.finfo(dtype).eps))
    for value, slope, given in zip(d, (low_slope, high_slope), x, strict=True):
        if np.isnan(slope):
            assert 0 <= value <= 2
        elif np.isinf(slope):  # the squares' derivatives, 2x and ½x, are not there yet
            assert np.sign(value) == np.sign(given)
            assert np.abs(value) >= largest / 2
        else:
            assert value == dtype(slope)


@pytest.mark.parametrize(
    ("name", "parameters", "low", "low_slope"),
    [
        ("leaky_relu", {"slope": 0.0}, 0, 0),
        ("prelu", {"slope": -0.5}, np.inf, -0.5),
        ("rrelu", {"slope": 0.0}, 0, 0),
        ("leaky_relu2", {"slope": 0.0}, 0, 0),
        ("elu", {"alpha": 2.0}, -2, 0),
        ("elu", {"alpha": 0.0}, 0, 0),
        ("celu", {"alpha": 2.0}, -2, 0),
        ("silu", {"beta": 0.0}, -np.inf, 0.5),
        ("silu", {"beta": -1.0}, -np.inf, 1),
        ("softplus", {"beta": 3.0}, 0, 0),
    ],
)
def test_limits_with_parameters(name, parameters, low, low_slope):
    with np.errstate(all="raise"):
        assert function(name, "forward")(-np.inf, **parameters) == low
        assert function(name, "derivative")(-np.inf, **parameters) == low_slope


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_subnormal_inputs_raise_no_warning(name, dtype):
    tiny = np.finfo(dtype).smallest_subnormal
    x = np.array([-tiny, tiny, -0.0, 0.0], dtype)
    with np.errstate(all="raise"):
        y = function(name, "forward")(x)
        function(name, "derivative")(x)
    assert np.isfinite(y).all()


def test_left_tails_last_until_underflow():
    """What the textbook forms lose: each value is a normal float32 and far from 0."""
    x = np.float32(-12.5)
    assert get("gelu").forward(x) == pytest.approx(-12.5 * 3.732564298877713e-36, rel=1e-6)
    assert get("gelu").derivative(np.float32(-12)) < 0
    assert get("silu").forward(np.float32(-90)) == pytest.approx(-90 * np.exp(-90.0), rel=1e-6)
    assert get("log_sigmoid").forward(np.float32(80)) == pytest.approx(-np.exp(-80.0), rel=1e-6)
    assert get("tanh").derivative(np.float32(20)) == pytest.approx(4 * np.exp(-40.0), rel=1e-6)


# --- the normal distribution ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ours", "exact_value", "bound", "low", "high"),
    [
        (normal_cdf, lambda m, x: m.erfc(-x / m.sqrt(2)) / 2, 8.0, -37.4, 9),
        (normal_pdf, lambda m, x: m.exp(-x * x / 2) / m.sqrt(2 * m.pi), 4.0, -37.4, 37.4),
        (erf, lambda m, x: m.erf(x), 3.0, -6.5, 6.5),
        (erfc, lambda m, x: m.erfc(x), 8.0, -6, 26.0),
    ],
    ids=["cdf", "pdf", "erf", "erfc"],
)
def test_normal_distribution(ours, exact_value, bound, low, high):
    import mpmath

    rng = np.random.default_rng(1)
    x = np.concatenate([np.linspace(low, high, 300), rng.uniform(low, high, 300), [1e-300, 1e-9]])
    with mpmath.workdps(50):
        target = [exact_value(mpmath.mp, mpmath.mpf(v)) for v in x.tolist()]
    errors = errors_in_ulp(ours(x), target)
    assert errors.max() <= bound, x[np.argmax(errors)]


def test_normal_distribution_at_infinity():
    with np.errstate(all="raise"):
        x = np.array([-np.inf, np.inf, np.nan])
        assert np.array_equal(normal_cdf(x), [0, 1, np.nan], equal_nan=True)
        assert np.array_equal(normal_pdf(x), [0, 0, np.nan], equal_nan=True)
        assert np.array_equal(erf(x), [-1, 1, np.nan], equal_nan=True)
        assert np.array_equal(erfc(x), [2, 0, np.nan], equal_nan=True)
