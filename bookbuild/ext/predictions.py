"""Guesses that take an answer on the page, and show it again where the measurement stands.

The notebook holds plain text (`bookbuild.pages.predictions` says in which form). While a page is
read, each item of *Predict first* gets a field, each paragraph that begins with **Guess n.** a
place for the reader's guess, the chapter a place for a question to those who have skipped and one
for a tally. Without a script, on paper and in an EPUB there is the text alone.
``scripts/predict.js`` keeps the answers in the browser.
"""

from __future__ import annotations

import html
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes

from bookbuild.ext import webpart
from bookbuild.pages import predictions
from bookbuild.pages.predictions import Kind

if TYPE_CHECKING:
    from sphinx.application import Sphinx

FOLDER = "notebooks/"
SCRIPT, STYLE = "scripts/predict.js", "css/predict.css"
# `no-print`: bookbuild.forms drops it.
ASK = """<div class="guess-ask no-print" hidden>
<p>You have gone past the guesses. What you have guessed wrong stays with you, and what you have merely read does not.</p>
<p><a class="guess-back" href="#{section}">Guess first</a> <button type="button" class="guess-on">Read on</button></p></div>
"""  # noqa: E501
TALLY = """<div class="guess-tally no-print" hidden><p><strong>Your guesses.</strong>
<span class="guess-count" role="status"></span> They are kept in this browser only.
<button type="button" class="guess-forget">Forget them</button></p></div>
"""


class guess_part(webpart.WebPart):
    """A part of this component."""


def mark(app: Sphinx, doctree: nodes.document) -> None:
    """Add the fields and places to a chapter."""
    if not app.env.docname.startswith(FOLDER):
        return
    sections = list(doctree.findall(nodes.section))
    here = next((s for s in sections if _title(s).lower() == predictions.HEADING), None)
    if here is None:
        return
    listing = next(iter(here.findall(nodes.enumerated_list)), None)
    if not listing:
        return
    kinds = dict(filter(None, map(_field, enumerate(listing.children, start=1))))
    if not kinds:
        return
    closed = set()
    for paragraph in list(doctree.findall(nodes.paragraph)):
        number = _closes(paragraph)
        if number in kinds and number not in closed:
            closed.add(number)
            place = guess_part(html=_place(number, kinds[number], _bold(paragraph)))
            paragraph.parent.insert(paragraph.parent.index(paragraph) + 1, place)
    if (after := _next_section(here)) is not None:
        after.insert(1, guess_part(html=ASK.format(section=html.escape(here["ids"][0]))))
    summary = next((s for s in sections if _title(s).lower() == "summary"), None)
    if summary is not None:
        summary.insert(1, guess_part(html=TALLY))


def _title(section: nodes.section) -> str:
    title = section.next_node(nodes.title)
    return title.astext().strip() if title is not None else ""


def _next_section(section: nodes.section) -> nodes.section | None:
    later = section.parent.children[section.parent.index(section) + 1 :]
    return next((node for node in later if isinstance(node, nodes.section)), None)


def _field(numbered: tuple[int, nodes.Node]) -> tuple[int, Kind] | None:
    number, item = numbered
    paragraph = next(iter(item.findall(nodes.paragraph)), None)
    if paragraph is None:
        return None
    italics = [
        (node, predictions.kind_of(node.astext())) for node in paragraph.findall(nodes.emphasis)
    ]
    node, kind = next(((node, kind) for node, kind in reversed(italics) if kind), (None, None))
    if node is None or kind is None:
        return None
    if node is _seen(paragraph)[-1]:  # within a sentence it is read as part of it
        node["classes"].append("guess-kind")
    item.insert(item.index(paragraph) + 1, guess_part(html=field_html(number, kind)))
    return number, kind


def field_html(number: int, kind: Kind) -> str:
    """The field of a guess."""
    name = f"guess-{number}"
    if kind.name == "choice":
        buttons = "".join(
            f'<label><input type="radio" name="{name}" value="{html.escape(choice)}"> '
            f"{html.escape(choice)}</label>"
            for choice in kind.choices
        )
        inner = (
            f'<fieldset class="guess-choices"><legend>Your guess {number}</legend>'
            f"{buttons}</fieldset>"
        )
    else:
        extra = ' inputmode="text"' if kind.name == "words" else ' class="guess-number"'
        unit = f' <span class="guess-unit">{html.escape(kind.unit)}</span>' if kind.unit else ""
        inner = (
            f'<label for="{name}">Your guess {number}</label> '
            f'<input type="text" id="{name}"{extra} autocomplete="off" spellcheck="false">{unit}'
        )
    return (
        f'<div class="guess no-print" data-guess="{number}" data-kind="{kind.name}">{inner}'
        '<span class="guess-say" role="status"></span></div>\n'
    )


def _seen(paragraph: nodes.paragraph) -> list[nodes.Node]:
    """The children of a paragraph without the blanks that a parser leaves between them."""
    return [node for node in paragraph.children if node.astext().strip()]


def _closes(paragraph: nodes.paragraph) -> int | None:
    first = next(iter(_seen(paragraph)), None)
    if not isinstance(first, nodes.strong):
        return None
    match = predictions.CLOSING.match(first.astext().strip())
    return int(match[1]) if match else None


def _bold(paragraph: nodes.paragraph) -> str:
    return next((node.astext() for node in list(paragraph.findall(nodes.strong))[1:]), "")


def _place(number: int, kind: Kind, bold: str) -> str:
    known = {"guess": str(number), "kind": kind.name, "unit": kind.unit}
    band = predictions.measured(bold) if kind.name == "number" else None
    if band:
        known |= {"low": f"{band[0]:.12g}", "high": f"{band[1]:.12g}"}
    if right := predictions.chosen(bold, kind.choices):
        known["right"] = right
    attributes = " ".join(f'data-{key}="{html.escape(value)}"' for key, value in known.items())
    return f'<p class="guess-answer no-print" {attributes} hidden></p>\n'


def add_files(
    app: Sphinx, pagename: str, templatename: str, context: dict, doctree: nodes.document | None
) -> None:
    """Load script and style on the pages that take guesses."""
    if webpart.is_wanted(app, doctree, guess_part):
        app.add_css_file(STYLE)
        app.add_js_file(SCRIPT, defer="defer", **{"data-chapter": Path(pagename).name})


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the node and connect the handlers."""
    webpart.register(app, guess_part)
    app.connect("doctree-read", mark)
    app.connect("html-page-context", add_files)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
