"""Formulas are rendered in Python's own process, and a bad one is told apart from a good one."""

import re
from types import SimpleNamespace

import pytest
from docutils import nodes
from docutils.utils import new_document

from actlab.functions import CATALOGUE
from bookbuild.ext import katexmath
from bookbuild.paths import WEB


def test_inline_and_display_formulas_become_html_with_mathml():
    inline = katexmath.render(r"x\,\Phi(x)")
    assert inline.startswith('<span class="katex">')
    assert "<math" in inline
    assert katexmath.render("x^2", display=True).startswith('<span class="katex-display">')


def test_epub_gets_mathml_alone():
    assert "katex-html" not in katexmath.render("x^2", output="mathml")


def test_macros_come_from_the_configuration():
    assert "𝔼" in katexmath.render(r"\E x", macros='{"\\\\E": "\\\\mathbb{E}"}') or (
        "double-struck" in katexmath.render(r"\E x", macros='{"\\\\E": "\\\\mathbb{E}"}')
    )
    with pytest.raises(katexmath.FormulaError):
        katexmath.render(r"\E x")


@pytest.mark.parametrize("tex", [r"\frac{1}{", r"\nosuchmacro x", r"\begin{cases} x", "x_1_2"])
def test_a_bad_formula_is_an_error_that_says_where(tex):
    with pytest.raises(katexmath.FormulaError, match="KaTeX parse error"):
        katexmath.render(tex)


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_formula_of_the_catalogue_renders(name):
    html = katexmath.render(CATALOGUE[name].formula, display=True)
    assert "katex-error" not in html


def test_several_lines_are_aligned_and_single_ones_left_alone():
    assert katexmath.align_lines("x = 1") == "x = 1"
    assert katexmath.align_lines(r"x &= 1 \\ y &= 2").startswith(r"\begin{aligned}")
    assert katexmath.align_lines("a\n\nb") == r"\begin{aligned}a\\b\end{aligned}"
    given = r"\begin{cases} 1 \\ 2 \end{cases}"
    assert katexmath.align_lines(given) == given


@pytest.mark.parametrize(
    ("tex", "text", "closing", "rest"),
    [
        ("x", ", and", ",", " and"),
        ("x", "). Then", ").", " Then"),
        ("x", " and", None, " and"),
        ("x + " * 20, ", and", None, ", and"),
    ],
)
def test_a_short_formula_keeps_the_sign_after_it(tex, text, closing, rest):
    document = new_document("page")
    paragraph = nodes.paragraph("", "", nodes.math(tex, tex), nodes.Text(text))
    document += paragraph
    app = SimpleNamespace(builder=SimpleNamespace(format="html"))
    katexmath.keep_closing_signs(app, document, "page")
    assert paragraph[0].get("closing") == closing
    assert paragraph[1].astext() == rest


def test_the_style_sheet_names_fonts_that_are_there():
    root = WEB / "katex"
    css = (root / "katex.min.css").read_text(encoding="utf-8")
    fonts = re.findall(r"url\(([^)]+)\)", css)
    assert len(fonts) == 20
    assert all((root / font).exists() for font in fonts)


def test_script_and_style_sheet_are_of_one_release():
    script = katexmath.KATEX.read_text(encoding="utf-8")
    css = (WEB / "katex" / "katex.min.css").read_text()
    version = re.search(r'content:"(\d+\.\d+\.\d+)"', css)[1]
    assert f'"{version}"' in script
