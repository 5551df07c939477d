"""A solution in pieces is the solution."""

from __future__ import annotations

import pytest

from actgrade.course import Course
from bookbuild.live.steps import solution_steps

SOURCE = '''\
import math


@decorated
def f(x):
    """What it does."""
    a = 1
    # Why.
    b = 2
    for _ in range(3):
        a += b

    return a


def g(x):
    return x'''


def test_a_piece_for_each_statement() -> None:
    assert solution_steps(SOURCE) == [
        "import math",
        '\n\n@decorated\ndef f(x):\n    """What it does."""\n    a = 1',
        "    # Why.\n    b = 2",
        "    for _ in range(3):\n        a += b",
        "\n    return a",
        "\n\ndef g(x):\n    return x",
    ]


def test_methods_are_pieces() -> None:
    source = "class A:\n    def f(self):\n        x = 1\n        return x\n\n    y = 2"
    assert solution_steps(source) == [
        "class A:\n    def f(self):\n        x = 1\n        return x",
        "\n    y = 2",
    ]


@pytest.mark.parametrize("name", Course.find().chapter_names())
def test_all_references_are_whole(name: str) -> None:
    for question in Course.find().chapter(name).questions:
        assert "\n".join(solution_steps(question.answer)) == question.answer.rstrip("\n")
