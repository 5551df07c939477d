"""The measured properties against closed forms, and the measuring itself on known functions."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest
import torch

from actlab.functions import CATALOGUE, SELU_ALPHA, SELU_SCALE, get, normal_cdf
from actlab.modules import torch_equivalent
from actlab.properties import (
    COLUMNS,
    Floats,
    Properties,
    Saved,
    find_bends,
    find_kinks,
    gaussian_moments,
    measure,
    overflow_points,
    property_table,
    saved_for_backward,
    zero_intervals,
)

INF = math.inf
ELEMENTWISE = [name for name, entry in CATALOGUE.items() if entry.kind == "elementwise"]


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@cache
def measured(name: str) -> Properties:
    return measure(name, torch=False)


def phi(x: float) -> float:
    return math.exp(-x * x / 2) / math.sqrt(2 * math.pi)


# --- closed forms -----------------------------------------------------------------------------

ROOT = math.sqrt(2 * math.pi)
#: E[f], E[f²], E[f′²] under N(0, 1) where a closed form exists.
MOMENTS = {
    "relu": (1 / ROOT, 1 / 2, 1 / 2),
    "leaky_relu": (0.99 / ROOT, (1 + 1e-4) / 2, (1 + 1e-4) / 2),
    "prelu": (0.75 / ROOT, (1 + 1 / 16) / 2, (1 + 1 / 16) / 2),
    "relu2": (1 / 2, 3 / 2, 2),
    "leaky_relu2": (5 / 8, 3 * (1 + 1 / 16) / 2, 4 * (1 + 1 / 16) / 2),
    # The fixed point that SELU is built on: mean 0 and variance 1 in, mean 0 and variance 1 out.
    "selu": (0, 1, SELU_SCALE**2 * (0.5 + SELU_ALPHA**2 * math.exp(2) * float(normal_cdf(-2)))),
    # E[xΦ(x)] = E[φ(x)] by Stein's lemma.
    "gelu": (1 / (2 * math.sqrt(math.pi)), None, None),
    "star_relu": (0, 1.5 * 0.8944**2 - 0.8944 * 0.4472 + 0.4472**2, 2 * 0.8944**2),
    "snake": ((1 - math.exp(-2)) / 2, None, 1 + (1 - math.exp(-8)) / 2),
    "xielu": (
        0.8 * (0.5 + math.exp(0.5) * float(normal_cdf(-1)) - 0.5 + 1 / ROOT),
        None,
        None,
    ),
    "sigmoid": (1 / 2, None, None),
    "tanh": (0, None, None),
    "softsign": (0, None, None),
    "elu": (
        1 / ROOT + math.exp(0.5) * float(normal_cdf(-1)) - 0.5,
        1 + math.exp(2) * float(normal_cdf(-2)) - 2 * math.exp(0.5) * float(normal_cdf(-1)),
        0.5 + math.exp(2) * float(normal_cdf(-2)),
    ),
    "relu6": (
        phi(0) - phi(6) + 6 * float(normal_cdf(-6)),
        None,
        float(normal_cdf(6)) - 0.5,
    ),
}


@pytest.mark.parametrize("name", MOMENTS)
def test_gaussian_moments_have_their_closed_forms(name):
    p = measured(name)
    got = (p.mean, p.second_moment, p.derivative_second_moment)
    for value, expected in zip(got, MOMENTS[name], strict=True):
        if expected is not None:
            assert value == pytest.approx(expected, abs=1e-13)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_gaussian_moments_agree_with_a_sample(name):
    """Slow and independent: a million draws, five standard errors."""
    x = np.random.default_rng(0).standard_normal(10**6)
    entry, p = get(name), measured(name)
    for sample, value in (
        (entry.forward(x), p.mean),
        (entry.forward(x) ** 2, p.second_moment),
        (entry.derivative(x) ** 2, p.derivative_second_moment),
    ):
        assert abs(sample.mean() - value) < 5 * sample.std() / 1000 + 1e-12


#: infimum, where, supremum, where
RANGES = {
    "sigmoid": (0, -INF, 1, INF),
    "log_sigmoid": (-INF, -INF, 0, INF),
    "tanh": (-1, -INF, 1, INF),
    "softsign": (-1, -INF, 1, INF),
    "softplus": (0, -INF, INF, INF),
    "relu": (0, 0, INF, INF),
    "relu6": (0, 0, 6, 6),
    "leaky_relu": (-INF, -INF, INF, INF),
    "elu": (-1, -INF, INF, INF),
    "selu": (-1.7580993408473766, -INF, INF, INF),
    "gelu": (-0.16997120747990369, -0.7517915246935645, INF, INF),
    "silu": (-0.27846454276107374, -1.2784645427610738, INF, INF),
    "hardswish": (-0.375, -1.5, INF, INF),
    "relu2": (0, 0, INF, INF),
    "leaky_relu2": (0, 0, INF, None),
    "star_relu": (-0.4472, 0, INF, INF),
    "snake": (-INF, -INF, INF, INF),
}


@pytest.mark.parametrize("name", RANGES)
def test_ranges_and_where_they_are_reached(name):
    p = measured(name)
    got = (p.infimum, p.infimum_at, p.supremum, p.supremum_at)
    for value, expected in zip(got, RANGES[name], strict=True):
        if expected is not None:
            assert value == pytest.approx(expected, abs=1e-15)


def test_silu_minimum_solves_its_own_equation():
    # σ(x)(1 + x(1 − σ(x))) = 0 is x = −1 − e^x, and the minimum is then x + 1.
    p = measured("silu")
    assert p.infimum_at == pytest.approx(-1 - math.exp(p.infimum_at), abs=1e-15)
    assert p.infimum == pytest.approx(p.infimum_at + 1, abs=1e-15)


#: f′: least and where, greatest and where
SLOPES = {
    "snake": (0, None, 2, None),
    "sigmoid": (0, None, 0.25, 0),
    "tanh": (0, None, 1, 0),
    "relu": (0, None, 1, None),
    "leaky_relu": (0.01, None, 1, None),
    "selu": (0, -INF, 1.7580993408473766, 0),
    "gelu": (-0.128904145185, -math.sqrt(2), 1.128904145185, math.sqrt(2)),
    "hardswish": (-0.5, -3, 1.5, 3),
    "relu2": (0, None, INF, INF),
    "leaky_relu2": (-INF, -INF, INF, INF),
}


@pytest.mark.parametrize("name", SLOPES)
def test_extremes_of_the_derivative(name):
    p = measured(name)
    low, low_at, high, high_at = SLOPES[name]
    assert p.derivative_minimum == pytest.approx(low, abs=1e-12)
    assert p.derivative_maximum == pytest.approx(high, abs=1e-12)
    # Flat tops are located to the square root of the precision.
    for value, expected in ((p.derivative_minimum_at, low_at), (p.derivative_maximum_at, high_at)):
        if expected is not None:
            assert value == pytest.approx(expected, abs=1e-7)
    assert p.lipschitz == pytest.approx(max(abs(low), abs(high)))


def test_monotone():
    falling = {name for name in ELEMENTWISE if not measured(name).monotone}
    assert falling == {
        "gelu",
        "gelu_tanh",
        "quick_gelu",
        "silu",
        "mish",
        "hardswish",
        "leaky_relu2",
        "xielu",
    }


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_measured_kinks_are_those_of_the_catalogue(name):
    p = measured(name)
    assert p.kinks == get(name).kinks()
    if p.kinks:
        assert p.smoothness == "C0"


def test_smoothness():
    once = {name for name in ELEMENTWISE if measured(name).smoothness == "C1"}
    assert once == {"softsign", "elu", "celu", "relu2", "leaky_relu2", "star_relu", "xielu"}


@pytest.mark.parametrize(
    ("name", "parameters", "kinks", "smoothness"),
    [
        ("elu", {"alpha": 1.5}, (0,), "C0"),
        ("celu", {"alpha": 0.3}, (), "C1"),
        ("leaky_relu", {"slope": 1.0}, (), "C2+"),
        ("silu", {"beta": 10.0}, (), "C2+"),
        ("softplus", {"beta": 10.0}, (), "C2+"),
        ("leaky_relu2", {"slope": 1.0}, (), "C2+"),
    ],
)
def test_kinks_and_smoothness_follow_the_parameters(name, parameters, kinks, smoothness):
    p = measure(name, torch=False, **parameters)
    assert p.parameters == parameters
    assert p.kinks == kinks
    assert p.smoothness == smoothness


def test_kinks_are_found_off_the_grid_and_not_taken_on_trust():
    place = 0.123456789
    assert find_kinks(lambda x: np.abs(x - place), lambda x: np.sign(x - place)) == (place,)
    # A derivative that claims a jump which the function does not have.
    assert find_kinks(lambda x: 2.0 * x, lambda x: 2.0 + (x > 1)) == ()
    assert find_bends(lambda x: np.abs(x - 0.5)) == (0.5,)


def test_moments_need_their_breaks():
    def step(x):
        return (x > 0.3).astype(float)

    exact = float(normal_cdf(-0.3))
    with_break = gaussian_moments(step, step, (0.3,))
    assert with_break == pytest.approx((exact,) * 3, abs=1e-14)
    assert abs(gaussian_moments(step, step)[0] - exact) > 1e-6


# --- floating point ---------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_codes_walk_through_the_numbers(dtype):
    floats = Floats.of(dtype)
    kind = np.dtype(dtype).type
    ends = floats.values(np.array([-1 - floats.top, -1, 0, 1, floats.top]))
    information = np.finfo(kind)
    expected = [-information.max, -0.0, 0.0, information.smallest_subnormal, information.max]
    assert ends.dtype == kind
    assert ends.tolist() == expected
    values = floats.values(floats.codes()).astype(np.float64)
    assert np.all(np.diff(values) >= 0)
    if dtype == "float16":
        assert values.size == 63_488


def test_bfloat16_codes_are_its_numbers():
    values = Floats.of("bfloat16").values(Floats.of("bfloat16").codes())
    assert values.size == 65_280
    t = torch.from_numpy(values)
    assert torch.equal(t.to(torch.bfloat16).float(), t)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_zero_intervals_and_overflow_points_are_exact_to_the_last_number(dtype):
    kind = np.dtype(dtype).type
    edge = kind(1.2345)
    floats = Floats.of(dtype)
    below = np.nextafter(edge, kind(-INF))
    assert zero_intervals(lambda x: np.where(x < edge, 0.0, 1.0), floats) == ((-INF, float(below)),)
    inside = zero_intervals(lambda x: np.where((x >= edge) & (x <= 2), 0.0, 1.0), floats)
    assert inside == ((float(edge), 2.0),)
    assert zero_intervals(lambda x: x, floats) == ()
    assert zero_intervals(np.zeros_like, floats) == ((-INF, INF),)
    points = overflow_points(lambda x: np.where(x >= edge, INF, x), floats)
    assert points == (None, float(edge))


def test_dead_intervals():
    assert measured("relu").dead == dict.fromkeys(measured("relu").dead, ((-INF, 0.0),))
    assert measured("relu6").dead["float32"] == ((-INF, 0.0), (6.0, INF))
    assert measured("hardswish").dead["float64"] == ((-INF, -3.0),)
    assert measured("leaky_relu").dead["float16"] == ()
    (low, high) = measured("tanh").dead["float32"]
    # 4e^−2x rounds to 0 below half the smallest float32, 2^−150.
    assert high[0] == pytest.approx((math.log(4) + 150 * math.log(2)) / 2, abs=1e-5)
    assert low == (-INF, -high[0])


def test_overflow():
    assert measured("relu2").overflow["float16"] == (None, 256.0)
    assert measured("leaky_relu2").overflow["float16"] == (-512.0, 256.0)
    assert measured("relu").overflow["float32"] == (None, None)
    negative, positive = measured("relu2").overflow["float64"]
    assert negative is None
    assert positive == pytest.approx(2.0**512, rel=1e-12)


def test_zero_share():
    assert measured("relu").zero_share == pytest.approx(0.5, abs=1e-15)
    assert measured("hardswish").zero_share == pytest.approx(float(normal_cdf(-3)), rel=1e-12)
    assert measured("leaky_relu2").zero_share == 0
    assert 0 < measured("gelu").zero_share < 1e-40


# --- torch ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("function", "saved"),
    [
        (torch.relu, Saved(4, "output")),
        (torch.sigmoid, Saved(4, "output")),
        (torch.nn.functional.gelu, Saved(4, "input")),
        (lambda x: x * torch.sigmoid(x), Saved(8, "input + other")),
        (lambda x: 2 * x, Saved(0, "nothing")),
        (lambda x: torch.where(x > 0, x, 0.1 * x), Saved(1, "other")),
    ],
)
def test_saved_for_backward(function, saved):
    assert saved_for_backward(function) == saved


def test_torch_side_is_measured_on_torch():
    p = measure("tanh")
    assert p.saved == Saved(4, "output")
    assert set(p.torch_dead) == {"bfloat16", "float16", "float32", "float64"}
    # 1 − tanh² is 0 as soon as tanh rounds to 1: far earlier than the true derivative vanishes.
    assert p.torch_dead["float32"][1][0] < 10 < p.dead["float32"][1][0]
    for dtype, (low, high) in p.torch_dead.items():
        edge = torch.tensor(high[0], dtype=getattr(torch, dtype))
        below = torch.nextafter(edge, torch.zeros_like(edge))
        t = torch.stack([edge, below]).repeat(64).requires_grad_()
        torch_equivalent("tanh")(t).sum().backward()
        assert t.grad[0] == 0
        assert t.grad[1] != 0
        assert low == (-INF, -high[0])


def test_torch_is_left_alone_when_not_asked_for():
    p = measured("relu")
    assert p.torch_dead is p.torch_overflow is p.saved is None


# --- the table --------------------------------------------------------------------------------


def test_the_table_has_a_text_for_every_column():
    rows = property_table()
    assert len(rows) == len(ELEMENTWISE)
    for row in rows:
        assert list(row) == list(COLUMNS)
        assert all(row.values())
        assert "nan" not in " ".join(row.values()).replace("tanh", "").lower()
    by_name = {row["Function"].split(" (")[0]: row for row in rows}
    assert by_name["ReLU"]["Range"] == "[0, ∞)"
    assert by_name["ReLU6"]["Range"] == "[0, 6]"
    assert by_name["Tanh"]["Range"] == "(−1, 1)"
    assert by_name["SELU"]["E f"] == "0.0000"
    assert by_name["SELU"]["E f²"] == "1.0000"
    assert by_name["ReLU"]["Zero gradient, bfloat16"] == "x ≤ 0"
    assert by_name["Leaky ReLU"]["Zero gradient, float32"] == "nowhere"
    assert by_name["ReLU²"]["Overflow, float16"] == "256"
    assert by_name["Sigmoid"]["Minimum at"] == "not reached"
    assert by_name["Hard-swish"]["Kinks"] == "−3, 3"


def test_the_table_takes_names():
    assert [row["Function"] for row in property_table(["tanh", "relu"])] == ["Tanh", "ReLU"]


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: measure("softmax"), ValueError, "only elementwise functions are measured"),
        (lambda: measure("rely"), ValueError, "did you mean"),
        (lambda: measure("relu", slope=0.1), TypeError, "relu has no parameter 'slope'"),
        (lambda: measure("celu", alpha=0), ValueError, "greater than 0"),
    ],
)
def test_bad_arguments_raise_one_sentence(call, error, words):
    with pytest.raises(error, match=words):
        call()


# --- far from the origin, and close to it -------------------------------------------------------


@pytest.mark.parametrize("beta", [1e-9, 0.001, 0.02, 0.05, 0.3, 3.0, 40.0, 1e6, -0.02])
def test_silu_is_the_same_curve_at_every_steepness(beta):
    """x·σ(βx) is silu(βx)/β: minimum, slopes and monotony follow, wherever they lie."""
    p, one = measure("silu", torch=False, beta=beta), measured("silu")
    assert not p.monotone
    if beta > 0:
        assert p.infimum == pytest.approx(one.infimum / beta, rel=1e-14)
        assert p.infimum_at == pytest.approx(one.infimum_at / beta, rel=1e-14)
        assert p.supremum == INF
    else:
        assert p.supremum == pytest.approx(one.infimum / beta, rel=1e-14)
        assert p.supremum_at == pytest.approx(one.infimum_at / beta, rel=1e-14)
        assert p.infimum == -INF
    assert p.lipschitz == pytest.approx(one.lipschitz, rel=1e-12)
    assert p.derivative_minimum == pytest.approx(one.derivative_minimum, rel=1e-9)
    assert p.derivative_minimum_at == pytest.approx(one.derivative_minimum_at / beta, rel=1e-6)
    assert p.derivative_maximum == pytest.approx(one.derivative_maximum, rel=1e-12)
