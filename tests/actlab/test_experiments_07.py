"""The experiments behind chapter 07 run, resume, and write what the chapter reads."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from actlab import experiment

FOLDER = Path(__file__).resolve().parents[2] / "experiments"


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"experiment_{name}", FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["07_slopes", "07_rates", "07_gan"])
def test_a_quick_run_is_complete_and_resumes(name: str, tmp_path: Path) -> None:
    module = script(name)
    sizes = []
    for _ in range(2):  # the second run has nothing left to do
        module.main(["--quick", "--out", str(tmp_path)])
        found = experiment.load(name, tmp_path)
        assert found.about["complete"]
        sizes.append(found.size)
    assert sizes[0] == sizes[1] > 0
    for column in {"train", "test", "never", "bent", "good", "zero", "silent"} & set(found):
        assert ((found[column] >= 0) & (found[column] <= 100)).all()


def test_learned_slopes_are_recorded_unit_by_unit(tmp_path: Path) -> None:
    script("07_slopes").main(["--quick", "--out", str(tmp_path)])
    found = experiment.load("07_slopes", tmp_path).where(arm="channel", steps=6)
    for layer in ("slopes1", "slopes2"):
        ends = np.array([row.split() for row in found[layer]], float)
        assert ends.shape == (2, 100)
        assert (ends != 0.25).any()


def test_every_unit_of_the_long_run_is_there_once() -> None:
    units = [tuple(unit.values()) for unit in script("07_slopes").units(quick=False)]
    assert len(units) == len(set(units)) == 17
