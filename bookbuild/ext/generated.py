"""Directives for what the book generates: the chapters, the ledger, tables from measurements.

Nothing generated is stored in the repository. Each directive names the files that it depends on,
so that an incremental build renews a page when, and only when, one of them changes.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective, SphinxRole

from actgrade.course import Course
from actgrade.fingerprint import grader_files
from actlab import claims
from bookbuild.chapters import CHAPTERS
from bookbuild.pages import kill_table, ledger, mutation_table, property_table, solutions

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

logger = logging.getLogger(__name__)


class Generated(SphinxDirective):
    """A directive that writes Markdown and lets MyST read it."""

    has_content = False
    optional_arguments = 0
    option_spec: ClassVar[dict[str, Any]] = {}

    def depends_on(self, path: Path) -> None:
        """Renew the page when ``path`` changes."""
        self.env.note_dependency(str(path))

    def written(self, chapter: str) -> bool:
        """Whether the book has the notebook of ``chapter``."""
        return f"notebooks/{chapter}" in self.env.found_docs

    def parse(self, markdown: str) -> list[nodes.Node]:
        """Nodes of a piece of Markdown without headings."""
        holder = nodes.container()
        self.state.nested_parse(StringList(markdown.splitlines(), ""), 0, holder)
        return holder.children


class ChapterList(Generated):
    """``{chapters}``: the chapters by part, links to those that exist."""

    def run(self) -> list[nodes.Node]:
        """Build the list."""
        return self.parse(ledger.contents(self.written))


class LedgerCounts(Generated):
    """``{ledger-counts}``: how many claims have each verdict."""

    def run(self) -> list[nodes.Node]:
        """Build the table."""
        self.depends_on(claims.LEDGER)
        return self.parse(ledger.counts_table(claims.load()))


class ClaimsTotal(SphinxRole):
    """``{claims-total}`sentences```: the number of claims before a noun."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Write the number and the noun."""
        self.env.note_dependency(str(claims.LEDGER))
        return [nodes.Text(f"{len(claims.load())} {self.text}")], []


class LedgerTables(Generated):
    """``{ledger}``: a section for each chapter with the table of its claims."""

    def run(self) -> list[nodes.Node]:
        """Build the sections, with radio buttons in front that need no script."""
        self.depends_on(claims.LEDGER)
        result: list[nodes.Node] = [nodes.raw("", _filter(), format="html")]
        for chapter in CHAPTERS:
            rows = claims.of_chapter(chapter.name)
            written = self.written(chapter.name)
            title = ledger.heading(chapter)
            anchor = nodes.make_id(f"chapter-{chapter.name}")
            section = nodes.section(ids=[anchor], names=[])
            # MyST knows the headings of its own text only; other pages reach this one by {ref}.
            self.env.get_domain("std").note_hyperlink_target(
                ledger.label(chapter.name), self.env.docname, anchor, title
            )
            section += nodes.title(title, title)
            section += self.parse(ledger.intro(chapter, rows, written))
            section += self.table(rows, written)
            result.append(section)
        return result

    def table(self, rows: list[claims.Claim], written: bool) -> nodes.table:
        """One row a claim; its class names the verdict, which is what the buttons select."""
        table = nodes.table(classes=["claims"])
        group = nodes.tgroup(cols=4)
        table += group
        for width in (5, 38, 15, 42):
            group += nodes.colspec(colwidth=width)
        head = nodes.thead()
        head += _row([[nodes.Text(t)] for t in ("Id", "Claim", "Verdict", "What is measured")])
        group += head
        body = nodes.tbody()
        group += body
        for claim in rows:
            cells = [
                [nodes.Text(claim.id)],
                self.inline(ledger.claim_markdown(claim)),
                [nodes.inline("", claim.verdict, classes=["verdict"])],
                self.inline(ledger.finding_markdown(claim, written)),
            ]
            line = _row(cells)
            line["classes"] = [claims.verdict_class(claim.verdict)]
            line["ids"] = [f"claim-{claim.id.lower()}"]
            body += line
        return table

    def inline(self, markdown: str) -> list[nodes.Node]:
        """The children of a single paragraph of Markdown."""
        (paragraph,) = self.parse(markdown)
        return paragraph.children


class PropertyTable(Generated):
    """``{property-table} shape``: a group of measured columns; ``formulas``: the catalogue."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Build the table, from the rows that an earlier build has kept if they still hold."""
        for path in (
            *property_table.PACKAGE.glob("functions/*.py"),
            property_table.PACKAGE / "properties.py",
        ):
            self.depends_on(path)
        if self.arguments[0] == "formulas":
            return self.parse(property_table.formulas())
        if self.arguments[0] not in property_table.GROUPS:
            raise self.error(
                f"no such table; there are formulas, {', '.join(property_table.GROUPS)}"
            )
        from actlab.properties import COLUMNS

        rows = property_table.rows(measured_folder(self.env))
        return self.parse(property_table.table(self.arguments[0], rows, COLUMNS))


