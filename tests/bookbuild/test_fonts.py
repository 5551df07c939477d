"""Fonts for formulas: the signs that pages show, drawn as in the whole fonts, in fewer bytes."""

from __future__ import annotations

import io

import pytest
from fontTools.pens.recordingPen import RecordingPen
from fontTools.ttLib import TTFont

from bookbuild.ext.fonts import SHEET, WHOLE, families, only, signs_in

SIGNS = set("x1(−Φ")


def drawn(font: TTFont, sign: str) -> list:
    pen = RecordingPen()
    font.getGlyphSet()[font.getBestCmap()[ord(sign)]].draw(pen)
    return pen.value


def test_signs_are_those_that_formulas_show_by_the_family_they_are_set_in():
    page = (
        '<p>no<span class="katex"><span class="katex-mathml">m</span><span class="katex-html">'
        '<span>x<i>−</i></span>Φ<span class="mord mathsf">T</span>3<span class="mord mathnormal">a'
        '<span class="mord textrm">b</span>c</span><span class="delimsizing mult">('
        '<span class="delim-size1"><span>∑</span></span>)</span></span>t</span></p>'
        '<p class="katex-html-too">n</p>'
    )
    assert signs_in(b"<p>z</p>") == {}
    assert signs_in(page.encode()) == {
        "KaTeX_Main": set("x−Φ3b()"),
        "KaTeX_SansSerif": {"T"},
        "KaTeX_Math": set("ac"),
        "KaTeX_Size1": {"∑"},
    }


def test_each_family_that_the_style_sheet_sets_has_a_font():
    known = {path.stem.partition("-")[0] for path in WHOLE.glob("*.woff2")}
    assert set(families(SHEET.read_text(encoding="utf-8")).values()) == known


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
