"""What depends on the book's public addresses, in a book of two pages, with and without them."""

from __future__ import annotations

import io
import json
import tomllib
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import yaml
from sphinx.application import Sphinx
from sphinx.errors import ConfigError
from sphinx.util.docutils import docutils_namespace

from bookbuild.ext import addresses

ROOT = Path(__file__).resolve().parents[2]
EXTENSIONS = [f"bookbuild.ext.{name}" for name in ("addresses", "bookpages", "socialcards")]
REPOSITORY = "https://github.com/owner/name"
BASE = "https://example.org/course/"
INDEX = """# The book

What it is.

```{run-elsewhere}
```

```{other-forms}
```

```{toctree}
notebooks/01_first
```
"""
NOTEBOOK = {
    "cells": [
        {"cell_type": "markdown", "id": "a", "metadata": {}, "source": ["# A chapter & more\n"]},
        {"cell_type": "markdown", "id": "b", "metadata": {}, "source": ['It says "so".\n']},
    ],
    "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    "nbformat": 4,
    "nbformat_minor": 5,
}


def build(folder: Path) -> Path:
    """Build two pages with the book's theme and extensions; any warning is a failure."""
    source, out = folder / "source", folder / "out"
    (source / "notebooks").mkdir(parents=True)
    (source / "notebooks" / "01_first.ipynb").write_text(json.dumps(NOTEBOOK), encoding="utf-8")
    (source / "index.md").write_text(
        INDEX,
        encoding="utf-8",
    )
    warnings = io.StringIO()
    confoverrides = {
        "extensions": ["myst_nb", "sphinx_book_theme", *EXTENSIONS],
        "html_theme": "sphinx_book_theme",
        "html_title": "The book",
        "nb_execution_mode": "off",
    }
    places = (source, None, out, folder / "doctrees")
    with docutils_namespace():
        Sphinx(*places, "html", confoverrides, status=None, warning=warnings).build()
    assert warnings.getvalue() == ""
    return out


@pytest.fixture
def _no_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in addresses.FROM_ENVIRONMENT.values():
        monkeypatch.delenv(variable, raising=False)


@pytest.mark.usefixtures("_no_addresses")
def test_without_addresses_no_page_invents_one(tmp_path: Path) -> None:
    """No launch, edit or issue button, no canonical link, no picture; the download is there."""
    out = build(tmp_path)
    page = (out / "notebooks/01_first.html").read_text(encoding="utf-8")
    for absent in ("colab", "mybinder", "github.com/owner", 'rel="canonical"', "og:image"):
        assert absent not in page.lower(), absent
    assert 'property="og:title" content="A chapter &amp; more"' in page
    assert 'property="og:description" content="It says' in page
    assert "../_sources/notebooks/01_first.ipynb" in page
    assert "make epub" in (out / "index.html").read_text(encoding="utf-8")
    assert not (out / "sitemap.xml").exists()
    assert not (out / "_social").exists()


@pytest.mark.usefixtures("_no_addresses")
def test_with_addresses_every_link_leads_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment is enough, as in the workflow that publishes."""
    monkeypatch.setenv("BOOK_REPOSITORY", REPOSITORY + ".git")
    monkeypatch.setenv("BOOK_BRANCH", "trunk")
    monkeypatch.setenv("BOOK_DOWNLOADS", "downloads")
    monkeypatch.setenv("BOOK_URL", BASE.rstrip("/"))
    out = build(tmp_path)
    page = (out / "notebooks/01_first.html").read_text(encoding="utf-8")
    for link in (
        "https://colab.research.google.com/github/owner/name/blob/trunk/notebooks/01_first.ipynb",
        "https://mybinder.org/v2/gh/owner/name/trunk?urlpath=lab/tree/notebooks/01_first.ipynb",
        f"{REPOSITORY}/edit/trunk/notebooks/01_first.ipynb",
        f"{REPOSITORY}/issues/new",
        f'<link rel="canonical" href="{BASE}notebooks/01_first.html"',
        f'property="og:image" content="{BASE}_social/01_first.png"',
        f'property="og:url" content="{BASE}notebooks/01_first.html"',
    ):
        assert link in page, link
    start = (out / "index.html").read_text(encoding="utf-8")
    assert f"git clone --depth 1 {REPOSITORY}" in start
    assert 'href="downloads/the-book.epub"' in start
    assert f'href="{BASE}"' in (out / "404.html").read_text(encoding="utf-8")
    located = {element.text for element in ET.parse(out / "sitemap.xml").iter() if element.text}
    assert {f"{BASE}index.html", f"{BASE}notebooks/01_first.html"} <= located
    for card in ("book.png", "01_first.png"):
        header = (out / "_social" / card).read_bytes()[:24]
        assert header[:4] == b"\x89PNG"
        assert (int.from_bytes(header[16:20]), int.from_bytes(header[20:24])) == (1200, 630)


@pytest.mark.parametrize(
    "address", ["github.com/a/b", "https://example.org/a/b", "https://github.com/a"]
)
def test_a_wrong_repository_is_one_sentence(address: str) -> None:
    """A mistake in the setting stops the build and says what to write."""
    with pytest.raises(ConfigError, match=r"write https://github\.com/OWNER/NAME"):
        addresses.checked_repository(address)


def test_colab_is_offered_for_github_only() -> None:
    """Colab opens no other host; Binder does."""
    assert "colab_url" in addresses.theme_options(REPOSITORY, "main")["launch_buttons"]
    elsewhere = addresses.theme_options("https://gitlab.com/a/b", "main")["launch_buttons"]
    assert "colab_url" not in elsewhere
    assert "binderhub_url" in elsewhere


def test_the_downloads_of_the_built_book_are_the_notebooks_of_the_repository() -> None:
    """Byte for byte, without outputs that the build has added."""
    sources = ROOT / "_build" / "html" / "_sources"
    if not sources.is_dir():
        pytest.skip("no built book; `make book` builds one")
    downloads = sorted(sources.rglob("*.ipynb"))
    assert downloads
    for download in downloads:
        original = ROOT / download.relative_to(sources)
        assert download.read_bytes() == original.read_bytes(), original


def test_the_citation_file_agrees_with_the_package() -> None:
    """One version, one title."""
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    book = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    assert citation["version"] == project["version"]
    assert citation["title"] == book["title"]
    assert [author["name"] for author in citation["authors"]] == [book["author"]]
