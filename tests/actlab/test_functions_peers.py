"""The functions against cases that their peers publish: PyTorch's own samples, SciPy's own tests.

Both are read from what is installed, and nothing of theirs is copied. Where a distribution leaves
them out, the tests skip and say so.
"""

from __future__ import annotations

import importlib
import inspect
import sys
import types
import unittest

import numpy as np
import pytest
import torch

from actlab.functions import get, log_sigmoid, log_softmax, sigmoid, softmax

#: PyTorch's name of an operator to ours, and its keywords and positions to our parameters.
OPERATORS = {
    "softmax": ("softmax", {}),
    "log_softmax": ("log_softmax", {}),
    "sigmoid": ("sigmoid", {}),
    "tanh": ("tanh", {}),
    "nn.functional.logsigmoid": ("log_sigmoid", {}),
    "nn.functional.softsign": ("softsign", {}),
    "nn.functional.softplus": ("softplus", {"beta": "beta"}),
    "nn.functional.relu": ("relu", {}),
    "nn.functional.relu6": ("relu6", {}),
    "nn.functional.leaky_relu": ("leaky_relu", {"negative_slope": "slope"}),
    "nn.functional.prelu": ("prelu", {"weight": "slope"}),
    "nn.functional.rrelu": ("rrelu", {"lower": "lower", "upper": "upper"}),
    "nn.functional.elu": ("elu", {"alpha": "alpha"}),
    "nn.functional.celu": ("celu", {"alpha": "alpha"}),
    "nn.functional.selu": ("selu", {}),
    "nn.functional.gelu": ("gelu", {}),
    "nn.functional.silu": ("silu", {}),
    "nn.functional.mish": ("mish", {}),
    "nn.functional.hardsigmoid": ("hard_sigmoid", {}),
    "nn.functional.hardtanh": ("hardtanh", {}),
    "nn.functional.hardswish": ("hardswish", {}),
    "nn.functional.glu": ("glu", {}),
}
DTYPES = (torch.float64, torch.float32, torch.float16)


@pytest.fixture(scope="module")
def samples():
    """PyTorch's operators by name."""
    name = "expecttest"
    if importlib.util.find_spec(name) is None:
        # Its test helpers import this package for one base class, which no sample needs.
        stand_in = types.ModuleType(name)
        stand_in.TestCase, stand_in.ACCEPT = unittest.TestCase, False
        sys.modules[name] = stand_in
    try:
        module = importlib.import_module("torch.testing._internal.common_methods_invocations")
    except ImportError as error:
        pytest.skip(f"this PyTorch does not ship its sample inputs: {error}")
    finally:
        if getattr(sys.modules.get(name), "__file__", None) is None:
            sys.modules.pop(name, None)
    found = {}
    for operator in module.op_db:
        found.setdefault(operator.name, operator)  # the first is the plain variant
    return found


def ours(name: str, sample, names: dict[str, str]):
    """Our result for a sample, or None where the two do not mean the same."""
    x = sample.input.detach().numpy()
    keywords, places = dict(sample.kwargs), list(sample.args)
    if keywords.pop("inplace", False):
        pass  # the same result, in another place
    if name in ("softmax", "log_softmax"):
        return get(name).forward(x, axis=places[0] if places else keywords["dim"])
    if name == "glu":
        first, second = np.split(x, 2, axis=places[0] if places else keywords.get("dim", -1))
        return get(name).forward(second, first)
    if name == "hardtanh" and (keywords.get("min_val", -1), keywords.get("max_val", 1)) != (-1, 1):
        return None  # ours has no other ends
    if name == "softplus" and "threshold" in keywords:
        return None  # returns x above it
    if name == "gelu" and keywords.pop("approximate", "none") == "tanh":
        return get("gelu_tanh").forward(x)
    if name == "rrelu" and keywords.pop("training", False):
        return None  # draws
    if name == "prelu":
        weight = (places[0] if places else keywords["weight"]).detach().numpy()
        if weight.size > 1:
            weight = weight.reshape(-1, *[1] * (x.ndim - 2))
        return get(name).forward(x, weight.reshape(()) if weight.size == 1 else weight)
    given = {names[key]: value for key, value in keywords.items() if key in names}
    return get(name).forward(x, **given)


