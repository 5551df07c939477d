"""The numbers of a card.

A card is about a function of one number. A gate f(a, b) is looked at along a with b = 1, and
softmax as the share of the first of two logits, x against 0; what that leaves out, the card says.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from actlab import claims
from actlab.bench.records import Record, latest
from actlab.functions import Activation, get, normal_cdf
from actlab.properties import (
    Floats,
    Interval,
    Saved,
    find_bends,
    find_kinks,
    gaussian_moments,
    saved_for_backward,
    slope_extremum,
    value_extremum,
    zero_intervals,
)

Function = Callable[[np.ndarray], np.ndarray]
REFERENCES = Path(claims.LEDGER).with_name("references.bib")
#: The floating-point types of a card, with the word on it.
DTYPES: Mapping[str, str] = {
    "float64": "f64",
    "float32": "f32",
    "bfloat16": "bf16",
    "float16": "f16",
}
FAR_LEFT = -5.0


@dataclass(frozen=True)
class Point:
    """A value and the place where it is taken; ±inf where it is only approached."""

    value: float
    at: float

    @property
    def taken(self) -> bool:
        """Whether it is a value that f has somewhere, and not only near infinity."""
        return bool(np.isfinite(self.at) and np.isfinite(self.value))


@dataclass(frozen=True)
class Limits:
    """What one floating-point type of PyTorch leaves of a function.

    Attributes:
        slope_zero: intervals on which autograd's slope is exactly 0.
        output_zero: intervals on which the output is exactly 0.
        at_five: f(−5) as the type gives it.
        overflow: the smallest positive input whose output is not finite; None if there is none.
    """

    slope_zero: tuple[Interval, ...]
    output_zero: tuple[Interval, ...]
    at_five: float
    overflow: float | None


@dataclass(frozen=True)
class Cost:
    """Times in the newest committed record, as multiples of a copy of the same size.

    Attributes:
        device: what it was measured on.
        implementation: ``builtin``, or ``composed`` where PyTorch has no function for it.
        forward: of this function.
        backward: of this function; None where the record has none.
        others: functions to compare with, forward: name -> multiple.
        rank: its place in cost among all functions of the record, forward; 1 is the cheapest.
        of: how many functions are ranked.
        elements: size of the tensors.
        dtype: their type.
    """

    device: str
    implementation: str
    forward: float
    backward: float | None
    others: Mapping[str, float]
    rank: int
    of: int
    elements: int
    dtype: str


@dataclass(frozen=True)
class Card:
    """Everything on the card of one function.

    Attributes:
        entry: the catalogue's.
        forward, derivative: f and f′ along x, float64.
        lowest, highest: infimum and supremum of f.
        fall, rise: infimum and supremum of f′.
        left, right: f at −∞ and ∞.
        kinks: where the one-sided slopes differ.
        bends: where f″ jumps.
        mean, second, slope_second: E f, E f², E f′² for X ~ N(0, 1); for a gate both inputs are.
        exact_five: f(−5) in float64.
        dead_share: share of N(0, 1) on which PyTorch's float32 slope is exactly 0.
        limits: dtype -> what PyTorch leaves; empty without torch.
        saved: what PyTorch keeps for the backward pass; None without torch.
        cost: on the recorded CPU; None without a record.
        gpu: on the recorded GPU; None without one.
        author: who and when, from the book's references.
        claims: verdict -> how many sentences of the function's chapter have it.
    """

    entry: Activation
    forward: Function
    derivative: Function
    lowest: Point
    highest: Point
    fall: Point
    rise: Point
    left: float
    right: float
    kinks: tuple[float, ...]
    bends: tuple[float, ...]
    mean: float
    second: float
    slope_second: float
    exact_five: float
    dead_share: float
    limits: Mapping[str, Limits]
    saved: Saved | None
    cost: Cost | None
    gpu: Cost | None
    author: str
    claims: Mapping[str, int]

    @property
    def name(self) -> str:
        """Key in the catalogue."""
        return self.entry.name

    @property
    def chapter(self) -> str:
        """The chapter that is about it."""
        return self.entry.shown.chapter

    @property
    def rms(self) -> float:
        """Root of E f²."""
        return float(np.sqrt(self.second))

    @property
    def monotone(self) -> bool:
        """Whether f never decreases."""
        return self.fall.value >= 0

    @property
    def bounded(self) -> bool:
        """Whether all values of f lie between two numbers."""
        return bool(np.isfinite(self.lowest.value) and np.isfinite(self.highest.value))

    @property
    def lipschitz(self) -> float:
        """The largest |f′|."""
        return max(abs(self.fall.value), abs(self.rise.value))

    @property
    def gradient_growth(self) -> float:
        """E f′² / E f²: what a layer that keeps the signal's square does to the gradient's."""
        return self.slope_second / self.second


@lru_cache(maxsize=64)
def measure(name: str) -> Card:
    """As :func:`actlab.cards.measure`."""
    entry = get(name)
    forward, derivative = _along_x(entry)
    with np.errstate(all="ignore"):  # limits at ±∞ are asked for
        lowest = Point(*value_extremum(forward, derivative, np.argmin))
        highest = Point(*value_extremum(forward, derivative, np.argmax))
        kinks = find_kinks(forward, derivative)
        bends = find_bends(derivative, kinks)
        fall = Point(*slope_extremum(derivative, kinks, np.argmin))
        rise = Point(*slope_extremum(derivative, kinks, np.argmax))
        left, right = forward(np.array([-np.inf, np.inf]))
    mean, second, slope_second = gaussian_moments(forward, derivative, (*kinks, *bends))
    if entry.kind == "gated":
        # The other factor is independent, and a normal b goes through it too.
        other = lambda b: entry.forward(np.ones_like(b), b) / forward(np.ones(1))  # noqa: E731
        mean_b, second_b, _ = gaussian_moments(other, other)
        mean, second, slope_second = mean * mean_b, second * second_b, slope_second * second_b
    limits, saved = _torch_limits(entry)
    dead = limits["float32"].slope_zero if limits else ()
    return Card(
        entry=entry,
        forward=forward,
        derivative=derivative,
        lowest=lowest,
        highest=highest,
        fall=fall,
        rise=rise,
        left=float(left),
        right=float(right),
        kinks=kinks,
        bends=bends,
        mean=mean,
        second=second,
        slope_second=slope_second,
        exact_five=float(forward(np.array([FAR_LEFT]))[0]),
        dead_share=float(sum(normal_cdf(high) - normal_cdf(low) for low, high in dead)),
        limits=limits,
        saved=saved,
        cost=cost_in(latest("cpu"), entry.name),
        gpu=cost_in(latest("cuda"), entry.name),
        author=author_of(entry.paper),
        claims={
            verdict: count
            for verdict, count in claims.counts(claims.of_chapter(entry.shown.chapter)).items()
            if count and verdict != claims.OPEN
        },
    )


def _along_x(entry: Activation) -> tuple[Function, Function]:
    """f and f′ of one number, in float64."""
    if entry.kind == "elementwise":
        values = entry.defaults
        return partial(entry.forward, **values), partial(entry.derivative, **values)
    if entry.kind == "gated":
        return (
            lambda a: entry.forward(a, np.ones_like(a)),
            lambda a: entry.partials(a, np.ones_like(a))[0],
        )
    gate = get("sigmoid" if entry.name == "softmax" else "log_sigmoid")
    return gate.forward, gate.derivative


def _torch_limits(entry: Activation) -> tuple[dict[str, Limits], Saved | None]:
    """PyTorch's own function in each type, and what it keeps; nothing where there is no torch."""
    try:
        import torch
    except ImportError:
        return {}, None
    from actlab.modules import torch_equivalent

    function = torch_equivalent(entry.name, **entry.defaults)

    def of_x(x: torch.Tensor) -> torch.Tensor:
        if entry.kind == "gated":
            return function(x, torch.ones_like(x))
        if entry.kind == "vector":
            return function(torch.stack([x, torch.zeros_like(x)], dim=-1))[..., 0]
        return function(x)

    def tensor(x: np.ndarray, dtype: torch.dtype) -> torch.Tensor:
        # As in actlab.properties: a few elements would take torch's scalar path.
        return torch.from_numpy(np.resize(x, max(x.size, 256))).to(dtype)

    def forward(x: np.ndarray, dtype: torch.dtype) -> np.ndarray:
        return of_x(tensor(x, dtype)).double().numpy()[: x.size]

    def slope(x: np.ndarray, dtype: torch.dtype) -> np.ndarray:
        t = tensor(x, dtype).requires_grad_()
        y = of_x(t)
        y.backward(torch.ones_like(y))
        return t.grad.double().numpy()[: x.size]

    limits = {}
    for name in DTYPES:
        dtype, floats = getattr(torch, name), Floats.of(name)
        values = partial(forward, dtype=dtype)
        limits[name] = Limits(
            slope_zero=zero_intervals(partial(slope, dtype=dtype), floats),
            output_zero=zero_intervals(values, floats),
            at_five=float(values(np.array([FAR_LEFT]))[0]),
            overflow=_first_overflow(values, floats),
        )
    saved = saved_for_backward(function) if entry.kind == "elementwise" else None
    return limits, saved


