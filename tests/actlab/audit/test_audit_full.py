"""What takes longer: a whole audit with training, and pieces of the one that takes hours."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from audits import audited, codes

from actlab.audit import accuracy, trial
from actlab.audit.auditing import Audit, Settings
from actlab.audit.command import SCHEMA
from actlab.audit.reference import choose, kinks_of
from actlab.audit.subject import load
from actlab.audit.target import resolve

PAGE = Path(__file__).resolve().parents[3] / "book" / "audit.md"


def test_the_page_of_the_book_says_what_the_command_says():
    text = PAGE.read_text(encoding="utf-8")
    word, block = re.findall(r"<!-- audit: (.*?) -->\n```\n(.*?)```", text, re.DOTALL)[0]
    said = [
        f"{finding['level']:7} {finding['message']}  [{finding['code']}]"
        for finding in audited(word)["findings"]
    ]
    assert block.splitlines() == said[: len(block.splitlines())]


@pytest.mark.parametrize("derivative", [False, True])
def test_every_float32_of_a_few_binades(derivative):
    """The exhaustive tally over a piece of the line is what one batch of it gives."""
    subject = load(resolve("silu"))
    reference = choose(subject)
    floats = accuracy.Floats.of("float32")
    start = 0x3F800000  # 1.0
    # Whole vectors: the last few elements of an odd batch take torch's scalar path.
    whole = np.arange(start, start + 40 * 1024)
    pieces = iter(np.array_split(whole, 5))
    said: list[str] = []
    report = accuracy.exhaustive(
        subject, reference, kinks_of(reference),
        derivative=derivative, progress=said.append, every=pieces,
    )  # fmt: skip
    bench = accuracy.Bench(subject, reference, (), derivative, floats)
    tally = accuracy.Tally(floats)
    tally.add(bench.batch(whole))
    once = tally.report()
    sums = ("mean_ulp", "mean_ulp_real")  # in another order
    assert {k: report[k] for k in once if k not in sums} == {
        k: v for k, v in once.items() if k not in sums
    }
    assert [report[k] for k in sums] == pytest.approx([once[k] for k in sums], rel=1e-12)
    assert report["tried"] == 40 * 1024
    assert len(said) == 5


def test_the_whole_line_is_every_number_once():
    floats = accuracy.Floats.of("float16")
    codes_ = np.concatenate(list(accuracy.chunks(floats, 1000)))
    np.testing.assert_array_equal(codes_, floats.codes())


def test_an_estimate_is_given_before_hours_are_spent():
    subject = load(resolve("relu"))
    reference = choose(subject)
    bench = accuracy.Bench(subject, reference, (), False, accuracy.Floats.of("float32"))
    assert accuracy.estimate(bench) > 60


def test_a_comparison_states_its_power():
    rng = np.random.default_rng(0)
    base = 0.6 + 0.01 * rng.standard_normal(trial.SEEDS)

    def arm(scores):
        return {
            "rate": 0.01, "rate_at_edge": False, "accuracy": scores.tolist(),
            "mean": float(scores.mean()),
        }  # fmt: skip

    worse = base - 0.05 + 0.004 * rng.standard_normal(trial.SEEDS)
    same = base + 0.02 * rng.standard_normal(trial.SEEDS)
    found = trial.compare(arm(worse), {"relu": arm(base), "gelu": arm(same)})["differences"]
    assert found["relu"]["resolved"]
    assert found["relu"]["high"] < 0
    assert 0 < found["gelu"]["power_one_point"] < found["relu"]["power_one_point"] <= 1
    assert found["gelu"]["seeds_for_one_point"] > found["relu"]["seeds_for_one_point"]


@pytest.mark.full
def test_a_whole_audit_with_training_of_three():
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    rivals: dict = {}
    for word in ("relu", "gelu", "silu"):
        report = Audit(resolve(word), Settings(), rivals=rivals).run()
        jsonschema.Draft202012Validator(schema).validate(report)
        assert report["failures"] == []
        assert report["accuracy"]["float32"]["derivative"]["tried"] > 100_000
        assert report["timings"]["clock"]["cpu"]["times_copy"]["copy"] == 1
        differences = report["trial"]["differences"]
        assert set(differences) == {"relu", "gelu"} - {word}
        assert all(d["low"] < d["mean"] < d["high"] for d in differences.values())
        assert "error" not in codes(report).values()
    assert set(rivals) == {"relu", "gelu"}


@pytest.mark.full
def test_a_numpy_function_can_be_trained():
    audit = Audit(resolve("bad_functions:mish_numpy"), Settings(clock=False))
    report = audit.run()
    assert report["failures"] == []
    assert report["trial"]["own"]["mean"] > 0.3
