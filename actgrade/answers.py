"""Find the answer to each question among the cells of a notebook, as people leave them.

Learners split cells, copy them, write into new ones, and use tools that lose what the course wrote
into the metadata. An answer is therefore looked for by its mark, then by the id of its cell, then
by the names that it defines; what is asked for decides among several, not where they stand.
"""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from actgrade.magics import Plain, parsed, plain_python
from actgrade.notebook_file import MOST_CHARACTERS_OF_A_CELL, mark_of, source_of
from actgrade.quote import quote
from actgrade.source import Question
from actgrade.stub import make_stub

MOST_CHARACTERS_OF_AN_ANSWER = MOST_CHARACTERS_OF_A_CELL
# Joining cells means reading them again and again; an honest notebook needs a hundredth of it.
MOST_CHARACTERS_TRIED = 2_000_000
_DEFINES = re.compile(
    r"^(?:(?:async\s+)?def|class)\s+(\w+)|^(\w+)\s*(?::[^=\n]+)?=[^=]", re.MULTILINE
)
_GIVES_BACK = re.compile(r"\b(?:return|yield|lambda)\b")


@dataclass(frozen=True)
class Answer:
    """What was found for one question.

    Attributes:
        source: the code to grade, as Python; None when there is none.
        problem: why there is none, in one sentence without a full stop; None when there is one.
        note: something the learner should know although the answer is graded.
        names_elsewhere: top-level names that the notebook defines in other cells.
        verdict: of the question, when there is a problem.
        cells: where it stands: the places of its cells among those of the notebook.
    """

    source: str | None
    problem: str | None = None
    note: str | None = None
    names_elsewhere: frozenset[str] = field(default_factory=frozenset)
    verdict: str = "missing"
    cells: tuple[int, ...] = ()


class Cell:
    """One code cell, and what its text defines."""

    def __init__(self, index: int, cell: Mapping[str, Any], places: tuple[int, ...] = ()) -> None:
        self.index = index
        self.places = places or (index,)
        self.mark = mark_of(cell)
        self.id = cell.get("id")
        self.kind = cell.get("cell_type")
        self.text = source_of(cell)

    @property
    def role(self) -> Any:
        """What the course says this cell is, or None."""
        return self.mark.get("role")

    def is_for(self, question: Question) -> bool:
        """Whether its mark, or without one its id, says that it answers ``question``."""
        if "role" in self.mark:
            return self.role == "answer" and self.mark.get("question") == question.id
        return self.id == f"answer-{question.id}"

    @property
    def is_free(self) -> bool:
        """Whether it is code that nothing says anything about."""
        is_answer = isinstance(self.id, str) and self.id.startswith("answer-")
        return self.kind == "code" and "role" not in self.mark and not is_answer

    @cached_property
    def plain(self) -> Plain:
        """Its text as Python."""
        text = self.text or ""
        return plain_python(text) if len(text) <= MOST_CHARACTERS_OF_AN_ANSWER else Plain("")

    @cached_property
    def _names(self) -> tuple[frozenset[str], frozenset[str]] | None:
        """What is bound, and what of it is unwritten; None for what is no Python.

        The syntax tree itself, which is a thousand times as large as the text, is not kept.
        """
        tree = parsed(self.plain.source)
        return None if tree is None else (frozenset(bound_names(tree)), unwritten_names(tree))

    @property
    def is_python(self) -> bool:
        """Whether its text is Python."""
        return self._names is not None

    @cached_property
    def defined(self) -> frozenset[str]:
        """The names that it binds; guessed where it is no Python."""
        if self._names is not None:
            return self._names[0]
        found = _DEFINES.finditer(self.plain.source)
        return frozenset(match[1] or match[2] for match in found)

    @property
    def unwritten(self) -> frozenset[str]:
        """Those of its functions and classes that still are the released stub's."""
        return self._names[1] if self._names is not None else frozenset()

    @property
    def written(self) -> frozenset[str]:
        """The names that it gives a meaning of the learner's own."""
        return self.defined - self.unwritten


class _Effort:
    """How much may still be tried for one notebook, in characters."""

    def __init__(self) -> None:
        self._left = MOST_CHARACTERS_TRIED

    def allows(self, texts: Iterable[str | None]) -> bool:
        """Whether these texts may be read together, once."""
        size = sum(len(text or "") for text in texts)
        self._left -= size
        return size <= MOST_CHARACTERS_OF_AN_ANSWER and self._left >= 0


