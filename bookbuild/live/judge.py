"""Check one answer in the page, by the grader's own rules.

The cells, the seeds, the comparison, the reasons and the search for a known mistake are those of
:mod:`actgrade`. What differs: the reference and the learner's answer run in one process after
the other, so this is feedback and not a grade, and what a question forbids is looked for in the
source only. A cell that takes too long is ended from outside, by the page: before each one it is
told what to say then.
"""

from __future__ import annotations

import secrets
import traceback
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import PurePosixPath
from time import monotonic
from typing import Any

from actgrade.compare import own_lines, texts_agree
from actgrade.forbid import forbidden_use
from actgrade.magics import plain_python
from actgrade.mistakes import KnownMistakes
from actgrade.quote import clean
from actgrade.reasons import Telling, conclude
from actgrade.results import QuestionResult
from actgrade.sandbox.cell_names import file_name
from actgrade.sandbox.limits import Limits
from actgrade.source import Assignment, Check, Held, Question, Tolerance, Wrong
from actgrade.trial import CellOutcome, Seeds, TrialCell, cells_of
from bookbuild.live.interpreter import Interpreter, OutputLimit, captured

LIMITS = Limits()
# The comparison with known wrong answers may take this long altogether.
SECONDS_TO_EXPLAIN = 20.0

Deadline = Callable[[float, QuestionResult], None]


def chapter_as_dict(chapter: Assignment) -> dict[str, Any]:
    """``chapter`` as JSON can hold it, with each answer in pieces for who wants to see it so."""
    from bookbuild.live.steps import solution_steps  # the page's Python has no use for it

    content = {**asdict(chapter), "path": chapter.path.name}
    for question in content["questions"]:
        question["steps"] = solution_steps(question["answer"])
    return content


def chapter_from_dict(content: Mapping[str, Any]) -> Assignment:
    """The chapter that :func:`chapter_as_dict` wrote down."""
    questions = []
    for question in content["questions"]:
        parts = {key: value for key, value in question.items() if key != "steps"}
        for key, kind in (("checks", Check), ("helds", Held)):
            parts[key] = tuple(
                kind(**{**part, "tolerance": Tolerance(**part["tolerance"])})
                for part in question[key]
            )
        parts["wrongs"] = tuple(Wrong(**part) for part in question["wrongs"])
        for key in ("prompts", "forbid", "needs", "hints"):
            parts[key] = tuple(question[key])
        questions.append(Question(**parts))
    return Assignment(
        name=content["name"],
        title=content["title"],
        path=PurePosixPath(content["path"]),  # type: ignore[arg-type]
        setup=tuple(content["setup"]),
        questions=tuple(questions),
    )


def check(
    chapter: Assignment,
    question: Question,
    answer: str,
    missing: Mapping[str, str],
    *,
    other_names: frozenset[str] = frozenset(),
    deadline: Deadline = lambda seconds, result: None,
    seeds: Seeds | None = None,
) -> QuestionResult:
    """Points, verdict and reason for one answer.

    Args:
        chapter: the source of the exercise.
        question: one of its questions.
        answer: the learner's code.
        missing: as for :class:`bookbuild.live.interpreter.Interpreter`.
        other_names: names that the learner's other answers define.
        deadline: called before code runs that may not end, with the seconds it has and the result
            if it takes longer.
        seeds: where ``SEED`` comes from; new ones by default.
    """
    plain = plain_python(answer)
    if plain.problem is not None:
        return QuestionResult(
            question.id, question.title, 0, question.points, "error", plain.problem
        )
    answer = plain.source
    forbidden = forbidden_use(answer, question.forbid, chapter.setup)
    if forbidden is not None:
        return QuestionResult(
            question.id, question.title, 0, question.points, "forbidden", forbidden
        )
    seeds = seeds or Seeds(secrets.token_bytes(32))
    cells = cells_of(chapter, question, answer, seeds, "")
    # The reference first: the learner's code shares its process and may change what it finds there.
    reference = PageRun(
        [replace(c, source=question.answer) if c.role == "answer" else c for c in cells], missing
    ).outcomes()
    telling = Telling(reveal=True, limits=LIMITS, other_names=other_names)
    outcomes: list[CellOutcome] = []
    run = PageRun(cells, missing)
    began = monotonic()
    for number, cell in enumerate(cells):
        if cell.role in ("setup", "needs"):
            began = monotonic()  # the course's own code, which has just run for the reference
        else:
            late = [CellOutcome(cell, "timeout")]
            late += [CellOutcome(rest, "skipped") for rest in cells[number + 1 :]]
            left = began + LIMITS.question_seconds - monotonic()
            seconds = max(0.1, min(LIMITS.cell_seconds, left))
            deadline(seconds, conclude(question, [*outcomes, *late], answer, telling))
        outcome = run.outcome(cell.name)
        _compare(outcome, reference[number])
        outcomes.append(outcome)
    result = conclude(question, outcomes, answer, telling)
    if result.verdict == "pass":
        return result
    deadline(SECONDS_TO_EXPLAIN, result)
    mistakes = KnownMistakes(lambda its_cells: PageRun(its_cells, missing))
    telling = replace(
        telling,
        known_mistake=lambda: mistakes.match(chapter, question, seeds, "", outcomes),
    )
    return conclude(question, outcomes, answer, telling)


def _compare(outcome: CellOutcome, reference: CellOutcome) -> None:
    """Mark a judged cell whose values differ from the reference's."""
    if not outcome.cell.is_judged or outcome.kind != "ok":
        return
    if reference.kind != "ok":
        outcome.kind, outcome.ename = "course", reference.ename or reference.kind
        return
    outcome.expected = reference.text
    if not texts_agree(
        reference.text, own_lines(reference.text, outcome.text), outcome.cell.tolerance
    ):
        outcome.kind = "differs"


class PageRun:
    """The cells of a question in a namespace of their own, each run when it is asked for."""

    def __init__(self, cells: list[TrialCell], missing: Mapping[str, str]) -> None:
        self._cells = cells
        self._interpreter = Interpreter(missing)
        self._outcomes: dict[str, CellOutcome] = {}

    def outcome(self, name: str) -> CellOutcome:
        """What the cell with this name did, after running it and those before it."""
        for cell in self._cells[len(self._outcomes) :]:
            if name in self._outcomes:
                break
            self._outcomes[cell.name] = self._run(cell)
        return self._outcomes[name]

    def outcomes(self) -> list[CellOutcome]:
        """What all cells did, in order."""
        return [self.outcome(cell.name) for cell in self._cells]

    def close(self) -> None:
        """Nothing to end."""

    def _run(self, cell: TrialCell) -> CellOutcome:
        outcome = CellOutcome(cell)
        printed: list[str] = []

        def write(stream: str, text: str) -> None:
            if stream == "stdout":
                printed.append(text)

        try:
            with captured(write):
                self._interpreter.run(cell.source, file_name(cell.role))
        except OutputLimit:
            outcome.kind = "output"
        except BaseException as error:
            outcome.kind = "error"
            outcome.ename, outcome.evalue = type(error).__name__, _message(error)
            outcome.traceback = traceback.format_list(traceback.extract_tb(error.__traceback__))
            if isinstance(error, SyntaxError):
                outcome.traceback = traceback.format_exception_only(error)
        outcome.text = clean("".join(printed))
        return outcome


def _message(error: BaseException) -> str:
    try:
        return clean(str(error))
    except Exception:
        return "(its message cannot be shown)"
