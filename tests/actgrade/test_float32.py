"""Whoever computes in float32 loses points only where the question says how exact it has to be."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import nbformat
import pytest
from prompts import said_before

from actgrade import right_answers
from actgrade.course import Course
from actgrade.right_answers import RightAnswer

COURSE = Course(Path(__file__).resolve().parents[2])
CHAPTERS = COURSE.chapter_names()
# What tells a learner that float32 will not do: digits, an error, exactness, or the type itself.
SAID = re.compile(
    r"digits?\b|allow an error|\berror of|to the last bit|[Cc]ount exactly|limits are exact"
    r"|\bin float64|[Tt]he dtype stays|in the dtype of|right to \d"
)
IN_FLOAT32 = """

def _in_float32(function):
    import numpy as np

    def changed(value, change):
        if isinstance(value, dict):
            return {key: changed(member, change) for key, member in value.items()}
        if isinstance(value, (tuple, list)):
            return type(value)(changed(member, change) for member in value)
        return change(value)

    def is_wide(value):
        kind = str(getattr(value, "dtype", type(value).__name__))
        return kind in ("torch.float64", "float64", "float")

    def narrow(value):
        if hasattr(value, "detach"):
            return value.float() if is_wide(value) and not value.requires_grad else value
        if isinstance(value, np.ndarray):
            return value.astype(np.float32) if is_wide(value) else value
        return np.float32(value) if is_wide(value) else value

    def wide(value):
        kind = str(getattr(value, "dtype", ""))
        if kind == "torch.float32":
            return value.double()
        if isinstance(value, np.float32):
            return float(value)
        return value.astype(np.float64) if kind == "float32" else value

    def computed(*arguments, **keywords):
        found = []
        changed((arguments, keywords), lambda value: found.append(is_wide(value)))
        result = function(*changed(arguments, narrow), **changed(keywords, narrow))
        return changed(result, wide) if any(found) else result

    return computed
"""


def in_float32(question) -> RightAnswer:
    """The reference, each function of which gets its numbers and arrays in float32."""
    names = [node.name for node in ast.parse(question.answer).body if _is_function(node)]
    wrapped = "".join(f"{name} = _in_float32({name})\n" for name in names)
    return RightAnswer(question.id, "in float32", f"{question.answer}\n{IN_FLOAT32}\n{wrapped}")


def _is_function(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef) and not node.name.startswith("_")


def refused(name: str) -> list[str]:
    """A sentence for each question that says nothing of digits and refuses float32."""
    chapter = COURSE.chapter(name)
    cells = nbformat.read(COURSE.exercises / f"{name}.ipynb", as_version=4).cells
    answers = [
        in_float32(question)
        for question in chapter.questions
        if not SAID.search(said_before(cells, question.id))
    ]
    return right_answers.lost_points(answers, right_answers.graded(chapter, answers))


def test_float32_is_right_enough_where_nothing_is_said():
    """The seventh chapter, in every run; the others in the slow tier."""
    assert refused(CHAPTERS[6]) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", CHAPTERS)
def test_float32_is_right_enough_in_every_chapter(name):
    assert refused(name) == []


def test_what_is_asked_is_told_from_what_is_not():
    assert SAID.search("Six significant digits, no clipping.")
    assert SAID.search("*Values are compared to 9 significant digits: compute in float64.*")
    assert not SAID.search("`x` and `upstream` are float64 arrays of one shape.")
