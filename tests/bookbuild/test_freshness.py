"""A chapter runs again when what it imports changes, and only then."""

import json
import os
import shutil
from types import SimpleNamespace

import pytest

from bookbuild import sources
from bookbuild.ext import freshness


@pytest.fixture
def root(tmp_path):
    """A book with a package of three modules, a ledger and a record."""
    package = tmp_path / "actlab"
    (package / "bench").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "claims.py").write_text("x = 1")
    (package / "plotting.py").write_text("from actlab.style import look")
    (package / "style.py").write_text("look = 1")
    (package / "other.py").write_text("y = 1")
    (package / "bench" / "__init__.py").write_text("import actlab.style")
    (package / "bench" / "model.py").write_text("z = 1")
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "claims.csv").write_text("C1,04_relu,a\nC2,10_gelu,b\n")
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks" / "gpu.json").write_text("{}")
    return tmp_path


def digest(root, code, docname="notebooks/04_relu", metadata=None):
    cells = [{"cell_type": "code", "metadata": metadata or {}, "source": code}]
    notebook = {"cells": cells, "metadata": {"kernelspec": {"name": "python3"}}}
    noted = []
    env = SimpleNamespace(note_dependency=noted.append)
    source = [json.dumps(notebook)]
    freshness.add_digest(SimpleNamespace(srcdir=str(root), env=env), docname, source)
    return json.loads(source[0])["metadata"]["kernelspec"].get("inputs"), noted


def test_imports_are_found_in_all_spellings():
    code = "%matplotlib inline\nfrom actlab import claims, plotting\nimport actlab.bench as b\n"
    found = sources.imported_modules(code)
    assert {"actlab.claims", "actlab.plotting", "actlab.bench"} <= found
    assert sources.imported_modules("import numpy") == set()
    assert sources.imported_modules("def broken(:") == set()


def test_files_are_followed_through_imports(root):
    files = [path.name for path in sources.reachable_files(root, "from actlab import plotting")]
    assert files == ["plotting.py", "style.py"]


@pytest.mark.parametrize(
    ("code", "changed", "again"),
    [
        ("from actlab import plotting", "actlab/plotting.py", True),
        ("from actlab import plotting", "actlab/style.py", True),
        ("from actlab import plotting", "actlab/other.py", False),
        ("from actlab import bench", "actlab/bench/model.py", True),
        ("from actlab import bench", "benchmarks/gpu.json", True),
        ("from actlab import plotting", "benchmarks/gpu.json", False),
        ("x = 1", "actlab/style.py", False),
    ],
)
def test_what_makes_a_chapter_run_again(root, code, changed, again):
    before, _ = digest(root, code)
    path = root / changed
    path.write_text(path.read_text() + "\n# changed")
    after, _ = digest(root, code)
    assert (before != after) is again


def test_only_the_chapters_own_claims_count(root):
    before, noted = digest(root, "from actlab import claims")
    assert str(root / "book" / "claims.csv") in noted
    ledger = root / "book" / "claims.csv"
    ledger.write_text("C1,04_relu,a\nC2,10_gelu,changed\n")
    assert digest(root, "from actlab import claims")[0] == before
    ledger.write_text("C1,04_relu,changed\nC2,10_gelu,changed\n")
    assert digest(root, "from actlab import claims")[0] != before


def test_a_changed_alt_text_counts(root):
    old = digest(root, "x = 1", metadata={"mystnb": {"image": {"alt": "old"}}})
    assert digest(root, "x = 1", metadata={"mystnb": {"image": {"alt": "new"}}}) != old


def test_other_pages_are_left_alone(root):
    assert digest(root, "from actlab import plotting", docname="exercises/04_relu") == (None, [])


def test_a_changed_style_sheet_is_noticed(tmp_path):
    source, copied = tmp_path / "web", tmp_path / "_static"
    (source / "css").mkdir(parents=True)
    (source / "css" / "book.css").write_text("p{}")
    assert freshness.changed_files(source, copied)
    shutil.copytree(source, copied)
    assert not freshness.changed_files(source, copied)
    later = (copied / "css" / "book.css").stat().st_mtime + 5
    os.utime(source / "css" / "book.css", (later, later))
    assert freshness.changed_files(source, copied)
