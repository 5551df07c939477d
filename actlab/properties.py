"""Properties of the elementwise functions, each measured: none is typed in.

:func:`measure` takes one function of the catalogue apart; :func:`property_table` turns several
measurements into the rows of the book's table. What needs torch (bytes saved for the backward
pass, and where autograd's derivative is exactly 0) imports it when asked.

>>> from actlab.properties import measure
>>> gelu = measure("gelu", torch=False)
>>> round(gelu.infimum, 7), round(gelu.infimum_at, 7)
(-0.1699712, -0.7517915)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from actlab.functions import CATALOGUE, Activation, get, normal_cdf

Interval = tuple[float, float]
Function = Callable[[Any], Any]

#: Where functions bend at ordinary parameters: maxima and minima are looked for here first.
REACH = 50.0
#: Then at all magnitudes from 2^−70 to 2^70, because a parameter stretches a function (silu's
#: minimum is at −1.28/β), and at ±∞. Accepted parameters end at 2^±60.
OCTAVES = 70
STEPS_AN_OCTAVE = 32
#: N(0, 1) has less than 1e-32 of its mass beyond.
GAUSSIAN_REACH = 12.0
NUMPY_DTYPES = {"float16": np.float16, "float32": np.float32, "float64": np.float64}
TORCH_DTYPES = ("bfloat16", "float16", "float32", "float64")


@dataclass(frozen=True)
class Saved:
    """What torch's own function keeps for its backward pass, in float32.

    Attributes:
        bytes_per_element: bytes of distinct storage kept for each element of the input.
        what: ``input``, ``output`` or ``other``, joined by `` + ``; ``nothing`` when empty.
    """

    bytes_per_element: float
    what: str


@dataclass(frozen=True)
class Properties:
    """Measured properties of one elementwise activation function.

    A place ``*_at`` is the x where a value is taken; ±inf when it is only approached there.

    Attributes:
        name: key in the catalogue.
        title: how the literature writes it.
        parameters: the parameter values that were used.
        infimum, infimum_at: greatest lower bound of f and where.
        supremum, supremum_at: least upper bound of f and where.
        monotone: whether f never decreases.
        derivative_minimum, derivative_minimum_at: infimum of f′ and where.
        derivative_maximum, derivative_maximum_at: supremum of f′ and where.
        lipschitz: largest |f′|; inf when unbounded.
        kinks: where the one-sided slopes of f differ.
        smoothness: ``C0`` (continuous, with kinks), ``C1`` (f″ jumps) or ``C2+`` (no jump found
            in f, f′ or f″).
        mean: E[f(X)] for X ~ N(0, 1).
        second_moment: E[f(X)²].
        derivative_second_moment: E[f′(X)²], by which one layer scales a gradient's energy.
        zero_share: probability that f(X) is exactly 0 in float32.
        dead: for each dtype the intervals on which this package's f′ is exactly 0.
        overflow: for each dtype the finite inputs nearest to 0 whose f is infinite: the largest
            negative one and the smallest positive one, None where there is none.
        torch_dead: as ``dead`` for torch's function under autograd; None if not asked for.
        torch_overflow: as ``overflow`` for torch's function; None if not asked for.
        saved: what torch keeps for its backward pass; None if not asked for.
    """

    name: str
    title: str
    parameters: Mapping[str, float]
    infimum: float
    infimum_at: float
    supremum: float
    supremum_at: float
    monotone: bool
    derivative_minimum: float
    derivative_minimum_at: float
    derivative_maximum: float
    derivative_maximum_at: float
    lipschitz: float
    kinks: tuple[float, ...]
    smoothness: str
    mean: float
    second_moment: float
    derivative_second_moment: float
    zero_share: float
    dead: Mapping[str, tuple[Interval, ...]]
    overflow: Mapping[str, tuple[float | None, float | None]]
    torch_dead: Mapping[str, tuple[Interval, ...]] | None = None
    torch_overflow: Mapping[str, tuple[float | None, float | None]] | None = None
    saved: Saved | None = None


def measure(name: str, *, torch: bool = True, **parameters: Any) -> Properties:
    """Measure one elementwise function.

    Args:
        name: a name or alias in the catalogue.
        torch: whether to measure torch's function as well (imports torch).
        **parameters: numbers for the function's parameters; the defaults otherwise.

    Raises:
        ValueError: for an unknown name, a function that is not elementwise, or a bad value.
        TypeError: for a parameter that the function does not have.
    """
    entry = get(name)
    if entry.kind != "elementwise":
        raise ValueError(
            f"{entry.name} is of the {entry.kind} kind: only elementwise functions are measured"
        )
    unknown = sorted(set(parameters) - set(entry.defaults))
    if unknown:
        known = ", ".join(entry.defaults) or "none"
        raise TypeError(f"{entry.name} has no parameter {unknown[0]!r} (its parameters: {known})")
    values = {**entry.defaults, **parameters}
    f = partial(entry.forward, **values)
    slope = partial(entry.derivative, **values)

    kinks = find_kinks(f, slope)
    bends = find_bends(slope, kinks)
    low, low_at = value_extremum(f, slope, np.argmin)
    high, high_at = value_extremum(f, slope, np.argmax)
    slope_low, slope_low_at = slope_extremum(slope, kinks, np.argmin)
    slope_high, slope_high_at = slope_extremum(slope, kinks, np.argmax)
    moments = gaussian_moments(f, slope, (*kinks, *bends))
    return Properties(
        name=entry.name,
        title=entry.title,
        parameters=values,
        infimum=low,
        infimum_at=low_at,
        supremum=high,
        supremum_at=high_at,
        monotone=slope_low >= 0,
        derivative_minimum=slope_low,
        derivative_minimum_at=slope_low_at,
        derivative_maximum=slope_high,
        derivative_maximum_at=slope_high_at,
        lipschitz=max(abs(slope_low), abs(slope_high)),
        kinks=kinks,
        smoothness="C0" if kinks else "C1" if bends else "C2+",
        mean=moments[0],
        second_moment=moments[1],
        derivative_second_moment=moments[2],
        zero_share=_gaussian_share(zero_intervals(f, Floats.of("float32"))),
        dead={dtype: zero_intervals(slope, Floats.of(dtype)) for dtype in NUMPY_DTYPES},
        overflow={dtype: overflow_points(f, Floats.of(dtype)) for dtype in NUMPY_DTYPES},
        **(_torch_properties(entry, values) if torch else {}),
    )


# --- shape ------------------------------------------------------------------------------------


def _grid(reach: float = REACH) -> np.ndarray:
    """Both signs, dense around 0, with every multiple of 1/64."""
    return np.linspace(-reach, reach, int(2 * reach * 64) + 1)


def _wide_grid() -> np.ndarray:
    """Both signs, evenly spaced in the logarithm of their size."""
    size = np.exp2(
        np.arange(-OCTAVES * STEPS_AN_OCTAVE, OCTAVES * STEPS_AN_OCTAVE + 1) / STEPS_AN_OCTAVE
    )
    return np.concatenate([-size[::-1], size])


def _refined(function: Function, x: np.ndarray, at: int, pick: Callable[..., Any]) -> float:
    """Where ``function`` is extreme near ``x[at]``, from a grid that shrinks around it."""
    left, right = x[max(at - 1, 0)], x[min(at + 1, x.size - 1)]
    for _ in range(8):
        inner = np.linspace(left, right, 257)
        at = int(pick(function(inner)))
        left, right = inner[max(at - 1, 0)], inner[min(at + 1, 256)]
    return float(inner[at])


def _beyond(value: float, other: float, pick: Callable[..., Any]) -> bool:
    """Whether ``other`` is more extreme than ``value``, by more than rounding."""
    values = np.array([value, other])
    return bool(pick(values) == 1 and abs(other - value) > 1e-12 * abs(value))


def _zoom(function: Function, x: np.ndarray, pick: Callable[..., Any]) -> float:
    """Where ``function`` is extreme, from a grid that shrinks around the best point."""
    best = x[pick(function(x))]
    width = float(x[1] - x[0])
    for _ in range(6):
        x = np.clip(best + np.linspace(-width, width, 257), -REACH, REACH)
        best = x[pick(function(x))]
        width /= 64
    return float(best)


def _root(slope: Function, left: float, right: float) -> float:
    """Where ``slope`` changes sign between two points, by bisection to the last digit."""
    sign = np.sign(slope(np.float64(left)))
    while left < (middle := (left + right) / 2) < right:
        if np.sign(slope(np.float64(middle))) == sign:
            left = middle
        else:
            right = middle
    return right


def value_extremum(f: Function, slope: Function, pick: Callable[..., Any]) -> tuple[float, float]:
    """Infimum or supremum of f and where it is, at any magnitude from 2^−70 to 2^70.

    tanh(20) rounds to 1 and yet 1 is never reached: a value that is also the limit at ±∞ counts
    as taken only where the derivative is exactly 0, as on the flat parts of ReLU6.
    """
    best, at = _near_extremum(f, slope, pick)
    x = _wide_grid()
    y = f(x)
    far = int(pick(y))
    if not _beyond(best, float(y[far]), pick):
        return best, at
    left, right = float(x[max(far - 1, 0)]), float(x[min(far + 1, x.size - 1)])
    if np.sign(slope(left)) * np.sign(slope(right)) < 0:
        at = _root(slope, left, right)
    else:
        at = _refined(f, x, far, pick)
    return float(f(np.float64(at))), at


def _near_extremum(f: Function, slope: Function, pick: Callable[..., Any]) -> tuple[float, float]:
    """The same among [−REACH, REACH] and the limits."""
    ends = np.array([-np.inf, np.inf])
    limits = f(ends)
    x = _grid()
    y = f(x)
    inner = pick(y)
    both = np.array([y[inner], *limits])
    best = both[pick(both)]
    if best in limits:
        taken = x[(y == best) & (slope(x) == 0)]
        if taken.size == 0:
            return float(best), float(ends[np.flatnonzero(limits == best)[0]])
        return float(best), float(taken[np.argmin(np.abs(taken))])
    left, right = x[max(inner - 1, 0)], x[min(inner + 1, x.size - 1)]
    if slope(x[inner]) != 0 and np.sign(slope(left)) * np.sign(slope(right)) < 0:
        at = _root(slope, float(left), float(right))
    else:
        at = float(x[inner])
    return float(f(np.float64(at))), at


def slope_extremum(
    slope: Function, kinks: tuple[float, ...], pick: Callable[..., Any]
) -> tuple[float, float]:
    """Infimum or supremum of f′ and where, at any magnitude from 2^−70 to 2^70.

    Both sides of each kink are among the candidates.
    """
    at = _zoom(slope, _grid(), pick)
    sides = [np.nextafter(kink, end) for kink in kinks for end in (-np.inf, np.inf)]
    places = np.array([at, *sides, -np.inf, np.inf])
    values = slope(places)
    places, values = places[~np.isnan(values)], values[~np.isnan(values)]  # a wave has no limit
    winner = pick(values)
    best, place = float(values[winner]), float(places[winner])
    x = _wide_grid()
    y = slope(x)
    far = int(pick(y))
    if _beyond(best, float(y[far]), pick):
        place = _refined(slope, x, far, pick)
        best = float(slope(np.float64(place)))
    return best, place


def _jumps(function: Function, width: float) -> np.ndarray:
    """Places where ``function`` still changes over ``width``: each grid cell is halved towards
    its larger change until it is that narrow. Returns the right ends of the cells."""
    x = _grid(GAUSSIAN_REACH)
    left, right = x[:-1], x[1:]
    while np.max(right - left) > width:
        middle = (left + right) / 2
        low, mid, high = function(left), function(middle), function(right)
        in_left = np.abs(mid - low) >= np.abs(high - mid)
        left, right = np.where(in_left, left, middle), np.where(in_left, middle, right)
    return right


def find_kinks(f: Function, slope: Function) -> tuple[float, ...]:
    """Where the one-sided slopes of f differ, measured in [−12, 12].

    Args:
        f: the function.
        slope: its derivative, which says where to look; that there is a kink, and not only a
            wrong derivative, is decided by difference quotients of f itself.

    Returns:
        the places in increasing order, to 9 decimals.
    """
    candidates = _jumps(slope, 1e-11)
    step = np.array([1e-4, 5e-5])[:, None]
    candidates = np.unique(np.round(candidates, 9))
    base = f(candidates)
    left = (base - f(candidates - step)) / step
    right = (f(candidates + step) - base) / step
    # Two steps, extrapolated to 0, leave an error of the order of step².
    difference = np.abs((2 * right[1] - right[0]) - (2 * left[1] - left[0]))
    # A candidate beside the kink sees it within its step, but has no jump of its own.
    own = np.abs(slope(candidates + 1e-9) - slope(candidates - 1e-9))
    return tuple(float(place) + 0.0 for place in candidates[(difference > 1e-5) & (own > 1e-5)])


def find_bends(slope: Function, kinks: tuple[float, ...] = ()) -> tuple[float, ...]:
    """Where f is differentiable but f″ jumps, measured in [−12, 12] by difference quotients of f′.

    Args:
        slope: f′.
        kinks: places to leave out.

    Returns:
        the places in increasing order, to 4 decimals.
    """
    step = 1e-6

    def curvature(x: np.ndarray) -> np.ndarray:
        return (slope(x + step) - slope(x - step)) / (2 * step)

    places = np.unique(np.round(_jumps(curvature, 1e-5), 4))
    away = 1e-4
    jump = np.abs(curvature(places + away) - curvature(places - away))
    # A smooth function changes its curvature by about 2·away·|f‴|, here far below 1 %.
    found = places[jump > 0.01 * (1.0 + np.abs(curvature(places + away)))]
    return tuple(float(p) + 0.0 for p in found if all(abs(p - kink) > 1e-3 for kink in kinks))


def gaussian_moments(
    f: Function, slope: Function, breaks: Iterable[float] = ()
) -> tuple[float, float, float]:
    """(E[f], E[f²], E[f′²]) under N(0, 1), by Gauss–Legendre panels that end at the breaks.

    Args:
        f: the function.
        slope: its derivative.
        breaks: where f or its derivatives jump, so that no panel straddles one.
    """
    reach = int(GAUSSIAN_REACH)
    inner = [point for point in breaks if abs(point) < reach]
    ends = np.unique(np.concatenate([np.arange(-reach, reach + 1), np.array(inner, dtype=float)]))
    nodes, weights = np.polynomial.legendre.leggauss(32)
    half = np.diff(ends)[:, None] / 2
    x = (ends[:-1, None] + ends[1:, None]) / 2 + half * nodes
    mass = half * weights * np.exp(-0.5 * x * x) / np.sqrt(2 * np.pi)
    return (
        float(np.sum(mass * f(x))),
        float(np.sum(mass * f(x) ** 2)),
        float(np.sum(mass * slope(x) ** 2)),
    )


# --- floating point ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Floats:
    """The finite numbers of a float format in order, addressed by integers.

    ``code`` 0 is +0, ``-1`` is −0, and each step up or down is the next number.
    """

    name: str
    mantissa: int
    top: int  # the code of the largest finite number

    @classmethod
    def of(cls, name: str) -> Floats:
        mantissa, exponent = {
            "float16": (10, 5),
            "bfloat16": (7, 8),
            "float32": (23, 8),
            "float64": (52, 11),
        }[name]
        return cls(name, mantissa, ((2**exponent - 1) << mantissa) - 1)

    def values(self, codes: np.ndarray) -> np.ndarray:
        """The numbers, in their own NumPy dtype (float32 for bfloat16, which NumPy lacks)."""
        codes = np.asarray(codes, dtype=np.int64)
        magnitude = np.where(codes >= 0, codes, -1 - codes).astype(np.uint64)
        kinds = {"float16": "u2", "bfloat16": "u4", "float32": "u4", "float64": "u8"}
        shift = 16 if self.name == "bfloat16" else 0
        bits = (magnitude << np.uint64(shift)).astype(kinds[self.name])
        floats = bits.view({"u2": "f2", "u4": "f4", "u8": "f8"}[kinds[self.name]])
        return np.where(codes >= 0, floats, -floats)

    def codes(self) -> np.ndarray:
        """All of a 16-bit format; of a wider one 32 numbers a binade, and those near landmarks."""
        if self.top < 2**16:
            return np.arange(-1 - self.top, self.top + 1)
        step = 1 << (self.mantissa - 5)
        positive = np.unique(np.append(np.arange(0, self.top, step), self.top))
        return np.concatenate([-1 - positive[::-1], positive])


def _edge(test: Callable[[int], bool], inside: int, outside: int) -> int:
    """The last code on the way from ``inside`` (true) to ``outside`` (false) that is true."""
    while abs(outside - inside) > 1:
        middle = (inside + outside) // 2
        if test(middle):
            inside = middle
        else:
            outside = middle
    return inside


def zero_intervals(function: Function, floats: Floats) -> tuple[Interval, ...]:
    """The intervals on which ``function`` gives exactly 0, in a float format.

    In a 16-bit format every number is tried; in a wider one a grid, whose ends are then found to
    the last digit by bisection. A single zero, or one among subnormal numbers alone, is no
    interval. An end that is the largest number becomes ±inf.
    """
    codes = floats.codes()
    is_zero = np.equal(function(floats.values(codes)), 0)

    def test(code: int) -> bool:
        return bool(np.equal(function(floats.values(np.array([code]))), 0)[0])

    starts = np.flatnonzero(is_zero & ~np.append(False, is_zero[:-1]))
    stops = np.flatnonzero(is_zero & ~np.append(is_zero[1:], False))
    tiny = 1 << floats.mantissa
    intervals = []
    for start, stop in zip(starts, stops, strict=True):
        low, high = int(codes[start]), int(codes[stop])
        if start > 0:
            low = _edge(test, low, int(codes[start - 1]))
        if stop < codes.size - 1:
            high = _edge(test, high, int(codes[stop + 1]))
        if high == low or (-1 - tiny < low and high < tiny):
            continue
        ends = floats.values(np.array([low, high])).astype(np.float64)
        intervals.append(
            (
                -np.inf if low == -1 - floats.top else float(ends[0]),
                np.inf if high == floats.top else float(ends[1]) + 0.0,
            )
        )
    return tuple(intervals)


def overflow_points(function: Function, floats: Floats) -> tuple[float | None, float | None]:
    """The finite inputs nearest to 0, below and above it, whose function value is not finite."""
    found: list[float | None] = []
    for start, end in ((-1, -1 - floats.top), (0, floats.top)):

        def is_finite(code: int) -> bool:
            return bool(np.isfinite(function(floats.values(np.array([code]))))[0])

        if is_finite(end):
            found.append(None)
            continue
        last = _edge(is_finite, start, end)
        step = 1 if end > start else -1
        found.append(float(floats.values(np.array([last + step]))[0]))
    return found[0], found[1]


def _gaussian_share(intervals: tuple[Interval, ...]) -> float:
    return float(sum(normal_cdf(high) - normal_cdf(low) for low, high in intervals))


# --- torch ------------------------------------------------------------------------------------


def _torch_properties(entry: Activation, values: Mapping[str, float]) -> dict[str, Any]:
    import torch

    from actlab.modules import torch_equivalent

    function = torch_equivalent(entry.name, **values)

    def tensor(x: np.ndarray, dtype: torch.dtype) -> torch.Tensor:
        # A few elements take torch's scalar path, whose last digits and overflow differ from the
        # vectorised one that real tensors take.
        padded = np.resize(x, max(x.size, 256))
        return torch.from_numpy(padded).to(dtype)

    def forward(x: np.ndarray, dtype: torch.dtype) -> np.ndarray:
        return function(tensor(x, dtype)).double().numpy()[: x.size]

    def slope(x: np.ndarray, dtype: torch.dtype) -> np.ndarray:
        t = tensor(x, dtype).requires_grad_()
        function(t).backward(torch.ones_like(t))
        return t.grad.double().numpy()[: x.size]

    dead, overflow = {}, {}
    for name in TORCH_DTYPES:
        dtype, floats = getattr(torch, name), Floats.of(name)
        dead[name] = zero_intervals(partial(slope, dtype=dtype), floats)
        overflow[name] = overflow_points(partial(forward, dtype=dtype), floats)
    return {"torch_dead": dead, "torch_overflow": overflow, "saved": saved_for_backward(function)}


def saved_for_backward(function: Callable[..., Any], elements: int = 4096) -> Saved:
    """What a torch function of one tensor keeps for its backward pass, in float32.

    Storages are counted once, however many tensors look into them; those smaller than the input
    in elements (a slope, a scalar) are not counted.
    """
    import torch

    x = torch.linspace(-3, 3, elements).requires_grad_()
    kept: list[torch.Tensor] = []

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        kept.append(tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda t: t):
        y = function(x)
    places = {x.untyped_storage().data_ptr(): "input", y.untyped_storage().data_ptr(): "output"}
    storages = {
        t.untyped_storage().data_ptr(): t.untyped_storage().nbytes()
        for t in kept
        if t.numel() >= elements
    }
    what = sorted({places.get(pointer, "other") for pointer in storages})
    return Saved(sum(storages.values()) / elements, " + ".join(what) or "nothing")


# --- the table --------------------------------------------------------------------------------

#: Column headings of :func:`property_table`, in order, with what each says.
COLUMNS: Mapping[str, str] = {
    "Function": "name, with the parameters' defaults",
    "Range": "all values f takes; a round bracket marks a bound that is approached, not taken",
    "Minimum at": "where f is least",
    "Monotone": "whether f never decreases",
    "Range of f′": "least and largest slope",
    "Kinks": "where the one-sided slopes differ",
    "Smoothness": "C0: kinks; C1: the second derivative jumps; C2+: no jump found up to f″",
    "E f": "mean for inputs from N(0, 1)",
    "E f²": "second moment for inputs from N(0, 1)",
    "E f′²": "second moment of the slope for inputs from N(0, 1)",
    "Exact zeros": "share of inputs from N(0, 1) whose float32 output is exactly 0",
    "Zero gradient, float32": "where torch's float32 gradient is exactly 0",
    "Zero gradient, bfloat16": "where torch's bfloat16 gradient is exactly 0",
    "Overflow, float16": "smallest inputs whose float16 output is infinite",
    "Saved for backward": "bytes an element that torch keeps in float32, and what it is",
}


def property_table(names: Iterable[str] | None = None) -> list[dict[str, str]]:
    """The rows of the book's property table: a text for each of :data:`COLUMNS`, all measured.

    Args:
        names: elementwise functions; all of the catalogue when None.
    """
    if names is None:
        names = [name for name, entry in CATALOGUE.items() if entry.kind == "elementwise"]
    return [_row(measure(name)) for name in names]


def _row(p: Properties) -> dict[str, str]:
    settings = ", ".join(f"{key} = {value:.4g}" for key, value in p.parameters.items())
    cells = (
        f"{p.title} ({settings})" if settings else p.title,
        _range(p.infimum, p.infimum_at, p.supremum, p.supremum_at),
        _number(p.infimum_at) if np.isfinite(p.infimum_at) else "not reached",
        "yes" if p.monotone else "no",
        f"{_number(p.derivative_minimum)} to {_number(p.derivative_maximum)}",
        ", ".join(map(_number, p.kinks)) or "none",
        p.smoothness,
        f"{round(p.mean, 4) + 0.0:.4f}".replace("-", "−"),
        f"{p.second_moment:.4f}",
        f"{p.derivative_second_moment:.4f}",
        f"{100 * p.zero_share:.2f} %",
        _intervals(p.torch_dead["float32"]),
        _intervals(p.torch_dead["bfloat16"]),
        ", ".join(_number(point) for point in p.overflow["float16"] if point is not None) or "none",
        f"{p.saved.bytes_per_element:g} ({p.saved.what})",
    )
    return dict(zip(COLUMNS, cells, strict=True))


def _number(value: float) -> str:
    if np.isinf(value):
        return "∞" if value > 0 else "−∞"
    return f"{value + 0.0:.5g}".replace("-", "−")


def _range(low: float, low_at: float, high: float, high_at: float) -> str:
    left = "[" if np.isfinite(low_at) and np.isfinite(low) else "("
    right = "]" if np.isfinite(high_at) and np.isfinite(high) else ")"
    return f"{left}{_number(low)}, {_number(high)}{right}"


def _intervals(intervals: tuple[Interval, ...]) -> str:
    texts, shorter = [], 0
    for low, high in intervals:
        if np.isinf(low) and np.isinf(high):
            texts.append("everywhere")
        elif np.isinf(low):
            texts.append(f"x ≤ {_number(high)}")
        elif np.isinf(high):
            texts.append(f"x ≥ {_number(low)}")
        elif len(intervals) <= 3:
            texts.append(f"{_number(low)} ≤ x ≤ {_number(high)}")
        else:  # rounding noise: zeros come and go
            shorter += 1
    if shorter:
        texts.append(f"and {shorter} shorter intervals between")
    return ", ".join(texts) or "nowhere"
