"""The pictures of a report as SVG that follows the page's theme: its colours are CSS variables."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

#: The strips of a format run over x = ±2^-16 … ±2^16, each half in steps of the exponent.
_REACH = 16
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def _path(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{'M' if i == 0 else 'L'}{x:.1f} {y:.1f}" for i, (x, y) in enumerate(points))


def _svg(width: int, height: int, title: str, inside: list[str]) -> str:
    return (
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(title)}" '
        f'style="max-width:{width}px">{"".join(inside)}</svg>'
    )


def _text(x: float, y: float, words: str, look: str = "m", anchor: str = "start") -> str:
    place = f'x="{x:.1f}" y="{y:.1f}"'
    return f'<text {place} class="{look}" text-anchor="{anchor}">{escape(words)}</text>'


# --- curve and slope ------------------------------------------------------------------------------


def curve(drawn: Mapping[str, Sequence[float]], curve_: Mapping[str, Any]) -> str:
    """f as a thick line and f′ as a dashed one, with rings at the lowest point and at kinks."""
    width, height, edge = 640, 300, 24
    x = drawn["x"]
    shown = [i for i, at in enumerate(x) if -5 <= at <= 5]
    values = [drawn[k][i] for k in ("f", "slope") for i in shown]
    finite = [v for v in values if math.isfinite(v)]
    if not finite:
        return "<p>There is nothing finite to draw on [−5, 5].</p>"
    low, high = max(min(finite), -3.0), min(max(finite), 3.5)
    room = 0.12 * (high - low or 1.0)
    low, high = low - room, high + room

    def at(a: float, b: float) -> tuple[float, float]:
        return (
            edge + (a + 5) / 10 * (width - 2 * edge),
            height - edge - (b - low) / (high - low) * (height - 2 * edge),
        )

    inside = []
    zero, origin = at(0, low)[0], at(0, min(max(0.0, low), high))[1]
    inside.append(f'<path class="g" d="M{edge} {origin:.1f} H{width - edge}"/>')
    inside.append(f'<path class="g" d="M{zero:.1f} {edge} V{height - edge}"/>')
    for tick in (-4, -2, 2, 4):
        inside.append(
            _text(at(tick, 0)[0], origin + 14, str(tick).replace("-", "−"), "m", "middle")
        )
    for tick in range(math.ceil(low), math.floor(high) + 1):
        if tick:
            inside.append(
                _text(zero - 6, at(0, tick)[1] + 4, str(tick).replace("-", "−"), "m", "end")
            )
    kinks = [float(k) for k in curve_["kinks"]]
    for key, look in (("slope", "s"), ("f", "f")):
        for piece in _pieces(x, drawn[key], shown, kinks, low, high):
            inside.append(f'<path class="{look}" d="{_path([at(a, b) for a, b in piece])}"/>')
    rings = [(k, "kink") for k in kinks if -5 < k < 5]
    lowest = curve_.get("lowest")
    if lowest and math.isfinite(lowest["at"]) and -5 < lowest["at"] < 5 and not rings:
        rings.append((lowest["at"], "lowest"))
    for place, word in rings[:4]:
        near = min(shown, key=lambda i: abs(x[i] - place))
        value = drawn["f"][near]
        if math.isfinite(value) and low < value < high:
            a, b = at(place, value)
            inside.append(f'<circle class="r" cx="{a:.1f}" cy="{b:.1f}" r="4.5"/>')
            inside.append(_text(a + 9, b + 16, f"{word} at {place:.3g}".replace("-", "−"), "t"))
    inside.append(_text(width - edge, edge - 6, "thick: f, dashed: f′", "m", "end"))
    return _svg(width, height, "The function and its derivative on [−5, 5]", inside)


def _pieces(
    x: Sequence[float],
    y: Sequence[float],
    shown: list[int],
    kinks: list[float],
    low: float,
    high: float,
) -> list[list[tuple[float, float]]]:
    pieces: list[list[tuple[float, float]]] = [[]]
    for i in shown:
        inside = math.isfinite(y[i]) and low <= y[i] <= high
        cut = any(x[i - 1] < k <= x[i] for k in kinks) if i else False
        if not inside or cut:
            pieces.append([])
        if inside:
            pieces[-1].append((x[i], y[i]))
    return [piece for piece in pieces if len(piece) > 1]


# --- where the floats end -------------------------------------------------------------------------


def _along(x: float, width: float) -> float:
    """The place of a number on an axis that is linear in its exponent on both sides of 0."""
    if x == 0:
        return width / 2
    power = math.log2(abs(x)) if math.isfinite(x) else math.inf
    share = min(max((power + _REACH) / (2 * _REACH), 0.0), 1.0)
    return width / 2 * (1 + math.copysign(share, x))


def strips(rows: Sequence[tuple[str, Sequence[tuple[float, float, str]]]]) -> str:
    """A strip for each format, of f and of f′, with bad intervals in the colour of their kind."""
    left, width, step = 132, 500, 20
    inside = []
    for row, (label, intervals) in enumerate(rows):
        y = 6 + step * row
        inside.append(_text(left - 8, y + 11, label, "t", "end"))
        inside.append(f'<rect class="b" x="{left}" y="{y}" width="{width}" height="13"/>')
        for low, high, kind in intervals:
            a, b = _along(low, width), _along(high, width)
            inside.append(
                f'<rect class="k-{kind}" x="{left + a:.1f}" y="{y}" width="{max(b - a, 1.5):.1f}" '
                f'height="13"><title>{escape(kind)}: {low:.5g} to {high:.5g}</title></rect>'
            )
    bottom = 6 + step * len(rows)
    for x, word in ((-65536, "−2¹⁶"), (-256, "−2⁸"), (-1, "−1"), (-(2**-8), "−2⁻⁸"), (0, "0"),
                    (2**-8, "2⁻⁸"), (1, "1"), (256, "2⁸"), (65536, "2¹⁶")):  # fmt: skip
        place = left + _along(x, width)
        inside.append(f'<path class="g" d="M{place:.1f} 4 V{bottom}"/>')
        inside.append(_text(place, bottom + 12, word, "m", "middle"))
    return _svg(left + width + 16, bottom + 20, "Where each float format goes wrong", inside)


def bins(counts: Mapping[str, int]) -> str:
    """The shares of errors of 0, 1, 2, 3–10, 11–100 and more ulp as one bar."""
    total = sum(counts.values()) or 1
    x, inside = 0.0, []
    for place, (name, count) in enumerate(counts.items()):
        wide = 160 * count / total
        if count:
            wide = max(wide, 1.5)
        inside.append(
            f'<rect class="u{place}" x="{x:.1f}" y="1" width="{wide:.1f}" height="12">'
            f"<title>{name} ulp: {count}</title></rect>"
        )
        x += wide
    words = ", ".join(f"{name} ulp: {count}" for name, count in counts.items())
    return _svg(170, 14, words, inside)


def layers(found: Mapping[str, Mapping[str, Any]]) -> str:
    """The gradient at each of 50 layers over that at the last, in powers of ten."""
    width, height, edge = 640, 220, 46
    right = 96
    powers = {
        name: [math.log10(v) if 0 < v < math.inf else math.nan for v in layer["gradients"]]
        for name, layer in found.items()
    }
    seen = [p for line in powers.values() for p in line if math.isfinite(p)]
    if not seen:
        return "<p>No gradient comes through.</p>"
    low, high = max(min(seen), -20), min(max(seen), 20)
    low, high = min(low, -1), max(high, 1)

    def at(layer: int, power: float) -> tuple[float, float]:
        return (
            edge + layer / 49 * (width - edge - right),
            14 + (high - min(max(power, low), high)) / (high - low) * (height - 44),
        )

    inside = [f'<path class="g" d="M{edge} {at(0, 0)[1]:.1f} H{width - right}"/>']
    for power in sorted({math.ceil(low), 0, math.floor(high)}):
        word = "1" if power == 0 else f"10{str(power).translate(_SUPERSCRIPTS)}"
        inside.append(_text(edge - 4, at(0, power)[1] + 4, word, "m", "end"))
    ends: list[float] = []
    for place, (name, line) in enumerate(powers.items()):
        points = [at(i, p) for i, p in enumerate(line) if math.isfinite(p)]
        if len(points) < 2:
            continue
        inside.append(f'<path class="l{place}" d="{_path(points)}"/>')
        y = points[0][1]
        while any(abs(y - other) < 13 for other in ends):
            y += 13 if y < height / 2 else -13
        ends.append(y)
        inside.append(f'<path class="l{place}" d="M{width - right + 8} {y:.1f} h18"/>')
        inside.append(_text(width - right + 30, y + 4, name, "t"))
    inside.append(_text(edge, height - 6, "first layer", "m"))
    inside.append(_text(width - right, height - 6, "layer 50", "m", "end"))
    return _svg(width, height, "The gradient through 50 layers under four initialisations", inside)
