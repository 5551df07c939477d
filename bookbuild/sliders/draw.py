"""The HTML of a figure as the server writes it: complete, and the script only moves what is there.

Every panel is an SVG of fixed proportions, so nothing in the page moves when the script arrives.
Colours are presentation attributes from the book's palette, which a style sheet that knows the
theme overrides; an EPUB or a PDF that has no such style sheet shows the light ones.
"""

from __future__ import annotations

import html
import itertools
import math
from collections.abc import Sequence

import numpy as np

from bookbuild.sliders.model import (
    BOX,
    HEIGHT,
    WIDTH,
    Control,
    Curve,
    Figure,
    Panel,
    Trace,
    superscript,
)

# On paper, and in any reader without the book's style sheet: the light colours of
# actlab.plotting.PALETTE, which is not imported because it brings matplotlib.
INK, MUTED, GRID = "#1c2127", "#59626d", "#d3d9e0"
ROW_COLOURS = ("#0b63b5", "#b34a00")
ROW_DASHES = ("", "7 4")
#: Characters that a line of the note surely holds, on a wide page and on a phone.
LINES = (70, 36)


def text_of(value: float, panel: Panel) -> str:
    """A value as the read-out shows it; the script does the same (``show`` in slider.js)."""
    if panel.format == "power":
        exponent = int(np.floor(value))
        mantissa = round(10 ** (value - exponent), panel.digits)
        if mantissa >= 10:
            mantissa, exponent = mantissa / 10, exponent + 1
        shown = f"{mantissa:.{panel.digits}f}·10{superscript(exponent)}"
    else:
        shown = _plain(value, panel.digits)
    return shown + panel.unit


def _plain(value: float, digits: int) -> str:
    """Fixed decimals, a true minus sign, and no minus in front of zero."""
    shown = f"{value:.{digits}f}"
    if float(shown) == 0:
        shown = shown.lstrip("-")
    return shown.replace("-", "−")


def read(trace: Trace, place: float) -> tuple[float, float]:
    """The values of a trace just left and just right of a place, by linear interpolation."""
    x, y = trace.places, trace.y
    near = 1e-9 * max(1.0, float(x[-1] - x[0]))
    left = int(np.searchsorted(x, place - near))
    right = int(np.searchsorted(x, place + near, side="right")) - 1
    if left > right:  # between two samples
        share = (place - x[right]) / (x[left] - x[right])
        middle = float(y[right] + share * (y[left] - y[right]))
        return middle, middle
    return float(y[left]), float(y[right])


def _to_pixels(trace: Trace, panel: Panel) -> np.ndarray:
    left, top, width, height = BOX
    x = left + width * (trace.places - panel.x[0]) / (panel.x[1] - panel.x[0])
    y = top + height * (panel.y[1] - trace.y) / (panel.y[1] - panel.y[0])
    # What lies far outside is cut off by the clip path anyway.
    return np.stack([x, np.clip(y, -9999, 9999)], axis=1)


def _thinned(points: np.ndarray, tolerance: float = 0.12) -> np.ndarray:
    """Fewer points for the same polyline, to within ``tolerance`` pixels (Douglas and Peucker)."""
    keep = np.zeros(len(points), bool)
    keep[[0, -1]] = True
    waiting = [(0, len(points) - 1)]
    while waiting:
        first, last = waiting.pop()
        if last - first < 2:
            continue
        along = points[last] - points[first]
        away = points[first + 1 : last] - points[first]
        length = float(np.hypot(*along)) or 1.0
        distance = np.abs(along[0] * away[:, 1] - along[1] * away[:, 0]) / length
        worst = int(distance.argmax())
        if distance[worst] > tolerance:
            keep[first + 1 + worst] = True
            waiting += [(first, first + 1 + worst), (first + 1 + worst, last)]
    return points[keep]


