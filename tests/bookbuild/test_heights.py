"""Guessed heights: of what is seen, written into sections once."""

from __future__ import annotations

import lxml.html
import pytest

from bookbuild.ext.heights import WINDOWS, height, with_heights

WIDE, NARROW = WINDOWS
PAGE = (
    '<head></head><body><article><section id="top"><h1>T</h1><section id="a">'
    '<h2>A</h2><p>Text &amp; text.</p><section id="b"><h3>B</h3></section></section>'
    '</section></article><section id="outside"></section></body>'
)


def guess(html, window=WIDE):
    return height(lxml.html.fromstring(html), window)


def test_sections_of_a_page_get_both_variables_and_nothing_else_changes():
    new = with_heights(PAGE)
    assert new.count("--wide: ") == new.count("--narrow: ") == 1
    assert '<section id="a" style="--wide: ' in new
    assert new.replace(new[new.index(' style="') : new.index('rem">') + 4], "") == PAGE
    assert with_heights(new) == new
    assert with_heights("<p>no article</p>") == "<p>no article</p>"


@pytest.mark.parametrize(
    ("smaller", "larger"),
    [
        ("<p>word</p>", f"<p>{'word ' * 100}</p>"),
        ("<pre>a\n</pre>", "<pre>a\nb\nc\n</pre>"),
        ("<div><p>a</p></div>", "<div><p>a</p><p>b</p></div>"),
        ('<img height="10">', '<img height="300">'),
        ("<p>a</p>", "<h2>a</h2>"),
    ],
)
def test_more_to_show_is_taller(smaller, larger):
    assert 0 < guess(smaller) < guess(larger)


def test_what_is_not_seen_counts_for_nothing():
    assert guess("<div><p>a</p><script>let a = 1;</script></div>") == guess("<div><p>a</p></div>")
    formula = f'<p>a<span class="katex-mathml">{"x" * 500}</span></p>'
    assert guess(formula) == guess("<p>a</p>")


def test_the_same_text_is_taller_in_a_narrow_window():
    text = f"<p>{'word ' * 100}</p>"
    assert guess(text, NARROW) > 1.5 * guess(text)
