"""One run of the grader: what is to be graded, with what, and what came of it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from actgrade.forbid import forbidden_use
from actgrade.mistakes import KnownMistakes
from actgrade.results import NotebookResult, QuestionResult
from actgrade.trial import CellOutcome, Seeds, Trial, TrialCell
from actgrade.walls import walls_of

if TYPE_CHECKING:
    from actgrade.sandbox.launcher import Launcher
    from actgrade.source import Assignment, Question
    from actgrade.submission import Submission


@dataclass(frozen=True)
class Options:
    """How to grade.

    Attributes:
        seed: fix ``SEED`` for every held cell; None draws it anew for every run and submission.
        reveal: reasons may name held inputs and expected values (self-study, not a class).
        explain: look for the known wrong answer that behaves like the learner's.
    """

    seed: int | None = None
    reveal: bool = True
    explain: bool = True


@dataclass
class Task:
    """One submission to grade against one chapter."""

    chapter: Assignment
    submission: Submission
    result: NotebookResult


class References:
    """Runs of the reference answers, beside those of the learner's.

    With a fixed seed every submission has the same expected output, so one run of a question is
    enough for all of them.
    """

    def __init__(self, launcher: Launcher, *, keep: bool) -> None:
        self._launcher = launcher
        self._kept: dict[tuple[str, str], Trial] | None = {} if keep else None

    def run(self, key: tuple[str, str], cells: list[TrialCell], absent: Sequence[str]) -> Trial:
        """The run for one question, started now or kept from before.

        Args:
            absent: modules that the question's answer does without; so does the reference.
        """
        if self._kept is None:
            return Trial(self._launcher, cells, absent=absent)
        if key not in self._kept:
            self._kept[key] = Trial(self._launcher, cells, absent=absent)
        return self._kept[key]

    def done(self, trial: Trial) -> None:
        """End the run's kernel; what it printed stays, if it is to be kept."""
        if self._kept is not None:
            trial.outcomes()
        trial.close()


@dataclass
class Job:
    """Everything that pytest's nodes need, and where they leave their results."""

    launcher: Launcher
    options: Options
    tasks: list[Task] = field(default_factory=list)
    progress: Callable[[Task, QuestionResult], None] | None = None

    def __post_init__(self) -> None:
        self.seeds = Seeds(secrets.token_bytes(32), self.options.seed)
        self.references = References(self.launcher, keep=self.options.seed is not None)

    def lost_before(self, task: Task, question: Question) -> QuestionResult | None:
        """The result of a question that need not run, or None."""
        answer = task.submission.answers[question.id]
        verdict, reason = answer.verdict, answer.problem
        if answer.source is not None:
            verdict = "forbidden"
            reason = forbidden_use(answer.source, question.forbid, task.chapter.setup)
        if reason is None:
            return None
        return QuestionResult(question.id, question.title, 0, question.points, verdict, reason)

    def finish(self, task: Task, result: QuestionResult) -> None:
        """Keep the result of one question."""
        task.result.questions.append(result)
        if self.progress is not None:
            self.progress(task, result)

    def known_mistake(
        self, task: Task, question: Question, outcomes: list[CellOutcome]
    ) -> str | None:
        """The sentence of the known wrong answer that behaves like this one, or None."""
        if not self.options.explain:
            return None
        absent = walls_of(task.chapter, question).absent
        return KnownMistakes(partial(Trial, self.launcher, absent=absent)).match(
            task.chapter, question, self.seeds, task.submission.digest, outcomes
        )
