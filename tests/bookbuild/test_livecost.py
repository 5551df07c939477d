"""What running costs: the record, and the sentences that are made of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bookbuild.live.written import first_of_each, offered
from bookbuild.pages import livecost

ROOT = Path(__file__).resolve().parents[2]
ROWS = [
    {"kind": kind, "when": when, "seconds": seconds, "megabytes": size, "over_bare": 1.0}
    for kind, when, seconds, size in (
        ("bare Pyodide", "cold", 3.21, 5.8),
        ("checks", "cold", 4.44, 9.0),
        ("checks", "again", 0.31, 0.0),
        ("checks", "warm", 12.3, 0.02),
    )
]
RECORD = {
    "created": "2026-11-29T01:02:03Z",
    "rows": ROWS,
    "rounds": 5,
    "load_averages": [0.4, None, 1.2],
    "browser": "Chromium 1",
    "pyodide": "0.27.7",
    "device": {"name": "A processor", "cores": 2},
}


def test_the_sentence_is_made_of_the_rows():
    assert livecost.sentence(RECORD) == (
        "The first check loads Python, 9 MB. With the files on the same machine that took 4.4 s; a "
        "line of 10 Mbit/s adds 7.2 s. Every further check took 0.3 s. At a later visit nothing is "
        "loaded, and the first check took 12 s."
    )
    busy = livecost.sentence(RECORD | {"load_averages": [5.0, 7.0]})
    assert "same machine, which was busy, that took 4.4 s" in busy
    said = livecost.details(RECORD)
    assert "Medians of 5 rounds on 2026-11-29" in said
    assert "load 0.4 to 1.2" in said
    assert "bare start of Pyodide took 3.2 s" in said
    with pytest.raises(KeyError, match="no row for draws, cold"):
        livecost.sentence(RECORD, "draws")


def test_the_record_is_complete_and_says_where_it_comes_from():
    record = livecost.load()
    for kind in ("prints", "draws", "checks"):
        for when in ("cold", "again", "warm"):
            row = livecost.row(record, kind, when)
            assert row["seconds_from"] <= row["seconds"] <= row["seconds_to"]
            assert row["over_bare"] > 0
    assert record["rounds"] >= 1
    assert record["device"]["name"]
    assert re.fullmatch(r"[0-9a-f]{40}", record["source"]["commit"])
    assert len(record["load_averages"]) == record["rounds"] + 1


def test_a_page_loads_no_more_than_the_issue_allows():
    """Bytes do not depend on the load of a machine: 15 MB where nothing is drawn."""
    record = livecost.load()
    for kind in ("prints", "checks"):
        assert livecost.row(record, kind, "cold")["megabytes"] < 15
        assert livecost.row(record, kind, "warm")["megabytes"] < 0.5


def test_how_to_use_says_what_the_record_says():
    text = (ROOT / "book" / "how_to_use.md").read_text(encoding="utf-8")
    printing, drawing = (
        livecost.megabytes(livecost.row(livecost.load(), kind, "cold")["megabytes"])
        for kind in ("prints", "draws")
    )
    assert f"Python is loaded ({printing}, and {drawing} where a cell draws" in text


def test_cells_that_run_are_read_from_a_page():
    def cell(name: str, packages: str, output: str, live: str = "run") -> str:
        return (
            f'<div class="cell docutils" id="cell-{name}"><div class="live-bar" '
            f'data-live="{live}" data-cell="{name}" data-number="1" data-question="" '
            f'data-packages="{packages}"></div>{output}</div>'
        )

    printed, drawn = '<div class="cell_output"><pre>1</pre></div>', '<div class="cell_output"><img>'
    page = (
        cell("a", "", printed)
        + cell("b", "numpy", "")
        + cell("c", "numpy", printed)
        + cell("d", "cycler matplotlib numpy", drawn)
        + cell("e", "numpy", printed, live="answer")
    )
    assert [one.cell for one in offered(page)] == ["a", "b", "c", "d"]
    assert first_of_each(page) == {"prints": "c", "draws": "d"}
    assert first_of_each("<p>nothing runs here</p>") == {}
