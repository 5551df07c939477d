"""A card as a picture, wide and narrow: the same slots in the same places for every function."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from matplotlib.patheffects import withStroke

from actlab.cards import words
from actlab.cards.measured import DTYPES, FAR_LEFT, Card, Limits
from actlab.functions import get
from actlab.palette import Identity, identity, ramp_colours
from actlab.plotting import GRID, INK, MUTED, PAPER

WIDE = (7.2, 4.3)
NARROW = (3.6, 8.3)
SMALL, TEXT = 8, 8.5


class Sheet:
    """A figure on which things are placed in inches from the upper left corner."""

    def __init__(self, figure: Figure) -> None:
        self.figure = figure
        self.width, self.height = figure.get_size_inches()

    def axes(self, left: float, top: float, width: float, height: float) -> Axes:
        """Bare axes."""
        place = (left / self.width, 1 - (top + height) / self.height)
        ax = self.figure.add_axes((*place, width / self.width, height / self.height))
        ax.axis("off")
        return ax

    def text(self, left: float, top: float, words: str, **look: object) -> float:
        """Words that hang from a place; returns their width in inches."""
        look = {"va": "top", "fontsize": TEXT, "color": INK, **look}
        drawn = self.figure.text(left / self.width, 1 - top / self.height, words, **look)
        box = drawn.get_window_extent(self.figure.canvas.get_renderer())
        return box.width / self.figure.dpi

    def heading(self, left: float, top: float, width: float, title: str, beside: str = "") -> None:
        """A section's title over a thin line, with a few words at the right end."""
        self.text(left, top, title, fontsize=10, fontweight="bold")
        if beside:
            self.text(left + width, top + 0.02, beside, fontsize=SMALL, color=MUTED, ha="right")
        line = self.axes(left, top + 0.19, width, 0.02)
        line.axhline(0.5, color=GRID, linewidth=1)


def draw(card: Card, figure: Figure, narrow: bool) -> None:
    """Lay the card out in an empty figure of one of the two sizes."""
    sheet, who = Sheet(figure), identity(card.name)
    _frame(sheet, who.colour)
    if narrow:
        _title(sheet, card, who, 0.2, narrow=True)
        _curve(sheet, card, who, 0.15, 0.6, 3.3, 1.95)
        _gaussian(sheet, card, who, 0.2, 2.72, 3.25)
        _limits(sheet, card, who, 0.2, 3.78, 3.25)
        _cost(sheet, card, who, 0.2, 5.32, 3.25)
        _verdict(sheet, card, who, 0.2, 6.92, 3.25)
    else:
        _title(sheet, card, who, 0.22, narrow=False)
        _curve(sheet, card, who, 0.18, 0.5, 3.6, 2.3)
        _verdict(sheet, card, who, 0.22, 2.93, 3.6)
        _gaussian(sheet, card, who, 4.05, 0.18, 2.97)
        _limits(sheet, card, who, 4.05, 1.24, 2.97)
        _cost(sheet, card, who, 4.05, 2.79, 2.97)


def _frame(sheet: Sheet, colour: str) -> None:
    ax = sheet.axes(0, 0, sheet.width, sheet.height)
    ax.set(xlim=(0, sheet.width), ylim=(sheet.height, 0))
    ax.add_patch(
        FancyBboxPatch(
            (0.08, 0.08),
            sheet.width - 0.16,
            sheet.height - 0.16,
            boxstyle="round,pad=0.04,rounding_size=0.07",
            facecolor="none",
            edgecolor=GRID,
            linewidth=1,
        )
    )
    ax.plot([0.07, 0.07], [0.12, sheet.height - 0.12], color=colour, linewidth=4, linestyle="-",
            solid_capstyle="butt")  # fmt: skip


