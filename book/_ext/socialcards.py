"""What a link to the book looks like where somebody shares it: title, sentence and picture.

Titles and descriptions are in every build. Pictures need an absolute address, so they are drawn
only for a book that knows where it will be published (``html_baseurl``): one for the book and one
for each chapter, with the catalogue's own curves.
"""

from __future__ import annotations

import html
import re
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from docutils import nodes
    from sphinx.application import Sphinx

SIZE = (1200, 630)  # pixels, the shape that every service shows uncut
FOLDER = "_social"
CURVES = ("relu", "gelu", "tanh", "sigmoid", "elu")
CHAPTERS = "notebooks/"
ALT = "The curves of ReLU, GELU, tanh, sigmoid and ELU beside the title"


def card_of(pagename: str) -> str:
    """The file name of the card that a page uses."""
    return f"{pagename.rsplit('/', 1)[1]}.png" if pagename.startswith(CHAPTERS) else "book.png"


def draw(title: str, book: str, path: Path) -> None:
    """Draw a card.

    Args:
        title: the large words, wrapped to what fits.
        book: the small words above them; left out where they say the same.
        path: where the PNG goes.
    """
    import matplotlib as mpl
    import numpy as np
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from actlab.functions import get
    from actlab.plotting import GRID, INK, LINES, MUTED, STYLE, STYLES

    with mpl.rc_context(STYLE):
        figure = Figure(
            figsize=(SIZE[0] / 100, SIZE[1] / 100), dpi=100, facecolor="white", layout="none"
        )
        FigureCanvasAgg(figure)
        axes = figure.add_axes((0.42, 0.0, 0.58, 1.0))
        axes.set_axis_off()
        x = np.linspace(-4, 4, 401)
        axes.axhline(0, color=GRID, linewidth=2)
        axes.axvline(0, color=GRID, linewidth=2)
        for name, colour, style in zip(CURVES, LINES, STYLES, strict=True):
            axes.plot(x, get(name).forward(x), color=colour, linestyle=style, linewidth=4)
        axes.set(xlim=(-4, 4), ylim=(-1.6, 4.2))
        words = figure.text(
            0.055,
            0.5,
            textwrap.fill(title, 17),
            fontsize=50 if len(title) < 50 else 40,
            fontweight="bold",
            color=INK,
            va="center",
            linespacing=1.15,
        )
        words.set_bbox({"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 6})
        if book != title:
            figure.text(0.055, 0.88, book, fontsize=24, color=MUTED)
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, facecolor="white", metadata={"Software": None})


def add_tags(
    app: Sphinx, pagename: str, templatename: str, context: dict, doctree: nodes.document | None
) -> None:
    """Write the Open Graph and Twitter tags of a page with text."""
    if doctree is None or app.builder.name != "html":
        return
    found = re.search(r'<meta[^>]*name="description"[^>]*>', context.get("metatags", ""))
    description = re.search(r'content="([^"]*)"', found[0]) if found else None
    title = re.sub(r"<[^>]+>", "", str(context.get("title", "")))
    book = app.config.html_title
    tags = {
        "og:title": title,
        "og:site_name": html.escape(book, quote=True),
        "og:type": "website" if pagename == app.config.root_doc else "article",
        "twitter:card": "summary",
    }
    if description:
        tags["og:description"] = description[1]  # escaped already
    if base := app.config.html_baseurl:
        tags |= {
            "og:url": base + app.builder.get_target_uri(pagename),
            "og:image": f"{base}{FOLDER}/{card_of(pagename)}",
            "og:image:width": str(SIZE[0]),
            "og:image:height": str(SIZE[1]),
            "og:image:alt": ALT,
            "twitter:card": "summary_large_image",
        }
    for name, content in tags.items():
        kind = "name" if name.startswith("twitter") else "property"
        context["metatags"] += f'\n<meta {kind}="{name}" content="{content}">'


def draw_cards(app: Sphinx, exception: Exception | None) -> None:
    """Draw the pictures that the tags name."""
    if exception is not None or app.builder.name != "html" or not app.config.html_baseurl:
        return
    folder, book = Path(app.outdir, FOLDER), app.config.html_title
    draw(book, book, folder / "book.png")
    for page in sorted(app.env.found_docs):
        if page.startswith(CHAPTERS):
            draw(app.env.titles[page].astext(), book, folder / card_of(page))


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect the two steps; the tags need the description that `bookpages` has written."""
    app.connect("html-page-context", add_tags, priority=700)
    app.connect("build-finished", draw_cards)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
