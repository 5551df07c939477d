"""Imports point down: bookbuild over actgrade and actlab, which know nothing of each other."""

from __future__ import annotations

import ast
import importlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from actlab.cli import COMMANDS

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("actbase", "actgrade", "actlab", "bookbuild")


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    code = (
        "import sys; sys.path.insert(0, '.');"
        "from importlinter.cli import lint_imports_command; lint_imports_command()"
    )
    return subprocess.run(
        [sys.executable, "-c", code, "--no-cache"], cwd=folder, capture_output=True, text=True
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The packages and their contracts, elsewhere."""
    for name in PACKAGES:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_contracts_hold():
    done = lint(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("actgrade/trial.py", "import actlab.functions"),
        ("actlab/claims.py", "def f():\n    from actgrade import source"),
        ("actbase/files.py", "import actlab"),
        ("actgrade/learner/state.py", "import bookbuild.paths"),
        ("actgrade/source.py", "import actgrade.grade"),
    ],
)
def test_an_arrow_that_points_up_breaks_them(copy, module, line):
    with (copy / module).open("a", encoding="utf-8") as file:
        file.write(f"\n{line}\n")
    done = lint(copy)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "BROKEN" in done.stdout


def strings(path: Path) -> list[str]:
    """String constants of a module that are no docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs
    ]


@pytest.mark.parametrize(
    ("package", "others"),
    [
        ("actlab", ("actgrade.", "bookbuild.")),
        ("actgrade", ("actlab.", "bookbuild.")),
        ("actbase", ("actlab.", "actgrade.", "bookbuild.")),
    ],
)
def test_no_module_reaches_another_room_by_a_string(package, others):
    found = {
        (path.relative_to(ROOT).as_posix(), text)
        for path in (ROOT / package).rglob("*.py")
        for text in strings(path)
        if text.startswith(others)
    }
    assert {path for path, _ in found} <= {"actlab/cli.py"}, found


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_of_the_table_is_there(name):
    module = importlib.import_module(COMMANDS[name].module)
    assert callable(module.add_arguments)
    assert callable(module.run)
    assert module.__doc__


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_has_no_code_of_its_own_where_it_begins(package):
    """``__init__`` is loaded with every module, also in a browser and in the sandbox."""
    tree = ast.parse((ROOT / package / "__init__.py").read_text(encoding="utf-8"))
    plain = ast.Expr | ast.Assign | ast.ImportFrom
    assert all(isinstance(node, plain) for node in tree.body)
    imported = [node.module for node in tree.body if isinstance(node, ast.ImportFrom)]
    assert imported in ([], ["__future__"])
