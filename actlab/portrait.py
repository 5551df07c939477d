"""The book's recurring network: same points, same 16 units at the start, another function.

Two spirals of 240 points, one hidden layer of 16 units, 3000 steps of Adam on all points. Only the
activation function changes from portrait to portrait, so two of them can be laid side by side. It
is a likeness and no ranking: the learning rate suits none of the functions in particular, and
another start gives another picture (six starts of ReLU put 87 to 98 % of fresh points right).

A bend is drawn where |f″| peaks, for that is where a unit bends the network's output: ReLU and GELU
at 0, tanh on either side of 0 (at 0 it is straightest), the identity nowhere.

The numbers are the same on every processor: after each step all weights are rounded to multiples
of 2⁻²⁴, which is far coarser than the last digits in which processors differ.

>>> from actlab import portrait
>>> portrait.train("identity").line()
'identity: 66 % of fresh points right; no bends; 1 of 16 units silent'
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from actlab.functions import get, normal_cdf
from actlab.palette import identity, ramp_colours
from actlab.properties import find_bends

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

UNITS = 16
POINTS = 240
FRESH = 20_000
STEPS = (0, 30, 100, 300, 1000, 3000)
RATE = 0.02
SEED = 2
EXTENT = 1.9  # the frame covers [-EXTENT, EXTENT] in both directions
SILENT = 0.01  # of the standard deviation of the network's output
GRID = 2.0**-24

Function = Callable[[np.ndarray], Any]


@dataclass(frozen=True)
class Shape:
    """A function with what a portrait needs to know of it."""

    forward: Function
    derivative: Function
    kinks: tuple[float, ...] = ()
    both: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]] | None = None

    def value_and_slope(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """f(x) and f′(x), in one go where that saves half of the time."""
        return self.both(x) if self.both else (self.forward(x), self.derivative(x))


def _gelu(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    below = normal_cdf(x)
    return x * below, below + x * np.exp(-x * x / 2) / np.sqrt(2 * np.pi)


#: Functions that the catalogue does not have.
OTHERS: Mapping[str, Shape] = {
    "identity": Shape(lambda x: x, np.ones_like),
    "abs": Shape(np.abs, np.sign, (0.0,)),
    "sine": Shape(np.sin, np.cos),
    "square": Shape(np.square, lambda x: 2 * x),
    "signed_square": Shape(lambda x: x * np.abs(x), lambda x: 2 * np.abs(x)),
    "atan": Shape(np.arctan, lambda x: 1 / (1 + x * x)),
    "erf": Shape(
        lambda x: 2 * normal_cdf(np.sqrt(2) * x) - 1,
        lambda x: 2 / np.sqrt(np.pi) * np.exp(-x * x),
    ),
}


def shape_of(name: str) -> Shape:
    """The function called ``name``: one of the catalogue's elementwise ones, or of `OTHERS`.

    Raises:
        ValueError: for an unknown name, or a function that is not elementwise.
    """
    if name in OTHERS:
        return OTHERS[name]
    entry = get(name)
    if entry.kind != "elementwise":
        raise ValueError(
            f"{entry.name} is of the {entry.kind} kind: a portrait has elementwise functions only"
        )
    return Shape(
        partial(entry.forward, **entry.defaults),
        partial(entry.derivative, **entry.defaults),
        tuple(entry.kinks(**entry.defaults)),
        _gelu if entry.name == "gelu" else None,
    )


# --- data and training ------------------------------------------------------------------------


def spirals(number: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Two spirals of one and a half turns.

    Args:
        number: of points, half of them in each class.
        seed: of the random numbers.

    Returns:
        points of shape (number, 2) and labels of shape (number,), 0 or 1.
    """
    rng = np.random.default_rng(seed)
    labels = np.arange(number) % 2
    along = np.sqrt(rng.uniform(0, 1, number))
    angle = 3 * np.pi * along + np.pi * labels
    points = (0.25 + 1.1 * along[:, None]) * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return points + rng.normal(0, 0.06, points.shape), labels


