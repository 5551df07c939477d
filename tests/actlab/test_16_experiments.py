"""The experiments behind chapter 16 run, resume, and write what the chapter reads."""

import importlib.util
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
