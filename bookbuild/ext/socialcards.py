"""What a link to the book looks like where somebody shares it: title, sentence and picture.

Titles and descriptions are in every build. Pictures need an absolute address, so they are drawn
only for a book that knows where it will be published (``html_baseurl``): one for the book and one
for each chapter, with the catalogue's own curves.
"""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from docutils import nodes
    from sphinx.application import Sphinx

FOLDER = "_social"
CHAPTERS = "notebooks/"


def card_of(pagename: str) -> str:
    """The file name of the card that a page uses."""
    return f"{pagename.rsplit('/', 1)[1]}.png" if pagename.startswith(CHAPTERS) else "book.png"


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
        from bookbuild.pages.cards import ALT, CARD

        tags |= {
            "og:url": base + app.builder.get_target_uri(pagename),
            "og:image": f"{base}{FOLDER}/{card_of(pagename)}",
            "og:image:width": str(CARD[0]),
            "og:image:height": str(CARD[1]),
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
    from bookbuild.pages.cards import draw_card

    folder, book = Path(app.outdir, FOLDER), app.config.html_title
    draw_card(book, book, folder / "book.png")
    for page in sorted(app.env.found_docs):
        if page.startswith(CHAPTERS):
            draw_card(app.env.titles[page].astext(), book, folder / card_of(page))


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect the two steps; the tags need the description that `bookpages` has written."""
    app.connect("html-page-context", add_tags, priority=700)
    app.connect("build-finished", draw_cards)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
