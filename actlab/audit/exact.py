"""What an expression and its derivative really are, to the last bit of a float format.

Two evaluations share the work. The first runs in float64 on whole arrays and carries a bound on its
own rounding error with every number (:class:`Bounded`); where the bound is a small fraction of what
is asked, the value stands. The rest goes, one by one, through mpmath in rising precision until two
precisions agree. :class:`Dual` carries the derivative through either by the chain rule.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from mpmath import mp, mpf

from actlab.audit.expression import run
from actlab.audit.rewriting import IDENTITIES, rewrite

# --- float64 with a bound -------------------------------------------------------------------------

_U = 2.0**-53
_TINY = 2.0**-1074


@dataclass
class Truth:
    """A comparison: where it holds, and where rounding cannot have changed that."""

    holds: np.ndarray
    certain: np.ndarray


def _of_numbers(operation: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Leave an operation with a :class:`Dual` to that."""

    def checked(self: Any, other: Any) -> Any:
        return NotImplemented if isinstance(other, Dual) else operation(self, Bounded.of(other))

    return checked


class Bounded:
    """Float64 numbers with a bound on their distance from what they stand for.

    Attributes:
        value: (n,).
        error: (n,), ≥ 0; infinite or NaN where nothing is known.
    """

    def __init__(self, value: Any, error: Any = 0.0) -> None:
        self.value = np.asarray(value, float)
        self.error = np.asarray(error, float)

    @staticmethod
    def of(other: Any) -> Bounded:
        """A plain number as one; digits that float64 cannot hold cost half an ulp."""
        if isinstance(other, Bounded):
            return other
        value = float(other)
        exact = value == int(value) if np.isfinite(value) else True
        return Bounded(value, 0.0 if exact else abs(value) * _U)

    def _rounded(self, value: Any, error: Any, ulps: float = 1.0) -> Bounded:
        return Bounded(value, error + ulps * _U * np.abs(value) + _TINY)

    def __neg__(self) -> Bounded:
        return Bounded(-self.value, self.error)

    @_of_numbers
    def __add__(self, other: Any) -> Bounded:
        return self._rounded(self.value + other.value, self.error + other.error)

    @_of_numbers
    def __sub__(self, other: Any) -> Bounded:
        return self._rounded(self.value - other.value, self.error + other.error)

    @_of_numbers
    def __rsub__(self, other: Any) -> Bounded:
        return other - self

    @_of_numbers
    def __mul__(self, other: Any) -> Bounded:
        error = (
            np.abs(self.value) * other.error
            + np.abs(other.value) * self.error
            + self.error * other.error
        )
        return self._rounded(self.value * other.value, error)

    @_of_numbers
    def __truediv__(self, other: Any) -> Bounded:
        value = self.value / other.value
        room = np.abs(other.value) - other.error
        error = np.where(room > 0, (self.error + np.abs(value) * other.error) / room, np.inf)
        return self._rounded(value, error)

    @_of_numbers
    def __rtruediv__(self, other: Any) -> Bounded:
        return other / self

    __radd__, __rmul__ = __add__, __mul__

    def _compared(self, other: Any, holds: Callable[[Any, Any], Any]) -> Truth:
        apart = np.abs(self.value - other.value)
        exact = (self.error == 0) & (other.error == 0)
        return Truth(
            holds(self.value, other.value), exact | (apart > self.error + other.error + _TINY)
        )

    @_of_numbers
    def __lt__(self, other: Any) -> Truth:
        return self._compared(other, np.less)

    @_of_numbers
    def __le__(self, other: Any) -> Truth:
        return self._compared(other, np.less_equal)

    @_of_numbers
    def __gt__(self, other: Any) -> Truth:
        return self._compared(other, np.greater)

    @_of_numbers
    def __ge__(self, other: Any) -> Truth:
        return self._compared(other, np.greater_equal)


def _function(
    compute: Callable[[np.ndarray], np.ndarray],
    steepest: Callable[[np.ndarray, np.ndarray], np.ndarray],
    ulps: float = 4.0,
) -> Callable[[Any], Bounded]:
    """A function whose slope is at most ``steepest(a, error)`` between a − error and a + error."""

    def of(a: Any) -> Bounded:
        a = Bounded.of(a)
        value = compute(a.value)
        known = np.where(a.error == 0, 0.0, a.error * steepest(a.value, a.error))
        return a._rounded(value, known, ulps)

    return of


def _inner(a: np.ndarray, e: np.ndarray) -> np.ndarray:
    """The smallest magnitude within e of a."""
    return np.maximum(np.abs(a) - e, 0.0)


