"""The stated bounds against inputs that were searched for, and against a search of its own."""

from __future__ import annotations

import json
import os

import adversary
import numpy as np
import pytest

from actlab import functions

CASES = adversary.cases()
#: What :data:`actlab.functions.__all__` holds beside functions of numbers.
OTHERS = {"CATALOGUE", "Activation", "Parameter", "SELU_ALPHA", "SELU_SCALE", "get"}
#: The same function under another name.
ALIASES = {"swish": "silu", "swish_derivative": "silu_derivative"}
#: Points that each function is tried on in every run; ``-m slow`` tries 20,000.
FEW = 250


def fresh_seed() -> int:
    """New points in every run; a failure names the seed."""
    return int.from_bytes(os.urandom(3))


def bound(case: adversary.Case, dtype: type, point: np.ndarray) -> float:
    """float32 is the true value rounded, but where two terms cancel: there it is within 1 ulp."""
    if dtype == np.float64:
        return case.bound
    return 1.0 if case.floor and case.floor(point.tolist(), [0])[0] else 0.5 + 1e-4


def test_every_function_is_attacked():
    attacked = {name.split("/")[0] for name in CASES}
    attacked |= {f"{name.split('/')[0]}_partials" for name in CASES if "/" in name}
    assert attacked == set(functions.__all__) - OTHERS - set(ALIASES)
    for alias, name in ALIASES.items():
        assert getattr(functions, alias) is getattr(functions, name)


@pytest.mark.parametrize("name", CASES)
def test_the_ten_worst_inputs_are_within_the_bound(name):
    recorded = json.loads(adversary.WORST.read_text())[name]
    points = np.array([[float.fromhex(number) for number in point] for point in recorded])
    assert points.shape == (10, CASES[name].arguments)
    errors = CASES[name].errors(points)
    assert errors.max() <= CASES[name].bound, points[np.argmax(errors)]


#: Where the result, or the exponential in it, is below float64's normal numbers.
TAILS = {
    **dict.fromkeys(("gelu", "gelu_derivative", "normal_cdf", "normal_pdf"), (37.0, 38.9)),
    **dict.fromkeys(("gelu_tanh", "gelu_tanh_derivative"), (20.9, 21.6)),
    **dict.fromkeys(("quick_gelu", "quick_gelu_derivative"), (411.0, 443.0)),
    **dict.fromkeys(("silu", "silu_derivative", "silu_beta_derivative"), (699.0, 752.0)),
    **dict.fromkeys(("mish", "mish_derivative", "sigmoid_derivative"), (699.0, 752.0)),
    "tanh_derivative": (349.0, 374.0),
    "softcap_derivative": (10_470.0, 11_200.0),
}


@pytest.mark.parametrize("name", TAILS)
def test_a_tail_keeps_its_digits_to_the_last_number(name):
    case = CASES[name]
    points = -np.linspace(*TAILS[name], 60)
    assert case.errors(points[:, None]).max() <= case.bound


def attack(name: str, budget: int, dtype: type, seed: int) -> None:
    case = CASES[name]
    points, errors = adversary.search(case, budget, seed, dtype)
    for point, error in zip(points[:20], errors[:20], strict=True):
        assert error <= bound(case, dtype, point), f"{error:.4f} ulp at {point!r} (seed {seed})"


@pytest.mark.parametrize("name", CASES)
def test_a_short_search_breaks_no_bound(name):
    attack(name, FEW, np.float64, fresh_seed())


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.arguments == 1])
def test_a_short_search_breaks_no_float32_bound(name):
    attack(name, FEW, np.float32, fresh_seed())


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_a_long_search_breaks_no_bound(name):
    attack(name, 20_000, np.float64, fresh_seed())


def test_the_search_finds_what_a_grid_misses():
    """hardswish as x·(x + 3)/6 is within 1 ulp on a grid, and is not."""
    case = CASES["hardswish"]
    assert case.errors(np.linspace(-10.0, 10.0, 2_001)[:, None]).max() < 1.0
    assert 1.5 < adversary.search(case, 2_000)[1][0] <= case.bound
