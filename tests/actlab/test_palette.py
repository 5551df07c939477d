"""One look for each function, ramps that follow the theme, and a figure in two arrangements."""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex, to_rgb
from matplotlib.image import imread

from actlab import plotting, showing
from actlab.functions import CATALOGUE
from bookbuild.themed_svg import follow_theme

OTHERS = [
    "identity",
    "step",
    "abs",
    "sine",
    "square",
    "signed_square",
    "crelu",
    "maxout",
    "atan",
    "erf",
]


def lightness(colour: str) -> float:
    return float(np.dot(np.array(to_rgb(colour)) ** 2.2, [0.2126, 0.7152, 0.0722]))


# --- identities -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*CATALOGUE, *OTHERS])
def test_every_function_has_an_identity(name):
    who = plotting.identity(name)
    assert who.name == name
    assert who.label
    assert who.colour == plotting.PALETTE[who.hue][0]
    line = plt.figure().subplots().plot([0, 1], marker=who.marker, **who.line)[0]
    assert line.get_label() == who.label
    plt.close("all")


def test_no_two_functions_look_the_same():
    looks = [(who.colour, str(who.dash), who.marker) for who in plotting.identities()]
    assert len(set(looks)) == len(looks)
    for one, other in itertools.combinations(plotting.identities(), 2):
        if one.hue == other.hue:  # in one family neither a line nor a point alone may deceive
            assert one.dash != other.dash, (one.name, other.name)
            assert one.marker != other.marker, (one.name, other.name)
    labels = [who.label for who in plotting.identities()]
    assert len(set(labels)) == len(labels)


@pytest.mark.parametrize(
    ("one", "other"),
    [("gelu", "silu"), ("elu", "leaky_relu"), ("silu", "elu"), ("tanh", "selu"), ("gelu", "tanh")],
)
def test_functions_whose_colours_some_readers_confuse_differ_in_dash_and_marker(one, other):
    one, other = plotting.identity(one), plotting.identity(other)
    assert one.dash != other.dash
    assert one.marker != other.marker


def test_an_alias_is_the_same_function_and_an_unknown_name_is_named():
    assert plotting.identity("swish") == plotting.identity("silu")
    with pytest.raises(ValueError, match="did you mean gelu"):
        plotting.identity("gellu")


def test_a_label_has_the_name_in_the_colour():
    ax = plt.figure().subplots()
    text = plotting.label(ax, 1, 2, "selu", ha="right")
    assert (text.get_text(), text.get_color()) == ("SELU", plotting.CRIMSON)
    assert text.get_position() == (1, 2)
    assert plotting.label(ax, 0, 0, "selu", "here").get_text() == "here"
    plt.close("all")


# --- ramps ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["tanh", "relu", "sine", "identity", "ink", "orange"])
def test_a_ramp_goes_from_the_page_to_its_far_end_in_both_themes(name):
    colours = plotting.ramp(name).colors
    assert len(colours) == 9
    light = [lightness(colour) for colour in colours]
    assert light == sorted(light, reverse=True)
    pairs = dict(plotting.THEMES.values())
    dark = [lightness(pairs[colour]) for colour in colours]
    assert dark == sorted(dark)
    assert (colours[0], pairs[colours[0]]) == plotting.THEMES["paper"]
    hue = name if name in plotting.PALETTE else plotting.identity(name).hue
    assert (colours[5], pairs[colours[5]]) == plotting.PALETTE[hue]


def test_a_colour_has_one_dark_counterpart():
    dark: dict[str, str] = {}
    for light, night in plotting.THEMES.values():
        assert dark.setdefault(light, night) == night
        assert light == to_hex(light)
        assert night == to_hex(night)


def test_every_colour_of_a_heat_map_gets_its_dark_counterpart():
    def draw(figure, narrow):
        ax = figure.subplots()
        ax.axis("off")
        values = np.linspace(0, 1, 81).reshape(9, 9)
        ax.pcolormesh(values, cmap=plotting.ramp("tanh"), edgecolors="face", linewidth=0.3)

    figure = mpl.figure.Figure()
    draw(figure, False)
    svg = follow_theme(showing.svg_of(figure, "only", "map"), plotting.THEMES)
    dark = dict(plotting.THEMES.values())
    for colour in plotting.ramp("tanh").colors:
        assert f"fill: light-dark({colour}, {dark[colour]})" in svg


