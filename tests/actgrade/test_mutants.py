"""Mutants of a reference, and what the grader makes of them."""

from __future__ import annotations

import ast
import json
from typing import Any

import grading_sample
import numpy as np
import pytest
import torch

from actgrade.course import Course
from actgrade.equivalent import ALL_CHAPTERS, FOLDER
from actgrade.mutants import mutants_of
from actgrade.mutation import mutants_for, mutate
from actgrade.spoilers import SPOILERS
from actlab.cli import main

SOURCE = '''\
def f(x, slope=0.1, *, tol=1e-3):
    """Text that says 1 < 2."""
    if x is None:
        raise ValueError("less than 3")
    y = np.where(x > 0, x, slope * x)
    return -y.astype(float) if tol <= 1 and slope else y + 2
'''


def names(source: str) -> set[str]:
    return {mutant.name for mutant in mutants_of(source)}


def test_each_kind_of_change_is_made() -> None:
    found = names(SOURCE)
    assert {
        "line 5: >= for >",
        "line 5: <= for >",
        "line 5: / for *",
        "line 5: 1 for 0",
        "line 5: np.where without its last argument",
        "line 3: is not for is",
        "line 3: its condition never true",
        "line 6: < for <=",
        "line 6: or for and",
        "line 6: without the minus",
        "line 6: always the first value",
        "line 6: y.astype left out",
        "line 6: 3 for 2",
        "line 1: f ignores slope",
        "line 1: f ignores tol",
        "line 1: 1.01 times 0.1",
        "f: right only for inputs within 4",
        "f: remembers its first result",
    } <= found
    assert not [name for name in found if name.startswith("line 2")], "a docstring is no behaviour"
    assert "line 4: 4 for 3" not in found


def test_every_mutant_is_another_program() -> None:
    mutants = mutants_of(SOURCE)
    sources = [ast.unparse(ast.parse(mutant.source)) for mutant in mutants]
    assert len(set(sources)) == len(sources)
    assert ast.unparse(ast.parse(SOURCE)) not in sources
    assert len({mutant.name for mutant in mutants}) == len(mutants)
    assert [m.name for m in mutants] == [m.name for m in mutants_of(SOURCE)]


@pytest.mark.parametrize("name", Course.find().chapter_names())
def test_all_references_have_mutants_that_compile(name: str) -> None:
    for question in Course.find().chapter(name).questions:
        mutants = mutants_for(question)
        assert len(mutants) >= 8
        for mutant in mutants:
            compile(mutant.source, "mutant", "exec")


def test_survivors_need_a_reason(tmp_path, capsys) -> None:
    root = grading_sample.write_course(tmp_path)
    course = Course(root)
    scores = mutate([course.chapter("90_sample")], seed=1)
    assert [score.question.id for score in scores] == ["q1", "q2", "q3"]
    assert all(score.mutants > len(score.survivors) for score in scores)
    alive = {s.question.id: {m.name: "no difference" for m in s.survivors} for s in scores}
    assert any(alive.values()), "the sample has holes; else this test says nothing"

    out = tmp_path / "scores.json"
    arguments = ["verify", "--mutants", "--seed", "1", "--course", str(root), "--json", str(out)]
    assert main(arguments) == 1
    said = capsys.readouterr().out
    first = next(name for names in alive.values() for name in names)
    assert f"{first} earns everything" in said

    alive["q1"]["line 99: nothing"] = "gone"
    everything = root / "solutions" / ALL_CHAPTERS
    own = root / "solutions" / FOLDER / "90_sample.json"
    own.parent.mkdir()
    # Both files count: the course's, and the chapter's own.
    everything.write_text(json.dumps({"90_sample": {"q1": alive.pop("q1")}}), encoding="utf-8")
    own.write_text(json.dumps(alive), encoding="utf-8")
    assert main(arguments) == 1
    said = capsys.readouterr().out
    assert [line for line in said.splitlines() if line.startswith("PROBLEM")] == [
        "PROBLEM 90_sample q1: the reason for 'line 99: nothing' is stale"
    ]
    assert {one["score"] for one in json.loads(out.read_text())} == {1.0}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"q1": {"x": ""}}', "a reason is missing"),
        ('{"q9": {"x": "why"}}', "90_sample has no question 'q9'"),
        ('{"q1": "all of them"}', "cannot be read"),
        ("[]", "it is no mapping of names"),
        ("{", "cannot be read"),
    ],
)
def test_a_damaged_file_of_reasons_is_said(tmp_path, capsys, text, problem) -> None:
    root = grading_sample.write_course(tmp_path)
    path = root / "solutions" / FOLDER / "90_sample.json"
    path.parent.mkdir()
    path.write_text(text, encoding="utf-8")
    assert main(["verify", "--mutants", "--course", str(root)]) == 2
    said = capsys.readouterr().err
    assert str(path) in said
    assert problem in said


