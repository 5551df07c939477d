"""Mutants of a reference, and what the grader makes of them."""

from __future__ import annotations

import ast
import json

import grading_sample
import pytest

from actgrade.course import Course
from actgrade.mutants import mutants_of
from actgrade.mutation import REASONS, mutate
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
        mutants = mutants_of(question.answer)
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
    reasons = {"90_sample": alive}
    (root / "solutions" / REASONS).write_text(json.dumps(reasons), encoding="utf-8")
    assert main(arguments) == 1
    said = capsys.readouterr().out
    assert [line for line in said.splitlines() if line.startswith("PROBLEM")] == [
        "PROBLEM 90_sample q1: the reason for 'line 99: nothing' is stale"
    ]
    assert {one["score"] for one in json.loads(out.read_text())} == {1.0}

    (root / "solutions" / REASONS).write_text('{"90_sample": {"q1": {"x": ""}}}')
    assert main(arguments) == 2
    assert "a reason is missing" in capsys.readouterr().err
