"""Fonts for formulas that hold the signs of this book.

KaTeX's fonts can set all of LaTeX; a book needs a few dozen of their signs. After the build, those
in ``_static`` are replaced by what the pages set in each. A reader waits for them before the first
formula can be drawn. The whole fonts stay in ``book/web``.
"""

from __future__ import annotations

import io
import logging
import re
from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lxml.html
import tinycss2
from fontTools import subset

from bookbuild.paths import WEB

if TYPE_CHECKING:
    from sphinx.application import Sphinx

FONTS = Path("katex", "fonts")
WHOLE = WEB / FONTS
SHEET = WEB / "katex" / "katex.min.css"
FORMULAS = "//*[contains(concat(' ', @class, ' '), ' katex-html ')]"
MAIN = "KaTeX_Main"  # where no class asks for another
_FAMILY = re.compile(r"KaTeX_\w+")
_CLASS = re.compile(r"\.([\w-]+)")


def families(css: str) -> dict[frozenset[str], str]:
    """By KaTeX's style sheet: the classes that an element has whose text is set in a family."""
    found = {}
    for rule in tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True):
        if rule.type != "qualified-rule":
            continue
        if not (family := _FAMILY.search(tinycss2.serialize(rule.content))):
            continue
        for selector in tinycss2.serialize(rule.prelude).split(","):
            # What comes after the last class, ``> span``, is inside.
            compound = [part for part in re.split(r"[\s>]+", selector) if "." in part][-1]
            found[frozenset(_CLASS.findall(compound))] = family[0]
    return found


def signs_in(page: bytes) -> dict[str, set[str]]:
    """The characters that formulas show in a page, by the family in which they are set."""
    signs: dict[str, set[str]] = defaultdict(set)
    if b"katex-html" not in page:
        return signs
    by_classes = _families()

    def look(element: lxml.html.HtmlElement, outer: set[str]) -> None:
        classes = set((element.get("class") or "").split())
        own = {family for needed, family in by_classes.items() if needed <= classes} or outer
        for family in own:
            signs[family].update(element.text or "")
        for child in element:
            look(child, own)
            for family in own:
                signs[family].update(child.tail or "")

    parser = lxml.html.HTMLParser(encoding="utf-8")
    for formula in lxml.html.fromstring(page, parser=parser).xpath(FORMULAS):
        look(formula, {MAIN})
    return signs


@cache
def _families() -> dict[frozenset[str], str]:
    return families(SHEET.read_text(encoding="utf-8"))


def family_of(font: Path) -> str:
    """The family that a file of KaTeX belongs to."""
    return font.stem.partition("-")[0]


def only(font: Path, signs: Iterable[str]) -> bytes:
    """A font without the signs that are not asked for, as WOFF2 (https://www.w3.org/TR/WOFF2/)."""
    # KaTeX's glyphs have next to no hints; what is left of hinting is two fifths of a small font.
    options = subset.Options(
        flavor="woff2", layout_features=["kern"], bidi_closure=False, hinting=False
    )
    loaded = subset.load_font(font, options)
    loaded.recalcTimestamp = False  # the same signs give the same bytes
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=sorted(map(ord, signs)))
    subsetter.subset(loaded)
    written = io.BytesIO()
    subset.save_font(loaded, written, options)
    return written.getvalue()


def make_small(app: Sphinx, exception: Exception | None) -> None:
    """After an HTML build."""
    if exception is not None or app.builder.name != "html":
        return
    root = Path(app.outdir)
    signs: dict[str, set[str]] = defaultdict(set)
    for page in root.rglob("*.html"):
        if "_static" not in page.parts:
            for family, shown in signs_in(page.read_bytes()).items():
                signs[family] |= shown
    for font in sorted(WHOLE.glob("*.woff2")):
        (root / "_static" / FONTS / font.name).write_bytes(only(font, signs[family_of(font)]))


def setup(app: Sphinx) -> dict[str, Any]:
    """Run before the pages are told where their fonts are (``weight.py``)."""
    # Jupyter Book logs at INFO, and every build would print what is pruned of every font.
    logging.getLogger("fontTools").setLevel(logging.WARNING)
    app.connect("build-finished", make_small, priority=850)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