def _sech2(a: np.ndarray, e: np.ndarray) -> np.ndarray:
    z = np.exp(-2 * _inner(a, e))
    return 4 * z / (1 + z) ** 2


def _bounded_table() -> dict[str, Callable[..., Any]]:
    from scipy import special

    def where(condition: Truth, a: Any, b: Any) -> Bounded:
        a, b = Bounded.of(a), Bounded.of(b)
        error = np.where(condition.holds, a.error, b.error)
        return Bounded(
            np.where(condition.holds, a.value, b.value), np.where(condition.certain, error, np.inf)
        )

    def power(a: Any, n: float) -> Bounded:
        a = Bounded.of(a)
        value = a.value**n
        room = _inner(a.value, a.error)
        edge = (np.abs(a.value) + a.error) if n >= 1 else room
        slope = abs(n) * edge ** (n - 1) if n else 0.0
        return a._rounded(value, np.where(a.error == 0, 0.0, a.error * slope), 4 + 4 * abs(n))

    def one(a: np.ndarray, e: np.ndarray) -> np.ndarray:
        return np.ones_like(a)

    def up_to_e(compute: Callable[[np.ndarray], np.ndarray]) -> Callable[..., np.ndarray]:
        return lambda a, e: compute(a + e)

    def bell(a: np.ndarray, e: np.ndarray) -> np.ndarray:
        return 1.1284 * np.exp(-(_inner(a, e) ** 2))

    return {
        "exp": _function(np.exp, up_to_e(np.exp)),
        "expm1": _function(np.expm1, up_to_e(np.exp)),
        "sinh": _function(np.sinh, lambda a, e: np.cosh(np.abs(a) + e)),
        "cosh": _function(np.cosh, lambda a, e: np.cosh(np.abs(a) + e)),
        "log": _function(np.log, lambda a, e: 1 / _inner(a, e)),
        "log2": _function(np.log2, lambda a, e: 1.4427 / _inner(a, e)),
        "log1p": _function(np.log1p, lambda a, e: 1 / np.maximum(1 + a - e, 0)),
        "sqrt": _function(np.sqrt, lambda a, e: 1 / np.sqrt(np.maximum(a - e, 0)) / 2),
        "tanh": _function(np.tanh, _sech2),
        "erf": _function(special.erf, bell, 16),
        "erfc": _function(special.erfc, bell, 16),
        "sigmoid": _function(special.expit, up_to_e(special.expit), 8),
        "softplus": _function(lambda a: np.logaddexp(a, 0), up_to_e(special.expit), 8),
        "sin": _function(np.sin, one),
        "cos": _function(np.cos, one),
        "atan": _function(np.arctan, one),
        "abs": _function(np.abs, one, 0),
        "where": where,
        "pow": power,
    }


# --- multiprecision -------------------------------------------------------------------------------


def _no_integer(function: Callable[[mpf], mpf]) -> Callable[[mpf], mpf]:
    """An exponential that is not asked for the power of a huge integer.

    mpmath would multiply thousands of times; half of one more or less changes neither that the
    result is beyond every float, nor, by more than 2^−200, its logarithm.
    """

    def of(a: mpf) -> mpf:
        size = mp.mag(a) if a else 0
        if size > 200:
            with mp.workprec(size + 20):
                a = a + mpf(0.5)
        return function(a)

    return of


def _mp_table() -> dict[str, Callable[..., Any]]:
    names = [
        "exp",
        "expm1",
        "log",
        "log1p",
        "sqrt",
        "sin",
        "cos",
        "sinh",
        "cosh",
        "tanh",
        "atan",
        "erf",
        "erfc",
    ]
    table: dict[str, Callable[..., Any]] = {name: getattr(mp, name) for name in names}
    exp = _no_integer(mp.exp)
    return table | {
        "exp": exp,
        "sinh": _no_integer(mp.sinh),
        "cosh": _no_integer(mp.cosh),
        "log2": lambda a: mp.log(a) / mp.log(2),
        "sigmoid": lambda a: 1 / (1 + exp(-a)) if a >= 0 else exp(a) / (1 + exp(a)),
        "softplus": lambda a: max(a, mpf(0)) + mp.log1p(exp(-abs(a))),
        "abs": abs,
        "where": lambda condition, a, b: a if condition else b,
        "pow": lambda a, n: a**n if float(n).is_integer() else a ** mpf(n),
    }


# --- derivatives ----------------------------------------------------------------------------------