# --- two arrangements -----------------------------------------------------------------------------


def panels(figure, narrow):
    axes = figure.subplots(2, 1) if narrow else figure.subplots(1, 2)
    axes[0].plot([0, 1], **plotting.identity("gelu").line)


@pytest.fixture
def shown(monkeypatch):
    """What is displayed, as in a kernel."""
    display = pytest.importorskip("IPython.display")
    calls = []
    monkeypatch.setattr(display, "display", lambda data, **kw: calls.append((data, kw)))
    monkeypatch.setattr(showing, "_in_kernel", lambda: True)
    monkeypatch.delenv("ACTLAB_FIGURES", raising=False)
    monkeypatch.delenv("ACTLAB_FIGURES_DIR", raising=False)
    return calls


def test_jupyterlab_shows_the_wide_figure(shown):
    assert plotting.show(panels) is None
    [(data, kw)] = shown
    assert data["text/plain"] == "<Figure size 720x300>"
    assert data["image/png"].startswith(b"\x89PNG")
    assert kw["metadata"]["image/png"] == {"variant": "wide", "width": 720, "height": 300}
    assert not plt.get_fignums()


def test_the_book_gets_both_figures_and_can_tell_them_apart(shown, monkeypatch):
    monkeypatch.setenv("ACTLAB_FIGURES", "svg")
    plotting.show(panels, wide=(7.2, 3), narrow=(3.6, 5), name="twins")
    texts = [data["image/svg+xml"] for data, _ in shown]
    assert [showing.variant_of(text) for text in texts] == ["wide", "narrow"]
    assert [kw["metadata"]["image/svg+xml"]["variant"] for _, kw in shown] == ["wide", "narrow"]
    assert all('data-figure="twins"' in text for text in texts)
    widths = [float(re.search(r'<svg[^>]* width="([\d.]+)pt"', text)[1]) for text in texts]
    assert widths == [518.4, 259.2]
    assert showing.variant_of(follow_theme(texts[1], plotting.THEMES)) == "narrow"
    plotting.show(panels, wide=(7.2, 3), narrow=(3.6, 5), name="twins")
    assert [data["image/svg+xml"] for data, _ in shown[2:]] == texts


def test_a_figure_without_a_narrow_arrangement_says_so(shown, monkeypatch):
    monkeypatch.setenv("ACTLAB_FIGURES", "svg")
    plotting.show(panels, narrow=None)
    [(data, _)] = shown
    assert showing.variant_of(data["image/svg+xml"]) == "only"


def test_axes_placed_by_hand_give_no_warning(shown, recwarn):
    plotting.show(lambda figure, narrow: figure.add_axes((0.1, 0.1, 0.8, 0.8)).plot([0, 1]))
    assert len(shown) == 1
    assert not list(recwarn)


def test_an_author_gets_both_as_files_without_jupyter(tmp_path):
    code = (
        "from actlab import plotting\n"
        "def draw(figure, narrow): figure.subplots().plot([0, 1])\n"
        "plotting.show(draw, name='one')\n"
    )
    environment = {"ACTLAB_FIGURES_DIR": str(tmp_path / "new"), "MPLBACKEND": "agg"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**environment, "PATH": "", "HOME": str(tmp_path)},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == ""
    assert imread(tmp_path / "new" / "one-wide.png").shape[:2] == (600, 1440)
    assert imread(tmp_path / "new" / "one-narrow.png").shape[:2] == (1120, 720)


@pytest.mark.parametrize(("variant", "width"), [(None, 7.2), ("narrow", 3.6)])
def test_a_live_cell_finds_the_figure_that_fits_open(monkeypatch, variant, width):
    monkeypatch.setattr(showing, "_in_kernel", lambda: False)
    monkeypatch.setenv("ACTLAB_FIGURES", "svg")
    if variant:
        monkeypatch.setenv("ACTLAB_FIGURES_VARIANT", variant)
    plt.close("all")
    plotting.show(panels)
    [number] = plt.get_fignums()
    assert plt.figure(number).get_size_inches()[0] == width
    plt.close("all")