@dataclass(frozen=True)
class Network:
    """One hidden layer: ``out = f(x·w + b)·v + c``.

    Attributes:
        w: shape (2, 16).
        b: shape (16,).
        v: shape (16,).
        c: the last bias.
    """

    w: np.ndarray
    b: np.ndarray
    v: np.ndarray
    c: float

    @classmethod
    def unpack(cls, theta: np.ndarray) -> Network:
        w, b, v, c = np.split(theta, np.cumsum([2 * UNITS, UNITS, UNITS]))
        return cls(w.reshape(2, UNITS), b, v, float(c[0]))

    def preactivation(self, points: np.ndarray) -> np.ndarray:
        """Shape (n, 16) for points of shape (n, 2)."""
        return points @ self.w + self.b


@dataclass(frozen=True)
class Line:
    """Where a unit bends: the points x with ``x·w + offset = 0``.

    Attributes:
        unit: its number.
        w: shape (2,).
        offset: the unit's bias less the place of the bend.
        change: by how much the slope of the network's output changes across the line.
        silent: whether the unit adds next to nothing.
    """

    unit: int
    w: np.ndarray
    offset: float
    change: float
    silent: bool


@dataclass(frozen=True)
class State:
    """The network at one step of its training, taken apart.

    Attributes:
        step: how many steps it has been trained.
        network: its weights.
        right: share of 20 000 fresh points that it puts into their class.
        adds: what each unit adds: standard deviation of v·f(z) over the data, shape (16,).
        silent: which add less than 1 % of the standard deviation of the output, shape (16,).
        bends: the lines that cross the frame.
    """

    step: int
    network: Network
    right: float
    adds: np.ndarray
    silent: np.ndarray
    bends: tuple[Line, ...]


@dataclass(frozen=True)
class Portrait:
    """A function's portrait: the network at each saved step.

    Attributes:
        name: of the function.
        shape: the function itself.
        states: step -> state, for each of `STEPS`.
    """

    name: str
    shape: Shape
    states: Mapping[int, State]

    @property
    def last(self) -> State:
        """The network at the end of its training."""
        return self.states[STEPS[-1]]

    def line(self) -> str:
        """The portrait in one line, the same on every processor."""
        return f"{identity(self.name).label}: {describe(self.last)}"

    def output(self, state: State, points: np.ndarray) -> np.ndarray:
        """The logit for points of shape (n, 2), shape (n,); positive says class 1."""
        network = state.network
        return self.shape.forward(network.preactivation(points)) @ network.v + network.c


def describe(state: State) -> str:
    """Share of fresh points, bends and silent units, in words."""
    bends = sum(not line.silent for line in state.bends)
    return (
        f"{100 * state.right:.0f} % of fresh points right; "
        f"{bends or 'no'} bend{'s' * (bends != 1)}; {state.silent.sum()} of {UNITS} units silent"
    )


@lru_cache(maxsize=64)
def train(name: str, seed: int = SEED) -> Portrait:
    """Train the recurring network with one function: about a second, and none the second time.

    Args:
        name: an elementwise function of the catalogue, or one of `OTHERS`.
        seed: another one gives other units at the start, and the same points.

    Raises:
        ValueError: as :func:`shape_of`.
    """
    shape = shape_of(name)
    points, labels = spirals(POINTS, seed=1)
    rng = np.random.default_rng(seed)
    theta = np.concatenate(
        [rng.normal(size=3 * UNITS), rng.normal(0, UNITS**-0.5, UNITS), np.zeros(1)]
    )
    theta = np.round(theta / GRID) * GRID
    first, second = np.zeros_like(theta), np.zeros_like(theta)
    saved = {0: theta}
    for step in range(1, STEPS[-1] + 1):
        gradient = _gradient(shape, Network.unpack(theta), points, labels)
        first += 0.1 * (gradient - first)
        second += 0.001 * (gradient**2 - second)
        rate = RATE * (1 + np.cos(np.pi * (step - 1) / STEPS[-1])) / 2
        size = np.sqrt(second / (1 - 0.999**step)) + 1e-8
        theta = theta - rate * (first / (1 - 0.9**step)) / size
        theta = np.round(theta / GRID) * GRID
        if step in STEPS:
            saved[step] = theta
    peaks = partial(find_peaks, shape)
    fresh = spirals(FRESH, seed=2)
    states = {
        step: _state(shape, step, Network.unpack(theta), points, fresh, peaks)
        for step, theta in saved.items()
    }
    return Portrait(name, shape, states)


