"""Build ``exercises/`` from ``solutions/``: the same bytes from the same source, every time."""

from __future__ import annotations

import copy
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from actbase.files import replace_file
from actgrade import source
from actgrade.sidecar import SIDECAR_FOLDER, sidecar_text
from actgrade.stub import make_stub
from actgrade.walls import announced

if TYPE_CHECKING:
    from nbformat import NotebookNode


# How an author says how exact a value has to be.
_EXACTNESS = re.compile(r"\bdigits?\b|allow an error|to the last bit|exactly right")


@dataclass(frozen=True)
class Built:
    """One file of ``exercises/`` as it should be."""

    path: Path
    text: str

    def is_current(self) -> bool:
        """Whether the file on disk is the same, byte for byte."""
        try:
            return self.path.read_bytes() == self.text.encode()
        except OSError:
            return False

    def write(self) -> None:
        """Write the file in one step, so that an interrupted run leaves the old one."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(self.path, self.text.encode())


def build(path: Path, exercises: Path) -> list[Built]:
    """The exercise notebook for the source at ``path``, and the expected values of its checks.

    Raises:
        SourceError: the source breaks a rule, or no stub can be made from an answer.
        CommandError: the file is not a notebook.
    """
    from actgrade.notebooks import read

    notebook = read(path)
    chapter = source.parse(notebook, path, outputs_required=True)
    stubs: dict[str, str] = {}
    problems = []
    for question in chapter.questions:
        try:
            stubs[question.id] = make_stub(question.answer)
        except ValueError as error:
            problems.append(f"question {question.id}: {error}")
    if problems:
        raise source.SourceError(path, problems)
    released = _released(notebook, chapter, stubs)
    return [
        Built(exercises / path.name, _notebook_text(released)),
        Built(exercises / SIDECAR_FOLDER / f"{path.stem}.json", sidecar_text(chapter)),
    ]


def _notebook_text(notebook: NotebookNode) -> str:
    import nbformat

    return nbformat.writes(notebook) + "\n"


def _released(
    notebook: NotebookNode, chapter: source.Assignment, stubs: dict[str, str]
) -> NotebookNode:
    from nbformat.v4 import new_markdown_cell, new_notebook

    from actgrade.notebooks import KERNELSPEC

    released = new_notebook(
        metadata={
            "actlab": {"chapter": chapter.name, "title": chapter.title},
            "kernelspec": dict(KERNELSPEC),
            "language_info": {"name": "python"},
        }
    )
    counts: dict[str, int] = {}
    expected = {check.id: check.expected for q in chapter.questions for check in q.checks}
    for original in notebook.cells:
        role, question = source.role_of(original), source.question_of(original)
        if role in ("held", "wrong", "hint"):
            continue
        name = "text" if role is None else role
        if question is not None:
            name += f"-{question}"
        counts[name] = counts.get(name, 0) + 1
        # One answer a question, so its id needs no number.
        identifier = name if role == "answer" else f"{name}-{counts[name]}"
        cell = copy.deepcopy(original)
        cell["id"] = identifier
        cell.metadata = _metadata(role, question)
        cell.pop("attachments", None)
        if original.get("attachments"):
            cell["attachments"] = original["attachments"]
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        if role == "answer":
            cell.source = stubs[question or ""]
            released.cells += _rules(chapter, question or "")
        elif role == "check":
            cell.outputs = [_stdout(expected[identifier] or "")]
        released.cells.append(cell)
    last = new_markdown_cell(_closing(chapter), id="grade-me", metadata=_metadata("grade", None))
    released.cells.append(last)
    released.nbformat_minor = 5
    return released


def digits_asked(question: source.Question) -> int | None:
    """The significant digits that have to be right, or None where those of float32 are enough."""
    tightest = min((held.tolerance.rtol for held in question.helds if held.tolerance.rtol > 0),
                   default=source.DEFAULT_RTOL)  # fmt: skip
    return round(-math.log10(tightest)) if tightest < source.DEFAULT_RTOL else None


def _rules(chapter: source.Assignment, question: str) -> list[NotebookNode]:
    """A cell before the answer that announces what it may not use and how exact it has to be.

    There is none where everything is allowed and an answer in float32 is right enough, or where
    the author has said how exact.
    """
    from nbformat.v4 import new_markdown_cell

    asked = chapter.question(question)
    said = []
    names = announced(chapter, asked)
    if names:
        said.append(f"*Not allowed in this answer:* {', '.join(f'`{name}`' for name in names)}.")
    digits = digits_asked(asked)
    if digits is not None and not any(_EXACTNESS.search(prompt) for prompt in asked.prompts):
        said.append(f"*Values are compared to {digits} significant digits: compute in float64.*")
    if not said:
        return []
    text = "\n\n".join(said)
    metadata = {"deletable": False, "editable": False}
    return [new_markdown_cell(text, id=f"rules-{question}", metadata=metadata)]


def _metadata(role: str | None, question: str | None) -> dict:
    if role is None:
        return {}
    mark = {"role": role} if question is None else {"question": question, "role": role}
    metadata: dict = {"actlab": mark}
    if role != "setup":
        metadata["deletable"] = False
    if role not in ("answer", "setup"):
        metadata["editable"] = False
    return metadata


def _stdout(text: str) -> NotebookNode:
    from nbformat.v4 import new_output

    return new_output("stream", name="stdout", text=text)


def _closing(chapter: source.Assignment) -> str:
    return (
        "## Grade your answers\n\n"
        "Save the notebook and run this in a terminal, in the folder of the course:\n\n"
        f"```bash\nactlab grade {chapter.name}\n```\n\n"
        "It runs your answers on inputs that are not in this notebook, says what is wrong with "
        "the values when they differ, and gives the points. "
        f"`actlab grade {chapter.name} --hint {chapter.questions[0].id}` adds a hint."
    )
