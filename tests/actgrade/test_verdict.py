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


def test_run_all_passes_over_what_is_not_written(released):
    """No traceback, and the cells behind it run."""
    notebook = nbformat.read(released / "90_sample.ipynb", as_version=4)
    client = NotebookClient(
        notebook, timeout=60, resources={"metadata": {"path": str(released)}}
    )  # an error would end it here
    client.execute()
    outputs = {c["id"]: c.outputs for c in notebook.cells if c.cell_type == "code"}
    for number in (1, 2, 3):
        said = outputs[f"check-q{number}-1"]
        assert [output.output_type for output in said] == ["stream"]
        assert said[0].text == f"q{number}: not written yet\n"


def test_an_unwritten_function_of_the_learners_own_still_shows_its_traceback(released):
    notebook = nbformat.read(released / "90_sample.ipynb", as_version=4)
    mine = nbformat.v4.new_code_cell("def todo():\n    raise NotImplementedError\ntodo()")
    notebook.cells.append(mine)
    run(notebook, released)
    assert [output.output_type for output in mine.outputs] == ["error"]
    assert "todo()" in "".join(mine.outputs[0].traceback)


def test_a_check_leaves_no_names_behind(released):
    notebook = nbformat.read(released / "90_sample.ipynb", as_version=4)
    cells = {cell["id"]: cell for cell in notebook.cells}
    before = nbformat.v4.new_code_cell("names = None; names = set(globals())")
    after = nbformat.v4.new_code_cell(
        "print(sorted(n for n in set(globals()) - names if n[0] != '_'))"
    )
    check = notebook.cells.index(cells["check-q1-1"])
    cells["check-q1-1"].source += "\n"
    notebook.cells[check:check] = [before]
    notebook.cells.insert(check + 2, after)
    run(notebook, released)
    assert after.outputs[0].text == "[]\n"
