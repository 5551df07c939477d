"""The recurring network: the same on every processor, with bends where a function bends."""

from __future__ import annotations

import re
from functools import partial

import matplotlib as mpl

mpl.use("Agg")

import numpy as np
import pytest
from matplotlib.figure import Figure

from actlab import plotting, portrait
from actlab.functions import CATALOGUE
from actlab.showing import svg_of
from bookbuild.themed_svg import follow_theme

ELEMENTWISE = [name for name, entry in CATALOGUE.items() if entry.kind == "elementwise"]
QUICK = 30


@pytest.fixture
def few_steps(monkeypatch):
    """Thirty steps instead of three thousand."""
    monkeypatch.setattr(portrait, "STEPS", (0, 5, 10, 15, 20, QUICK))
    portrait.train.cache_clear()
    yield
    portrait.train.cache_clear()


def test_points_lie_in_the_frame_and_the_classes_are_equal():
    points, labels = portrait.spirals(portrait.POINTS, seed=1)
    assert points.shape == (240, 2)
    assert labels.sum() == 120
    assert np.abs(points).max() < portrait.EXTENT


@pytest.mark.parametrize("name", [*ELEMENTWISE, *portrait.OTHERS])
def test_every_function_has_a_portrait_and_a_look(few_steps, name):
    one = portrait.train(name)
    assert list(one.states) == list(portrait.STEPS)
    for state in one.states.values():
        assert 0.3 < state.right < 1
        assert np.isfinite(state.adds).all()
    assert one.line().startswith(plotting.identity(name).label + ": ")
    # All functions start from the same units.
    start = portrait.train("identity").states[0].network
    np.testing.assert_array_equal(one.states[0].network.w, start.w)


@pytest.mark.parametrize("name", [*ELEMENTWISE, *portrait.OTHERS])
def test_the_derivative_is_that_of_the_function(name):
    shape = portrait.shape_of(name)
    x = np.linspace(-5, 5, 201) + 0.0123
    slope = (shape.forward(x + 1e-6) - shape.forward(x - 1e-6)) / 2e-6
    np.testing.assert_allclose(shape.derivative(x), slope, atol=1e-6, rtol=1e-5)
    value, derivative = shape.value_and_slope(x)
    np.testing.assert_allclose(value, shape.forward(x), atol=1e-14)
    np.testing.assert_allclose(derivative, shape.derivative(x), atol=1e-14)


def test_a_gate_has_no_portrait():
    with pytest.raises(ValueError, match="gated kind"):
        portrait.train("swiglu")


def test_the_gradient_is_that_of_the_loss():
    shape = portrait.shape_of("gelu")
    points, labels = portrait.spirals(12, seed=3)
    theta = np.random.default_rng(0).normal(size=4 * portrait.UNITS + 1)

    def loss(theta):
        network = portrait.Network.unpack(theta)
        out = shape.forward(network.preactivation(points)) @ network.v + network.c
        return np.mean(np.logaddexp(0, out) - labels * out)

    found = portrait._gradient(shape, portrait.Network.unpack(theta), points, labels)
    for index in (0, 17, 40, 60, 64):
        step = np.zeros_like(theta)
        step[index] = 1e-5
        slope = (loss(theta + step) - loss(theta - step)) / 2e-5
        assert found[index] == pytest.approx(slope, abs=1e-9)


def test_last_digits_of_a_processor_do_not_reach_the_weights(few_steps, monkeypatch):
    plain = portrait.train("tanh").last
    shape, rng = portrait.shape_of("tanh"), np.random.default_rng(0)

    def blurred(f, x):
        return f(x) * (1 + rng.integers(-1, 2, x.shape) * 2.0**-52)

    other = portrait.Shape(partial(blurred, shape.forward), partial(blurred, shape.derivative))
    monkeypatch.setattr(portrait, "shape_of", lambda name: other)
    portrait.train.cache_clear()
    blurry = portrait.train("tanh").last
    np.testing.assert_array_equal(plain.network.w, blurry.network.w)
    np.testing.assert_array_equal(plain.network.v, blurry.network.v)


# --- bends ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "places", "changes"),
    [
        ("identity", [], []),
        ("square", [], []),
        ("relu", [0], [1]),
        ("relu6", [0, 6], [1, 1]),
        ("gelu", [0], [1.34]),
        ("tanh", [-0.6585, 0.6585], [0.98, 0.98]),
        ("sine", [-np.pi / 2, np.pi / 2], [2, 2]),
        ("softsign", [0], [1.77]),
        ("hardswish", [-3, 3], [0.5, 0.5]),
    ],
)
def test_bends_are_where_the_slope_changes_fastest(name, places, changes):
    found = portrait.find_peaks(portrait.shape_of(name), reach=6.5 if name == "relu6" else 4)
    assert [place for place, _ in found] == pytest.approx(places, abs=0.005)
    if name != "sine":
        assert [change for _, change in found] == pytest.approx(changes, abs=0.02)


def test_a_bend_line_is_where_the_unit_has_its_bend(few_steps):
    state = portrait.train("relu").last
    assert state.bends
    for line in state.bends:
        ends = portrait._across(line)
        z = state.network.preactivation(ends)[:, line.unit]
        np.testing.assert_allclose(z, 0, atol=1e-9)
        assert np.abs(ends).max() > portrait.EXTENT
        assert line.silent == state.silent[line.unit]


def test_silent_units_are_counted_in_words(few_steps):
    state = portrait.train("relu").last
    count = int(state.silent.sum())
    assert f"{count} of 16 units silent" in portrait.describe(state)
    no_bend = portrait.describe(portrait.train("identity").last)
    assert "no bends" in no_bend


# --- pictures -------------------------------------------------------------------------------------


@pytest.mark.parametrize("narrow", [False, True])
def test_a_portrait_uses_only_colours_that_follow_the_theme(few_steps, narrow):
    figure = Figure(figsize=(3.6, 7.3) if narrow else (7.2, 4.1))
    portrait._draw_one(portrait.train("relu"), figure, narrow)
    svg = follow_theme(svg_of(figure, "wide", "p"), plotting.THEMES)
    known = {colour for colour, _ in plotting.THEMES.values()}
    for colour in set(re.findall(r"(?:fill|stroke): (#[0-9a-f]{6})", svg)):
        assert colour in known, colour


def test_show_prints_a_line_for_each_and_draws_two_arrangements(
    few_steps, tmp_path, monkeypatch, capsys
):
    monkeypatch.delenv("ACTLAB_FIGURES", raising=False)
    monkeypatch.setenv("ACTLAB_FIGURES_DIR", str(tmp_path))
    portrait.show("relu")
    portrait.show("identity", "relu")
    assert len(capsys.readouterr().out.splitlines()) == 3
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "portrait-relu-narrow.png",
        "portrait-relu-wide.png",
        "portraits-identity-relu-narrow.png",
        "portraits-identity-relu-wide.png",
    ]
