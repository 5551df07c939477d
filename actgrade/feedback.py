"""What is wrong with an answer, in one sentence, derived from its values.

The grader and the notebook use the same sentences. Nothing here decides a verdict: the comparison
in :mod:`actgrade.compare` does, and this module explains it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from actgrade.compare import lines_agree, own_lines, rounded_tolerance
from actgrade.quote import quote
from actgrade.source import Tolerance
from actgrade.values import Shown, parse_line

if TYPE_CHECKING:
    from actgrade.origin import Origins


@dataclass(frozen=True)
class _Line:
    text: str
    shown: Shown | None


def explain_text(
    expected: str,
    got: str,
    tolerance: Tolerance,
    *,
    reveal: bool,
    origins: Origins | None = None,
    calls: Callable[[], Sequence[str | None]] | None = None,
) -> str:
    """Why ``got`` does not agree with ``expected``.

    Args:
        expected: what the reference printed.
        got: what the learner's answer printed.
        tolerance: of the comparison that failed.
        reveal: whether held inputs, expected values and words of the learner's code may be quoted
            (self-study); False in a class, where held inputs stay held: whoever writes the code
            could otherwise have them quoted.
        origins: of the values: the function that one comes from is named instead of it, and where
            there is none, what was called before.
        calls: asked when it matters, the call behind each line of ``expected``.

    Returns:
        One sentence, without a full stop, that names the value and what is wrong with it.
    """
    wanted, found = _read(expected, origins), _read(own_lines(expected, got), origins)
    if not found:
        return "nothing is printed where values are expected"
    if [_label(line) for line in wanted] != [_label(line) for line in found]:
        sentence, place = _different_lines(wanted, found, reveal)
        said = calls() if reveal and calls is not None and place is not None else ()
        return sentence + (_call_of(said, place) if place is not None else "")
    differing = [
        index
        for index, (a, b) in enumerate(zip(wanted, found, strict=True))
        if a.text != b.text and not lines_agree(a.text, b.text, tolerance)
    ]
    if not differing:
        return "the values agree"
    first = differing[0]
    sentence = _explain_line(wanted[first], found[first], tolerance, wanted, found, reveal)
    told = _label(wanted[first])
    said = calls() if reveal and calls is not None and _is_single(wanted[first]) else ()
    call = _call_of(said, first)
    if call:
        sentence += call
    elif origins and origins.called and told and "(…)" not in told:
        # A value of the course's own that is another after the answer's functions have run.
        sentence += f", after {' and '.join(f'{name}(…)' for name in origins.called)}"
    others = list(dict.fromkeys(_label(wanted[index]) for index in differing[1:]))
    others = [name for name in others if name and name != told]
    again = sum(_label(wanted[index]) == told for index in differing[1:])
    if again and told:
        others.insert(0, f"{told} {again} more time{'s' * (again > 1)}")
    if others:
        listed = ", ".join(others[:3]) + (", ..." if len(others) > 3 else "")
        sentence += f"; also wrong: {listed}"
    return sentence


def _read(text: str, origins: Origins | None) -> list[_Line]:
    lines = []
    for line in text.rstrip().splitlines():
        shown = parse_line(line)
        if shown is not None:
            label, bracket, rest = shown.name.partition("[")
            function = origins.function(label) if origins else ""
            if function:
                named = f"{function}(…)"
                if shown.kind == "bool" and origins and label in origins.derived:
                    named = f"{label} of {named}"  # not what it returns: what is true of that
                shown = replace(shown, name=f"{named}{bracket}{rest}")
        lines.append(_Line(line.rstrip(), shown))
    return lines


def _is_single(line: _Line) -> bool:
    """Whether a line is of something that is no array, whose inputs no other line shows."""
    return line.shown is not None and line.shown.shape == ()


def _label(line: _Line) -> str:
    return line.shown.name if line.shown else ""


def _call_of(calls: Sequence[str | None], place: int) -> str:
    """``, for the call f(x)``, where the call behind a line is known."""
    call = calls[place] if place < len(calls) else None
    return f", for the call {quote(call, 200)}" if call else ""


def _different_lines(
    wanted: list[_Line], found: list[_Line], reveal: bool
) -> tuple[str, int | None]:
    """The two texts do not even name the same values in the same order.

    Returns:
        What is wrong, and in which line of ``wanted``, where it is in one.
    """
    for place, (a, b) in enumerate(zip(wanted, found, strict=False)):
        if not a.shown or not b.shown or a.shown.name != b.shown.name:
            break
        if a.shown.text != b.shown.text and "other" in (a.shown.kind, b.shown.kind):
            return f"{a.shown.name} is {_what(b.shown, reveal)}, not {_what(a.shown)}", place
    names, texts = {_label(line) for line in wanted}, {line.text for line in wanted}
    extra = [line for line in found if not line.shown or line.shown.name not in names]
    extra = [line for line in extra if line.text not in texts]
    if extra:
        shown = f", {quote(extra[0].text, 60)!r}" if reveal else ""
        return f"it prints something extra{shown}: remove the print", None
    found_names = {_label(line) for line in found}
    missing = [_label(line) for line in wanted if _label(line) not in found_names]
    if missing:
        return f"{missing[0] or 'a line'} is missing from what is printed", None
    return "the values are printed in another order or another number of times", None


def _explain_line(
    wanted: _Line,
    found: _Line,
    tolerance: Tolerance,
    all_wanted: list[_Line],
    all_found: list[_Line],
    reveal: bool,
) -> str:
    a, b = wanted.shown, found.shown
    if a is None or b is None:
        shown = f" {quote(found.text, 60)!r}" if reveal else ""
        return f"the text{shown} is not what is expected"
    if a.values is None or b.values is None:
        if a.kind != b.kind:
            return f"{a.name} is {_what(b, reveal)}, not {_what(a)}"
        if reveal:
            return f"{a.name} is {_said(b)}, not {_said(a)}"
        return f"{a.name} is not what is expected"
    if a.shape != b.shape:
        return f"{a.name} has shape {b.shape}, not {a.shape}"
    if a.kind != b.kind:
        return f"{a.name} has class {b.kind}, not {a.kind}"
    inputs = _inputs(a, all_wanted, all_found, tolerance)
    tolerance = rounded_tolerance(wanted.text, tolerance)
    if a.kind == "bool":
        return _explain_bools(a, b, inputs, reveal)
    return _explain_numbers(a, b, inputs, tolerance, reveal)


def _what(shown: Shown, reveal: bool = True) -> str:
    if shown.kind != "other":
        return f"a single {shown.kind}" if shown.shape == () else f"a {shown.kind} {shown.shape}"
    article = "a " if shown.text.startswith(("sequence", "mapping")) else ""
    if not article and shown.text != "None" and not reveal:
        return "another text"
    return article + quote(shown.text, 40)


def _said(shown: Shown) -> str:
    """A text as it was shown, without the word that says it is one."""
    return quote(shown.text.removeprefix("text "), 60)


def _inputs(
    target: Shown, wanted: list[_Line], found: list[_Line], tolerance: Tolerance
) -> Shown | None:
    """The inputs the values belong to: an earlier line ``x`` that agrees, of the same shape."""
    for a, b in zip(wanted, found, strict=True):
        if a.shown is None or b.shown is None or a.shown.name == target.name:
            break
        if (
            a.shown.name in ("x", "z", "inputs")
            and a.shown.kind in ("float", "int")
            and a.shown.shape == target.shape
            and a.shown.values is not None
            and lines_agree(a.text, b.text, tolerance)
        ):
            return a.shown
    return None


def _explain_bools(a: Shown, b: Shown, inputs: Shown | None, reveal: bool) -> str:
    assert a.values is not None
    assert b.values is not None
    wrong = a.values != b.values
    if wrong.size > 1 and wrong.all():
        if (b.values == b.values[0]).all():
            return f"{a.name} is {bool(b.values[0])} everywhere, and should be so nowhere"
        return f"{a.name} is the opposite of what is expected everywhere"
    if wrong.size == 1:
        return f"{a.name} is {bool(b.values[0])}, not {bool(a.values[0])}"
    return f"{a.name} is wrong in {_places(wrong)}{_where(wrong, inputs)}"


def _explain_numbers(
    a: Shown, b: Shown, inputs: Shown | None, tolerance: Tolerance, reveal: bool
) -> str:
    assert a.values is not None
    assert b.values is not None
    want, got = a.values, b.values
    sentence = _special_values(a.name, want, got, inputs, reveal)
    if sentence:
        return sentence
    finite = np.isfinite(want)
    wrong = np.zeros(want.shape, dtype=bool)
    wrong[finite] = _differ(want[finite], got[finite], tolerance)
    if not wrong.any():
        return f"{a.name} does not agree"
    pattern = _pattern(want[finite], got[finite], tolerance)
    # A count that is 13 where 7 belong is not 13/7 times too large.
    if pattern and not (a.kind == "int" and want.size == 1 and "/" in pattern):
        return f"{a.name} {pattern}"
    if _is_transposed(a, b, tolerance):
        return f"{a.name} is transposed"
    where = _where(wrong, inputs)
    if where:
        part = _pattern(want[wrong], got[wrong], tolerance)
        agree = f"{a.name} agrees except{where}"
        return (
            f"{agree}, where it {part}" if part else agree + _example(a, b, wrong, inputs, reveal)
        )
    return _sizes(a, b, wrong, tolerance) + _example(a, b, wrong, inputs, reveal)


def _special_values(
    name: str, want: np.ndarray, got: np.ndarray, inputs: Shown | None, reveal: bool
) -> str | None:
    """NaN and inf in other places than expected."""
    for says, has in (("NaN", np.isnan), ("infinite", np.isinf)):
        extra, lacking = has(got) & ~has(want), has(want) & ~has(got)
        example = ""
        if extra.any():
            if reveal and inputs is not None and inputs.values is not None:
                example = f", for example at {inputs.name} = {inputs.values[extra][0]:.6g}"
            # With the example in hand, a threshold says nothing more.
            where = "" if example else _where(extra, inputs)
            return f"{name} is {says} in {_places(extra)}{where}{example}"
        if lacking.any():
            if reveal and inputs is not None and inputs.values is not None:
                example = f", for example at {inputs.name} = {inputs.values[lacking][0]:.6g}"
            return f"{name} should be {says} in {_places(lacking)}{example}"
    both = np.isinf(want) & np.isinf(got)
    if (want[both] != got[both]).any():
        return f"{name} is infinite with the wrong sign"
    return None


def _differ(want: np.ndarray, got: np.ndarray, tolerance: Tolerance) -> np.ndarray:
    with np.errstate(all="ignore"):
        return ~(np.abs(got - want) <= tolerance.atol + tolerance.rtol * np.abs(want))


def _pattern(want: np.ndarray, got: np.ndarray, tolerance: Tolerance) -> str | None:
    """One relation that explains all values: sign, factor, offset; None when there is none."""
    if want.size == 0:
        return None
    # A factor found from rounded values is itself rounded. Beside tiny values nothing is small.
    scale = float(np.max(np.abs(want)))
    loose = Tolerance(
        max(min(10 * tolerance.rtol, 1e-5), tolerance.rtol), tolerance.atol + 1e-12 * scale
    )
    if not np.any(want):
        return "should be zero"
    if not np.any(got):
        return "is zero" if want.size == 1 else "is zero everywhere"
    if not _differ(want, -got, loose).any():
        return "has the wrong sign"
    with np.errstate(all="ignore"):
        big = np.abs(want) > 1e-6 * np.max(np.abs(want))
        factor = np.median(np.real(got[big] / want[big]))
        offset = np.median(np.real(got - want))
    if (
        np.isfinite(factor)
        and factor
        and abs(factor - 1) > 1e-5  # nobody forgets a factor of 1.000001
        and not _differ(factor * want, got, loose).any()
    ):
        said = _factor(float(factor))
        # One value is always some multiple of another: only a telling factor is worth saying.
        if want.size > 1 or said[1]:
            return f"is {said[0]} times the expected value" + ("" if want.size == 1 else "s")
    if (
        want.size > 1
        and np.isfinite(offset)
        # Else it is a matter of digits.
        and _differ(want, got, loose).all()
        and abs(offset) > 0.01 * np.min(np.abs(want))
        and not _differ(want + offset, got, loose).any()
    ):
        return f"is too {'large' if offset > 0 else 'small'} by {abs(offset):.6g} everywhere"
    return None


def _factor(value: float) -> tuple[str, bool]:
    """``value`` as a short text, and whether it is a telling number."""
    fraction = Fraction(value).limit_denominator(12)
    if abs(float(fraction) - value) < 1e-6 * abs(value) and abs(fraction.numerator) <= 100:
        return str(fraction), True
    known = {"pi": np.pi, "2 pi": 2 * np.pi, "sqrt(2)": 2**0.5, "1/sqrt(2)": 0.5**0.5}
    known |= {"ln 2": np.log(2), "1/ln 2": 1 / np.log(2), "sqrt(2 pi)": (2 * np.pi) ** 0.5}
    known |= {"1/sqrt(2 pi)": (2 * np.pi) ** -0.5, "1/pi": 1 / np.pi}
    for text, number in known.items():
        if abs(number - value) < 1e-6 * number:
            return text, True
    return f"{value:.6g}", False


def _is_transposed(a: Shown, b: Shown, tolerance: Tolerance) -> bool:
    assert a.values is not None
    assert b.values is not None
    if len(a.shape) != 2 or a.shape[0] != a.shape[1] or a.shape[0] < 2:
        return False
    return not _differ(a.values.reshape(a.shape), b.values.reshape(b.shape).T, tolerance).any()


def _where(wrong: np.ndarray, inputs: Shown | None) -> str:
    """`` where x < 0`` and the like, when one threshold separates right from wrong; else ""."""
    if inputs is None or inputs.values is None or wrong.all() or wrong.sum() < 1:
        return ""
    x = np.real(inputs.values)
    if np.isnan(x[wrong]).all():
        return f" where {inputs.name} is NaN"
    if np.isinf(x[wrong]).all():
        return f" where {inputs.name} is infinite"
    known = ~np.isnan(x)
    right, bad = x[known & ~wrong], x[known & wrong]
    if np.unique(right).size < 2 or bad.size == 0:
        return ""
    if (bad == 0).all() and not (right == 0).any():
        return f" where {inputs.name} = 0"
    for label, r, w in (
        (inputs.name, right, bad),
        (f"|{inputs.name}|", np.abs(right), np.abs(bad)),
    ):
        if w.min() > r.max():
            return f" where {label} > {_threshold(r.max(), w.min())}"
        if w.max() < r.min():
            return f" where {label} < {_threshold(r.min(), w.max())}"
    return ""


def _threshold(right: float, wrong: float) -> str:
    """A short number between the last right and the first wrong input; 0 when it lies between."""
    low, high = sorted((float(right), float(wrong)))
    if low <= 0 <= high:
        return "0"
    for digits in range(1, 6):
        for end in (low, high):
            if np.isfinite(end) and low <= float(f"{end:.{digits}g}") <= high:
                return f"{float(f'{end:.{digits}g}'):g}"
    return f"{low if np.isfinite(low) else high:.6g}"


def _places(wrong: np.ndarray) -> str:
    count, total = int(wrong.sum()), wrong.size
    if total == 1:
        return "its only place"
    return "every place" if count == total else f"{count} of {total} places"


def _sizes(a: Shown, b: Shown, wrong: np.ndarray, tolerance: Tolerance) -> str:
    assert a.values is not None
    assert b.values is not None
    with np.errstate(all="ignore"):
        error = np.abs(b.values[wrong] - a.values[wrong])
        relative = np.max(error / np.maximum(np.abs(a.values[wrong]), 1e-300))
    if wrong.size == 1:
        if a.kind == "complex":
            return f"{a.name} is not the expected value"
        if relative < 0.02 and a.kind == "float":
            return f"{a.name} is close but not equal{_digits(a, wrong, error, tolerance)}"
        side = "large" if b.values[0] > a.values[0] else "small"
        return f"{a.name} is too {side}"
    if relative < 0.02:
        close = f"{a.name} is close but not equal in {_places(wrong)}"
        return close + (_digits(a, wrong, error, tolerance) if a.kind != "int" else "")
    return f"{a.name} is wrong in {_places(wrong)}"


def _digits(a: Shown, wrong: np.ndarray, error: np.ndarray, tolerance: Tolerance) -> str:
    """How many significant digits are right at the worst place, and how many should be."""
    assert a.values is not None
    size = np.maximum(np.abs(a.values[wrong]), 1e-300)
    worst = int(np.argmax(error / size))
    allowed = tolerance.rtol + tolerance.atol / size[worst]
    # 1.0003e-6 asks for six digits as 1e-6 does.
    asked = math.floor(0.1 - math.log10(allowed)) if 0 < allowed < 1 else 0
    right = math.floor(-math.log10(error[worst] / size[worst]))
    if asked <= 0:
        return ""
    if right >= asked:
        return f": the last of the {asked} digits that are asked for is wrong"
    return f": right to {right} digits, and {asked} are asked for"


def _example(a: Shown, b: Shown, wrong: np.ndarray, inputs: Shown | None, reveal: bool) -> str:
    """One value that is wrong, for somebody who studies alone."""
    if not reveal or a.kind == "complex":
        return ""
    assert a.values is not None
    assert b.values is not None
    index = int(np.flatnonzero(wrong)[0])
    at = ""
    if inputs is not None and inputs.values is not None:
        at = f"at {inputs.name} = {inputs.values[index]:.6g} "
    got, want = b.values[index], a.values[index]
    digits = next((n for n in (6, 9, 12) if f"{got:.{n}g}" != f"{want:.{n}g}"), 17)
    return f": {at}it is {got:.{digits}g}, not {want:.{digits}g}"
