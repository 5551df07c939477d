"""Print the reference answer of a question: after you have passed it, or with --give-up.

Giving up is kept with your progress and shown there. Only the code goes to standard output, so it
can be saved with '>'.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from actbase.errors import CommandError
from actgrade.course import Course
from actgrade.learner import source_cache, wording
from actgrade.learner.regrade import Regrader, now
from actgrade.learner.standing import exercise, find_question, stand
from actgrade.learner.state import State, Store
from actgrade.source import Assignment, Question
from actgrade.submission import read_submission


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``actlab solution``."""
    parser.add_argument("chapter", metavar="CHAPTER", help="e.g. 04_relu")
    parser.add_argument("question", metavar="QUESTION", help="e.g. q2")
    parser.add_argument(
        "--give-up",
        action="store_true",
        help="show it although the question has no full points; your progress says so",
    )
    parser.add_argument(
        "--course", type=Path, metavar="DIR", help="the folder that holds solutions/ (found)"
    )


def run(arguments: argparse.Namespace) -> int:
    """``actlab solution``: 0 when it was printed, 1 when the question has no full points yet."""
    course = Course.find(arguments.course)
    chapter = source_cache.load(course, course.resolve(arguments.chapter))
    question = find_question(chapter, arguments.question)
    store = Store(course.root, wording.warn)
    record = store.read().record(chapter.name, question.id)
    if not (record.passed or record.gave_up):
        if arguments.give_up:
            give_up(store, chapter, question)
        elif not _passes_now(course, chapter, question, store):
            raise CommandError(
                f"{chapter.name} {question.id} has no full points yet; 'actlab hint {chapter.name} "
                f"{question.id}' helps, and --give-up shows the solution all the same",
                1,
            )
    _print(question.answer)
    return 0


def give_up(store: Store, chapter: Assignment, question: Question) -> None:
    """Keep in the progress that the solution was shown without a pass."""

    def change(state: State) -> None:
        state.record(chapter.name, question.id).gave_up = now()

    store.update(change)


def _passes_now(course: Course, chapter: Assignment, question: Question, store: Store) -> bool:
    """Grade the answer on disk, if there is one that was not graded yet."""
    path = exercise(course, chapter.name)
    if not path.exists():
        return False
    submission = read_submission(path, chapter)
    records = store.read().records(chapter.name)
    (standing,) = (s for s in stand(chapter, submission, records) if s.question is question)
    if not standing.is_due:
        return False
    regrader = Regrader(course, store)
    try:
        with wording.bar(wording.stderr_console(), f"grading {question.id}", 1):
            regrader.grade(chapter, submission, {question.id})
    finally:
        regrader.close()
    return store.read().record(chapter.name, question.id).passed


def _print(code: str) -> None:
    if not sys.stdout.isatty():
        print(code.strip("\n"))
        return
    from rich.console import Console
    from rich.syntax import Syntax

    Console().print(Syntax(code.strip("\n"), "python", theme="ansi_dark"))
