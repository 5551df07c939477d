"""The experiment behind chapter 13 runs, resumes, and writes what the chapter reads."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch

from actlab import experiment, functions

FOLDER = Path(__file__).resolve().parents[2] / "experiments"


def load():
    spec = importlib.util.spec_from_file_location("experiment_13_cpu", FOLDER / "13_cpu.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_quick_run_measures_every_part_and_is_not_repeated(tmp_path, monkeypatch):
    monkeypatch.delenv("ATEN_CPU_CAPABILITY", raising=False)
    for _ in range(2):  # the second run has nothing left to do
        load().main(["--quick", "--out", str(tmp_path)])
    found = experiment.load("13_cpu", tmp_path)
    assert found.about["complete"]
    assert len(found.about["sessions"]) <= 2
    assert found.levels("part") == list(load().PARTS)
    assert (found["value"] > 0).all()
    shares = found.where(part="block", elements=64)["value"]
    assert shares.sum() == pytest.approx(100, abs=0.1)
    assert len(found.where(part="lie").rows()) == 5


def test_other_instructions_are_added_to_the_same_record(tmp_path, monkeypatch):
    monkeypatch.delenv("ATEN_CPU_CAPABILITY", raising=False)
    load().main(["--quick", "--out", str(tmp_path)])
    for name, value in load().WITHOUT_AVX.items():
        monkeypatch.setenv(name, value)
    load().main(["--quick", "--out", str(tmp_path)])
    added = experiment.load("13_cpu", tmp_path).where(instructions="no AVX")
    assert set(added["part"]) == set(load().BY_INSTRUCTIONS)


def test_half_of_the_variables_is_an_error(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("ATEN_CPU_CAPABILITY", "default")
    with pytest.raises(SystemExit) as stopped:
        load().main(["--quick", "--out", str(tmp_path)])
    assert stopped.value.code == 2
    assert "set all of ATEN_CPU_CAPABILITY=default" in capsys.readouterr().err


def test_the_copy_is_the_unit(tmp_path, monkeypatch):
    monkeypatch.delenv("ATEN_CPU_CAPABILITY", raising=False)
    load().main(["--quick", "--out", str(tmp_path)])
    found = experiment.load("13_cpu", tmp_path).where(measure="copies", name="copy")
    assert set(found["value"]) == {1.0}


def test_the_three_spellings_of_gelu_agree():
    module = load()
    x = np.linspace(-6, 6, 1001, dtype=np.float32)
    y, z = np.empty_like(x), np.empty_like(x)
    module.gelu_in_place(x, y, z)
    exact = functions.gelu_tanh(x.astype(np.float64))
    for found in (module.gelu_power(x), module.gelu_product(x), y):
        assert np.abs(found - exact).max() < 2e-6


def test_the_parts_of_a_block_have_the_shapes_of_a_block():
    parts = load().block_parts(64, torch.relu, tokens=16)
    assert parts["activation"]().shape == (16, 256)
    assert [tuple(t.shape) for t in parts["inner matrices"]()] == [(16, 256), (16, 64)]
