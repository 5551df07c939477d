"""``{function-cards}``: a section for each group of functions, with the card of each.

A card is two image nodes in a row, of which the second is for a phone and has the class
``narrow-variant``; `variants` makes one picture of them, as it does for the figures of a chapter.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

from actlab import claims
from actlab.functions import CATALOGUE
from bookbuild.chapters import CHAPTERS
from bookbuild.pages import cardpage

if TYPE_CHECKING:
    from sphinx.application import Sphinx


class FunctionCards(SphinxDirective):
    """All cards, in groups."""

    has_content = False

    def run(self) -> list[nodes.Node]:
        """Build the sections."""
        for path in (*cardpage.sources(), claims.LEDGER):
            self.env.note_dependency(str(path))
        result: list[nodes.Node] = []
        for group, names in cardpage.groups().items():
            section = nodes.section(ids=[nodes.make_id(f"cards-{group}")], names=[])
            section += nodes.title(group, group)
            for name in names:
                section += self.card(name)
            result.append(section)
        return result

    def card(self, name: str) -> nodes.section:
        """One function: its heading, its picture, and a line below."""
        title = CATALOGUE[name].title
        section = nodes.section(ids=[nodes.make_id(f"card-{name}")], names=[])
        section += nodes.title(title, title)
        wide, narrow, said = cardpage.pictures(name, Path(self.env.doctreedir) / "cards")
        # The second class is that of a figure in a chapter, whose rules hold here too.
        holder = nodes.container(classes=["function-card", "cell_output"])
        holder += self.image(wide, said)
        holder += self.image(narrow, said, "narrow-variant")
        section += holder
        chapter = next(c for c in CHAPTERS if c.name == CATALOGUE[name].shown.chapter)
        written = f"notebooks/{chapter.name}" in self.env.found_docs
        text = cardpage.below(name, f"{chapter.number}. {chapter.title}", written=written)
        below = nodes.container()
        self.state.nested_parse(StringList([text], ""), 0, below)
        section += below.children
        return section

    def image(self, path: Path, said: str, *classes: str) -> nodes.image:
        """A file of the build, as a picture of the page."""
        uri = "/" + Path(os.path.relpath(path, self.env.srcdir)).as_posix()
        return nodes.image(uri=uri, alt=said, classes=list(classes))


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("function-cards", FunctionCards)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
