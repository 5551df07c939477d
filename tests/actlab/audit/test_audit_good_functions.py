"""What is said of functions that many networks use, and of expressions."""

from __future__ import annotations

import json

import jsonschema
import pytest
from audits import audited, codes, fresh

from actlab.audit.auditing import deterministic
from actlab.audit.command import SCHEMA
from actlab.audit.findings import CODES, LEVELS, collect
from actlab.audit.report import page


def test_relu_is_clean_but_for_its_dead_half():
    assert codes(audited("relu")) == {"dead-zone": "note"}


def test_silu_has_nothing_worse_than_notes():
    assert set(codes(audited("silu")).values()) == {"note"}


def test_gelu_loses_its_left_tail_to_one_plus_erf():
    report = audited("gelu")
    found = codes(report)
    assert found["value-vanishes"] == "warning"
    assert "error" not in found.values()
    assert found["cancellation"] == "note"
    assert report["cancellation"]["causes"][0]["names"] == ["1 ± erf"]


def test_actlabs_own_gelu_in_numpy_has_no_such_loss():
    report = fresh("gelu", framework="numpy")
    assert "value-vanishes" not in codes(report)
    for dtype in ("float16", "float32"):
        for which in ("value", "derivative"):
            assert report["accuracy"][dtype][which]["largest_ulp"] <= 1
    assert report["accuracy"]["float64"]["value"]["largest_ulp_real"] < 6


@pytest.mark.parametrize("word", ["relu", "silu", "gelu", "1 - tanh(x)**2"])
def test_the_two_counters_agree(word):
    for found in audited(word)["accuracy"].values():
        for tally in found.values():
            assert tally["counters_disagree"] == 0
            assert sum(tally["bins"].values()) == tally["counted"]


def test_every_number_of_16_bits_is_tried():
    found = audited("silu")["accuracy"]
    assert found["float16"]["value"]["tried"] == 2 * 31 * 2**10
    assert found["bfloat16"]["derivative"]["tried"] == 2 * 255 * 2**7


def test_the_curve_of_silu():
    curve = audited("silu")["curve"]
    assert curve["lowest"]["at"] == pytest.approx(-1.2784645, abs=1e-6)
    assert curve["lowest"]["value"] == pytest.approx(-0.2784645, abs=1e-6)
    assert curve["lipschitz"] == pytest.approx(1.0998393, abs=1e-6)
    assert (curve["monotone"], curve["kinks"]) == ("no", [])
    assert audited("relu")["curve"]["kinks"] == [0.0]


def test_the_signal_of_relu_under_he():
    signal = audited("relu")["signal"]
    assert signal["length_map"]["he"]["chi"] == pytest.approx(1, abs=1e-9)
    assert signal["critical_weight"] == pytest.approx(2**0.5, abs=1e-6)
    assert 0.3 < signal["layers"]["he"]["gradient"] < 3


def test_an_expression_names_its_cause_and_tries_the_rewrite():
    report = audited("1 - tanh(x)**2")
    row = report["cancellation"]["causes"][0]
    assert row["helps"]
    assert row["rewritten"] == "4 * sigmoid(2 * x) * sigmoid(-(2 * x))"
    assert codes(report)["cancellation"] in LEVELS


def test_a_gate_and_softmax_are_looked_at_along_one_input():
    report = audited("swiglu")
    assert "b = 1" in report["probe"]["what"]
    assert report["accuracy"]["float32"]["value"]["largest_ulp"] is not None


@pytest.mark.parametrize(
    "word", ["relu", "gelu", "1 - tanh(x)**2", "bad_functions:hangs", "bad_functions:sigmoid_numpy"]
)
def test_the_json_keeps_its_schema_and_the_page_is_whole(word):
    report = audited(word)
    text = json.dumps(report, allow_nan=False)
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(json.loads(text))
    html = page(report)
    assert html.startswith("<!doctype html>")
    assert html.rstrip().endswith("</html>")
    # Self-contained: nothing is fetched.
    assert "http" not in html
    assert "<script" not in html
    for finding in report["findings"]:
        assert f'class="{finding["level"]}"' in html


def test_the_same_twice():
    first, second = audited("x / (1 + exp(-x))"), fresh("x / (1 + exp(-x))")
    assert json.dumps(deterministic(first)) == json.dumps(deterministic(second))
    assert [finding.plain() for finding in collect(first)] == first["findings"]


def test_the_codes_are_documented():
    for word in ("relu", "gelu", "x / (1 + exp(-x))"):
        assert set(codes(audited(word))) <= set(CODES)
