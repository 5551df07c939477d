"""Chapters run side by side before the pages are read, and Jupyter Book finds their outputs."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from jupyter_cache import get_cache
from nbformat.v4 import new_code_cell, new_notebook

from bookbuild.ext import ahead
from bookbuild.ext.freshness import with_digest

KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}


@pytest.fixture
def book(tmp_path):
    """An app whose book has three chapters, of which one fails, and a page of prose."""
    (tmp_path / "notebooks").mkdir()
    for name, code in (("01_a", "print(6 * 7)"), ("02_b", "print('b')"), ("03_c", "1 / 0")):
        made = new_notebook(cells=[new_code_cell(code)], metadata={"kernelspec": KERNEL})
        nbformat.write(made, tmp_path / "notebooks" / f"{name}.ipynb")
    settings = SimpleNamespace(
        execution_mode="cache",
        execution_cache_path=str(tmp_path / "cache"),
        execution_timeout=60,
    )
    return SimpleNamespace(srcdir=str(tmp_path), env=SimpleNamespace(mystnb_config=settings))


DOCNAMES = ["index", "notebooks/01_a", "notebooks/02_b", "notebooks/03_c"]


def test_outputs_are_found_under_the_key_that_jupyter_book_looks_for(book):
    ahead.run_ahead(book, book.env, DOCNAMES)
    cache = get_cache(book.env.mystnb_config.execution_cache_path)
    said = []
    for docname in DOCNAMES[1:3]:
        path = Path(book.srcdir) / f"{docname}.ipynb"
        text, _ = with_digest(Path(book.srcdir), docname, path.read_text())
        _, merged = cache.merge_match_into_notebook(nbformat.reads(text, as_version=4))
        said.append(merged.cells[0].outputs[0].text)
    assert said == ["42\n", "b\n"]
    # The one that failed is left to Jupyter Book.
    assert list(ahead.missing(book, DOCNAMES, cache)) == ["notebooks/03_c"]


@pytest.mark.parametrize("docnames", [[], ["index"], ["notebooks/01_a"]])
def test_one_chapter_alone_is_left_to_jupyter_book(book, docnames, monkeypatch):
    monkeypatch.setattr(ahead, "ProcessPoolExecutor", lambda *_, **__: pytest.fail("started"))
    ahead.run_ahead(book, book.env, docnames)