def find_answers(
    cells: Sequence[Mapping[str, Any]], questions: Iterable[Question]
) -> dict[str, Answer]:
    """The answer to each question, by its id."""
    effort = _Effort()
    looked = _continued([Cell(index, cell) for index, cell in enumerate(cells)], effort)
    return {question.id: _Search(looked, question, effort).answer() for question in questions}


def _continued(cells: list[Cell], effort: _Effort) -> list[Cell]:
    """The cells, where one that goes on inside a function is joined to the one that begins it."""
    found: list[Cell] = []
    for cell in cells:
        # Something may have got between the two.
        for place in range(len(found) - 1, max(-1, len(found) - 4), -1):
            whole = None
            if _goes_on(cell, found[place]) and effort.allows((found[place].text, cell.text)):
                whole = _joined(found[place], cell)
            if whole is not None:
                found[place] = whole
                break
        else:
            found.append(cell)
    return found


def _joined(before: Cell, cell: Cell) -> Cell | None:
    """The two as one cell, if that is Python."""
    marks = [c.mark for c in (before, cell) if c.mark] or [{}]
    ids = [c.id for c in (before, cell) if str(c.id).startswith("answer-")] or [before.id]
    content = {
        "cell_type": "code",
        "id": ids[0],
        "metadata": {"actlab": dict(marks[0])},
        "source": f"{before.text}\n{cell.text}",
    }
    whole = Cell(before.index, content, (*before.places, *cell.places))
    return whole if whole.is_python else None


def _goes_on(cell: Cell, before: Cell) -> bool:
    """Whether ``cell`` begins inside a function that ``before`` begins."""
    if not _begins_inside(cell) or cell.is_python:
        return False
    able = all(c.is_free or c.role == "answer" or (c.kind == "code" and not c.mark)
               for c in (before, cell))  # fmt: skip
    questions = [c.mark.get("question") for c in (before, cell) if c.mark]
    same = not questions or questions[0] == questions[-1]
    return able and bool(before.text) and not before.unwritten and same


def _begins_inside(cell: Cell) -> bool:
    """Whether the first line of ``cell`` is indented."""
    first = next((line for line in (cell.text or "").split("\n") if line.strip()), "")
    return first.startswith((" ", "\t"))


