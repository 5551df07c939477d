"""One look for all figures of the course.

Colours come in pairs, one for a light page and one for a dark page. A notebook draws with the
first; the book's build adds the second to each SVG, so that one file follows the reader's theme.
Every curve also differs in line style or marker, so no figure depends on colour alone. The colours
themselves, and the identity of each function, are in `actlab.palette`.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.text import Text

from actlab.palette import PALETTE, THEMES, Identity, identities, identity, ramp_colours
from actlab.showing import show
from actlab.style import (  # noqa: F401  (a page takes its colours from here)
    BLUE,
    BROWN,
    CRIMSON,
    CYAN,
    GREEN,
    GREY,
    GRID,
    INDIGO,
    INK,
    LINES,
    MUTED,
    ORANGE,
    PAPER,
    PURPLE,
    SHADE_BLUE,
    SHADE_ORANGE,
    SLATE,
    STYLE,
    STYLES,
)

__all__ = [
    *(name.upper() for name in PALETTE),
    "LINES",
    "PALETTE",
    "PAPER",
    "STYLE",
    "STYLES",
    "THEMES",
    "Identity",
    "decision_map",
    "identities",
    "identity",
    "intervals",
    "label",
    "mark_zero",
    "pair",
    "ramp",
    "scatter_classes",
    "show",
    "use_style",
]


def use_style() -> None:
    """Give all later figures the look of the course; in a notebook, choose their format too.

    The book sets ``ACTLAB_FIGURES=svg`` while it runs the notebooks. Elsewhere figures are PNG on a
    white ground, which is legible whatever theme JupyterLab has.
    """
    mpl.rcParams.update(STYLE)
    in_book = os.environ.get("ACTLAB_FIGURES") == "svg"
    if not in_book:
        mpl.rcParams.update({"figure.facecolor": "white", "savefig.facecolor": "white"})
    try:
        from IPython import get_ipython
        from matplotlib_inline.backend_inline import set_matplotlib_formats
    except ImportError:
        return
    if get_ipython() is not None:
        if in_book:
            # Without a date, a figure that has not changed keeps its name in the built book.
            set_matplotlib_formats("svg", metadata={"Date": None})
        else:
            set_matplotlib_formats("retina")


def mark_zero(ax: Axes) -> None:
    """Draw the two axes through the origin, thin and behind the data."""
    ax.axhline(0, color=MUTED, linewidth=0.8, zorder=1, linestyle="-")
    ax.axvline(0, color=MUTED, linewidth=0.8, zorder=1, linestyle="-")


def label(ax: Axes, x: float, y: float, name: str, text: str | None = None, **kw: Any) -> Text:
    """Write a function's name at its line, in its colour, with a halo of the page around it.

    Args:
        ax: where to write.
        x: place in data coordinates (or another ``transform``).
        y: the same.
        name: as for :func:`identity`.
        text: what to write instead of the function's label.
        **kw: passed on to ``ax.text``; for example ``ha="right"`` or ``fontsize=10``.
    """
    who = identity(name)
    look = {
        "color": who.colour,
        "fontsize": 9,
        "fontweight": "bold",
        "va": "center",
        "path_effects": [withStroke(linewidth=2.5, foreground=PAPER)],
        "zorder": 6,
    }
    return ax.text(x, y, who.label if text is None else text, **{**look, **kw})


def ramp(name: str) -> ListedColormap:
    """Nine steps from the page through a function's colour to nearly black, for a heat map.

    The book's build knows the dark counterpart of each step and turns the ramp round with the
    theme, so "more" is always further from the page. That works for what SVG holds as shapes:
    ``contourf(..., levels=10 edges, cmap=ramp("tanh"))``, ``pcolormesh(..., cmap=ramp("tanh"),
    edgecolors="face", linewidth=0.3)``, or patches in ``ramp("tanh").colors[i]``. It does not for
    ``imshow`` and ``rasterized=True``, whose pixels are fixed; and a colour bar has to be drawn
    from patches, too.

    Args:
        name: as for :func:`identity`, or a hue of :data:`PALETTE` (``"ink"`` gives greys).

    Returns:
        a colour map of exactly nine colours, of which the sixth is the function's own.
    """
    hue = name if name in PALETTE else identity(name).hue
    return ListedColormap(list(ramp_colours(hue)), name=f"actlab-{hue}")


def _pieces(low: float, high: float, cuts: Sequence[float], points: int) -> list[np.ndarray]:
    """Sample ``[low, high]`` in one piece a smooth stretch, so that no line crosses a jump."""
    ends = [low, *sorted(cut for cut in cuts if low < cut < high), high]
    inside = 1e-9 * (high - low)  # a kink belongs to neither side
    return [
        np.linspace(a + inside, b - inside, max(2, round(points * (b - a) / (high - low))))
        for a, b in itertools.pairwise(ends)
    ]


def pair(
    curves: Mapping[str, tuple[Callable, Callable]],
    low: float = -4.0,
    high: float = 4.0,
    kinks: Sequence[float] = (),
    points: int = 1201,
) -> Figure:
    """A function and its derivative side by side, for one function or a few.

    Args:
        curves: label -> (function, derivative), each taking and returning a float64 array.
        low: left end of the preactivation axis.
        high: right end.
        kinks: where a derivative may jump; no line is drawn across.
        points: number of samples on the axis.

    Returns:
        The figure: ``f(x)`` on the left, ``f'(x)`` on the right.
    """
    figure, (left, right) = plt.subplots(1, 2)
    for index, (label, (function, derivative)) in enumerate(curves.items()):
        style = {"color": LINES[index % 5], "linestyle": STYLES[index % 5]}
        for piece in _pieces(low, high, kinks, points):
            left.plot(piece, function(piece), label=label, **style)
            right.plot(piece, derivative(piece), **style)
            label = None  # one entry in the legend, however many pieces
    for ax, title in ((left, "function $f(x)$"), (right, "derivative $f'(x)$")):
        mark_zero(ax)
        ax.set(title=title, xlabel="preactivation $x$", xlim=(low, high))
    if len(curves) > 1:
        left.legend()
    return figure


def scatter_classes(ax: Axes, points: np.ndarray, labels: np.ndarray, size: float = 9) -> None:
    """Plot 2-D points of two classes, told apart by colour and by marker.

    Args:
        ax: where to draw.
        points: shape (n, 2).
        labels: shape (n,), 0 or 1.
        size: marker area in points squared.
    """
    for value, colour, marker in ((0, BLUE, "o"), (1, ORANGE, "^")):
        chosen = points[labels == value]
        ax.scatter(
            *chosen.T, s=size, c=colour, marker=marker, linewidths=0, rasterized=len(points) > 3000
        )


def decision_map(
    ax: Axes, classify: Callable[[np.ndarray], np.ndarray], extent: float, steps: int = 161
) -> None:
    """Shade the plane by the class that ``classify`` gives, with a line on the boundary.

    Args:
        ax: where to draw.
        classify: maps points of shape (n, 2) to a score of shape (n,), positive for class 1.
        extent: the map covers ``[-extent, extent]`` in both directions.
        steps: samples along each side.
    """
    axis = np.linspace(-extent, extent, steps)
    grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    score = np.asarray(classify(grid), float).reshape(steps, steps)
    ax.contourf(axis, axis, score > 0, levels=[-0.5, 0.5, 1.5], colors=[SHADE_BLUE, SHADE_ORANGE])
    if score.min() < 0 < score.max():
        ax.contour(axis, axis, score, levels=[0], colors=[INK], linewidths=1, linestyles="-")
    ax.set(aspect="equal", xticks=[], yticks=[])
    ax.grid(False)


def intervals(
    ax: Axes,
    rows: Mapping[str, tuple[float, float, float]],
    dots: Mapping[str, Iterable[float]] | None = None,
    reference: float | None = 0.0,
) -> None:
    """A dot with its confidence interval for each row, and the single runs behind it.

    Args:
        ax: where to draw.
        rows: label -> (estimate, low end, high end), drawn from the top down.
        dots: label -> values of the single runs.
        reference: where to draw the vertical line that an interval has to clear.
    """
    for height, (label, (middle, low, high)) in enumerate(reversed(rows.items())):
        if dots:
            values = np.fromiter(dots[label], float)
            ax.plot(values, np.full(values.shape, height - 0.22), "|", color=MUTED, markersize=6)
        ax.plot([low, high], [height, height], color=BLUE, linewidth=2.5, linestyle="-")
        ax.plot(middle, height, "o", color=BLUE, markersize=6)
    if reference is not None:
        ax.axvline(reference, color=INK, linewidth=1, linestyle="-")
    ax.set_yticks(range(len(rows)), list(reversed(rows)))
    ax.set_ylim(-0.6, len(rows) - 0.4)
    ax.grid(axis="y", visible=False)
