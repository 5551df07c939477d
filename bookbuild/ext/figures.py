"""Figures that follow the reader's theme, hold their place, and say what they show.

While the book is built the notebooks draw SVG (``ACTLAB_FIGURES=svg``, which `actlab.plotting`
reads). Three things are then done to each figure:

1. every colour of ``actlab.palette.THEMES`` gets its dark counterpart through CSS
   ``light-dark()``, so that one file serves both themes;
2. its ``<img>`` gets the width and height of the file, so that the text does not move when it
   arrives, and is loaded only when the reader comes near;
3. a figure without alt text is a warning (category ``figures``), so ``-W`` fails the build.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.util import logging

from bookbuild.themed_svg import follow_theme

if TYPE_CHECKING:
    from sphinx.application import Sphinx

logger = logging.getLogger(__name__)

# Kernels inherit the environment of the build.
os.environ["ACTLAB_FIGURES"] = "svg"

PIXELS_PER_UNIT = {"pt": 96 / 72, "px": 1.0, "in": 96.0, "": 1.0}


def size_in_pixels(svg: str) -> tuple[int, int] | None:
    """Width and height of an SVG in CSS pixels, or None where it states none."""
    head = re.search(r"<svg\b[^>]*>", svg)
    found = {}
    for side in ("width", "height"):
        match = head and re.search(rf'\b{side}="([\d.]+)(pt|px|in|)"', head[0])
        if not match:
            return None
        found[side] = round(float(match[1]) * PIXELS_PER_UNIT[match[2]])
    return found["width"], found["height"]


def check_alt_texts(app: Sphinx, doctree: nodes.document) -> None:
    """Warn about each image that has no alt text."""
    for node in doctree.findall(nodes.image):
        if not node.get("alt", "").strip():
            app.env.note_reread()  # so that the next build does not hide the mistake
            logger.warning(
                "an image has no alt text; say what is to be seen in the cell's metadata "
                "(mystnb.image.alt) or between the brackets of ![...](...)",
                location=node if node.line else node.parent,
                type="figures",
            )


def hold_the_place(
    app: Sphinx, pagename: str, templatename: str, context: dict, doctree: nodes.document | None
) -> None:
    """Write size and lazy loading into the ``<img>`` tags of SVG files, and put a box around."""
    images = getattr(app.builder, "images", {})
    if "body" not in context or not images:
        return
    source_of = {name: Path(app.srcdir) / source for source, name in images.items()}

    def sized(match: re.Match[str]) -> str:
        tag = match[0]
        source = source_of.get(match["name"])
        if source is None or " width=" in tag or not source.exists():
            return tag
        size = size_in_pixels(source.read_text(encoding="utf-8")[:4000])
        if size is None:
            return tag
        attributes = f'width="{size[0]}" height="{size[1]}" loading="lazy"'
        # The box is what scrolls on a phone; a span, because an image may stand in a paragraph.
        return f'<span class="figure-box">{tag.replace("<img ", f"<img {attributes} ", 1)}</span>'

    context["body"] = re.sub(
        r'<img\b[^>]*\bsrc="[^"]*_images/(?P<name>[^"/]+\.svg)"[^>]*>', sized, context["body"]
    )


def theme_files(app: Sphinx, exception: Exception | None) -> None:
    """Treat all SVG files of the finished book."""
    if exception is not None or app.builder.format != "html":
        return
    from actlab.palette import THEMES

    for path in Path(app.outdir, "_images").glob("*.svg"):
        before = path.read_text(encoding="utf-8")
        after = follow_theme(before, THEMES)
        if after != before:
            path.write_text(after, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect the three steps."""
    app.connect("doctree-read", check_alt_texts)
    app.connect("html-page-context", hold_the_place)
    app.connect("build-finished", theme_files)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
