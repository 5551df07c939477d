"""Function cards: what is on them is measured, in words and pictures that fit."""

from __future__ import annotations

import re

import matplotlib as mpl

mpl.use("Agg")

import numpy as np
import pytest
from matplotlib.figure import Figure

from actlab import cards, claims, plotting
from actlab.bench.records import latest
from actlab.cards import draw, measured, words
from actlab.functions import CATALOGUE
from actlab.functions.shown import SHOWN
from actlab.palette import PALETTE
from actlab.properties import measure as properties
from actlab.showing import svg_of
from bookbuild.themed_svg import follow_theme

pytest.importorskip("torch")


@pytest.fixture(scope="module")
def gelu():
    return cards.measure("gelu")


# --- numbers --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (-0.1699712, "−0.17"),
        (0.0066929, "0.00669"),
        (1.128904, "1.13"),
        (16.6355, "16.6"),
        (256.0, "256"),
        (-1.43326e-6, "−1.43·10⁻⁶"),
        (float("inf"), "∞"),
        (float("-inf"), "−∞"),
        (1.9998, "2"),
        (5e-17, "0"),
    ],
)
def test_numbers_are_written_with_three_digits(value, text):
    assert words.number(value) == text


def test_what_is_not_quite_one_may_say_so():
    assert words.number(-0.99990920, whole=False) == "−0.9999"
    assert words.number(-1.0, whole=False) == "−1"


def test_a_card_says_what_the_properties_say(gelu):
    known = properties("gelu", torch=False)
    assert gelu.lowest == measured.Point(known.infimum, known.infimum_at)
    assert (gelu.fall.value, gelu.rise.value) == (
        known.derivative_minimum,
        known.derivative_maximum,
    )
    assert (gelu.mean, gelu.second) == (known.mean, known.second_moment)
    assert gelu.gradient_growth == pytest.approx(1.072, abs=5e-4)
    assert gelu.limits["float16"].slope_zero[0][1] == pytest.approx(-6.03, abs=0.03)
    assert gelu.author == "Hendrycks & Gimpel 2016"
    assert gelu.saved.what == "input"


def test_relu_is_dead_for_half_of_a_normal_input():
    relu = cards.measure("relu")
    assert relu.dead_share == pytest.approx(0.5)
    assert "50 %" in words.verdict(relu)[1].text


def test_a_gate_is_looked_at_with_b_one_and_says_so():
    swiglu, silu = cards.measure("swiglu"), cards.measure("silu")
    x = np.linspace(-3, 3, 31)
    np.testing.assert_allclose(swiglu.forward(x), silu.forward(x))
    np.testing.assert_allclose(swiglu.derivative(x), silu.derivative(x), atol=1e-12)
    assert swiglu.mean == 0
    assert swiglu.second == pytest.approx(silu.second)
    assert "b = 1" in words.lines(swiglu)[0]


def test_softmax_is_looked_at_with_two_logits():
    softmax = cards.measure("softmax")
    assert softmax.forward(np.array([2.0]))[0] == pytest.approx(1 / (1 + np.exp(-2)))
    assert "two logits" in words.lines(softmax)[0]


def test_cost_is_that_of_the_record(gelu):
    rows = {
        (row.function, row.mode): row.times_copy
        for row in latest("cpu")
        if row.implementation == "builtin" and row.dtype == "float32"
    }
    assert gelu.cost.forward == rows["gelu", "forward"]
    assert gelu.cost.backward == rows["gelu", "backward"]
    assert gelu.cost.others["relu"] == rows["relu", "forward"]
    assert "gelu" not in gelu.cost.others
    assert 1 < gelu.cost.rank < gelu.cost.of
    assert measured.cost_in(None, "gelu") is None
    record = latest("cuda")
    if record:  # in 16 bits only
        cost = measured.cost_in(record, "gelu")
        assert 0.5 < cost.forward < cost.backward
        assert cost.dtype in {row.dtype for row in record}


def test_authors_come_from_the_references(tmp_path):
    file = tmp_path / "references.bib"
    file.write_text(
        '@misc{a,\n  author = {Klambauer, G{\\"u}nter},\n  year = {2017},\n}\n'
        "@misc{b,\n  author = {A, B and C, D and E, F},\n  year = {2020},\n}\n",
        encoding="utf-8",
    )
    assert measured.author_of("a", file) == "Klambauer 2017"
    assert measured.author_of("b", file) == "A et al. 2020"
    assert measured.author_of("c", file) == ""
    assert measured.author_of("a", tmp_path / "none.bib") == ""


# --- every function -------------------------------------------------------------------------------


def test_every_function_is_presented_with_a_chapter_and_a_formula():
    assert set(SHOWN) == set(CATALOGUE)
    assert {shown.chapter for shown in SHOWN.values()} <= {row.chapter for row in claims.load()}
    assert all(shown.words and shown.family for shown in SHOWN.values())


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_card_has_lines_and_a_verdict_of_three(name):
    card = cards.measure(name)
    lines = words.lines(card)
    assert lines[0].startswith(card.entry.title)
    assert not re.search(r"nan|e[+-]\d\d|inf\b", "\n".join(lines))
    verdict = words.verdict(card)
    assert [line.word for line in verdict] == ["For", "Mind", "Pay"]
    for line in verdict:
        assert len(line.text) <= 46  # what fits beside the word on a phone
        assert len(line.small) <= 50
    assert len(words.alternative(card)) < 420


@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize("name", ["gelu", "relu2", "log_sigmoid"])
def test_a_card_fits_its_frame_and_follows_the_theme(name, narrow):
    size = draw.NARROW if narrow else draw.WIDE
    with mpl.rc_context({**plotting.STYLE, "figure.constrained_layout.use": False}):
        figure = Figure(figsize=size)
        mpl.backends.backend_agg.FigureCanvasAgg(figure)
        draw.draw(cards.measure(name), figure, narrow)
        for text in figure.texts:
            box = text.get_window_extent()
            assert box.x0 >= 0, text.get_text()
            assert box.x1 <= 100 * size[0] - 4, text.get_text()
            assert box.y0 >= 0, text.get_text()
        svg = follow_theme(svg_of(figure, "wide", name), plotting.THEMES)
    known = {colour for colour, _ in plotting.THEMES.values()}
    assert set(re.findall(r"(?:fill|stroke): (#[0-9a-f]{6})", svg)) <= known
    assert PALETTE["ink"][1] in svg


def test_show_prints_and_draws(monkeypatch, tmp_path, capsys):
    monkeypatch.delenv("ACTLAB_FIGURES", raising=False)
    monkeypatch.setenv("ACTLAB_FIGURES_DIR", str(tmp_path))
    cards.show("tanh")
    out = capsys.readouterr().out
    assert out.splitlines()[0] == "Tanh: (eˣ − e⁻ˣ) / (eˣ + e⁻ˣ)"
    assert "mean 0;" in out
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "card-tanh-narrow.png",
        "card-tanh-wide.png",
    ]