class KillTable(Generated):
    """``{kill-table}``: what wrong answers earn, known ones and those that programs made.

    A known one that is not caught is a warning of the build.
    """

    def run(self) -> list[nodes.Node]:
        """Build a section for each chapter with exercises."""
        root = Path(self.env.srcdir)
        for path in grader_files():
            self.depends_on(path)
        tables: list[tuple[str, dict[str, Any]]] = []
        for path in sorted((root / "solutions").glob("*.ipynb")):
            if f"solutions/{path.stem}" in self.env.found_docs:
                self.depends_on(path)
                tables.append((path.stem, kill_table.chapter(path, measured_folder(self.env))))
        if not tables:
            return self.parse("This build of the book has no exercises.")
        result = self.parse(kill_table.summary([table for _, table in tables]))
        course = Course(root)
        mutants = {name: mutation_table.rows(course, name) for name, _ in tables}
        result += self.parse(mutation_table.summary([r for rows in mutants.values() for r in rows]))
        for name, table in tables:
            for path in mutation_table.sources(course, name):
                self.depends_on(path)
            for problem in table["problems"]:
                self.env.note_reread()
                logger.warning(problem, location=self.get_location(), type="kills")
            section = nodes.section(ids=[nodes.make_id(f"kills-{name}")], names=[])
            section += nodes.title(table["title"], table["title"])
            section += self.parse(mutation_table.markdown(mutants[name]))
            for question in table["questions"]:
                section += self.parse(f"**{ledger.escape(question['title'])}**")
                section += self.parse(kill_table.markdown(question))
            result.append(section)
        return result


def measured_folder(env: BuildEnvironment) -> Path:
    """Where results of slow measurements are kept between builds."""
    return Path(env.app.outdir).parent / ".measured"


def _row(cells: list[list[nodes.Node]]) -> nodes.row:
    row = nodes.row()
    for children in cells:
        row += nodes.entry("", nodes.paragraph("", "", *children))
    return row


def _filter() -> str:
    """Radio buttons; the style sheet hides the rows that do not match (``:has``)."""
    rows = claims.load()
    found = claims.counts(rows)
    decided = sum(row.decided for row in rows)
    choices = {f"decided ({decided})": "decided", f"all ({len(rows)})": "all"}
    choices |= {f"{v} ({found[v]})": claims.verdict_class(v) for v in claims.VERDICTS}
    buttons = "".join(
        f'<label><input type="radio" name="verdict" value="{value}"'
        f"{' checked' * (value == 'decided')}> {text}</label>"
        for text, value in choices.items()
    )
    legend = f"<legend>{len(rows)} sentences, {decided} decided. Show</legend>"
    return f'<fieldset class="claim-filter">{legend}{buttons}</fieldset>'


def link_filter(
    app: Sphinx, pagename: str, templatename: str, context: dict, doctree: nodes.document | None
) -> None:
    """Link the style sheet of the radio buttons, on the page that has them."""
    if 'class="claim-filter"' in context.get("body", ""):
        app.add_css_file("css/ledger.css")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directives."""
    app.add_directive("chapters", ChapterList)
    app.add_directive("ledger-counts", LedgerCounts)
    app.add_directive("ledger", LedgerTables)
    app.add_directive("kill-table", KillTable)
    app.add_directive("property-table", PropertyTable)
    app.add_role("claims-total", ClaimsTotal())
    app.connect("source-read", fold_solutions)
    app.connect("env-get-outdated", outdated)
    app.connect("html-page-context", link_filter)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def fold_solutions(app: Sphinx, docname: str, source: list[str]) -> None:
    """Turn a notebook of ``solutions/`` into a page before MyST reads it."""
    if docname.startswith("solutions/"):
        source[0] = json.dumps(solutions.for_reading(json.loads(source[0])))


def outdated(
    app: Sphinx, env: BuildEnvironment, added: set[str], changed: set[str], removed: set[str]
) -> list[str]:
    """The pages that list notebooks, when a notebook has come or gone."""
    pages: list[str] = []
    moved = added | removed
    if any(name.startswith("notebooks/") for name in moved):
        pages += ["index", "book/claims"]
    if any(name.startswith("solutions/") for name in moved):
        pages.append("book/kill_table")
    return [page for page in pages if page in env.all_docs]
