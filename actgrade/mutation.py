"""Grade the mutants of every reference answer: which of them earn everything?

A survivor is a hole in the held cells, or a change without a consequence. Of the second kind a
person says why (:mod:`actgrade.equivalent`). What came of it is kept by
:mod:`actgrade.mutation_record`.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from actbase.errors import CommandError
from actgrade.course import Course
from actgrade.equivalent import Reasons, reasons_of
from actgrade.job import Options
from actgrade.mutants import Mutant, mutants_of
from actgrade.preload import preload_for
from actgrade.results import QuestionResult
from actgrade.sandbox.launcher import Launcher
from actgrade.sandbox.limits import Limits
from actgrade.source import Assignment, Question
from actgrade.verify import grade_sets

# Many mutants never end, and a reference needs a fraction of a second.
LIMITS = Limits(cell_seconds=4, question_seconds=8)


@dataclass(frozen=True)
class Score:
    """What the mutants of one question earned.

    Attributes:
        survivors: mutants that earn everything and have no reason to.
        equivalent: those that a person has declared equivalent, with the reason.
        stale: names of reasons whose mutant is no longer there or no longer survives.
    """

    chapter: str
    question: Question
    mutants: int
    survivors: tuple[Mutant, ...]
    equivalent: dict[str, str]
    stale: tuple[str, ...] = ()

    @property
    def score(self) -> float:
        """Killed mutants as a share of those that can be killed."""
        return share_killed(self.mutants, len(self.survivors), len(self.equivalent))

    def as_dict(self) -> dict[str, Any]:
        """The score as plain data."""
        return {
            "chapter": self.chapter,
            "question": self.question.id,
            "mutants": self.mutants,
            "score": self.score,
            "survivors": {mutant.name: mutant.source for mutant in self.survivors},
            "equivalent": self.equivalent,
            "stale": list(self.stale),
        }


def share_killed(mutants: int, survivors: int, equivalent: int) -> float:
    """Killed mutants as a share of those that can be killed, 0 to 1; 1 where there are none."""
    killable = mutants - equivalent
    return (killable - survivors) / killable if killable else 1.0


def mutants_for(question: Question) -> list[Mutant]:
    """The mutants of a question's reference that its tolerances can tell from it."""
    rtol = min((held.tolerance.rtol for held in question.helds), default=0.0)
    code = "\n".join(held.source for held in question.helds)
    return mutants_of(
        question.answer, rtol, lambda name: re.search(rf"\b{name}\b", code) is not None
    )


def mutate(
    chapters: Iterable[Assignment],
    *,
    seed: int | None = None,
    wanted: Callable[[Assignment, Question], bool] = lambda chapter, question: True,
    progress: Callable[[QuestionResult], None] | None = None,
) -> list[Score]:
    """Grade all mutants of the questions of ``chapters``.

    Args:
        seed: of the held inputs; drawn anew when None.
        wanted: which questions; all of them by default.
        progress: called after each answer that was graded.

    Raises:
        CommandError: the reasons cannot be read, or a reference itself does not run to its end.
    """
    options = Options(seed=secrets.randbelow(2**31) if seed is None else seed, explain=False)
    scores: list[Score] = []
    for chapter in chapters:
        questions = [question for question in chapter.questions if wanted(chapter, question)]
        if not questions:
            continue
        course = Course(chapter.path.resolve().parents[1])
        reasons = reasons_of(course, chapter)
        with Launcher(sorted(preload_for(course, [chapter])), limits=LIMITS) as launcher:
            scores += _mutate_one(chapter, questions, reasons, launcher, options, progress)
    return scores


def _mutate_one(
    chapter: Assignment,
    questions: list[Question],
    reasons: Reasons,
    launcher: Launcher,
    options: Options,
    progress: Callable[[QuestionResult], None] | None,
) -> list[Score]:
    mutants = {question.id: mutants_for(question) for question in questions}
    # One notebook holds one mutant of every question that has so many.
    sets = [
        {
            question.id: mutants[question.id][index].source
            if index < len(mutants.get(question.id, []))
            else None
            for question in chapter.questions
        }
        for index in range(max(map(len, mutants.values())))
    ]
    tables = grade_sets(chapter, sets, launcher, options, progress)
    scores = []
    for question in questions:
        made = mutants[question.id]
        results = [table[question.id] for table in tables[: len(made)]]
        for result in results:
            if result.verdict == "course":
                raise CommandError(f"{chapter.name} {question.id}: {result.reason}")
        alive = [
            mutant
            for mutant, result in zip(made, results, strict=True)
            if result.points >= question.points
        ]
        scores.append(
            _score(chapter.name, question, alive, len(made), reasons.get(question.id, {}))
        )
    return scores


def _score(
    chapter: str, question: Question, alive: list[Mutant], total: int, reasons: dict[str, str]
) -> Score:
    names = {mutant.name for mutant in alive}
    return Score(
        chapter,
        question,
        total,
        tuple(mutant for mutant in alive if mutant.name not in reasons),
        {name: reason for name, reason in reasons.items() if name in names},
        tuple(name for name in reasons if name not in names),
    )
