"""A book of two small chapters, built with the extensions that shape a chapter's page, in seconds.

Nothing is executed: the notebook carries its outputs, as the cache of a real build does.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bookbuild.forms.pdf import BROWSERS

ROOT = Path(__file__).resolve().parents[2]
CONF = """
extensions = ["myst_nb", *{extensions!r}]
nb_execution_mode = "off"
numfig = True
numfig_format = {{"figure": "Fig. %s", "table": "Table %s"}}
html_math_renderer = "katexmath"
html_theme = "basic"
html_static_path = [{web!r}]
html_sidebars = {{"**": ["relations.html"]}}
myst_enable_extensions = ["colon_fence", "dollarmath", "attrs_inline"]
"""
SVG = (
    '<svg data-variant="{variant}" data-figure="{name}" width="{width}pt" height="40pt" '
    'xmlns="http://www.w3.org/2000/svg"><path d="M0 0L9 9" style="stroke: #0b63b5"/></svg>'
)


def figure(name: str, caption: str = "", variants: tuple[str, ...] = ("wide", "narrow")) -> dict:
    """A code cell that has shown a figure as ``actlab.plotting.show`` does in a build."""
    sizes = {"wide": 90, "narrow": 30, "only": 60}
    outputs = [
        {
            "output_type": "display_data",
            "metadata": {"image/svg+xml": {"variant": variant}},
            "data": {
                "text/plain": "<Figure size 720x300>",
                "image/svg+xml": SVG.format(variant=variant, name=name, width=sizes[variant]),
            },
        }
        for variant in variants
    ]
    mystnb: dict[str, Any] = {"image": {"alt": f"what {name} shows"}}
    if caption:
        mystnb["figure"] = {"name": name, "caption": caption}
    return code(f"plotting.show({name!r})", outputs, mystnb=mystnb)


def code(source: str, outputs: list[dict] | None = None, **metadata: Any) -> dict:
    """A code cell."""
    return {
        "cell_type": "code",
        "execution_count": 1,
        "metadata": metadata,
        "source": source,
        "outputs": outputs or [],
    }


def text(source: str) -> dict:
    """A Markdown cell."""
    return {"cell_type": "markdown", "metadata": {}, "source": source}


def build(
    folder: Path, used: list[str], pages: dict[str, list[dict]], index: str = "# Start"
) -> str:
    """Build the book and return what Sphinx warned of; the pages lie in ``folder/html``.

    Args:
        folder: an empty folder.
        used: names of extensions besides those that every build here has.
        pages: name without suffix -> cells.
        index: the first page, to which the table of contents is added.
    """
    source = folder / "source"
    for name, cells in pages.items():
        path = source / f"{name}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        metadata = {
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
            "language_info": {"name": "python", "pygments_lexer": "ipython3"},
        }
        notebook = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
        for number, cell in enumerate(cells):
            cell["id"] = f"c{number}"
        path.write_text(json.dumps(notebook), encoding="utf-8")
    listed = "\n".join(pages)
    (source / "index.md").write_text(f"{index}\n\n```{{toctree}}\n{listed}\n```\n", "utf-8")
    extensions = [f"bookbuild.ext.{extension}" for extension in ("katexmath", "figures", *used)]
    conf = CONF.format(extensions=extensions, web=str(ROOT / "book" / "web"))
    (source / "conf.py").write_text(conf, "utf-8")
    arguments = ["-q", "-b", "html", str(source), str(folder / "html")]
    run = subprocess.run(
        [sys.executable, "-m", "sphinx", *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr
    return run.stderr


@contextmanager
def on_a_phone(page: Path) -> Iterator[tuple[Any, Any]]:
    """A browser, and a tab of a phone's width in it that shows a page; skips where none starts."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    chromium = next(filter(None, map(shutil.which, BROWSERS)), None)
    with api.sync_playwright() as tools:
        try:
            browser = tools.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        except api.Error:
            pytest.skip("no browser starts here")
        context = browser.new_context(viewport={"width": 390, "height": 844})
        mode = "document.documentElement.dataset.mode = 'light'"
        context.add_init_script(f"addEventListener('DOMContentLoaded', () => {{ {mode} }})")
        tab = context.new_page()
        tab.goto(page.as_uri())
        yield browser, tab
        browser.close()
