"""Feedback names what is wrong with the values."""

from __future__ import annotations

import numpy as np
import pytest

from actgrade.exercise import lines_of
from actgrade.feedback import explain_text
from actgrade.origin import Origins
from actgrade.quote import clean, plain, quote
from actgrade.source import Tolerance

X = np.linspace(-4, 4, 41)
ONE = np.arange(41) == 7
SILU = X / (1 + np.exp(-X))


def text(**values) -> str:
    return "".join(line + "\n" for name, value in values.items() for line in lines_of(name, value))


def explain(expected, got, *, reveal=False) -> str:
    return explain_text(expected, got, Tolerance(), reveal=reveal)


def values(got, want=SILU, **keywords) -> str:
    return explain(text(x=X, y=want), text(x=X, y=got), **keywords)


@pytest.mark.parametrize(
    ("got", "sentence"),
    [
        (SILU[:, None], "y has shape (41, 1), not (41,)"),
        (SILU.astype(int), "y has class int, not float"),
        (np.where(X < -3, np.nan, SILU), "y is NaN in 5 of 41 places where x < -3"),
        (np.where(X > 3, np.inf, SILU), "y is infinite in 5 of 41 places where x > 3"),
        (-SILU, "y has the wrong sign"),
        (2 * SILU, "y is 2 times the expected values"),
        (SILU * np.log(2), "y is ln 2 times the expected values"),
        (SILU / 3, "y is 1/3 times the expected values"),
        (SILU + 0.5, "y is too large by 0.5 everywhere"),
        (0 * SILU, "y is zero everywhere"),
        (np.where(X < 0, 0, SILU), "y agrees except where x < 0, where it is zero everywhere"),
        (np.where(X < 0, -SILU, SILU), "y agrees except where x < 0, where it has the wrong sign"),
        (np.where(abs(X) > 2.5, X, SILU), "y agrees except where |x| > 2.4"),
        (np.where(ONE, 9.0, SILU), "y is wrong in 1 of 41 places"),
        (
            SILU * (1 + 1e-3 * np.sin(X)),
            "y is close but not equal in 40 of 41 places: right to 3 digits, and 6 are asked for",
        ),
        (SILU * (1 + 2e-6 * np.cos(X) ** 2), "right to 5 digits, and 6 are asked for"),
        (np.cos(X), "y is wrong in every place"),
    ],
)
def test_values(got, sentence):
    assert sentence in values(got)
    # Nothing of the held inputs or of the expected values, in a class.
    assert "at x" not in values(got)


def test_an_example_for_somebody_who_studies_alone():
    assert values(np.where(ONE, 9.0, SILU), reveal=True).endswith(
        "at x = -2.6 it is 9, not -0.17976"
    )
    assert "for example at x = -4" in values(np.where(X < 0, np.nan, SILU), reveal=True)


def test_an_example_shows_the_digits_that_differ():
    said = explain(
        text(y=np.array([1.0, 2.0])), text(y=np.array([1.0000021, 1.99998])), reveal=True
    )
    assert said.endswith("it is 1.0000021, not 1")


def test_a_value_shown_several_times_is_counted_and_not_listed():
    want, got = text(y=1) + text(y=3) + text(z=1), text(y=2) + text(y=5) + text(z=2)
    assert explain(want, got).endswith("; also wrong: y 1 more time, z")


@pytest.mark.parametrize("scale", [1.0, 1e-98, 1e98])
def test_what_is_nearly_right_is_a_matter_of_digits_at_every_scale(scale):
    """Not "too small by 0 everywhere", and not "by 2.8e-98 everywhere"."""
    x = np.linspace(1, 2, 9)
    for error in (1e-3 * np.sin(9 * x), np.full(9, 3e-4), 2e-6 * np.cos(9 * x) + 3e-6):
        want = scale * x
        got = want + scale * error
        tolerance = Tolerance(1e-6, 0.0)
        said = explain_text(text(y=want), text(y=got), tolerance, reveal=False)
        assert "digits, and 6 are asked for" in said, said
    said = explain_text(
        text(y=np.array([1e-98, 2e-98])), text(y=np.array([3e-98, 5e-98])), tolerance, reveal=False
    )
    assert said == "y is wrong in every place"


def test_the_function_is_named_and_not_the_label_of_a_held_value():
    origins = Origins({"x": "", "untouched": "", "rates": "f"}, made="g", called=("f", "g"))

    def said(want, got):
        return explain_text(want, got, Tolerance(), reveal=False, origins=origins)

    assert said(text(rates=1.0), text(rates=2.0)) == "f(…) is 2 times the expected value"
    assert said(text(y_3=1.0), text(y_3=-1.0)) == "g(…) has the wrong sign"
    assert said(text(x=1, untouched=True), text(x=1, untouched=False)) == (
        "untouched is False, not True, after f(…) and g(…)"
    )
    origins = Origins({"same": "f", "dead": "f"}, derived=frozenset({"same"}))
    assert said(text(same=True), text(same=False)) == "same of f(…) is False, not True"
    assert said(text(dead=True), text(dead=False)) == "f(…) is False, not True"


