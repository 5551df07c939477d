"""Which question somebody means who names it in part, or not at all."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from actbase.errors import CommandError
from actgrade.course import Course
from actgrade.learner import source_cache
from actgrade.learner.standing import find_question, first_open, read
from actgrade.learner.state import State
from actgrade.source import Assignment, Question


def target(course: Course, state: State, names: Sequence[str]) -> tuple[Assignment, Question]:
    """The question that ``[CHAPTER] [QUESTION]`` means.

    Without a chapter it is the one graded or watched last, else the first with something left to
    do; without a question, the one that is being worked on there.

    Raises:
        CommandError: there is no such chapter or question; the message names what is near.
    """
    if len(names) == 2:
        chapter = source_cache.load(course, course.resolve(names[0]))
        return chapter, find_question(chapter, names[1])
    place = current(course, state)
    if place is None:
        raise CommandError("you have full points everywhere; name the chapter and the question")
    chapter = source_cache.load(course, place[0])
    if not names:
        return chapter, chapter.question(place[1])
    try:
        return chapter, find_question(chapter, names[0])
    except CommandError:
        with contextlib.suppress(CommandError):
            name = course.resolve(names[0])
            first = source_cache.load(course, name).questions[0].id
            error = CommandError(f"{name} is a chapter; name a question too: {name} {first}")
        raise error from None


def current(course: Course, state: State) -> tuple[str, str] | None:
    """Chapter and question at which the learner is; None when everything has full points."""
    names = course.chapter_names()
    if state.current is not None and state.current[0] in names:
        with contextlib.suppress(CommandError):
            chapter = source_cache.load(course, state.current[0])
            if state.current[1] in [question.id for question in chapter.questions]:
                return state.current
    for name in names:
        with contextlib.suppress(CommandError):
            standing = first_open(read(course, name, state)[1])
            if standing is not None:
                return name, standing.question.id
    return None
