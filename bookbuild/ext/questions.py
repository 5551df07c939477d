"""Quick questions on the page: choices that can be taken, and the reason once one is.

The notebook holds plain text (`bookbuild.pages.questions` says in which form). While a page is
read, the question goes to the end of its section, its choices get radio buttons, and its answer is
folded. Without scripts the choices are a list and the answer unfolds; on paper it is open.
``scripts/question.js`` says whether a choice is right.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from docutils import nodes

from bookbuild.ext import webpart
from bookbuild.pages import questions

if TYPE_CHECKING:
    from sphinx.application import Sphinx

FOLDER = "notebooks/"
SCRIPT, STYLE = "scripts/question.js", "css/question.css"


class question_part(webpart.WebPart):
    """A part of this component."""


def mark(app: Sphinx, doctree: nodes.document) -> None:
    """Make components of the questions of a chapter."""
    if not app.env.docname.startswith(FOLDER):
        return
    number = 0
    for paragraph in list(doctree.findall(nodes.paragraph)):
        if _bold(paragraph) != questions.OPENING:
            continue
        parent = paragraph.parent
        at = parent.index(paragraph)
        listing, answer = (*parent.children[at + 1 : at + 3], None, None)[:2]
        match = questions.ANSWER.match(_bold(answer)) if answer is not None else None
        if not isinstance(listing, nodes.bullet_list) or match is None:
            continue  # bookbuild.checks says so
        number += 1
        for node in (paragraph, listing, answer):
            parent.remove(node)
        made = _component(number, paragraph, listing, answer, match[1])
        parent.insert(_end(parent, at), made)


def _bold(node: nodes.Node) -> str:
    """The bold words with which a paragraph begins, or nothing."""
    if not isinstance(node, nodes.paragraph):
        return ""
    first = next((child for child in node.children if child.astext().strip()), None)
    return " ".join(first.astext().split()) if isinstance(first, nodes.strong) else ""


def _end(parent: nodes.Element, at: int) -> int:
    """Where the text of a section ends: before what is divided off it, or after everything."""
    later = enumerate(parent.children[at:], start=at)
    return next((k for k, node in later if isinstance(node, nodes.section)), len(parent.children))


def _component(
    number: int,
    paragraph: nodes.Element,
    listing: nodes.bullet_list,
    answer: nodes.Element,
    right: str,
) -> nodes.container:
    name = f"quick-{number}"
    paragraph["ids"] = [*paragraph["ids"], name]
    listing["classes"].append("quick-choices")
    for place, item in enumerate(listing.children):
        inner = next(iter(item.findall(nodes.paragraph)), None)
        if inner is None:
            continue
        known = " data-right" * questions.same(inner.astext(), right)
        inner.insert(
            0,
            question_part(
                html=f'<label><input class="no-print" type="radio" name="{name}" '
                f'value="{place}" autocomplete="off"{known}> <span>'
            ),
        )
        inner.append(question_part(html="</span></label>"))
    part = question_part
    return nodes.container(
        "",
        part(html=f'<div class="quick-ask" role="group" aria-labelledby="{name}">'),
        paragraph,
        listing,
        part(html='</div><p class="quick-say no-print" role="status"></p>'),
        part(html='<details class="quick-answer"><summary>Answer</summary>'),
        answer,
        part(html="</details>"),
        classes=["quick"],
    )


def add_files(
    app: Sphinx, pagename: str, templatename: str, context: dict, doctree: nodes.document | None
) -> None:
    """Load script and style on the pages that ask."""
    if webpart.is_wanted(app, doctree, question_part):
        app.add_css_file(STYLE)
        app.add_js_file(SCRIPT, defer="defer")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the node and connect the handlers."""
    webpart.register(app, question_part)
    app.connect("doctree-read", mark)
    app.connect("html-page-context", add_files)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
