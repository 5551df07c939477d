"""Markdown of the ledger in the order in which it was read: article by article."""

from __future__ import annotations

from collections.abc import Sequence

from actlab.claims import Claim, counts
from bookbuild.chapters import BY_NAME
from bookbuild.pages.ledger import escape


def by_article(rows: Sequence[Claim]) -> dict[str, list[Claim]]:
    """Source -> its sentences; articles and sentences in the order of the ledger."""
    found: dict[str, list[Claim]] = {}
    for row in rows:
        found.setdefault(row.source, []).append(row)
    return found


def intro(rows: Sequence[Claim]) -> str:
    """How many sentences of one article have which verdict.

    >>> intro([Claim("C1", "04_relu", "A page", "ReLU bends", "true", "It does.", "the-bend")])
    '1 sentence: 1 true.'
    """
    parts = [f"{n} {verdict}" for verdict, n in counts(rows).items() if n]
    return f"{len(rows)} sentence{'s' * (len(rows) != 1)}: {', '.join(parts)}."


def sentence(row: Claim) -> str:
    """The words of the article: as they were quoted, or shortened."""
    return escape(row.claim if '"' in row.claim else f"“{row.claim}”")


def answer(row: Claim, written: bool) -> str:
    """What was measured, and the section of the chapter that shows it.

    Args:
        row: a sentence.
        written: whether the book has the chapter, so that a link has an end.
    """
    chapter = BY_NAME[row.chapter]
    name = f"{chapter.number}. {chapter.title}"
    if not row.decided:
        return f"Not measured yet; it belongs to {escape(name)}."
    if not written:
        return f"{escape(row.finding)} *{escape(name)}*"
    return f"{escape(row.finding)} [{escape(name)}](/notebooks/{row.chapter}.ipynb#{row.section})"
