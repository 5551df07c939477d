"""Show one figure in two arrangements: wide for a page, narrow for a phone.

The contract with the book's build: while ``ACTLAB_FIGURES=svg`` is set, :func:`show` displays two
outputs, each an ``image/svg+xml``: first the wide figure, then the narrow one. The root element of
each says which it is, and of what it is the twin::

    <svg data-variant="wide" data-figure="curves" …>
    <svg data-variant="narrow" data-figure="curves" …>

and the output's metadata say the same: ``{"image/svg+xml": {"variant": "narrow"}}`` (myst-nb drops
unknown metadata on its way to a page; what is in the file stays). A figure that was made without a
narrow arrangement is ``data-variant="only"``. :func:`variant_of` reads the mark back.
"""

from __future__ import annotations

import io
import itertools
import os
import re
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from actlab.style import STYLE

Draw = Callable[[Figure, bool], object]
Size = tuple[float, float]

WIDE, NARROW, ONLY = "wide", "narrow", "only"

_count = itertools.count(1)


def show(
    draw: Draw,
    wide: Size = (7.2, 3.0),
    narrow: Size | None = (3.6, 5.6),
    name: str | None = None,
) -> None:
    """Draw the same panels for a page and for a phone, and show what fits.

    In JupyterLab the wide figure is shown. While the book is built both are, marked so that the
    page shows the one that fits (the module's docstring says how). In a live cell of the page the
    one that fits is drawn. With ``ACTLAB_FIGURES_DIR`` set, ``NAME-wide.png`` and
    ``NAME-narrow.png`` are written there as well, so that an author can look at both; this works
    outside Jupyter, too.

    Args:
        draw: ``draw(figure, narrow)`` draws into an empty figure of the given size; ``narrow`` says
            which of the two. It is called once for each, so it must compute nothing at random.
            It may return anything.
        wide: width and height of the wide figure in inches.
        narrow: those of the narrow one; None where the wide figure needs no second arrangement.
        name: a word for the files; numbers are given otherwise.
    """
    name = name or f"figure-{next(_count):02}"
    folder = os.environ.get("ACTLAB_FIGURES_DIR")
    in_book = os.environ.get("ACTLAB_FIGURES") == "svg"
    sizes = {WIDE if narrow else ONLY: wide} | ({NARROW: narrow} if narrow else {})
    with _style(in_book=in_book):

        def drawn(variant: str, new: Callable[..., Figure] = Figure) -> Figure:
            figure = new(figsize=sizes[variant])
            if new is Figure:
                FigureCanvasAgg(figure)  # so that what is drawn can ask how wide a word is
            draw(figure, variant == NARROW)
            _settle(figure)
            return figure

        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            for variant in sizes:
                figure = drawn(variant)
                kind = WIDE if variant == ONLY else variant
                figure.savefig(Path(folder, f"{name}-{kind}.png"), dpi=200, facecolor="white")
        if not _in_kernel():
            if in_book:
                _leave_open(drawn, narrow is not None)
            return
        first = next(iter(sizes))
        for variant in sizes if in_book else [first]:
            _display(drawn(variant), variant, name, as_svg=in_book)


def svgs(draw: Draw, wide: Size, narrow: Size, name: str) -> dict[str, str]:
    """Both arrangements as SVG, for a page that is generated: ``wide`` and ``narrow``."""
    found = {}
    for variant, size in ((WIDE, wide), (NARROW, narrow)):
        with _style(in_book=True):
            figure = Figure(figsize=size)
            FigureCanvasAgg(figure)
            draw(figure, variant == NARROW)
            _settle(figure)
            found[variant] = svg_of(figure, variant, name)
    return found


def variant_of(svg: str) -> str | None:
    """``wide``, ``narrow`` or ``only`` for an SVG that :func:`show` made; None for another."""
    found = re.search(r'<svg\b[^>]*\bdata-variant="(wide|narrow|only)"', svg)
    return found[1] if found else None


def svg_of(figure: Figure, variant: str, name: str) -> str:
    """The figure as SVG with the mark on its root element; the same figure, the same text."""
    file = io.StringIO()
    figure.savefig(file, format="svg", facecolor="none", metadata={"Date": None})
    mark = f'<svg data-variant="{variant}" data-figure="{name}"'
    return re.sub(r"<svg\b", mark, file.getvalue(), count=1)


def _style(*, in_book: bool) -> AbstractContextManager[None]:
    return mpl.rc_context({**STYLE, "figure.facecolor": "none" if in_book else "white"})


def _settle(figure: Figure) -> None:
    """Where axes were placed by hand, an automatic layout would only warn."""
    if not any(ax.get_subplotspec() for ax in figure.axes):
        figure.set_layout_engine("none")


def _in_kernel() -> bool:
    if "IPython" not in sys.modules:
        return False
    from IPython import get_ipython

    return get_ipython() is not None


def _display(figure: Figure, variant: str, name: str, *, as_svg: bool) -> None:
    from IPython.display import display

    width, height = (round(100 * inches) for inches in figure.get_size_inches())
    data: dict[str, Any] = {"text/plain": f"<Figure size {width}x{height}>"}
    metadata: dict[str, Any] = {"variant": variant}
    if as_svg:
        kind, data["image/svg+xml"] = "image/svg+xml", svg_of(figure, variant, name)
    else:
        file = io.BytesIO()
        figure.savefig(file, format="png", dpi=200, metadata={"Software": None})
        kind, data["image/png"] = "image/png", file.getvalue()
        metadata |= {"width": width, "height": height}
    display(data, raw=True, metadata={kind: metadata})


def _leave_open(drawn: Callable[..., Figure], has_narrow: bool) -> None:
    """In a live cell of the page, which sends and closes the figures that pyplot has open."""
    import matplotlib.pyplot as plt

    narrow = has_narrow and os.environ.get("ACTLAB_FIGURES_VARIANT") == NARROW
    drawn(NARROW if narrow else WIDE if has_narrow else ONLY, plt.figure)
