"""Give a hint: each call one more, from a nudge over the idea to nearly the code.

Without a chapter it is the one you watched last; without a question, the one you are at. How many
hints you have had is kept with your progress.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from actbase.errors import CommandError
from actgrade.course import Course
from actgrade.learner import hints, wording
from actgrade.learner.state import Store
from actgrade.learner.target import target


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
    store = Store(course.root, wording.warn)
    state = store.read()
    chapter, question = target(course, state, arguments.names)
    if arguments.again:
        had = state.record(chapter.name, question.id).hints
        if had == 0:
            raise CommandError(f"you have had no hint for {chapter.name} {question.id} yet", 1)
        for number in range(1, had + 1):
            print(hints.text(chapter, question, number))
        return 0
    new = hints.next_hint(store, chapter, question)
    if new is None:
        raise CommandError(
            f"{hints.no_more(chapter, question)}; to read them once more: "
            f"actlab hint {chapter.name} {question.id} --again",
            1,
        )
    print(hints.text(chapter, question, new))
    return 0
