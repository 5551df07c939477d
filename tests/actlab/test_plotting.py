"""The look of the figures: contrast, kinks, intervals and maps, read back from matplotlib."""

from __future__ import annotations

import itertools

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex, to_rgb

from actlab import plotting

LIGHT_PAGE, DARK_PAGE = "#ffffff", "#121212"
FILLS = ("grid", "shade_blue", "shade_orange")


@pytest.fixture(autouse=True)
def fresh_figures():
    """Each test starts from matplotlib's defaults and leaves no figure open."""
    with mpl.rc_context():
        mpl.rcdefaults()
        yield
    plt.close("all")


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2.1 defines it."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))


def contrast(one: str, other: str) -> float:
    """Contrast ratio of WCAG 2.1, 1 to 21."""
    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_that_of_wcag():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)


# --- palette --------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("name", [name for name in plotting.PALETTE if name not in FILLS])
def test_text_and_lines_stand_out_from_the_page(name, page):
    assert contrast(plotting.PALETTE[name][page], (LIGHT_PAGE, DARK_PAGE)[page]) >= 4.5


@pytest.mark.parametrize("page", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("mark", "shade"), [("blue", "shade_blue"), ("orange", "shade_orange"), ("ink", "shade_blue")]
)
def test_marks_stand_out_from_the_shade_that_they_lie_on(mark, shade, page):
    assert contrast(plotting.PALETTE[mark][page], plotting.PALETTE[shade][page]) >= 3


@pytest.mark.parametrize("page", [0, 1], ids=["light", "dark"])
def test_the_grid_and_the_shades_stay_behind_what_they_carry(page):
    ground = (LIGHT_PAGE, DARK_PAGE)[page]
    for name in FILLS:
        assert 1.1 < contrast(plotting.PALETTE[name][page], ground) < 3


def test_colours_are_hexadecimal_and_no_two_are_the_same():
    for page in (0, 1):
        colours = [pair[page] for pair in plotting.PALETTE.values()]
        assert all(colour == to_hex(colour) for colour in colours)
        assert len(set(colours)) == len(colours)


def test_each_constant_is_the_light_colour_of_its_name():
    for name, (light, _) in plotting.PALETTE.items():
        assert getattr(plotting, name.upper()) == light


# How the three kinds of dichromacy see a colour, in linear RGB (Machado, Oliveira and Fernandes
# 2009, severity 1).
DICHROMACY = {
    "protanopia": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
    "deuteranopia": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
    "tritanopia": [[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]],
}


