"""Prove that the exercises grade as they should: the kill table of the course.

For every question the empty stub must earn nothing, the reference must earn everything, and every
known wrong answer must lose points. They are written into notebooks and handed in like anybody
else's: what is tested is the grader that learners meet.
"""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_notebook

from actgrade.compare import texts_agree
from actgrade.course import Course
from actgrade.grade import grade
from actgrade.job import Options
from actgrade.preload import preload_for
from actgrade.results import QuestionResult
from actgrade.sandbox.launcher import Launcher
from actgrade.sandbox.limits import Limits
from actgrade.source import Assignment, Question
from actgrade.stub import make_stub
from actgrade.trial import Seeds, Trial, cells_of
from actgrade.walls import walls_of


@dataclass(frozen=True)
class Kill:
    """What one known wrong answer earned, which should be less than everything."""

    because: str
    result: QuestionResult

    @property
    def is_caught(self) -> bool:
        """Whether the wrong answer loses its question, by its values and not by an accident."""
        return self.result.points < self.result.maximum and self.result.verdict not in (
            "course",
            "missing",
        )


@dataclass(frozen=True)
class QuestionProof:
    """How the grader judges what the author wrote for one question.

    Attributes:
        stale: ids of check cells whose stored output is not what the reference prints now.
    """

    chapter: str
    question: Question
    reference: QuestionResult
    stub: QuestionResult
    kills: tuple[Kill, ...]
    stale: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The proof as plain data, for ``actlab verify --json``."""
        return {
            "chapter": self.chapter,
            "question": self.question.id,
            "title": self.question.title,
            "points": float(self.question.points),
            "reference": float(self.reference.points),
            "stub": float(self.stub.points),
            "wrong": [
                {
                    "because": kill.because,
                    "points": float(kill.result.points),
                    "verdict": kill.result.verdict,
                    "reason": kill.result.reason,
                    "caught": kill.is_caught,
                }
                for kill in self.kills
            ],
            "problems": self.problems(),
        }

    def problems(self) -> list[str]:
        """What is wrong, in sentences; empty when the question is sound."""
        where = f"{self.chapter} {self.question.id}"
        found = []
        if self.reference.points < self.question.points:
            found.append(
                f"{where}: the reference earns {self.reference.points:g} of "
                f"{self.question.points:g} points: {self.reference.reason}"
            )
        if self.stub.points:
            found.append(f"{where}: the empty stub earns {self.stub.points:g} points")
        found += [
            f"{where}: a known wrong answer is not caught ({kill.result.verdict}, "
            f"{kill.result.points:g} of {kill.result.maximum:g} points): {kill.because}"
            for kill in self.kills
            if not kill.is_caught
        ]
        found += [
            f"{where}: the stored output of {name} is not what the reference prints; run the "
            "notebook and save it"
            for name in self.stale
        ]
        return found


def verify(
    chapters: Iterable[Assignment],
    *,
    engine: str = "pipe",
    limits: Limits | None = None,
    launcher: Launcher | None = None,
    seed: int | None = None,
    reveal: bool = True,
    progress: Callable[[QuestionResult], None] | None = None,
) -> list[QuestionProof]:
    """Grade the stub, the reference and every known wrong answer of every question.

    Args:
        launcher: a warm one to use again; it stays open. Default: one for this call, with
            ``engine`` and ``limits``.
        seed: of the held inputs; drawn anew when None. A page that is built from the proofs gives
            one, so that it does not change from one build to the next.
        reveal: reasons may name held inputs and expected values.
        progress: called after each answer that was graded.

    Raises:
        SourceError: a stub cannot be made.
    """
    chapters = list(chapters)
    # Drawn anew for each proof, and the same for all of its notebooks.
    options = Options(
        seed=secrets.randbelow(2**31) if seed is None else seed, reveal=reveal, explain=False
    )
    own = launcher is None
    if launcher is None:
        preload = {name for one in chapters for name in preload_for(_course_of(one), [one])}
        launcher = Launcher(sorted(preload), engine=engine, limits=limits)
    try:
        return [
            proof
            for chapter in chapters
            for proof in _verify_one(chapter, launcher, options, progress)
        ]
    finally:
        if own:
            launcher.close()


def _wrong(index: int, question: Question) -> str | None:
    """One of a question's wrong answers, or None where it has not so many."""
    return question.wrongs[index].source if index < len(question.wrongs) else None


def _course_of(chapter: Assignment) -> Course:
    return Course(chapter.path.resolve().parents[1])


def _verify_one(
    chapter: Assignment,
    launcher: Launcher,
    options: Options,
    progress: Callable[[QuestionResult], None] | None,
) -> list[QuestionProof]:
    rounds = max(len(question.wrongs) for question in chapter.questions)
    kinds: list[Callable[[Question], str | None]] = [
        lambda question: question.answer,
        lambda question: make_stub(question.answer),
    ]
    # One notebook holds one wrong answer of every question: questions do not affect each other.
    for index in range(rounds):
        kinds.append(partial(_wrong, index))
    tables = grade_sets(
        chapter,
        [{question.id: kind(question) for question in chapter.questions} for kind in kinds],
        launcher,
        options,
        progress,
    )
    return [
        QuestionProof(
            chapter.name,
            question,
            reference=tables[0][question.id],
            stub=tables[1][question.id],
            kills=tuple(
                Kill(wrong.because, table[question.id])
                for wrong, table in zip(question.wrongs, tables[2:], strict=False)
            ),
            stale=_stale_checks(chapter, question, launcher),
        )
        for question in chapter.questions
    ]


def grade_sets(
    chapter: Assignment,
    sets: Iterable[dict[str, str | None]],
    launcher: Launcher,
    options: Options,
    progress: Callable[[QuestionResult], None] | None,
) -> list[dict[str, QuestionResult]]:
    """Hand in a notebook for each set of answers, and return the results by question."""
    with tempfile.TemporaryDirectory(prefix="actlab-verify-") as folder:
        paths = []
        for number, answers in enumerate(sets):
            paths.append(Path(folder) / f"{number}.ipynb")
            nbformat.write(handed_in(chapter, answers), paths[-1])
        report = grade(
            paths,
            _course_of(chapter),
            options=options,
            launcher=launcher,
            progress=(lambda task, result: progress(result)) if progress else None,
        )
    return [{result.id: result for result in book.questions} for book in report.notebooks]


def handed_in(chapter: Assignment, answers: dict[str, str | None]) -> nbformat.NotebookNode:
    """A notebook as a learner would save it, with these answers; None leaves a cell out."""
    cells = []
    for identifier, answer in answers.items():
        if answer is not None:
            cell = new_code_cell(answer, id=f"answer-{identifier}")
            cell.metadata["actlab"] = {"question": identifier, "role": "answer"}
            cells.append(cell)
    return new_notebook(cells=cells, metadata={"actlab": {"chapter": chapter.name}})


def _stale_checks(chapter: Assignment, question: Question, launcher: Launcher) -> tuple[str, ...]:
    cells = cells_of(chapter, question, question.answer, Seeds(b"", 0), "")
    trial = Trial(launcher, cells, absent=walls_of(chapter, question).absent)
    try:
        outcomes = {outcome.cell.name: outcome for outcome in trial.outcomes()}
    finally:
        trial.close()
    return tuple(
        check.id
        for check in question.checks
        if check.expected is None
        or not texts_agree(check.expected, outcomes[check.id].text, check.tolerance)
    )
