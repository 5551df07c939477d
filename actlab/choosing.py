"""What a choice costs: regret of functions and of rules of thumb over tasks and sizes.

Regret is how far one falls behind the best choice. Which choice is best is learned from seeds,
too, so that the best of several noisy scores is a little too good to be true.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from actlab import plotting
from actlab.functions import CATALOGUE
from actlab.palette import identity

#: Points behind the best at which a cell of the map gets the next darker step.
STEPS = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)


def regret(scores: np.ndarray) -> np.ndarray:
    """How far the mean score of every function is behind the best one's (Savage 1951).

    The best is named by the same seeds, so its lead contains luck; :func:`luck` says how much. The
    difference between two functions' regrets does not contain the best, and so not its luck.

    Args:
        scores: (functions, settings, seeds), higher is better; all finite.

    Returns:
        (functions, settings), never negative, 0 for the best of a setting.

    Raises:
        ValueError: another number of axes, or a score that is not finite.
    """
    means = _checked(scores).mean(2)
    return means.max(0) - means


def luck(scores: np.ndarray) -> float:
    """How much of the best functions' scores is luck, in the unit of the scores.

    Half of the seeds name the best function of a setting, the other half score it. What it loses
    against the best mean over all seeds, over all ways to halve the seeds and all settings, is
    what an honest choice with half the seeds would fall behind the zero of :func:`regret`.

    Args:
        scores: (functions, settings, seeds), an even number of seeds, at most 12.

    Raises:
        ValueError: as :func:`regret`, or an odd number of seeds or too many.
    """
    scores = _checked(scores)
    seeds = scores.shape[2]
    if seeds % 2 or seeds > 12:
        raise ValueError(f"an even number of seeds, at most 12, can be halved here, not {seeds}")
    top = scores.mean(2).max(0)
    lost = []
    for half in itertools.combinations(range(seeds), seeds // 2):
        rest = [seed for seed in range(seeds) if seed not in half]
        best = scores[..., list(half)].mean(2).argmax(0)
        lost.append(top - scores[..., rest].mean(2)[best, range(len(top))])
    return float(np.mean(lost))


def _checked(scores: np.ndarray) -> np.ndarray:
    scores = np.asarray(scores, float)
    if scores.ndim != 3:
        raise ValueError(f"scores need the shape (functions, settings, seeds), not {scores.shape}")
    if not np.isfinite(scores).all():
        raise ValueError("a score is NaN or infinite: decide what a failed run counts as first")
    return scores


def over_tasks(values: Sequence[float] | np.ndarray, confidence: float = 0.95) -> tuple:
    """Mean over tasks and the percentile interval of the bootstrap over tasks (Efron 1979).

    With few tasks every resample is visited once, so that nothing is random: 5 tasks have
    5⁵ = 3125.

    Args:
        values: (tasks,), at most 7.
        confidence: of the interval.

    Returns:
        ``(mean, low, high)``.

    Raises:
        ValueError: fewer than two tasks or more than seven.
    """
    values = np.asarray(values, float)
    if values.ndim != 1 or not 2 <= len(values) <= 7:
        raise ValueError(f"2 to 7 tasks are needed, not an array of shape {values.shape}")
    draws = itertools.product(range(len(values)), repeat=len(values))
    means = values[np.array(list(draws))].mean(1)
    low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(values.mean()), float(low), float(high)


def draw_map(
    figure: Figure,
    narrow: bool,
    behind: Mapping[str, np.ndarray],
    tasks: Mapping[str, Sequence[int]],
    picks: Mapping[str, str] | None = None,
    rules: Mapping[str, np.ndarray] | None = None,
) -> None:
    """Draw points behind the best, a cell for each function, task and size; light is good.

    Args:
        figure: empty, about 7.2 × 3.3 inches, or 3.6 × 6.2 where narrow.
        narrow: settings downwards and functions across, instead of the other way round.
        behind: function -> (settings,), settings ordered by task and size.
        tasks: label -> its sizes.
        picks: label of a task -> the function that a rule of thumb takes there; outlined.
        rules: label of a rule -> (settings,), drawn after the functions.
    """
    ax = figure.subplots()
    names, rules = list(behind), dict(rules or {})
    across = [float(row) for row in range(len(names))]
    across += [len(names) + 0.3 + row for row in range(len(rules))]
    columns = [(task, size) for task, sizes in tasks.items() for size in sizes]
    gaps = [0.25 * list(tasks).index(task) for task, _ in columns]
    along = [at + gap for at, gap in enumerate(gaps)]
    along += [along[-1] + 1.6, along[-1] + 2.6]

    def place(setting: int, row: float) -> tuple[float, float]:
        return (row, along[setting]) if narrow else (along[setting], row)

    for row, found in zip(across, [*behind.values(), *rules.values()], strict=True):
        values = np.asarray(found, float)
        shown = [*values, values.mean(), values.max()]
        for setting, value in enumerate(shown):
            _cell(ax, place(setting, row), value, bold=setting >= len(values))
    for setting, (task, _) in enumerate(columns):
        if picks and task in picks:
            x, y = place(setting, names.index(picks[task]))
            for colour, width in ((plotting.PAPER, 3.6), (plotting.CYAN, 2)):
                box = Rectangle((x - 0.43, y - 0.41), 0.86, 0.82)
                box.set(fill=False, edgecolor=colour, linewidth=width, zorder=5)
                ax.add_patch(box)
    _words(ax, narrow, [*names, *rules], tasks, columns, along, across)
    ax.set_xlim(-0.6, (across if narrow else along)[-1] + 0.6)
    ax.set_ylim((along if narrow else across)[-1] + 0.6, -0.6)
    ax.grid(visible=False)
    ax.tick_params(length=0)
    for side in ax.spines.values():
        side.set_visible(False)


def _cell(ax: Axes, place: tuple[float, float], value: float, bold: bool) -> None:
    step = int(np.searchsorted(STEPS, value, side="right"))
    colours = [plotting.ramp("ink").colors[i] for i in (0, 1, 2, 3, 4, 5, 6)]
    ax.add_patch(
        Rectangle((place[0] - 0.48, place[1] - 0.46), 0.96, 0.92, facecolor=colours[step], lw=0)
    )
    text = f"{value:.1f}" if abs(value) < 9.95 else f"{value:.0f}"
    text = "0" if text in ("-0.0", "0.0") else text.replace("-", "−")
    ax.text(
        *place,
        text,
        ha="center",
        va="center",
        fontsize=8,
        color=plotting.INK if step < 3 else plotting.PAPER,
        fontweight="bold" if bold else "normal",
    )


def _words(
    ax: Axes,
    narrow: bool,
    names: Sequence[str],
    tasks: Mapping[str, Sequence[int]],
    columns: Sequence[tuple[str, int]],
    along: Sequence[float],
    across: Sequence[float],
) -> None:
    ends = [str(size) for _, size in columns] + ["mean", "worst"]
    ticks, labels = ("y", "x") if narrow else ("x", "y")
    getattr(ax, f"set_{ticks}ticks")(along, ends, fontsize=8)
    titles, colours = [], []
    for name in names:
        known = name in CATALOGUE
        titles.append(identity(name).label if known else name)
        colours.append(identity(name).colour if known else plotting.CYAN)
    if narrow:
        titles = [{"Leaky ReLU": "Leaky"}.get(title, title) for title in titles]
    getattr(ax, f"set_{labels}ticks")(across, titles, fontsize=8 if narrow else 8.5)
    ax.xaxis.tick_top()
    for tick, colour in zip(getattr(ax, f"get_{labels}ticklabels")(), colours, strict=True):
        tick.set(color=colour, fontweight="bold")
    for task in tasks:
        at = [along[i] for i, (name, _) in enumerate(columns) if name == task]
        middle = (at[0] + at[-1]) / 2
        if narrow:
            ax.text(-1.6, middle, task, rotation=90, ha="center", va="center", fontsize=8.5)
        else:
            ax.text(middle, -1.25, task, ha="center", va="bottom", fontsize=9)