@pytest.mark.parametrize("page", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("kind", DICHROMACY)
def test_the_two_classes_differ_for_all_kinds_of_colour_vision(kind, page):
    def seen(name):
        rgb = np.array(to_rgb(plotting.PALETTE[name][page]))
        linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
        return np.clip(np.array(DICHROMACY[kind]) @ linear, 0, 1) ** (1 / 2.2)

    assert np.linalg.norm(seen("blue") - seen("orange")) > 0.25


def test_every_curve_has_a_line_style_of_its_own():
    assert len(plotting.LINES) == len(plotting.STYLES) == 5
    assert len(set(plotting.LINES)) == len(set(map(str, plotting.STYLES))) == 5
    plotting.use_style()
    _, ax = plt.subplots()
    lines = [ax.plot([0, 1], [i, i])[0] for i in range(5)]
    assert [line.get_color() for line in lines] == list(plotting.LINES)
    assert len({str(line._unscaled_dash_pattern) for line in lines}) == 5


# --- style ----------------------------------------------------------------------------------------


def test_figures_are_white_outside_the_book_and_clear_inside(monkeypatch):
    monkeypatch.delenv("ACTLAB_FIGURES", raising=False)
    plotting.use_style()
    assert to_hex(plt.figure().get_facecolor()) == "#ffffff"
    monkeypatch.setenv("ACTLAB_FIGURES", "svg")
    plotting.use_style()
    assert plt.figure().get_facecolor()[3] == 0


def test_the_same_figure_is_the_same_svg(monkeypatch, tmp_path):
    monkeypatch.setenv("ACTLAB_FIGURES", "svg")
    plotting.use_style()
    texts = []
    for name in ("a.svg", "b.svg"):
        figure = plotting.pair({"f": (np.tanh, np.cos)})
        figure.savefig(tmp_path / name, metadata={"Date": None})
        texts.append((tmp_path / name).read_text())
    assert texts[0] == texts[1]


# --- pair -----------------------------------------------------------------------------------------


def step(x):
    return np.where(x > 0.5, 1.0, 0.0)


def ramp(x):
    return np.maximum(x - 0.5, 0)


def test_pair_puts_the_function_left_and_the_derivative_right():
    figure = plotting.pair({"tanh": (np.tanh, lambda x: 1 - np.tanh(x) ** 2)}, -2, 3, points=51)
    left, right = figure.axes
    curve = next(line for line in left.lines if len(line.get_xdata()) > 2)
    slope = next(line for line in right.lines if len(line.get_xdata()) > 2)
    x = curve.get_xdata()
    assert (len(x), x[0], x[-1]) == (51, pytest.approx(-2), pytest.approx(3))
    np.testing.assert_allclose(curve.get_ydata(), np.tanh(x))
    np.testing.assert_allclose(slope.get_ydata(), 1 - np.tanh(x) ** 2)
    assert left.get_xlim() == right.get_xlim() == (-2, 3)
    assert "function" in left.get_title("left") + left.get_title()
    assert "derivative" in right.get_title("left") + right.get_title()
    assert all("preactivation" in ax.get_xlabel() for ax in (left, right))


def test_pair_draws_no_line_across_a_kink():
    figure = plotting.pair({"ramp": (ramp, step)}, -1, 2, kinks=(0.5,))
    for ax in figure.axes:
        curves = [line for line in ax.lines if len(line.get_xdata()) > 2]
        assert len(curves) == 2
        for line in curves:
            x = line.get_xdata()
            assert (x < 0.5).all() or (x > 0.5).all()
            assert min(abs(x - 0.5)) < 1e-6
    slopes = [np.unique(line.get_ydata()) for line in curves]
    assert sorted(map(float, np.concatenate(slopes))) == [0, 1]


def test_pair_without_kinks_would_draw_the_jump():
    figure = plotting.pair({"ramp": (ramp, step)}, -1, 2)
    curves = [line for line in figure.axes[1].lines if len(line.get_xdata()) > 2]
    assert len(curves) == 1
    assert set(curves[0].get_ydata()) == {0, 1}


@pytest.mark.parametrize("kinks", [(5.0, -7.0), (-1.0, 2.0)])
def test_kinks_outside_and_at_the_ends_cut_nothing(kinks):
    figure = plotting.pair({"ramp": (ramp, step)}, -1, 2, kinks=kinks)
    assert sum(len(line.get_xdata()) > 2 for line in figure.axes[0].lines) == 1


def test_kinks_in_any_order_and_twice_cut_once_each():
    figure = plotting.pair({"tanh": (np.tanh, np.cos)}, -4, 4, kinks=(1.0, -2.0, 1.0))
    curves = [line for line in figure.axes[0].lines if len(line.get_xdata()) > 2]
    assert len(curves) == 3


def test_pair_names_several_curves_once_and_a_single_one_not_at_all():
    curves = {"ramp": (ramp, step), "tanh": (np.tanh, np.cos)}
    left = plotting.pair(curves, kinks=(0.5,)).axes[0]
    assert [text.get_text() for text in left.get_legend().get_texts()] == ["ramp", "tanh"]
    drawn = [line for line in left.lines if len(line.get_xdata()) > 2]
    assert [line.get_color() for line in drawn] == [plotting.BLUE] * 2 + [plotting.ORANGE] * 2
    assert plotting.pair({"ramp": (ramp, step)}).axes[0].get_legend() is None


# --- points and maps ------------------------------------------------------------------------------


def test_classes_are_told_apart_by_marker_as_well_as_by_colour():
    points = np.array([[0.0, 0.0], [1.0, 1.0], [2.0, 0.0], [3.0, 1.0], [4.0, 4.0]])
    _, ax = plt.subplots()
    plotting.scatter_classes(ax, points, np.array([0, 1, 0, 1, 1]))
    zero, one = (c for c in ax.collections if isinstance(c, PathCollection))
    np.testing.assert_array_equal(zero.get_offsets(), points[[0, 2]])
    np.testing.assert_array_equal(one.get_offsets(), points[[1, 3, 4]])
    assert to_hex(zero.get_facecolor()[0]) == plotting.BLUE
    assert to_hex(one.get_facecolor()[0]) == plotting.ORANGE
    assert len(zero.get_paths()[0].vertices) != len(one.get_paths()[0].vertices)


def shaded(ax, point) -> str | None:
    """The colour of the region of a filled contour that contains the point."""
    filled = ax.collections[0]
    for path, colour in zip(filled.get_paths(), filled.get_facecolor(), strict=True):
        if path.contains_point(point):
            return to_hex(colour)
    return None


def test_decision_map_shades_each_side_and_draws_the_boundary():
    _, ax = plt.subplots()
    plotting.decision_map(ax, lambda p: p[:, 0] - 0.25 * p[:, 1], extent=2.0, steps=81)
    assert shaded(ax, (1.0, 1.0)) == plotting.SHADE_ORANGE
    assert shaded(ax, (-1.0, 1.0)) == plotting.SHADE_BLUE
    boundary = ax.collections[1].get_paths()[0].vertices
    np.testing.assert_allclose(boundary[:, 0], 0.25 * boundary[:, 1], atol=1e-6)
    assert to_hex(ax.collections[1].get_edgecolor()[0]) == plotting.INK
    assert ax.get_aspect() == 1
    assert len(ax.get_xticks()) == len(ax.get_yticks()) == 0


def test_decision_map_has_first_coordinate_to_the_right_and_second_up():
    _, ax = plt.subplots()
    plotting.decision_map(ax, lambda p: p[:, 1] - 0.5, extent=1.0, steps=41)
    assert shaded(ax, (0.0, 0.9)) == plotting.SHADE_ORANGE
    assert shaded(ax, (0.9, 0.0)) == plotting.SHADE_BLUE


@pytest.mark.parametrize(("score", "name"), [(1.0, "SHADE_ORANGE"), (-1.0, "SHADE_BLUE")])
def test_decision_map_of_one_class_has_no_boundary(score, name, recwarn):
    _, ax = plt.subplots()
    plotting.decision_map(ax, lambda p: np.full(len(p), score), extent=1.0, steps=21)
    assert shaded(ax, (0.1, 0.2)) == getattr(plotting, name)
    assert len(ax.collections) == 1
    assert not list(recwarn)


# --- intervals ------------------------------------------------------------------------------------


def test_intervals_draw_rows_from_the_top_down():
    rows = {"GELU": (0.5, 0.2, 0.8), "tanh": (-0.1, -0.4, 0.2)}
    _, ax = plt.subplots()
    plotting.intervals(ax, rows, dots={"GELU": [0.4, 0.6], "tanh": iter([-0.2, 0.0, 0.1])})
    ax.figure.canvas.draw()
    labels = {
        text.get_text(): height
        for text, height in zip(ax.get_yticklabels(), ax.get_yticks(), strict=True)
    }
    assert labels["GELU"] > labels["tanh"]
    for name, (middle, low, high) in rows.items():
        here = [line for line in ax.lines if set(np.round(line.get_ydata(), 6)) == {labels[name]}]
        ends = next(line for line in here if len(line.get_xdata()) == 2)
        assert list(ends.get_xdata()) == [low, high]
        dot = next(line for line in here if len(line.get_xdata()) == 1)
        assert list(dot.get_xdata()) == [middle]
    runs = [line for line in ax.lines if line.get_marker() == "|"]
    assert sorted(len(line.get_xdata()) for line in runs) == [2, 3]
    for line, name in itertools.product(runs, rows):
        assert line.get_ydata()[0] != labels[name]


def test_intervals_mark_the_value_that_they_have_to_clear():
    _, (with_zero, elsewhere, without) = plt.subplots(1, 3)
    rows = {"a": (1.0, 0.5, 1.5)}
    plotting.intervals(with_zero, rows)
    plotting.intervals(elsewhere, rows, reference=0.7)
    plotting.intervals(without, rows, reference=None)
    upright = [
        [
            line.get_xdata()[0]
            for line in ax.lines
            if len(set(line.get_xdata())) == 1 and len(line.get_xdata()) == 2
        ]
        for ax in (with_zero, elsewhere, without)
    ]
    assert upright == [[0], [0.7], []]


def test_mark_zero_lies_behind_the_data():
    _, ax = plt.subplots()
    curve = ax.plot([-1, 1], [-1, 1])[0]
    plotting.mark_zero(ax)
    assert len(ax.lines) == 3
    assert all(line.get_zorder() < curve.get_zorder() for line in ax.lines if line is not curve)
