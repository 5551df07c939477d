"""Hints: the next one, its number, and the sentence when there are no more."""

from __future__ import annotations

from actgrade.learner.state import State, Store
from actgrade.plain_math import plain_math
from actgrade.source import HINT_NAMES, Assignment, Question


def next_hint(store: Store, chapter: Assignment, question: Question) -> int | None:
    """Count one more hint and return its number, from 1; None when all were given."""
    given: list[int] = []

    def change(state: State) -> None:
        record = state.record(chapter.name, question.id)
        if record.hints < len(question.hints):
            record.hints += 1
            given.append(record.hints)

    store.update(change)
    return given[0] if given else None


def text(chapter: Assignment, question: Question, number: int) -> str:
    """One hint under its heading."""
    most = len(question.hints)
    kind = f" ({HINT_NAMES[number - 1]})" if number <= len(HINT_NAMES) else ""
    heading = f"Hint {number} of {most} for {chapter.name} {question.id}{kind}:"
    return f"{heading}\n{plain_math(question.hints[number - 1].strip())}"


def no_more(chapter: Assignment, question: Question) -> str:
    """The sentence for somebody who has had them all."""
    return f"there are no more hints for {chapter.name} {question.id}: you have had all " + str(
        len(question.hints)
    )
