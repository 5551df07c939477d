"""A reason names the function, and for single values the call that went wrong."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import numpy as np
import pytest

from actgrade.apart import CALLS, Apart, _Calls
from actgrade.course import Course
from actgrade.grade import grade
from actgrade.job import Options
from actgrade.origin import Origins, calls_of, origins_of, recording
from actgrade.trial import Seeds, Trial, cells_of
from actgrade.verify import handed_in

COURSE = Course(Path(__file__).resolve().parents[2])
ASKED = frozenset({"f", "g"})


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("show(y=f(x))", {"y": "f"}),
        ("show(x=x, y=f(x), z=g(x), s=str(list(f(x))))", {"y": "f", "z": "g", "s": "f", "x": ""}),
        ("y = f(x)\nz = y + 1\nshow(z=z, n=3)", {"z": "f", "n": ""}),
        ("a, b = f(x)\nshow(a=a, b=b)", {"a": "f", "b": "f"}),
        ("y = []\nfor v in x:\n    y.append(f(v))\nshow(y=np.array(y))", {"y": "f"}),
        ("y = 0\ny += f(x)\nshow(y=y)", {"y": "f"}),
        ("for y in f(x):\n    show(y=y)", {"y": "f"}),
        ("if (y := f(x)) > 0:\n    show(y=y)", {"y": "f"}),
        ("y = [f(x)]\ny.append(g(x))\nshow(y=y)", {"y": ""}),
        ("show(y=f(g(x)))", {"y": ""}),
        ("show(y=f(x))\nshow(y=g(x))", {"y": ""}),
        ("show(bad=raised(f, 1), all=[f(v) for v in x])", {"bad": "f", "all": "f"}),
        ("y = f(x)\ny = 3\nshow(y=y)", {"y": ""}),
        ("print(f(x))", {}),
        ("show(", {}),
    ],
)
def test_the_function_behind_a_value_is_read_from_the_source(source, found):
    assert origins_of(source, ASKED).functions == found


def test_names_that_are_made_when_it_runs_have_an_origin_too():
    source = "for n in (1, 2):\n    y = f(n)\n    show(n=n, **{f'y_{n}': y})"
    origins = origins_of(source, ASKED)
    assert origins == Origins({"n": ""}, made="f", called=("f",))
    assert (origins.function("y_1"), origins.function("n")) == ("f", "")
    assert origins_of("show(**{'a': f(1)})\nshow(**{'b': g(1)})", ASKED).made == ""


def test_what_is_only_true_of_a_result_is_told_from_the_result():
    source = (
        "y = f(x)\nshow(y=y[0], z=bool(f(x)), a=[bool(v) for v in f(x)], n=raised(f, 1))\n"
        "show(same=bool((y == f(x)).all()), kind=type(y) is int, shape=y.shape)"
    )
    assert origins_of(source, ASKED).derived == {"same", "kind", "shape"}


def test_a_call_is_said_without_addresses_and_says_where_it_is_cut():
    def said(*values):
        calls = _Calls(lambda **shown: None)
        calls.noting("f", lambda *values: None)(*values)
        return calls._pending[0]

    assert said(lambda x: x, np.tanh, max, np.float16) == "f(lambda, tanh, max, float16)"
    assert said((v for v in ()).send, [].append) == "f(a function, a function)"
    assert "0x" not in said({"a": lambda x: x}, (v for v in ()))
    assert said(list(range(200))).endswith("…")


def test_the_call_behind_a_name_that_is_made_when_it_runs_is_known(capsys):
    space = {"f": lambda x: x + 1, "show": lambda **shown: None}
    source = "for n in (1, 2):\n    y = f(n)\n    show(**{f'y_{n}': y, 'z': 2})\nshow(y=f(3))"
    Apart(space).record(source, "check", space, ["f"])
    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line.removeprefix(CALLS)) for line in lines] == [
        {"y_1": ["f(1)"], "z": ["f(1)"]},
        {"y_2": ["f(2)"], "z": ["f(2)"]},
        {"y": ["f(3)"]},
    ]


def test_calls_are_read_line_by_line():
    text = (
        f'{CALLS}{{"a": [], "b": ["f(1)"], "c": ["f(2)", "f(3)"]}}\n'
        "a: int () 1\nb: int () 1\nc: sequence of 2\nc[0]: int () 1\nc[1]: int () 2\n"
    )
    assert calls_of(text) == [None, "f(1)", None, "f(2)", "f(3)"]


@pytest.fixture(scope="module")
def wrong(tmp_path_factory):
    """Chapter 13 with three wrong answers whose values are no arrays, for both ways of telling."""
    chapter = COURSE.chapter(COURSE.resolve("13"))
    answers = {question.id: question.answer for question in chapter.questions}
    for name, old, new in (
        ("q1", "len(names) + 1", "len(names) + 2"),
        ("q4", "< 5", "< 3"),
        ("q5", "rtol=1e-4", "rtol=1e-1"),
    ):
        assert old in answers[name]
        answers[name] = answers[name].replace(old, new)
    path = tmp_path_factory.mktemp("wrong") / "handed_in.ipynb"
    nbformat.write(handed_in(chapter, answers), path)

    def told(reveal):
        options = Options(reveal=reveal, explain=False)
        (book,) = grade([path], COURSE, options=options).notebooks
        return {result.id: result.reason for result in book.questions}

    return {reveal: told(reveal) for reveal in (True, False)}


@pytest.mark.parametrize(
    ("question", "function"), [("q1", "bytes_moved"), ("q4", "faults"), ("q5", "wrong_slopes")]
)
def test_the_failing_input_is_shown_and_the_function_named(wrong, question, function):
    for told in wrong.values():
        assert told[question].startswith(f"{function}(…)"), told[question]
    assert f", for the call {function}(" in wrong[True][question]
    assert "for the call" not in wrong[False][question]  # held inputs stay held in a class


def test_recording_does_not_change_what_is_shown(launcher):
    chapter = COURSE.chapter(COURSE.resolve("13"))
    for question in chapter.questions[:2]:
        cells = cells_of(chapter, question, question.answer, Seeds(b"", 1), "")
        texts = []
        for run in (cells, recording(cells)):
            trial = Trial(launcher, run)
            texts.append([o.text for o in trial.outcomes() if o.cell.is_judged])
            trial.close()
        for plain, recorded in zip(*texts, strict=True):
            kept = [line for line in recorded.splitlines() if not line.startswith(CALLS)]
            assert kept == plain.splitlines()
            assert len(calls_of(recorded)) == len(kept)
