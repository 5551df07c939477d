"""Give a hint: each call one more, from a nudge over the idea to nearly the code.

Without a chapter it is the one you watched last; without a question, the one you are at. How many
hints you have had is kept with your progress.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from actbase.errors import CommandError
from actlab.grading.course import Course
from actlab.grading.source import HINT_NAMES, Chapter, Question
from actlab.learner import show
from actlab.learner.state import State, Store
from actlab.learner.target import target


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``actlab hint``."""
    parser.add_argument(
        "names",
        nargs="*",
        metavar="[CHAPTER] QUESTION",
        help="e.g. 04_relu q2, or q2 in the chapter you are at",
    )
    parser.add_argument(
        "--again", action="store_true", help="show the hints you have had, and no new one"
    )
    parser.add_argument(
        "--course", type=Path, metavar="DIR", help="the folder that holds solutions/ (found)"
    )


def run(arguments: argparse.Namespace) -> int:
    """``actlab hint``: 0 with a hint, 1 when there is none (left)."""
    if len(arguments.names) > 2:
        raise CommandError("name a chapter and a question, no more")
    course = Course.find(arguments.course)
    store = Store(course.root, show.warn)
    state = store.read()
    chapter, question = target(course, state, arguments.names)
    if arguments.again:
        had = state.record(chapter.name, question.id).hints
        if had == 0:
            raise CommandError(f"you have had no hint for {chapter.name} {question.id} yet", 1)
        for number in range(1, had + 1):
            print(text(chapter, question, number))
        return 0
    number = next_hint(store, chapter, question)
    if number is None:
        raise CommandError(
            f"{no_more(chapter, question)}; to read them once more: "
            f"actlab hint {chapter.name} {question.id} --again",
            1,
        )
    print(text(chapter, question, number))
    return 0


def next_hint(store: Store, chapter: Chapter, question: Question) -> int | None:
    """Count one more hint and return its number, from 1; None when all were given."""
    given: list[int] = []

    def change(state: State) -> None:
        record = state.record(chapter.name, question.id)
        if record.hints < len(question.hints):
            record.hints += 1
            given.append(record.hints)

    store.update(change)
    return given[0] if given else None


def text(chapter: Chapter, question: Question, number: int) -> str:
    """One hint under its heading."""
    most = len(question.hints)
    kind = f" ({HINT_NAMES[number - 1]})" if number <= len(HINT_NAMES) else ""
    heading = f"Hint {number} of {most} for {chapter.name} {question.id}{kind}:"
    return f"{heading}\n{question.hints[number - 1].strip()}"


def no_more(chapter: Chapter, question: Question) -> str:
    """The sentence for somebody who has had them all."""
    return f"there are no more hints for {chapter.name} {question.id}: you have had all " + str(
        len(question.hints)
    )
