"""Print values as canonical lines, which compare as text with a tolerance for numbers.

A line is ``name: class shape values``. The class is ``float``, ``int``, ``bool``, ``complex`` or
``text``, not the exact dtype, so that a float32 answer may stand beside a float64 one; a question
about the dtype itself shows ``str(y.dtype)``. NumPy arrays, torch tensors and Python numbers of the
same class, shape and values print the same line.
"""

from __future__ import annotations

import builtins
import sys
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

# Longer texts and larger arrays are a mistake in a check cell, and would drown a report.
MOST_ELEMENTS = 20_000
_CLASSES = {"f": "float", "i": "int", "u": "int", "b": "bool", "c": "complex"}


def show(*, digits: int | None = None, **values: Any) -> None:
    """Print one canonical line for each value, and one more for each member of a sequence.

    Args:
        digits: significant digits of float and complex values, 1 to 17. Default: as many as the
            dtype needs to be read back exactly. A check with fewer digits prints the same text on
            every processor; the comparison then allows one unit in the last digit.
        **values: arrays, tensors, numbers, bools, strings, None, dtypes, and tuples, lists or
            dicts of these.

    Raises:
        TypeError: a value has no canonical form.
        ValueError: ``digits`` is out of range, or a value has more than 20,000 elements.
    """
    if digits is not None and not 1 <= digits <= 17:
        raise ValueError("digits must lie between 1 and 17")
    for name, value in values.items():
        for line in lines_of(name, value, digits):
            print(line)


def lines_of(name: str, value: Any, digits: int | None = None) -> list[str]:
    """The lines that :func:`show` prints for one value."""
    if isinstance(value, Mapping):
        lines = [f"{name}: mapping of {len(value)}"]
        for key in sorted(value, key=repr):
            lines += lines_of(f"{name}[{key!r}]", value[key], digits)
        return lines
    if isinstance(value, tuple | list):
        lines = [f"{name}: sequence of {len(value)}"]
        for index, member in enumerate(value):
            lines += lines_of(f"{name}[{index}]", member, digits)
        return lines
    if value is None:
        return [f"{name}: None"]
    if isinstance(value, str | np.str_):
        return [f"{name}: text {str(value)!r}"]
    if isinstance(value, type) and issubclass(value, np.generic):
        return [f"{name}: text {value.__name__!r}"]
    if isinstance(value, np.dtype) or _is_torch_dtype(value):
        return [f"{name}: text {str(value)!r}"]
    if isinstance(value, int) and not isinstance(value, bool):
        return [f"{name}: int () {value}"]  # as long as it is: an array would overflow
    return [f"{name}: {_array_text(name, _as_array(name, value), digits)}"]


def raised(function: Callable[..., Any], *arguments: Any, **keywords: Any) -> str:
    """The class name of the exception that a call raises, or ``"nothing"``; for ``show``.

    A class of the learner's own goes by the name of the built-in one that it is derived from:
    whoever is asked for a ``ValueError`` may raise a kind of it.
    """
    try:
        function(*arguments, **keywords)
    except Exception as error:
        return next(kind.__name__ for kind in type(error).__mro__ if _can_be_asked_for(kind))
    return "nothing"


def _can_be_asked_for(kind: type) -> bool:
    """Whether an exercise would name this error: a built-in one, and none of bytes and text."""
    return getattr(builtins, kind.__name__, None) is kind and not issubclass(kind, UnicodeError)


def _is_torch_dtype(value: Any) -> bool:
    return type(value).__module__ == "torch" and type(value).__name__ == "dtype"


def _as_array(name: str, value: Any) -> np.ndarray:
    if hasattr(value, "detach") and hasattr(value, "cpu"):  # a torch tensor, without torch
        value = value.detach().cpu()
        if str(value.dtype) == "torch.bfloat16":
            value = value.float()
        value = value.resolve_conj().resolve_neg().numpy()
    array = np.asarray(value)
    if array.dtype.kind not in _CLASSES:
        raise TypeError(
            f"show() has no line for {name}, a {type(value).__name__}; it prints numbers, arrays, "
            "tensors, bools, text, None, and tuples, lists or dicts of these"
        )
    if array.size > MOST_ELEMENTS:
        raise ValueError(f"{name} has {array.size} elements; show() prints at most {MOST_ELEMENTS}")
    return array


def _array_text(name: str, array: np.ndarray, digits: int | None) -> str:
    kind = _CLASSES[array.dtype.kind]
    if array.dtype == np.float16:
        # The shortest text of its own precision is too far from the value to compare with others.
        array = array.astype(np.float32)
    rounded = f" to {digits} digits" if digits is not None and kind in ("float", "complex") else ""
    format_one: Callable[[Any], str]
    if kind == "float":
        format_one = lambda number: _float_text(number, digits)  # noqa: E731
    elif kind == "complex":
        format_one = lambda number: (  # noqa: E731
            f"({_float_text(number.real, digits)}, {_float_text(number.imag, digits)})"
        )
    else:
        format_one = str
    shape = tuple(int(length) for length in array.shape)
    return f"{kind} {shape}{rounded} {_nested(array, format_one)}"


def _nested(array: np.ndarray, format_one: Callable[[Any], str]) -> str:
    if array.ndim == 0:
        return format_one(array[()])
    return "[" + " ".join(_nested(row, format_one) for row in array) + "]"


def _float_text(number: Any, digits: int | None) -> str:
    """Shortest text that reads back as the same number of its dtype; always with ``.`` or ``e``."""
    if np.isnan(number):
        return "nan"
    if np.isinf(number):
        return "inf" if number > 0 else "-inf"
    if number == 0:
        return "0.0"  # -0.0 too: the sign of zero is nobody's mistake unless it is asked for
    if digits is not None:
        text = f"{float(number):.{digits}g}"
        return text if "." in text or "e" in text else text + ".0"
    magnitude = abs(float(number))
    if 1e-4 <= magnitude < 1e16:
        return np.format_float_positional(number, unique=True, trim="0")
    return np.format_float_scientific(number, unique=True, trim="0")


def _install_verdicts() -> None:
    """In a notebook in ``exercises/``, say below each check whether its values agree."""
    interactive = sys.modules.get("IPython")
    shell = interactive.get_ipython() if interactive is not None else None
    if shell is not None:
        from actgrade.verdict import install

        install(shell)


_install_verdicts()