def _title(sheet: Sheet, card: Card, who: Identity, left: float, *, narrow: bool) -> None:
    short = len(card.entry.title) < 9
    size = 20 if short else 15
    width = sheet.text(
        left, 0.13 if short else 0.17, card.entry.title, fontsize=size, fontweight="bold",
        color=who.colour,
    )  # fmt: skip
    kind = words.looked_at(card)
    formula = card.entry.shown.words
    room = (3.35 if narrow else 3.6) - width - 0.12
    long = 0.085 * len(formula) > room
    if not long:
        sheet.text(left + width + 0.12, 0.2, formula, fontsize=11, style="italic")
    # Where there is no room beside the name: on a second line, with the author.
    second = [text for text in (formula if long else "", kind, card.author) if text]
    sheet.text(left, 0.44, "  ·  ".join(second), fontsize=SMALL, color=MUTED)


# --- curve and slope --------------------------------------------------------------------------


def _window(card: Card) -> tuple[float, float, float, float]:
    """What part of the plane is shown: as much of f as says what it does."""
    low, high = (-4.2, 4.2) if card.bounded or card.entry.kind == "vector" else (-4.2, 2.7)
    if any(high <= kink < 4.2 for kink in card.kinks):  # hard-swish
        high = 4.2
    if card.highest.taken and card.highest.at > 2:  # ReLU6
        high = card.highest.at + 2.2
    x = np.linspace(low, high, 601)
    values = np.concatenate([card.forward(x), card.derivative(x)])
    bottom, top = max(values.min(), -2.2), min(values.max(), 2.1)
    if card.highest.taken and card.highest.value > 2:
        top = card.highest.value
    margin = 0.16 * (top - bottom)
    return low, high, bottom - margin, top + 0.5 * margin


def _pieces(card: Card, low: float, high: float) -> list[np.ndarray]:
    cuts = [low, *(kink for kink in card.kinks if low < kink < high), high]
    inside = 1e-9
    return [np.linspace(a + inside, b - inside, 401) for a, b in itertools.pairwise(cuts)]


def _curve(
    sheet: Sheet, card: Card, who: Identity, left: float, top: float, width: float, height: float
) -> None:
    ax = sheet.axes(left, top, width, height)
    low, high, bottom, ceiling = _window(card)
    ax.set(xlim=(low, high), ylim=(bottom, ceiling))
    ax.axhline(0, color=GRID, linewidth=1, linestyle="-", zorder=1)
    ax.axvline(0, color=GRID, linewidth=1, linestyle="-", zorder=1)
    for place in range(int(np.ceil(low)), int(high) + 1):
        if place % 2 == 0 and place:
            ax.plot([place, place], [0, -0.012 * (ceiling - bottom)], color=MUTED, linewidth=0.8,
                    linestyle="-")  # fmt: skip
    curves = []
    for piece in _pieces(card, low, high):
        for function, thick, dash in (
            (card.forward, 3, "-"),
            (card.derivative, 1.6, (0, (2.5, 1.3))),
        ):
            values = function(piece)
            ax.plot(piece, values, color=who.colour, linewidth=thick, linestyle=dash, zorder=3)
            curves.append(np.stack([piece, values], axis=1))
    layout = _Labels(ax, width, height, curves)
    for place in (p for p in range(int(np.ceil(low)), int(high) + 1) if p % 2 == 0 and p):
        layout.tick(place, 0, words.number(place))
    one, marks = 1.0 if ceiling < 3 else 5.0, _marks(card, low, high)
    ringed = any(abs(x) < 0.1 and abs(y - one) < 0.1 for x, y, _ in marks)
    if bottom < one < ceiling and not ringed:
        layout.tick(0, one, words.number(one), across=True)
    for x, y, text in marks:
        if bottom <= y <= ceiling:
            layout.add(x, y, text)
    layout.name(card.forward, "f", who.colour, bold=True)
    layout.name(card.derivative, "f ′", who.colour, bold=False)


