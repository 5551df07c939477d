"""The house rules that a person would otherwise have to remember."""

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from bookbuild.checks import form, layout

ROOT = Path(__file__).parent.parent
CHAPTERS = sorted((ROOT / "notebooks").glob("*.ipynb"))
NOTEBOOKS = CHAPTERS + sorted((ROOT / "solutions").glob("*.ipynb"))


def identifier(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=identifier)
def test_every_code_cell_was_run_and_no_image_is_stored(path):
    # nbval silently skips a code cell without an execution count.
    notebook = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    kinds = {kind for cell in code for output in cell.outputs for kind in output.get("data", {})}
    assert not {kind for kind in kinds if kind.startswith("image/")}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=identifier)
def test_no_stored_output_is_an_error_or_a_warning(path):
    for cell in nbformat.read(path, as_version=4).cells:
        for output in cell.get("outputs", []):
            assert output.output_type != "error", cell.source
            assert output.get("name") != "stderr", f"{cell.source}\n{output.text}"


@pytest.mark.parametrize("path", CHAPTERS, ids=identifier)
def test_code_cells_that_a_reader_sees_are_short(path):
    assert form.long_cells(layout.read(path)) == []


@pytest.mark.parametrize("path", CHAPTERS, ids=identifier)
def test_every_figure_has_alt_text(path):
    for cell in nbformat.read(path, as_version=4).cells:
        text = "".join(o.get("data", {}).get("text/plain", "") for o in cell.get("outputs", []))
        if "<Figure size" in text:
            alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
            assert len(alt.split()) >= 8, f"this figure needs alt text:\n{cell.source}"


@pytest.mark.parametrize("module", ["actlab", "actlab.functions", "actlab.cli"])
def test_importing_loads_neither_torch_nor_matplotlib(module):
    heavy = "{'torch', 'matplotlib', 'scipy', 'pytest', 'IPython', 'triton'} & set(sys.modules)"
    code = f"import {module}, sys; print(sorted({heavy}))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("arguments", "exit_code", "says"),
    [
        (["--version"], 0, "actlab "),
        (["--help"], 0, "grade"),
        ([], 0, "Next: "),
        (["frobnicate"], 2, "invalid choice: 'frobnicate'"),
        (["execute", "--help"], 0, "Example: actlab execute"),
        (["execute", "nowhere.ipynb"], 2, "no such notebook: nowhere.ipynb"),
    ],
)
def test_the_command_line(arguments, exit_code, says):
    run = subprocess.run(
        [sys.executable, "-m", "actlab", *arguments], capture_output=True, text=True, timeout=60
    )
    assert run.returncode == exit_code
    assert says in run.stdout + run.stderr
    assert "Traceback" not in run.stderr


def test_requirements_are_pinned_and_covered_by_the_constraints():
    constraints = (ROOT / "constraints.txt").read_text().lower().replace("_", "-")
    for line in (ROOT / "requirements.txt").read_text().splitlines():
        name, _, version = line.split(";")[0].strip().partition("==")
        if line and not line.startswith(("#", "-")):
            assert version, f"{line!r} is not pinned"
            assert f"\n{name.lower()}=={version}\n" in constraints
