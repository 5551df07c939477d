"""How tall a section will be, guessed before a browser lays it out.

A browser leaves out sections that are far from the window and believes the style sheet about their
heights (``content-visibility`` in ``book.css``). A guess that is too small makes sections overlap
for tools that ask where things are, one that is far off makes the scroll bar jump. The numbers are
those of the book's own style, a little on the tall side; a test in a browser holds them against
what they guess.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import lxml.html

SECTIONS = re.compile(r'<section id="([^"]+)">')
REM = 16  # px
HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")


@dataclass(frozen=True)
class Window:
    """A width for which heights are guessed.

    Attributes:
        name: of the variable in the style sheet.
        line: characters in a line of text.
        slider: height of a figure with sliders, px.
        bar: height of the buttons below a cell, and of what can be unfolded, px.
        row: lines of a table's row for each line of its text, since columns are not alike.
        claims: whether each cell of the ledger's tables is a block.
    """

    name: str
    line: int
    slider: int
    bar: int
    row: float
    claims: bool


WINDOWS = (Window("wide", 80, 560, 62, 1.3, False), Window("narrow", 36, 900, 100, 1.9, True))


def _length(element: lxml.html.HtmlElement) -> int:
    """Characters that are seen: of a formula those of one of its two forms."""
    hidden = element.xpath(".//*[contains(@class, 'katex-mathml')]")
    return len(element.text_content()) - sum(len(one.text_content()) for one in hidden)


def height(element: lxml.html.HtmlElement, window: Window) -> float:
    """Of an element and its margins, px."""
    tag, classes = element.tag, element.get("class", "").split()
    if not isinstance(tag, str) or tag in ("script", "style", "template"):
        return 0
    if tag in HEADINGS:
        return 45 + 35 * math.ceil(_length(element) / (window.line * 0.7))
    if tag == "pre":
        return 40 + 20.5 * element.text_content().count("\n")
    if tag == "img":
        return 30 + float(re.sub(r"[^\d.]", "", element.get("height", "")) or 320)
    if "slider-figure" in classes:
        return window.slider
    if "live-bar" in classes or tag == "details":
        return window.bar
    if tag == "div" and "math" in classes:
        return 85
    if tag == "tr":
        cells = [_length(cell) / window.line for cell in element]
        if window.claims and element.xpath("ancestor::table[contains(@class, 'claims')]"):
            return 25 + 32 * sum(map(math.ceil, cells))
        return 18 + 28 * math.ceil(window.row * sum(cells))
    if tag in ("p", "dt", "li") and not element.xpath("./ul | ./ol | ./p | ./div"):
        return 20 + 29 * math.ceil(_length(element) / window.line)
    return 12 + sum(height(child, window) for child in element)


def with_heights(text: str) -> str:
    """A page whose sections carry the guesses as variables of the style sheet."""
    start, end = text.find("<article"), text.rfind("</article>")
    if start < 0 or end < 0:
        return text
    article = lxml.html.fromstring(text[start:end])
    guesses = {
        section.get("id"): "; ".join(
            f"--{window.name}: {height(section, window) / REM:.0f}rem" for window in WINDOWS
        )
        for section in article.xpath("./section/section")
    }

    def with_guess(match: re.Match[str]) -> str:
        guess = guesses.get(match[1])
        return f'<section id="{match[1]}" style="{guess}">' if guess else match[0]

    return text[:start] + SECTIONS.sub(with_guess, text[start:end]) + text[end:]