def path(trace: Trace, panel: Panel, style: str = "line") -> str:
    """The ``d`` of a trace, in one of the styles of a :class:`Curve`."""
    points = _to_pixels(trace, panel)
    if style == "dots":
        return "".join(
            f"M{x - 3.5:.1f} {y:.1f}a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0-7 0" for x, y in points
        )
    jumps = np.flatnonzero((np.diff(trace.places) == 0) & (np.diff(trace.y) != 0)) + 1
    parts = [points] if style == "steps" else np.split(points, jumps)
    return "".join("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in _thinned(part)) for part in parts)


def _axes(panel: Panel, clip: str) -> str:
    left, top, width, height = BOX
    right, bottom = left + width, top + height

    def across(place: float) -> float:
        return round(left + width * (place - panel.x[0]) / (panel.x[1] - panel.x[0]), 1)

    def up(place: float) -> float:
        return round(top + height * (panel.y[1] - place) / (panel.y[1] - panel.y[0]), 1)

    def line(kind: str, colour: str, d: str, extra: str = "") -> str:
        return f'<path class="sf-{kind}" d="{d}" stroke="{colour}" fill="none"{extra}/>'

    rules = "".join(f"M{across(x)} {top}V{bottom}" for x, _ in panel.x_ticks)
    rules += "".join(f"M{left} {up(y)}H{right}" for y, _ in panel.y_ticks)
    zeros = f"M{left} {up(0)}H{right}" if panel.y[0] < 0 < panel.y[1] else ""
    zeros += f"M{across(0)} {top}V{bottom}" if panel.x[0] < 0 < panel.x[1] else ""
    edges = f"M{left} {top}V{bottom}H{right}"
    parts = [
        f'<clipPath id="{clip}"><rect x="{left}" y="{top - 1}" width="{width + 1}" '
        f'height="{height + 2}"/></clipPath>',
        line("grid", GRID, rules),
        line("zero", MUTED, zeros + edges),
    ]
    sizes = {"tick": "12", "label": "12.5", "title": '13.5" font-weight="600'}
    labels = [
        *((across(x), bottom + 16, "middle", text, "tick") for x, text in panel.x_ticks),
        *((left - 6, up(y) + 4, "end", text, "tick") for y, text in panel.y_ticks),
        ((left + right) / 2, bottom + 37, "middle", panel.x_label, "label"),
        (left - 30, 17, "start", panel.title, "title"),
    ]
    if panel.guides:
        lines = "".join(f"M{across(x)} {top}V{bottom}" for x, _ in panel.guides)
        parts.append(line("guide", MUTED, lines, ' stroke-dasharray="1 3"'))
        parts += [
            f'<text class="sf-tick" transform="translate({across(x) + 12:g} {bottom - 6})'
            f' rotate(-90)" font-size="12" fill="{MUTED}">{html.escape(text)}</text>'
            for x, text in panel.guides
        ]
    parts += [
        f'<text class="sf-{kind}" x="{x:g}" y="{y:g}" text-anchor="{anchor}" '
        f'font-size="{sizes[kind]}" fill="{MUTED if kind == "tick" else INK}">'
        f"{html.escape(text)}</text>"
        for x, y, anchor, text, kind in labels
    ]
    return "".join(parts)


def _curve(figure: Figure, index: int, curve: Curve, positions: Sequence[int], live: bool) -> str:
    trace = figure.banks[curve.bank].sent(figure.position(curve, positions))
    d = path(trace, figure.panels[curve.panel], curve.style)
    colour = ROW_COLOURS[curve.row]
    paint = (
        f'fill="{colour}"'
        if curve.style == "dots"
        else f'fill="none" stroke="{colour}" stroke-width="5"'
        if curve.style == "rug"
        else f'fill="none" stroke="{colour}" stroke-width="2.2" stroke-linejoin="round"'
        + (f' stroke-dasharray="{ROW_DASHES[curve.row]}"' if ROW_DASHES[curve.row] else "")
    )
    number = f' data-curve="{index}"' if live else ""
    kind = curve.style if curve.style in ("dots", "rug") else "line"
    return f'<path class="sf-{kind} sf-row{curve.row}"{number} {paint} d="{d}"/>'


def _panel(figure: Figure, number: int, positions: Sequence[int], live: bool) -> str:
    """One panel: the live one with its axes, or a printed one that borrows them."""
    frame, clip = f"{figure.name}-axes{number}", f"{figure.name}-clip{number}"
    axes = _axes(figure.panels[number], clip)
    curves = "".join(
        _curve(figure, index, curve, positions, live)
        for index, curve in enumerate(figure.curves)
        if curve.panel == number
    )
    inner = f'<g id="{frame}">{axes}</g>' if live else f'<use href="#{frame}"/>'
    mark = f' data-panel="{number}"' if live else ""
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        f'font-family="sans-serif" aria-hidden="true" focusable="false"{mark}>{inner}'
        f'<g clip-path="url(#{clip})">{curves}</g></svg>'
    )


