"""The experiment behind chapter 02 runs, resumes, and writes what the chapter reads."""

import importlib.util
from pathlib import Path

from actlab import experiment

SCRIPT = Path(__file__).resolve().parents[2] / "experiments" / "02_hidden.py"


def test_a_quick_run_writes_one_row_for_each_seed_and_number_of_steps(tmp_path):
    spec = importlib.util.spec_from_file_location("hidden_02", SCRIPT)
    hidden = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(hidden)
    for _ in range(2):  # the second run has nothing left to do
        hidden.main(["--quick", "--out", str(tmp_path)])
    found = experiment.load("02_hidden", tmp_path)
    assert found.about["complete"]
    assert found.levels("function") == ["sigmoid", "relu"]
    assert found.grid("test", "function", "steps", "seed").shape == (2, 3, 2)
    for part in ("train", "validation", "test"):
        assert ((found[part] >= 0) & (found[part] <= 100)).all()


def test_the_whole_grid_has_every_setting_once():
    spec = importlib.util.spec_from_file_location("hidden_02", SCRIPT)
    hidden = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(hidden)
    settings = [tuple(unit.values()) for unit in hidden.units(quick=False)]
    assert len(settings) == len(set(settings)) == 20 + 18
