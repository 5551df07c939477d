"""Compare printed text: numbers with a tolerance, everything else exactly.

A number with a decimal point or an exponent, on either side, is a measured value and gets the
tolerance. Two whole numbers must be equal: shapes, counts and indices are whole numbers. NaN and
±inf must stand in the same places.
"""

from __future__ import annotations

import re

from actgrade.source import Tolerance
from actgrade.values import Shown, parse_line

# Not inside a word: the 1 of "w1" and the 64 of "float64" are text.
NUMBER = re.compile(r"(?<![\w.])[-+]?(?:(?:\d+\.\d*|\.\d+|\d+)(?:[eE][-+]?\d+)?|inf|nan)(?![\w.])")
_DIGITS = re.compile(r" to (\d+) digits ")
_FLOAT_SIGNS = (".", "e", "E", "n")


def texts_agree(expected: str, got: str, tolerance: Tolerance) -> bool:
    """Whether ``got`` says the same as ``expected``, line by line, within ``tolerance``."""
    expected_lines, got_lines = _lines(expected), _lines(got)
    return len(expected_lines) == len(got_lines) and all(
        a == b or lines_agree(a, b, tolerance)
        for a, b in zip(expected_lines, got_lines, strict=True)
    )


def own_lines(expected: str, got: str) -> str:
    """``got`` without what the check did not print: a learner's ``print`` costs no points.

    A line stays when :func:`actgrade.exercise.show` could have printed it for a value of which
    ``expected`` has one. Where ``expected`` has other lines than those of ``show``, all stay.
    """
    wanted = [parse_line(line) for line in _lines(expected)]
    names = {_value(line) for line in wanted if line is not None}
    if None in wanted or not names:
        return got
    kept = [line for line in _lines(got) if (shown := parse_line(line)) and _value(shown) in names]
    return "".join(f"{line}\n" for line in kept)


def _value(line: Shown) -> str:
    """The value that a line is of: ``y`` for its member ``y[0]`` too."""
    return line.name.partition("[")[0]


def lines_agree(expected: str, got: str, tolerance: Tolerance) -> bool:
    """The same for one line."""
    if NUMBER.split(expected) != NUMBER.split(got):
        return False
    tolerance = rounded_tolerance(expected, tolerance)
    pairs = zip(NUMBER.findall(expected), NUMBER.findall(got), strict=True)
    return all(a == b or tokens_agree(a, b, tolerance) for a, b in pairs)


def rounded_tolerance(line: str, tolerance: Tolerance) -> Tolerance:
    """``tolerance``, widened by one unit in the last digit where a line is rounded."""
    digits = _DIGITS.search(line)
    if digits is None:
        return tolerance
    return Tolerance(max(tolerance.rtol, 10.0 ** (1 - int(digits[1][:3]))), tolerance.atol)


def tokens_agree(expected: str, got: str, tolerance: Tolerance) -> bool:
    """Whether two numbers in text form agree."""
    if not any(sign in token for token in (expected, got) for sign in _FLOAT_SIGNS):
        return expected == got
    return values_agree(float(expected), float(got), tolerance)


def values_agree(expected: float, got: float, tolerance: Tolerance) -> bool:
    """``|got - expected| <= atol + rtol * |expected|``; NaN agrees with NaN, inf with inf."""
    if expected != expected or got != got:
        return expected != expected and got != got
    if abs(expected) == float("inf") or abs(got) == float("inf"):
        return expected == got
    return abs(got - expected) <= tolerance.atol + tolerance.rtol * abs(expected)


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.rstrip().splitlines()]


class TolerantText(str):
    """Text that equals other text within a tolerance.

    nbval compares sanitised outputs with ``==`` and ``!=``; handing it this subclass of ``str``
    leaves its comparison untouched and gives it a tolerance.
    """

    __slots__ = ("tolerance",)
    tolerance: Tolerance

    def __new__(cls, text: str, tolerance: Tolerance) -> TolerantText:
        """``text`` with the tolerance to compare it with."""
        made = super().__new__(cls, text)
        made.tolerance = tolerance
        return made

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, str):
            return NotImplemented
        return texts_agree(self, other, self.tolerance)

    def __ne__(self, other: object) -> bool:
        equal = self.__eq__(other)
        return equal if equal is NotImplemented else not equal

    # Texts that agree need not have one hash, so there is none.
    __hash__ = None  # type: ignore[assignment]
