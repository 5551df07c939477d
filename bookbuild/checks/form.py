"""The form of a chapter: its sections, its guesses, its boxes, its figures, its length."""

from __future__ import annotations

import re
import statistics
from pathlib import Path
from typing import Any

from bookbuild.checks.layout import Section, alt_of, sections, without_fences
from bookbuild.pages import predictions, questions
from bookbuild.pages.numbers import source, text_outputs

#: The sections with a fixed title, in their order. Others stand where their author puts them.
FIXED = (
    "Predict first",
    "What it costs",
    "What people get wrong",
    "What this cannot say",
    "Summary",
)
MOST_FIGURES = 6
_BOX = r"^:::\{admonition\}[^\n]*\n:class: [^\n]*\b%s\b"


def section_faults(notebook: dict[str, Any]) -> list[str]:
    """What a chapter's sections lack, one sentence each."""
    parts = sections(notebook)
    titles = [part.title for part in parts]
    found = [f"there is no section “## {title}”" for title in FIXED if title not in titles]
    there = [title for title in titles if title in FIXED]
    if not found and there != list(FIXED):
        found.append(
            f"the fixed sections stand in the order {', '.join(there)}; see {', '.join(FIXED)}"
        )
    by_title = {part.title: part for part in parts}
    opening = parts[0]
    if not re.search(r"^# \S", opening.markdown, re.M):
        found.append("the notebook does not begin with its title, “# …?”")
    if not _boxes(opening, "minute"):
        found.append("the opening has no box “The chapter in one minute” (:class: minute)")
    if not any(opening.code) and "![" not in opening.markdown:
        found.append("the opening shows neither a picture nor a failure")
    if "Predict first" in by_title:
        count = len(re.findall(r"^\d+\. ", by_title["Predict first"].markdown, re.M))
        if not 3 <= count <= 5:
            found.append(f"“Predict first” has {count} numbered guesses; it needs 3 to 5")
        found += predictions.faults(notebook)
    found += questions.faults(notebook)
    if "What it costs" in by_title:
        costs = by_title["What it costs"]
        if "cards.show(" not in "\n".join(costs.code) and "13_cost" not in costs.markdown:
            found.append("“What it costs” shows no card (cards.show) and has no link to chapter 13")
    if "What people get wrong" in by_title:
        wrong = by_title["What people get wrong"]
        count = _boxes(wrong, "myth")
        if not 2 <= count <= 4:
            found.append(
                f"“What people get wrong” has {count} boxes of :class: myth; it needs 2 to 4"
            )
        if "claims.md" not in wrong.markdown:
            found.append("“What people get wrong” has no link to the ledger (../book/claims.md)")
    if "Summary" in by_title:
        summary = by_title["Summary"].markdown
        for mark in ("Exercises.", "References."):
            if f"**{mark}**" not in summary:
                found.append(f"the summary has no paragraph “**{mark}**”")
    return found


def _boxes(part: Section, kind: str) -> int:
    return len(re.findall(_BOX % kind, part.markdown, re.M))


def figure_faults(notebook: dict[str, Any], number: int) -> list[str]:
    """What a chapter's figures lack, one sentence each.

    Args:
        notebook: of chapter ``number``, as JSON.
        number: 4 for ``04_relu``; figures are called ``fig-04-…``.
    """
    parts = sections(notebook)
    figures = [figure for part in parts for figure in part.figures]
    prefix = f"fig-{number:02d}-"
    found = [
        f"cell {place} shows a picture without alt text of 8 words (metadata mystnb.image.alt)"
        for place, cell in enumerate(notebook["cells"], start=1)
        if "<Figure size" in text_outputs(cell) and len(alt_of(cell).split()) < 8
    ]
    if not figures:
        return [*found, "it has no figure (plotting.show with metadata mystnb.figure)"]
    names = [figure.name for figure in figures if figure.name]
    found += [
        f"two figures are called {name}" for name in sorted(set(names)) if names.count(name) > 1
    ]
    if len(figures) > MOST_FIGURES:
        found.append(f"it has {len(figures)} figures; at most {MOST_FIGURES} carry a chapter")
    for figure in figures:
        here = f"the figure of cell {figure.cell}"
        if not figure.caption.strip():
            found.append(f"{here} has no caption (metadata mystnb.figure.caption)")
        elif not figure.caption.rstrip().endswith((".", "?", "!", ")")):
            found.append(f"{here} has a caption that is no sentence; say what to conclude")
        if not re.fullmatch(rf"{prefix}[a-z0-9][a-z0-9-]*", figure.name):
            found.append(f"{here} is called {figure.name!r}; its name begins with {prefix}")
        if not figure.alt.strip():
            found.append(f"{here} has no alt text (metadata mystnb.image.alt)")
        elif figure.alt.strip() == figure.caption.strip():
            found.append(f"{here} has its caption as alt text; say what is to be seen")
        if "hide-input" not in figure.tags:
            found.append(f"{here} shows its plotting code; tag the cell hide-input")
    return found


def unmentioned(notebook: dict[str, Any]) -> list[str]:
    """A sentence for each figure below the opening that no text refers to."""
    parts = sections(notebook)
    text = "\n".join(part.markdown for part in parts)
    return [
        f"no text refers to {figure.name} with {{numref}}`{figure.name}`"
        for part in parts[1:]
        for figure in part.figures
        if figure.name and f"{{numref}}`{figure.name}`" not in text
    ]


#: What a reader has patience for: name, limit.
LIMITS = {
    "words": 3400,
    "cells": 45,
    "visible code lines": 250,
    "lines in a typical cell": 12,
    "CPU seconds": 30,
}


def lengths(notebook: dict[str, Any]) -> dict[str, int]:
    """Words of prose, cells, and code lines that a page shows unfolded."""
    words = sum(
        len(re.findall(r"[^\W\d_][\w'’-]*", without_fences(source(cell))))
        for cell in notebook["cells"]
        if cell["cell_type"] == "markdown"
    )
    lines = list(_lines_of_cells(notebook).values())
    return {
        "words": words,
        "cells": len(notebook["cells"]),
        "visible code lines": sum(lines),
        "lines in a typical cell": int(statistics.median(lines or [0])),
    }


def _lines_of_cells(notebook: dict[str, Any]) -> dict[int, int]:
    """Lines of code of each cell that a page shows unfolded, by its place."""
    return {
        place: sum(bool(line.strip()) for line in source(cell).splitlines())
        for place, cell in enumerate(notebook["cells"], start=1)
        if cell["cell_type"] == "code"
        and "hide-input" not in cell.get("metadata", {}).get("tags", ())
    }


def long_cells(notebook: dict[str, Any]) -> list[str]:
    """A sentence for each cell whose visible code does not fit on a screen."""
    counts = _lines_of_cells(notebook).items()
    return [f"cell {place} has {lines} lines, limit 30" for place, lines in counts if lines > 30]


def too_long(measured: dict[str, float]) -> list[str]:
    """A sentence for each measure beyond its limit."""
    return [
        f"{value:.0f} {name}, limit {LIMITS[name]}"
        for name, value in measured.items()
        if value > LIMITS[name]
    ]


def text_files(root: Path, name: str) -> list[Path]:
    """The files of a chapter that a linter reads, those that exist."""
    files = [
        root / "notebooks" / f"{name}.ipynb",
        root / "solutions" / f"{name}.ipynb",
        root / "tests" / "actgrade" / "right_answers" / f"{name}.py",
        *sorted((root / "experiments").glob(f"{name[:2]}_*.py")),
    ]
    return [path for path in files if path.is_file()]
