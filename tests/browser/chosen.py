"""Where the built book lies, and which of its pages stand for others."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

from bookbuild.chapters import CHAPTERS

ROOT = Path(__file__).resolve().parents[2]
BOOK = Path(os.environ.get("BOOK_HTML", ROOT / "_build" / "html"))
_BY_SIZE = sorted(BOOK.glob("notebooks/*.html"), key=lambda path: path.stat().st_size)
#: The heaviest chapter, for what is tried on one page only.
LONGEST = f"notebooks/{_BY_SIZE[-1].name}" if _BY_SIZE else "notebooks/none.html"


def chapters_that_say(word: str) -> list[str]:
    """Names of the chapters whose prose has a word, in any case."""
    found = []
    for chapter in CHAPTERS:
        path = ROOT / "notebooks" / f"{chapter.name}.ipynb"
        if path.is_file():
            cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
            text = " ".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")
            text = re.sub(r"\]\([^)]*\)", "]", text)  # an address is nothing that is said
            if word.lower() in text.lower():
                found.append(chapter.name)
    return found
