"""What a function is judged by, and how good that is.

A catalogue name is judged by :mod:`actlab.functions`, whose float64 is within a few ulp of the
truth, and in float64 by its textbook formula in multiprecision. An expression is judged by itself
in multiprecision. A callable is judged by the catalogue's function that it agrees with in float64,
if there is one, and otherwise by its own float64 evaluation, which cannot judge float64.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from actlab.audit.exact import Exact
from actlab.audit.expression import parse
from actlab.audit.subject import Subject, SubjectError, along_x
from actlab.audit.textbook import TEXTBOOK
from actlab.functions import CATALOGUE, get
from actlab.properties import Floats

Values = tuple[np.ndarray, np.ndarray, int]
#: Agreement in float64 that makes a callable the catalogue's function under another name.
SAME = 1e-11
#: At least so near, it is worth a word.
NEAR = 5e-3


class Reference:
    """The truth, or the best there is of it.

    Attributes:
        kind: ``catalogue``, ``expression`` or ``own``.
        name: the catalogue's key or the expression; "" for a function's own float64.
        what: one sentence.
        judges_float64: whether it knows more than float64.
    """

    kind: str
    name: str
    what: str
    judges_float64: bool

    def values(
        self, x: np.ndarray, floats: Floats, *, derivative: bool, most: int | None = None
    ) -> Values:
        """True values at finite points: high and low parts, and how many are left out (NaN)."""
        raise NotImplementedError

    def at_infinity(self, sign: float, *, derivative: bool) -> float:
        """The limit at ±∞; NaN where it is not known or there is none."""
        raise NotImplementedError

    def pair(self) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
        """f and f′ of float64 arrays, with limits at ±∞ where they are known."""
        raise NotImplementedError


class CatalogueReference(Reference):
    """actlab's own function; in float64 the textbook formula, where there is one."""

    kind = "catalogue"

    def __init__(self, name: str) -> None:
        entry = get(name)
        self.name = entry.name
        self._pair = along_x(entry)
        book = TEXTBOOK.get(entry.name)
        self._exact = Exact(parse(book)) if book else None
        self.judges_float64 = self._exact is not None
        beyond = f"; float64 by {book} in multiprecision" if book else ""
        self.what = f"Judged by actlab.functions.{entry.name} in float64{beyond}."

    def values(
        self, x: np.ndarray, floats: Floats, *, derivative: bool, most: int | None = None
    ) -> Values:
        if floats.name == "float64" and self._exact is not None:
            return self._exact.values(x, floats.mantissa, derivative=derivative, most=most)
        high = np.asarray(self._pair[int(derivative)](x), float)
        return high, np.zeros_like(high), 0

    def at_infinity(self, sign: float, *, derivative: bool) -> float:
        with np.errstate(all="ignore"):
            return float(self._pair[int(derivative)](np.array([sign * np.inf]))[0])

    def pair(self) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
        return self._pair


class ExpressionReference(Reference):
    """An expression in multiprecision, where float64 with a bound does not settle it."""

    kind = "expression"
    judges_float64 = True

    def __init__(self, expression: str) -> None:
        self.name = expression
        self._exact = Exact(parse(expression))
        self.what = f"Judged by {expression} in as many digits as it takes (mpmath)."

    def values(
        self, x: np.ndarray, floats: Floats, *, derivative: bool, most: int | None = None
    ) -> Values:
        return self._exact.values(x, floats.mantissa, derivative=derivative, most=most)

    def at_infinity(self, sign: float, *, derivative: bool) -> float:
        return self._exact.limit(sign, derivative=derivative)

    def pair(self) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
        def of(derivative: bool) -> Callable[[Any], Any]:
            ends = {sign: self.at_infinity(sign, derivative=derivative) for sign in (-1.0, 1.0)}

            def call(x: Any) -> np.ndarray:
                x = np.asarray(x, float)
                y = self._exact.fast(x.reshape(-1))[int(derivative)].value.reshape(x.shape).copy()
                for sign, end in ends.items():
                    y[x == sign * np.inf] = end
                return y

            return call

        return of(False), of(True)


class OwnReference(Reference):
    """A function's own float64 evaluation, for want of anything better."""

    kind = "own"
    name = ""
    judges_float64 = False
    what = (
        "Judged by its own evaluation in float64, because no formula for it is known: a mistake "
        "that float64 shares is not seen. --reference names something better."
    )

    def __init__(self, subject: Subject) -> None:
        self._pair = subject.pair()
        self._subject = subject

    def values(
        self, x: np.ndarray, floats: Floats, *, derivative: bool, most: int | None = None
    ) -> Values:
        high = self._pair[int(derivative)](x)
        return high, np.zeros_like(high), 0

    def at_infinity(self, sign: float, *, derivative: bool) -> float:
        return np.nan

    def pair(self) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
        return self._pair


def recognise(subject: Subject) -> tuple[str | None, str | None, float]:
    """The catalogue's function that a callable is, and the one that it is only close to.

    Returns:
        (the same, nearly the same, largest difference on [−8, 8] from the latter).
    """
    x = np.linspace(-8, 8, 801)
    x = x[np.abs(x) > 1e-6]  # formulas that divide by x may leave a hole at 0
    try:
        y = subject.value(x, "float64")
    except SubjectError:
        return None, None, np.inf
    if not np.isfinite(y).all():
        return None, None, np.inf
    distances = {}
    for name, entry in CATALOGUE.items():
        if entry.kind == "elementwise" and entry.name not in ("celu", "rrelu"):
            distances[name] = float(np.max(np.abs(y - entry.forward(x))))
    best = min(distances, key=lambda name: distances[name])
    if distances[best] <= SAME * 10:
        return best, None, distances[best]
    scale = max(1.0, float(np.std(y)))
    return None, best if distances[best] <= NEAR * scale else None, distances[best]


def choose(subject: Subject) -> Reference:
    """The best reference that there is for a function."""
    target = subject.target
    if target.reference is not None:
        try:
            return CatalogueReference(target.reference)
        except ValueError:
            return ExpressionReference(target.reference)
    if target.kind == "catalogue":
        return CatalogueReference(target.name)
    if target.kind == "expression":
        return ExpressionReference(target.name)
    same, _, _ = recognise(subject)
    if same is not None:
        found = CatalogueReference(same)
        found.what = f"Recognised in float64 as the catalogue's {same}. {found.what}"
        return found
    return OwnReference(subject)


def kinks_of(reference: Reference) -> tuple[float, ...]:
    """Where the one-sided slopes of the truth differ, on [−12, 12]."""
    from actlab.properties import find_kinks

    f, slope = reference.pair()
    with np.errstate(all="ignore"):
        try:
            found = find_kinks(f, slope)
        except (ValueError, FloatingPointError):
            return ()
    # A function that is not finite there makes everything a candidate.
    return found if len(found) <= 24 else ()


def sides(reference: Reference, points: tuple[float, ...]) -> list[tuple[float, float]]:
    """The slopes on the two sides of each of some points, the lower first."""
    _, slope = reference.pair()
    found = []
    for point in points:
        pair = slope(np.array([point - 1e-7, point + 1e-7]))
        found.append((float(np.min(pair)), float(np.max(pair))))
    return found
