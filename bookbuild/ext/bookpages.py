"""What every page needs beside its text: a description, a page for wrong addresses.

- ``<meta name="description">`` is the first paragraph, unless the front matter has one
  (``myst: {html_meta: {description: ...}}``).
- ``404.html`` stands alone: a host serves it for any address, so relative links would break.
"""

from __future__ import annotations

import html
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes

from bookbuild.paths import TEMPLATES

if TYPE_CHECKING:
    from sphinx.application import Sphinx

DESCRIPTION_LENGTH = 155  # what search engines show


def description_of(doctree: nodes.document) -> str:
    """The first paragraph of a page as plain text, cut at a word."""
    for paragraph in doctree.findall(nodes.paragraph):
        if not isinstance(paragraph.parent, nodes.section | nodes.document):
            continue
        text = " ".join(paragraph.astext().split())
        if len(text) > DESCRIPTION_LENGTH:
            text = text[:DESCRIPTION_LENGTH].rsplit(" ", 1)[0].rstrip(",;:") + "…"
        if text:
            return text
    return ""


def complete_head(
    app: Sphinx, pagename: str, templatename: str, context: dict, doctree: nodes.document | None
) -> None:
    """Add the description, and mend what the theme and MyST-NB leave undone."""
    context.setdefault("default_mode", "auto")
    # MyST-NB labels the buttons that unfold a cell with other words than they show (WCAG 2.5.3).
    # Sphinx puts entries of a bibliography into a list without making them its items.
    context["body"] = (
        context.get("body", "")
        .replace(' aria-label="Toggle hidden content"', "")
        .replace('role="doc-biblioentry"', 'role="listitem"')
    )
    if doctree is None or 'name="description"' in context.get("metatags", ""):
        return
    if text := description_of(doctree):
        context["metatags"] += (
            f'\n<meta name="description" content="{html.escape(text, quote=True)}">'
        )


def write_404(app: Sphinx, exception: Exception | None) -> None:
    """Write the page for wrong addresses, complete in itself."""
    if exception is not None or app.builder.name != "html":
        return
    template = TEMPLATES / "404.html"
    text = template.read_text(encoding="utf-8")
    page = text.replace("{{home}}", html.escape(app.config.html_baseurl or "/", quote=True))
    Path(app.outdir, "404.html").write_text(page, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect the handlers."""
    app.connect("html-page-context", complete_head)
    app.connect("build-finished", write_404)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
