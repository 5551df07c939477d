"""Take a learner's answers, and nothing else, out of whatever file was handed in."""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from actbase.errors import CommandError
from actgrade import source
from actgrade.quote import quote

MOST_BYTES = 20 * 2**20
MOST_CHARACTERS_OF_AN_ANSWER = 200_000


class SubmissionError(CommandError):
    """The file cannot be graded at all."""


@dataclass(frozen=True)
class Answer:
    """What was found for one question.

    Attributes:
        source: the code to grade; None when there is none.
        problem: why there is none, in one sentence without a full stop; None when there is one.
        note: something the learner should know although the answer is graded.
    """

    source: str | None
    problem: str | None = None
    note: str | None = None


@dataclass(frozen=True)
class Submission:
    """The answers of one file.

    Attributes:
        digest: SHA-256 of the file's bytes.
        other_names: top-level names that cells outside the answers define.
    """

    path: Path
    digest: str
    answers: Mapping[str, Answer]
    other_names: frozenset[str] = field(default_factory=frozenset)


def read_cells(path: Path) -> tuple[list[dict[str, Any]], dict[str, Any], str]:
    """Cells, notebook metadata and digest of the file at ``path``, whatever it is.

    Raises:
        SubmissionError: it is no notebook that could be graded; the message is one sentence.
    """
    try:
        if not path.is_file():
            reason = "is a folder" if path.is_dir() else "does not exist"
            raise SubmissionError(f"{path} {reason}")
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise SubmissionError(
                f"{path} has {size / 2**20:.0f} MiB; a notebook may have {MOST_BYTES // 2**20} "
                "(clear its outputs)"
            )
        data = path.read_bytes()
    except OSError as error:
        raise SubmissionError(f"{path} cannot be read: {error.strerror or error}") from None
    if not data.strip():
        raise SubmissionError(f"{path} is empty")
    try:
        content = json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise SubmissionError(f"{path} is not a notebook: it is not text") from None
    except RecursionError:
        raise SubmissionError(f"{path} is not a notebook: it is nested too deeply") from None
    except ValueError as error:
        line = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
        raise SubmissionError(f"{path} is not a notebook: it is not JSON{line}") from None
    if not isinstance(content, dict) or not isinstance(content.get("cells"), list):
        if isinstance(content, dict) and "worksheets" in content:
            raise SubmissionError(f"{path} has notebook format 3; save it with JupyterLab first")
        raise SubmissionError(f"{path} is not a notebook: it has no list of cells")
    cells = [cell for cell in content["cells"] if isinstance(cell, dict)]
    metadata = content.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    return cells, metadata, hashlib.sha256(data).hexdigest()


def read_submission(path: Path, chapter: source.Assignment) -> Submission:
    """The answers in the file at ``path`` to the questions of ``chapter``.

    Raises:
        SubmissionError: the file is no notebook.
    """
    cells, _, digest = read_cells(path)
    taken: set[int] = set()
    answers = {}
    for question in chapter.questions:
        answers[question.id], used = _find(cells, question)
        taken |= used
    if all(answer.source is None for answer in answers.values()):
        raise SubmissionError(
            f"{path} has no answer cells of {chapter.name}; is it the notebook of that chapter?"
        )
    others: set[str] = set()
    for index, cell in enumerate(cells):
        if index not in taken and cell.get("cell_type") == "code":
            others |= defined_names(_source(cell) or "")
    return Submission(path, digest, answers, frozenset(others))


def _find(cells: list[dict[str, Any]], question: source.Question) -> tuple[Answer, set[int]]:
    """The answer to one question, and the cells it was found in."""
    marked = [
        index
        for index, cell in enumerate(cells)
        if _mark(cell).get("role") == "answer" and _mark(cell).get("question") == question.id
    ]
    found = marked or [
        index for index, cell in enumerate(cells) if cell.get("id") == f"answer-{question.id}"
    ]
    found = found or _by_name(cells, question)
    if not found:
        return Answer(None, "its answer cell is missing"), set()
    code = [index for index in found if cells[index].get("cell_type") == "code"]
    if not code:
        kind = quote(str(cells[found[-1]].get("cell_type")), 20)
        return Answer(None, f"its answer cell is of type {kind}, not code"), set(found)
    texts = [_source(cells[index]) for index in code]
    text = texts[-1]
    if text is None:
        return Answer(None, "its answer cell has no text"), set(found)
    if len(text) > MOST_CHARACTERS_OF_AN_ANSWER:
        return (
            Answer(None, f"its answer is longer than {MOST_CHARACTERS_OF_AN_ANSWER} characters"),
            set(found),
        )
    note = None
    if len({(other or "").strip() for other in texts}) > 1:
        note = f"it has {len(texts)} answer cells; the last one counts"
    return Answer(text, note=note), set(found)


def _by_name(cells: list[dict[str, Any]], question: source.Question) -> list[int]:
    """Unmarked cells that define every function and class of the reference answer."""
    wanted = _definitions(question.answer)
    return [
        index
        for index, cell in enumerate(cells)
        if wanted
        and cell.get("cell_type") == "code"
        and "role" not in _mark(cell)
        and wanted <= _definitions(_source(cell) or "")
    ]


def _mark(cell: Mapping[str, Any]) -> Mapping[str, Any]:
    metadata = cell.get("metadata")
    mark = metadata.get("actlab") if isinstance(metadata, dict) else None
    return mark if isinstance(mark, dict) else {}


def _source(cell: Mapping[str, Any]) -> str | None:
    """The source of a cell, which a notebook stores as one text or as a list of lines."""
    text = cell.get("source")
    if isinstance(text, list) and all(isinstance(line, str) for line in text):
        return "".join(text)
    return text if isinstance(text, str) else None


def _parsed(text: str) -> ast.Module | None:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _definitions(text: str) -> set[str]:
    tree = _parsed(text)
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    return {node.name for node in tree.body if isinstance(node, kinds)} if tree else set()


def defined_names(text: str) -> set[str]:
    """Every top-level name that a cell binds."""
    tree = _parsed(text)
    if tree is None:
        return set()
    names = _definitions(text)
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            names |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {
                name.id for t in targets for name in ast.walk(t) if isinstance(name, ast.Name)
            }
    return names
