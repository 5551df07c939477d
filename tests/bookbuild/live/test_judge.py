"""The judge of the page gives the grader's verdicts and sentences."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from actgrade import source
from actgrade.trial import Seeds
from bookbuild.live import judge

ROOT = Path(__file__).resolve().parents[3]
MISSING = {"torch": "torch"}


@pytest.fixture(scope="module")
def chapter() -> source.Assignment:
    return source.load(ROOT / "solutions" / "01_linear_collapse.ipynb")


def test_a_chapter_travels_as_json(chapter):
    text = json.dumps(judge.chapter_as_dict(chapter))
    again = judge.chapter_from_dict(json.loads(text))
    assert (again.name, again.title, again.setup) == (chapter.name, chapter.title, chapter.setup)
    assert again.questions == chapter.questions


@pytest.mark.parametrize("name", ["q1", "q2", "q3"])
def test_the_reference_passes_and_each_known_mistake_is_named(chapter, name):
    question = chapter.question(name)
    result = judge.check(chapter, question, question.answer, MISSING)
    assert (result.verdict, result.points, result.reason) == ("pass", question.points, "")
    seeds = Seeds(b"", 7)
    for wrong in question.wrongs:
        result = judge.check(chapter, question, wrong.source, MISSING, seeds=seeds)
        assert result.points < question.points
        assert result.verdict in ("fail", "error", "partial")
        # Another known mistake may behave the same with this seed.
        if result.reason.startswith("known mistake: "):
            said = [other.because.rstrip(".") for other in question.wrongs]
            assert any(text in result.reason for text in said)


def test_the_first_question_names_the_mistake_that_was_made(chapter):
    question = chapter.question("q1")
    named = [
        wrong.because.rstrip(".")
        in judge.check(chapter, question, wrong.source, MISSING, seeds=Seeds(b"", 7)).reason
        for wrong in question.wrongs
    ]
    assert any(named)


def test_the_stub_is_not_written_yet(chapter):
    question = chapter.question("q1")
    stub = "def collapse(W1, b1, W2, b2):\n    raise NotImplementedError"
    result = judge.check(chapter, question, stub, MISSING)
    assert (result.verdict, result.points, result.reason) == ("missing", 0, "not written yet")


def test_an_error_names_the_line_of_the_answer(chapter):
    question = chapter.question("q1")
    result = judge.check(
        chapter, question, "def collapse(W1, b1, W2, b2):\n    return W1 / nothing", MISSING
    )
    assert result.verdict == "error"
    assert "NameError" in result.reason
    assert "line 2 of your answer" in result.reason


def test_a_helper_in_another_cell_is_pointed_at(chapter):
    answer = "def collapse(W1, b1, W2, b2):\n    return helper(W1, b1, W2, b2)"
    question = chapter.question("q1")
    result = judge.check(chapter, question, answer, MISSING, other_names=frozenset({"helper"}))
    assert "move it there" in result.reason


def test_what_is_forbidden_is_not_run():
    chapter = source.load(ROOT / "solutions" / "10_gelu.ipynb")
    question = next(q for q in chapter.questions if "actlab.functions" in q.forbid)
    answer = "from actlab import functions\n" + question.answer
    result = judge.check(chapter, question, answer, MISSING)
    assert (result.verdict, result.points) == ("forbidden", 0)


def test_before_each_cell_the_page_learns_what_to_say_if_it_never_ends(chapter):
    question = chapter.question("q1")
    heard = []
    judge.check(
        chapter,
        question,
        question.answer,
        MISSING,
        deadline=lambda seconds, result: heard.append((seconds, result)),
    )
    seconds, late = heard[0]
    assert 0 < seconds <= judge.LIMITS.cell_seconds
    assert (late.verdict, late.points) == ("timeout", 0)
    assert "takes longer than 10 s" in late.reason
    # What carries points runs first: before the last of it, every other has agreed.
    last = heard[len(question.helds)][1]
    assert last.points == question.points - question.helds[-1].points
    # A visible check that never ends costs nothing then.
    assert heard[len(question.helds) + 1][1].points == question.points


def test_a_learner_who_changes_numpy_is_compared_with_a_sound_reference(chapter):
    question = chapter.question("q1")
    answer = (
        "import numpy as np\nhonest = np.matmul\n"
        "def collapse(W1, b1, W2, b2):\n    return W1 @ W2 * 0, b1 @ W2 + b2"
    )
    result = judge.check(chapter, question, answer, MISSING)
    assert result.verdict in ("fail", "partial")
