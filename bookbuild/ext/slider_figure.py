"""``{slider-figure} name``: a figure with a slider, whose content is its alternative text.

The data are computed by `bookbuild.sliders` when Sphinx reads the page. The page gets a
drawing that is complete without a script; next to it, ``_static/figures/data/NAME.js`` holds the
curves for all positions of the slider, and ``figures/slider.js`` looks them up. Only pages with
such a figure load them. A missing alternative text is an error, so ``-W`` fails the build. With
``:name:`` and ``:caption:`` the figure gets a number, by which the text can refer to it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective

from bookbuild import sliders
from bookbuild.ext.webpart import BUILDERS
from bookbuild.sliders.draw import figure_html
from bookbuild.sources import reachable_files

if TYPE_CHECKING:
    from sphinx.application import Sphinx

SCRIPT = "figures/slider.js"
STYLE = "figures/slider.css"


class slider_figure(nodes.General, nodes.Element):
    """A figure: ``name``, ``alt``, its ``html``, and its data as a ``script``."""


class SliderFigure(SphinxDirective):
    """The directive; the page is read again when a module that the figure needs has changed."""

    required_arguments = 1
    has_content = True
    option_spec: ClassVar[dict[str, Any]] = {
        "name": directives.unchanged,
        "caption": directives.unchanged,
    }

    def run(self) -> list[nodes.Node]:
        """Compute the figure."""
        name = self.arguments[0]
        alt = " ".join(" ".join(self.content).split())
        if not alt:
            raise self.error(f"{name} has no alternative text: say in the block what is to be seen")
        try:
            module = sliders.module_of(name)
        except ValueError as error:
            raise self.error(str(error)) from None
        root = Path(self.env.srcdir)
        for path in reachable_files(root, f"import {module}, bookbuild.sliders.draw"):
            self.env.note_dependency(str(path))
        figure = sliders.figure(name)
        node = slider_figure(name=name, alt=alt, html=figure_html(figure, alt))
        node["script"] = data_script(figure.name, figure.packed())
        self.set_source_info(node)
        if "caption" not in self.options:
            return [node]
        words, messages = self.parse_inline(self.options["caption"])
        captioned = nodes.figure("", node, nodes.caption("", "", *words))
        self.set_source_info(captioned)
        self.add_name(captioned)
        return [captioned, *messages]


def data_script(name: str, packed: dict[str, Any]) -> str:
    """A script that hands the data over, whether slider.js has run already or not."""
    data = json.dumps(packed, separators=(",", ":"), ensure_ascii=False)
    return f"(self.actlabFigures=self.actlabFigures||[]).push([{json.dumps(name)},{data}]);\n"


def data_file(name: str) -> str:
    """Where the data of a figure lie below ``_static``."""
    return f"figures/data/{name}.js"


def visit_html(translator: Any, node: slider_figure) -> None:
    """Write the drawing into the page and the data beside it."""
    translator.body.append(node["html"])
    if translator.builder.name in BUILDERS:
        path = Path(translator.builder.outdir, "_static", data_file(node["name"]))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(node["script"], encoding="utf-8")
    raise nodes.SkipNode


def visit_text(translator: Any, node: slider_figure) -> None:
    """Say what is to be seen, where there are no drawings."""
    translator.visit_paragraph(node)
    translator.visit_Text(nodes.Text(node["alt"]))
    translator.depart_Text(node)
    translator.depart_paragraph(node)
    raise nodes.SkipNode


def add_files(
    app: Sphinx, pagename: str, templatename: str, context: dict, doctree: nodes.document | None
) -> None:
    """Load script, style and data on the pages that have a figure."""
    figures = list(doctree.findall(slider_figure)) if doctree else []
    if not figures or app.builder.name not in BUILDERS:
        return
    app.add_css_file(STYLE)
    app.add_js_file(SCRIPT, defer="defer")
    for figure in figures:
        # ``data-near``: the script asks for them when the figure comes near.
        name = figure["name"]
        app.add_js_file(data_file(name), defer="defer", **{"data-near": name})


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    text = (visit_text, None)
    app.add_node(
        slider_figure, html=(visit_html, None), latex=text, text=text, man=text, texinfo=text
    )
    app.add_directive("slider-figure", SliderFigure)
    app.connect("html-page-context", add_files)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
