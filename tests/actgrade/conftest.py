"""What the grader's tests share: a small course, and one warm launcher for all of them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import grading_sample
import nbformat
import pytest
from grading_sample import QUICK, by_question

from actgrade.course import Course
from actgrade.grade import grade
from actgrade.job import Options
from actgrade.results import QuestionResult
from actgrade.sandbox.launcher import Launcher


@pytest.fixture(scope="session")
def launcher() -> Iterator[Launcher]:
    """One warm fork server (or none, where there cannot be one) for all tests."""
    with Launcher(("numpy",), limits=QUICK) as launcher:
        yield launcher


@pytest.fixture(scope="session")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """The sample course; tests must not change it."""
    return Course.find(grading_sample.write_course(tmp_path_factory.mktemp("course")))


@pytest.fixture
def hand_in(tmp_path: Path) -> Callable[..., Path]:
    """Write a submission with these answers, the reference's where nothing is said."""
    numbers = itertools.count()

    def write(**answers: str | None) -> Path:
        path = tmp_path / f"submission-{next(numbers)}.ipynb"
        nbformat.write(grading_sample.submission(answers), path)
        return path

    return write


@pytest.fixture
def graded(
    course: Course, launcher: Launcher, hand_in: Callable[..., Path]
) -> Callable[..., dict[str, QuestionResult]]:
    """Grade these answers and return the results by question."""

    def run(*, options: Options | None = None, **answers: str | None) -> dict[str, QuestionResult]:
        report = grade([hand_in(**answers)], course, launcher=launcher, options=options)
        return by_question(report.notebooks[0])

    return run
