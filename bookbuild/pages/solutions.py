"""A notebook of ``solutions/`` as a page to read.

In the notebook, hints are Markdown, known wrong answers are raw cells, held-back checks are code
like any other. On the page, what gives something away is folded, and each part has a name.
"""

from __future__ import annotations

import copy
import re

from actgrade.source import HINT_NAMES
from bookbuild.pages.numbers import source

# In which order the parts of a question stand on the page; unknown ones stay with the prompt.
ORDER = ("prompt", "hint", "answer", "check", "held", "wrong")


def for_reading(notebook: dict) -> dict:
    """The notebook with its exercise cells turned into what a reader expects.

    Args:
        notebook: JSON of a notebook in ``solutions/``; it is not changed.

    Returns:
        A copy: answers and checks carry a heading, held-back checks are hidden behind a button,
        hints and wrong answers are folded sections. Stored outputs are kept.
    """
    page = copy.deepcopy(notebook)
    page["metadata"].setdefault("language_info", {"name": "python"})
    page["metadata"]["language_info"].setdefault("pygments_lexer", "ipython3")
    cells: list[dict] = []
    hints: dict[str, int] = {}
    wrongs: set[str] = set()
    for cell in _in_order(page["cells"]):
        meta = cell["metadata"].get("actlab", {})
        role, question = meta.get("role"), meta.get("question", "")
        if role == "answer":
            cells.append(_markdown(cell, "**Reference answer**"))
        elif role == "check":
            cells.append(_markdown(cell, "**Check**"))
        elif role == "held":
            _hide(cell, meta.get("points", 0))
        elif role == "hint":
            hints[question] = hints.get(question, 0) + 1
            number = hints[question]
            title = f"Hint {number}"
            if number <= len(HINT_NAMES):
                title += f": {HINT_NAMES[number - 1]}"
            cell = _markdown(cell, _folded(title, source(cell)))
        elif role == "wrong":
            if question not in wrongs:
                cells.append(_markdown(cell, "**Known wrong answers**, and why each is wrong"))
                wrongs.add(question)
            code = _fenced(source(cell), "python")
            cell = _markdown(cell, _folded(meta.get("because", "A wrong answer"), code))
        elif role is None and cell["cell_type"] == "markdown":
            cell["source"] = re.sub(
                r"^# (?:Exercises: )?", "# Solutions: ", source(cell), count=1, flags=re.M
            )
        cells.append(cell)
    for index, cell in enumerate(cells):
        cell["id"] = f"cell-{index}"
    page["cells"] = cells
    return page


def _in_order(cells: list[dict]) -> list[dict]:
    """The cells with those of each question together, in the order of :data:`ORDER`."""
    groups: dict[str, list[dict]] = {}
    for index, cell in enumerate(cells):
        question = cell["metadata"].get("actlab", {}).get("question")
        groups.setdefault(question or f"cell {index}", []).append(cell)

    def place(cell: dict) -> int:
        role = cell["metadata"].get("actlab", {}).get("role")
        return ORDER.index(role) if role in ORDER else 0

    return [cell for group in groups.values() for cell in sorted(group, key=place)]


def _markdown(like: dict, text: str) -> dict:
    """A Markdown cell beside ``like``."""
    return {"cell_type": "markdown", "id": like.get("id", ""), "metadata": {}, "source": text}


def _hide(cell: dict, points: float) -> None:
    cell["metadata"]["tags"] = [*cell["metadata"].get("tags", []), "hide-cell"]
    worth = f"{points:g} point{'s' * (points != 1)}"
    cell["metadata"]["mystnb"] = {
        "code_prompt_show": f"Show the held-back check ({worth})",
        "code_prompt_hide": "Hide the held-back check",
    }


def _fenced(text: str, info: str) -> str:
    """``text`` in a fence that is longer than any in it.

    The line of a fence of backticks may hold no backtick, and titles have code in them.
    """
    sign = "~" if "`" in info else "`"
    longest = max((len(run) for run in re.findall(sign + "{3,}", text)), default=2)
    fence = sign * (longest + 1)
    return f"{fence}{info}\n{text}\n{fence}"


def _folded(title: str, body: str) -> str:
    return _fenced(body, f"{{dropdown}} {' '.join(title.split())}")
