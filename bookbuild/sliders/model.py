"""What an interactive figure consists of, and how its numbers travel to the page.

A :class:`Control` has positions. A :class:`Bank` holds one :class:`Trace` for each position of a
control: the samples of one curve. A :class:`Curve` says which bank is drawn in which panel and
which control chooses the trace. Moving a slider is then nothing but a look-up.

**Packing.** The ordinates are rounded to multiples of the bank's ``step`` and sent as second
differences, which for a smooth curve are small integers and compress well. What the page unpacks
is off by at most ``step / 2`` (and abscissae that are not evenly spaced by ``X_STEP / 2``); the
server draws from the packed numbers too, so that both show the same.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

# Resolution of abscissae that are sent one by one.
X_STEP = 1e-4
# Size of a panel in its own units, and the rectangle in it that holds the curves: left, top, width,
# height. The server draws with them, and the script needs them to draw the same.
WIDTH, HEIGHT = 360, 244
BOX = (46, 30, 304, 168)

Pieces = tuple[tuple[float, float, int], ...]


def spans(low: float, high: float, step: float, cuts: Sequence[float] = ()) -> Pieces:
    """An even grid from ``low`` to ``high``, cut where a curve may jump: (from, to, samples) each.

    Each cut has to lie on the grid, and is the last sample of one piece and the first of the next.
    """
    ends = [low, *sorted(cut for cut in cuts if low < cut < high), high]
    return tuple((a, b, round((b - a) / step) + 1) for a, b in itertools.pairwise(ends))


def grid(pieces: Pieces) -> np.ndarray:
    """The samples of all pieces; where two pieces meet, the place occurs twice."""
    return np.concatenate([np.linspace(*piece) for piece in pieces])


def inside(pieces: Pieces, by: float = 1e-9) -> np.ndarray:
    """The same samples with the ends of pieces moved inwards, to ask for one-sided limits."""
    found = []
    for index, (low, high, count) in enumerate(pieces):
        part = np.linspace(low, high, count)
        part[0] += by * (index > 0)
        part[-1] -= by * (index < len(pieces) - 1)
        found.append(part)
    return np.concatenate(found)


@dataclass(frozen=True)
class Trace:
    """One curve at one position of its control.

    Attributes:
        y: the samples, in the units of the panel's ordinate (its logarithm on such a panel).
        x: where they are: pieces of an even grid, or the places themselves. A place that occurs
            twice with two values is a jump, and no line is drawn across.
    """

    y: np.ndarray
    x: Pieces | np.ndarray

    @property
    def places(self) -> np.ndarray:
        """The abscissae."""
        return self.x if isinstance(self.x, np.ndarray) else grid(self.x)


@dataclass(frozen=True)
class Bank:
    """Traces to choose from, one for each position of a control, and their resolution."""

    traces: tuple[Trace, ...]
    step: float = 1e-4

    def packed(self) -> dict[str, Any]:
        """What JSON sends: integers, and the grid once if all traces share it."""
        shared = {t.x for t in self.traces} if self._even else set()
        result: dict[str, Any] = {
            "step": self.step,
            "y": [pack(trace.y, self.step) for trace in self.traces],
        }
        if len(shared) == 1:
            result["grid"] = next(iter(shared))
        elif self._even:
            result["grids"] = [trace.x for trace in self.traces]
        else:
            result["xStep"] = X_STEP
            result["x"] = [pack(trace.places, X_STEP) for trace in self.traces]
        return result

    def sent(self, position: int) -> Trace:
        """A trace as the page will see it, rounded."""
        trace = self.traces[position]
        x = trace.x if self._even else unpack(pack(trace.places, X_STEP), X_STEP)
        return Trace(unpack(pack(trace.y, self.step), self.step), x)

    @property
    def _even(self) -> bool:
        return not any(isinstance(trace.x, np.ndarray) for trace in self.traces)


def pack(values: np.ndarray, step: float) -> list[int]:
    """Multiples of ``step`` as second differences: the first is a value, the second a slope."""
    if not np.isfinite(values).all():
        raise ValueError("a figure's samples must be finite numbers")
    whole = np.rint(np.asarray(values, float) / step).astype(np.int64)
    return np.diff(whole, n=2, prepend=[0, 0]).tolist()


def unpack(packed: Sequence[int], step: float) -> np.ndarray:
    """The inverse of :func:`pack`, up to rounding."""
    return np.cumsum(np.cumsum(packed)) * step


@dataclass(frozen=True)
class Control:
    """A slider, with ``kind="select"`` a list to choose from, with ``kind="switch"`` a few buttons.

    Attributes:
        label: what the reader sees in front of it.
        texts: the value at each position, with its unit, as it is shown and read aloud.
        start: the position at first and after a reset.
        prints: positions that the printed page shows beside the first.
        notes: a sentence for each position, shown below the read-out.
        by: another control on whose position the sentences depend, too; then they stand in the
            order of this control's positions, and of the other's within each.
    """

    label: str
    texts: tuple[str, ...]
    start: int
    prints: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()
    kind: str = "slider"
    by: int | None = None


@dataclass(frozen=True)
class Reading:
    """The slider along the abscissa: where curves are read off.

    Attributes:
        label: what the abscissa is, for the slider.
        heading: what stands above the read-out, with ``{}`` for the place.
        low: first place.
        high: last place.
        step: distance of places.
        start: the place at first.
        digits: decimals that are shown.
    """

    label: str
    heading: str
    low: float
    high: float
    step: float
    start: float
    digits: int

    @property
    def last(self) -> int:
        """Number of the last place, counted from 0."""
        return round((self.high - self.low) / self.step)

    @property
    def first(self) -> int:
        """Number of the place at first."""
        return round((self.start - self.low) / self.step)


@dataclass(frozen=True)
class Panel:
    """A pair of axes.

    Attributes:
        title: what the ordinate is, with its unit.
        x_label: what the abscissa is, with its unit.
        x: range of the abscissa.
        y: range of the ordinate.
        x_ticks: (place, label).
        y_ticks: (place, label).
        guides: (place, label) of thin vertical lines that name places on the abscissa.
        format: how values are read out: ``fixed``, or ``power`` where the ordinate is log10.
        digits: decimals that are read out.
        symbol: heading of its column in the read-out.
        unit: behind each value in the read-out.
    """

    title: str
    x_label: str
    x: tuple[float, float]
    y: tuple[float, float]
    x_ticks: tuple[tuple[float, str], ...]
    y_ticks: tuple[tuple[float, str], ...]
    symbol: str
    guides: tuple[tuple[float, str], ...] = ()
    format: str = "fixed"
    digits: int = 3
    unit: str = ""


@dataclass(frozen=True)
class Curve:
    """What is drawn: a bank in a panel.

    Attributes:
        panel: which panel.
        bank: which bank.
        row: which row of the read-out it belongs to; its colour and dash are those of the row.
        control: which control chooses the trace; None for a curve that stays.
        style: ``line``, broken where the curve jumps; ``steps``, a line that goes up and down
            there; ``dots``, a marker at each sample; or ``rug``, a broad line. The last two are not
            read out.
        by: a second control that chooses the trace; the bank then holds, for each position of the
            first, a trace for each position of the second.
    """

    panel: int
    bank: str
    row: int
    control: int | None = 0
    style: str = "line"
    by: int | None = None

    @property
    def is_read(self) -> bool:
        """Whether the read-out has a cell for it."""
        return self.style in ("line", "steps")


@dataclass(frozen=True)
class Figure:
    """One interactive figure.

    Attributes:
        name: as in the directive; also the id in the page.
        title: one line above it.
        controls: what can be moved.
        reading: the slider along the abscissa.
        panels: one or two pairs of axes, side by side where there is room.
        banks: the data.
        curves: what is drawn from them.
        rows: names in the read-out, one for each kind of line; empty where a list names it.
    """

    name: str
    title: str
    controls: tuple[Control, ...]
    reading: Reading
    panels: tuple[Panel, ...]
    banks: dict[str, Bank]
    curves: tuple[Curve, ...]
    rows: tuple[str, ...]

    def position(self, curve: Curve, positions: Sequence[int] | None = None) -> int:
        """Which trace of its bank a curve shows, at the start or at other positions."""
        at = positions or [control.start for control in self.controls]
        return self._combined(0 if curve.control is None else at[curve.control], curve.by, at)

    def _combined(self, position: int, by: int | None, positions: Sequence[int]) -> int:
        """The place in a list that has an item for each pair of positions of two controls."""
        return position if by is None else position * len(self.controls[by].texts) + positions[by]

    def note(self, positions: Sequence[int]) -> str:
        """The sentences of all controls."""
        return " ".join(
            control.notes[self._combined(position, control.by, positions)]
            for control, position in zip(self.controls, positions, strict=True)
            if control.notes
        )

    @property
    def longest_note(self) -> int:
        """Characters of the longest sentences that the figure can show together, at most."""
        longest = [max(map(len, control.notes)) for control in self.controls if control.notes]
        return sum(longest) + max(len(longest) - 1, 0)

    def packed(self) -> dict[str, Any]:
        """Everything that the script needs, for JSON."""
        return {
            "box": BOX,
            "controls": [{"texts": c.texts, "notes": c.notes, "by": c.by} for c in self.controls],
            "reading": {
                "low": self.reading.low,
                "step": self.reading.step,
                "heading": self.reading.heading,
                "digits": self.reading.digits,
            },
            "panels": [
                {key: getattr(p, key) for key in ("x", "y", "format", "digits", "unit", "symbol")}
                for p in self.panels
            ],
            "banks": {name: bank.packed() for name, bank in self.banks.items()},
            "curves": [vars(curve) for curve in self.curves],
        }


def ticks(*places: float, digits: int | None = None) -> tuple[tuple[float, str], ...]:
    """Ticks labelled with their own values."""
    form = "g" if digits is None else f".{digits}f"
    return tuple((place, f"{place:{form}}".replace("-", "−")) for place in places)


def powers(*exponents: int) -> tuple[tuple[float, str], ...]:
    """Ticks on a logarithmic axis: 10 to each of the exponents."""
    return tuple((k, "1" if k == 0 else "10" + superscript(k)) for k in exponents)


def superscript(number: int) -> str:
    """An integer as an exponent: −3 becomes ⁻³."""
    return str(number).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
