"""What a caller may rely on: dtype, shape, an input left alone, the same answer twice, a gradient.

Each check has a name, passes or fails, and says in a clause what it saw.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np

from actbase.errors import first_line
from actlab.audit.reference import Reference, sides
from actlab.audit.subject import Subject, SubjectError

#: Elements: enough for torch's vectorised path, and odd.
SIZE = 1027
SHAPES: tuple[tuple[int, ...], ...] = ((), (0,), (1,), (7,), (3, 5), (2, 3, 4), (1, 1, 1, 6))


@dataclass(frozen=True)
class Check:
    """One check.

    Attributes:
        name: what is promised, as a few words.
        passed: None where it could not be tried.
        detail: what was seen.
        code: of the finding that a failure becomes.
        dtype: the float format, where the check is about one.
    """

    name: str
    passed: bool | None
    detail: str
    code: str
    dtype: str | None = None


class Handle:
    """The few operations that the checks need, alike for tensors and arrays."""

    def __init__(self, subject: Subject) -> None:
        self.subject, self.torch = subject, subject.framework == "torch"

    def make(self, x: np.ndarray, dtype: str) -> Any:
        """Numbers as a tensor or an array of a dtype, in memory of their own."""
        if self.torch:
            import torch

            return torch.from_numpy(np.array(x, float)).to(getattr(torch, dtype)).clone()
        return np.array(x, dtype=dtype)

    def call(self, x: Any) -> Any:
        """The function itself, whose errors become :class:`SubjectError`."""
        return self.subject._guarded(lambda: self._call(x))

    def _call(self, x: Any) -> Any:
        with np.errstate(all="ignore"):
            return self.subject.call(x)

    def numbers(self, y: Any) -> np.ndarray:
        """A result as float64, in its own shape."""
        return y.detach().double().numpy() if self.torch else np.asarray(y).astype(float)

    def dtype(self, y: Any) -> str:
        """The dtype's short name; what it is instead for something that is no array."""
        found = getattr(y, "dtype", None)
        return str(found).removeprefix("torch.") if found is not None else type(y).__name__

    def shape(self, y: Any) -> tuple[int, ...]:
        return tuple(np.shape(y) if not hasattr(y, "shape") else y.shape)


def measure(subject: Subject, reference: Reference, kinks: tuple[float, ...]) -> dict[str, Any]:
    """All checks as plain data."""
    handle = Handle(subject)
    x = np.random.default_rng(3).normal(0, 2, SIZE)
    found: list[Check] = []

    def attempt(
        name: str, code: str, check: Callable[[], tuple[bool | None, str]], **more: Any
    ) -> None:
        try:
            passed, detail = check()
        except SubjectError as error:
            passed, detail = False, str(error)
        except Exception as error:  # what comes back may be anything
            passed, detail = False, f"{type(error).__name__}: {first_line(error)}"
        found.append(Check(name, passed, detail, code, **more))

    for dtype in subject.dtypes:
        attempt(
            f"keeps {dtype}", "wrong-dtype", partial(_keeps_dtype, handle, x, dtype), dtype=dtype
        )
    for shape in SHAPES:
        attempt(f"keeps the shape {shape}", "wrong-shape", partial(_keeps_shape, handle, shape))
    attempt("leaves its input as it was", "changes-input", lambda: _leaves_input(handle, x))
    subject.changes_input = found[-1].passed is False
    attempt("gives the same twice", "not-repeatable", lambda: _same_twice(handle, x))
    attempt("remembers nothing", "remembers", lambda: _no_memory(handle, x))
    attempt("takes each element alone", "not-elementwise", lambda: _alone(handle, x))
    attempt("takes memory in any order", "non-contiguous", lambda: _any_order(handle, x))
    if subject.framework == "numpy":
        _provoke_warnings(handle)
        attempt("takes what may not be written", "needs-writing", lambda: _read_only(handle, x))
    if subject.framework == "torch":
        attempt("a gradient flows", "no-gradient", lambda: _flows(subject))
        attempt("can be differentiated twice", "one-derivative", lambda: _twice(subject))
    if subject.differentiable:
        attempt(
            "the gradient is the slope", "wrong-gradient", lambda: _slope(subject, reference, kinks)
        )
        if kinks:
            attempt("a slope at kinks", "kink-slope", lambda: _at_kinks(subject, reference, kinks))
    return {"checks": [asdict(check) for check in found], "warnings": _warnings(subject)}


