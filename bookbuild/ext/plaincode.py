"""Code in fewer elements: what has the colour of plain text gets no element of its own.

Names, punctuation and blanks are two of three elements of a chapter, and both colour schemes of the
book draw them like the text around them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TextIO

from pygments.formatters import HtmlFormatter
from pygments.token import Name, Punctuation, Text, Whitespace, _TokenType
from sphinx.highlighting import PygmentsBridge

if TYPE_CHECKING:
    from sphinx.application import Sphinx

PLAIN = (Name, Punctuation, Whitespace)


class PlainFormatter(HtmlFormatter):
    """The formatter of Pygments, for which some tokens are mere text."""

    def format_unencoded(
        self, tokensource: Iterable[tuple[_TokenType, str]], outfile: TextIO
    ) -> None:
        """Write the tokens as HTML."""
        merged = ((Text if kind in PLAIN else kind, text) for kind, text in tokensource)
        super().format_unencoded(merged, outfile)


def setup(app: Sphinx) -> dict[str, Any]:
    """Let Sphinx use the formatter for all code."""
    PygmentsBridge.html_formatter = PlainFormatter
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
