"""Pieces of HTML that web pages alone get: on paper and in an EPUB the text stands without them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from docutils import nodes

if TYPE_CHECKING:
    from sphinx.application import Sphinx

BUILDERS = ("html", "dirhtml")


class WebPart(nodes.General, nodes.Element):
    """A piece of HTML, ``html``. Each extension derives its own, to find its pages by it."""


def register(app: Sphinx, kind: type[WebPart]) -> None:
    """Tell every builder what to do with a kind of part."""
    skipped = (_skip, None)
    app.add_node(
        kind, html=(_visit, None), latex=skipped, text=skipped, man=skipped, texinfo=skipped
    )


def is_wanted(app: Sphinx, doctree: nodes.document | None, kind: type[WebPart]) -> bool:
    """Whether a page of the web has such a part, and so needs its script and style."""
    if doctree is None or app.builder.name not in BUILDERS:
        return False
    return next(iter(doctree.findall(kind)), None) is not None


def _visit(translator: Any, node: WebPart) -> None:
    if translator.builder.name in BUILDERS:
        translator.body.append(node["html"])
    raise nodes.SkipNode


def _skip(translator: Any, node: WebPart) -> None:
    raise nodes.SkipNode
