"""The source of an exercise: a notebook in ``solutions/``, read into typed objects.

Cells carry their role in the metadata key ``actlab``; cells of one question share its id. What an
author can get wrong is found here and said in one sentence each, all of them at once.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from actbase.errors import CommandError

if TYPE_CHECKING:
    from nbformat import NotebookNode

QUESTION_ROLES = ("prompt", "answer", "check", "held", "wrong", "hint")
ROLES = ("setup", *QUESTION_ROLES)
CELL_TYPES = {
    "setup": "code",
    "prompt": "markdown",
    "answer": "code",
    "check": "code",
    "held": "code",
    "wrong": "raw",
    "hint": "markdown",
}
ALLOWED_KEYS = {
    "setup": set(),
    "prompt": {"title"},
    "answer": {"forbid", "needs"},
    "check": {"rtol", "atol"},
    "held": {"points", "rtol", "atol"},
    "wrong": {"because"},
    "hint": set(),
}
LEAST_WRONG = 4
HINT_NAMES = ("a nudge", "the idea", "nearly the code")
DEFAULT_RTOL = 1e-6
DEFAULT_ATOL = 1e-9
_QUESTION_ID = re.compile(r"[a-z][a-z0-9_]{0,31}")
_DOTTED_NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")


class SourceError(CommandError):
    """A notebook in ``solutions/`` breaks the rules of :mod:`actgrade.source`.

    Attributes:
        problems: one sentence for each mistake found.
    """

    def __init__(self, path: Path, problems: list[str]) -> None:
        more = f" (and {len(problems) - 1} more, listed below)" if len(problems) > 1 else ""
        listing = "".join(f"\n  - {problem}" for problem in problems[1:])
        super().__init__(f"{path}: {problems[0]}{more}{listing}", 2)
        self.problems = problems


@dataclass(frozen=True)
class Tolerance:
    """``|got - expected| <= atol + rtol * |expected|``, with NaN and ±inf in the same places."""

    rtol: float = DEFAULT_RTOL
    atol: float = DEFAULT_ATOL


@dataclass(frozen=True)
class Check:
    """A visible check: prints values, worth no points. ``expected`` is its stored text output."""

    id: str
    source: str
    expected: str | None
    tolerance: Tolerance = field(default_factory=Tolerance)


@dataclass(frozen=True)
class Held:
    """A held-out check: prints values for inputs drawn from ``SEED``, and carries the points."""

    id: str
    source: str
    points: float
    tolerance: Tolerance = field(default_factory=Tolerance)


@dataclass(frozen=True)
class Wrong:
    """A known wrong answer: the whole answer cell, and one sentence that explains the mistake."""

    source: str
    because: str


@dataclass(frozen=True)
class Question:
    """All cells that share one question id."""

    id: str
    title: str
    prompts: tuple[str, ...]
    answer: str
    forbid: tuple[str, ...]
    needs: tuple[str, ...]
    checks: tuple[Check, ...]
    helds: tuple[Held, ...]
    wrongs: tuple[Wrong, ...]
    hints: tuple[str, ...]

    @property
    def points(self) -> float:
        """The most that the question can earn."""
        return sum(held.points for held in self.helds)


@dataclass(frozen=True)
class Assignment:
    """One source notebook.

    Attributes:
        name: the stem of the file, for example ``"04_relu"``.
        setup: sources of the cells that run before every question, in order.
    """

    name: str
    title: str
    path: Path
    setup: tuple[str, ...]
    questions: tuple[Question, ...]

    @property
    def points(self) -> float:
        """The most that the notebook can earn."""
        return sum(question.points for question in self.questions)

    def question(self, name: str) -> Question:
        """The question with the id ``name``.

        Raises:
            KeyError: there is none.
        """
        for question in self.questions:
            if question.id == name:
                return question
        raise KeyError(name)


def role_of(cell: Mapping[str, Any]) -> str | None:
    """The role a cell declares, or None for prose."""
    mark = cell.get("metadata", {}).get("actlab")
    return mark.get("role") if isinstance(mark, Mapping) else None


def question_of(cell: Mapping[str, Any]) -> str | None:
    """The question id a cell declares, or None."""
    mark = cell.get("metadata", {}).get("actlab")
    return mark.get("question") if isinstance(mark, Mapping) else None


def stdout_of(outputs: Iterable[Mapping[str, Any]]) -> str:
    """What the outputs of a cell say on stdout, joined."""
    return "".join(
        output["text"]
        for output in outputs
        if output.get("output_type") == "stream" and output.get("name") == "stdout"
    )


def load(path: Path, *, outputs_required: bool = False) -> Assignment:
    """Read and check the source notebook at ``path``.

    Args:
        path: a notebook in ``solutions/``.
        outputs_required: also report check cells without a stored output, which the exercise
            cannot be built from.

    Raises:
        CommandError: the file is not a notebook.
        SourceError: it is one, and breaks a rule.
    """
    from actgrade.notebooks import read

    return parse(read(path), path, outputs_required=outputs_required)


def parse(notebook: NotebookNode, path: Path, *, outputs_required: bool = False) -> Assignment:
    """The typed form of ``notebook``, which was read from ``path``; raises as :func:`load`."""
    problems: list[str] = []
    mark = notebook.metadata.get("actlab")
    mark = mark if isinstance(mark, Mapping) else {}
    name = mark.get("chapter")
    if name != path.stem:
        problems.append(
            f'the notebook\'s metadata needs actlab.chapter = "{path.stem}", the name of the file; '
            f"it is {name!r}"
        )
    title = mark.get("title")
    if not isinstance(title, str) or not title.strip():
        problems.append("the notebook's metadata needs actlab.title, the title of the chapter")
        title = path.stem
    setup: list[str] = []
    cells: dict[str, list[tuple[int, str, NotebookNode]]] = {}
    for number, cell in enumerate(notebook.cells, start=1):
        role, question, problem = _placed(cell, number)
        if problem:
            problems.append(problem)
        elif role == "setup":
            setup.append(cell.source)
        elif question is not None and role is not None:
            cells.setdefault(question, []).append((number, role, cell))
    problems += _duplicate_cell_ids(notebook)
    if not cells:
        problems.append("the notebook has no questions: mark cells with the metadata key actlab")
    questions = []
    for identifier, members in cells.items():
        built, found = _question(identifier, members, outputs_required)
        problems += found
        if built is not None:
            questions.append(built)
    problems += _needs_problems(questions)
    if problems:
        raise SourceError(path, problems)
    return Assignment(path.stem, title.strip(), path, tuple(setup), tuple(questions))


def _placed(cell: NotebookNode, number: int) -> tuple[str | None, str | None, str | None]:
    """Role, question id and problem of one cell; all None for prose."""
    mark = cell.metadata.get("actlab")
    if mark is None:
        if cell.cell_type == "code" and cell.source.strip():
            return None, None, f"cell {number} is code without a role (metadata key actlab)"
        return None, None, None
    if not isinstance(mark, Mapping):
        return None, None, f"cell {number}: the metadata key actlab must be a mapping"
    role = mark.get("role")
    if role not in ROLES:
        return None, None, f"cell {number}: unknown role {role!r}; one of {', '.join(ROLES)}"
    if cell.cell_type != CELL_TYPES[role]:
        return (
            None,
            None,
            f"cell {number}: a {role} cell is of type {CELL_TYPES[role]}, not {cell.cell_type}",
        )
    unknown = set(mark) - ALLOWED_KEYS[role] - {"role", "question"}
    if unknown:
        return None, None, f"cell {number}: a {role} cell has no option {min(unknown)!r}"
    question = mark.get("question")
    if role == "setup":
        if question is not None:
            return None, None, f"cell {number}: a setup cell belongs to no question"
        return role, None, None
    if not isinstance(question, str) or not _QUESTION_ID.fullmatch(question):
        return None, None, f"cell {number}: a {role} cell needs a question id such as q1"
    return role, question, None


def _duplicate_cell_ids(notebook: NotebookNode) -> list[str]:
    counts = Counter(cell["id"] for cell in notebook.cells if "id" in cell)
    return [f"two cells share the cell id {name!r}" for name, count in counts.items() if count > 1]


def _question(
    identifier: str, members: list[tuple[int, str, NotebookNode]], outputs_required: bool
) -> tuple[Question | None, list[str]]:
    """Build one question from its cells; None when its answer is missing."""
    problems: list[str] = []

    def say(text: str) -> None:
        problems.append(f"question {identifier}: {text}")

    by_role: dict[str, list[tuple[int, NotebookNode]]] = {role: [] for role in QUESTION_ROLES}
    for number, role, cell in members:
        by_role[role].append((number, cell))
    titles = [cell.metadata["actlab"].get("title") for _, cell in by_role["prompt"]]
    titles = [title for title in titles if title is not None]
    if not by_role["prompt"]:
        say("it has no prompt cell")
    elif len(titles) != 1 or not isinstance(titles[0], str) or not titles[0].strip():
        say("exactly one prompt cell carries the question's title")
    if len(by_role["answer"]) != 1:
        say(f"it has {len(by_role['answer'])} answer cells; it needs exactly one")
    for role, least, what in (("check", 1, "check cell"), ("held", 1, "held cell")):
        if len(by_role[role]) < least:
            say(f"it has no {what}")
    if len(by_role["wrong"]) < LEAST_WRONG:
        say(f"it has {len(by_role['wrong'])} wrong answers; it needs at least {LEAST_WRONG}")
    if len(by_role["hint"]) != len(HINT_NAMES):
        needed = f"{len(HINT_NAMES)}: {', '.join(HINT_NAMES)}"
        say(f"it has {len(by_role['hint'])} hints; it needs {needed}")

    checks, helds, wrongs = [], [], []
    for count, (number, cell) in enumerate(by_role["check"], start=1):
        expected = stdout_of(cell.outputs) if cell.outputs else None
        if outputs_required and not expected:
            say(f"the check in cell {number} has no stored output; run the notebook and save it")
        if any(output.output_type != "stream" for output in cell.outputs):
            say(f"the check in cell {number} must only print; use show(name=value)")
        tolerance = _tolerance(cell, number, say)
        checks.append(Check(f"check-{identifier}-{count}", cell.source, expected, tolerance))
    for count, (number, cell) in enumerate(by_role["held"], start=1):
        points = cell.metadata["actlab"].get("points")
        if not _is_number(points) or points <= 0:
            say(f"the held cell {number} needs points, a positive number")
            points = 0
        if "SEED" not in cell.source:
            say(f"the held cell {number} does not use SEED, so its inputs are always the same")
        tolerance = _tolerance(cell, number, say)
        helds.append(Held(f"held-{identifier}-{count}", cell.source, points, tolerance))
    for number, cell in by_role["wrong"]:
        because = cell.metadata["actlab"].get("because")
        if not isinstance(because, str) or not because.strip():
            say(f"the wrong answer in cell {number} needs because, a sentence that explains it")
            because = ""
        wrongs.append(Wrong(cell.source, because.strip()))
    sources = Counter(wrong.source.strip() for wrong in wrongs)
    if any(count > 1 for count in sources.values()):
        say("two of its wrong answers are the same")
    if not by_role["answer"]:
        return None, problems

    number, answer = by_role["answer"][0]
    if answer.source.strip() in sources:
        say("one of its wrong answers is the reference answer")
    forbid = _names(answer, "forbid")
    if forbid is None or not all(_DOTTED_NAME.fullmatch(name) for name in forbid):
        say(f"forbid in cell {number} is a list of dotted names such as torch.nn.functional.gelu")
        forbid = ()
    needs = _names(answer, "needs")
    if needs is None:
        say(f"needs in cell {number} is a list of question ids")
        needs = ()
    question = Question(
        id=identifier,
        title=titles[0].strip() if titles and isinstance(titles[0], str) else identifier,
        prompts=tuple(cell.source for _, cell in by_role["prompt"]),
        answer=answer.source,
        forbid=forbid,
        needs=needs,
        checks=tuple(checks),
        helds=tuple(helds),
        wrongs=tuple(wrongs),
        hints=tuple(cell.source for _, cell in by_role["hint"]),
    )
    return question, problems


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _tolerance(cell: NotebookNode, number: int, say: Any) -> Tolerance:
    mark = cell.metadata["actlab"]
    values = {"rtol": mark.get("rtol", DEFAULT_RTOL), "atol": mark.get("atol", DEFAULT_ATOL)}
    for name, value in values.items():
        if not _is_number(value) or value < 0:
            say(f"{name} in cell {number} must be a number that is not negative")
            values[name] = 0.0
    return Tolerance(float(values["rtol"]), float(values["atol"]))


def _names(cell: NotebookNode, key: str) -> tuple[str, ...] | None:
    """The list of strings under ``key``, empty when absent, None when it is something else."""
    value = cell.metadata["actlab"].get(key, [])
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        return None
    return tuple(value)


def _needs_problems(questions: list[Question]) -> list[str]:
    """A question may need only questions that come before it, so there are no circles."""
    problems = []
    seen: set[str] = set()
    for question in questions:
        problems += [
            f"question {question.id}: it needs {name!r}, which is no earlier question"
            for name in question.needs
            if name not in seen
        ]
        seen.add(question.id)
    return problems
