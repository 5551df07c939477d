"""axe-core on every page: no violation that keeps somebody from reading."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from chosen import LONGEST

RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
}
SERIOUS = ("serious", "critical")
# A chapter has thousands of coloured words, hundreds of formulas and alike rows, and axe-core takes
# seconds for them. What is kept: one word of each colour, and the first of what is repeated.
THIN_OUT = """
() => {
  const known = new Set();
  for (const word of document.querySelectorAll('pre span[class]')) {
    const kind = word.className + ' ' + !!word.closest('.cell_output');
    if (known.has(kind)) word.replaceWith(...word.childNodes);
    known.add(kind);
  }
  for (const block of document.querySelectorAll('pre')) block.normalize();
  [...document.querySelectorAll('.katex')].slice(3).forEach(formula => formula.replaceChildren());
  for (const body of document.querySelectorAll('tbody')) {
    [...body.rows].slice(8).forEach(row => row.remove());
  }
}
"""


@pytest.fixture(scope="module")
def axe() -> str:
    """The script of axe-core, which the package brings along."""
    package = pytest.importorskip(
        "axe_playwright_python.base", reason="axe-playwright-python is not installed"
    )
    return package.AXE_FILE_PATH.read_text(encoding="utf-8")


def violations(tab: Any, axe: str) -> list[str]:
    """What axe-core finds, one line each, from serious upwards."""
    tab.evaluate(THIN_OUT)
    tab.evaluate(axe)
    found = tab.evaluate("rules => axe.run(document, rules)", RULES)["violations"]
    return [
        f"{one['id']} ({one['impact']}): {one['nodes'][0]['html'][:120]}"
        for one in found
        if one["impact"] in SERIOUS
    ]


def test_no_page_has_a_serious_violation(reader: Any, axe: str, book_page: str) -> None:
    """In the light theme, as narrow as a phone."""
    reader.tab.emulate_media(color_scheme="light")
    reader.open(book_page)
    assert violations(reader.tab, axe) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_wide_pages_have_no_serious_violation(
    new_reader: Callable[..., Any], axe: str, scheme: str
) -> None:
    """With the menus of a wide page, in both themes: each kind of page once."""
    reader = new_reader(viewport={"width": 1280, "height": 900}, color_scheme=scheme)
    names = ("index.html", LONGEST, "book/property_table.html", "search.html")
    for name in names:
        reader.open(name)
        assert violations(reader.tab, axe) == [], name