def _marks(card: Card, low: float, high: float) -> list[tuple[float, float, str]]:
    """Places worth a ring: extrema of f, extrema of its slope, kinks."""
    number, found = words.number, []

    def seen(x: float) -> bool:
        return low < x < high

    if card.lowest.taken and seen(card.lowest.at) and not card.monotone:
        found.append(
            (card.lowest.at, card.lowest.value,
             f"lowest: {number(card.lowest.value)} at {number(card.lowest.at)}")
        )  # fmt: skip
    for kink in card.kinks:
        if seen(kink):
            found.append(
                (kink, float(card.forward(np.array([kink]))[0]), f"kink at {number(kink)}")
            )
    for bend in card.bends:
        if seen(bend):
            found.append(
                (bend, float(card.derivative(np.array([bend]))[0]), f"f″ jumps at {number(bend)}")
            )
    for point, word in ((card.rise, "steepest"), (card.fall, "steepest fall")):
        turned = np.isfinite(point.at) and abs(point.at) < 20 and not card.kinks
        rising = word == "steepest" or point.value < 0
        if turned and rising and seen(point.at) and np.isfinite(point.value):
            at = 0.0 if abs(point.at) < 1e-6 else point.at
            if at in card.bends:
                continue
            found.append((at, point.value, f"{word}: {number(point.value)} at {number(at)}"))
    for end, place in ((card.left, low), (card.right, high)):
        if np.isfinite(end) and abs(end) > 1e-9 and not (card.highest.taken and end > 2):
            inner = place * 0.86
            found.append(
                (inner, float(card.forward(np.array([inner]))[0]), f"towards {number(end)}")
            )
    return found[:5]


