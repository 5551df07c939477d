"""``actlab release`` builds the same notebook every time, and leaves out what it must."""

from __future__ import annotations

import json

import grading_sample
import nbformat
import pytest

from actgrade.sidecar import SIDECAR_FOLDER
from actlab.cli import main


@pytest.fixture
def root(tmp_path):
    return grading_sample.write_course(tmp_path)


def release(root, *options) -> int:
    return main(["release", "--course", str(root), *options])


def exercise(root) -> nbformat.NotebookNode:
    return nbformat.read(root / "exercises" / "90_sample.ipynb", as_version=4)


def test_a_released_notebook_has_stubs_and_checks_and_no_secrets(root):
    assert release(root) == 0
    notebook = exercise(root)
    nbformat.validate(notebook)
    roles = [cell.metadata.get("actlab", {}).get("role") for cell in notebook.cells]
    rules = [None]  # what q2 does not allow
    q1, q2, q3 = (["prompt", *rules * (number == 2), "answer", "check"] for number in (1, 2, 3))
    assert roles == [None, "setup", *q1, *q2, *q3, "grade"]
    said = next(cell.source for cell in notebook.cells if cell["id"] == "rules-q2")
    assert said == "*Not allowed in this answer:* `numpy.maximum`."
    text = (root / "exercises" / "90_sample.ipynb").read_text()
    for secret in ("default_rng(SEED)", "np.where(x >= 0", "The sign is flipped", "np.where` cho"):
        assert secret not in text
    answer = next(cell for cell in notebook.cells if cell["id"] == "answer-q2")
    assert answer.source.endswith("    raise NotImplementedError")
    assert "slope * x elsewhere" in answer.source
    check = next(cell for cell in notebook.cells if cell["id"] == "check-q2-1")
    assert check.outputs[0].text == grading_sample.CHECK_OUTPUTS["q2"]
    assert not check.metadata["editable"]
    assert not check.metadata["deletable"]


def test_it_builds_the_same_bytes_whatever_the_ids_and_counts_of_the_source(root):
    release(root)
    path = root / "exercises" / "90_sample.ipynb"
    before = path.read_bytes()
    source = nbformat.read(root / "solutions" / "90_sample.ipynb", as_version=4)
    for number, cell in enumerate(source.cells):
        cell["id"] = f"other-{number}"
        if cell.cell_type == "code":
            cell.execution_count = 7
    nbformat.write(source, root / "solutions" / "90_sample.ipynb")
    assert release(root, "--check") == 0
    # JupyterLab writes what nbformat writes: opening and saving changes nothing.
    nbformat.write(nbformat.read(path, as_version=4), path)
    assert path.read_bytes() == before


def test_check_names_what_differs_and_writes_nothing(root, capsys):
    assert release(root, "--check") == 1
    said = capsys.readouterr().out
    assert "out of date: exercises/90_sample.ipynb" in said
    assert not list((root / "exercises").iterdir())
    release(root)
    assert release(root, "--check") == 0
    path = root / "exercises" / "90_sample.ipynb"
    path.write_text(path.read_text().replace("A leaky line", "A leaking line"))
    (root / "exercises" / "13_gone.ipynb").write_text("{}")
    capsys.readouterr()
    assert release(root, "--check") == 1
    said = capsys.readouterr().out
    assert "out of date: exercises/90_sample.ipynb" in said
    assert "13_gone.ipynb" in said
    assert SIDECAR_FOLDER not in said


def test_a_source_that_breaks_a_rule_is_named(root, capsys):
    path = root / "solutions" / "90_sample.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[3].source = "answer = 3"
    nbformat.write(notebook, path)
    assert release(root) == 2
    assert "question q1: line 1 of its answer stands outside a function" in capsys.readouterr().err


def test_an_unknown_chapter_is_bad_input(root, capsys):
    assert release(root, "91_sample") == 2
    assert "did you mean 90_sample" in capsys.readouterr().err


def test_the_sidecar_holds_the_visible_checks_only(root):
    release(root)
    content = json.loads((root / "exercises" / SIDECAR_FOLDER / "90_sample.json").read_text())
    assert [check["question"] for check in content["checks"]] == ["q1", "q2", "q3"]
    assert content["checks"][1]["expected"] == grading_sample.CHECK_OUTPUTS["q2"]
