"""Code in fewer elements: the same text, and every colour that differs from plain text."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest
import yaml
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer
from pygments.styles import get_style_by_name
from pygments.token import Operator, Text

from bookbuild.ext.plaincode import PLAIN, PlainFormatter, drawn_as

ROOT = Path(__file__).resolve().parents[2]
EVERYTHING = """
from a import b as c
@decorated
class A(B):
    '''Doc.'''
    def __init__(self, *x: int) -> None:
        self.x = f"a{x!r:>{3}}\\n" + r'raw' + b'by' 'two' % (0x1F, 0b1, 0o7, 1e3, 2j, 5)
        assert x is not None and not (x in y or True), ...
async def f(): return await g() if 1 != 2 else lambda: (yield)
try: raise ValueError(print, __name__)
except KeyError: nonlocal_ = 1  # why
"""
CODE = 'def relu(z):\n    """Half."""\n    return np.where(z > 0, z, 0.0)  # < & >\n'


def test_the_text_is_the_same_in_fewer_elements():
    plain = highlight(CODE, PythonLexer(), PlainFormatter())
    stock = highlight(CODE, PythonLexer(), HtmlFormatter())
    text = [html.unescape(re.sub(r"<[^>]+>", "", found)) for found in (plain, stock)]
    assert text[0] == text[1]
    assert plain.count("<span") < stock.count("<span") / 1.5
    for coloured in ('class="k">def<', 'class="nf">relu<', 'class="m">0.0<', 'class="c1"># '):
        assert coloured in plain


def test_a_string_is_one_element():
    plain = highlight("f'a\\n' in b", PythonLexer(), PlainFormatter())
    assert """<span class="s">f'a\\n'</span> <span class="k">in</span> b""" in plain


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_loses_a_colour(theme):
    """Of the scheme that the configuration names."""
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    options = config["sphinx"]["config"]["html_theme_options"]
    style = get_style_by_name(options[f"pygments_{theme}_style"])
    kinds = {kind for kind, _ in PythonLexer().get_tokens(EVERYTHING)}
    assert len(kinds) > 20
    for kind in kinds - {Operator}:  # signs are seen without a colour
        assert style.style_for_token(drawn_as(kind)) == style.style_for_token(kind), kind
    for kind in set(PLAIN) - {Operator}:
        assert style.style_for_token(kind) == style.style_for_token(Text)