class Dual:
    """A value and its derivative, both numbers of one kind; plain numbers have the derivative 0."""

    def __init__(self, value: Any, slope: Any) -> None:
        self.value, self.slope = value, slope

    def __neg__(self) -> Dual:
        return Dual(-self.value, -self.slope)

    def __add__(self, other: Any) -> Dual:
        if isinstance(other, Dual):
            return Dual(self.value + other.value, self.slope + other.slope)
        return Dual(self.value + other, self.slope)

    def __sub__(self, other: Any) -> Dual:
        if isinstance(other, Dual):
            return Dual(self.value - other.value, self.slope - other.slope)
        return Dual(self.value - other, self.slope)

    def __rsub__(self, other: Any) -> Dual:
        return Dual(other - self.value, -self.slope)

    def __mul__(self, other: Any) -> Dual:
        if isinstance(other, Dual):
            slope = self.value * other.slope + self.slope * other.value
            return Dual(self.value * other.value, slope)
        return Dual(self.value * other, self.slope * other)

    def __truediv__(self, other: Any) -> Dual:
        if isinstance(other, Dual):
            value = self.value / other.value
            return Dual(value, (self.slope - value * other.slope) / other.value)
        return Dual(self.value / other, self.slope / other)

    def __rtruediv__(self, other: Any) -> Dual:
        value = other / self.value
        return Dual(value, -(value * self.slope / self.value))

    __radd__, __rmul__ = __add__, __mul__

    def __lt__(self, other: Any) -> Any:
        return self.value < _value(other)

    def __le__(self, other: Any) -> Any:
        return self.value <= _value(other)

    def __gt__(self, other: Any) -> Any:
        return self.value > _value(other)

    def __ge__(self, other: Any) -> Any:
        return self.value >= _value(other)


def _value(number: Any) -> Any:
    return number.value if isinstance(number, Dual) else number


def dual_table(plain: Mapping[str, Callable[..., Any]]) -> dict[str, Callable[..., Any]]:
    """The functions on :class:`Dual` numbers, of a table of those on the numbers inside."""

    def chain(name: str, slope: Callable[[Any, Any], Any]) -> Callable[[Any], Any]:
        compute = plain[name]

        def of(a: Any) -> Any:
            if not isinstance(a, Dual):
                return compute(a)
            value = compute(a.value)
            return Dual(value, slope(a.value, value) * a.slope)

        return of

    def where(condition: Any, a: Any, b: Any) -> Dual:
        slopes = [number.slope if isinstance(number, Dual) else 0 for number in (a, b)]
        pick = plain["where"]
        return Dual(pick(condition, _value(a), _value(b)), pick(condition, *slopes))

    def power(a: Any, n: float) -> Any:
        if not isinstance(a, Dual):
            return plain["pow"](a, n)
        if n == 0:
            return Dual(plain["pow"](a.value, 0), a.slope * 0)
        return Dual(plain["pow"](a.value, n), plain["pow"](a.value, n - 1) * n * a.slope)

    def reciprocal(a: Any) -> Any:
        return 1 / a

    def erf_slope(a: Any) -> Any:
        factor = 2 / mp.sqrt(mp.pi)  # to the precision of the moment
        return plain["exp"](-(a * a)) * (factor if isinstance(a, mpf) else float(factor))

    sigmoid = plain["sigmoid"]
    table: dict[str, Callable[..., Any]] = {
        "exp": chain("exp", lambda a, v: v),
        "expm1": chain("expm1", lambda a, v: plain["exp"](a)),
        "log": chain("log", lambda a, v: reciprocal(a)),
        "log1p": chain("log1p", lambda a, v: reciprocal(a + 1)),
        "log2": chain("log2", lambda a, v: reciprocal(a * plain["log"](_like(a, 2)))),
        "sqrt": chain("sqrt", lambda a, v: reciprocal(v * 2)),
        "sin": chain("sin", lambda a, v: plain["cos"](a)),
        "cos": chain("cos", lambda a, v: -plain["sin"](a)),
        "sinh": chain("sinh", lambda a, v: plain["cosh"](a)),
        "cosh": chain("cosh", lambda a, v: plain["sinh"](a)),
        # 4σ(2a)σ(−2a): 1 − tanh² without its cancellation.
        "tanh": chain("tanh", lambda a, v: sigmoid(a * 2) * sigmoid(a * -2) * 4),
        "atan": chain("atan", lambda a, v: reciprocal(a * a + 1)),
        "erf": chain("erf", lambda a, v: erf_slope(a)),
        "erfc": chain("erfc", lambda a, v: -erf_slope(a)),
        "sigmoid": chain("sigmoid", lambda a, v: v * sigmoid(-a)),
        "softplus": chain("softplus", lambda a, v: sigmoid(a)),
        "where": where,
        "pow": power,
    }
    composed: dict[str, Callable[..., Any]] = {
        "tan": lambda a: table["sin"](a) / table["cos"](a),
        "logsigmoid": lambda a: -table["softplus"](-a),
        "silu": lambda a: a * table["sigmoid"](a),
        "square": lambda a: a * a,
        "abs": lambda a: where(_value(a) < 0, -a, a),
        "relu": lambda a: where(_value(a) > 0, a, 0),
        "maximum": lambda a, b: where(_value(a) > _value(b), a, b),
        "minimum": lambda a, b: where(_value(a) < _value(b), a, b),
        "sign": lambda a: where(_value(a) > 0, 1, where(_value(a) < 0, -1, 0)),
        "clip": lambda a, low, high: table["minimum"](table["maximum"](a, low), high),
        "logaddexp": lambda a, b: table["maximum"](a, b) + table["softplus"](-table["abs"](a - b)),
    }
    table.update(composed)
    return table


