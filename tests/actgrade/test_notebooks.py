"""``actlab execute``: what it stores, what it refuses, and that it loses nothing."""

from __future__ import annotations

import json
import os

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from actbase.errors import CommandError
from actgrade import notebooks
from actlab.cli import main

FIGURE = """\
import base64
from IPython.display import display
png = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
display({"image/png": png, "image/svg+xml": "<svg/>", "text/plain": "<Figure>"}, raw=True)
"""


def saved(path, *cells, **metadata):
    """A notebook of code cells, written to ``path``."""
    notebook = new_notebook(metadata=metadata)
    for number, cell in enumerate(cells):
        made = new_code_cell(cell) if isinstance(cell, str) else cell
        made["id"] = f"c{number}"
        notebook.cells.append(made)
    nbformat.write(notebook, path)
    return path


@pytest.fixture(autouse=True)
def quick_and_private(monkeypatch, tmp_path):
    """Kernels write their history and settings elsewhere, and the thread count is restored."""
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / ".ipython"))
    monkeypatch.setenv("OMP_NUM_THREADS", os.environ.get("OMP_NUM_THREADS", "1"))


# --- running --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """One notebook with all kinds of output, executed twice: (path, first bytes, second bytes)."""
    folder = tmp_path_factory.mktemp("executed")
    (folder / "beside.txt").write_text("found")
    path = saved(
        folder / "all.ipynb",
        new_markdown_cell("# Title"),
        "import sys\nprint('one')\nsys.stdout.flush()\nprint('two')",
        "print(open('beside.txt').read())\n6 * 7",
        FIGURE,
        "import sys\nprint('careful', file=sys.stderr)",
        widgets={"old": 1},
        actlab={"chapter": "all"},
    )
    texts = []
    for _ in range(2):
        assert main(["execute", str(path)]) == 0
        texts.append(path.read_bytes())
    return path, *texts


def test_executing_twice_writes_the_same_bytes(executed):
    _, first, second = executed
    assert first == second


def test_text_is_stored_and_images_are_not(executed):
    cells = json.loads(executed[1])["cells"]
    assert [c["cell_type"] for c in cells] == ["markdown"] + ["code"] * 4
    (stream,) = cells[1]["outputs"]
    assert "".join(stream["text"]) == "one\ntwo\n"
    printed, result = cells[2]["outputs"]
    assert "".join(printed["text"]) == "found\n"
    assert result["data"] == {"text/plain": ["42"]}
    (figure,) = cells[3]["outputs"]
    assert set(figure["data"]) == {"text/plain"}
    assert cells[4]["outputs"][0]["name"] == "stderr"


def test_counts_metadata_and_format_do_not_depend_on_the_machine(executed):
    content = json.loads(executed[1])
    assert [c["execution_count"] for c in content["cells"][1:]] == [1, 2, 3, 4]
    assert content["cells"][2]["outputs"][1]["execution_count"] == 2
    assert content["metadata"] == {
        "actlab": {"chapter": "all"},
        "kernelspec": notebooks.KERNELSPEC,
        "language_info": {"name": "python"},
    }
    assert (content["nbformat"], content["nbformat_minor"]) == (4, 5)
    assert all("execution" not in c["metadata"] for c in content["cells"])
    assert [c["id"] for c in content["cells"]] == ["c0", "c1", "c2", "c3", "c4"]


def test_check_of_a_current_notebook_says_yes_and_writes_nothing(executed, capsys):
    path, text, _ = executed
    before = path.stat().st_mtime_ns
    assert main(["execute", "--check", str(path)]) == 0
    assert capsys.readouterr().out == ""
    assert path.stat().st_mtime_ns == before
    assert path.read_bytes() == text


def test_check_names_the_notebook_that_differs_and_leaves_it(tmp_path, capsys):
    path = saved(tmp_path / "old.ipynb", "print('new')")
    before = path.read_bytes()
    assert main(["execute", "--check", str(path)]) == 1
    assert capsys.readouterr().out == f"stored outputs differ: {path}\n"
    assert path.read_bytes() == before


def test_the_file_keeps_its_mode_and_no_temporary_file_stays(tmp_path):
    path = saved(tmp_path / "mode.ipynb", "1")
    path.chmod(0o640)
    notebooks.write(notebooks.read(path), path)
    assert path.stat().st_mode & 0o777 == 0o640
    assert [p.name for p in tmp_path.iterdir() if p.is_file()] == ["mode.ipynb"]