class _Labels:
    """Finds a place for each label where it covers no curve and no other label."""

    def __init__(self, ax: Axes, width: float, height: float, curves: list[np.ndarray]) -> None:
        self.ax, self.size = ax, np.array([width, height])
        (x0, x1), (y0, y1) = ax.get_xlim(), ax.get_ylim()
        self.origin, self.span = np.array([x0, y0]), np.array([x1 - x0, y1 - y0])
        points = np.concatenate([self._inches(curve) for curve in curves])
        inside = np.all((points > -0.1) & (points < self.size + 0.1), axis=1)
        self.ink = points[inside]
        zero = self._inches(np.array([[0.0, 0.0]]))[0]
        self.axis_lines = zero
        self.boxes: list[tuple[float, float, float, float]] = []

    def _inches(self, points: np.ndarray) -> np.ndarray:
        return (points - self.origin) / self.span * self.size

    def _cost(self, box: tuple[float, float, float, float], at: np.ndarray) -> float:
        left, bottom, right, top = box
        if left < 0.02 or bottom < 0.0 or right > self.size[0] or top > self.size[1]:
            return np.inf
        pad = 0.05
        x, y = self.ink.T
        covered = np.sum(
            (x > left - pad) & (x < right + pad) & (y > bottom - pad) & (y < top + pad)
        )
        lapped = sum(
            max(0.0, min(right, r) - max(left, a) + 0.06)
            * max(0.0, min(top, t) - max(bottom, b) + 0.04)
            for a, b, r, t in self.boxes
        )
        crossed = (left < self.axis_lines[0] < right) + (bottom < self.axis_lines[1] < top)
        nearest = np.clip(at, [left, bottom], [right, top])
        away = float(np.hypot(*(nearest - at)))
        return 3.0 * covered + 400 * lapped + 0.25 * crossed + 1.2 * abs(away - 0.2)

    def tick(self, x: float, y: float, text: str, *, across: bool = False) -> None:
        """A number on an axis."""
        at = self._inches(np.array([[x, y]]))[0]
        offset, ha, va = ((-4, 0), "right", "center") if across else ((0, -5), "center", "top")
        self.ax.annotate(text, (x, y), offset, textcoords="offset points", ha=ha, va=va,
                         path_effects=[withStroke(linewidth=2, foreground=PAPER)], zorder=4,
                         fontsize=SMALL, color=MUTED)  # fmt: skip
        if across:
            self.boxes.append((at[0] - 0.16, at[1] - 0.06, at[0], at[1] + 0.06))
        else:
            self.boxes.append((at[0] - 0.1, at[1] - 0.2, at[0] + 0.1, at[1] - 0.05))

    def add(self, x: float, y: float, text: str) -> None:
        """A ring at a point, and its label nearby with a line to it."""
        at = self._inches(np.array([[x, y]]))[0]
        best, where, shown = np.inf, None, text
        for candidate in (text, text.replace(": ", ":\n").replace(" at ", "\nat ", 0)):
            rows = candidate.split("\n")
            wide, high = 0.066 * max(map(len, rows)), 0.135 * len(rows)
            for dx in np.arange(-1.5, 1.51, 0.1):
                for dy in np.arange(-1.0, 1.01, 0.08):
                    middle = at + np.array([dx, dy])
                    box = (
                        middle[0] - wide / 2,
                        middle[1] - high / 2,
                        middle[0] + wide / 2,
                        middle[1] + high / 2,
                    )
                    cost = self._cost(box, at)
                    if cost < best:
                        best, where, shown = cost, box, candidate
        self.ax.plot(x, y, "o", color=INK, markerfacecolor=PAPER, markersize=5,
                     markeredgewidth=1.3, zorder=5, clip_on=False)  # fmt: skip
        if where is None:
            return
        self.boxes.append(where)
        left, bottom, right, top = where
        end = np.clip(at, [left, bottom], [right, top])
        start = at + 0.05 * (end - at) / max(float(np.hypot(*(end - at))), 1e-9)
        line = np.stack([start, end]) / self.size * self.span + self.origin
        self.ax.plot(*line.T, color=MUTED, linewidth=0.8, linestyle="-", zorder=2)
        middle = np.array([(left + right) / 2, (bottom + top) / 2])
        self.ax.text(*(middle / self.size * self.span + self.origin), shown, fontsize=SMALL,
                     color=INK, ha="center", va="center", zorder=6, linespacing=1.15)  # fmt: skip

    def name(self, function: Callable, text: str, colour: str, *, bold: bool) -> None:
        """A curve's letter beside it, towards its right end."""
        best, where = np.inf, None
        low, high = self.ax.get_xlim()
        for x in np.linspace(low + 0.1 * (high - low), high, 40):
            y = float(function(np.array([x]))[0])
            at = self._inches(np.array([[x, y]]))[0]
            if not (0 <= at[1] <= self.size[1]):
                continue
            for offset in ((0, 0.17), (0, -0.17), (0.17, 0), (-0.17, 0)):
                middle = at + np.array(offset)
                box = (middle[0] - 0.08, middle[1] - 0.09, middle[0] + 0.08, middle[1] + 0.09)
                cost = self._cost(box, at) - 2 * (x - low) / (high - low)
                if cost < best:
                    best, where = cost, middle
        if where is not None:
            box = (where[0] - 0.08, where[1] - 0.09, where[0] + 0.08, where[1] + 0.09)
            self.boxes.append(box)
            self.ax.text(*(where / self.size * self.span + self.origin), text, color=colour,
                         fontsize=11, style="italic", ha="center", va="center", zorder=6,
                         fontweight="bold" if bold else "normal")  # fmt: skip


# --- the three panels of numbers --------------------------------------------------------------


def _gaussian(
    sheet: Sheet, card: Card, who: Identity, left: float, top: float, width: float
) -> None:
    sheet.heading(left, top, width, "A normal input goes through")
    widest = 0.0
    for row, word, text in ((0, "in", "rms 1, mean 0"), (1, "out", words.gaussian(card))):
        y = top + 0.28 + 0.18 * row
        sheet.text(left + 0.26, y, word, ha="right", color=MUTED)
        widest = max(widest, sheet.text(left + width, y, text, ha="right"))
    ax = sheet.axes(left + 0.32, top + 0.26, width - widest - 0.42, 0.36)
    mean = 0.0 if abs(card.mean) < 5e-4 else card.mean
    reach = max(1.0, card.rms)
    start = min(0.0, mean)
    ax.set(xlim=(start - 0.02, start + max(reach - start, 1e-9)), ylim=(0, 2))
    grey, tint = ramp_colours("muted")[1], ramp_colours(who.hue)[1]
    for row, rms, average, face, colour in (
        (1, 1.0, 0.0, grey, MUTED),
        (0, card.rms, mean, tint, who.colour),
    ):
        ax.barh(row + 0.5, rms, height=0.66, color=face)
        ax.plot([average, average], [row + 0.05, row + 0.95], color=colour, linewidth=2.4,
                linestyle="-", solid_capstyle="butt")  # fmt: skip
    sheet.text(left, top + 0.68, words.through(card) + ";", fontsize=SMALL)
    sheet.text(left, top + 0.82, words.growth(card), fontsize=SMALL)


