"""Right answers, each written in another way, get full marks; see `actgrade.right_answers`.

``right_answers/NN_slug.py`` is part of a chapter: who solves an exercise in a way that its author
did not think of must not lose points for it.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import nbformat
import pytest

from actbase.errors import CommandError
from actgrade import right_answers
from actgrade.course import Course
from actgrade.grade import grade
from actgrade.job import Options
from actgrade.right_answers import LEAST, SEED, RightAnswer
from actgrade.verify import handed_in

FOLDER = Path(__file__).with_name("right_answers")
COURSE = Course(Path(__file__).parents[2])
CHAPTERS = COURSE.chapter_names()


@cache
def answers(name: str) -> list[RightAnswer]:
    """The right answers of a chapter; none where their file is missing, which a test says."""
    path = FOLDER / f"{name}.py"
    return right_answers.read(path) if path.exists() else []


@cache
def results(name: str) -> dict[tuple[str, str], right_answers.QuestionResult]:
    """What all answers of a chapter earn, computed at the first call."""
    cells = answers(name)
    found = right_answers.graded(COURSE.chapter(name), cells)
    return {(cell.question, cell.how): one for cell, one in zip(cells, found, strict=True)}


@pytest.mark.parametrize(
    ("name", "question", "how"),
    [
        pytest.param(name, cell.question, cell.how, id=f"{name}-{cell.question}-{cell.how}")
        for name in CHAPTERS
        for cell in answers(name)
    ],
)
def test_a_right_answer_gets_full_marks(name, question, how):
    result = results(name)[question, how]
    assert (result.verdict, result.points) == ("pass", result.maximum), result.reason


@pytest.mark.parametrize("name", CHAPTERS)
def test_every_question_has_enough_right_answers_and_all_are_different(name):
    assert (
        right_answers.faults(COURSE.chapter(name), right_answers.read(FOLDER / f"{name}.py")) == []
    )


def test_every_file_of_right_answers_belongs_to_a_chapter():
    assert {path.stem for path in FOLDER.glob("*.py")} <= set(CHAPTERS)


def test_what_is_wrong_with_a_file_of_right_answers_is_said(tmp_path):
    chapter = COURSE.chapter(CHAPTERS[0])
    (first, *_), good = chapter.questions, answers(CHAPTERS[0])
    assert right_answers.faults(chapter, good) == []
    one = next(cell for cell in good if cell.question == first.id)
    for added, fault in (
        (replace(one, question="q99"), "right answers to q99, which is no question"),
        (replace(one, how="again"), f"is the same code as “{one.how}”"),
        (replace(one, source=first.answer), "is the same code as the reference"),
    ):
        assert any(fault in found for found in right_answers.faults(chapter, [*good, added]))
    few = [cell for cell in good if cell.question != first.id]
    assert f"{first.id} has 0 right answers; it needs {LEAST}" in right_answers.faults(chapter, few)
    with pytest.raises(CommandError, match="no right answers"):
        right_answers.read(tmp_path / "none.py")


def test_a_wrong_answer_does_not_get_full_marks(tmp_path):
    """Handed in the same way, so that the marks above mean something."""
    chapter = COURSE.chapter(CHAPTERS[0])
    wrong = {question.id: question.wrongs[0].source for question in chapter.questions}
    nbformat.write(handed_in(chapter, wrong), tmp_path / "wrong.ipynb")
    options = Options(seed=SEED, explain=False)
    (book,) = grade([tmp_path / "wrong.ipynb"], COURSE, options=options).notebooks
    assert all(result.points < result.maximum for result in book.questions)
