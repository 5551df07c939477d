"""Whether an answer makes a mistake that the author foresaw: the same values for the same seed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from actgrade.compare import own_lines, texts_agree
from actgrade.trial import CellOutcome, Seeds, TrialCell, cells_of

if TYPE_CHECKING:
    from actgrade.source import Assignment, Question

# Kernels at once; the comparison runs only after a question is lost, so it must not take long.
AT_ONCE = 2


class Run(Protocol):
    """Cells that run: :class:`actgrade.trial.Trial`, or the book's page in a browser."""

    def outcome(self, name: str) -> CellOutcome:
        """What the cell with this name did."""

    def close(self) -> None:
        """Nothing more is asked."""


class KnownMistakes:
    """Runs the known wrong answers of a question and compares what they do.

    Args:
        start: begins to run the cells it is given.
    """

    def __init__(self, start: Callable[[list[TrialCell]], Run]) -> None:
        self._start = start

    def match(
        self,
        chapter: Assignment,
        question: Question,
        seeds: Seeds,
        digest: str,
        outcomes: list[CellOutcome],
    ) -> str | None:
        """The sentence of the first wrong answer that behaves like ``outcomes``, or None."""
        judged = [outcome for outcome in outcomes if outcome.cell.is_judged]
        # Only what ran to its end can be compared, and only values tell one mistake from another.
        if not any(outcome.kind == "differs" for outcome in judged) or any(
            outcome.kind not in ("ok", "differs", "error") for outcome in judged
        ):
            return None
        wrongs = list(question.wrongs)
        for start in range(0, len(wrongs), AT_ONCE):
            some = wrongs[start : start + AT_ONCE]
            trials = [
                self._start(cells_of(chapter, question, wrong.source, seeds, digest))
                for wrong in some
            ]
            try:
                for wrong, trial in zip(some, trials, strict=True):
                    if all(_same(trial.outcome(o.cell.name), o) for o in judged):
                        return wrong.because
            finally:
                for trial in trials:
                    trial.close()
        return None


def _same(wrong: CellOutcome, learner: CellOutcome) -> bool:
    if (wrong.kind == "error") != (learner.kind == "error"):
        return False
    if wrong.kind == "error":
        return wrong.ename == learner.ename
    return wrong.kind == "ok" and texts_agree(
        wrong.text, own_lines(wrong.text, learner.text), learner.cell.tolerance
    )
