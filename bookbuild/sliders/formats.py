"""What a floating-point type makes of a function: its values, its slopes, and what is wrong there.

Values and slopes are PyTorch's: the preactivation is rounded to the type, the function gives its
output in the type, and the slope is the one that the backward pass finds from what was kept in it.
That is what a network meets that trains in the type; `tanh` in bfloat16 has slope 0 from 3.5 on,
because the output that it keeps is 1 there.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch

from actlab.functions.special import normal_cdf
from actlab.modules import torch_equivalent
from actlab.properties import Floats, Interval, overflow_points, zero_intervals
from bookbuild.sliders.model import Pieces, grid

#: The types of the switch. The first is as good as exact at the resolution of a figure.
TYPES = ("float32", "bfloat16", "float16")
#: Spread of the preactivations that a sentence speaks of, and a wider one.
NEAR, WIDE = 1.0, 4.0
#: A share below this is called none.
LEAST = 0.005
#: An interval that is narrower is a zero that the slope goes through.
WIDTH = 0.01
#: An overflow beyond this is no preactivation that a network has.
FAR = 1e4

Function = Callable[..., Any]


def _tensor(x: np.ndarray, kind: str) -> torch.Tensor:
    """``x`` in a type; at least 256 numbers, so that PyTorch takes its vectorised path."""
    return torch.from_numpy(np.resize(x, max(x.size, 256))).to(getattr(torch, kind))


def value(function: Function, kind: str, x: np.ndarray) -> np.ndarray:
    """What a torch function gives for ``x`` rounded to a type; float64, of the shape of ``x``."""
    return function(_tensor(x, kind)).double().numpy()[: x.size]


def slope(function: Function, kind: str, x: np.ndarray) -> np.ndarray:
    """The slope that its backward pass finds there; float64, of the shape of ``x``."""
    tensor = _tensor(x, kind).requires_grad_()
    output = function(tensor)
    output.backward(torch.ones_like(output))
    assert tensor.grad is not None
    return tensor.grad.double().numpy()[: x.size]


def beside(pieces: Pieces, kind: str) -> np.ndarray:
    """The samples of all pieces, in a type; where two meet, the next number on either side."""
    x = torch.from_numpy(grid(pieces)).to(getattr(torch, kind))
    ends = np.cumsum([count for _, _, count in pieces])[:-1]
    for end in ends:
        for at, towards in ((end - 1, -math.inf), (end, math.inf)):
            x[at] = torch.nextafter(x[at], torch.tensor(towards, dtype=x.dtype))
    return x.double().numpy()


def traces(name: str, pieces: Pieces, kind: str, **parameters: Any) -> tuple[np.ndarray, ...]:
    """Values and slopes of a function of the catalogue on a grid, as a type gives them."""
    function = torch_equivalent(name, **parameters)
    return value(function, kind, grid(pieces)), slope(function, kind, beside(pieces, kind))


def silent(name: str, kind: str, **parameters: Any) -> tuple[Interval, ...]:
    """Where the backward pass finds a slope of exactly 0; a few single numbers do not count."""
    function = torch_equivalent(name, **parameters)
    found = zero_intervals(partial(slope, function, kind), Floats.of(kind))
    return tuple((a, b) for a, b in found if b - a > WIDTH)


def share(intervals: tuple[Interval, ...], spread: float) -> float:
    """The share of normal preactivations of mean 0 that lie in the intervals."""
    return float(sum(normal_cdf(b / spread) - normal_cdf(a / spread) for a, b in intervals))


def rug(intervals: tuple[Interval, ...], low: float, high: float, y: float) -> list[list[float]]:
    """Abscissae and ordinates of a line at ``y`` over the intervals; between them it is far below.

    A place that occurs twice with two values is a jump, which no line is drawn across.
    """
    xs, ys = [low], [y - 99.0]
    for a, b in intervals:
        a, b = max(a, low), min(b, high)
        if a < b:
            xs += [a, a, b, b]
            ys += [y - 99.0, y, y, y - 99.0]
    return [[*xs, high], [*ys, y - 99.0]]


def _number(value: float) -> str:
    return f"{value:.3g}".replace("-", "−")


def _where(intervals: tuple[Interval, ...]) -> str:
    """Words for intervals that reach to infinity or to an end."""
    words = []
    for a, b in intervals:
        if a < -FAR:
            words.append(f"below {_number(b)}")
        elif b > FAR:
            words.append(f"above {_number(a)}")
        else:
            words.append(f"from {_number(a)} to {_number(b)}")
    return " and ".join(words)


def _units(of_them: float) -> str:
    if abs(of_them - 0.5) < LEAST:
        return "half of the units see slope 0"
    return f"{100 * of_them:.0f} % of the units see slope 0"


def apart(kind: str) -> str:
    """How far the numbers of a type lie from each other, in a sentence."""
    step = torch.finfo(getattr(torch, kind)).eps
    seen = "" if step < 1e-6 else ", less than a pixel here"
    return f"Between 1 and 2, the numbers of {kind} are {step:.2g} apart{seen}."


def said(intervals: tuple[Interval, ...]) -> str:
    """What follows for a network whose units see slope 0 there; without a full stop.

    Units are preactivations from a standard normal distribution, and from one four times as wide.
    """
    near, wide = share(intervals, NEAR), share(intervals, WIDE)
    where = _where(intervals)
    if near >= LEAST:
        words = f"{_units(near)} ({where})"
        if wide - near >= 0.05:
            words += f", and {100 * wide:.0f} % of sums four times as wide"
        return words
    if wide >= LEAST:
        few = "hardly a unit" if near > LEAST / 50 else "no unit"
        return f"{few} sees slope 0, but {100 * wide:.0f} % of sums four times as wide do ({where})"
    return "nothing is wrong, no unit sees slope 0"


def diagnosis(intervals: tuple[Interval, ...], name: str, kind: str, **parameters: Any) -> str:
    """What is wrong with a function in a type, or that nothing is; without a full stop.

    Args:
        intervals: where its slope is 0, from :func:`silent`.
        name: of the function in the catalogue.
        kind: of the type.
        **parameters: of the function.
    """
    given = partial(value, torch_equivalent(name, **parameters), kind)
    ends = [end for end in overflow_points(given, Floats.of(kind)) if end and abs(end) < FAR]
    infinite = f"; infinite from {_number(min(ends, key=abs))} on" if ends else ""
    return said(intervals) + infinite
