"""The experiment of chapter 17: networks that start alike, and a quick run that makes a record."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from actlab import experiment, training

SCRIPT = Path(experiment.__file__).parents[1] / "experiments" / "17_choosing.py"


@pytest.fixture(scope="module")
def script():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    spec = importlib.util.spec_from_file_location("experiment_17_choosing", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    torch.set_num_threads(before)


@pytest.mark.slow
def test_a_quick_run_makes_a_record_and_a_second_run_adds_nothing(script, tmp_path):
    script.main(["--quick", "--out", str(tmp_path)])
    table = experiment.load("17_choosing", tmp_path)
    assert table.about["complete"]
    assert set(table["part"].tolist()) == {"map", "tune", "residual"}
    script.main(["--quick", "--out", str(tmp_path)])
    assert experiment.load("17_choosing", tmp_path).size == table.size


def test_a_batch_of_rates_trains_as_each_rate_alone_and_as_torch_does(script):
    rng = np.random.default_rng(0)
    points = torch.from_numpy(rng.normal(size=(2, 120, 40)).astype(np.float32))
    labels = torch.from_numpy(rng.integers(0, 10, (2, 120)))
    data = (points, labels, points, labels, points, labels)

    def scores(rates):
        shapes = script.shapes_of("dense", 12, 1.5)
        p = script.draw(shapes, len(rates), range(2))

        def apply(p, x):
            return script.forward("dense", p, torch.tanh, x)

        ((_, found, _),) = script.train(p, apply, data, rates, (25,))
        return found, p

    together, _ = scores((0.003, 0.01))
    alone, p = scores((0.01,))
    np.testing.assert_allclose(together[1], alone[0], atol=1.0)  # a point is 1.2 examples

    std = {40: 40**-0.5, 12: 1.5 * 12**-0.5}
    networks = training.build([40, 12, 12, 10], torch.tanh, [0, 1], std.get)
    training.fit(networks, points.numpy(), labels.numpy(), steps=25, lr=0.01, batch=script.BATCH)
    torch.testing.assert_close(networks.weights[1], p["middle"], rtol=0, atol=2e-4)


def test_every_task_keeps_the_size_of_its_signal(script):
    x = torch.randn(2, 400, 40, generator=torch.Generator().manual_seed(0))
    for task, inputs in (("dense", x), ("regression", x[..., :10])):
        f = script.FUNCTIONS["gelu"]
        shapes = script.shapes_of(task, 128, script.mean_square(f) ** -0.5)
        logits = script.forward(task, script.draw(shapes, 1, range(2)), f, inputs)
        assert 0.5 < float(logits.detach().square().mean()) < 2


def test_the_family_runs_from_gelu_to_relu(script):
    x = torch.linspace(-4, 4, 801, dtype=torch.float64)
    torch.testing.assert_close(script.family(1.0)(x), torch.nn.functional.gelu(x))
    assert float(abs(script.family(0.05)(x) - torch.relu(x)).max()) < 0.01
