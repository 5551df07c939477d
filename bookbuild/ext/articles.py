"""``{article-verdicts}``: the source articles, sentence by sentence, out of the claims ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from docutils import nodes

from actlab import claims
from bookbuild.ext.generated import Generated
from bookbuild.pages import articles

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

PAGE = "book/articles"
HEAD = ("What it says", "Verdict", "What was measured")


class ArticleVerdicts(Generated):
    """A section for each article, with a table in the order of its sentences."""

    def run(self) -> list[nodes.Node]:
        """Build the sections."""
        self.depends_on(claims.LEDGER)
        result: list[nodes.Node] = []
        for source, rows in articles.by_article(claims.load()).items():
            section = nodes.section(ids=[nodes.make_id(f"article-{source}")], names=[])
            section += nodes.title(source, source)
            section += self.parse(articles.intro(rows))
            section += self.table(rows)
            result.append(section)
        return result

    def table(self, rows: list[claims.Claim]) -> nodes.table:
        """One row a sentence; its class names the verdict, as in the ledger."""
        table = nodes.table(classes=["claims"])
        group = nodes.tgroup(cols=len(HEAD))
        table += group
        for width in (36, 16, 48):
            group += nodes.colspec(colwidth=width)
        head, body = nodes.thead(), nodes.tbody()
        head += self.line([[nodes.Text(title)] for title in HEAD])
        for row in rows:
            line = self.line(
                [
                    self.inline(articles.sentence(row)),
                    [nodes.inline("", row.verdict, classes=["verdict"])],
                    self.inline(articles.answer(row, self.written(row.chapter))),
                ]
            )
            line["classes"] = [claims.verdict_class(row.verdict)]
            body += line
        group += [head, body]
        return table

    def inline(self, markdown: str) -> list[nodes.Node]:
        """The children of a single paragraph of Markdown."""
        (paragraph,) = self.parse(markdown)
        return paragraph.children

    @staticmethod
    def line(cells: list[list[nodes.Node]]) -> nodes.row:
        """A row of a table."""
        row = nodes.row()
        for children in cells:
            row += nodes.entry("", nodes.paragraph("", "", *children))
        return row


def outdated(
    app: Sphinx, env: BuildEnvironment, added: set[str], changed: set[str], removed: set[str]
) -> list[str]:
    """The page, when a notebook that it links to has come or gone."""
    moved = any(name.startswith("notebooks/") for name in added | removed)
    return [PAGE] if moved and PAGE in env.all_docs else []


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("article-verdicts", ArticleVerdicts)
    app.connect("env-get-outdated", outdated)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