def test_the_call_is_said_for_a_sequence_of_another_length_too():
    want, got = text(n=1) + text(y=[1, 2]), text(n=1) + text(y=[1])
    calls = lambda: [None, "f(3)", "f(3)", "f(3)"]  # noqa: E731
    said = explain_text(want, got, Tolerance(), reveal=True, calls=calls)
    assert said == "y is a sequence of 1, not a sequence of 2, for the call f(3)"
    assert "f(3)" not in explain_text(want, got, Tolerance(), reveal=False, calls=calls)


def test_a_missing_nan_is_named():
    want = np.where(X > 3, np.nan, SILU)
    assert values(SILU, want) == "y should be NaN in 5 of 41 places"


@pytest.mark.parametrize(
    ("want", "got", "sentence"),
    [
        (3.0, -3.0, "y has the wrong sign"),
        (3.0, 6.0, "y is 2 times the expected value"),
        (3.0, 3.0004, "y is close but not equal: right to 3 digits, and 6 are asked for"),
        (1e6, 1e6 + 1.2, "y is close but not equal: right to 5 digits, and 6 are asked for"),
        (3000, 3001, "y is too large"),
        (3.0, 1.234, "y is too small"),
        (0.0, 0.1, "y should be zero"),
        (0.1, 0.0, "y is zero"),
        (3, 4, "y is too large"),
        (3, 6, "y is 2 times the expected value"),
        (np.array([True, True]), np.array([False, False]), "y is False everywhere"),
        (True, False, "y is False, not True"),
        (np.array([True, False]), np.array([False, True]), "opposite of what is expected"),
        (np.array([True, False]), np.array([True, True]), "y is wrong in 1 of 2 places"),
        ("relu", "gelu", "y is not what is expected"),
        (1.0, "gelu", "y is another text, not a single float"),
        (None, 1.0, "y is a single float, not None"),
        ((1.0, 2.0), (1.0, 2.0, 3.0), "y is a sequence of 3, not a sequence of 2"),
        ((1.0, 2.0), 1.0, "y is a single float, not a sequence of 2"),
        (np.arange(4.0).reshape(2, 2), np.arange(4.0).reshape(2, 2).T, "y is transposed"),
        (np.array([1 + 1j, 2.0]), np.array([1 - 1j, 2.0]), "y is wrong in 1 of 2 places"),
        (np.array([np.inf]), np.array([-np.inf]), "infinite with the wrong sign"),
    ],
)
def test_other_values(want, got, sentence):
    assert sentence in explain(text(y=want), text(y=got))


def test_rounded_values_are_compared_as_they_are_graded():
    want = "".join(f"{line}\n" for line in lines_of("y", np.array([1.0, 2.0, 3.0]), 3))
    got = want.replace("2.0", "2.01").replace("3.0", "3.3")
    assert "1 of 3 places" in explain(want, got)


def test_what_is_printed_besides_is_passed_over():
    want = text(y=1.0)
    assert explain(want, "debug 3\n" + want) == "the values agree"
    assert "another number of times" in explain(want, want + want)
    assert explain(want, "debug 3\n") == "nothing is printed where values are expected"
    assert explain(want, "") == "nothing is printed where values are expected"
    assert "z is missing" in explain(text(y=1.0, z=2.0), text(y=1.0))
    assert "another order" in explain(text(y=1.0, z=2.0), text(z=2.0, y=1.0))


def test_other_wrong_values_are_listed():
    sentence = explain(text(a=1.0, b=2.0, c=3.0), text(a=1.0, b=-2.0, c=-3.0))
    assert sentence == "b has the wrong sign; also wrong: c"


@pytest.mark.parametrize("got", ["\x00\x1b[31m", "y: float (2,) [1.0", "y: float (9999999999,) []"])
def test_hostile_text_is_explained_too(got):
    sentence = explain(text(y=1.0), got + "\n")
    assert sentence
    assert sentence.isprintable()


def test_quotes_are_short_and_visible():
    assert quote("a\nb\t c") == "a b c"
    assert quote("\x1b[31mred\x1b[0m\x07") == "red\\u0007"
    assert quote("right\u202eleft\udcff") == "right\\u202eleft\\udcff"
    assert len(quote("x" * 10**6, 50)) == 50
    assert plain("\x1b]8;;http://example.org\x07link\x1b]8;;\x07") == "link"
    assert clean("\ud800").encode() == b"\\ud800"
