"""The lines of ``show``: canonical, exact, and the same for every kind of array."""

from __future__ import annotations

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from actgrade.exercise import lines_of, raised, show
from actgrade.values import parse_line


@pytest.mark.parametrize(
    ("value", "line"),
    [
        (np.array([0.1, -0.0, np.nan, np.inf, -np.inf]), "float (5,) [0.1 0.0 nan inf -inf]"),
        (np.float32(0.1), "float () 0.1"),
        (np.float16(65504), "float () 65504.0"),
        (np.float16(0.1), "float () 0.099975586"),
        (1e300, "float () 1.0e+300"),
        (1e-7, "float () 1.0e-07"),
        (3, "int () 3"),
        (10**30, f"int () {10**30}"),
        (np.arange(4).reshape(2, 2), "int (2, 2) [[0 1] [2 3]]"),
        (np.uint8(200), "int () 200"),
        (True, "bool () True"),
        (np.array([True, False]), "bool (2,) [True False]"),
        (np.zeros((0, 3)), "float (0, 3) []"),
        (np.array([1 + 2j]), "complex (1,) [(1.0, 2.0)]"),
        (torch.tensor([1.5, -2.0]), "float (2,) [1.5 -2.0]"),
        (torch.tensor([1.5], dtype=torch.bfloat16), "float (1,) [1.5]"),
        (torch.tensor([1.0], requires_grad=True) * 2, "float (1,) [2.0]"),
        (torch.tensor([1, 2]), "int (2,) [1 2]"),
        ("say 'hi'", "text \"say 'hi'\""),
        (None, "None"),
        (np.dtype("float32"), "text 'float32'"),
        (np.float32, "text 'float32'"),
        (torch.float16, "text 'torch.float16'"),
    ],
)
def test_one_line(value, line):
    assert lines_of("y", value) == [f"y: {line}"]


def test_sequences_and_mappings_name_their_members():
    assert lines_of("p", (1, [2.0])) == [
        "p: sequence of 2",
        "p[0]: int () 1",
        "p[1]: sequence of 1",
        "p[1][0]: float () 2.0",
    ]
    assert lines_of("d", {"b": 1, "a": 2}) == [
        "d: mapping of 2",
        "d['a']: int () 2",
        "d['b']: int () 1",
    ]


def test_digits_round_and_say_so():
    assert lines_of("y", np.array([1 / 3, 100.0]), 3) == ["y: float (2,) to 3 digits [0.333 100.0]"]
    assert lines_of("n", 12345, 3) == ["n: int () 12345"]


def test_show_prints_its_arguments_in_order(capsys):
    show(b=1, a=2.0)
    assert capsys.readouterr().out == "b: int () 1\na: float () 2.0\n"


@pytest.mark.parametrize("digits", [0, 18])
def test_digits_out_of_range(digits):
    with pytest.raises(ValueError, match="between 1 and 17"):
        show(digits=digits, y=1.0)


@pytest.mark.parametrize("value", [object(), np.array(["a"]), np.array([object()]), lambda: 1])
def test_what_has_no_line_is_refused(value):
    with pytest.raises(TypeError, match="no line for y"):
        lines_of("y", value)


def test_too_many_elements_are_refused():
    with pytest.raises(ValueError, match="at most 20000"):
        lines_of("y", np.zeros(20_001))


def test_raised_names_the_exception():
    assert raised(int, "x") == "ValueError"
    assert raised(int, "1") == "nothing"


@given(
    hnp.arrays(
        st.sampled_from([np.float16, np.float32, np.float64]),
        hnp.array_shapes(min_dims=0, max_dims=3, max_side=4),
    )
)
def test_floats_read_back_exactly(array):
    (line,) = lines_of("y", array)
    shown = parse_line(line)
    assert shown is not None
    assert (shown.kind, shown.shape) == ("float", array.shape)
    back = shown.values.astype(array.dtype).reshape(array.shape)
    np.testing.assert_array_equal(back, array)


@given(hnp.arrays(np.int32, hnp.array_shapes(min_dims=0, max_dims=2, max_side=5)))
def test_tensors_print_as_arrays(array):
    assert lines_of("y", torch.from_numpy(np.asarray(array))) == lines_of("y", array)


def test_a_named_kind_of_an_error_is_that_error():
    class TooSmall(ValueError):
        pass

    def fail(error):
        raise error

    assert raised(fail, TooSmall()) == "ValueError"
    assert raised(fail, np.linalg.LinAlgError()) == "ValueError"
    assert raised(fail, KeyError()) == "KeyError"
    assert raised(fail, type("Own", (Exception,), {})()) == "Exception"
    assert raised(abs, 1) == "nothing"
