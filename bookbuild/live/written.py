"""What a page of the built book offers to run, read from its HTML: for benchmarks and tests."""

from __future__ import annotations

import re
from dataclasses import dataclass

# How often a cell has come to its end; a short run is over before a poll sees that it began.
COUNT_ENDS = """name => {
  const ends = (window.cellEnds ??= {});
  if (!(name in ends)) {
    const cell = document.getElementById(`cell-${name}`);
    const ended = () => { if (cell.getAttribute("aria-busy") === "false") ends[name] += 1; };
    new MutationObserver(ended).observe(cell, { attributeFilter: ["aria-busy"] });
    ends[name] = 0;
  }
  return ends[name];
}"""
_CELL = re.compile(r'(?=<div class="cell )')
_BAR = re.compile(r'data-live="run" data-cell="([^"]+)"[^>]*data-packages="([^"]*)"')


@dataclass(frozen=True)
class Offered:
    """A cell with a button.

    Attributes:
        cell: its id.
        packages: of those that Pyodide brings, the ones that running it loads.
        prints: whether its stored output is text, and nothing else.
        draws: whether its stored output is a picture.
    """

    cell: str
    packages: frozenset[str]
    prints: bool
    draws: bool


def offered(page: str) -> list[Offered]:
    """The cells of a page, in order, that run in it."""
    found = []
    for part in _CELL.split(page):
        bar = _BAR.search(part)
        if bar is not None:
            drawn = "<img" in part
            printed = "cell_output" in part and not drawn
            found.append(Offered(bar[1], frozenset(bar[2].split()), printed, drawn))
    return found


def first_of_each(page: str) -> dict[str, str]:
    """The first cell that prints and loads NumPy alone, and the first that draws, by kind."""
    found: dict[str, str] = {}
    for one in offered(page):
        if one.prints and one.packages == {"numpy"}:
            found.setdefault("prints", one.cell)
        if one.draws and "matplotlib" in one.packages:
            found.setdefault("draws", one.cell)
    return found
