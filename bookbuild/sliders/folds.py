"""A strip of paper that folds: the output of a network of two ReLUs a layer, fold by fold."""

from __future__ import annotations

import numpy as np

from bookbuild.sliders.model import Bank, Control, Curve, Figure, Panel, Reading, Trace, ticks

FOLDS = 5
#: Slope of a strip's right half while it is folded: flat paper would be 1, a closed fold is -1.
CLOSING = (0.5, 0.0, -0.5, -1.0)


def fold(height: np.ndarray, slope: float) -> np.ndarray:
    """One layer of two ReLUs: up to the crease at 1/2, then on with ``slope``; at most 1.

    Args:
        height: numbers from 0 to 1.
        slope: of the half behind the crease, relative to the other: 1 leaves the strip as it is, -1
            is the tent.

    Returns:
        numbers from 0 to 1.
    """
    bent = 2 * height + 2 * (slope - 1) * np.maximum(height - 0.5, 0)
    return bent / max(1.0, 1 + slope)


def heights(closed: int, slope: float) -> tuple[np.ndarray, np.ndarray]:
    """Where the strip may bend, and its height there.

    Args:
        closed: folds that are complete.
        slope: of the fold that is being made; 1 where there is none.

    Returns:
        places on the strip, multiples of a power of ½ from 0 to 1, and heights.
    """
    places = np.linspace(0, 1, 2 ** (closed + 1) + 1)
    height = places
    for _ in range(closed):
        height = fold(height, -1.0)
    return places, fold(height, slope)


def _positions() -> list[tuple[int, float]]:
    """(complete folds, slope of the one that is being made) for each position of the slider."""
    found = [(0, 1.0)]
    for closed in range(FOLDS):
        found += [(closed, slope) for slope in CLOSING]
    return found


def _words(closed: int, slope: float) -> tuple[str, str]:
    """Of a position: its name, and the note."""
    if slope == 1:
        return "flat", "No fold: the strip is 1 straight piece."
    number = closed + 1
    folds = f"{number} fold{'s' * (number > 1)}"
    if slope == -1:
        return folds, f"{folds} by {2 * number} ReLUs: {2**number} pieces of slope {2**number}."
    left = f"{number - 1} and a part" if closed else "a part"
    return (
        f"{left}, slope {slope:g}",
        f"Fold {number} is closing: behind its crease the slope is {slope:g} times that before it.",
    )


def paper_folds() -> Figure:
    """The output over the strip, and its slope, while five folds are made one after the other."""
    outputs, slopes = [], []
    for closed, slope in _positions():
        places, height = heights(closed, slope)
        steep = np.diff(height) / np.diff(places)
        outputs.append(Trace(height, places))
        slopes.append(Trace(np.repeat(steep, 2), np.repeat(places, 2)[1:-1]))
    names, notes = zip(*(_words(*position) for position in _positions()), strict=True)
    most = 2**FOLDS
    return Figure(
        name="paper-folds",
        title="A strip that folds",
        controls=(Control("Fold", names, 0, prints=(4, 12), notes=notes),),
        reading=Reading("Read off at x", "at x = {}", 0.0, 1.0, 0.01, 0.3, 2),
        panels=(
            Panel(
                "height in the folded stack",
                "position x on the strip",
                (0, 1),
                (0, 1.05),
                ticks(0, 0.25, 0.5, 0.75, 1),
                ticks(0, 0.5, 1),
                "height",
                digits=2,
            ),
            Panel(
                "its slope",
                "position x on the strip",
                (0, 1),
                (-most - 2, most + 2),
                ticks(0, 0.25, 0.5, 0.75, 1),
                ticks(-32, -16, 0, 16, 32),
                "slope",
                digits=1,
            ),
        ),
        banks={"height": Bank(tuple(outputs), 1e-3), "slope": Bank(tuple(slopes), 1e-2)},
        curves=(Curve(0, "height", 0), Curve(1, "slope", 0, style="steps")),
        rows=("strip",),
    )
