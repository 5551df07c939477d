"""Quick questions of a chapter: a choice, and the reason behind the answer.

A Markdown cell of its own holds each, as text that reads on paper and in JupyterLab::

    **Quick question.** What does `torch.relu` return as its slope at 0?

    - 0
    - ½
    - it depends on the version

    **Answer: 0.** All three values would be defensible; PyTorch has chosen the left one.

The cell may lie anywhere in its section; a page shows the question at the section's end, because a
notebook's cells often hold the end of one section and the beginning of the next.
"""

from __future__ import annotations

import re

OPENING = "Quick question."
#: The bold words that begin an answer, and the choice that they name.
ANSWER = re.compile(r"^Answer:\s*(.+?)\.?$", re.DOTALL)
#: More than these are an exam.
MOST = 3
_BEGIN = re.compile(r"^\*\*Quick question\.\*\*", re.M)
_CHOICES = re.compile(r"(?ms)(^\*\*Quick question\.\*\*.*?)(?:^- .*?)(?=^\*\*Answer:|\Z)")
_WHOLE = re.compile(
    r"\A\*\*Quick question\.\*\* (?P<asked>.+?)\n\n(?P<choices>(?:- .+\n?)+)\n"
    r"\*\*Answer: (?P<right>.+?)\.\*\* (?P<reason>.+)\Z",
    re.DOTALL,
)


def same(one: str, other: str) -> bool:
    """Whether two choices are the same words."""
    return _simple(one) == _simple(other)


def _simple(words: str) -> str:
    return " ".join(words.replace("`", "").split()).rstrip(".").lower()


def without_choices(markdown: str) -> str:
    """Text without choices: all but one are wrong, and the answer repeats that one."""
    return _CHOICES.sub(r"\1", markdown)


def faults(notebook: dict) -> list[str]:
    """What is wrong with the questions of a chapter, one sentence each."""
    found, count = [], 0
    for number, cell in enumerate(notebook["cells"], start=1):
        text = "".join(cell["source"]).strip()
        if cell["cell_type"] != "markdown" or not _BEGIN.search(text):
            continue
        count += 1
        here = f"the question of cell {number}"
        match = _WHOLE.match(text)
        if match is None:
            found.append(
                f"{here} is no cell of its own with a list of choices and a paragraph that begins "
                "with “**Answer: one of them.**” and gives the reason"
            )
            continue
        choices = re.findall(r"^- (.+)$", match["choices"], re.M)
        if not 2 <= len(choices) <= 4:
            found.append(f"{here} has {len(choices)} choices; it needs 2 to 4")
        right = [choice for choice in choices if same(choice, match["right"])]
        if len(right) != 1:
            found.append(f"{here} is answered by “{match['right']}”, which is not one choice of it")
    if count > MOST:
        found.append(f"it asks {count} quick questions; at most {MOST} are read")
    return found
