"""What a question does not allow is said before the answer, and hints are plain text."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import numpy as np
import pytest
from prompts import said_before

from actgrade.course import Course
from actgrade.exercise import raised
from actgrade.plain_math import plain_math
from actgrade.release import digits_asked
from actgrade.source import Tolerance
from actgrade.walls import announced, walls_of

ROOT = Path(__file__).resolve().parents[2]
COURSE = Course(ROOT)
CHAPTERS = COURSE.chapter_names()


@pytest.mark.parametrize("name", CHAPTERS)
def test_prompts_announce_all_that_is_forbidden(name):
    chapter = COURSE.chapter(name)
    cells = nbformat.read(COURSE.exercises / f"{name}.ipynb", as_version=4).cells
    for question in chapter.questions:
        said = said_before(cells, question.id)
        rules = said.partition("*Not allowed in this answer:* ")[2]
        names = set(re.findall(r"`([\w.]+)`", rules))
        walls = walls_of(chapter, question)
        for word in (*question.forbid, *walls.absent):
            assert any(word == one or word.startswith(f"{one}.") for one in names), (
                question.id,
                word,
            )
        assert names == set(announced(chapter, question))


@pytest.mark.parametrize("name", CHAPTERS)
def test_whoever_needs_more_than_float32_is_told_so(name):
    chapter = COURSE.chapter(name)
    cells = nbformat.read(COURSE.exercises / f"{name}.ipynb", as_version=4).cells
    for question in chapter.questions:
        tight = [h for h in question.helds if 0 < h.tolerance.rtol < Tolerance().rtol]
        said = said_before(cells, question.id)
        if tight:
            digits = digits_asked(question)
            assert 10.0**-digits == pytest.approx(min(h.tolerance.rtol for h in tight), rel=0.5)
            assert "digit" in said or "allow an error" in said, question.id
        else:
            assert "Values are compared to" not in said


@pytest.mark.parametrize("name", CHAPTERS)
def test_hints_are_plain_text_in_a_terminal(name):
    for question in COURSE.chapter(name).questions:
        for hint in question.hints:
            text = re.sub(r"(`+)(?:(?!\1).)+?\1", "", plain_math(hint), flags=re.DOTALL)
            assert not set("\\$") & set(text), (question.id, text)


class TooLong(ValueError):
    """As a learner may write it."""


def test_a_kind_of_the_error_that_is_asked_for_is_that_error():
    def fail(kind):
        raise kind("x")

    assert raised(fail, ValueError) == raised(fail, TooLong) == "ValueError"
    assert raised(fail, UnicodeError) == raised(fail, np.linalg.LinAlgError) == "ValueError"
    assert raised(fail, type("ValueError", (Exception,), {})) == "Exception"
    assert raised(fail, NotImplementedError) == "NotImplementedError"
    assert raised(lambda: None) == "nothing"
