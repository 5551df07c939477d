"""The correctness check: right implementations pass it, and each kind of wrong one does not."""

import math
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from actlab.bench import correctness
from actlab.bench.cases import Implementation, Unavailable, all_cases, case
from actlab.bench.names import GPU_ONLY

torch.set_num_threads(1)


def verdict(item, implementation, dtype=torch.float32, n=1024, operations=1):
    shape = item.shape(n, 64)
    make = lambda: torch.randn(shape).to(dtype)  # noqa: E731
    return correctness.check(
        item, implementation, [make() for _ in range(item.arity)], make(), operations
    )


PAIRS = [
    (item, name)
    for item in all_cases()
    for name in item.implementations()
    if not name.startswith("compiled") and name not in GPU_ONLY
]


@pytest.mark.parametrize(("item", "name"), PAIRS, ids=[f"{i.name}-{n}" for i, n in PAIRS])
def test_every_implementation_that_runs_here_is_right(item, name):
    implementation = item.implementation(name)
    operations = operations_of(item, implementation)
    found = verdict(item, implementation, operations=operations)
    assert found.passed, found.reason
    assert set(found.errors) == {"forward", "backward"}
    assert (
        correctness.check_odd_sizes(item, implementation, torch.float32, "cpu", operations) is None
    )


TENSORS = [(item, name) for item, name in PAIRS if name != "numpy"]
# e^12 is no float16 number and e^-12 a coarse one: on inputs that are not rare these formulas give
# infinity or NaN, or lose their digits.
OVERFLOW = {"sigmoid", "log_sigmoid", "tanh", "softplus", "elu", "celu", "selu"}


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=["bfloat16", "float16"])
@pytest.mark.parametrize(("item", "name"), TENSORS, ids=[f"{i.name}-{n}" for i, n in TENSORS])
def test_rounding_to_16_bits_is_no_mistake(item, name, dtype):
    implementation = item.implementation(name)
    operations = operations_of(item, implementation)
    for _ in range(3):
        found = correctness.check_odd_sizes(item, implementation, dtype, "cpu", operations)
        overflows = (name, dtype) == ("composed", torch.float16) and item.name in OVERFLOW
        assert found is None or overflows, found.reason


def test_no_number_is_drawn_that_rounds_across_a_kink():
    x = correctness._random(case("hardswish"), (1 << 16,), torch.bfloat16, "cpu").double()
    assert float((x.abs() - 3).abs().min()) >= 2**-6  # half of what float32 kept: bfloat16 rounds
    assert 2.9 < float(x.std()) < 3.1
    rounded = (x.bfloat16() + 3).double()
    assert bool(((rounded < 6) == (x < 3)).all())


def operations_of(item, implementation):
    from actlab.bench.byte_model import count

    if implementation.framework != "torch":
        return 1
    inputs = tuple(torch.randn(item.shape(256, 64)) for _ in range(item.arity))
    traffic = count(implementation.call, *implementation.pack(inputs))
    return max(traffic.launches("forward"), traffic.launches("backward"))


def wrong(call):
    return Implementation("wrong", call)


@pytest.mark.parametrize(
    ("call", "which"),
    [
        (lambda x: torch.relu(x) * 1.001, "pass differs"),
        (lambda x: torch.relu(x).detach() + 0 * x, "backward"),
        (
            lambda x: torch.where(
                torch.arange(x.numel()) < x.numel() - 1, torch.relu(x), torch.nan
            ),
            "",
        ),
        (lambda x: torch.relu(x)[:-1], ""),
    ],
    ids=["a thousandth too large", "no gradient", "last element unwritten", "an element short"],
)
def test_a_wrong_implementation_is_refused_with_a_reason(call, which):
    item = case("relu")
    try:
        found = verdict(item, wrong(call))
    except (RuntimeError, ValueError):
        return  # a wrong shape cannot take the upstream gradient: the runner reports the error
    assert not found.passed
    assert which in found.reason
    assert "not timed" in found.reason


def test_an_error_in_the_last_element_of_a_large_tensor_is_found():
    item = case("relu")
    n = (1 << 18) + 7  # large enough to be sampled

    def forgets_the_tail(x):
        return torch.cat([torch.relu(x[:-1]), x[-1:] + 5])

    assert not verdict(item, wrong(forgets_the_tail), n=n).passed
    assert verdict(item, item.implementation("builtin"), n=n).passed


def test_unwritten_memory_is_poisoned():
    like = torch.randn(1 << 16)
    poison = correctness._Poison(like)
    landed = torch.empty_like(like)
    # The allocator may give other memory; where it gives the poisoned block, it holds NaN.
    assert not poison.holds(landed) or bool(torch.isnan(landed).any())


def test_what_is_not_a_number_is_said_in_words():
    found = verdict(case("relu"), wrong(lambda x: torch.relu(x) / (x < 1)))
    assert "forward pass gives NaN, infinity or another shape" in found.reason


def test_swapped_gradients_of_a_gate_are_found():
    item = case("swiglu")
    right = item.implementation("composed")
    swapped = Implementation("swapped", right.call, unpack=lambda g: tuple(reversed(g)))
    assert not verdict(item, swapped, operations=4).passed


def test_tolerance_grows_with_the_operations_that_round():
    assert correctness.tolerance(torch.bfloat16, 5) == 5 * correctness.tolerance(torch.bfloat16, 1)
    assert correctness.tolerance(torch.float32, 0) == 1e-6
    for dtype in (torch.bfloat16, torch.float16):  # eps is twice the unit roundoff
        assert correctness.tolerance(dtype, 1) == 2 * torch.finfo(dtype).eps


def test_relative_error_of_what_is_not_a_number_is_infinite():
    one = np.ones(3)
    assert correctness.relative_error(np.array([1, 1, np.nan]), one) == math.inf
    assert correctness.relative_error(np.ones(2), one) == math.inf
    assert correctness.relative_error(np.zeros(3), np.zeros(3)) == 0
    assert correctness.relative_error(one, np.zeros(3)) == math.inf


@pytest.mark.parametrize("n", [1023, 1 << 16, 3 << 15, (1 << 17) + 1])
def test_liger_gets_rows_that_it_takes(monkeypatch, n):
    rows = []

    class LigerReLUSquaredFunction:  # as the original, it refuses rows of more than 65536
        @staticmethod
        def apply(x):
            assert x.shape[-1] <= 65536
            rows.append(x.shape)
            return torch.relu(x).square()

    module = SimpleNamespace(LigerReLUSquaredFunction=LigerReLUSquaredFunction)
    monkeypatch.setitem(sys.modules, "liger_kernel.ops.relu_squared", module)
    item = case("relu2")
    found = verdict(item, item.implementation("liger", "cuda"), n=n)
    assert found.passed, found.reason
    assert math.prod(rows[0]) == n
    assert rows[0] == ((n,) if n <= 65536 else (n // math.gcd(n, 4096), math.gcd(n, 4096)))


def test_what_cannot_run_here_says_so():
    with pytest.raises(Unavailable, match="GPU only"):
        case("relu").implementation("triton", "cpu")
    with pytest.raises(Unavailable, match="no builtin"):
        case("relu2").implementation("builtin")


def test_rows_divide_the_elements_where_they_can():
    assert case("softmax").shape(1_000_000) == (1000, 1000)
    assert case("softmax").shape(1 << 20) == (1024, 1024)
    assert case("softmax").shape(5) == (1, 5)
    assert case("relu").shape(1_000_003) == (1_000_003,)