@pytest.mark.parametrize("operator", OPERATORS)
def test_pytorchs_own_samples_agree(operator, samples):
    if operator not in samples:
        pytest.skip(f"this PyTorch has no samples of {operator}")
    info, (name, names) = samples[operator], OPERATORS[operator]
    compared = 0
    for dtype in DTYPES:
        if dtype not in info.dtypes:
            continue
        for sample in info.sample_inputs("cpu", dtype):
            got = ours(name, sample, names)
            if got is None:
                continue
            wanted = info.op(sample.input.clone(), *sample.args, **sample.kwargs)
            # A few units of their own rounding, and what their GELU loses in its left tail.
            near = {"rtol": 64 * torch.finfo(dtype).eps, "atol": 16 * torch.finfo(dtype).eps}
            assert got.dtype == wanted.detach().numpy().dtype
            np.testing.assert_allclose(got, wanted.detach().numpy(), **near)
            compared += 1
    if operator in ("nn.functional.softplus",):
        assert compared == 0, "softplus has samples without a threshold now: compare them"
    else:
        assert compared >= 3
    print(f"{operator}: {compared} samples agree")


# --- SciPy --------------------------------------------------------------------------------------


def whole(function):
    """Ours with SciPy's default, which is the whole array."""

    def call(x, axis=None):
        return function(x, tuple(range(np.ndim(x))) or -1 if axis is None else axis)

    return call


PATCHES = {
    "test_logit": {"expit": sigmoid, "log_expit": log_sigmoid},
    "test_logsumexp": {"softmax": whole(softmax), "log_softmax": whole(log_softmax)},
}
CLASSES = {
    "TestExpit": "test_logit",
    "TestLogExpit": "test_logit",
    "TestSoftmax": "test_logsumexp",
    "TestLogSoftmax": "test_logsumexp",
}
#: What ours refuses: long double, which has no float64 to be computed in.
REFUSED = {("TestExpit", "test_large")}


def parameters_of(method) -> list[dict]:
    """The keywords of each case of a method, as ``pytest.mark.parametrize`` gives them."""
    found = [{}]
    for mark in getattr(method, "pytestmark", []):
        if mark.name == "parametrize":
            names = [name.strip() for name in mark.args[0].split(",")]
            rows = [row if len(names) > 1 else (row,) for row in mark.args[1]]
            found = [{**one, **dict(zip(names, row, strict=True))} for one in found for row in rows]
    return found


@pytest.mark.parametrize("group", CLASSES)
def test_scipys_own_cases_agree(group, monkeypatch, request):
    for mark in ("xfail_xp_backends", "skip_xp_backends", "uses_xp_capabilities"):
        request.config.addinivalue_line("markers", f"{mark}: SciPy's own")
    try:
        module = importlib.import_module(f"scipy.special.tests.{CLASSES[group]}")
        array_api = importlib.import_module("scipy._lib._array_api")
    except ImportError as error:
        pytest.skip(f"this SciPy does not ship its tests: {error}")
    for name, function in PATCHES[CLASSES[group]].items():
        monkeypatch.setattr(module, name, function)
    agreed = 0
    methods = inspect.getmembers(getattr(module, group), inspect.isfunction)
    for name, method in methods:
        if not name.startswith("test"):
            continue
        for keywords in parameters_of(method):
            if "xp" in inspect.signature(method).parameters:
                keywords["xp"] = array_api.np_compat
            call = getattr(getattr(module, group)(), name)
            if (group, name) in REFUSED:
                with pytest.raises(TypeError, match="must hold float16"):
                    call(**keywords)
                continue
            call(**keywords)
            agreed += 1
    assert agreed >= 2
    print(f"{group}: {agreed} cases agree")
