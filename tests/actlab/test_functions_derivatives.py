"""Derivatives against central differences, torch's autograd, and softmax against its definition."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
import torch
from functions_reference import OTHER, errors_in_ulp

from actlab.functions import CATALOGUE, get, log_softmax, softmax
from actlab.modules import torch_equivalent

ELEMENTWISE = [name for name, entry in CATALOGUE.items() if entry.kind == "elementwise"]
GATED = [name for name, entry in CATALOGUE.items() if entry.kind == "gated"]
VECTOR = ["softmax", "log_softmax"]
CASES = [(name, {}) for name in ELEMENTWISE]
CASES += [(name, values) for name in OTHER for values in OTHER[name]]
IDS = [f"{name}-{parameters}" if parameters else name for name, parameters in CASES]


@pytest.mark.parametrize(("name", "parameters"), CASES, ids=IDS)
def test_against_central_differences_away_from_kinks(name, parameters):
    entry = get(name)
    x = np.linspace(-9.03, 9.01, 1201)
    step = 1e-5
    for kink in entry.kinks(**parameters):
        x = x[np.abs(x - kink) > 2 * step]
    x = x[np.abs(x) > 2 * step]  # the second derivative of some jumps there
    difference = entry.forward(x + step, **parameters) - entry.forward(x - step, **parameters)
    np.testing.assert_allclose(
        entry.derivative(x, **parameters), difference / (2 * step), rtol=2e-9, atol=2e-9
    )


@pytest.mark.parametrize(("name", "parameters"), CASES, ids=IDS)
def test_against_autograd_at_kinks_too(name, parameters):
    """The convention at a kink is torch's: these points include every kink, and ±0."""
    x = np.concatenate([np.linspace(-9, 9, 721), [-6.0, -3.0, -0.0, 0.0, 3.0, 6.0]])
    t = torch.tensor(x, requires_grad=True)
    y = torch_equivalent(name, **parameters)(t)
    y.sum().backward()
    entry = get(name)
    for kink in entry.kinks(**parameters):
        assert kink in x
    # torch's softplus takes βx > 20 for x, whose slope is 1: 2e-9 off.
    # Its hardsigmoid has the slope 1/6 of float32 in float64, too.
    atol = {"softplus": 3e-9, "hard_sigmoid": 5e-9}.get(name, 1e-14)
    np.testing.assert_allclose(
        entry.forward(x, **parameters), y.detach().numpy(), rtol=1e-13, atol=atol
    )
    np.testing.assert_allclose(
        entry.derivative(x, **parameters), t.grad.numpy(), rtol=1e-13, atol=atol
    )


