"""The experiments behind chapter 12 run, resume, and write what the chapter reads."""

import importlib.util
from pathlib import Path

import pytest

from actlab import experiment

FOLDER = Path(__file__).resolve().parents[2] / "experiments"


@pytest.mark.parametrize(
    ("name", "key", "number"), [("12_hidden", "function", 4), ("12_posterior", "model", 2)]
)
def test_a_quick_run_is_whole_and_a_second_one_has_nothing_left_to_do(tmp_path, name, key, number):
    spec = importlib.util.spec_from_file_location(f"script_{name}", FOLDER / f"{name}.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    for _ in range(2):
        script.main(["--quick", "--out", str(tmp_path)])
    found = experiment.load(name, tmp_path)
    assert found.about["complete"]
    assert len(found.levels(key)) == number
    assert found.levels("steps") == [2, 4]
