"""A figure in two arrangements, of which a reader sees, and a browser fetches, the one that fits.

While the book is built, ``actlab.plotting.show`` displays two SVG files, marked ``wide`` and
``narrow`` on their root elements. Here the two become one figure with one number, one caption and
one alternative text: ``<picture>`` with the narrow file for screens as narrow as a phone. On paper,
in the PDF and in an EPUB it is the wide one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from docutils import nodes
from myst_nb.core.render import MimeData
from myst_nb.sphinx_ import SphinxNbRenderer
from sphinx.transforms.post_transforms import SphinxPostTransform

if TYPE_CHECKING:
    from sphinx.application import Sphinx

SVG = "image/svg+xml"
MARK = re.compile(r'<svg\b[^>]*\bdata-variant="(wide|narrow)"')
CLASS = "narrow-variant"
PHONE = "screen and (max-width: 43rem)"
TAG = r'<img\b[^>]*\bsrc="[^"]*_images/[^"]+\.svg"[^>]*>'
IN_BOX = rf'(?:<span class="figure-box">)?({TAG})(?:</span>)?'
PAIR = re.compile(rf"{IN_BOX}\s*{IN_BOX.replace('<img', f'<img(?=[^>]*{CLASS})', 1)}")

_render = SphinxNbRenderer._render_nb_cell_code_outputs


def variant_of(output: Any) -> str | None:
    """``wide`` or ``narrow`` for one of a pair; None for any other output of a cell."""
    match = MARK.search("".join(output.get("data", {}).get(SVG, ""))[:20_000])
    return match and match[1]


def render_pairs(renderer: SphinxNbRenderer, token: Any, outputs: list[Any]) -> None:
    """Render the outputs of a cell, with each narrow figure beside its wide one."""
    kept: list[Any] = []
    pairs: list[tuple[Any, Any]] = []
    for output in outputs:
        if variant_of(output) == "narrow" and kept and variant_of(kept[-1]) == "wide":
            pairs.append((kept[-1], output))
        else:
            kept.append(output)
    _render(renderer, token, kept)
    for wide, narrow in pairs:
        (here,), (other,) = (_image(renderer, token, output) for output in (wide, narrow))
        other["classes"] = [*other["classes"], CLASS]
        for image in list(renderer.current_node.findall(nodes.image)):
            if image["uri"] == here["uri"]:
                renderer.add_line_and_source_path_r([other], token)
                image.parent.insert(image.parent.index(image) + 1, other)
                break


def _image(renderer: SphinxNbRenderer, token: Any, output: Any) -> list[Any]:
    return renderer.nb_renderer.render_image(
        MimeData(SVG, output["data"][SVG], cell_metadata=token.meta["metadata"], line=0)
    )


class WideOnly(SphinxPostTransform):
    """Forms that are no web page get the wide figure."""

    default_priority = 3

    def run(self, **options: Any) -> None:
        """Take the narrow ones out."""
        if self.app.builder.format == "html" and self.app.builder.name != "epub":
            return
        for image in list(self.document.findall(nodes.image)):
            if CLASS in image.get("classes", ()):
                image.parent.remove(image)


def picture(match: re.Match[str]) -> str:
    """The HTML of a pair; a span, because an image may stand in a paragraph."""
    wide, narrow = match[1], match[2]
    source = re.search(r'\bsrc="([^"]+)"', narrow)
    sizes = re.findall(r'\b(?:width|height)="[^"]+"', narrow)
    attributes = " ".join([f'media="{PHONE}"', f'srcset="{source[1]}"', *sizes])  # type: ignore[index]
    return f'<span class="figure-box"><picture><source {attributes}>{wide}</picture></span>'


def join_pairs(
    app: Sphinx, pagename: str, templatename: str, context: dict, doctree: nodes.document | None
) -> None:
    """Write pairs as pictures, after `figures` has written sizes into the tags."""
    if CLASS in context.get("body", ""):
        context["body"] = PAIR.sub(picture, context["body"])


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect the steps."""
    SphinxNbRenderer._render_nb_cell_code_outputs = render_pairs
    app.add_post_transform(WideOnly)
    app.connect("html-page-context", join_pairs, priority=600)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
