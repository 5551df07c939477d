"""Mean-field theory of random networks, held against closed forms and against simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest

from actlab import functions
from actlab.functions import CATALOGUE
from actlab.meanfield import MeanField, simulate

ELEMENTWISE = [name for name, entry in CATALOGUE.items() if entry.kind == "elementwise"]


@pytest.mark.parametrize("q", [1e-6, 0.3, 1.0, 40.0, 1e6])
def test_rectifiers_keep_half_of_both_squares(q):
    field = MeanField("relu")
    assert field.signal(q) == pytest.approx(q / 2, rel=1e-12)
    assert field.slope(q) == pytest.approx(0.5, rel=1e-12)
    assert MeanField("relu2").signal(q) == pytest.approx(1.5 * q * q, rel=1e-12)


def test_no_node_falls_on_a_kink():
    field = MeanField("relu")
    seen = []
    field.derivative = lambda x: seen.append(x) or functions.relu_derivative(x)
    field.slope(1.0)
    assert not (np.concatenate([x.ravel() for x in seen]) == 0).any()


def test_expectations_agree_with_sampling():
    z = np.random.default_rng(0).standard_normal(400_000)
    for name in ELEMENTWISE:
        field = MeanField(name)
        for q in (0.1, 2.0):
            x = math.sqrt(q) * z
            assert field.signal(q) == pytest.approx((field.function(x) ** 2).mean(), rel=0.03)
            assert field.slope(q) == pytest.approx((field.derivative(x) ** 2).mean(), rel=0.03)


def test_critical_weights_that_are_known():
    assert MeanField("relu").critical_weight() == pytest.approx(math.sqrt(2), rel=1e-9)
    assert MeanField("relu").critical_weight(0.7) == pytest.approx(math.sqrt(2), rel=1e-4)
    assert MeanField("tanh").critical_weight() == pytest.approx(1, abs=1e-3)
    leaky = MeanField("leaky_relu", slope=0.2)
    assert leaky.critical_weight() == pytest.approx(math.sqrt(2 / 1.04), rel=1e-9)


def test_the_line_is_where_both_equations_hold():
    # For a given length q, k² = 1/E[f′²] and b² = q - k² E[f²] lie on the critical line.
    for name, lengths in {"tanh": (0.5, 3.0), "sigmoid": (48.0, 60.0), "elu": (0.5, 3.0)}.items():
        field = MeanField(name)
        for q in lengths:
            weight = field.slope(q) ** -0.5
            bias = math.sqrt(q - weight**2 * field.signal(q))
            assert field.critical_weight(bias) == pytest.approx(weight, rel=1e-6)


def test_selu_has_the_fixed_point_that_it_was_made_for():
    assert MeanField("selu").fixed_point(1.0) == pytest.approx(1, abs=1e-6)
    far = MeanField("selu").lengths(1.0, depth=60, start=9.0)
    assert far[0] == 9
    assert far[-1] == pytest.approx(1, abs=0.01)


def test_lengths_that_vanish_explode_or_stay():
    field = MeanField("relu")
    assert field.fixed_point(1.0) == 0
    assert field.fixed_point(2.0) == math.inf
    assert field.fixed_point(math.sqrt(2)) == pytest.approx(2)
    assert field.fixed_point(1.0, 0.5) == pytest.approx(0.5)  # b²/(1 - k²/2)
    # GELU has both a small and a large end between √2 and 2: the input decides.
    gelu = MeanField("gelu")
    assert gelu.fixed_point(1.6, start=0.01) == 0
    assert gelu.fixed_point(1.6, start=10.0) == math.inf


def test_the_iterated_map_ends_at_the_fixed_point():
    for name in ("sigmoid", "tanh", "gelu", "selu", "elu", "softsign"):
        field = MeanField(name)
        for weight, bias in ((0.8, 0.3), (1.3, 0.5)):
            end = field.fixed_point(weight, bias)
            assert field.lengths(weight, bias, 3000)[-1] == pytest.approx(end, rel=1e-6)


def test_a_function_of_ones_own():
    mine = MeanField(lambda x: np.where(x > 0, x, 0.2 * x), kinks=(0.0,))
    assert mine.critical_weight() == pytest.approx(math.sqrt(2 / 1.04), rel=1e-6)
    with pytest.raises(ValueError, match="not elementwise"):
        MeanField("softmax")
    with pytest.raises(TypeError, match="function"):
        MeanField(3)


def test_a_line_without_a_crossing_is_nan():
    flat = MeanField(lambda x: 0.0 * x, derivative=lambda x: 0.0 * x)
    assert np.isnan(flat.critical_line([0.0])).all()
    line = MeanField("tanh").critical_line([0.0, 0.3, 1.0])
    assert (np.diff(line) > 0).all()


@pytest.mark.parametrize(("name", "weight", "bias"), [("tanh", 1.5, 0.5), ("sigmoid", 6.0, 0.5)])
def test_a_wide_network_does_what_theory_says(name, weight, bias):
    field = MeanField(name)
    passage = simulate(field, weight, bias, depth=24, width=400, seed=3)
    assert passage.length[-1] == pytest.approx(field.fixed_point(weight, bias), rel=0.15)
    factor = (passage.gradient[10] / passage.gradient[-1]) ** (1 / 13)
    assert factor == pytest.approx(math.sqrt(field.chi(weight, bias)), rel=0.05)


def test_a_passage_has_a_value_for_every_layer():
    passage = simulate("relu", math.sqrt(2), depth=7, width=30, inputs=np.ones((4, 5)), seed=1)
    for values in vars(passage).values():
        assert values.shape == (7,)
    assert passage.gradient[-1] == 1
    assert passage.correlation == pytest.approx(np.ones(7))
    assert (passage.silent >= 0).all()
