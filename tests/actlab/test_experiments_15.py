"""The experiments of chapter 15: a quick run makes a whole record of what the chapter reads."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from actlab import experiment

FOLDER = Path(experiment.__file__).parents[1] / "experiments"


def script(name):
    spec = importlib.util.spec_from_file_location(f"experiment_{name}", FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["15_seeds", "15_grid", "15_gan"])
def test_a_quick_run_makes_a_record_and_a_second_run_adds_nothing(name, tmp_path):
    module = script(name)
    module.main(["--quick", "--out", str(tmp_path)])
    table = experiment.load(name, tmp_path)
    assert table.about["complete"]
    assert table.size > 0
    module.main(["--quick", "--out", str(tmp_path)])
    assert experiment.load(name, tmp_path).size == table.size


def test_digits_share_a_test_set_and_nothing_is_trained_on_it():
    module = script("15_grid")
    parts = module.digits(range(2), False)
    train, test = parts["train"][0], parts["test"][0]
    assert train.shape == (2, 1000, 64)
    np.testing.assert_array_equal(test[0], test[1])
    # Two different images of digits can be equal; a share of them would be another matter.
    seen = (train[0][:, None] == test[0][None]).all(-1).any(0).mean()
    assert seen < 0.02


def test_the_best_setting_is_that_of_the_highest_validation_mean():
    module = script("15_grid")
    rows = [
        {"part": part, "task": task, "function": "relu", "rate": rate, "scale": "he", "accuracy": a}
        for part, task, rate, a in [
            ("tune", "digits", "0.01", "90"),
            ("tune", "digits", "0.01", "60"),
            ("tune", "digits", "0.03", "80"),
            ("compare", "digits", "0.1", "99"),
            ("tune", "cnn", "0.2", "99"),
        ]
    ]
    assert module.best(rows, "digits") == {"relu": ("0.03", "he")}


@pytest.mark.parametrize("name", ["convolutional", "recurrent"])
def test_the_batched_networks_are_the_ones_that_pytorch_makes(name):
    module = script("15_grid")
    networks = getattr(module, name)("tanh", 1.0, range(2))
    x = torch.randn(2, 5, 40 if name == "convolutional" else 64)
    found = networks(x)[1]
    with torch.no_grad():
        if name == "convolutional":
            hidden = x[1][:, None]  # (n, channels, length)
            for weight, bias in zip(networks.weights[:2], networks.biases[:2], strict=True):
                kernel = weight[1].T.unflatten(1, (-1, 5))
                hidden = torch.tanh(
                    torch.nn.functional.conv1d(hidden, kernel, bias[1, 0], stride=2)
                )
            expected = hidden.transpose(1, 2).flatten(1) @ networks.weights[2][1]
        else:
            cell = torch.nn.RNN(8, 32, batch_first=True, bias=False)
            cell.weight_ih_l0.copy_(networks.reads[1].T)
            cell.weight_hh_l0.copy_(networks.repeats[1].T)
            expected = cell(x[1].unflatten(1, (8, 8)))[0][:, -1] @ networks.weight[1]
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
