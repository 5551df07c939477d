"""What once went wrong on pages, and is looked after since."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from docutils import nodes
from docutils.utils import new_document

from actlab import claims
from bookbuild.ext import generated
from bookbuild.ext import live_cells as live

ROOT = Path(__file__).resolve().parents[2]
WEB = ROOT / "book" / "web"


def test_classes_of_the_styles_are_written_whole_where_they_are_set():
    """Rules whose classes nothing names are left out of pages (weight.py)."""
    files = [*WEB.glob("scripts/*.js"), *WEB.glob("live/*.js"), *WEB.glob("figures/*.js")]
    files += [Path(live.__file__), *Path(live.__file__).parent.glob("*.py")]
    files += (ROOT / "bookbuild").rglob("*.py")
    named = set().union(
        *(re.findall(r"[A-Za-z_][\w-]*", path.read_text(encoding="utf-8")) for path in files)
    )
    # Buttons are found by `live-` and a name, and have their whole class in the page.
    named |= {f"live-{name}" for name in ("run", "write", "check", "hint", "stop", "reset")}
    for sheet in ("css/live.css", "css/predict.css", "css/fitting.css"):
        css = re.sub(r"/\*.*?\*/", "", (WEB / sheet).read_text(encoding="utf-8"), flags=re.S)
        used = set(re.findall(r"\.((?:live|guess)-[\w-]+)", css))
        assert used <= named, sheet


def test_the_first_cell_that_cannot_run_speaks_for_its_section():
    document = new_document("page")
    top = nodes.section()
    document += top
    bars = {}
    for name in ("one", "two"):
        section, below = nodes.section(), nodes.section()
        top += section
        section += below
        for number, parent in enumerate((section, section, below)):
            bar = live.live_bar(kind="cannot", cell=f"{name}{number}", cause="torch", question="")
            parent += bar
            bars[name, number] = bar
        section += live.live_bar(kind="run", cell="r", number=1, question="", cause="")
    live.say_once(document)
    left = [bar["cell"] for bar in document.findall(live.live_bar) if bar["kind"] == "cannot"]
    assert left == ["one2", "two2"]
    said = live.bar_html(next(bar for bar in document.findall(live.live_bar)))
    assert "Not in the page: 3 cells of this section need PyTorch" in said
    assert "These cells need" in said


def test_the_ledger_opens_with_what_is_decided():
    rows = claims.load()
    decided = sum(row.decided for row in rows)
    buttons = generated._filter()
    assert f"{len(rows)} sentences, {decided} decided" in buttons
    assert re.findall(r'value="([^"]+)" checked', buttons) == ["decided"]


def test_the_bibliography_can_be_read():
    """Merging two lists of references once lost a brace, and no page could be built."""
    database = pytest.importorskip("pybtex.database")
    found = database.parse_file(str(ROOT / "book" / "references.bib"))
    assert len(found.entries) > 50
    assert all(entry.fields.get("year") for entry in found.entries.values())
