"""Grade the mutants of every reference answer: which of them earn everything?

A survivor is a hole in the held cells, or a change without a consequence. Of the second kind a
person says why, in ``solutions/equivalent.json``: ``{chapter: {question: {mutant: reason}}}``.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from actbase.errors import CommandError
from actgrade.course import Course
from actgrade.job import Options
from actgrade.mutants import Mutant, mutants_of
from actgrade.preload import preload_for
from actgrade.results import QuestionResult
from actgrade.sandbox.launcher import Launcher
from actgrade.sandbox.limits import Limits
from actgrade.source import Assignment, Question
from actgrade.verify import grade_sets

REASONS = "equivalent.json"
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
        killable = self.mutants - len(self.equivalent)
        return (killable - len(self.survivors)) / killable if killable else 1.0

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


def reasons_of(course: Course) -> dict[str, dict[str, dict[str, str]]]:
    """What ``solutions/equivalent.json`` says; nothing where there is no such file.

    Raises:
        CommandError: it is not what it should be.
    """
    path = course.solutions / REASONS
    if not path.exists():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        for questions in content.values():
            for reasons in questions.values():
                if not all(isinstance(r, str) and r.strip() for r in reasons.values()):
                    raise ValueError("a reason is missing")
    except (OSError, ValueError, AttributeError) as error:
        raise CommandError(f"{path} cannot be read: {error}") from None
    return content


def mutate(
    chapters: Iterable[Assignment],
    *,
    seed: int | None = None,
    progress: Callable[[QuestionResult], None] | None = None,
) -> list[Score]:
    """Grade all mutants of all questions of ``chapters``.

    Args:
        seed: of the held inputs; drawn anew when None.
        progress: called after each answer that was graded.

    Raises:
        CommandError: the file with the reasons cannot be read.
    """
    options = Options(seed=secrets.randbelow(2**31) if seed is None else seed, explain=False)
    scores: list[Score] = []
    for chapter in chapters:
        course = Course(chapter.path.resolve().parents[1])
        reasons = reasons_of(course).get(chapter.name, {})
        with Launcher(sorted(preload_for(course, [chapter])), limits=LIMITS) as launcher:
            scores += _mutate_one(chapter, reasons, launcher, options, progress)
    return scores


def _mutate_one(
    chapter: Assignment,
    reasons: dict[str, dict[str, str]],
    launcher: Launcher,
    options: Options,
    progress: Callable[[QuestionResult], None] | None,
) -> list[Score]:
    mutants = {question.id: mutants_of(question.answer) for question in chapter.questions}
    # One notebook holds one mutant of every question that has so many.
    sets = [
        {
            name: found[index].source if index < len(found) else None
            for name, found in mutants.items()
        }
        for index in range(max(map(len, mutants.values())))
    ]
    tables = grade_sets(chapter, sets, launcher, options, progress)
    return [
        _score(
            chapter.name,
            question,
            [
                mutant
                for mutant, table in zip(mutants[question.id], tables, strict=False)
                if table[question.id].points >= question.points
            ],
            len(mutants[question.id]),
            reasons.get(question.id, {}),
        )
        for question in chapter.questions
    ]


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
