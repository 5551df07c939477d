"""The script that makes the GPU record, without a GPU: order, limits, resuming, and a rehearsal."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = next(p for p in Path(__file__).resolve().parents if (p / "benchmarks").is_dir())
SCRIPT = ROOT / "benchmarks" / "gpu.py"


@pytest.fixture(scope="module")
def gpu():
    specification = importlib.util.spec_from_file_location("gpu_script", SCRIPT)
    module = importlib.util.module_from_spec(specification)
    sys.modules["gpu_script"] = module
    specification.loader.exec_module(module)
    return module


class Clock:
    """A clock that only pretended steps move on."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def pretend(clock, costs, ran):
    """An executor whose steps take ``costs`` seconds, or all that is left."""

    def execute(step, out, left):
        ran.append(step.name)
        cost = costs.get(step.name, step.seconds)
        clock.now += min(cost, left)
        return [0 if cost <= left else None]

    return execute


def test_everything_but_the_least_valuable_fits_into_ten_minutes(gpu, tmp_path):
    clock, ran = Clock(), []
    gpu.run(gpu.steps(tmp_path, 16), tmp_path, 540, execute=pretend(clock, {}, ran), clock=clock)
    assert ran[:2] == ["prepare", "cuda"], "checks first, then the whole table"
    assert {"rows-32768", "rows-131072", "width-29568", "block"} <= set(ran)
    assert clock.now <= 540


def test_a_second_call_goes_on_where_the_first_stopped(gpu, tmp_path):
    steps = gpu.steps(tmp_path, 16)
    clock, first, second = Clock(), [], []
    slow = {"rows-32768": 1000.0}
    gpu.run(steps, tmp_path, 360, execute=pretend(clock, slow, first), clock=clock)
    assert first == ["prepare", "cuda", "rows-32768"]
    assert clock.now == 360, "the slow step was ended at the limit"
    clock.now = 0.0
    gpu.run(steps, tmp_path, 540, execute=pretend(clock, {}, second), clock=clock)
    assert second == [step.name for step in steps if step.name not in ("prepare", "cuda")]


def test_only_runs_a_finished_step_again(gpu, tmp_path):
    clock, ran = Clock(), []
    steps = gpu.steps(tmp_path, 4)
    for _ in range(2):
        gpu.run(steps, tmp_path, 540, ["block"], None, pretend(clock, {}, ran), clock)
    assert ran == ["block", "block"]


def test_every_check_of_the_self_test_runs_once(gpu, tmp_path):
    from actlab.kernels.selftest import checks

    prepare = gpu.steps(tmp_path, 16)[0]
    named = [
        name
        for command in prepare.commands
        if "actlab.kernels.selftest" in command
        for name in command[command.index("--exact") + 1 :]
    ]
    assert sorted(named) == sorted(checks())


def test_the_rehearsal_runs_each_kind_of_step(tmp_path):
    command = [sys.executable, str(SCRIPT), "--out", str(tmp_path / "out"), "--rehearse"]
    archive = tmp_path / "all.tgz"
    done = subprocess.run(
        [*command, "--archive", str(archive)], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((tmp_path / "out" / "steps.json").read_text())
    assert list(found) == ["prepare", "cuda", "block"]
    assert archive.stat().st_size > 1000
    block = json.loads((tmp_path / "out" / "block.json").read_text())
    assert {row["variant"] for row in block["rows"]} == {"none", "eager"}
    again = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert again.returncode == 0
    assert again.stdout == ""


def test_it_says_that_there_is_no_gpu(tmp_path):
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is one")
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--out", str(tmp_path)], capture_output=True, text=True
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
