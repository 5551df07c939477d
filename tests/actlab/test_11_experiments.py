"""The experiments of chapter 11: a tiny run, and the reading of a configuration file."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import zipfile
from types import ModuleType

import pytest
import torch

from actlab import experiment

FOLDER = experiment.ROOT / "experiments"
CONFIGURATION = """# Copyright 2021 Somebody
# Copyright (c) 2023, Somebody else
class SmallVisionConfig:
    hidden_act: str = "quick_gelu"
    num_hidden_layers: int = 12


class SmallTextConfig:
    hidden_act: str = "silu"

    def __init__(self, num_layers=24, activation_function="relu", **rest):
        pass
"""
MODELING = "x = 1\ny = self.down(self.act_fn(self.gate_proj(x)) * self.up_proj(x))\n"


def module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"experiment_{name}", FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = found
    spec.loader.exec_module(found)
    return found


def test_a_family_has_one_main_row_and_it_is_the_text_part():
    rows = module("11_census").family("small", CONFIGURATION, MODELING)
    assert [row["value"] for row in rows] == ["quick_gelu", "silu", "relu"]
    assert [row["main"] for row in rows] == [0, 1, 0]
    assert {(row["year"], row["layers"], row["gated"]) for row in rows} == {(2023, 24, 2)}


def test_a_family_without_an_activation_says_none():
    (row,) = module("11_census").family("bare", "class A:\n    size: int = 3\n", "")
    assert (row["value"], row["main"], row["year"], row["gated"]) == ("none", 1, 0, 0)


def test_the_census_runs_on_a_wheel(tmp_path):
    wheel = tmp_path / "transformers-0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("transformers/models/small/configuration_small.py", CONFIGURATION)
        archive.writestr("transformers/models/small/modeling_small.py", MODELING)
    module("11_census").main([str(wheel), "--out", str(tmp_path)])
    record = experiment.load("11_census", tmp_path)
    assert record.where(main=1)["value"].tolist() == ["silu"]


@pytest.mark.parametrize(("name", "units"), [("relu", 160), ("swiglu", 160), ("bilinear", 89)])
def test_the_gates_have_the_parameters_they_say_and_logits_of_size_one(name, units):
    gates = module("11_gates")
    nets = gates.build(name, units, range(3))
    assert 3 * gates.parameters(name, units) == sum(p.numel() for p in nets.parameters())
    x = torch.randn(3, 4000, 40, generator=torch.Generator().manual_seed(0))
    assert nets(x).detach().std().item() == pytest.approx(1, abs=0.2)


def test_the_comparison_of_gates_runs(tmp_path):
    command = [sys.executable, FOLDER / "11_gates.py", "--quick", "--out", tmp_path]
    subprocess.run(command, check=True, cwd=experiment.ROOT, capture_output=True, timeout=300)
    record = experiment.load("11_gates", tmp_path)
    assert record.about["complete"]
    assert record.size >= 4
