"""In a released notebook, a check cell says at once whether its values agree."""

from __future__ import annotations

import grading_sample
import nbformat
import pytest
from nbclient import NotebookClient

from actgrade import verdict
from actlab.cli import main


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    root = grading_sample.write_course(tmp_path_factory.mktemp("course"))
    assert main(["release", "--course", str(root)]) == 0
    return root / "exercises"


def run(notebook, folder) -> dict[str, str]:
    """Run a notebook as JupyterLab does and return what each cell printed, by cell id."""
    client = NotebookClient(
        notebook, timeout=60, allow_errors=True, resources={"metadata": {"path": str(folder)}}
    )
    client.execute()
    return {
        cell["id"]: "".join(o.get("text", "") for o in cell.outputs if o.output_type == "stream")
        for cell in notebook.cells
        if cell.cell_type == "code"
    }


def test_the_notebook_tells_right_from_wrong_from_unwritten(released, tmp_path):
    notebook = nbformat.read(released / "90_sample.ipynb", as_version=4)
    cells = {cell["id"]: cell for cell in notebook.cells}
    cells["answer-q1"].source = grading_sample.SIGN
    cells["answer-q2"].source = "def leaky(x, slope=0.1):\n    return -np.where(x > 0, x, 0.1 * x)"
    said = run(notebook, released)
    assert said["check-q1-1"] == (
        "y: float (3,) [-1.0 0.0 1.0]\n"
        "q1: the values agree. For the points: actlab grade 90_sample (it uses inputs that are "
        "not in this notebook)\n"
    )
    assert "q2: not yet, y has the wrong sign" in said["check-q2-1"]
    assert said["check-q3-1"] == "q3: not written yet\n"
    assert said["setup-1"] == ""
    # Elsewhere, for example in solutions/ or under nbval, nothing is added.
    assert run(notebook, tmp_path)["check-q1-1"] == "y: float (3,) [-1.0 0.0 1.0]\n"


@pytest.fixture
def watcher(released):
    return verdict.CheckWatcher(released / ".checks")


class Cell:
    """What IPython tells about a cell, before and after."""

    error_before_exec = None
    error_in_exec = None

    def __init__(self, raw_cell):
        self.raw_cell = raw_cell


CHECK = grading_sample.QUESTIONS["q1"]["check"]


def test_a_changed_check_gets_no_verdict(watcher, capsys):
    watcher.before(Cell(CHECK + "  # mine"))
    watcher.after(Cell(""))
    assert capsys.readouterr().out == ""


def test_space_around_a_check_does_not_matter(watcher, capsys):
    watcher.before(Cell(f"\n{CHECK}  \n\n"))
    print(grading_sample.CHECK_OUTPUTS["q1"], end="")
    watcher.after(Cell(""))
    assert "q1: the values agree" in capsys.readouterr().out


def test_an_exception_is_named(watcher, capsys):
    cell = Cell(CHECK)
    watcher.before(cell)
    cell.error_in_exec = ZeroDivisionError("no")
    watcher.after(cell)
    assert capsys.readouterr().out == "q1: not yet, the check ends with ZeroDivisionError\n"


def test_a_damaged_file_costs_the_verdict_only(tmp_path, capsys):
    for number, text in enumerate(["{", "[]", '{"version": 99}', '{"version": 1, "checks": [3]}']):
        (tmp_path / f"{number}.json").write_text(text)
    watcher = verdict.CheckWatcher(tmp_path)
    watcher.before(Cell(CHECK))
    watcher.after(Cell(""))
    assert capsys.readouterr().out == ""


def test_output_of_the_next_cell_is_not_counted(watcher, capsys):
    watcher.before(Cell(CHECK))
    watcher.before(Cell("1 + 1"))  # the first one never ended
    print("free")
    watcher.after(Cell(""))
    assert capsys.readouterr().out == "free\n"
