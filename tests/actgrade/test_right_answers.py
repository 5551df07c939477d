"""Right answers, each written in another way, get full marks.

``right_answers/NN_slug.py`` holds cells ``# %% q1: how it differs``, each a full answer to that
question. A chapter has at least five for every question: who solves an exercise in a way that its
author did not think of must not lose points for it.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from functools import cache
from pathlib import Path

import nbformat
import pytest

from actgrade.course import Course
from actgrade.grade import grade
from actgrade.job import Options
from actgrade.preload import PRELOADED, preload_for
from actgrade.results import QuestionResult
from actgrade.sandbox.launcher import Launcher
from actgrade.verify import handed_in

FOLDER = Path(__file__).with_name("right_answers")
COURSE = Course(Path(__file__).parents[2])
FILES = sorted(FOLDER.glob("*.py"))
LEAST = 5
SEED = 314159


@cache
def answers(path: Path) -> list[tuple[str, str, str]]:
    """The cells of a file: question, how the answer differs, source."""
    parts = re.split(r"^# %% (\w+): (.+)$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return [
        (question, how.strip(), text.strip() + "\n")
        for question, how, text in zip(parts[1::3], parts[2::3], parts[3::3], strict=True)
    ]


ALL = [
    pytest.param(path, question, how, id=f"{path.stem}-{question}-{how}")
    for path in FILES
    for question, how, _ in answers(path)
]


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """A function of a file that grades all its answers, at its first call for that file."""

    @cache
    def results(path: Path) -> dict[tuple[str, str], QuestionResult]:
        chapter = COURSE.chapter(path.stem)
        cells = answers(path)
        folder = tmp_path_factory.mktemp(path.stem)
        # Each notebook takes the next answer to every question: one kernel a question anyway.
        books: list[dict[str, str | None]] = []
        where = {}
        for question, how, text in cells:
            number = sum(asked == question for asked, _ in where)
            while len(books) <= number:
                books.append({known.id: None for known in chapter.questions})
            books[number][question] = text
            where[question, how] = number
        paths = [folder / f"{number}.ipynb" for number in range(len(books))]
        for book, target in zip(books, paths, strict=True):
            nbformat.write(handed_in(chapter, book), target)
        text = path.read_text(encoding="utf-8")
        # Imported once, and not by every kernel: what the chapter imports, and the answers.
        used = {name for name in PRELOADED if re.search(rf"\b{name}\b", text)}
        launcher = Launcher(sorted({*preload_for(COURSE, [chapter]), *used}))
        try:
            report = grade(paths, COURSE, options=Options(seed=SEED), launcher=launcher)
        finally:
            launcher.close()
        found = [{result.id: result for result in book.questions} for book in report.notebooks]
        return {
            (question, how): found[number][question] for (question, how), number in where.items()
        }

    return results


@pytest.mark.parametrize(("path", "question", "how"), ALL)
def test_a_right_answer_gets_full_marks(graded, path, question, how):
    result = graded(path)[question, how]
    assert (result.verdict, result.points) == ("pass", result.maximum), result.reason


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_question_has_enough_right_answers_and_all_are_different(path):
    chapter = COURSE.chapter(path.stem)
    counts = Counter(question for question, _, _ in answers(path))
    assert set(counts) == {question.id for question in chapter.questions}
    assert min(counts.values()) >= LEAST, counts
    shapes = [(question, ast.dump(ast.parse(text))) for question, _, text in answers(path)]
    shapes += [(q.id, ast.dump(ast.parse(q.answer))) for q in chapter.questions]
    assert len(set(shapes)) == len(shapes)
    names = [(question, how) for question, how, _ in answers(path)]
    assert len(set(names)) == len(names)


def test_there_are_right_answers():
    assert FILES


def test_a_wrong_answer_does_not_get_full_marks(tmp_path):
    """Handed in the same way, so that the marks above mean something."""
    chapter = COURSE.chapter(FILES[0].stem)
    wrong = {question.id: question.wrongs[0].source for question in chapter.questions}
    nbformat.write(handed_in(chapter, wrong), tmp_path / "wrong.ipynb")
    options = Options(seed=SEED, explain=False)
    (book,) = grade([tmp_path / "wrong.ipynb"], COURSE, options=options).notebooks
    assert all(result.points < result.maximum for result in book.questions)
