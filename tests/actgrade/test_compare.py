"""The comparison: tolerant where numbers agree, strict on everything else."""

from __future__ import annotations

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from actgrade.compare import TolerantText, own_lines, texts_agree
from actgrade.exercise import lines_of
from actgrade.source import Tolerance

TOLERANCE = Tolerance(rtol=1e-6, atol=1e-9)

floats = hnp.arrays(
    np.float64,
    hnp.array_shapes(min_dims=0, max_dims=3, max_side=4),
    elements=st.floats(-1e6, 1e6, allow_subnormal=False),
)
lines = st.text(st.characters(codec="utf-8"), max_size=60)


def text(array, name="y") -> str:
    return "\n".join(lines_of(name, array)) + "\n"


def agree(expected, got) -> bool:
    return texts_agree(expected, got, TOLERANCE)


@given(lines)
def test_any_text_agrees_with_itself(line):
    assert agree(line, line)


@given(floats, st.floats(-0.9, 0.9))
def test_noise_within_the_tolerance_agrees(array, share):
    noise = share * (TOLERANCE.atol + TOLERANCE.rtol * np.abs(array))
    assert agree(text(array), text(array + noise))


@given(floats, st.data())
def test_one_value_beyond_the_tolerance_does_not(array, data):
    assume(array.size)
    other = np.array(array)
    index = data.draw(st.integers(0, array.size - 1))
    other.flat[index] += 2 * (TOLERANCE.atol + TOLERANCE.rtol * abs(array.flat[index]))
    assert not agree(text(array), text(other))


@given(floats, st.data())
def test_nan_and_infinity_have_their_places(array, data):
    assume(array.size)
    special = data.draw(st.sampled_from([np.nan, np.inf, -np.inf]))
    index = data.draw(st.integers(0, array.size - 1))
    other = np.array(array)
    other.flat[index] = special
    assert agree(text(other), text(other))
    assert not agree(text(array), text(other))
    assert not agree(text(other), text(array))


@given(floats)
def test_the_shape_counts(array):
    assume(array.shape != (1, *array.shape))
    assert not agree(text(array), text(array[None]))


@given(hnp.arrays(np.int64, 3, elements=st.integers(-1000, 1000)))
def test_the_class_of_the_dtype_counts_and_its_width_does_not(array):
    assert agree(text(array), text(array.astype(np.int16)))
    assert not agree(text(array), text(array.astype(np.float64)))


@given(st.integers(-(10**12), 10**12), st.integers(1, 100))
def test_whole_numbers_are_exact(number, step):
    assert not agree(f"n: int () {number}", f"n: int () {number + step}")


@given(floats, st.text("abcdefghij", min_size=1, max_size=5))
def test_the_name_counts(array, name):
    assert not agree(text(array, "y"), text(array, f"y{name}"))


@given(lines, lines)
def test_no_text_breaks_the_comparison(a, b):
    assert agree(a, b) == agree(b, a) or any(c.isdigit() for c in a + b)


def test_float32_agrees_with_float64():
    x = np.linspace(-3, 3, 50)
    assert agree(text(np.tanh(x)), text(np.tanh(x.astype(np.float32)).astype(np.float32)))


@pytest.mark.parametrize(
    ("expected", "got", "same"),
    [
        ("y: float () 0.0\n", "y: float () 0.0\n\n", True),
        ("y: float () 0.0", "y: float () 0.0\nmore", False),
        ("", "y: float () 0.0", False),
        ("y: float () 1.0", "y: float () 1e0", True),
        ("y: float () 1.0", "y: float () one", False),
        ("done 3 times", "done 4 times", False),
        ("done in 3.0 s", "done in 3.0000001 s", True),
        ("w1: float () 1.0", "w2: float () 1.0", False),
        ("y: text 'float64'", "y: text 'float32'", False),
        ("v1.2.3", "v1.2.4", False),
        ("y: float () inf", "y: float () 1e999", True),
        ("y: float () inf", "y: float () -inf", False),
        ("y: float () nan", "y: float () -nan", True),
        ("y: float () to 3 digits 1.23", "y: float () to 3 digits 1.24", True),
        ("y: float () to 3 digits 1.23", "y: float () to 3 digits 1.26", False),
        ("y: float () to 3 digits 1.23", "y: float () 1.23", False),
        ("y: float () to 999 digits 1.0", "y: float () to 999 digits 1.0001", False),
    ],
)
def test_cases(expected, got, same):
    assert agree(expected, got) is same


def test_a_long_hostile_text_takes_no_time():
    for body in ("1" * 200_000, "1." * 100_000, "e" * 200_000, "1e" * 100_000, "-" * 200_000):
        assert not agree("y: float () 1.0", body + "x")


def test_the_text_that_nbval_compares():
    reference = TolerantText("y: float () 1.0", TOLERANCE)
    assert reference == TolerantText("y: float () 1.00000001", TOLERANCE)
    # nbval asks with !=, which str answers for itself unless it is overridden.
    assert (reference != TolerantText("y: float () 1.00000001", TOLERANCE)) is False
    assert reference != "y: float () 1.1"
    assert reference != 3
    assert isinstance(reference, str)
    with pytest.raises(TypeError):
        hash(reference)


def test_only_lines_that_the_check_could_have_printed_are_compared():
    want = "y: float () 1.0\nz: text 'a'\n"
    assert own_lines(want, "x = 3\nx: int () 3\ny: float () 2.0\n0.5\nz: None\n") == (
        "y: float () 2.0\nz: None\n"
    )
    # The other way round nothing is lost: a value that is missing is missing.
    assert not texts_agree(want, own_lines(want, "y: float () 1.0\n"), TOLERANCE)
    # Said twice is said once too often, whichever comes first.
    assert not texts_agree(want, own_lines(want, "y: float () 1.0\n" + want), TOLERANCE)
    # A course whose check prints by itself is compared as it is.
    assert own_lines("3\n", "debug\n3\n") == "debug\n3\n"
