"""Fonts for formulas: the signs that pages show, drawn as in the whole fonts, in fewer bytes."""

from __future__ import annotations

import io

import pytest
from fontTools.pens.recordingPen import RecordingPen
from fontTools.ttLib import TTFont

from bookbuild.ext.fonts import WHOLE, only, signs_in

SIGNS = set("x1(−Φ")


def drawn(font: TTFont, sign: str) -> list:
    pen = RecordingPen()
    font.getGlyphSet()[font.getBestCmap()[ord(sign)]].draw(pen)
    return pen.value


def test_signs_are_those_that_formulas_show(tmp_path):
    page = tmp_path / "page.html"
    page.write_text(
        '<p>no<span class="katex"><span class="katex-mathml">m</span><span class="katex-html">'
        '<span>x<i>−</i></span>Φ</span>t</span></p><p class="katex-html-too">n</p>',
        encoding="utf-8",
    )
    other = tmp_path / "other.html"
    other.write_text("<p>z</p>", encoding="utf-8")
    assert signs_in([page, other]) == set("x−Φ")


@pytest.mark.parametrize("name", ["KaTeX_Main-Regular", "KaTeX_Math-Italic", "KaTeX_Size2-Regular"])
def test_a_font_keeps_its_signs_and_nothing_else(name):
    whole = WHOLE / f"{name}.woff2"
    small = only(whole, SIGNS)
    assert len(small) < whole.stat().st_size
    before, after = TTFont(whole), TTFont(io.BytesIO(small))
    assert after.flavor == "woff2"
    kept = set(map(ord, SIGNS)) & set(before.getBestCmap())
    assert set(after.getBestCmap()) == kept
    for sign in map(chr, kept):
        assert drawn(after, sign) == drawn(before, sign)
        glyphs = [font.getBestCmap()[ord(sign)] for font in (before, after)]
        assert before["hmtx"][glyphs[0]] == after["hmtx"][glyphs[1]]


def test_the_same_signs_give_the_same_bytes():
    whole = WHOLE / "KaTeX_Main-Regular.woff2"
    assert only(whole, SIGNS) == only(whole, sorted(SIGNS, reverse=True))
