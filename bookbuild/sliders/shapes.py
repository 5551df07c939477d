"""Figures of functions: the catalogue side by side, a family with a dial, softmax."""

from __future__ import annotations

import numpy as np

from actlab.functions import CATALOGUE, get
from bookbuild.sliders.model import (
    Bank,
    Control,
    Curve,
    Figure,
    Panel,
    Reading,
    Trace,
    grid,
    inside,
    spans,
    ticks,
)

STEP = 0.05


def compare_functions() -> Figure:
    """Any two elementwise functions of the catalogue, and their derivatives."""
    low, high = -4.0, 7.0
    entries = [entry for entry in CATALOGUE.values() if entry.kind == "elementwise"]
    values, slopes = [], []
    for entry in entries:
        pieces = spans(low, high, STEP, entry.kinks(**entry.defaults))
        values.append(Trace(entry.forward(grid(pieces)), pieces))
        slopes.append(Trace(entry.derivative(inside(pieces)), pieces))
    names = [entry.name for entry in entries]
    texts = tuple(_with_parameters(entry) for entry in entries)
    first, second = names.index("relu"), names.index("gelu")
    return Figure(
        name="compare-functions",
        title="Two functions and their derivatives",
        controls=(
            Control("First function", texts, first, kind="select"),
            Control("Second function", texts, second, kind="select"),
        ),
        reading=Reading("Read off at x", "at x = {}", low, high, STEP, 1.0, 2),
        panels=(
            Panel(
                "function f(x)",
                "preactivation x",
                (low, high),
                (-2, 7),
                ticks(-4, -2, 0, 2, 4, 6),
                ticks(-2, 0, 2, 4, 6),
                "f(x)",
            ),
            Panel(
                "derivative f′(x)",
                "preactivation x",
                (low, high),
                (-0.25, 1.5),
                ticks(-4, -2, 0, 2, 4, 6),
                ticks(0, 0.5, 1, 1.5, digits=1),
                "f′(x)",
            ),
        ),
        banks={"value": Bank(tuple(values)), "slope": Bank(tuple(slopes))},
        curves=(
            Curve(0, "value", 0, 0),
            Curve(1, "slope", 0, 0),
            Curve(0, "value", 1, 1),
            Curve(1, "slope", 1, 1),
        ),
        rows=("", ""),
    )


# LaTeX of the catalogue's parameters in plain text.
LETTERS = {r"\alpha": "α", r"\beta": "β", r"\ell": "ℓ"}


def _with_parameters(entry) -> str:
    """A function's title with the values of its parameters, in plain text."""

    def letter(symbol: str) -> str:
        for latex, plain in LETTERS.items():
            symbol = symbol.replace(latex, plain)
        return symbol

    set_to = ", ".join(f"{letter(p.symbol)} = {p.default:.3g}" for p in entry.parameters)
    return f"{entry.title}, {set_to}" if set_to else entry.title


def swish_beta() -> Figure:
    """x·σ(βx) from x/2 to nearly ReLU, with GELU beside it."""
    low, high = -4.0, 4.0
    pieces = spans(low, high, STEP)
    x = grid(pieces)
    betas = np.round(np.arange(0, 6.01, 0.1), 1)
    family, gelu = get("silu"), get("gelu")
    values = [family.forward(x, beta=beta) for beta in betas]
    slopes = [family.derivative(x, beta=beta) for beta in betas]
    gaps = [
        (np.abs(value - gelu.forward(x)).max(), np.abs(slope - gelu.derivative(x)).max())
        for value, slope in zip(values, slopes, strict=True)
    ]
    notes = tuple(
        f"Largest distance from GELU between {low:g} and {high:g}: {of_value:.3f} in the value, "
        f"{of_slope:.3f} in the slope.".replace("-", "−")
        for of_value, of_slope in gaps
    )
    return Figure(
        name="swish-beta",
        title="x·σ(βx) beside GELU",
        controls=(
            Control(
                "Sharpness β",
                tuple(f"{beta:.1f}" for beta in betas),
                10,
                prints=(0, 60),
                notes=notes,
            ),
        ),
        reading=Reading("Read off at x", "at x = {}", low, high, STEP, 1.0, 2),
        panels=(
            Panel(
                "function",
                "preactivation x",
                (low, high),
                (-1, 3),
                ticks(-4, -2, 0, 2, 4),
                ticks(-1, 0, 1, 2, 3),
                "f(x)",
            ),
            Panel(
                "derivative",
                "preactivation x",
                (low, high),
                (-0.25, 1.25),
                ticks(-4, -2, 0, 2, 4),
                ticks(0, 0.5, 1, digits=1),
                "f′(x)",
            ),
        ),
        banks={
            "value": Bank(tuple(Trace(value, pieces) for value in values)),
            "slope": Bank(tuple(Trace(slope, pieces) for slope in slopes)),
            "gelu": Bank((Trace(gelu.forward(x), pieces),)),
            "gelu slope": Bank((Trace(gelu.derivative(x), pieces),)),
        },
        curves=(
            Curve(0, "gelu", 1, None),
            Curve(1, "gelu slope", 1, None),
            Curve(0, "value", 0),
            Curve(1, "slope", 0),
        ),
        rows=("x·σ(βx)", "GELU"),
    )