def _first_overflow(values: Function, floats: Floats) -> float | None:
    """Where a positive input, no larger than 10 000, first gives something that is not finite."""
    from actlab.properties import overflow_points

    _, above = overflow_points(values, floats)
    return above if above is not None and above <= 1e4 else None


# --- what is looked up ------------------------------------------------------------------------

#: The first two of these stand beside a function.
COMPARED = ("relu", "gelu", "tanh")


def cost_in(record: Record | None, name: str) -> Cost | None:
    """A function's place in a record, at its largest size.

    That is in float32 where the record has it, and else in the type of most of its rows.

    PyTorch's own function counts where there is one, and the formula out of PyTorch's operations
    where there is none.
    """
    if record is None:
        return None
    timed = Counter(row.dtype for row in record if row.times_copy)
    dtype = (
        "float32" if "float32" in timed else max(timed, key=lambda kind: timed[kind], default="")
    )
    rows = [row for row in record if row.dtype == dtype and row.times_copy]
    size = max((row.elements for row in rows), default=0)
    times: dict[tuple[str, str], dict[str, float]] = {}
    for row in rows:
        if row.elements == size and row.implementation in ("builtin", "composed"):
            times.setdefault((row.function, row.mode), {})[row.implementation] = row.times_copy

    def best(function: str, mode: str) -> tuple[str, float] | None:
        found = times.get((function, mode), {})
        for implementation in ("builtin", "composed"):
            if implementation in found:
                return implementation, found[implementation]
        return None

    own = best(name, "forward")
    if own is None:
        return None
    forward = {
        function: best(function, "forward")[1] for function, mode in times if mode == "forward"
    }
    backward = best(name, "backward")
    beside = [other for other in COMPARED if other in forward and other != name]
    return Cost(
        device=str(record.device.get("name", record.kind)),
        implementation=own[0],
        forward=own[1],
        backward=backward and backward[1],
        others={other: forward[other] for other in beside[:2]},
        rank=1 + sum(value < own[1] for value in forward.values()),
        of=len(forward),
        elements=size,
        dtype=dtype,
    )


