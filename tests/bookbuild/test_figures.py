"""Figures follow the theme, hold their place and have alt text."""

import io
import re
from types import SimpleNamespace

import matplotlib as mpl
import pytest
from docutils import nodes
from docutils.utils import new_document

from actlab import plotting
from bookbuild.ext import figures

SVG = (
    '<svg height="216pt" viewBox="0 0 518.4 216" width="518.4pt" version="1.1">'
    '<path style="fill: none; stroke: #0b63b5; stroke-width: 2"/>'
    '<g style="fill: #1C2127"/><g style="fill: #123456"/></svg>'
)


def test_palette_colours_get_their_dark_counterpart_and_others_stay():
    themed = figures.follow_theme(SVG, plotting.PALETTE)
    assert "stroke: #0b63b5; stroke: light-dark(#0b63b5, #6db3f2)" in themed
    assert "fill: #1c2127; fill: light-dark(#1c2127, #e6e9ed)" in themed
    assert "fill: #123456" in themed
    assert themed.count("light-dark(") == 2
    assert 'style="color-scheme: light dark"' in themed


def test_treating_a_figure_twice_changes_nothing():
    once = figures.follow_theme(SVG, plotting.PALETTE)
    assert figures.follow_theme(once, plotting.PALETTE) == once


def test_size_is_read_in_css_pixels():
    assert figures.size_in_pixels(SVG) == (691, 288)
    assert figures.size_in_pixels('<svg width="40px" height="20"></svg>') == (40, 20)
    assert figures.size_in_pixels('<svg viewBox="0 0 1 1"></svg>') is None


def test_every_colour_of_a_real_figure_is_themed():
    with mpl.rc_context(plotting.STYLE):
        figure = plotting.pair({"a": (abs, abs), "b": (abs, abs)})
        file = io.StringIO()
        figure.savefig(file, format="svg")
        mpl.pyplot.close(figure)
    before = file.getvalue()
    known = {light for light, _ in plotting.PALETTE.values()}
    used = {colour.lower() for colour in re.findall(r"(?:fill|stroke): (#[0-9a-fA-F]{6})", before)}
    assert used
    assert used <= known
    themed = figures.follow_theme(before, plotting.PALETTE)
    for colour in used:
        assert f"light-dark({colour}," in themed


@pytest.mark.parametrize(("alt", "warned"), [("A line that bends at 0", 0), ("", 1), ("  ", 1)])
def test_an_image_without_alt_text_is_a_warning(alt, warned, monkeypatch):
    document = new_document("page")
    document += nodes.image(uri="x.svg", alt=alt)
    said, reread = [], []
    monkeypatch.setattr(figures.logger, "warning", lambda *args, **_: said.append(args))
    env = SimpleNamespace(note_reread=lambda: reread.append(1))
    figures.check_alt_texts(SimpleNamespace(env=env), document)
    assert len(said) == len(reread) == warned
