"""Answers are the same when only names of locals, comments and layout differ."""

from __future__ import annotations

import pytest

from actgrade.classroom.similar import fingerprint, groups, names_of

ONE = '''
def relu(x):
    """My own words."""
    positive = x > 0  # where
    return np.where(positive, x, 0)
'''


@pytest.mark.parametrize(
    "other",
    [
        "def relu(x):\n    p = x > 0\n    return np.where(p, x, 0)",
        "def relu(values):\n    mask=values>0\n    return np.where( mask,values,0 )",
        "def relu(x: object) -> object:\n    m: object = x > 0\n\n    return np.where(m, x, 0)",
    ],
)
def test_the_same(other):
    assert fingerprint(ONE, {"relu"})[0] == fingerprint(other, {"relu"})[0]


@pytest.mark.parametrize(
    "other",
    [
        "def relu(x):\n    p = x > 0\n    return np.where(p, x, 1)",
        "def relu(x):\n    p = x >= 0\n    return np.where(p, x, 0)",
        "def relu(x):\n    return np.where(x > 0, x, 0)",
        "def relu(x):\n    p = x > 0\n    return torch.where(p, x, 0)",
        "def other(x):\n    p = x > 0\n    return np.where(p, x, 0)",
    ],
)
def test_not_the_same(other):
    kept = {"relu", "other"}
    assert fingerprint(ONE, kept)[0] != fingerprint(other, kept)[0]


def test_helpers_and_loops_are_renamed_too():
    one = "def f(x):\n    def g(a):\n        return [b for b in a]\n    return g(x)"
    two = "def f(q):\n    def h(u):\n        return [w for w in u]\n    return h(q)"
    assert fingerprint(one, {"f"}) == fingerprint(two, {"f"})


@pytest.mark.parametrize(
    "text",
    ["def f(", "%timeit 1\nx = 2", "", "\x00", "(" * 5000, "\ud800", "x = " + "-" * 100_000 + "1"],
)
def test_what_is_not_python_has_a_fingerprint(text):
    digest, size = fingerprint(text)
    assert len(digest) == 32
    assert size >= 0


def test_layout_does_not_matter_in_what_is_not_python():
    assert fingerprint("%time x = 1 # hm")[0] == fingerprint("%time   x=1")[0]


def test_names_that_a_question_asks_for():
    assert names_of("def f(): pass\nclass A: pass\nb = 3\nfor c in (): pass") == {"f", "A", "b"}
    assert names_of("def f(") == set()


def row(learner: str, digest: str, size: int = 50, kind: str = "written") -> dict:
    return {
        "learner": learner, "name": learner, "chapter": "c", "question": "q1",
        "fingerprint": digest, "size": size, "kind": kind,
    }  # fmt: skip


def test_groups_put_the_telling_ones_first():
    rows = [row(name, "short", 10) for name in "abc"]
    rows += [row(name, "long", 90) for name in "de"]
    rows += [row(name, "reference", 90, "reference") for name in "fg"]
    rows += [row(name, "stub", 90, "stub") for name in "hij"] + [row("k", "alone")]
    found = groups(rows)
    assert [group["learners"] for group in found] == [["d", "e"], ["a", "b", "c"], ["f", "g"]]
    assert {group["answered_by"] for group in found} == {8}
    assert groups([row("a", "x"), row("a", "x")]) == []
