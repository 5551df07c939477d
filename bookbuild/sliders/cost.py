"""The two ceilings of a memory-bound kernel: bytes and instructions, from recorded counts."""

from __future__ import annotations

from typing import Any

import numpy as np

from actlab.kernels import sass
from bookbuild.sliders.model import (
    Bank,
    Control,
    Curve,
    Figure,
    Panel,
    Reading,
    Trace,
    spans,
    ticks,
)

# Those that chapter 13 counts, by the names that it gives them.
KERNELS = {
    "copy": "identity",
    "ReLU": "relu",
    "ReLU²": "relu2",
    "SiLU": "silu",
    "sigmoid": "sigmoid",
    "tanh": "tanh",
    "softplus": "softplus",
    "GELU, tanh form": "gelu_tanh",
    "GELU": "gelu",
    "GELU by erf": "gelu_by_erf",
    "Mish": "mish",
    "Mish by log": "mish_by_log",
}
NAMED = ("ReLU", "sigmoid", "GELU", "GELU by erf", "Mish by log")
WHAT_MOVES = {
    2: ", forward in 8 bits",
    4: ", forward in 16 bits",
    6: ", backward in 16 bits",
    8: ", forward in 32 bits",
    12: ", backward in 32 bits",
}
MOST = 60


def seconds(instructions: np.ndarray, moved: float) -> tuple[np.ndarray, np.ndarray]:
    """Predicted time of one element: (what its bytes take, what its instructions take)."""
    return np.full(len(instructions), moved / sass.COPY_RATE), instructions / sass.ISSUE_RATE


def instruction_budget() -> Figure:
    """Time of an element over its instructions, and the speed reached, by bytes moved."""
    pieces = spans(0, MOST, 1)
    x = np.arange(0, MOST + 1, dtype=float)
    counts = sass.load()["kernels"]
    of = {
        label: counts[f"{name}/forward/bfloat16"]["instructions"] for label, name in KERNELS.items()
    }
    places = np.array(sorted(of.values()))
    bytes_moved = range(1, 17)
    times, memory, share, dots, notes = [], [], [], [], []
    for moved in bytes_moved:
        by_bytes, by_instructions = seconds(x, moved)
        slower = np.maximum(by_bytes, by_instructions)
        times.append(Trace(1e12 * slower, pieces))
        memory.append(Trace(1e12 * by_bytes, pieces))
        share.append(Trace(100 * by_bytes / slower, pieces))
        dot_bytes, dot_instructions = seconds(places, moved)
        dots.append(Trace(100 * dot_bytes / np.maximum(dot_bytes, dot_instructions), places))
        budget = moved / sass.COPY_RATE * sass.ISSUE_RATE
        fit = sum(value <= budget for value in of.values())
        notes.append(
            f"Budget: {budget:.0f} instructions an element; {fit} of the {len(of)} kernels keep "
            "the copy's speed."
        )
    guides = tuple((of[name], name) for name in NAMED)
    x_ticks = ticks(0, 10, 20, 30, 40, 50, 60)
    axes: dict[str, Any] = {
        "x_label": "instructions an element",
        "x": (0, MOST),
        "x_ticks": x_ticks,
    }
    return Figure(
        name="instruction-budget",
        title="Bytes or instructions: the slower one counts",
        controls=(
            Control(
                "Bytes moved",
                tuple(f"{moved}{WHAT_MOVES.get(moved, '')}" for moved in bytes_moved),
                3,
                prints=(1, 7),
                notes=tuple(notes),
            ),
        ),
        reading=Reading("Instructions", "at {} instructions", 0, MOST, 1, 17, 0),
        panels=(
            Panel(
                "predicted speed, % of a copy’s",
                y=(0, 110),
                y_ticks=ticks(0, 25, 50, 75, 100),
                symbol="speed",
                guides=guides,
                digits=0,
                unit=" %",
                **axes,
            ),
            Panel(
                "predicted time of an element, ps",
                y=(0, 4),
                y_ticks=ticks(0, 1, 2, 3, 4),
                symbol="time",
                digits=2,
                unit=" ps",
                **axes,
            ),
        ),
        banks={
            "share": Bank(tuple(share), 1e-2),
            "time": Bank(tuple(times), 1e-3),
            "memory": Bank(tuple(memory), 1e-3),
            "whole": Bank((Trace(np.full(len(x), 100.0), pieces),), 1e-2),
            "kernels": Bank(tuple(dots), 1e-2),
        },
        curves=(
            Curve(0, "whole", 1, None),
            Curve(1, "memory", 1),
            Curve(0, "share", 0),
            Curve(1, "time", 0),
            Curve(0, "kernels", 0, style="dots"),
        ),
        rows=("kernel", "copy"),
    )
