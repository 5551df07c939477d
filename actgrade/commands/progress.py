"""Show your progress: points by chapter, what changed since the last grading, what comes next.

'actlab' without a command does the same. Nothing is graded: the points are those of the last
grading, by 'actlab watch' or 'actlab grade'. A chapter's name lists its questions.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from actbase.errors import CommandError
from actgrade.course import Course
from actgrade.learner import wording
from actgrade.learner.standing import Standing, first_open, read
from actgrade.learner.state import Store


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``actlab progress``."""
    parser.add_argument("chapter", nargs="?", metavar="CHAPTER", help="list its questions (all)")
    parser.add_argument(
        "--course", type=Path, metavar="DIR", help="the folder that holds solutions/ (found)"
    )


def run(arguments: argparse.Namespace) -> int:
    """``actlab progress``: 0."""
    course = Course.find(arguments.course)
    names = course.chapter_names()
    if arguments.chapter is not None:
        names = [course.resolve(arguments.chapter)]
    if not names:
        raise CommandError(f"there are no exercises yet: {course.solutions} has no notebooks")
    state = Store(course.root, wording.warn).read()
    chapters: list[tuple[str, str, list[Standing]]] = []
    unreadable: list[tuple[str, str]] = []
    with wording.bar(wording.stderr_console(), "reading the exercises", len(names)) as step:
        for name in names:
            try:
                chapter, standings = read(course, name, state)
                chapters.append((name, chapter.title, standings))
            except CommandError as error:
                unreadable.append((name, str(error)))
            step("")
    if arguments.chapter is not None and chapters:
        name, title, standings = chapters[0]
        print(f"{name}: {title}, {_score(standings)} points")
        print("\n".join(wording.question_lines(standings)))
    else:
        print("\n".join(_chapter_lines(chapters)))
    for name, sentence in unreadable:
        print(f"{name}: {sentence}")
    if len(chapters) > 1:
        got, most = wording.chapter_score(s for _, _, standings in chapters for s in standings)
        print(f"In all: {got:g} of {most:g} points.")
    if chapters:
        print(_next(course, chapters))
    return 0


def _score(standings: list[Standing]) -> str:
    got, most = wording.chapter_score(standings)
    return f"{got:g} of {most:g}"


def _chapter_lines(chapters: list[tuple[str, str, list[Standing]]]) -> list[str]:
    wide = max((len(name) for name, _, _ in chapters), default=0)
    titles = max((len(title) for _, title, _ in chapters), default=0)
    lines = []
    for name, title, standings in chapters:
        score = wording.points(*wording.chapter_score(standings))
        line = f"{name:<{wide}}  {title:<{titles}}  {score:>7}  {_remarks(standings)}"
        lines.append(line.rstrip())
    return lines


def _remarks(standings: list[Standing]) -> str:
    """What there is to say about a chapter besides its points."""
    said = []
    if all(s.is_stub and not s.record.verdict for s in standings):
        said.append("not started")
    groups = {
        "changed since": [s for s in standings if not s.is_stub and s.is_due and s.record.verdict],
        "not graded yet": [s for s in standings if s.is_due and not s.record.verdict],
        "solution seen": [s for s in standings if s.record.gave_up],
    }
    said += [
        f"{what}: {', '.join(s.question.id for s in found)}"
        for what, found in groups.items()
        if found
    ]
    return "; ".join(said)


def _next(course: Course, chapters: list[tuple[str, str, list[Standing]]]) -> str:
    for name, _, standings in chapters:
        standing = first_open(standings)
        if standing is None:
            continue
        notebook = course.relative(course.exercises / f"{name}.ipynb")
        return (
            f"Next: {name} {standing.question.id}, {standing.question.title}. "
            f"Open {notebook} in JupyterLab, and beside it run: actlab watch {name}"
        )
    where = "in this chapter" if len(chapters) == 1 else "in every chapter"
    return f"You have full points {where}."
