"""Put the released stub back: of one question, or the whole notebook of a chapter.

What was there is kept in .actlab/backups/ first, and the command says where. On a terminal it asks
before it changes anything; --yes answers for you.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from actbase.errors import CommandError
from actgrade.course import Course
from actgrade.learner import source_cache
from actgrade.learner.reset import reset
from actgrade.learner.standing import exercise, find_question


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``actlab reset``."""
    parser.add_argument("chapter", metavar="CHAPTER", help="e.g. 04_relu")
    parser.add_argument("question", nargs="?", metavar="QUESTION", help="e.g. q2 (the notebook)")
    parser.add_argument("-y", "--yes", action="store_true", help="do not ask")
    parser.add_argument(
        "--course", type=Path, metavar="DIR", help="the folder that holds solutions/ (found)"
    )


def run(arguments: argparse.Namespace) -> int:
    """``actlab reset``: 0 when the stub is back, 1 when the answer was no."""
    course = Course.find(arguments.course)
    chapter = source_cache.load(course, course.resolve(arguments.chapter))
    question = None
    if arguments.question is not None:
        question = find_question(chapter, arguments.question)
    path = exercise(course, chapter.name)
    what = course.relative(path)
    if question is not None:
        what = f"your answer to {question.id} in {what}"
    if not arguments.yes and path.exists():
        if not sys.stdin.isatty():
            raise CommandError(f"this replaces {what}: add --yes where nobody can be asked")
        if not _agrees(f"Replace {what} by the stub? A backup is kept. [y/N] "):
            print("Nothing was changed.")
            return 1
    print(reset(course, chapter, question))
    return 0


def _agrees(prompt: str) -> bool:
    try:
        return input(prompt).strip().lower() in ("y", "yes")
    except EOFError:
        print()
        return False