def _reach(card: Card) -> tuple[float, float]:
    """The part of the x axis on which the ends of the floats lie."""
    ends = [
        end
        for dtype, limit in card.limits.items()
        for pair in (*limit.slope_zero, *limit.output_zero)
        for end in pair
        if dtype != "float64" and np.isfinite(end) and 1e-3 < abs(end) <= 130
    ]
    low = min([end for end in ends if end < 0], default=-8.0)
    high = max([end for end in ends if end > 0], default=0.0)
    return _round_out(min(low, -8.0)), _round_out(high) if high else 3.0


def _round_out(value: float) -> float:
    step = 5 if abs(value) < 40 else 20
    return float(np.sign(value) * step * np.ceil(1.1 * abs(value) / step))


def _limits(sheet: Sheet, card: Card, who: Identity, left: float, top: float, width: float) -> None:
    sheet.heading(left, top, width, "Where the floats end", "what −5 gives")
    if not card.limits:
        sheet.text(left, top + 0.3, "not measured: needs PyTorch", color=MUTED)
        return
    low, high = _reach(card)
    room = width - 1.62
    ax = sheet.axes(left + 0.36, top + 0.28, room, 0.72)
    rows = len(DTYPES)
    ax.set(xlim=(low, high), ylim=(rows, 0))
    grey, tint = ramp_colours("muted")[1], ramp_colours(who.hue)[2]
    for row, (dtype, word) in enumerate(DTYPES.items()):
        limit = card.limits[dtype]
        ax.barh(row + 0.5, high - low, left=low, height=0.62, color=grey, alpha=0.5)
        for intervals, colour in ((limit.output_zero, tint), (limit.slope_zero, who.colour)):
            for a, b in intervals:
                a, b = max(a, low), min(b, high)
                if b > a:
                    ax.barh(row + 0.5, b - a, left=a, height=0.62, color=colour)
        y = top + 0.3 + 0.18 * row
        sheet.text(left + 0.32, y, word, ha="right", color=MUTED, fontsize=SMALL)
        sheet.text(left + width - 1.2, y, words.number(limit.at_five, whole=False), fontsize=SMALL)
        sheet.text(left + width, y, _error(limit.at_five, card.exact_five, dtype), ha="right",
                   fontsize=SMALL, color=MUTED)  # fmt: skip
    ax.plot([FAR_LEFT, FAR_LEFT], [-0.1, rows + 0.1], color=INK, linewidth=1.2, linestyle="-",
            clip_on=False)  # fmt: skip
    written: list[float] = []
    for place in (low, high if high > 3 else 0.0, 0.0, FAR_LEFT):
        x = left + 0.36 + room * (place - low) / (high - low)
        if all(abs(x - other) > 0.3 for other in written):
            sheet.text(x, top + 1.03, words.number(place), ha="center", fontsize=SMALL, color=MUTED)
            written.append(x)
    limits = card.limits.values()
    used = [
        (colour, text)
        for colour, text, intervals in (
            (who.colour, "slope is 0", [limit.slope_zero for limit in limits]),
            (
                tint,
                "only the output is 0",
                [_only(limit, low, high) for limit in limits],
            ),
        )
        if any(intervals)
    ]
    over = [(DTYPES[d], limit.overflow) for d, limit in card.limits.items() if limit.overflow]
    after = "; ".join(f"{word} overflows from {words.number(x)}" for word, x in over)
    if not used:
        sheet.text(left, top + 1.22, "neither output nor slope is ever exactly 0", fontsize=SMALL)
        return
    x = left
    for colour, text in used:
        box = sheet.axes(x, top + 1.235, 0.1, 0.1)
        box.bar(0.5, 1, width=1, color=colour)
        box.set(xlim=(0, 1), ylim=(0, 1))
        x += 0.3 + sheet.text(x + 0.15, top + 1.22, text, fontsize=SMALL)
    if after:
        sheet.text(x, top + 1.22, after, fontsize=SMALL)


