"""Code in fewer elements: what has the colour of plain text gets no element of its own.

Names, punctuation and blanks are two of three elements of a chapter, and both colour schemes of the
book draw them like the text around them. Signs such as ``=`` are a third of what is left; they need
no colour to be seen, and stand like text too. The parts of a string are one element, and kinds of
numbers and of keywords one kind, which the schemes do not tell apart.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TextIO

from pygments.formatters import HtmlFormatter
from pygments.token import (
    Keyword,
    Name,
    Number,
    Operator,
    Punctuation,
    String,
    Text,
    Whitespace,
    _TokenType,
)
from sphinx.highlighting import PygmentsBridge

if TYPE_CHECKING:
    from sphinx.application import Sphinx

PLAIN = (Name, Operator, Punctuation, Whitespace)
# Each kind with all that is in it.
KINDS = (String, Number, Keyword)


def drawn_as(kind: _TokenType) -> _TokenType:
    """The kind of token that ``kind`` is drawn like."""
    if kind in PLAIN:
        return Text
    if kind is Operator.Word:
        return Keyword
    return next((one for one in KINDS if kind in one), kind)


class PlainFormatter(HtmlFormatter):
    """The formatter of Pygments, for which some tokens are mere text."""

    def format_unencoded(
        self, tokensource: Iterable[tuple[_TokenType, str]], outfile: TextIO
    ) -> None:
        """Write the tokens as HTML."""
        drawn = ((drawn_as(kind), text) for kind, text in tokensource)
        super().format_unencoded(drawn, outfile)


def setup(app: Sphinx) -> dict[str, Any]:
    """Let Sphinx use the formatter for all code."""
    PygmentsBridge.html_formatter = PlainFormatter
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