def test_what_no_value_depends_on_makes_no_mutant() -> None:
    assert not {"line 2: 8 for 7", "line 2: 6 for 7"} & names(
        "def f(x):\n    return np.random.default_rng(7).normal(x)"
    )
    loop = "def f(x):\n    for {} in range({}):\n        x = x / 2\n    return {}"
    assert "line 2: 101 for 100" not in names(loop.format("_", 100, "x"))
    assert "line 2: 101 for 100" in names(loop.format("i", 100, "i"))
    assert "line 2: 4 for 3" in names(loop.format("_", 3, "x"))
    assert {"line 2: 1000 times 1e-09", "line 2: 0 for 1e-09"} <= names(
        "def f(x):\n    return x if x > 1e-9 else None"
    )


def test_spoilers_without_a_consequence_are_left_out() -> None:
    def spoilers(source: str, rtol: float = 0.0) -> set[str]:
        return {m.name[3:] for m in mutants_of(source, rtol) if m.name.startswith("f: ")}

    everything = set(SPOILERS)
    assert spoilers("def f(x):\n    return x + x") == everything
    assert spoilers("def f(x):\n    return x + x", rtol=1e-6) == everything - {"rounded to float32"}
    of_inputs = {name for name in everything if "input" in name}
    assert len(of_inputs) == 4
    assert spoilers("def f(g):\n    return g(1) + 1") == everything - of_inputs
    alone = spoilers("def f():\n    return 1 / np.arange(1, 5)")
    assert alone == everything - of_inputs - {"remembers its first result"}
    one = spoilers("def f(x):\n    return float(x.sum()), 'a'")
    assert one == everything - {"right only for the first element"}
    text = spoilers("def f(x):\n    return 'a' if x.any() else 'b'")
    rounding = {name for name in everything if "rounded" in name}
    assert text == everything - rounding - {"right only for the first element"}


NESTED = """\
import numpy as np
def f(x):
    return {"a": (x * 2, "text", 3, True, x > 0, float(x.sum()), None)}
"""


def spoiled(name: str, x: Any) -> tuple[Any, ...]:
    """What the function of NESTED returns for ``x`` behind a spoiler."""
    space: dict[str, Any] = {}
    (source,) = (m.source for m in mutants_of(NESTED) if m.name == f"f: {name}")
    exec(source, space)
    return space["f"](x)["a"]


@pytest.mark.parametrize("make", [np.array, torch.tensor])
def test_spoilers_reach_into_what_a_function_returns(make) -> None:
    def values(result):
        return [one.tolist() if hasattr(one, "tolist") else one for one in result]

    x = make([1.0, 0.0005, 8.0])
    right = [[2.0, 0.001, 16.0], "text", 3, True, [True, True, True], 9.0005, None]
    far = values(spoiled("right only for inputs within 4", x))
    assert far[0] == pytest.approx([2.0, 0.001, 8.0])
    assert far[1:5] == ["text?", 4, False, [True, True, False]]
    assert values(spoiled("right only for inputs within 4", x / 4))[1:4] == right[1:4]
    near = values(spoiled("right only for inputs beyond 0.001", x))
    assert near[0] == pytest.approx([2.0, 0.0005, 16.0])
    first = values(spoiled("right only for the first element", x))
    assert first[:2] == [[2.0, 2.0, 2.0], "text"]
    rounded = spoiled("rounded to float16", x)
    assert rounded[0].dtype == x.dtype
    assert float(rounded[0][1]) == float(np.float16(0.001))
    changed = make([1.0, 0.0005, 8.0])
    assert values(spoiled("changes its first input", changed))[0] == pytest.approx(right[0])
    assert changed.tolist() == pytest.approx([0.5, 0.00025, 4.0])
