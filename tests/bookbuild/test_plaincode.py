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
from pygments.token import Text

from bookbuild.ext.plaincode import PLAIN, PlainFormatter

ROOT = Path(__file__).resolve().parents[2]
CODE = 'def relu(z):\n    """Half."""\n    return np.where(z > 0, z, 0.0)  # < & >\n'


def test_the_text_is_the_same_in_fewer_elements():
    plain = highlight(CODE, PythonLexer(), PlainFormatter())
    stock = highlight(CODE, PythonLexer(), HtmlFormatter())
    text = [html.unescape(re.sub(r"<[^>]+>", "", found)) for found in (plain, stock)]
    assert text[0] == text[1]
    assert plain.count("<span") < stock.count("<span") / 1.5
    for coloured in ('class="k">def<', 'class="nf">relu<', 'class="mf">0.0<', 'class="c1"># '):
        assert coloured in plain


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_loses_a_colour(theme):
    """Of the scheme that the configuration names."""
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    options = config["sphinx"]["config"]["html_theme_options"]
    style = get_style_by_name(options[f"pygments_{theme}_style"])
    for token in PLAIN:
        assert style.style_for_token(token) == style.style_for_token(Text)
