"""Every bad implementation is caught, with the finding that it deserves and no traceback."""

from __future__ import annotations

import pytest
from audits import audited, codes
from bad_functions import CAUSES, EXPECTED

from actlab.audit.findings import LEVELS


@pytest.mark.parametrize("name", EXPECTED)
def test_it_is_caught(name):
    code, level = EXPECTED[name]
    found = codes(audited(f"bad_functions:{name}"))
    assert code in found, found
    assert LEVELS.index(found[code]) >= LEVELS.index(level), found
    # Nothing broke on the way but the function itself.
    assert "not-finished" not in found


@pytest.mark.parametrize("name", CAUSES)
def test_its_cause_is_named_and_the_sound_form_helps(name):
    rows = audited(f"bad_functions:{name}")["cancellation"]["causes"]
    helped = {row["names"][0] for row in rows if row["helps"] and len(row["names"]) == 1}
    assert CAUSES[name] <= helped


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("silu_naive", "gradient is NaN below −88.72 in float32"),
        ("elu_where", "gradient is NaN above 88.72 in float32"),
        ("softplus_naive", "float16 above 11.09"),
        ("tanh_by_exponentials", "float32 below −88.72"),
    ],
)
def test_a_finding_says_where(name, words):
    messages = [finding["message"] for finding in audited(f"bad_functions:{name}")["findings"]]
    assert any(words in message for message in messages), messages


def test_two_sides_stay_two_intervals():
    """NaN below −88 and above 88 is not NaN between."""
    tally = audited("bad_functions:tanh_by_exponentials")["accuracy"]["float32"]["value"]
    runs = [(i["low"], i["high"]) for i in tally["intervals"] if i["kind"] == "is_nan"]
    assert len(runs) == 2
    assert runs[0][1] < -88
    assert runs[1][0] > 88


def test_what_the_good_part_of_a_bad_function_is_still_measured():
    report = audited("bad_functions:no_halves")
    assert report["accuracy"]["float32"]["value"]["largest_ulp"] == 0
    assert "failed" in report["accuracy"]["float16"]["value"]


def test_the_wrong_constant_is_measured_against_what_it_means_to_be():
    from audits import fresh

    found = codes(fresh("bad_functions:gelu_wrong_constant", reference="gelu_tanh"))
    assert found["value-inaccurate"] in ("warning", "error")