def author_of(key: str, path: Path = REFERENCES) -> str:
    """``Hendrycks & Gimpel 2016``, from the book's references; empty where they are missing."""
    if not path.exists():
        return ""
    entry = re.search(rf"@\w+{{{key},(.*?)\n}}", path.read_text(encoding="utf-8"), re.DOTALL)
    if not entry:
        return ""
    fields: dict[str, Any] = dict(re.findall(r"(author|year)\s*=\s*{(.*)}", entry[1]))
    names = [_surname(name) for name in re.split(r"\s+and\s+", fields.get("author", ""))]
    who = names[0] if len(names) == 1 else " & ".join(names)
    if len(names) > 2:
        who = f"{names[0]} et al."
    return f"{who} {fields.get('year', '')}".strip()


_ACCENTS = {r"\"": "\u0308", r"\'": "\u0301", r"\`": "\u0300", r"\^": "\u0302", r"\~": "\u0303"}


def _surname(name: str) -> str:
    import unicodedata

    plain = name.split(",")[0] if "," in name else name.split()[-1] if name.split() else name
    for command, mark in _ACCENTS.items():
        plain = re.sub(rf"{re.escape(command)}{{?\\?(\w)}}?", rf"\g<1>{mark}", plain)
    return unicodedata.normalize("NFC", re.sub(r"[{}]", "", plain)).strip()
