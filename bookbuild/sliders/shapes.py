"""Figures of functions, in three floating-point types: the catalogue side by side, and a family."""

from __future__ import annotations

import numpy as np

from actlab.functions import CATALOGUE, Activation, get
from bookbuild.sliders import formats
from bookbuild.sliders.model import (
    Bank,
    Control,
    Curve,
    Figure,
    Panel,
    Pieces,
    Reading,
    Trace,
    grid,
    inside,
    spans,
    ticks,
)

STEP = 0.05
#: Ordinates of the bars that say where a slope is 0, one for each row.
RUGS = (-0.16, -0.21)
#: The switch that both figures have, as their last control.
TYPE = Control(
    "Floating-point type",
    formats.TYPES,
    0,
    notes=tuple(formats.apart(kind) for kind in formats.TYPES),
    kind="switch",
)


def _in_type(
    entry: Activation, pieces: Pieces, kind: str, **parameters: float
) -> tuple[np.ndarray, ...]:
    """Values and slopes on a grid; float32 cannot be told from the catalogue's float64."""
    if kind == formats.TYPES[0]:
        return (
            entry.forward(grid(pieces), **parameters),
            entry.derivative(inside(pieces), **parameters),
        )
    return formats.traces(entry.name, pieces, kind, **parameters)


def _rugs(rugs: list[list[list[list[float]]]], row: int) -> Bank:
    return Bank(tuple(Trace(np.array(of[row][1]), np.array(of[row][0])) for of in rugs), 0.01)


def compare_functions() -> Figure:
    """Any two elementwise functions of the catalogue, and their derivatives."""
    low, high = -4.0, 7.0
    entries = [entry for entry in CATALOGUE.values() if entry.kind == "elementwise"]
    values, slopes, rugs, notes = [], [], [], []
    for entry in entries:
        pieces = spans(low, high, STEP, entry.kinks(**entry.defaults))
        for kind in formats.TYPES:
            value, slope = _in_type(entry, pieces, kind, **entry.defaults)
            values.append(Trace(value, pieces))
            slopes.append(Trace(slope, pieces))
            silent = formats.silent(entry.name, kind, **entry.defaults)
            rugs.append([formats.rug(silent, low, high, y) for y in RUGS])
            found = formats.diagnosis(silent, entry.name, kind, **entry.defaults)
            notes.append(f"{entry.title} in {kind}: {found}.")
    names = [entry.name for entry in entries]
    texts = tuple(_with_parameters(entry) for entry in entries)
    first, second = names.index("relu"), names.index("gelu")
    return Figure(
        name="compare-functions",
        title="Two functions and their derivatives",
        controls=(
            Control("First function", texts, first, notes=tuple(notes), kind="select", by=2),
            Control("Second function", texts, second, notes=tuple(notes), kind="select", by=2),
            TYPE,
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
                "derivative f′(x); bars where it is 0",
                "preactivation x",
                (low, high),
                (-0.25, 1.5),
                ticks(-4, -2, 0, 2, 4, 6),
                ticks(0, 0.5, 1, 1.5, digits=1),
                "f′(x)",
            ),
        ),
        banks={
            "value": Bank(tuple(values)),
            "slope": Bank(tuple(slopes)),
            "zero 0": _rugs(rugs, 0),
            "zero 1": _rugs(rugs, 1),
        },
        curves=(
            Curve(1, "zero 0", 0, 0, "rug", by=2),
            Curve(1, "zero 1", 1, 1, "rug", by=2),
            Curve(0, "value", 0, 0, by=2),
            Curve(1, "slope", 0, 0, by=2),
            Curve(0, "value", 1, 1, by=2),
            Curve(1, "slope", 1, 1, by=2),
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
    betas = np.round(np.arange(0, 6.01, 0.1), 1)
    family, gelu = get("silu"), get("gelu")
    beside = [_in_type(gelu, pieces, kind) for kind in formats.TYPES]
    values, slopes, rugs, notes = [], [], [], []
    for beta in map(float, betas):
        for kind, gelus in zip(formats.TYPES, beside, strict=True):
            pair = _in_type(family, pieces, kind, beta=beta)
            values.append(Trace(pair[0], pieces))
            slopes.append(Trace(pair[1], pieces))
            silent = formats.silent("silu", kind, beta=beta)
            rugs.append([formats.rug(silent, low, high, RUGS[0])])
            gap = [np.abs(a - b).max() for a, b in zip(pair, gelus, strict=True)]
            notes.append(
                f"In {kind}: {formats.said(silent)}. Largest distance from GELU between {low:g} "
                f"and {high:g}: {gap[0]:.3f} in the value, {gap[1]:.3f} in the slope."
            )
    notes = [note.replace("-", "−") for note in notes]
    return Figure(
        name="swish-beta",
        title="x·σ(βx) beside GELU",
        controls=(
            Control(
                "Sharpness β",
                tuple(f"{beta:.1f}" for beta in betas),
                10,
                prints=(0, 60),
                notes=tuple(notes),
                by=1,
            ),
            TYPE,
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
                "derivative; a bar where it is 0",
                "preactivation x",
                (low, high),
                (-0.25, 1.25),
                ticks(-4, -2, 0, 2, 4),
                ticks(0, 0.5, 1, digits=1),
                "f′(x)",
            ),
        ),
        banks={
            "value": Bank(tuple(values)),
            "slope": Bank(tuple(slopes)),
            "zero": _rugs(rugs, 0),
            "gelu": Bank(tuple(Trace(value, pieces) for value, _ in beside)),
            "gelu slope": Bank(tuple(Trace(slope, pieces) for _, slope in beside)),
        },
        curves=(
            Curve(1, "zero", 0, style="rug", by=1),
            Curve(0, "gelu", 1, None, by=1),
            Curve(1, "gelu slope", 1, None, by=1),
            Curve(0, "value", 0, by=1),
            Curve(1, "slope", 0, by=1),
        ),
        rows=("x·σ(βx)", "GELU"),
    )