@pytest.mark.parametrize("name", GATED)
def test_both_partials_against_autograd_and_differences(name):
    entry = get(name)
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 5, 7)) * 3
    a[0, :2] = 0.0  # ReGLU's kink
    ta, tb = torch.tensor(a, requires_grad=True), torch.tensor(b, requires_grad=True)
    y = torch_equivalent(name)(ta, tb)
    y.sum().backward()
    by_a, by_b = entry.partials(a, b)
    # torch's GELU loses its left tail: 1e-16 of |a·b|.
    np.testing.assert_allclose(entry.forward(a, b), y.detach().numpy(), rtol=1e-13, atol=3e-14)
    np.testing.assert_allclose(by_a, ta.grad.numpy(), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(by_b, tb.grad.numpy(), rtol=1e-12, atol=1e-14)
    step = 1e-6
    smooth = a != 0 if entry.kinks() else np.ones_like(a, bool)
    difference = (entry.forward(a + step, b) - entry.forward(a - step, b)) / (2 * step)
    np.testing.assert_allclose(by_a[smooth], difference[smooth], rtol=1e-7, atol=1e-8)
    difference = (entry.forward(a, b + step) - entry.forward(a, b - step)) / (2 * step)
    np.testing.assert_allclose(by_b, difference, rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("axis", [0, 1, -1, -3])
@pytest.mark.parametrize("temperature", [1.0, 0.3])
@pytest.mark.parametrize("name", VECTOR)
def test_softmax_products_against_autograd(name, axis, temperature):
    entry = get(name)
    rng = np.random.default_rng(0)
    x, g, v = rng.normal(size=(3, 3, 4, 5)) * 3
    t = torch.tensor(x, requires_grad=True)
    function = torch_equivalent(name, axis=axis, temperature=temperature)
    y = function(t)
    y.backward(torch.tensor(g))
    keywords = {"axis": axis, "temperature": temperature}
    expected = y.detach().numpy()
    np.testing.assert_allclose(entry.forward(x, **keywords), expected, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(entry.vjp(x, g, **keywords), t.grad.numpy(), rtol=1e-9, atol=1e-14)
    _, tangent = torch.autograd.functional.jvp(function, torch.tensor(x), torch.tensor(v))
    np.testing.assert_allclose(entry.jvp(x, v, **keywords), tangent.numpy(), rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("name", VECTOR)
def test_jvp_and_vjp_are_transposes(name):
    entry = get(name)
    x, g, v = np.random.default_rng(1).normal(size=(3, 6))
    assert g @ entry.jvp(x, v) == pytest.approx(entry.vjp(x, g) @ v, rel=1e-12)


def softmax_truth(x: np.ndarray) -> list[mpmath.mpf]:
    with mpmath.workdps(400):
        weights = [mpmath.exp(mpmath.mpf(float(value))) for value in x]
        return [weight / sum(weights) for weight in weights]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("scale", [1.0, 20.0, 150.0])
def test_softmax_and_log_softmax_against_multiprecision(dtype, scale):
    x = (np.random.default_rng(2).normal(size=12) * scale).astype(dtype)
    exact = softmax_truth(x)
    # In float64 a gap to the largest logit is rounded, which costs up to |gap| ulp of e^gap.
    gap = np.max(x) - x
    bound = 0.501 if dtype != np.float64 else 4.0 + gap
    assert (errors_in_ulp(softmax(x), exact, dtype) <= bound).all()
    with mpmath.workdps(400):
        logs = [mpmath.log(value) for value in exact]
    assert errors_in_ulp(log_softmax(x), logs, dtype).max() <= (
        0.501 if dtype != np.float64 else 4.0
    )


def test_the_winner_keeps_its_digits():
    """−log1p(rest), where log Σ rounds to 0 in every dtype from a gap of 37 on."""
    for gap in (17.0, 40.0, 300.0):
        winner = log_softmax(np.array([gap, 0.0]))[0]
        assert winner == pytest.approx(-np.exp(-gap), rel=1e-7 if gap < 20 else 1e-12)
    assert log_softmax(np.float32([40, 0]))[0] == np.float32(-np.exp(-40.0))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_softmax_at_the_edges(dtype):
    largest = np.finfo(dtype).max
    inf, nan = np.inf, np.nan
    cases = [
        ([0, -inf], [1, 0]),
        ([largest, -largest], [1, 0]),
        ([largest, largest], [0.5, 0.5]),
        ([inf, 0], [1, 0]),
        ([inf, -inf], [1, 0]),
        ([inf, inf], [nan, nan]),
        ([-inf, -inf], [nan, nan]),
        ([nan, 0], [nan, nan]),
        ([0, nan], [nan, nan]),
        ([inf, nan], [nan, nan]),
    ]
    with np.errstate(all="raise"):
        for x, expected in cases:
            s, log_s = softmax(np.array(x, dtype)), log_softmax(np.array(x, dtype))
            assert np.array_equal(s, np.array(expected, dtype), equal_nan=True), x
            assert np.array_equal(np.isnan(log_s), np.isnan(expected)), x
            assert np.all((s != 1) | (log_s == 0)), x


def test_masked_slices_agree_with_torch():
    x = np.array([[0.5, -np.inf, 1.0], [-np.inf, -np.inf, -np.inf], [2.0, 3.0, -np.inf]])
    for name in VECTOR:
        expected = torch_equivalent(name)(torch.tensor(x)).numpy()
        np.testing.assert_allclose(get(name).forward(x), expected, rtol=1e-14)


def test_probabilities_sum_to_one_and_ignore_a_shift():
    x = np.random.default_rng(3).normal(size=(50, 20)) * 30
    s = softmax(x, axis=0)
    np.testing.assert_allclose(s.sum(axis=0), 1, rtol=1e-14)
    shifted = np.round(x)
    np.testing.assert_array_equal(softmax(shifted + 512.0), softmax(shifted))


def test_temperature_divides_what_is_already_shifted():
    """Large logits at a low temperature: exp(x/τ − max x) would be inf."""
    x = np.array([1000.0, 999.0])
    with np.errstate(all="raise"):
        assert softmax(x, temperature=0.1)[1] == pytest.approx(1 / (1 + np.exp(10.0)), rel=1e-13)
        loser = log_softmax(x, temperature=0.1)[1]
        assert loser == pytest.approx(-10 - np.log1p(np.exp(-10.0)), rel=1e-13)


def test_tangents_that_are_infinite_or_undefined_raise_no_warning():
    x = np.array([0.0, 1.0, -np.inf])
    with np.errstate(all="raise"):
        for name in VECTOR:
            for product in (get(name).jvp, get(name).vjp):
                product(x, np.array([np.inf, -np.inf, 1.0]))
                product(np.array([np.nan, 0.0, 1.0]), x)
            # The masked entry passes nothing on, whatever its own gradient is.
            masked = get("softmax").vjp(x, np.array([1.0, 2.0, np.inf]))
            assert np.isfinite(masked[:2]).all()
