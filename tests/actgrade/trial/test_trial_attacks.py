"""The trial of attacks: all of ``attacks/`` on both engines, and a few of each kind in every run.

An attack earns nothing, costs no other question, ends within its limits, leaves nothing behind, and
what the report says about it is one sentence of visible characters.
"""

from __future__ import annotations

import json

import pytest

from actgrade.sandbox import confinement
from trial.battlefield import Battlefield, unfair
from trial.cases import cases
from trial.forgeries import FORGERIES, submission

pytestmark = pytest.mark.skipif(
    confinement.missing() is not None, reason="needs Landlock and seccomp"
)
ENGINES = ("pipe", pytest.param("jupyter", marks=pytest.mark.full))
# What a question needs beside its limits: a start, an interrupt, a drain, on a busy machine.
SECONDS_BESIDE_THE_LIMITS = 30


def sample():
    """The third attack of each kind of the sample course, which is fixed and takes seconds."""
    kinds: dict[str, list] = {}
    for case in cases():
        if case.chapter is None:
            kinds.setdefault(case.kind, []).append(case)
    return [group[2] for group in kinds.values()]


@pytest.fixture(params=ENGINES)
def field(request, tmp_path, monkeypatch):
    """A battlefield whose temporary files lie in a folder of this test's."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    field = Battlefield(tmp_path, request.param)
    yield field
    field.close()


def assert_fair(field, chosen):
    """Fight, and once more for those in which somebody else ran out of time on a busy machine."""
    found = dict(zip((case.id for case in chosen), field.fight(chosen), strict=True))
    assert field.report.isolation == confinement.ISOLATED
    again = [case for case in chosen if unfair(case, found[case.id])]
    faults = [fault for case in again for fault in unfair(case, found[case.id]) if "earns" in fault]
    found.update(zip((case.id for case in again), field.fight(again) if again else (), strict=True))
    faults += [fault for case in chosen for fault in unfair(case, found[case.id])]
    most = field.limits.question_seconds + SECONDS_BESIDE_THE_LIMITS
    faults += [
        f"{case.id}: {name} took {seconds:.0f} s"
        for case in chosen
        for name, seconds in found[case.id].seconds.items()
        if seconds > most
    ]
    field.check_nothing_is_left()
    assert not faults, "\n".join(faults)


def test_some_attacks_of_each_kind_are_fair(field):
    assert_fair(field, sample())


@pytest.mark.slow
def test_all_attacks_are_fair(field):
    assert_fair(field, [case for case in cases() if case.fence is None])


@pytest.mark.slow
def test_what_is_known_to_succeed_still_does(field):
    """So that a fence that has become a wall is taken from the list."""
    known = [case for case in cases() if case.fence is not None]
    for case, fought in zip(known, field.fight(known), strict=True):
        assert unfair(case, fought), f"{case.id} does not succeed any more"
    field.check_nothing_is_left()


def test_forged_notebooks_are_fair(field):
    books = {}
    for name, change in FORGERIES.items():
        books[name] = submission()
        change(books[name])
    data = [json.dumps(book).encode() for book in books.values()]
    found = dict(zip(books, field.graded(data, launcher=field.launcher), strict=True))
    faults = []
    for name, fought in found.items():
        points = {question: result.points for question, result in fought.results.items()}
        others = {question: result.verdict for question, result in fought.results.items()}
        if fought.error or points.pop("q1", 1) or others.pop("q1") == "pass":
            faults.append(f"{name}: {fought.error} {fought.results}")
        if set(others.values()) != {"pass"}:
            faults.append(f"{name}: {others}")
    field.check_nothing_is_left()
    assert not faults, "\n".join(faults)
