"""Printed lines and tables that fit their column, on a phone too, without a script.

Only the build knows how long the longest line of an output is. It tells the style sheet, which
chooses the size of the type from that and from the width of the column; where even the smallest
type is too wide, lines are broken, and what continues one is set in and marked. A table whose
columns do not all fit a phone becomes a list of rows there, in which each cell names its column.
"""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from docutils import nodes
    from sphinx.application import Sphinx

# Characters of a line that a phone shows in the smallest type (css/fitting.css), and in a table.
UNBROKEN = 48
PHONE_TABLE, PAGE_TABLE = 33, 66
OUTPUT = re.compile(
    r'(<div class="output [^"]*"><div class="highlight"><pre)>(<span></span>)?(.*?)(</pre>)',
    re.DOTALL,
)
TABLE = re.compile(r'<table class="([^"]*)"([^>]*)>(.*?)</table>', re.DOTALL)
ROW = re.compile(r"<tr\b.*?</tr>", re.DOTALL)
KEPT = {"claims", "sf-values", "dataframe"}
TAG = re.compile(r"<[^>]+>")
MATH = re.compile(
    r'<span class="math[^"]*">.*?<annotation[^>]*>(.*?)</annotation>.*?aria-hidden="true">.*?'
    r"(?=</td>|</th>|</p>)",
    re.DOTALL,
)


def plain(markup: str) -> str:
    """What a piece of HTML shows."""
    return html.unescape(TAG.sub("", markup))


def fit_output(match: re.Match[str]) -> str:
    """An output with the length of its longest line, and lines that can be broken if it is long."""
    start, _, text, end = match.groups()
    lines = text.rstrip("\n").split("\n")
    columns = max(len(plain(line).expandtabs()) for line in lines)
    balanced = all(line.count("<span") == line.count("</span") for line in lines)
    if columns > UNBROKEN and balanced:
        text = "".join(f'<span class="line">{line}\n</span>' for line in lines)
    return f'{start} style="--columns:{columns}"><span></span>{text}{end}'


def narrowest(cell: str) -> float:
    """Characters without which a cell of a table does not fit: its longest word."""
    formulas = [len(re.sub(r"\\[a-zA-Z]+|[{}]", "x", tex)) for tex in MATH.findall(cell)]
    words = re.split(r"[\s\u200b/-]+", plain(MATH.sub("", cell)))
    return max(*(0.8 * length for length in formulas), *map(len, words), 0)


def fit_table(match: re.Match[str]) -> str:
    """A table that knows how it is shown where it is too wide."""
    classes, attributes, inner = match.groups()
    rows = [re.findall(r"<t[hd]\b[^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in _rows(inner)]
    if KEPT & set(classes.split()) or "<thead" not in inner or "colspan" in inner or not rows:
        return match[0]
    columns = max(map(len, rows))
    needs = sum(
        2 + max(narrowest(row[column]) for row in rows if len(row) > column)
        for column in range(columns)
    )
    if needs > PAGE_TABLE:
        classes += " dense"
    if needs > PHONE_TABLE:
        classes += " stacked"
        head = [" ".join(plain(MATH.sub(r"\1", cell)).split()) for cell in rows[0]]
        inner = re.sub(
            r"<tr\b.*?</tr>", lambda row: _labelled(row[0], head), inner, flags=re.DOTALL
        )
    return f'<table class="{classes}"{attributes}>{inner}</table>'


def _rows(inner: str) -> list[str]:
    return ROW.findall(inner)


def _labelled(row: str, head: list[str]) -> str:
    names = iter(head)

    def label(match: re.Match[str]) -> str:
        name, formula = html.escape(next(names, "")), " data-formula" * ('"math' in match[2])
        return f'<td{match[1]}{formula} data-label="{name}">{match[2]}'

    return re.sub(r"<td\b([^>]*)>(.*?)(?=</td>)", label, row, flags=re.DOTALL)


def fit(
    app: Sphinx, pagename: str, templatename: str, context: dict, doctree: nodes.document | None
) -> None:
    """Treat what is on a page."""
    if app.builder.name not in ("html", "dirhtml") or "body" not in context:
        return
    context["body"] = TABLE.sub(fit_table, OUTPUT.sub(fit_output, context["body"]))


def setup(app: Sphinx) -> dict[str, Any]:
    """Run before the pages are written, after the other extensions."""
    app.connect("html-page-context", fit, priority=700)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