def _only(limit: Limits, low: float, high: float) -> bool:
    """Whether, in the part that is drawn, the output is 0 on a visible stretch with a slope."""
    x = np.linspace(low, high, 401)

    def within(intervals: tuple[tuple[float, float], ...]) -> np.ndarray:
        return np.any([(a <= x) & (x <= b) for a, b in intervals], axis=0)

    return bool(np.sum(within(limit.output_zero) & ~within(limit.slope_zero)) > 6)


def _error(found: float, exact: float, dtype: str) -> str:
    if found == exact == 0:
        return "exact"
    share = abs(found - exact) / abs(exact)
    if dtype == "float64" and share < 1e-12:
        return "exact"
    if share < 1e-4:
        return "right"
    return f"{words.number(100 * share, 2)} % off"


def _cost(sheet: Sheet, card: Card, who: Identity, left: float, top: float, width: float) -> None:
    sheet.heading(left, top, width, "Cost against a copy", "float32, CPU, 1 thread")
    cost = card.cost
    if cost is None:
        sheet.text(left, top + 0.3, "not in the record yet", color=MUTED)
        return
    rows = [("copy", 1.0, MUTED, INK, "normal")]
    rows += [
        (identity(other).label, times, identity(other).colour, INK, "normal")
        for other, times in sorted(cost.others.items(), key=lambda item: item[1])
    ]
    rows.append((_short(who.label), cost.forward, who.colour, who.colour, "bold"))
    if cost.backward is not None:
        rows.append(("backward", cost.backward, ramp_colours(who.hue)[3], who.colour, "normal"))
    name = 0.98
    longest = max(times for _, times, *_ in rows)
    ax = sheet.axes(left + name, top + 0.27, width - name - 0.42, 0.175 * len(rows))
    ax.set(xlim=(0, longest), ylim=(len(rows), 0))
    for row, (label, times, colour, ink, weight) in enumerate(rows):
        ax.barh(row + 0.5, times, height=0.66, color=colour)
        y = top + 0.28 + 0.175 * row
        sheet.text(left + name - 0.06, y, label, ha="right", color=ink, fontweight=weight)
        x = left + name + (width - name - 0.42) * times / longest + 0.05
        sheet.text(x, y, f"{words.number(times, 2)}×" if row else "1")
    kind = "PyTorch's own" if cost.implementation == "builtin" else "composed in PyTorch"
    below = f"{kind}; {words.where(cost).split(' ')[0]} numbers, not in cache"
    if card.gpu:
        passes = [(card.gpu.forward, "forward"), (card.gpu.backward, "backward")]
        said = ", ".join(f"{words.number(x, 2)}× {mode}" for x, mode in passes if x)
        device = card.gpu.device.removeprefix("NVIDIA ").split(" ")[0]
        below = f"{device}, {DTYPES[card.gpu.dtype]}: {said}"
    sheet.text(left, top + 0.34 + 0.175 * len(rows), below, fontsize=SMALL, color=MUTED)


def _short(label: str) -> str:
    return label.replace("GELU, tanh form", "GELU, tanh")


def _verdict(
    sheet: Sheet, card: Card, who: Identity, left: float, top: float, width: float
) -> None:
    sheet.heading(left, top, width, "Verdict")
    for row, line in enumerate(words.verdict(card)):
        y = top + 0.27 + 0.335 * row
        sheet.text(left, y, line.word, fontsize=9.5, fontweight="bold", color=who.colour)
        narrow = width < 3.5
        sheet.text(left + 0.5, y, line.text, fontsize=9 if narrow else 9.5)
        sheet.text(left + 0.5, y + 0.155, line.small, fontsize=SMALL, color=MUTED)


def formula(name: str) -> str:
    """LaTeX of a function, for a page that can set it."""
    return get(name).formula
