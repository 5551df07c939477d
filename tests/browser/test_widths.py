"""Nothing is wider than its column: every page, as wide as a phone and as a small laptop."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

WIDER = """
async () => {
  await document.fonts.ready;
  await new Promise(done => setTimeout(done, 200));  // formulas are set to their width
  const article = document.querySelector('article');
  if (!article) return [];
  const edge = article.getBoundingClientRect().right + 1;
  const boxes = 'div.math, .cell_output pre, table, .pst-scrollable-table-container, img, figure';
  return [...article.querySelectorAll(boxes)]
    .filter(box => box.clientWidth && !box.matches('thead, .math.scrolls'))
    .filter(box => box.scrollWidth > box.clientWidth + 1
      || box.getBoundingClientRect().right > edge)
    .map(box => `${box.tagName} ${box.scrollWidth} > ${box.clientWidth}: `
      + box.textContent.trim().replace(/\\s+/g, ' ').slice(0, 60));
}
"""


@pytest.fixture(scope="module")
def laptop(reader: Any, browser: Any, site: str) -> Iterator[Any]:
    """A tab as wide as a small laptop."""
    opened = type(reader)(browser, site, viewport={"width": 1280, "height": 844})
    yield opened
    opened.context.close()


def test_nothing_is_wider_than_its_column_on_a_phone(reader: Any, book_page: str) -> None:
    """Formulas, outputs, tables, figures."""
    reader.open(book_page)
    assert reader.tab.evaluate(WIDER) == []


def test_nothing_is_clipped_on_a_laptop(laptop: Any, book_page: str) -> None:
    """Tables of bytes and of properties among them."""
    laptop.open(book_page)
    assert laptop.tab.evaluate(WIDER) == []


def test_a_phone_reads_type_of_ten_pixels_or_more(
    new_reader: Callable[..., Any], chapter: str
) -> None:
    """Outputs are made smaller, but not smaller than that."""
    reader = new_reader()
    reader.open(chapter)
    sizes = """() => [...document.querySelectorAll('article .cell_output pre')]
      .map(box => parseFloat(getComputedStyle(box).fontSize))"""
    assert min(reader.tab.evaluate(sizes)) >= 9.5
