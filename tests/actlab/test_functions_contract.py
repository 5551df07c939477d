"""What every function promises beside its values: dtypes, shapes, inputs left alone, errors."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from adversary import GATES
from functions_reference import TRUTH
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import actlab.functions as functions
from actlab.functions import (
    CATALOGUE,
    Activation,
    get,
    leaky_relu,
    log_softmax,
    prelu,
    prelu_slope_derivative,
    relu,
    rrelu,
    rrelu_derivative,
    silu,
    silu_beta_derivative,
    softmax,
    softmax_vjp,
    swiglu,
    swish,
)

ELEMENTWISE = [name for name, entry in CATALOGUE.items() if entry.kind == "elementwise"]
GATED = [name for name, entry in CATALOGUE.items() if entry.kind == "gated"]


def calls(entry: Activation):
    """Every way to call an entry's functions with one array x."""
    if entry.kind == "elementwise":
        return [entry.forward, entry.derivative]
    if entry.kind == "vector":
        return [
            entry.forward,
            lambda x: entry.jvp(x, x),
            lambda x: entry.vjp(x, x),
        ]
    return [
        lambda x: entry.forward(x, x),
        lambda x: entry.partials(x, x)[0],
        lambda x: entry.partials(x, x)[1],
    ]


# --- the catalogue as data --------------------------------------------------------------------


def test_the_catalogue_has_the_course_in_its_order():
    assert list(TRUTH) == ELEMENTWISE
    assert [*GATES, "clamped_swiglu"] == GATED
    assert [name for name, entry in CATALOGUE.items() if entry.kind == "vector"] == [
        "softmax",
        "log_softmax",
    ]


@pytest.mark.parametrize("entry", CATALOGUE.values(), ids=lambda entry: entry.name)
def test_entries_are_complete(entry):
    assert entry.title
    assert entry.formula.count("{") == entry.formula.count("}")
    assert entry.derivative_formula
    assert entry.paper == entry.paper.lower()
    assert any(c.isdigit() for c in entry.paper)
    assert getattr(functions, entry.name) is entry.forward
    assert (entry.derivative is not None) == (entry.kind == "elementwise")
    assert (entry.jvp is not None) == (entry.vjp is not None) == (entry.kind == "vector")
    assert (entry.partials is not None) == (entry.kind == "gated")
    for function in (entry.forward, entry.derivative, entry.jvp, entry.vjp, entry.partials):
        assert function is None or function.__doc__


@pytest.mark.parametrize("entry", CATALOGUE.values(), ids=lambda entry: entry.name)
def test_parameters_are_those_of_the_signature(entry):
    all_of_it = (entry.forward, entry.derivative, entry.jvp, entry.vjp, entry.partials)
    for function in filter(None, all_of_it):
        signature = inspect.signature(function)
        for parameter in entry.parameters:
            assert signature.parameters[parameter.name].default == parameter.default
    for parameter in entry.parameters:
        assert parameter.low <= parameter.default <= parameter.high
        assert parameter.meaning
        assert parameter.symbol
    assert entry.defaults == {p.name: p.default for p in entry.parameters}


def test_the_catalogue_cannot_be_changed():
    with pytest.raises(TypeError):
        CATALOGUE["relu"] = None
    with pytest.raises(AttributeError):
        CATALOGUE["relu"].title = "other"


def test_get_understands_aliases_and_spellings():
    assert get("swish") is get("SiLU") is CATALOGUE["silu"]
    assert get("hard-swish") is CATALOGUE["hardswish"]
    assert get("Leaky ReLU") is CATALOGUE["leaky_relu"]
    assert swish is silu


def test_an_entry_can_be_called():
    assert get("leaky_relu")(-1.0, slope=0.5) == -0.5


@pytest.mark.parametrize(
    ("name", "words"), [("gelo", "did you mean gelu"), ("quux!", "known are sigmoid, ")]
)
def test_get_names_what_comes_nearest(name, words):
    with pytest.raises(ValueError, match=words):
        get(name)


def test_get_wants_text():
    with pytest.raises(TypeError, match="must be text"):
        get(3)


def test_all_lists_every_function_once():
    assert len(set(functions.__all__)) == len(functions.__all__)
    for name in functions.__all__:
        assert hasattr(functions, name)
    assert {f"{name}_derivative" for name in ELEMENTWISE} <= set(functions.__all__)


# --- arrays -----------------------------------------------------------------------------------


@pytest.mark.parametrize("entry", CATALOGUE.values(), ids=lambda entry: entry.name)
@given(
    x=hnp.arrays(
        dtype=st.sampled_from([np.float16, np.float32, np.float64]),
        shape=hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
        elements={"allow_subnormal": True},
    )
)
@settings(max_examples=25, deadline=None)
def test_dtype_and_shape_are_kept_and_nothing_is_modified(entry, x):
    before = x.copy()
    x.setflags(write=False)
    for call in calls(entry):
        with np.errstate(all="raise"):
            y = call(x)
        assert y.dtype == x.dtype
        assert y.shape == x.shape
        assert isinstance(y, np.ndarray if x.ndim else np.floating)
        assert np.array_equal(x, before, equal_nan=True)
        assert not (x.ndim and np.shares_memory(x, y))


