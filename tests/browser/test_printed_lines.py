"""Code and output on paper: whole where they fit, smaller where a table would break."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bookbuild.forms import pdf

LINES = """
() => {
  const output = document.querySelector('pre'), style = getComputedStyle(output);
  const padding = parseFloat(style.paddingTop) + parseFloat(style.paddingBottom);
  return [(output.clientHeight - padding) / parseFloat(style.lineHeight), style.fontSize];
}
"""


@pytest.mark.parametrize(
    ("length", "broken", "smaller"), [(60, False, False), (110, False, True), (200, True, False)]
)
def test_lines_of_output_shrink_while_they_can_be_read(
    page: Callable[..., Any], length: int, broken: bool, smaller: bool
) -> None:
    tab = page(viewport={"width": 642, "height": 950})
    row = " ".join(["1.00"] * (length // 5))
    style = pdf.STYLE.read_text(encoding="utf-8")
    tab.set_content(
        f'<style>{style}</style><div class="cell_output"><pre>{row}\n{row}\n</pre></div>'
    )
    tab.emulate_media(media="print")
    usual = tab.evaluate(LINES)[1]
    tab.evaluate(pdf.FIT)
    lines, size = tab.evaluate(LINES)
    assert (lines > 2.5) == broken
    assert (float(size[:-2]) < float(usual[:-2])) == smaller
