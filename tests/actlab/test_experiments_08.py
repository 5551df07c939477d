"""The experiments behind chapter 08 run, resume, and write what the chapter reads."""

import importlib.util
from pathlib import Path

from actlab import experiment

FOLDER = Path(__file__).resolve().parents[2] / "experiments"


def load(name):
    spec = importlib.util.spec_from_file_location(f"experiment_{name}", FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_quick_run_of_the_networks_measures_accuracy_and_moments(tmp_path):
    for _ in range(2):  # the second run has nothing left to do
        load("08_floor").main(["--quick", "--out", str(tmp_path)])
    found = experiment.load("08_floor", tmp_path)
    assert found.about["complete"]
    assert found.levels("function") == ["elu", "elu_centred"]
    assert found.grid("test", "function", "steps", "seed").shape == (2, 3, 2)
    assert (found["last_variance"] > 0).all()


def test_the_pairs_share_their_weights_at_the_start(tmp_path):
    load("08_floor").main(["--quick", "--out", str(tmp_path)])
    begin = experiment.load("08_floor", tmp_path).where(steps=0)
    plain, centred = begin.grid("first_mean", "function", "seed")
    assert abs(plain - centred - 0.160521).max() < 1e-4


def test_the_whole_grid_has_every_setting_once():
    settings = [tuple(unit.values()) for unit in load("08_floor").units(quick=False)]
    assert len(settings) == len(set(settings)) == 16


def test_a_quick_run_of_the_costs_compares_three_operations(tmp_path):
    load("08_cost").main(["--quick", "--out", str(tmp_path)])
    found = experiment.load("08_cost", tmp_path)
    assert found.levels("operation") == ["elu", "relu", "batch norm, relu"]
    assert (found["forward"] > 0).all()
