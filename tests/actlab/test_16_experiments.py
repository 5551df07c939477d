"""The experiments behind chapter 16 run, resume, and write what the chapter reads."""

import importlib.util
import zipfile
from pathlib import Path

import pytest

from actlab import experiment, minilm

FOLDER = Path(__file__).resolve().parents[2] / "experiments"
needs_model = pytest.mark.skipif(minilm.missing() is not None, reason=str(minilm.missing()))


def script(name):
    spec = importlib.util.spec_from_file_location(f"script_{name}", FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_quick_run_is_whole_and_a_second_one_has_nothing_left_to_do(tmp_path):
    for _ in range(2):
        script("16_swap").main(["--quick", "--out", str(tmp_path)])
    found = experiment.load("16_swap", tmp_path)
    assert found.about["complete"]
    assert found.levels("arm") == ["identity", "relu", "gelu", "silu"]
    main = found.where(phase="main", arm="gelu")
    assert set(main["variant"]) == {"", "relu", "gelu_tanh", "int8"}
    assert main.levels("steps") == [2, 4]
    assert all(len(places.split()) == 600 for places in main["places"])


@needs_model
def test_the_encoder_is_swapped_on_one_side(tmp_path):
    script("16_encoder").main(["--quick", "--out", str(tmp_path)])
    found = experiment.load("16_encoder", tmp_path)
    assert found.about["complete"]
    assert found.levels("activation") == ["gelu", "gelu_tanh", "silu", "relu"]
    assert found["cosine"][0] == pytest.approx(1, abs=1e-4)
    assert found["cosine"][3] < 0.9


def test_names_are_read_from_a_wheel_without_running_it(tmp_path):
    wheel = tmp_path / "made.whl"
    with zipfile.ZipFile(wheel, "w") as file:
        file.writestr("fi/evals/__init__.py", "from .templates import *\nfrom .core import run\n")
        file.writestr("fi/evals/core.py", "def run(): pass\nraise SystemExit('was run')\n")
        file.writestr(
            "fi/evals/templates.py",
            "class Base:\n    def evaluate(self): pass\nclass GroundTruthMatch(Base): pass\n",
        )
        file.writestr("fi/evals/metrics.py", "class RecallAtK: pass\n")
    script("16_names").main([str(wheel), "--out", str(tmp_path)])
    rows = {row["name"]: row for row in experiment.load("16_names", tmp_path).rows()}
    found = {n: (r["module"], r["exported"], r["evaluate"]) for n, r in rows.items()}
    assert found == {
        "RegressionEval": ("-", 0, 0),
        "GroundTruthMatch": ("fi.evals.templates", 1, 1),
        "RecallAtK": ("fi.evals.metrics", 0, 0),
        "RecallScore": ("-", 0, 0),
    }