class _Search:
    """The search for one question's answer."""

    def __init__(self, cells: list[Cell], question: Question, effort: _Effort) -> None:
        self._cells = cells
        self._effort = effort
        self._question = question
        self._asked = asked_names(question)
        self._marked = [cell for cell in cells if cell.is_for(question)]
        self._code = [c for c in self._marked if c.kind == "code" and c.text is not None]
        self._free = [c for c in cells if c.is_free and c.text]

    def answer(self) -> Answer:
        """What is graded, or why nothing is."""
        chosen, note = self._chosen()
        if not chosen:
            return Answer(None, self._why_none(), names_elsewhere=self._elsewhere([]))
        if sum(len(cell.text or "") for cell in chosen) > MOST_CHARACTERS_OF_AN_ANSWER:
            problem = f"its answer is longer than {MOST_CHARACTERS_OF_AN_ANSWER} characters"
            return Answer(None, problem)
        elsewhere, places = self._elsewhere(chosen), tuple(p for c in chosen for p in c.places)
        refused = next((c.plain.problem for c in chosen if c.plain.problem), None)
        if refused:
            return Answer(None, refused, None, elsewhere, "error", places)
        notes = [part for cell in chosen for part in cell.plain.notes]
        notes += self._left_alone(chosen)
        source = ("\n" if self._is_one_text(chosen) else "\n\n").join(
            c.plain.source for c in chosen
        )
        said = "; ".join([*([note] if note else []), *notes]) or None
        return Answer(source, None, said, elsewhere, cells=places)

    def _chosen(self) -> tuple[list[Cell], str | None]:
        """The cells that make up the answer, in the order in which they run, and what to say."""
        complete = [cell for cell in self._code if self._is_complete(cell)]
        if complete:
            different = {(cell.text or "").strip() for cell in self._code}
            if len(different) == 1:
                parts = len(complete[-1].places)
                said = f"it was split into {parts} cells, which were joined" if parts > 1 else None
                return complete[-1:], said
            which = "the last one" if complete[-1] is self._code[-1] else "the last complete one"
            return complete[-1:], f"it has {len(self._code)} answer cells; {which} counts"
        if pieces := self._cut_through():
            return pieces, f"it was split into {len(pieces)} cells, which were joined"
        found = self._pieces()
        if found and not (len(found) == 1 and found[0] in self._code and len(self._code) == 1):
            return found, self._said(found)
        with_text = [c for c in self._code if (c.text or "").strip() and not self._is_stub(c)]
        if not self._marked:  # nothing is written; the stub itself may still be there
            return [c for c in self._free if self._asked and self._asked <= c.defined][-1:], None
        return (with_text or self._code)[-1:], self._said_of_last(with_text)

    def _is_complete(self, cell: Cell) -> bool:
        return cell.is_python and self._asked <= cell.written

    def _is_stub(self, cell: Cell) -> bool:
        return is_stub(self._question, cell.text or "")

    def _pieces(self) -> list[Cell]:
        """The last cell that gives each name a meaning: marked ones first, then any code."""
        found: dict[int, Cell] = {}
        for name in self._asked:
            for group in (self._code, self._free):
                able = [c for c in group if name in c.written and not self._is_stub(c)]
                # One that is no Python defines nothing, if another one does.
                able = [c for c in able if c.is_python] or able
                whole = [c for c in able if self._is_complete(c)]
                if able:
                    cell = (whole or able)[-1]
                    found[cell.index] = cell
                    break
        if not found:
            return []
        # What the learner's answer cell says besides may be needed: its imports, its helpers.
        for cell in self._code:
            if (cell.text or "").strip() and not self._is_stub(cell) and cell.is_python:
                extra = cell.written - self._asked
                if extra and not (cell.written & self._asked and len(self._code) > 1):
                    found[cell.index] = cell
        # A stub that runs after the answer would take its place.
        return sorted(found.values(), key=lambda c: (not c.unwritten & self._asked, c.index))

    def _cut_through(self) -> list[Cell]:
        """Neighbouring cells that are Python only together: a cell cut inside a function."""
        if not self._asked or any(cell.is_python and cell.written & self._asked
                                  for cell in self._code if len(self._code) == 1):  # fmt: skip
            return []
        middle = [c for c in self._code if not self._is_complete(c)] or self._free
        able = {c.index: c for c in (*self._code, *self._free)}
        for cell in middle:
            for before in range(3):
                for after in range(3):
                    run = [able.get(n) for n in range(cell.index - before, cell.index + after + 1)]
                    pieces = [piece for piece in run if piece is not None]
                    if len(pieces) < 2 or len(pieces) < len(run):
                        continue
                    if all(piece.is_python for piece in pieces):
                        continue
                    texts = [piece.plain.source for piece in pieces]
                    tree = parsed("\n".join(texts)) if self._effort.allows(texts) else None
                    if tree is not None and self._asked <= bound_names(tree):
                        return pieces
        return []

    def _left_alone(self, chosen: list[Cell]) -> list[str]:
        """What may be missing: a marked cell that stands below none that it continues, a return."""
        used = {cell.index for cell in chosen}
        notes = [
            f"cell {cell.index + 1} goes on inside a function; no cell right above it begins one"
            for cell in self._code
            if cell.index not in used and not cell.is_python and _begins_inside(cell)
        ][:1]
        written = any(is_written(self._question, cell.text or "") for cell in chosen)
        gives_back = any(_GIVES_BACK.search(cell.text or "") for cell in chosen)
        if written and not gives_back and _GIVES_BACK.search(self._question.answer):
            notes.append("it has no return; is the rest of it in another cell?")
        return notes

    def _is_one_text(self, chosen: list[Cell]) -> bool:
        return not all(cell.is_python for cell in chosen)

    def _said(self, found: list[Cell]) -> str | None:
        numbers = [cell.index + 1 for cell in sorted(found, key=lambda c: c.index)]
        if len(found) == 1:
            marked = [cell for cell in self._marked if cell is not found[0]]
            if found[0] in self._code:
                return f"it has {len(self._code)} answer cells; cell {numbers[0]} counts"
            return f"its answer was found in another cell (cell {numbers[0]})" if marked else None
        listed = ", ".join(map(str, numbers[:-1])) + f" and {numbers[-1]}"
        return f"its answer was joined from the cells {listed}"

    def _said_of_last(self, with_text: list[Cell]) -> str | None:
        if len({(cell.text or "").strip() for cell in self._code}) < 2:
            return None
        which = (
            "the last one" if not with_text or with_text[-1] is self._code[-1] else "one of them"
        )
        return f"it has {len(self._code)} answer cells; {which} counts"

    def _why_none(self) -> str:
        if not self._marked:
            return "its answer cell is missing"
        kind = self._marked[-1].kind
        if kind != "code":
            return f"its answer cell is of type {quote(str(kind), 20)}, not code"
        return "its answer cell has no text"

    def _elsewhere(self, chosen: list[Cell]) -> frozenset[str]:
        used = {cell.index for cell in chosen}
        names: set[str] = set()
        for cell in self._cells:
            if cell.kind == "code" and cell.index not in used:
                names |= cell.defined
        return frozenset(names)