def _like(a: Any, number: int) -> Any:
    return mpf(number) if isinstance(a, mpf) else Bounded(float(number))


# --- both -----------------------------------------------------------------------------------------

#: Bits of each precision that is tried; a value stands when two agree. The last keeps what is left
#: of numbers near 1 below float64's smallest.
PRECISIONS = (96, 192, 420, 1300, 2600)
_AGREE = 72  # bits: half an ulp of float64 and enough for a remainder


def _mp_number(digits: str) -> Any:
    return mpf(digits)


class Exact:
    """An expression in x and its derivative.

    Args:
        node: a checked tree (:func:`actlab.audit.expression.parse`).
    """

    def __init__(self, node: ast.expr) -> None:
        self.node = node
        #: The same numbers with fewer cancellations, so that fewer points need many digits.
        self.sound = rewrite(node, IDENTITIES)
        self.rewritten = ast.dump(self.sound) != ast.dump(node)
        self._bounded = dual_table(_bounded_table())
        self._mp = dual_table(_mp_table())

    def fast(self, x: np.ndarray) -> tuple[Bounded, Bounded]:
        """Value and derivative at float64 points (n,), each with its bound."""
        start = Dual(Bounded(x), Bounded(np.ones_like(x)))
        with np.errstate(all="ignore"):
            # A number is a Bounded from the start, so that its own rounding counts.
            result = run(self.sound, start, self._bounded, _bounded_number)
        if not isinstance(result, Dual):
            result = Dual(result, Bounded(0.0))
        value, slope = Bounded.of(result.value), Bounded.of(result.slope)
        return (
            Bounded(*np.broadcast_arrays(value.value, value.error, x)[:2]),
            Bounded(*np.broadcast_arrays(slope.value, slope.error, x)[:2]),
        )

    def _at(self, x: float, bits: int, derivative: bool, *, sound: bool = False) -> mpf | None:
        with mp.workprec(bits):
            node = self.sound if sound else self.node
            try:
                result = run(node, Dual(mpf(x), mpf(1)), self._mp, _mp_number)
            except (ZeroDivisionError, ValueError, OverflowError, TypeError):
                return None  # a pole, or a logarithm of a negative number
            number = result.slope if derivative else result.value
            if not isinstance(number, mpf):
                return mpf(number) if isinstance(number, int | float) else None
            return number if mp.isfinite(number) else None

    def slow(self, x: float, *, derivative: bool) -> tuple[float, float]:
        """The value at one point as a sum of two float64 numbers; NaN where there is none.

        Two precisions that agree are not enough: in both of them a term can be lost in a 1. So the
        first one grows with x, as the digits that exponentials cancel do, and where the expression
        has a sound form, that has to agree, too. A value too large for float64 is ±inf, one too
        small 0.
        """
        least = 96 + min(3 * abs(x), PRECISIONS[-2] - 96)
        tried = [bits for bits in PRECISIONS if bits >= least]
        check = None
        if self.rewritten:
            check = self._at(x, tried[0], derivative, sound=True)
        before = None
        for bits in tried:
            now = self._at(x, bits, derivative)
            if now is None:
                return np.nan, 0.0
            # Two zeros may both be differences that lost all their digits.
            settled = before is not None and now != 0 and _agree(now, before, _AGREE)
            if settled and (check is None or _agree(now, check, 60)):
                break
            tiny = mp.ldexp(mpf(1), -1080)
            if before is not None and bits >= 1300 and max(abs(now), abs(before)) < tiny:
                break
            before = now
        high = _to_float(now)
        if not np.isfinite(high):
            return high, 0.0
        with mp.workprec(200):
            return high, _to_float(now - mpf(high))

    def values(
        self, x: np.ndarray, mantissa: int, *, derivative: bool, most: int | None = None
    ) -> tuple[np.ndarray, np.ndarray, int]:
        """The true values at points (n,), good enough to judge a format with ``mantissa`` bits.

        Args:
            x: finite float64 numbers.
            mantissa: bits after the leading one.
            derivative: whether f′ is asked for.
            most: how many points may go through mpmath; those left over are NaN.

        Returns:
            high and low parts, float64 (n,) each, and the number of points left over.
        """
        found = self.fast(x)[int(derivative)]
        high, low = found.value.copy(), np.zeros_like(x)
        smallest = {7: 2.0**-133, 10: 2.0**-24, 23: 2.0**-149}.get(mantissa, 0.0)
        with np.errstate(all="ignore"):
            enough = np.maximum(np.abs(high) * 2.0 ** -(mantissa + 7), smallest / 128)
            settled = np.isfinite(high) & (found.error <= enough)
        rest = np.flatnonzero(~settled)
        left = 0
        if most is not None and rest.size > most:
            chosen = rest[np.linspace(0, rest.size - 1, most).astype(int)]
            left = rest.size - np.unique(chosen).size
            high[rest] = np.nan
            rest = np.unique(chosen)
        known: dict[int, tuple[float, float]] = {}

        def at(place: int) -> tuple[float, float]:
            if place not in known:
                known[place] = self.slow(float(x[place]), derivative=derivative)
            return known[place]

        for side in (rest[x[rest] < 0], rest[x[rest] >= 0]):
            self._fill(side[np.argsort(x[side])], x, high, low, at, mantissa)
        return high, low, left

    def _fill(
        self,
        places: np.ndarray,
        x: np.ndarray,
        high: np.ndarray,
        low: np.ndarray,
        at: Callable[[int], tuple[float, float]],
        mantissa: int,
    ) -> None:
        """Fill in the values at ``places``, which are sorted by x and of one sign.

        Half of all floats lie where nothing happens any more: f is 0 there, or a constant, or a
        multiple of x. A stretch that is one of these at eleven points is taken to be so throughout;
        any other is halved.
        """
        if places.size <= 12:
            for place in places:
                high[place], low[place] = at(int(place))
            return
        probes = places[np.linspace(0, places.size - 1, 11).astype(int)]
        y = np.array([at(int(place))[0] for place in probes])
        tolerance = 2.0 ** -(min(mantissa, 44) + 7)
        if np.isnan(y).all() or (y == y[0]).all():
            high[places], low[places] = y[0], at(int(probes[0]))[1]
            if mantissa < 52 or not np.isfinite(y[0]) or y[0] == 0:
                return
        if mantissa < 52 and np.isfinite(y).all() and (y != 0).all():
            with np.errstate(all="ignore"):
                for base in (np.ones_like(x), x):
                    ratio = y / base[probes]
                    middle = ratio[5]
                    if np.isfinite(ratio).all() and np.all(
                        np.abs(ratio - middle) <= tolerance * np.abs(middle)
                    ):
                        high[places] = middle * base[places]
                        return
        half = places.size // 2
        for part in (places[:half], places[half:]):
            self._fill(part, x, high, low, at, mantissa)

    def limit(self, sign: float, *, derivative: bool) -> float:
        """The value at ±∞; NaN where none can be told from two far points."""
        far = [self._at(sign * 2.0**power, 2600, derivative) for power in (600, 601)]
        if None in far:
            return np.nan
        first, second = far
        if max(abs(first), abs(second)) < mp.ldexp(mpf(1), -300):
            return 0.0
        if min(abs(first), abs(second)) > mp.ldexp(mpf(1), 300) and first * second > 0:
            return float(mp.sign(first)) * np.inf
        return float(second) if abs(first - second) < 1e-12 * abs(second) else np.nan


def _agree(a: mpf, b: mpf, bits: int) -> bool:
    return bool(abs(a - b) <= mp.ldexp(abs(a), -bits))


def _to_float(number: mpf) -> float:
    try:
        return float(number)
    except OverflowError:
        return float(mp.sign(number)) * np.inf


def _bounded_number(digits: str) -> Bounded:
    value = float(digits)
    exact = digits.lstrip("-").isdigit() or value == int(value) if np.isfinite(value) else True
    return Bounded(value, 0.0 if exact else abs(value) * _U)
