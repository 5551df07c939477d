"""The course's own exercises are released and sound."""

from __future__ import annotations

from pathlib import Path

import pytest

from actgrade.course import Course
from actgrade.preload import preload_for
from actgrade.release import build
from actgrade.sandbox.launcher import Launcher
from actgrade.verify import verify
from bookbuild.pages import kill_table

ROOT = Path(__file__).resolve().parents[2]
COURSE = Course(ROOT)
CHAPTERS = COURSE.chapter_names()

pytestmark = pytest.mark.skipif(not CHAPTERS, reason="solutions/ is empty")


@pytest.fixture(scope="module")
def course_launcher():
    """One fork server with what all chapters import."""
    chapters = [COURSE.chapter(name) for name in CHAPTERS]
    with Launcher(preload_for(COURSE, chapters)) as launcher:
        yield launcher


@pytest.mark.parametrize("name", CHAPTERS)
def test_exercises_are_what_the_source_says(name):
    for built in build(COURSE.source_path(name), COURSE.exercises):
        assert built.is_current(), f"{built.path} is out of date: run 'actlab release'"


def test_every_exercise_has_a_source():
    released = {path.stem for path in COURSE.exercises.glob("*.ipynb")}
    assert released == set(CHAPTERS)


@pytest.mark.parametrize("name", CHAPTERS)
def test_stub_reference_and_known_wrong_answers_grade_as_they_should(name):
    """As the book's page says it, which is computed once for both and kept until one changes."""
    table = kill_table.chapter(COURSE.source_path(name), ROOT / "_build" / ".measured")
    assert not table["problems"], "\n".join(table["problems"])
    wrongs = [wrong for question in table["questions"] for wrong in question["wrongs"]]
    assert wrongs
    assert all(wrong["caught"] for wrong in wrongs)


@pytest.mark.slow
@pytest.mark.parametrize("name", CHAPTERS)
def test_both_engines_agree_on_every_answer(name, course_launcher):
    """The light shell judges as a real Jupyter kernel does."""
    chapter = COURSE.chapter(name)

    def verdicts(proofs):
        return [
            (proof.question.id, result.verdict, result.points)
            for proof in proofs
            for result in (proof.reference, proof.stub, *(kill.result for kill in proof.kills))
        ]

    jupyter = verify([chapter], engine="jupyter", seed=1)
    assert verdicts(jupyter) == verdicts(verify([chapter], launcher=course_launcher, seed=1))
