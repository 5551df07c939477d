"""What a learner reads of a question in a released notebook."""

from __future__ import annotations

from collections.abc import Iterable

from nbformat import NotebookNode


def said_before(cells: Iterable[NotebookNode], question: str) -> str:
    """The Markdown between the answer of a question and the code before it."""
    said: list[str] = []
    for cell in cells:
        if cell.metadata.get("actlab", {}) == {"question": question, "role": "answer"}:
            return "\n".join(said)
        said = [] if cell.cell_type == "code" else [*said, cell.source]
    raise AssertionError(question)
