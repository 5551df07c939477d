"""Grade on save: keep this running beside JupyterLab and save the notebook to get a verdict.

Only the question whose answer changed is graded. Keys: n next question, h hint, l list, c check
all, r rerun, x reset to the stub, q quit. Without a terminal there are no keys, and every verdict
is a line; Ctrl-C ends it.
"""

from __future__ import annotations

import argparse
import contextlib
import signal
from collections.abc import Iterator
from pathlib import Path

from actbase.errors import CommandError
from actgrade.course import Course
from actgrade.learner.keyboard import Keyboard
from actgrade.learner.standing import exercise
from actgrade.learner.state import Store


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``actlab watch``."""
    parser.add_argument(
        "chapter", nargs="?", metavar="CHAPTER", help="watch this one, e.g. 04_relu (all)"
    )
    parser.add_argument(
        "--course", type=Path, metavar="DIR", help="the folder that holds solutions/ (found)"
    )


def run(arguments: argparse.Namespace) -> int:
    """``actlab watch``: 0 after q, 130 after Ctrl-C, 128 + N after signal N."""
    from actgrade.learner.screen import Screen
    from actgrade.learner.watch import WatchSession

    course = Course.find(arguments.course)
    names = course.chapter_names()
    if arguments.chapter is not None:
        names = [course.resolve(arguments.chapter)]
        path = exercise(course, names[0])
        if not path.exists():
            raise CommandError(
                f"{course.relative(path)} is missing; 'actlab reset {names[0]}' puts it back"
            )
    names = [name for name in names if exercise(course, name).exists()]
    if not names:
        raise CommandError(f"{course.exercises} has no notebooks; 'actlab release' builds them")
    screen = Screen()
    store = Store(course.root, screen.note)
    store.read()  # a file of a later version is refused before anything starts
    with Keyboard() as keyboard:
        session = WatchSession(course, names, store, screen, keyboard)
        try:
            session.run()
        except BaseException:
            # What is interrupted may fail in its own way while it is taken down.
            if not keyboard.signal:
                raise
            if not keyboard.interrupted_by:
                print()
                return 128 + keyboard.signal
        finally:
            with _uninterrupted():
                session.close()
    return 0


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Tidy up in peace: a second Ctrl-C must not leave processes behind."""
    numbers = [signal.SIGINT, signal.SIGTERM]
    before = {number: signal.signal(number, signal.SIG_IGN) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