# --- what goes wrong ------------------------------------------------------------------------------


def test_a_failing_cell_is_named_and_the_file_is_left_as_it_was(tmp_path, capsys):
    path = saved(
        tmp_path / "fails.ipynb", "x = 1", "raise ValueError('no such slope\\nat all')", "print(x)"
    )
    before = path.read_bytes()
    assert main(["execute", str(path)]) == 1
    error = capsys.readouterr().err
    assert error.endswith("fails.ipynb: code cell 2 failed: ValueError: no such slope\n")
    assert "\x1b" not in error
    assert path.read_bytes() == before


def test_a_cell_that_takes_too_long_is_stopped(tmp_path, capsys):
    path = saved(tmp_path / "slow.ipynb", "import time\ntime.sleep(60)")
    before = path.read_bytes()
    assert main(["execute", "--timeout", "1", str(path)]) == 1
    assert "slow.ipynb: a cell took longer than 1 s" in capsys.readouterr().err
    assert path.read_bytes() == before


def test_a_kernel_that_dies_is_reported(tmp_path, capsys):
    path = saved(tmp_path / "dies.ipynb", "import os\nos._exit(3)")
    before = path.read_bytes()
    assert main(["execute", str(path)]) == 1
    assert "dies.ipynb: the kernel died" in capsys.readouterr().err
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"{not json", "is not a readable notebook"),
        (b"", "is not a readable notebook"),
        (b"[]", "is not a readable notebook"),
        (b"\xff\xfe\x00", "is not a readable notebook"),
        (b'{"cells": 3, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}', "is not a readable"),
        (
            b'{"worksheets": [], "metadata": {}, "nbformat": 3, "nbformat_minor": 0}',
            "has notebook format 3; format 4 is needed",
        ),
    ],
    ids=["json", "empty", "list", "binary", "cells", "format-3"],
)
def test_what_is_no_notebook_is_refused_in_one_line(tmp_path, capsys, content, says):
    path = tmp_path / "broken.ipynb"
    path.write_bytes(content)
    assert main(["execute", str(path)]) == 2
    captured = capsys.readouterr()
    assert says in captured.err
    assert str(path) in captured.err
    assert len(captured.err.strip().splitlines()) == 1
    assert path.read_bytes() == content


def test_a_missing_file_and_a_folder_are_refused(tmp_path, capsys):
    assert main(["execute", str(tmp_path / "none.ipynb")]) == 2
    assert "no such notebook" in capsys.readouterr().err
    assert main(["execute", str(tmp_path)]) == 2
    assert str(tmp_path) in capsys.readouterr().err


# --- normalise, without a kernel ------------------------------------------------------------------


def test_normalise_joins_what_the_kernel_cut_and_leaves_its_argument_alone():
    cell = new_code_cell(
        "...", execution_count=7, metadata={"execution": {"iopub.status.idle": "2026"}, "tags": []}
    )
    cell.outputs = [
        new_output("stream", name="stdout", text="a"),
        new_output("stream", name="stdout", text="b\n"),
        new_output("stream", name="stderr", text="c"),
        new_output("stream", name="stdout", text="d"),
        new_output(
            "display_data",
            data={"image/png": "x", "application/pdf": "y", "text/plain": "z"},
            metadata={"image/png": {"width": 3}},
        ),
    ]
    notebook = new_notebook(cells=[cell])
    before = json.dumps(notebook)
    found = notebooks.normalise(notebook).cells[0]
    assert json.dumps(notebook) == before
    assert [(o.name, o.text) for o in found.outputs[:3]] == [
        ("stdout", "ab\n"),
        ("stderr", "c"),
        ("stdout", "d"),
    ]
    assert found.outputs[3].data == {"text/plain": "z"}
    assert found.outputs[3].metadata == {}
    assert (found.execution_count, found.metadata) == (1, {"tags": []})


def test_an_interrupted_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = saved(tmp_path / "kept.ipynb", "1")
    before = path.read_bytes()

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        notebooks.write(notebooks.read(path), path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir() if p.is_file()] == ["kept.ipynb"]


def test_read_raises_a_command_error_with_exit_code_two(tmp_path):
    with pytest.raises(CommandError, match="no such notebook") as caught:
        notebooks.read(tmp_path / "x.ipynb")
    assert caught.value.exit_code == 2
