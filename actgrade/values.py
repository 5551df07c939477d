"""Read the lines that :func:`actgrade.exercise.show` printed back into values."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

_LINE = re.compile(
    r"(?P<name>[A-Za-z_]\w*(?:\[[^\]]*\])*): "
    r"(?:(?P<kind>float|int|bool|complex) (?P<shape>\([\d, ]*\))(?: to \d+ digits)? (?P<values>.*)"
    r"|(?P<other>(?:sequence of \d+|mapping of \d+|None|text .*)))"
)
_FLOATS = re.compile(r"[^\s\[\](),]+")


@dataclass(frozen=True)
class Shown:
    """One line of ``show``.

    Attributes:
        kind: ``float``, ``int``, ``bool``, ``complex``, or ``other`` for text and containers.
        values: flat numbers in C order, complex ones as complex128; None for ``other``.
        text: the part after the name.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    values: np.ndarray | None
    text: str


def parse_line(line: str) -> Shown | None:
    """The value behind one line, or None when ``show`` did not print it."""
    match = _LINE.fullmatch(line.rstrip())
    if match is None:
        return None
    text = line.rstrip()[len(match["name"]) + 2 :]
    if match["other"] is not None:
        return Shown(match["name"], "other", (), None, text)
    try:
        shape = tuple(int(part) for part in match["shape"][1:-1].split(",") if part.strip())
        values = _values(match["kind"], match["values"])
    except (ValueError, OverflowError):
        return None
    if values.size != int(np.prod(shape, dtype=object)):
        return None
    return Shown(match["name"], match["kind"], shape, values, text)


def _values(kind: str, text: str) -> np.ndarray:
    tokens = _FLOATS.findall(text)
    if kind == "bool":
        if not set(tokens) <= {"True", "False"}:
            raise ValueError("not bools")
        return np.array([token == "True" for token in tokens], dtype=bool)
    numbers = np.array([float(token) for token in tokens], dtype=np.float64)
    if kind == "complex":
        return numbers[0::2] + 1j * numbers[1::2]
    return numbers
