"""Markdown of the claims ledger, chapter by chapter, and of the list of chapters."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

from actlab.claims import VERDICTS, Claim, counts, summary
from bookbuild.chapters import CHAPTERS, Chapter

# A note for each verdict, shown beside the counts.
MEANING = {
    "true": "as it stands",
    "true with conditions": "under conditions that the finding names",
    "false": "contradicted by a measurement or a primary source",
    "not resolved": "measured, and the interval does not decide",
    "open": "its chapter is not written yet",
}


def counts_table(rows: Sequence[Claim]) -> str:
    """How many claims have each verdict, as a Markdown table."""
    found = counts(rows)
    lines = ["| Verdict | Claims | Meaning |", "|:--|--:|:--|"]
    lines += [f"| {verdict} | {found[verdict]} | {MEANING[verdict]} |" for verdict in VERDICTS]
    return "\n".join(lines)


def claim_markdown(row: Claim) -> str:
    """The sentence and where it was read."""
    quoted = row.claim if '"' in row.claim else f"“{row.claim}”"
    return f"{escape(quoted)}<br>*{escape(row.source)}*"


def finding_markdown(row: Claim, written: bool) -> str:
    """What was measured, with a link to the section that shows it."""
    if not row.decided:
        return "Not measured yet."
    text = escape(row.finding)
    if written and row.section:
        text += f" [See the measurement](/notebooks/{row.chapter}.ipynb#{row.section})"
    return text


def heading(chapter: Chapter) -> str:
    """The ledger's heading for a chapter: ``4. ReLU``."""
    return f"{chapter.number}. {chapter.title}"


def label(name: str) -> str:
    """What other pages call the ledger's section of a chapter, in a ``{ref}``."""
    return f"ledger-{name.replace('_', '-')}"


def intro(chapter: Chapter, rows: Sequence[Claim], written: bool) -> str:
    """The line under a chapter's heading: where it is, and its counts."""
    if written:
        return f"[Read the chapter](/notebooks/{chapter.name}.ipynb). {summary(rows)}."
    return f"This chapter is not written yet. {summary(rows)}."


def contents(written: Callable[[str], bool]) -> str:
    """All chapters by part, with their questions; links lead to those that exist.

    Args:
        written: tells of a chapter's name whether the book has its notebook.

    Returns:
        Markdown: a heading for each part, a list under it.
    """
    lines: list[str] = []
    for part, chapters in itertools.groupby(CHAPTERS, key=lambda chapter: chapter.part):
        lines += ["", f"**{part}**", ""]
        for chapter in chapters:
            if written(chapter.name):
                name = f"[{heading(chapter)}](/notebooks/{chapter.name}.ipynb)"
                lines.append(f"- {name}: {chapter.question}")
            else:
                # "2. Sigmoid" at the start of an item would begin a numbered list.
                name = rf"{chapter.number}\. {chapter.title}"
                lines.append(f"- {name}: {chapter.question} *(planned)*")
    return "\n".join(lines).strip()


def escape(text: str) -> str:
    """Plain words with `code`, safe for Markdown: no emphasis, math or table by chance."""
    parts = text.split("`")
    for index in range(0, len(parts), 2):
        for sign in "\\*_[]<>$|#~{}":
            parts[index] = parts[index].replace(sign, f"\\{sign}")
    return "`".join(parts)
