"""A term of the glossary says what it means where it is used: on hover and on focus.

Each link to a term carries the first sentence of its entry; ``scripts/terms.js`` shows it. A
sentence with a formula is left out, because a tooltip shows text only; the link leads to the whole
entry in any case.
"""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Any

from docutils import nodes

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

GLOSSARY = "book/glossary"
LINK = re.compile(
    r'<a class="reference internal" href="(?P<page>[^"#]*)#(?P<term>term-[^"]+)">'
    r'(?=<span class="xref std std-term">)'
)


def meanings(doctree: nodes.document) -> dict[str, str]:
    """Anchor of each term -> the first sentence of its entry."""
    found: dict[str, str] = {}
    for item in doctree.findall(nodes.definition_list_item):
        paragraph = next(iter(item.findall(nodes.paragraph)), None)
        if paragraph is None:
            continue
        sentence = re.split(r"(?<=[.:])\s", " ".join(paragraph.astext().split()), maxsplit=1)[0]
        if "\\" in sentence or len(sentence) < 12:
            continue
        for term in item.findall(nodes.term):
            found |= dict.fromkeys(term["ids"], sentence.rstrip(":"))
    return found


def _meanings(env: BuildEnvironment) -> dict[str, str]:
    if GLOSSARY not in env.found_docs:
        return {}
    known = getattr(env, "actlab_meanings", None)
    if known is None:
        known = env.actlab_meanings = meanings(env.get_doctree(GLOSSARY))
    return known


def forget(app: Sphinx, env: BuildEnvironment, docname: str) -> None:
    """The glossary is read again."""
    if docname == GLOSSARY and hasattr(env, "actlab_meanings"):
        del env.actlab_meanings


def explain(
    app: Sphinx, pagename: str, templatename: str, context: dict, doctree: nodes.document | None
) -> None:
    """Write the sentences into the links of a page."""
    if app.builder.name not in ("html", "dirhtml") or "std-term" not in context.get("body", ""):
        return
    known = _meanings(app.env)

    def explained(match: re.Match[str]) -> str:
        meaning = known.get(match["term"])
        if not meaning:
            return match[0]
        return f'{match[0][:-1]} data-term="{html.escape(meaning)}">'

    if pagename != GLOSSARY:
        context["body"] = LINK.sub(explained, context["body"])
        app.add_js_file("scripts/terms.js", defer="defer")


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect the handlers."""
    app.connect("env-purge-doc", forget)
    app.connect("html-page-context", explain, priority=650)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