def _gradient(shape: Shape, network: Network, points: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Of the mean logistic loss, packed as `Network.unpack` reads it."""
    z = network.preactivation(points)
    a, slope = shape.value_and_slope(z)
    out = a @ network.v + network.c
    error = (0.5 * (1 + np.tanh(out / 2)) - labels) / len(points)
    back = error[:, None] * network.v * slope
    return np.concatenate(
        [(points.T @ back).ravel(), back.sum(axis=0), error @ a, error.sum(keepdims=True)]
    )


def _state(
    shape: Shape,
    step: int,
    network: Network,
    points: np.ndarray,
    fresh: tuple[np.ndarray, np.ndarray],
    peaks: Callable[[float], list[tuple[float, float]]],
) -> State:
    def output(x: np.ndarray) -> np.ndarray:
        return shape.forward(network.preactivation(x)) @ network.v + network.c

    added = shape.forward(network.preactivation(points)) * network.v
    adds = added.std(axis=0)
    silent = adds < SILENT * added.sum(axis=1).std()
    right = float(np.mean((output(fresh[0]) > 0) == fresh[1]))
    # The largest |z| in the frame is taken at a corner.
    reach = EXTENT * np.abs(network.w).sum(axis=0) + np.abs(network.b)
    bends = []
    for place, change in peaks(float(reach.max())):
        for unit in range(UNITS):
            w, offset = network.w[:, unit], float(network.b[unit] - place)
            if abs(offset) < EXTENT * np.abs(w).sum():
                size = change * abs(network.v[unit]) * float(np.hypot(*w))
                bends.append(Line(unit, w, offset, size, bool(silent[unit])))
    return State(step, network, right, adds, silent, tuple(bends))


def find_peaks(shape: Shape, reach: float) -> list[tuple[float, float]]:
    """Where |f″| peaks in [−reach, reach], and by how much the slope changes there.

    A kink is the sharpest peak of all: where there are some, nothing else counts. Otherwise the
    peaks are jumps of f″ and the local maxima that reach a fifth of the largest.

    Args:
        shape: the function.
        reach: how far to look on either side of 0.

    Returns:
        pairs (place, change of slope) in increasing order of places.
    """
    width = 1 / 256
    if shape.kinks:
        kinks = np.array(shape.kinks)
        jumps = shape.derivative(kinks + 1e-9) - shape.derivative(kinks - 1e-9)
        return [(float(p), abs(float(j))) for p, j in zip(kinks, jumps, strict=True)]
    # Half a cell beside the multiples of 1/256, so that 0 is the middle of a cell.
    edges = np.arange(-np.ceil(reach / width) - 0.5, np.ceil(reach / width) + 1) * width
    slopes = shape.derivative(edges)
    bend = np.abs(np.diff(slopes)) / width
    middle = (edges[1:] + edges[:-1]) / 2
    inner = (bend[1:-1] > bend[:-2] + 1e-9) & (bend[1:-1] > bend[2:] + 1e-9)
    high = bend[1:-1] > 0.2 * bend.max()
    jumps = np.array(find_bends(shape.derivative))
    found = middle[1:-1][inner & high]
    places = [p for p in found if np.all(np.abs(p - jumps) > 4 * width)] + list(jumps)
    places = sorted(p for p in places if abs(p) < reach)
    cuts = [-reach, *((a + b) / 2 for a, b in itertools.pairwise(places)), reach]
    turned = np.abs(np.diff(slopes))
    return [
        (float(p), float(turned[(middle > max(a, p - 2)) & (middle < min(b, p + 2))].sum()))
        for p, a, b in zip(places, cuts, cuts[1:], strict=False)
    ]


# --- drawing ----------------------------------------------------------------------------------


def show(*names: str) -> None:
    """Print each function's portrait in one line, and draw it for a page and for a phone.

    Args:
        names: one function for a large portrait with its training; two to six for as many small
            ones side by side.

    Raises:
        ValueError: as :func:`shape_of`.
    """
    from actlab.showing import show as show_figure

    portraits = [train(name) for name in names]
    for one in portraits:
        print(one.line())
    if len(portraits) == 1:
        show_figure(
            partial(_draw_one, portraits[0]), (7.2, 4.1), (3.6, 7.3), f"portrait-{names[0]}"
        )
        return
    wide, slim = (_size_of(len(portraits), narrow=narrow) for narrow in (False, True))
    show_figure(partial(_draw_several, portraits), wide, slim, "portraits-" + "-".join(names))


def _axes(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Bare axes at a place in inches from the figure's upper left corner."""
    across, down = figure.get_size_inches()
    return figure.add_axes(
        (left / across, 1 - (top + height) / down, width / across, height / down)
    )


def _write(figure: Figure, left: float, top: float, text: str, **look: object) -> None:
    """Words at a place in inches from the figure's upper left corner, hanging from it."""
    across, down = figure.get_size_inches()
    figure.text(left / across, 1 - top / down, text, **{"va": "top", "fontsize": 9, **look})


def draw_map(ax: Axes, portrait: Portrait, step: int | None = None, *, small: bool = False) -> None:
    """The plane as the network sees it at one step: decision, sureness, bends and points.

    Args:
        ax: where to draw.
        portrait: from :func:`train`.
        step: one of `STEPS`; the last if None.
        small: a thumbnail, without points and with thin lines.
    """
    from actlab.plotting import GRID as FRAME
    from actlab.plotting import INK, PAPER

    who = identity(portrait.name)
    state = portrait.last if step is None else portrait.states[step]
    side = np.linspace(-EXTENT, EXTENT, 81 if small else 161)
    plane = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    logit = portrait.output(state, plane).reshape(side.size, side.size)
    tints = ramp_colours(who.hue)
    sure = float(np.log(0.9 / 0.1))
    low, high = min(logit.min(), -sure) - 1, max(logit.max(), sure) + 1
    for edges, colour, alpha in (
        ((-sure, 0), tints[1], 0.3),
        ((0, sure), tints[1], 0.95),
        ((sure, high), tints[2], 0.8),
    ):
        if low < edges[1] and logit.max() > edges[0] and logit.min() < edges[1]:
            ax.contourf(side, side, logit, levels=edges, colors=[colour], alpha=alpha)
    scale = max((line.change for line in state.bends), default=1.0)
    many = len(state.bends) > 40
    for line in state.bends:
        ends = _across(line)
        width = 0.35 + (0.8 if small or many else 1.5) * line.change / scale
        if line.silent:
            ax.plot(*ends.T, color=who.colour, linewidth=0.6, linestyle=(0, (2, 3)), alpha=0.7)
        else:
            ax.plot(
                *ends.T,
                color=who.colour,
                linewidth=0.5 * width if small else width,
                linestyle="-",
                alpha=0.55 if many else 0.85,
            )
    if logit.min() < 0 < logit.max():
        for colour, width in ((PAPER, 3.6), (INK, 2.0)):
            ax.contour(
                side,
                side,
                logit,
                levels=[0],
                colors=[colour],
                linewidths=0.5 * width if small else width,
                linestyles="-",
                zorder=3,
            )
    if not small:
        points, labels = spirals(POINTS, seed=1)
        inches = ax.get_position().width * ax.figure.get_figwidth()
        area = 8 if inches > 2 else 5
        for value, face, edge, size in ((0, PAPER, INK, area), (1, INK, PAPER, area + 1)):
            ax.scatter(
                *points[labels == value].T,
                s=size,
                c=face,
                edgecolors=edge,
                linewidths=0.7 if area > 5 else 0.55,
                zorder=4,
            )
    ax.set(xlim=(-EXTENT, EXTENT), ylim=(-EXTENT, EXTENT), xticks=[], yticks=[], aspect="equal")
    ax.grid(False)
    for spine in ax.spines.values():
        spine.set(visible=True, color=FRAME, linewidth=1)


def _across(line: Line) -> np.ndarray:
    """Two points of the line, well outside the frame."""
    along = np.array([-line.w[1], line.w[0]]) / np.hypot(*line.w)
    foot = -line.offset * line.w / (line.w @ line.w)
    return foot + 3 * EXTENT * np.array([[-1.0], [1.0]]) * along


def draw_curve(ax: Axes, portrait: Portrait) -> None:
    """The function itself, small, with the axes through the origin."""
    from actlab.plotting import GRID as FRAME

    x = np.linspace(-4, 4, 321)
    ax.axis("off")
    ax.axhline(0, color=FRAME, linewidth=1)
    ax.axvline(0, color=FRAME, linewidth=1)
    ax.plot(x, portrait.shape.forward(x), color=identity(portrait.name).colour, linestyle="-")
    ax.set(xlim=(-4, 4), ylim=(-2.6, 2.6))


def draw_bars(ax: Axes, portrait: Portrait, step: int | None = None) -> None:
    """What each unit adds to the output, largest first; a circle for a silent one."""
    from actlab.plotting import MUTED, PAPER

    state = portrait.last if step is None else portrait.states[step]
    colour = identity(portrait.name).colour
    order = np.argsort(-state.adds, kind="stable")
    heights, silent = state.adds[order] / state.adds.max(), state.silent[order]
    places = np.arange(UNITS)
    ax.bar(places[~silent], heights[~silent], color=colour, width=0.66)
    ax.plot(
        places[silent],
        np.full(silent.sum(), 0.07),
        "o",
        color=colour,
        markerfacecolor=PAPER,
        markersize=4,
        linestyle="none",
        clip_on=False,
    )
    ax.axhline(0, color=MUTED, linewidth=0.8)
    ax.axis("off")
    ax.set(xlim=(-0.7, UNITS - 0.3), ylim=(0, 1.02))


def _found(state: State, *, two_lines: bool = False) -> str:
    bends = sum(not line.silent for line in state.bends)
    count = f"{bends or 'no'} bend{'s' * (bends != 1)}"
    silent = state.silent.sum() or "none"
    return f"{count},{chr(10) if two_lines else ' '}{silent} silent"


def _key(figure: Figure, left: float, top: float, colour: str, *, slim: bool = False) -> None:
    """How to read a portrait, in three lines, or in three pairs of lines where there is no room."""
    from actlab.plotting import INK, MUTED

    rows = (
        ("the network says 50 : 50", INK, 2.0, "-"),
        ("a unit bends here; thicker: more", colour, 1.2, "-"),
        ("so does a silent one: it adds under 1 %", colour, 0.7, (0, (2, 3))),
    )
    step = 0.36 if slim else 0.19
    for row, (text, ink, thick, dash) in enumerate(rows):
        if slim:
            text = text.replace("says ", "says\n").replace("; ", ";\n").replace(": it", ":\nit")
        ax = _axes(figure, left, top + step * row, 0.36, 0.15)
        ax.plot([0, 1], [0.5, 0.5], color=ink, linewidth=thick, linestyle=dash)
        ax.set(xlim=(0, 1), ylim=(0, 1))
        ax.axis("off")
        _write(figure, left + 0.45, top + step * row, text, fontsize=8, color=MUTED)


def _draw_one(portrait: Portrait, figure: Figure, narrow: bool) -> None:
    from actlab.plotting import INK, MUTED

    who, last = identity(portrait.name), portrait.last
    if narrow:
        left, wide, top = 0.05, 3.5, 0.05
        map_at, rest = (0.05, 0.8), 4.42
    else:
        left, wide, top = 4.25, 2.9, 0.08
        map_at, rest = (0.05, 0.08), 1.02
    edge = 3.5 if narrow else 3.95
    draw_curve(_axes(figure, left, top, 0.85, 0.62), portrait)
    _write(figure, left + 0.98, top, who.label, fontsize=14, fontweight="bold", color=who.colour)
    _write(
        figure,
        left + 0.98,
        top + 0.28,
        f"{100 * last.right:.0f} % of fresh points right",
        color=INK,
    )
    _write(figure, left + 0.98, top + 0.46, _found(last), color=INK)
    draw_map(_axes(figure, *map_at, edge, edge), portrait)
    _write(figure, left, rest, "what each unit adds", fontsize=8, color=MUTED)
    draw_bars(_axes(figure, left, rest + 0.2, wide, 0.5), portrait)
    _write(figure, left, rest + 0.86, "how it got there: step, fresh points right", fontsize=8,
           color=MUTED)  # fmt: skip
    early = STEPS[1:-1]
    gap = 0.08
    size = (wide - gap * (len(early) - 1)) / len(early)
    for place, step in enumerate(early):
        x, y = left + place * (size + gap), rest + 1.06
        draw_map(_axes(figure, x, y, size, size), portrait, step, small=True)
        text = f"{step}: {100 * portrait.states[step].right:.0f} %"
        _write(figure, x + size / 2, y + size + 0.04, text, fontsize=8, ha="center", color=INK)
    _key(figure, left, rest + 1.06 + size + (0.32 if narrow else 0.42), who.colour)


def _sheet(number: int, *, narrow: bool) -> tuple[int, float, float]:
    """For a sheet of small portraits: columns, side of a map and height of a row, in inches."""
    columns = 2 if narrow or number in (2, 4) else 3
    edge = ((3.5 if narrow else 7.1) - 0.12 * (columns - 1)) / columns
    edge = min(edge, 2.6)
    return columns, edge, edge + (1.2 if narrow else 1.12)


def _size_of(number: int, *, narrow: bool) -> tuple[float, float]:
    columns, _, height = _sheet(number, narrow=narrow)
    return (3.6 if narrow else 7.2), height * -(-number // columns)


def _draw_several(portraits: list[Portrait], figure: Figure, narrow: bool) -> None:
    from actlab.plotting import INK

    columns, edge, height = _sheet(len(portraits), narrow=narrow)
    for number, portrait in enumerate(portraits):
        row, column = divmod(number, columns)
        left, top = 0.05 + column * (edge + 0.12), 0.05 + row * height
        who, last = identity(portrait.name), portrait.last
        draw_curve(_axes(figure, left, top, 0.55, 0.42), portrait)
        share = f"{100 * last.right:.0f} % {'right' if narrow else 'of fresh points'}"
        beside = left + 0.62
        _write(figure, beside, top, who.label, fontsize=11, fontweight="bold", color=who.colour)
        _write(figure, beside, top + 0.23, share, color=INK)
        draw_map(_axes(figure, left, top + 0.5, edge, edge), portrait)
        low = top + 0.56 + edge
        draw_bars(_axes(figure, left, low, 0.4 * edge, 0.36), portrait)
        text = _found(last, two_lines=narrow)
        _write(figure, left + 0.4 * edge + 0.1, low + 0.05, text, fontsize=8.5, color=who.colour)
    if narrow and len(portraits) % 2:  # the place of one more portrait is free
        left, top = 0.05 + edge + 0.22, 0.05 + (len(portraits) // 2) * height + 0.6
        _key(figure, left, top, identity(portraits[-1].name).colour, slim=True)