def _swatch(row: int) -> str:
    dash = f' stroke-dasharray="{ROW_DASHES[row]}"' if ROW_DASHES[row] else ""
    return (
        '<svg class="sf-swatch" viewBox="0 0 30 10" width="30" height="10" aria-hidden="true">'
        f'<path class="sf-line sf-row{row}" d="M1 5H29" fill="none" stroke="{ROW_COLOURS[row]}" '
        f'stroke-width="2.4"{dash}/></svg>'
    )


def _row_names(figure: Figure, positions: Sequence[int]) -> list[str]:
    return [
        name or figure.controls[row].texts[positions[row]] for row, name in enumerate(figure.rows)
    ]


def _readout(figure: Figure, positions: Sequence[int]) -> str:
    """A table: a row for each kind of line, a column for each panel."""
    place = figure.reading.low + figure.reading.first * figure.reading.step
    head = "".join(f'<th scope="col">{html.escape(panel.symbol)}</th>' for panel in figure.panels)
    corner = figure.reading.heading.format(_plain(place, figure.reading.digits))
    rows = []
    for row, name in enumerate(_row_names(figure, positions)):
        cells = []
        for number, panel in enumerate(figure.panels):
            shown = ""
            for index, curve in enumerate(figure.curves):
                if (curve.panel, curve.row) == (number, row) and curve.is_read:
                    trace = figure.banks[curve.bank].sent(figure.position(curve, positions))
                    left, right = (text_of(value, panel) for value in read(trace, place))
                    shown = left if left == right else f"{left} → {right}"
                    shown = f' data-value="{index}">{html.escape(shown)}'
            cells.append(f"<td{shown or '>'}</td>")
        named = f'<span data-name="{row}">{html.escape(name)}</span>'
        rows.append(f'<tr><th scope="row">{_swatch(row)}{named}</th>{"".join(cells)}</tr>')
    return (
        f'<table class="sf-values"><thead><tr><th scope="col" data-place>{html.escape(corner)}</th>'
        f"{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
    )


def _control(figure: Figure, number: int, control: Control) -> str:
    name = f"{figure.name}-control{number}"
    label = html.escape(control.label)
    shown = html.escape(control.texts[control.start])
    if control.kind == "select":
        options = "".join(
            f'<option value="{k}"{" selected" * (k == control.start)}>{html.escape(text)}</option>'
            for k, text in enumerate(control.texts)
        )
        return (
            f'<div class="sf-control sf-choice"><label for="{name}">{_swatch(number)}{label}'
            f'</label><select id="{name}" data-control="{number}" autocomplete="off">{options}'
            "</select></div>"
        )
    if control.kind == "switch":
        return _switch(name, label, number, control)
    return _slider(name, label, len(control.texts) - 1, control.start, shown, f"control={number}")


