"""Fonts for formulas that hold the signs of this book.

KaTeX's fonts can set all of LaTeX; a book needs a few dozen of their signs. After the build, those
in ``_static`` are replaced by what the pages need of each. A reader waits for them before the first
formula can be drawn. The whole fonts stay in ``book/web``.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lxml.html
from fontTools import subset

from bookbuild.paths import WEB

if TYPE_CHECKING:
    from sphinx.application import Sphinx

FONTS = Path("katex", "fonts")
WHOLE = WEB / FONTS
FORMULAS = "//*[contains(concat(' ', @class, ' '), ' katex-html ')]"


def signs_in(pages: Iterable[Path]) -> set[str]:
    """The characters that formulas show."""
    signs: set[str] = set()
    for page in pages:
        if b"katex-html" in (text := page.read_bytes()):
            parser = lxml.html.HTMLParser(encoding="utf-8")
            for formula in lxml.html.fromstring(text, parser=parser).xpath(FORMULAS):
                signs.update(formula.text_content())
    return signs


def only(font: Path, signs: Iterable[str]) -> bytes:
    """A font without the signs that are not asked for, as WOFF2 (https://www.w3.org/TR/WOFF2/)."""
    options = subset.Options(flavor="woff2", layout_features=["kern"], bidi_closure=False)
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
    signs = signs_in(path for path in root.rglob("*.html") if "_static" not in path.parts)
    for font in sorted(WHOLE.glob("*.woff2")):
        (root / "_static" / FONTS / font.name).write_bytes(only(font, signs))


def setup(app: Sphinx) -> dict[str, Any]:
    """Run before the pages are told where their fonts are (``weight.py``)."""
    # Jupyter Book logs at INFO, and every build would print what is pruned of every font.
    logging.getLogger("fontTools").setLevel(logging.WARNING)
    app.connect("build-finished", make_small, priority=850)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
