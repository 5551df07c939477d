"""What the extension puts on the pages of chapters and exercises."""

from __future__ import annotations

import html
import json
import re
import zipfile
from pathlib import Path

import pytest

from bookbuild.ext import live_cells

ROOT = Path(__file__).resolve().parents[2]
HTML = ROOT / "_build" / "html"
needs_book = pytest.mark.skipif(not (HTML / "index.html").exists(), reason="make book first")
CHAPTERS = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))
EXERCISES = sorted(path.stem for path in (ROOT / "exercises").glob("*.ipynb"))


def page_of(folder: str, name: str) -> str:
    """The HTML of a page without the rules of its style."""
    text = (HTML / folder / f"{name}.html").read_text(encoding="utf-8")
    return re.sub(r"<style data-of.*?</style>", "", text, flags=re.DOTALL)


def cells_of(folder: str, name: str) -> dict[str, str]:
    """id -> source of the code cells of a notebook."""
    notebook = json.loads((ROOT / folder / f"{name}.ipynb").read_text(encoding="utf-8"))
    return {c["id"]: live_cells.text_of(c) for c in notebook["cells"] if c["cell_type"] == "code"}


def test_a_bar_says_what_it_does_and_for_which_cell():
    written = live_cells.bar_html(
        live_cells.live_bar(kind="run", cell="c1", number=3, cause="", question="")
    )
    assert 'aria-label="Run in the page: cell 3"' in written
    assert written.count('role="status"') == 2


def test_a_cell_that_cannot_run_says_why_and_what_to_do():
    bar = live_cells.live_bar(kind="cannot", cell="c1", number=3, cause="torch", question="")
    written = live_cells.bar_html(bar)
    assert "needs PyTorch" in written
    assert "make lab" in written
    assert "button" not in written


@needs_book
@pytest.mark.parametrize("name", CHAPTERS)
def test_every_cell_of_a_chapter_is_on_its_page_with_its_source(name):
    """The page's script reads the code from the page, so that it is there only once."""
    page = page_of("notebooks", name)
    for identifier, source in cells_of("notebooks", name).items():
        match = re.search(rf'id="cell-{identifier}".*?<pre>(.*?)</pre>', page, re.DOTALL)
        assert match, identifier
        shown = html.unescape(re.sub(r"<[^>]+>", "", match[1]))
        assert shown.removesuffix("\n") == source, identifier
    assert page.count("live-bar") + page.count('class="live-cannot"') >= 10


@needs_book
@pytest.mark.parametrize("name", EXERCISES)
def test_every_question_can_be_written_or_says_why_not(name):
    page = page_of("exercises", name)
    for identifier in cells_of("exercises", name):
        if identifier.startswith("answer-"):
            bar = page[page.index(f'id="cell-{identifier}"') :][:20000]
            bar = bar[: bar.index('class="cell ')]
            assert ("live-check" in bar) != ("live-cannot" in bar), identifier
    questions = page.count('data-live="answer"') + page.count("This question needs")
    assert len(re.findall(r"<details[^>]*live-hint", page)) == 3 * questions


@needs_book
def test_files_of_the_page_are_there_and_small():
    folder = HTML / "_static" / "live"
    with zipfile.ZipFile(folder / "actlab.zip") as archive:
        names = archive.namelist()
    assert "actlab/functions/__init__.py" in names
    assert "actlab/training.py" not in names
    assert (folder / "actlab.zip").stat().st_size < 250_000
    for name in EXERCISES:
        content = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        assert content["name"] == name


@needs_book
@pytest.mark.parametrize("folder", ["notebooks", "exercises"])
def test_nothing_of_pyodide_is_linked(folder):
    for name in CHAPTERS:
        page = page_of(folder, name)
        links = re.findall(r'(?:src|href)="([^"]+)"', page)
        assert not [link for link in links if "pyodide" in link]
        content = json.loads(re.search(r'id="live-page">(.*?)</script>', page)[1])
        assert content["pyodide"].endswith("/")


def test_pins_name_what_the_chapters_import():
    pins = json.loads(live_cells.PINS.read_text(encoding="utf-8"))
    assert set(pins["core"]) >= {"pyodide.js", "pyodide.asm.js", "pyodide.asm.wasm"}
    for entry in (*pins["core"].values(), *pins["lock"]["packages"].values()):
        assert re.fullmatch(r"[0-9a-f]{64}", entry["sha256"])
        assert entry["bytes"] > 0
    for entry in pins["lock"]["packages"].values():
        assert set(entry["depends"]) <= set(pins["lock"]["packages"])
    assert f"/v{pins['version']}/" in (ROOT / "_config.yml").read_text(encoding="utf-8")