def _switch(name: str, label: str, number: int, control: Control) -> str:
    """A few buttons of which one is down; arrow keys go from one to the next."""
    buttons = "".join(
        f'<input type="radio" id="{name}-{k}" name="{name}" value="{k}" autocomplete="off"'
        f'{" checked" * (k == control.start)}><label for="{name}-{k}">{html.escape(text)}</label>'
        for k, text in enumerate(control.texts)
    )
    return (
        f'<fieldset class="sf-control sf-switch" data-control="{number}"><legend>{label}</legend>'
        f'<div class="sf-buttons">{buttons}</div></fieldset>'
    )


def _slider(name: str, label: str, last: int, start: int, shown: str, role: str) -> str:
    key, _, value = role.partition("=")
    return (
        f'<div class="sf-control"><label for="{name}">{label}</label>'
        f'<span class="sf-shown" aria-hidden="true">{shown}</span>'
        f'<input type="range" id="{name}" min="0" max="{last}" step="1" value="{start}" '
        f'autocomplete="off" aria-valuetext="{shown}" data-{key}="{value}"></div>'
    )


def _room(figure: Figure) -> str:
    """Lines for the longest note, on a wide page and on a phone, so that none moves the page."""
    lines = (math.ceil(figure.longest_note / width) for width in LINES)
    return "; ".join(
        f"--sf-{name}: {number}" for name, number in zip(("wide", "narrow"), lines, strict=True)
    )


def _printed(figure: Figure) -> str:
    """The figure at other positions, for paper and for readers without scripts."""
    shown = []
    for number, control in enumerate(figure.controls):
        for position in control.prints:
            positions = [c.start for c in figure.controls]
            positions[number] = position
            panels = "".join(
                _panel(figure, k, positions, live=False) for k in range(len(figure.panels))
            )
            caption = f"{control.label}: {control.texts[position]}. {figure.note(positions)}"
            shown.append(
                f'<div class="sf-panels">{panels}</div>'
                f'<p class="sf-caption">{html.escape(caption.strip())}</p>'
            )
    return "".join(shown)


def figure_html(figure: Figure, alt: str) -> str:
    """The whole figure.

    Args:
        figure: what to draw, at the positions at which its controls start.
        alt: what is to be seen, for readers who do not see it.
    """
    positions = [control.start for control in figure.controls]
    panels = "".join(_panel(figure, k, positions, live=True) for k in range(len(figure.panels)))
    controls = "".join(_control(figure, k, control) for k, control in enumerate(figure.controls))
    reading = figure.reading
    controls += _slider(
        f"{figure.name}-place",
        html.escape(reading.label),
        reading.last,
        reading.first,
        _plain(reading.low + reading.first * reading.step, reading.digits),
        "reading=x",
    )
    caption = "; ".join(
        f"{control.label}: {control.texts[position]}"
        for control, position in zip(figure.controls, positions, strict=True)
    )
    note = figure.note(positions)
    return "".join(
        itertools.chain(
            [f'<figure class="slider-figure" id="figure-{figure.name}" '],
            [f'data-figure="{figure.name}">'],
            [f'<figcaption class="sf-heading">{html.escape(figure.title)}</figcaption>'],
            [f'<div class="sf-panels" role="img" aria-label="{html.escape(alt, quote=True)}">'],
            [panels, "</div>"],
            [f'<div class="sf-controls" role="group" aria-label="{html.escape(figure.title)}">'],
            [controls, "</div>"],
            [f'<p class="sf-caption sf-fixed">{html.escape(caption)}.</p>'],
            [_readout(figure, positions)],
            [f'<div class="sf-foot"><p class="sf-note" style="{_room(figure)}">'],
            [html.escape(note), "</p>"],
            ['<button type="button" class="sf-reset">Reset</button></div>'],
            ['<p class="sf-status" role="status"></p>'],
            [f'<div class="sf-printed">{_printed(figure)}</div>'],
            ["</figure>"],
        )
    )