def _provoke_warnings(handle: Handle) -> None:
    """Call it far out, as a careless caller does: NumPy warns of overflow once and then never."""

    def call() -> None:
        with np.errstate(over="warn", invalid="warn", divide="warn", under="ignore"):
            handle.subject.call(np.array([-1000.0, -100.0, 100.0, 1000.0], np.float32))

    with contextlib.suppress(SubjectError):
        handle.subject._guarded(call)


def _warnings(subject: Subject) -> list[str]:
    return sorted(f"{kind}: {message}"[:200] for message, kind in subject.warned.items())


def _keeps_dtype(handle: Handle, x: np.ndarray, dtype: str) -> tuple[bool, str]:
    y = handle.call(handle.make(x, dtype))
    got = handle.dtype(y)
    return got == dtype, f"{dtype} in, {got} out"


def _keeps_shape(handle: Handle, shape: tuple[int, ...]) -> tuple[bool, str]:
    x = np.linspace(-2, 2, int(np.prod(shape))).reshape(shape)
    y = handle.shape(handle.call(handle.make(x, "float32")))
    return y == shape, f"{shape} in, {y} out"


def _leaves_input(handle: Handle, x: np.ndarray) -> tuple[bool, str]:
    given = handle.make(x, "float32")
    before = handle.numbers(given).copy()
    y = handle.call(given)
    after = handle.numbers(given)
    changed = int(np.sum(~((before == after) | (np.isnan(before) & np.isnan(after)))))
    if changed:
        return False, f"{changed} of {x.size} elements of the input are different afterwards"
    shared = getattr(y, "data_ptr", None)
    same = shared() == given.data_ptr() if shared else np.shares_memory(y, given)
    return True, "the result is the input's own memory" if same else "untouched"