def asked_names(question: Question) -> frozenset[str]:
    """The names that an answer has to define: those of the reference that its checks use."""
    sources = (*(c.source for c in question.checks), *(h.source for h in question.helds))
    return _asked_names(question.answer, sources)


@functools.lru_cache(maxsize=1024)
def _asked_names(reference: str, checks: tuple[str, ...]) -> frozenset[str]:
    tree = parsed(reference)
    if tree is None:
        return frozenset()
    defined = bound_names(tree, imports=False)
    used = {
        node.id
        for text in checks
        if (cell_tree := parsed(text)) is not None
        for node in ast.walk(cell_tree)
        if isinstance(node, ast.Name)
    }
    return frozenset(defined & used or defined)


def is_stub(question: Question, text: str) -> bool:
    """Whether ``text`` is the released stub, whatever the space around it."""
    return text.split() == _stub_words(question.answer)


@functools.cache
def _stub_words(reference: str) -> list[str] | None:
    try:
        return make_stub(reference).split()
    except ValueError:
        return None


def is_written(question: Question, text: str) -> bool:
    """Whether an answer has anything of the learner's own in what is asked for."""
    if not text.strip() or is_stub(question, text):
        return False
    tree = parsed(text)
    asked = asked_names(question)
    if tree is None or not asked & bound_names(tree):
        return True
    return bool((asked & bound_names(tree)) - unwritten_names(tree))


def unwritten_names(tree: ast.Module) -> frozenset[str]:
    """The functions and classes of ``tree`` that still only raise NotImplementedError."""
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    nodes = (node for node in tree.body if isinstance(node, kinds))
    return frozenset(node.name for node in nodes if _is_unwritten(node))


def defined_names(text: str) -> set[str]:
    """Every top-level name that a cell binds."""
    tree = parsed(plain_python(text).source)
    return bound_names(tree) if tree is not None else set()


def bound_names(tree: ast.Module, *, imports: bool = True) -> set[str]:
    """Every name that ``tree`` binds outside functions and classes; ``*`` is no name."""
    names: set[str] = set()
    waiting: list[ast.AST] = list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            if imports:
                names |= {(a.asname or a.name).split(".")[0] for a in node.names if a.name != "*"}
        elif isinstance(node, ast.Name):
            if isinstance(node.ctx, ast.Store):
                names.add(node.id)
        elif not isinstance(node, ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp
                            | ast.GeneratorExp):  # fmt: skip
            waiting += ast.iter_child_nodes(node)
    return names


def _is_unwritten(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> bool:
    if isinstance(node, ast.ClassDef):
        kinds = ast.FunctionDef | ast.AsyncFunctionDef
        methods = [member for member in node.body if isinstance(member, kinds)]
        return bool(methods) and all(_is_unwritten(method) for method in methods)
    body = node.body
    if isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
        body = body[1:]
    if len(body) != 1 or not isinstance(body[0], ast.Raise):
        return False
    return _raises_not_implemented(body[0])


def _raises_not_implemented(statement: ast.Raise) -> bool:
    """Whether it is what a stub says; asked of the tree, which can be too deep to write out."""
    error = statement.exc
    if isinstance(error, ast.Call) and not error.args and not error.keywords:
        error = error.func
    return isinstance(error, ast.Name) and error.id == "NotImplementedError" and not statement.cause
