"""``{portrait-steps} tanh``: the recurring network with a function, to be stepped through."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from bookbuild.pages import portraitpage

if TYPE_CHECKING:
    from sphinx.application import Sphinx


class PortraitSteps(SphinxDirective):
    """One portrait; its argument is the name of the function."""

    required_arguments = 1
    has_content = False

    def run(self) -> list[nodes.Node]:
        """Radio buttons, then the frames, of which the style sheet shows one."""
        name = self.arguments[0]
        try:
            drawn = portraitpage.frames(name, Path(self.env.doctreedir) / "portraits")
        except ValueError as error:
            raise self.error(str(error)) from None
        for path in portraitpage.sources():
            self.env.note_dependency(str(path))
        holder = nodes.container(classes=["portrait-steps", f"portrait-{name}", "cell_output"])
        holder += nodes.raw("", portraitpage.controls(name), format="html")
        frames = nodes.container(classes=["frames"])
        for _, path, text in drawn:
            uri = "/" + Path(os.path.relpath(path, self.env.srcdir)).as_posix()
            frames += nodes.image(uri=uri, alt=text)
        holder += frames
        return [holder]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("portrait-steps", PortraitSteps)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
