"""The course's own exercises: released, sound, and fair to right answers of other forms."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest

from actlab.grading.course import Course
from actlab.grading.grade import grade, preload_for
from actlab.grading.kernel.launch import Launcher
from actlab.grading.release import build
from actlab.grading.verify import handed_in, verify

ROOT = Path(__file__).resolve().parents[2]
COURSE = Course(ROOT)
CHAPTERS = COURSE.chapter_names()
RIGHT_ANSWERS = Path(__file__).parent / "right_answers"
LEAST_RIGHT_ANSWERS = 5
_CELL = re.compile(r"^# %% (\w+): (.+)$", re.MULTILINE)

pytestmark = pytest.mark.skipif(not CHAPTERS, reason="solutions/ is empty")


@pytest.fixture(scope="module")
def course_launcher():
    """One fork server with what all chapters import."""
    chapters = [COURSE.chapter(name) for name in CHAPTERS]
    with Launcher(preload_for(chapters)) as launcher:
        yield launcher


@pytest.mark.parametrize("name", CHAPTERS)
def test_exercises_are_what_the_source_says(name):
    for built in build(COURSE.source_path(name), COURSE.exercises):
        assert built.is_current(), f"{built.path} is out of date: run 'actlab release'"


def test_every_exercise_has_a_source():
    released = {path.stem for path in COURSE.exercises.glob("*.ipynb")}
    assert released == set(CHAPTERS)


@pytest.mark.parametrize("name", CHAPTERS)
def test_stub_reference_and_known_wrong_answers_grade_as_they_should(name, course_launcher):
    problems = []
    for proof in verify([COURSE.chapter(name)], launcher=course_launcher):
        problems += proof.problems()
    assert not problems, "\n".join(problems)


def right_answers(name: str) -> dict[str, list[tuple[str, str]]]:
    """Question id -> (what is different, source) of each right answer in the chapter's file."""
    text = (RIGHT_ANSWERS / f"{name}.py").read_text(encoding="utf-8")
    parts = _CELL.split(text)[1:]
    found: dict[str, list[tuple[str, str]]] = {}
    for question, difference, body in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
        found.setdefault(question, []).append((difference, body.strip()))
    return found


@pytest.mark.parametrize("name", CHAPTERS)
def test_right_answers_of_other_forms_get_full_marks(name, course_launcher, tmp_path):
    chapter, answers = COURSE.chapter(name), right_answers(name)
    for question in chapter.questions:
        assert len(answers.get(question.id, ())) >= LEAST_RIGHT_ANSWERS, question.id
    paths = []
    for index in range(max(map(len, answers.values()))):
        some = {q: found[index][1] for q, found in answers.items() if index < len(found)}
        paths.append(tmp_path / f"{index}.ipynb")
        nbformat.write(handed_in(chapter, some), paths[-1])
    report = grade(paths, COURSE, launcher=course_launcher)
    alarms = [
        f"{result.id}, {answers[result.id][index][0]}: {result.reason}"
        for index, book in enumerate(report.notebooks)
        for result in book.questions
        if index < len(answers[result.id]) and result.points < result.maximum
    ]
    assert not alarms, "\n".join(alarms)
