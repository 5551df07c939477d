"""Render every formula of the book while it is built, with KaTeX in Python's own process.

A reader's browser then needs no script and no network for mathematics: the page holds KaTeX's
HTML together with MathML for screen readers. KaTeX is JavaScript; it runs in the V8 engine of the
`mini-racer` wheel, so neither Node nor a download is needed.

A formula that KaTeX cannot read becomes a Sphinx warning with file and line (category
``katexmath``), so ``-W`` fails the build, and its source is shown in the page.

Configuration: ``katexmath_macros``, a mapping from macro to its definition, for all pages.
"""

from __future__ import annotations

import html
import json
import re
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.writers.html5 import HTML5Translator

KATEX = Path(__file__).parent / "vendor" / "katex.min.js"
ANNOTATION = re.compile(r"<annotation\b.*?</annotation>", re.DOTALL)
# A longer formula may break at its signs, which a phone needs.
LONGEST_UNBROKEN = 30

# renderToString with the errors as values: an exception would lose its type on the way to Python.
BRIDGE = """
function render(tex, display, output, macros) {
  try {
    return JSON.stringify({html: katex.renderToString(tex, {
      displayMode: display, output: output, macros: JSON.parse(macros),
      throwOnError: true, strict: "error"})});
  } catch (error) { return JSON.stringify({error: String(error.message)}); }
}
"""

logger = logging.getLogger(__name__)


class FormulaError(ValueError):
    """KaTeX cannot read the formula; the message says why and at which position."""


@lru_cache(maxsize=1)
def _engine() -> Any:
    """A V8 context with KaTeX loaded (0.2 s, once a build)."""
    from py_mini_racer import MiniRacer

    context = MiniRacer()
    context.eval(KATEX.read_text(encoding="utf-8"))
    context.eval(BRIDGE)
    return context


@lru_cache(maxsize=20_000)
def render(tex: str, display: bool = False, output: str = "htmlAndMathml", macros: str = "") -> str:
    """Turn a formula into HTML.

    Args:
        tex: LaTeX source without dollar signs.
        display: on a line of its own, or within text.
        output: ``htmlAndMathml`` for web pages, ``mathml`` for EPUB.
        macros: a JSON object that maps macro names to definitions.

    Returns:
        An HTML fragment.

    Raises:
        FormulaError: KaTeX does not understand ``tex``.
    """
    answer = json.loads(_engine().call("render", tex, display, output, macros or "{}"))
    if "error" in answer:
        # KaTeX underlines the place with combining characters, which terminals show badly.
        raise FormulaError(answer["error"].replace("\u0332", ""))
    # The source once more, which screen readers do not read and a copied sentence would contain.
    return ANNOTATION.sub("", answer["html"])


def align_lines(tex: str) -> str:
    """Give a formula of several lines the environment that Sphinx promises for it."""
    parts = [part.strip() for part in tex.split("\n\n") if part.strip()]
    several = len(parts) > 1 or (r"\\" in tex and r"\begin" not in tex)
    if not several:
        return tex.strip()
    return r"\begin{aligned}" + r"\\".join(parts) + r"\end{aligned}"


def _tex_of(node: nodes.math | nodes.math_block) -> tuple[str, bool]:
    display = isinstance(node, nodes.math_block)
    tex = node.astext()
    if display and not node.get("nowrap"):
        tex = align_lines(tex)
    return tex, display


def _html_of(translator: HTML5Translator, node: nodes.math | nodes.math_block) -> str:
    config = translator.builder.config
    output = "mathml" if translator.builder.name == "epub" else "htmlAndMathml"
    tex, display = _tex_of(node)
    try:
        return render(tex, display, output, json.dumps(config.katexmath_macros, sort_keys=True))
    except FormulaError:  # reported when the page was read
        return f"<code>{html.escape(tex)}</code>"


def visit_inline(translator: HTML5Translator, node: nodes.math) -> None:
    """Write a formula that stands within text."""
    start = translator.starttag(node, "span", "", CLASS="math notranslate")
    formula = start + _html_of(translator, node) + "</span>"
    if closing := node.get("closing"):
        formula = f'<span class="nobreak">{formula}{html.escape(closing)}</span>'
    translator.body.append(formula)
    raise nodes.SkipNode


def keep_closing_signs(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Hold a short formula and the comma after it together; browsers break a line between them."""
    if app.builder.format != "html":
        return
    for node in list(doctree.findall(nodes.math)):
        after = node.next_node(descend=False, siblings=True)
        if not isinstance(after, nodes.Text) or len(node.astext()) > LONGEST_UNBROKEN:
            continue
        if match := re.match(r"[,.;:!?)\]’”]+", after):
            node["closing"] = match[0]
            after.parent.replace(after, nodes.Text(after[match.end() :]))


def visit_block(translator: HTML5Translator, node: nodes.math_block) -> None:
    """Write a formula on a line of its own, with its number if it has one."""
    translator.body.append(translator.starttag(node, "div", "", CLASS="math notranslate"))
    if node.get("number"):
        number = get_node_equation_number(translator, node)
        translator.body.append(f'<span class="eqno">({number})')
        translator.add_permalink_ref(node, "Link to this equation")
        translator.body.append("</span>")
    translator.body.append(_html_of(translator, node) + "</div>\n")
    raise nodes.SkipNode


def check_formulas(app: Sphinx, doctree: nodes.document) -> None:
    """Warn about each formula that KaTeX cannot read, when its page is read."""
    if app.builder.format != "html":
        return
    macros = json.dumps(app.config.katexmath_macros, sort_keys=True)
    for node in doctree.findall(lambda n: isinstance(n, nodes.math | nodes.math_block)):
        tex, display = _tex_of(node)
        try:
            render(tex, display, "htmlAndMathml", macros)
        except FormulaError as error:
            # Read the page again next time, so that the next build does not hide the mistake.
            app.env.note_reread()
            logger.warning(
                "formula %r: %s",
                re.sub(r"\s+", " ", tex)[:60],
                error,
                location=node if node.line else node.parent,
                type="katexmath",
            )


def add_assets(
    app: Sphinx, pagename: str, templatename: str, context: dict, doctree: nodes.document | None
) -> None:
    """Link the style sheet on the pages that have formulas, only there."""
    if app.builder.format != "html" or doctree is None or app.builder.name == "epub":
        return
    if not any(doctree.findall(lambda n: isinstance(n, nodes.math | nodes.math_block))):
        return
    app.add_css_file("katex/katex.min.css")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the renderer with Sphinx as ``html_math_renderer = "katexmath"``."""
    app.add_config_value("katexmath_macros", {}, "env")
    app.add_html_math_renderer(
        "katexmath", inline_renderers=(visit_inline, None), block_renderers=(visit_block, None)
    )
    app.connect("doctree-read", check_formulas)
    app.connect("doctree-resolved", keep_closing_signs)
    app.connect("html-page-context", add_assets)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
