"""What can be imported in a browser, found by looking."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys

import pytest

from bookbuild.live import pack
from bookbuild.live.browser import OURS, ROOT, Browser, name_of

PINS = json.loads((ROOT / "book/web/live/pyodide.json").read_text(encoding="utf-8"))
PACKAGES = {
    name: key for key, entry in PINS["lock"]["packages"].items() for name in entry["imports"]
}


@pytest.fixture(scope="module")
def browser() -> Browser:
    return Browser(PACKAGES)


@pytest.mark.parametrize(
    ("module", "cause"),
    [
        ("numpy.linalg", None),
        ("itertools", None),
        ("torch.nn.functional", "torch"),
        ("actlab.functions", None),
        ("actlab.functions.gelu", None),
        ("actlab.plotting", None),
        ("actlab.training", "torch"),
        ("actlab.training.build", "torch"),
        ("actlab.diagnostics", "torch"),
        ("actlab.bench", "actlab.bench"),
        ("mnist1d.data", "mnist1d"),
    ],
)
def test_causes(browser, module, cause):
    assert browser.cause(module) == cause


def test_packages_are_those_that_the_code_reaches(browser):
    assert browser.packages("import math") == set()
    assert browser.packages("from actlab import functions") == {"numpy"}
    assert {"numpy", "matplotlib"} <= browser.packages("from actlab import plotting")
    assert browser.packages("from scipy.special import erf") == {"scipy"}
    assert browser.packages("def broken(") == set()


def test_the_archive_imports_where_nothing_else_is(browser, tmp_path):
    """All of it, in a Python that refuses what the browser lacks: torch, pytest, nbformat, ..."""
    data = pack.archive(PACKAGES, browser, ["mnist1d.data"])
    assert data == pack.archive(PACKAGES, browser, ["mnist1d.data"]), "same bytes every time"
    (tmp_path / "actlab.zip").write_bytes(data)
    modules = [name_of(path) for path in pack.modules(browser)]
    assert {"actgrade.compare", "bookbuild.live.page", "actlab.plotting"} <= set(modules)
    known = pack.manifest(PACKAGES, browser, [])["missing"].values()
    refused = sorted({cause for cause in known if cause.partition(".")[0] not in OURS})
    assert {"torch", "pytest", "nbformat"} <= set(refused)
    code = f"""
import importlib, sys, zipfile
zipfile.ZipFile({str(tmp_path / "actlab.zip")!r}).extractall({str(tmp_path)!r})
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {refused!r}:
            raise ModuleNotFoundError(name, name=name)
sys.path.insert(0, {str(tmp_path)!r})
sys.meta_path.insert(0, Refuse())
for name in {modules!r}:
    importlib.import_module(name)
import actlab
assert actlab.__file__.startswith({str(tmp_path)!r}), actlab.__file__
from actlab import claims
from bookbuild.live.pack import read_manifest
assert claims.load() and read_manifest()["missing"]["actlab.training"] == "torch"
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]


def test_every_module_that_loads_torch_is_left_out(browser):
    names = [name_of(path) for path in pack.modules(browser)]
    assert "actlab.modules" not in names
    assert not [name for name in names if name.startswith(("actlab.kernels", "actlab.bench"))]
    # What is left out of the rooms is left out for a reason.
    assert browser.cause("actgrade.nodes") is not None
    assert (ROOT / "actgrade" / "nodes.py").exists()
    assert importlib.import_module("actgrade.compare")
