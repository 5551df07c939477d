"""The shape of a function: range, extrema, monotonicity, kinks, steepest slope; and its regions.

The shape is that of the truth (:mod:`actlab.audit.reference`), with the tools that measure the
cards. The regions are those of the implementation: where it, or its gradient, is 0, NaN or infinite
in each float format.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from actlab.audit.reference import Reference
from actlab.audit.subject import Subject, SubjectError
from actlab.properties import (
    REACH,
    Floats,
    find_bends,
    slope_extremum,
    value_extremum,
)

Function = Callable[[Any], Any]
#: The points of the drawn curves.
DRAWN = np.linspace(-8.0, 8.0, 641)


def measure(reference: Reference, kinks: tuple[float, ...]) -> dict[str, Any]:
    """The shape as plain data; a number that cannot be found is None."""
    f, slope = reference.pair()
    with np.errstate(all="ignore"):
        bends = _try(lambda: find_bends(slope, kinks), ())
        lowest = _try(lambda: value_extremum(f, slope, np.nanargmin), None)
        highest = _try(lambda: value_extremum(f, slope, np.nanargmax), None)
        fall = _try(lambda: slope_extremum(slope, kinks, np.nanargmin), None)
        rise = _try(lambda: slope_extremum(slope, kinks, np.nanargmax), None)
        grid = np.linspace(-REACH, REACH, 6401)
        y = np.asarray(f(grid), float)
        drawn = [np.asarray(call(DRAWN), float) for call in (f, slope)]
    finite = np.isfinite(y)
    rises, falls = (np.diff(y[finite]) > 0).any(), (np.diff(y[finite]) < 0).any()
    steepest = [abs(point[0]) for point in (fall, rise) if point is not None]
    return {
        "lowest": _point(lowest),
        "highest": _point(highest),
        "fall": _point(fall),
        "rise": _point(rise),
        "monotone": "constant" if not (rises or falls) else
        "no" if rises and falls else "rising" if rises else "falling",
        "lipschitz": max(steepest) if steepest else None,
        "kinks": list(kinks),
        "bends": list(bends[:24]),
        "limits": {
            "-inf": reference.at_infinity(-1.0, derivative=False),
            "inf": reference.at_infinity(1.0, derivative=False),
        },
        "zero_centred": bool(np.isclose(float(np.asarray(f(np.array([0.0])))[0]), 0.0, atol=1e-12)),
        "drawn": {"x": DRAWN.tolist(), "f": drawn[0].tolist(), "slope": drawn[1].tolist()},
    }  # fmt: skip


def _try(call: Callable[[], Any], otherwise: Any) -> Any:
    """Functions that are NaN where they are looked at have no such number."""
    try:
        return call()
    except (ValueError, FloatingPointError, IndexError):
        return otherwise


def _point(found: tuple[float, float] | None) -> dict[str, float] | None:
    return None if found is None else {"value": float(found[0]), "at": float(found[1])}


# --- regions --------------------------------------------------------------------------------------

_KINDS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "zero": lambda y: y == 0,
    "nan": np.isnan,
    "infinite": np.isinf,
}


def regions(subject: Subject, dtype: str) -> dict[str, Any]:
    """Where value and slope are exactly 0, NaN or infinite, in one format.

    Returns:
        ``{"value": {"zero": [[low, high], …], "nan": …, "infinite": …}, "slope": …}``; single
        numbers and stretches of subnormals alone are left out of "zero".
    """
    floats = Floats.of(dtype)
    found: dict[str, Any] = {}
    calls = {"value": subject.value}
    if subject.differentiable:
        calls["slope"] = subject.slope
    codes = floats.codes()
    x = floats.values(codes).astype(float)
    for name, call in calls.items():
        y = call(x, dtype)

        found[name] = {
            kind: _runs(test(y), codes, floats, partial(_holds, test, call, floats), kind)
            for kind, test in _KINDS.items()
        }
    return found


def _holds(
    test: Callable[[np.ndarray], np.ndarray],
    call: Callable[[np.ndarray, str], np.ndarray],
    floats: Floats,
    code: int,
) -> bool:
    return bool(test(call(floats.values(np.array([code])).astype(float), floats.name))[0])


def _runs(
    holds: np.ndarray, codes: np.ndarray, floats: Floats, test: Callable[[int], bool], kind: str
) -> list[list[float]]:
    starts = np.flatnonzero(holds & ~np.append(False, holds[:-1]))
    stops = np.flatnonzero(holds & ~np.append(holds[1:], False))
    tiny = 1 << floats.mantissa
    runs = []
    for start, stop in list(zip(starts, stops, strict=True))[:40]:
        low, high = int(codes[start]), int(codes[stop])
        if start > 0:
            low = _edge(test, low, int(codes[start - 1]))
        if stop < codes.size - 1:
            high = _edge(test, high, int(codes[stop + 1]))
        if kind == "zero" and (high == low or (-1 - tiny < low and high < tiny)):
            continue
        ends = floats.values(np.array([low, high])).astype(float) + 0.0
        runs.append([
            -np.inf if low == -1 - floats.top else float(ends[0]),
            np.inf if high == floats.top else float(ends[1]),
        ])  # fmt: skip
    return runs


def _edge(test: Callable[[int], bool], inside: int, outside: int) -> int:
    """The last code on the way from ``inside`` (true) to ``outside`` (false) that is true."""
    while abs(outside - inside) > 1:
        middle = (inside + outside) // 2
        inside, outside = (middle, outside) if test(middle) else (inside, middle)
    return inside


def all_regions(subject: Subject) -> dict[str, Any]:
    """:func:`regions` for every format of the framework; what raises is left out."""
    found = {}
    for dtype in subject.dtypes:
        try:
            found[dtype] = regions(subject, dtype)
        except SubjectError:
            continue
    return found