@pytest.mark.parametrize("entry", CATALOGUE.values(), ids=lambda entry: entry.name)
def test_integers_booleans_numbers_and_lists(entry):
    for call in calls(entry):
        expected = call(np.array([0.0, 1.0]))
        assert expected.dtype == np.float64
        for x in ([0, 1], [False, True], (0.0, 1.0), np.array([0, 1], np.int8)):
            y = call(x)
            assert y.dtype == np.float64
            np.testing.assert_array_equal(y, expected)
        assert isinstance(call(1), np.float64)


@pytest.mark.parametrize("entry", CATALOGUE.values(), ids=lambda entry: entry.name)
def test_memory_layout_does_not_matter(entry):
    x = np.random.default_rng(0).normal(size=(4, 6))
    for call in calls(entry):
        expected = call(x)
        np.testing.assert_array_equal(call(np.asfortranarray(x)), expected)
        wide = np.repeat(x, 2, axis=1)
        np.testing.assert_array_equal(call(wide[:, ::2]), expected)
        np.testing.assert_array_equal(call(x.astype(">f8")), expected)


@pytest.mark.parametrize("entry", CATALOGUE.values(), ids=lambda entry: entry.name)
@pytest.mark.parametrize(
    "x", [np.array([1j]), np.array(["a"]), np.array([None]), np.array([1], np.longdouble)]
)
def test_other_dtypes_are_refused(entry, x):
    for call in calls(entry):
        with pytest.raises(TypeError, match="must hold float16, float32, float64"):
            call(x)


# --- parameters -------------------------------------------------------------------------------


@pytest.mark.parametrize("entry", CATALOGUE.values(), ids=lambda entry: entry.name)
def test_bad_parameter_values_are_refused(entry):
    for parameter in entry.parameters:
        bad = [(np.nan, ValueError), (np.inf, ValueError), ("steep", TypeError), (1j, TypeError)]
        if parameter.domain == "positive":
            bad += [(0.0, ValueError), (-1.0, ValueError)]
        for value, error in bad:
            inputs = [[1.0, -1.0]] * (2 if entry.kind == "gated" else 1)
            for function in filter(None, (entry.forward, entry.derivative, entry.partials)):
                with pytest.raises(error, match=f"^{parameter.name} must be") as caught:
                    function(*inputs, **{parameter.name: value})
                assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "entry", [e for e in CATALOGUE.values() if e.kind == "elementwise"], ids=lambda e: e.name
)
def test_array_parameters_broadcast_to_the_input(entry):
    x = np.random.default_rng(0).normal(size=(2, 3, 4))
    for parameter in entry.parameters:
        low = 0.0 if parameter.name == "lower" else 0.4
        values = np.linspace(low, low + 0.3, 3)
        for function in (entry.forward, entry.derivative):
            y = function(x, **{parameter.name: values[:, None]})
            for channel, value in enumerate(values):
                alone = function(x[:, channel], **{parameter.name: value})
                np.testing.assert_array_equal(y[:, channel], alone)
        with pytest.raises(ValueError, match="does not broadcast to the input's shape"):
            entry.forward(x, **{parameter.name: np.full(5, 0.5)})
        # A parameter must not enlarge the result either.
        with pytest.raises(ValueError, match="does not broadcast"):
            entry.forward(x[0, 0], **{parameter.name: np.full((3, 4), 0.5)})


def test_float64_parameters_do_not_widen_the_result():
    x = np.ones((2, 3), np.float16)
    assert prelu(x, np.array([0.1, 0.2, 0.3])).dtype == np.float16
    assert silu(x, beta=np.float64(1.5)).dtype == np.float16


def test_rrelu_trains_with_samples_and_evaluates_with_the_mean():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200,))
    slope = rng.uniform(1 / 8, 1 / 3, x.shape)
    np.testing.assert_array_equal(rrelu(x, slope), np.where(x > 0, x, slope * x))
    np.testing.assert_array_equal(rrelu_derivative(x, slope), np.where(x > 0, 1, slope))
    np.testing.assert_array_equal(rrelu(x, lower=0.25, upper=0.75), leaky_relu(x, 0.5))
    with pytest.raises(ValueError, match="lower must not exceed upper"):
        rrelu(x, lower=0.5, upper=0.25)


def test_derivatives_by_parameters():
    x = np.random.default_rng(0).normal(size=50) * 3
    step = 1e-6
    by_slope = (prelu(x, 0.25 + step) - prelu(x, 0.25 - step)) / (2 * step)
    np.testing.assert_allclose(prelu_slope_derivative(x), by_slope, atol=1e-8)
    by_beta = (silu(x, 1.3 + step) - silu(x, 1.3 - step)) / (2 * step)
    np.testing.assert_allclose(silu_beta_derivative(x, 1.3), by_beta, atol=1e-8)
    with np.errstate(all="raise"):
        assert np.array_equal(silu_beta_derivative([-np.inf, np.inf]), [0, 0])


