"""What you would have published: one experiment's seeds cut into labs, and their sentences.

The signature figure of chapter 15. Each lab is a disjoint group of seeds, so every lab could have
existed; nothing is resampled.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from actlab import comparison, plotting
from actlab.palette import identity

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

RANGE = (-4.2, 6.2)  # of the axis, in points of accuracy
_BIN = 0.25  # width of a column of single-seed dots


def cut(differences: Sequence[float] | np.ndarray, size: int) -> list[comparison.Paired]:
    """The finding of each lab of ``size`` seeds, in the order of the seeds.

    Args:
        differences: (seeds,), arm a minus arm b for each seed.
        size: seeds of one lab, at least 2; seeds that are left over belong to nobody.

    Raises:
        ValueError: fewer seeds than one lab needs, or a lab of one.
    """
    differences = np.asarray(differences, float)
    if not 2 <= size <= len(differences):
        raise ValueError(f"labs of {size} seeds cannot be cut from {len(differences)}")
    whole = len(differences) // size * size
    groups = differences[:whole].reshape(-1, size)
    return [comparison.paired(group, np.zeros(size)) for group in groups]


def draw(
    figure: Figure,
    narrow: bool,
    differences: np.ndarray,
    truth: float,
    names: tuple[str, str] = ("gelu", "relu"),
    sizes: Sequence[int] = (1, 3, 10, 28),
) -> None:
    """Draw a row of labs for each size, with the sentence that the first of them prints.

    Args:
        figure: empty, about 7.2 × 5.2 inches, or 3.6 × 6.6 where narrow.
        narrow: sentences above the rows instead of beside them.
        differences: (seeds,), first function minus second, in points of accuracy.
        truth: best estimate of the mean difference; a dashed line marks it.
        names: the two functions, see :func:`actlab.palette.identity`.
        sizes: seeds of a lab in each row; 1 must come first.
    """
    parts = np.array([_part(k, len(differences)) for k in sizes])
    if narrow:
        top, left, width, words, gap = 0.965, 0.03, 0.94, 0.088, 0.012
        room = 0.97 - len(sizes) * (words + gap) - 0.13
    else:
        top, left, width, words, gap = 0.97, 0.40, 0.57, 0.0, 0.04
        room = 0.97 - len(sizes) * gap - 0.085
    shares = room * parts / parts.sum()
    rows = []
    for k, share in zip(sizes, shares, strict=True):
        head = words * (1.3 if k == 1 and narrow else 1)
        ax = figure.add_axes((left, top - head - share, width, share))
        height = head if narrow else max(share, 0.135 if k > 1 else 0.2)
        text = figure.add_axes((0.03, top - height, 0.94 if narrow else 0.36, height))
        text.axis("off")
        (_single if k == 1 else partial(_many, size=k))(ax, differences, names)
        _say(text, differences, k, names, (4 if k == 1 else 3) if narrow else height / 0.05)
        ax.axvline(truth, color=plotting.MUTED, lw=1, ls=(0, (2.4, 1.6)))
        rows.append(ax)
        top -= head + max(share, 0 if narrow else height) + gap
    note = f"dashed: all {len(differences)}\nseeds, {truth:.1f}"
    rows[0].text(3.9, 0.95, note, transform=rows[0].get_xaxis_transform(), va="top", fontsize=8)
    rows[-1].tick_params(labelbottom=True, bottom=True)
    rows[-1].spines["bottom"].set_visible(True)
    first, second = (identity(name).label for name in names)
    rows[-1].set_xlabel(f"← {second} ahead    {first} ahead, points of test accuracy →", fontsize=9)


def _part(size: int, seeds: int) -> float:
    """How much height the row of labs of this size gets; a few labs are set wider apart."""
    if size == 1:
        return 0.27
    labs = seeds // size
    return 0.05 + (0.011 if labs > 6 else 0.017) * labs


def _frame(ax: Axes) -> None:
    ax.set(xlim=RANGE, yticks=[])
    ax.grid(False)
    ax.spines[["left", "bottom"]].set_visible(False)
    ax.tick_params(labelbottom=False, bottom=False)
    ax.axvline(0, color=plotting.INK, lw=1.2, ls="-")


def _ring(ax: Axes, x: float, y: float) -> None:
    ax.plot(x, y, "o", mfc="none", mec=plotting.INK, ms=11)


def _single(ax: Axes, differences: np.ndarray, names: tuple[str, str]) -> None:
    """A column of dots for each quarter of a point; rings on the labs that are quoted."""
    _frame(ax)
    columns = (np.floor(differences / _BIN) + 0.5) * _BIN
    heights = np.array([(columns[:i] == columns[i]).sum() for i in range(len(columns))])
    for value, x, y in zip(differences, columns, heights, strict=True):
        who = identity(names[0] if value > 0 else names[1])
        look = {**who.points, "ms": 4.9 * min(1, ax.bbox.width / ax.figure.dpi / 4.1)}
        if value == 0:  # a tie is nobody's win
            look |= {"color": plotting.INK, "marker": "o", "mfc": plotting.PAPER}
        ax.plot(x, y, **look)
    for at in (0, differences.argmin()):
        _ring(ax, columns[at], heights[at])
    ax.set_ylim(-0.8, heights.max() + 0.7)


def _many(ax: Axes, differences: np.ndarray, names: tuple[str, str], size: int) -> None:
    """An interval for each lab, sorted; open and thin where it contains zero."""
    _frame(ax)
    found = cut(differences, size)
    for row, lab in enumerate(sorted(found, key=lambda lab: lab.mean)):
        who = identity(names[0] if lab.mean > 0 else names[1])
        ends = [max(lab.low, RANGE[0]), min(lab.high, RANGE[1])]
        ax.plot(ends, [row, row], color=who.colour, ls="-", lw=2.6 if lab.resolved else 1.1)
        face = who.colour if lab.resolved else plotting.PAPER
        ax.plot(lab.mean, row, **who.points, ms=5.2, mfc=face)
        if lab == found[0]:
            _ring(ax, lab.mean, row)
    ax.set_ylim(-0.9, len(found) - 0.1)


def _say(
    ax: Axes, differences: np.ndarray, size: int, names: tuple[str, str], lines: float
) -> None:
    """The row's heading, the sentences of the labs with a ring, and how many agree."""
    step = 1 / lines
    plural = "s" if size > 1 else ""
    look = {"transform": ax.transAxes, "va": "center"}
    ax.text(0, 1 - step / 2, f"{size} seed{plural}", fontsize=10.5, fontweight="bold", **look)
    if size == 1:
        _sentence(ax, 1 - 1.5 * step, differences[0], None, names)
        _sentence(ax, 1 - 2.5 * step, differences.min(), None, names)
        above, below = (differences > 0).sum(), (differences < 0).sum()
        ties = len(differences) - above - below
        note = f"{above} labs print the first, {below} the second" + f", {ties} a tie" * bool(ties)
        last = 3.5
    else:
        found = cut(differences, size)
        _sentence(ax, 1 - 1.5 * step, found[0].mean, found[0].half, names)
        note = f"{sum(lab.resolved for lab in found)} of {len(found)} labs exclude zero"
        last = 2.5
    ax.text(0, 1 - last * step, note, fontsize=8, color=plotting.MUTED, **look)


def _sentence(ax: Axes, y: float, value: float, half: float | None, names: tuple[str, str]) -> None:
    """“GELU beats ReLU by 1.2 ± 0.4.” with the functions' names in their colours."""
    from matplotlib.offsetbox import AnnotationBbox, HPacker, TextArea

    first, second = names if value > 0 else names[::-1]
    tail = f"by {abs(value):.1f} ± {half:.1f}.”" if half else f"by {abs(value):.1f} points.”"
    words = []
    for word in ("“", first, "beats", second, tail):
        look: dict = {"fontsize": 9.5, "color": plotting.INK}
        if word in names:
            who = identity(word)
            word, look = who.label, {**look, "color": who.colour, "fontweight": "bold"}
        words.append(TextArea(word, textprops=look))
    opening = HPacker(children=words[:2], pad=0, sep=0, align="baseline")
    line = HPacker(children=[opening, *words[2:]], pad=0, sep=3.5, align="baseline")
    place = {"xycoords": "axes fraction", "box_alignment": (0, 0.5), "pad": 0, "frameon": False}
    ax.add_artist(AnnotationBbox(line, (0, y), **place))
