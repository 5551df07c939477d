"""Every kernel against the float64 functions, in Triton's interpreter and on a GPU.

The checks are those of ``python -m actlab.kernels.selftest``.
"""

from __future__ import annotations

import os

import pytest

from actlab.functions import CATALOGUE
from actlab.kernels import selftest

NAMES = [
    *CATALOGUE,
    "bias_activation",
    "saving_output",
    "learned",
    "linear_leaky_relu2",
]


def fresh_seed() -> int:
    """New inputs in every run; a failure names the seed, and the self-test takes --seed."""
    return int.from_bytes(os.urandom(3))


def test_all_checks_are_run_here():
    assert set(selftest.checks()) == {*NAMES, "large"}


@pytest.mark.interpreted
@pytest.mark.parametrize("name", NAMES)
def test_interpreted(name):
    selftest.run_check(name, fresh_seed())


@pytest.mark.gpu
@pytest.mark.parametrize("name", [*NAMES, "large"])
def test_on_a_gpu(name):
    selftest.run_check(name, fresh_seed())


@pytest.mark.interpreted
@pytest.mark.parametrize("wrong", ["constant", "unwritten", "ulp"])
def test_the_checks_see_mistakes(wrong):
    """The bug of published kernels (a where 2a² belongs), an element left out, two ulps."""
    import numpy as np
    import torch

    from actlab.kernels import elementwise

    run = elementwise.run

    def wrong_constant(kernel, formula, tensors, p, q):
        # p is a²; half its root makes the derivative's constant 2p = a.
        backward = kernel is elementwise.backward_kernel
        run(kernel, formula, tensors, float(np.sqrt(p)) / 2 if backward else p, q)

    def first_unwritten(kernel, formula, tensors, p, q):
        run(kernel, formula, tuple(tensor.view(-1)[1:] for tensor in tensors), p, q)

    def two_ulps(kernel, formula, tensors, p, q):
        run(kernel, formula, tensors, p, q)
        if tensors[-1].element_size() == 2:
            tensors[-1].view(torch.int16).add_(2 * (tensors[-1] == 9))

    mistakes = {"constant": wrong_constant, "unwritten": first_unwritten, "ulp": two_ulps}
    elementwise.run = mistakes[wrong]
    try:
        with selftest.poisoned(), pytest.raises(selftest.Mismatch):
            selftest.check_exhaustively("leaky_relu2", {"slope": 0.3}, np.random.default_rng(0))
        if wrong == "constant":
            # Only at a = 0.5 are the two the same, which is how the bug lives on.
            selftest.check_exhaustively("leaky_relu2", {"slope": 0.5}, np.random.default_rng(0))
    finally:
        elementwise.run = run
