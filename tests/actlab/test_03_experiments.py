"""The experiments of chapter 3 run, and their hand-made parts are right."""

import importlib.util
from pathlib import Path

import pytest
import torch

from actlab import experiment

FOLDER = Path(__file__).resolve().parents[2] / "experiments"


def module(name):
    spec = importlib.util.spec_from_file_location(f"experiment_{name}", FOLDER / f"{name}.py")
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


@pytest.mark.parametrize(("name", "rows"), [("03_centring", 24), ("03_memory", 24)])
def test_quick_run_writes_a_whole_record_once(name, rows, tmp_path):
    script = module(name)
    for _ in range(2):
        script.main(["--quick", "--out", str(tmp_path)])
    found = experiment.load(name, tmp_path)
    assert found.size == rows
    assert found.about["complete"]
    assert len(found.about["sessions"]) == 1


@pytest.mark.parametrize(("arm", "twin"), [("shifted", "centred"), ("raised", "tanh")])
def test_moved_biases_start_as_the_same_function(arm, twin):
    script = module("03_centring")
    x = torch.randn(20, 40, generator=torch.Generator().manual_seed(0))
    a, b = script.networks(arm, 2)(x), script.networks(twin, 2)(x)
    assert torch.allclose(a, b, atol=1e-5)
    assert not torch.allclose(a, script.networks("sigmoid", 2)(x), atol=1e-2)


@pytest.mark.parametrize("function", ["tanh", "relu"])
def test_gradients_by_hand_equal_autograd(function):
    script = module("03_memory")
    p = [part.double().requires_grad_() for part in script.parameters("orthogonal", 2, units=8)]
    x, target = script.sequences(5, torch.Generator().manual_seed(3), length=12)
    x = x.double()[:, None].expand(-1, 2, -1, -1)
    by_hand, loss = script.gradients(p, function, x, target.double().expand(2, -1, -1))
    loss.sum().backward()
    for hand, parameter in zip(by_hand, p, strict=True):
        assert torch.allclose(hand, parameter.grad, atol=1e-12)


def test_a_problem_marks_one_step_in_each_half():
    x, target = module("03_memory").sequences(30, torch.Generator().manual_seed(1), length=10)
    assert (x[:5, :, 1].sum(0) == 1).all()
    assert (x[5:, :, 1].sum(0) == 1).all()
    assert torch.allclose(target[:, 0], (x[..., 0] * x[..., 1]).sum(0))
