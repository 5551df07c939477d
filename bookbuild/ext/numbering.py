"""Figures and tables with a caption are numbered by chapter: the second of chapter 4 is Fig. 4.2.

Sphinx counts within numbered headings, and the headings of this book have no numbers. While it
counts figures it is told that the pages of a chapter stand under the chapter's number; headings
stay as they are. Other pages count without a prefix.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from sphinx.environment.collectors.toctree import TocTreeCollector

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

OF_A_CHAPTER = re.compile(r"(?:notebooks|exercises|solutions)/(\d\d)_")
_count = TocTreeCollector.assign_figure_numbers


def chapter_numbers(pages: Iterable[str]) -> dict[str, dict[str, tuple[int, ...]]]:
    """Of each page that belongs to a chapter, as Sphinx keeps numbers of sections."""
    found = ((page, OF_A_CHAPTER.match(page)) for page in pages)
    return {page: {"": (int(match[1]),)} for page, match in found if match}


def count_by_chapter(collector: TocTreeCollector, env: BuildEnvironment) -> list[str]:
    """Let Sphinx number figures; returns the pages to write anew."""
    of_headings = env.toc_secnumbers
    env.toc_secnumbers = chapter_numbers(env.found_docs)
    try:
        return _count(collector, env)
    finally:
        env.toc_secnumbers = of_headings


def setup(app: Sphinx) -> dict[str, Any]:
    """Count in our way."""
    TocTreeCollector.assign_figure_numbers = count_by_chapter
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
