"""The trial of right answers: in the styles and layouts in which people write, on both engines.

``styles/NN_slug.py`` has answers that differ in how they are written: classes, lambdas, masks,
recursion, generators, decorators, names that the course uses too. ``layouts.py`` writes the
references themselves in other ways. No right answer is refused.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from actgrade import right_answers
from actgrade.course import Course
from actgrade.right_answers import RightAnswer
from trial.layouts import LAYOUTS

COURSE = Course(Path(__file__).resolve().parents[3])
CHAPTERS = COURSE.chapter_names()
STYLES = Path(__file__).with_name("styles")
KNOWN = Path(__file__).parents[1] / "right_answers"
LEAST_IN_ALL = 130
ENGINES = ("pipe", pytest.param("jupyter", marks=pytest.mark.full))


def styled(name: str) -> list[RightAnswer]:
    """The answers to one chapter in other styles."""
    return right_answers.read(STYLES / f"{name}.py")


def laid_out(name: str) -> list[RightAnswer]:
    """The reference of each question in turn, in every layout."""
    questions = COURSE.chapter(name).questions
    return [
        RightAnswer(
            (question := questions[number % len(questions)]).id, how, change(question.answer)
        )
        for number, (how, change) in enumerate(LAYOUTS.items())
    ]


def refused(name: str, answers: list[RightAnswer], engine: str) -> list[str]:
    """A sentence for each answer that does not get full marks."""
    found = right_answers.graded(COURSE.chapter(name), answers, engine=engine)
    return right_answers.lost_points(answers, found)


def test_there_are_enough_and_all_are_different():
    assert {path.stem for path in STYLES.glob("*.py")} == set(CHAPTERS)
    assert sum(len(styled(name)) for name in CHAPTERS) >= LEAST_IN_ALL
    for name in CHAPTERS:
        both = [*right_answers.read(KNOWN / f"{name}.py"), *styled(name)]
        assert right_answers.faults(COURSE.chapter(name), both) == []


@pytest.mark.parametrize("engine", ENGINES)
def test_a_chapter_in_other_styles_gets_full_marks(engine):
    """The first chapter, in every run; the others in the slow tier."""
    assert refused(CHAPTERS[0], [*styled(CHAPTERS[0]), *laid_out(CHAPTERS[0])], engine) == []


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", CHAPTERS)
def test_other_styles_and_layouts_get_full_marks(name, engine):
    assert refused(name, [*styled(name), *laid_out(name)], engine) == []
