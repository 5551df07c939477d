"""Pictures with the title and the catalogue's own curves: covers, and cards for shared links."""

from __future__ import annotations

import textwrap
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from actlab.functions import get
from actlab.plotting import GRID, INK, LINES, MUTED, STYLE, STYLES

CARD = (1200, 630)  # pixels; the shape that every service shows uncut
COVER = (1200, 1800)
CURVES = ("relu", "gelu", "tanh", "sigmoid", "elu")
ALT = "The curves of ReLU, GELU, tanh, sigmoid and ELU"


def _figure(size: tuple[int, int]) -> Figure:
    figure = Figure(figsize=(size[0] / 100, size[1] / 100), dpi=100, layout="none")
    FigureCanvasAgg(figure)
    figure.set_facecolor("white")
    return figure


def _draw_curves(axes: Axes, low: float, high: float) -> None:
    axes.set_axis_off()
    x = np.linspace(-4, 4, 401)
    axes.axhline(0, color=GRID, linewidth=2)
    axes.axvline(0, color=GRID, linewidth=2)
    for name, colour, style in zip(CURVES, LINES, STYLES, strict=True):
        axes.plot(x, get(name).forward(x), color=colour, linestyle=style, linewidth=4)
    axes.set(xlim=(-4, 4), ylim=(low, high))


def _save(figure: Figure, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, facecolor="white", metadata={"Software": None})


def draw_card(title: str, book: str, path: Path) -> None:
    """Draw what is shown beside a shared link.

    Args:
        title: the large words, wrapped to what fits.
        book: the small words above them; left out where they say the same.
        path: where the PNG of 1200 by 630 pixels goes.
    """
    with mpl.rc_context(STYLE):
        figure = _figure(CARD)
        _draw_curves(figure.add_axes((0.42, 0.0, 0.58, 1.0)), -1.6, 4.2)
        figure.text(
            0.055,
            0.48,
            textwrap.fill(title, 17),
            fontsize=50 if len(title) < 50 else 40,
            fontweight="bold",
            color=INK,
            va="center",
            linespacing=1.15,
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 6},
        )
        if book != title:
            figure.text(0.055, 0.88, book, fontsize=24, color=MUTED)
        _save(figure, path)


def draw_cover(title: str, author: str, path: Path) -> None:
    """Draw the cover of the EPUB, a PNG of 1200 by 1800 pixels."""
    with mpl.rc_context(STYLE):
        figure = _figure(COVER)
        _draw_curves(figure.add_axes((0.0, 0.12, 1.0, 0.5)), -1.6, 4.2)
        figure.text(
            0.08,
            0.9,
            textwrap.fill(title, 16),
            fontsize=72,
            fontweight="bold",
            color=INK,
            va="top",
            linespacing=1.15,
        )
        figure.text(0.08, 0.06, textwrap.fill(author, 40), fontsize=26, color=MUTED)
        _save(figure, path)