def _equal(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return (a == b) | (np.isnan(a) & np.isnan(b))


def _far_apart(got: np.ndarray, wanted: np.ndarray) -> int:
    """At how many places two float32 results differ by more than another path through the
    processor explains: torch's scalar and vectorised code round differently."""
    with np.errstate(all="ignore"):
        size = np.nanmax(np.abs(wanted[np.isfinite(wanted)]), initial=1.0)
        off = ~(np.abs(got - wanted) <= 1e-5 * np.abs(wanted) + 1e-6 * size)
    return int(np.sum(off & ~_equal(got, wanted)))


def _same_twice(handle: Handle, x: np.ndarray) -> tuple[bool, str]:
    first, second = (handle.numbers(handle.call(handle.make(x, "float32"))) for _ in range(2))
    differ = int(np.sum(~_equal(first, second)))
    return differ == 0, f"{differ} of {x.size} elements differ" if differ else "bit for bit"


def _no_memory(handle: Handle, x: np.ndarray) -> tuple[bool, str]:
    first = handle.numbers(handle.call(handle.make(x, "float32")))
    for other in (10 * x, np.zeros_like(x), x[::-1]):
        handle.call(handle.make(other, "float32"))
    second = handle.numbers(handle.call(handle.make(x, "float32")))
    differ = int(np.sum(~_equal(first, second)))
    detail = f"after three other calls {differ} of {x.size} elements differ"
    return differ == 0, detail if differ else "other calls between change nothing"


def _alone(handle: Handle, x: np.ndarray) -> tuple[bool, str]:
    whole = handle.numbers(handle.call(handle.make(x, "float32")))
    # A different neighbourhood of the same size takes the same path through the processor.
    order = np.random.default_rng(4).permutation(x.size)
    half = x[order].copy()
    half[x.size // 2 :] = 30.0
    apart = handle.numbers(handle.call(handle.make(half, "float32")))[: x.size // 2]
    wanted = whole[order][: x.size // 2]
    differ = _far_apart(apart, wanted)
    if differ:
        return False, f"{differ} of {wanted.size} values change when other elements do"
    return True, "values do not depend on the other elements"


def _any_order(handle: Handle, x: np.ndarray) -> tuple[bool, str]:
    square = x[:900].reshape(30, 30)
    wanted = handle.numbers(handle.call(handle.make(square, "float32")))
    for what, given, expected in (
        ("a transposed matrix", handle.make(square.T.copy(), "float32").T, wanted),
        ("every second element", handle.make(np.repeat(x, 2), "float32")[::2], None),
        ("an expanded row", _expanded(handle, x[:30]), None),
    ):
        try:
            got = handle.numbers(handle.call(given))
        except SubjectError as error:
            return False, f"{what}: {error}"
        if expected is None:
            plain = np.ascontiguousarray(handle.numbers(given))
            expected = handle.numbers(handle.call(handle.make(plain, "float32")))
        if got.shape != expected.shape:
            return False, f"{what}: shape {got.shape} instead of {expected.shape}"
        differ = _far_apart(got, expected)
        if differ:
            return False, f"{what}: {differ} of {got.size} values are not those of a copy of it"
    return True, "transposed, strided and expanded inputs give the same"


def _expanded(handle: Handle, row: np.ndarray) -> Any:
    if handle.torch:
        return handle.make(row, "float32").expand(4, row.size)
    return np.broadcast_to(handle.make(row, "float32"), (4, row.size))


def _read_only(handle: Handle, x: np.ndarray) -> tuple[bool, str]:
    given = handle.make(x, "float32")
    given.flags.writeable = False
    handle.call(given)
    return True, "a read-only array will do"


def _flows(subject: Subject) -> tuple[bool, str]:
    slope = subject.slope(np.linspace(-2, 2, 301), "float32")
    return bool(np.any(slope != 0)), "" if np.any(slope != 0) else "the gradient is 0 everywhere"


def _twice(subject: Subject) -> tuple[bool | None, str]:
    import torch

    leaf = torch.linspace(-2, 2, 301, dtype=torch.float64).requires_grad_()
    y = subject._guarded(lambda: subject.call(leaf.clone()))
    if not y.requires_grad:
        return None, "there is no first derivative"
    (first,) = torch.autograd.grad(y.sum(), leaf, create_graph=True)
    if not first.requires_grad:
        return True, "the second derivative is 0"

    def second() -> tuple[bool, str]:
        (found,) = torch.autograd.grad(first.sum(), leaf, allow_unused=True)
        return True, "0" if found is None else "yes"

    return subject._guarded(second)


def _slope(
    subject: Subject, reference: Reference, kinks: tuple[float, ...]
) -> tuple[bool | None, str]:
    """Autograd against central differences of the function itself, in float64."""
    x = np.linspace(-6, 6, 961) + 0.0019
    away = np.array([abs(x - kink) > 1e-3 for kink in kinks]).reshape(len(kinks), x.size).all(0)
    x = x[away]
    step = 1e-5
    with np.errstate(all="ignore"):
        wanted = (subject.value(x + step, "float64") - subject.value(x - step, "float64")) / (
            2 * step
        )
        got = subject.slope(x, "float64")
        known = np.isfinite(wanted)
        # What a jump of the function does to a quotient is no mistake of the gradient.
        known &= np.abs(wanted) < 1e4
        off = np.abs(got - wanted) - 1e-5 * (1 + np.abs(wanted))
    if not known.any():
        return None, "the function is finite nowhere on [−6, 6]"
    off = np.where(known, np.where(np.isnan(off), np.inf, off), -np.inf)
    at = int(np.argmax(off))
    bad = int(np.sum(off > 0))
    if bad:
        return False, (
            f"at {bad} of {int(known.sum())} points; at x = {x[at]:.4g} autograd says "
            f"{got[at]:.6g}, the function's own differences {wanted[at]:.6g}"
        )
    return True, f"agrees with differences at {int(known.sum())} points of [−6, 6]"


def _at_kinks(subject: Subject, reference: Reference, kinks: tuple[float, ...]) -> tuple[bool, str]:
    points = np.array(kinks)
    for dtype in ("float32",):
        got = subject.slope(points, dtype)
        for point, slope, (low, high) in zip(points, got, sides(reference, kinks), strict=True):
            room = 1e-3 * (1 + abs(high - low))
            if not low - room <= slope <= high + room:
                return False, f"at {point:g} it is {slope:g}, outside [{low:g}, {high:g}]"
    return True, "between the slopes on the two sides"