# --- kinks ------------------------------------------------------------------------------------


def one_sided_slopes(forward, point: float, **parameters) -> tuple[float, float]:
    """Left and right difference quotients, extrapolated to step 0."""
    quotients = []
    for sign in (-1, 1):
        steps = sign * np.array([1e-4, 5e-5])
        base = forward(point, **parameters)
        wide, narrow = ((forward(point + h, **parameters) - base) / h for h in steps)
        quotients.append(2 * narrow - wide)
    return tuple(quotients)


PARAMETERS = [
    {"slope": 1.0},
    {"slope": 0.3},
    {"alpha": 1.0},
    {"alpha": 1.5},
    {"beta": 2.0},
    {"lower": 1.0, "upper": 1.0},
    {},
]


KINK_CASES = [
    (name, parameters)
    for name in ELEMENTWISE
    for parameters in PARAMETERS
    if set(parameters) <= set(CATALOGUE[name].defaults)
]


@pytest.mark.parametrize(("name", "parameters"), KINK_CASES, ids=str)
def test_kinks_are_where_one_sided_slopes_differ(name, parameters):
    entry = get(name)
    kinks = entry.kinks(**parameters)
    candidates = {-6.0, -3.0, -1.0, 0.0, 1.0, 3.0, 6.0}
    assert set(kinks) <= candidates
    for point in candidates:
        left, right = one_sided_slopes(entry.forward, point, **parameters)
        assert (abs(left - right) > 1e-3) == (point in kinks), point
        convention = entry.derivative(point, **parameters)
        # The outer piece: left of the left kink, right of the right one.
        outer = right if point in kinks and point == max(kinks) and len(kinks) > 1 else left
        assert convention == pytest.approx(outer, abs=1e-4)


# --- softmax ----------------------------------------------------------------------------------


@pytest.mark.parametrize("function", [softmax, log_softmax])
@pytest.mark.parametrize(
    ("keywords", "error", "words"),
    [
        ({"axis": 2}, ValueError, "axis 2 is out of range for an array with 2 axes"),
        ({"axis": -3}, ValueError, "axis -3 is out of range"),
        ({"axis": 0.5}, TypeError, "axis must be an integer or a tuple"),
        ({"axis": None}, TypeError, "axis must be an integer or a tuple"),
        ({"temperature": 0}, ValueError, "temperature must be greater than 0"),
        ({"temperature": [1, 2]}, ValueError, "does not broadcast"),
    ],
)
def test_softmax_refuses_bad_arguments(function, keywords, error, words):
    with pytest.raises(error, match=words):
        function(np.ones((2, 3)), **keywords)


def test_softmax_tangents_have_the_shape_of_x():
    for name in ("softmax", "log_softmax"):
        for product, letter in ((get(name).jvp, "v"), (get(name).vjp, "g")):
            with pytest.raises(ValueError, match=f"{letter} must have the shape of x"):
                product(np.ones((2, 3)), np.ones(3))


# --- gated ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", GATED)
def test_gated_broadcasts_and_takes_the_wider_dtype(name):
    entry = get(name)
    a = np.random.default_rng(0).normal(size=(3, 1)).astype(np.float16)
    b = np.random.default_rng(1).normal(size=4).astype(np.float32)
    y = entry.forward(a, b)
    assert y.shape == (3, 4)
    assert y.dtype == np.float32
    for partial in entry.partials(a, b):
        assert partial.shape == (3, 4)
        assert partial.dtype == np.float32
        partial[0, 0] = 7.0  # writable, and nobody else's memory
    assert b[0] != 7.0
    with pytest.raises(ValueError, match="do not broadcast together"):
        entry.forward(np.ones(3), np.ones(4))


def test_the_gate_is_a_and_not_b():
    assert swiglu(-30.0, 2.0) == pytest.approx(0, abs=1e-10)
    assert swiglu(2.0, -30.0) < -50
    assert get("reglu").forward(-1.0, 5.0) == 0


def test_no_limit_is_nan_without_a_warning():
    with np.errstate(all="raise"):
        assert np.isnan(swiglu(-np.inf, np.inf))
        assert swiglu(-np.inf, 3.0) == 0
        assert swiglu(np.inf, -2.0) == -np.inf


def test_relu_keeps_exact_values_in_every_dtype():
    for dtype in (np.float16, np.float32, np.float64):
        x = np.array([-1.5, 0.1, 3.0], dtype)
        np.testing.assert_array_equal(relu(x), np.array([0, x[1], 3.0], dtype))


def test_softmax_gradient_ignores_a_constant():
    x = np.random.default_rng(0).normal(size=(3, 4))
    np.testing.assert_allclose(softmax_vjp(x, np.full((3, 4), 5.0)), 0, atol=1e-15)
