"""Known causes, looked for in the formula or the source, with the sound form tried on the spot.

A cause is named only if writing it differently helps: the sound form is run on every float16 and
bfloat16 and on a sample of float32, beside what was given, and both are judged by the same truth.
"""

from __future__ import annotations

import ast
import types
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from actlab.audit import accuracy
from actlab.audit.accuracy import Judged, judge
from actlab.audit.expression import compiled, numpy_table, parse, text, torch_table
from actlab.audit.reference import Reference
from actlab.audit.rewriting import Cause, causes, rewrite, rewrite_module
from actlab.audit.subject import Subject, SubjectError, instance
from actlab.audit.textbook import TEXTBOOK
from actlab.properties import Floats

BAD_CLASSES = ("is_nan", "overflow", "vanished", "wrong_sign", "inaccurate")
#: Fewer bad points than this are no cause worth naming.
FEWEST = 4


class _Sound:
    """The functions that a rewritten source calls, on whatever is given."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            given = any(type(a).__module__.startswith("torch") for a in arguments)
            return (torch_table() if given else numpy_table())[name](*arguments)

        return call


@dataclass(frozen=True)
class Truth:
    """The points of one format and what is true there; ``which`` is ``value`` or ``slope``."""

    dtype: str
    which: str
    x: np.ndarray
    high: np.ndarray
    low: np.ndarray


def measure(
    subject: Subject, reference: Reference, kinks: tuple[float, ...], *, quick: bool
) -> dict[str, Any]:
    """Causes with their gains as plain data: those that were found, and which of them helped."""
    source = _source(subject)
    if source is None:
        return {"looked_in": None, "causes": []}
    where, tree = source
    found = causes(tree)
    if not found:
        return {"looked_in": where, "causes": []}
    truths = _truths(subject, reference, kinks, quick=quick)
    before = {(t.dtype, t.which): _judged(subject, t) for t in truths}
    naive = _naive(subject, tree, truths) if where == "the textbook formula" else None
    rows = []
    for chosen in [(cause,) for cause in found] + ([found] if len(found) > 1 else []):
        row = _tried(subject, tree, chosen, truths, before)
        if naive is not None and not _explains(before, naive):
            row["helps"] = False
        rows.append(row)
    return {"looked_in": where, "causes": rows}


def _source(subject: Subject) -> tuple[str, ast.AST] | None:
    if subject.target.kind == "expression":
        return "the expression", parse(subject.target.name)
    if subject.target.kind == "catalogue":
        book = TEXTBOOK.get(subject.target.name)
        return ("the textbook formula", parse(book)) if book else None
    if subject.source is None or not subject.source.endswith(".py"):
        return None
    try:
        module = ast.parse(Path(subject.source).read_text(encoding="utf-8"))
    except (OSError, SyntaxError, UnicodeDecodeError):
        return None
    names = _reached(module, subject.target.name.partition(":")[2].partition(".")[0])
    own = [node for node in module.body if getattr(node, "name", None) in names]
    return "the source", ast.Module(own, []) if own else ast.Module([], [])


def _reached(module: ast.Module, first: str) -> set[str]:
    """The functions and classes of a module that one of them uses, itself included."""
    bodies = {node.name: node for node in module.body if hasattr(node, "name")}
    waiting, seen = [first], set()
    while waiting:
        name = waiting.pop()
        if name in seen or name not in bodies:
            continue
        seen.add(name)
        waiting += [n.id for n in ast.walk(bodies[name]) if isinstance(n, ast.Name)]
    return seen


def _truths(
    subject: Subject, reference: Reference, kinks: tuple[float, ...], *, quick: bool
) -> list[Truth]:
    effort = accuracy.QUICK
    found = []
    for dtype in ("float16", "bfloat16", "float32"):
        if dtype not in subject.dtypes or (quick and dtype == "bfloat16"):
            continue
        # PyTorch's own functions compute 16-bit formats in float32; a formula out of its
        # operations rounds after each, and would lose for that alone.
        if subject.target.kind == "catalogue" and dtype != "float32":
            continue
        floats = Floats.of(dtype)
        codes = floats.codes() if dtype != "float32" else accuracy.sample(floats, 6, 4000)
        x = floats.values(codes).astype(float)
        for which in ("value", "slope"):
            if which == "slope" and not subject.differentiable:
                continue
            high, low, _ = reference.values(
                x, floats, derivative=which == "slope", most=effort.most
            )
            if which == "slope":
                high = np.where(np.isin(x, kinks), np.nan, high)
            found.append(Truth(dtype, which, x, high, low))
    return found


def _judged(subject: Subject, truth: Truth) -> Judged | None:
    try:
        call = subject.slope if truth.which == "slope" else subject.value
        got = call(truth.x, truth.dtype)
    except SubjectError:
        return None
    return judge(truth.x, got, truth.high, truth.low, Floats.of(truth.dtype))


def _summary(judged: Judged | None) -> dict[str, Any] | None:
    if judged is None:
        return None
    counted = np.isfinite(judged.lattice)
    return {
        "bad": int(np.isin(judged.kind, BAD_CLASSES).sum()),
        "nan": int(np.sum((judged.kind == "is_nan") | (judged.kind == "overflow"))),
        "largest_ulp": float(judged.lattice[counted].max()) if counted.any() else None,
        "mean_ulp": float(judged.lattice[counted].mean()) if counted.any() else None,
    }


def _naive(subject: Subject, tree: ast.AST, truths: list[Truth]) -> dict[tuple[str, str], Any]:
    plain = _expression_subject(subject, tree)
    return {(t.dtype, t.which): _judged(plain, t) for t in truths}


def _explains(before: dict[Any, Any], naive: dict[Any, Any]) -> bool:
    """Whether the formula as printed goes wrong where the function at hand does."""
    both = own = 0
    for key, judged in before.items():
        if judged is None or naive[key] is None:
            continue
        bad = np.isin(judged.kind, BAD_CLASSES)
        own += int(bad.sum())
        both += int((bad & np.isin(naive[key].kind, BAD_CLASSES)).sum())
    return own >= FEWEST and both > own / 2


def _tried(
    subject: Subject,
    tree: ast.AST,
    chosen: Iterable[Cause],
    truths: list[Truth],
    before: dict[tuple[str, str], Judged | None],
) -> dict[str, Any]:
    chosen = tuple(chosen)
    row: dict[str, Any] = {
        "names": [cause.name for cause in chosen],
        "why": chosen[0].why if len(chosen) == 1 else "all of them together",
        "instead": chosen[0].instead if len(chosen) == 1 else "",
        "rewritten": None,
        "gains": [],
        "helps": False,
    }
    try:
        sound, row["rewritten"] = _rewritten(subject, tree, chosen)
    except Exception as error:  # a module that cannot be run a second time
        row["rewritten"] = f"could not be tried: {type(error).__name__}"
        return row
    for truth in truths:
        old, new = before[truth.dtype, truth.which], _judged(sound, truth)
        was, now = _summary(old), _summary(new)
        if was is not None and now is not None:
            row["gains"].append(
                {"dtype": truth.dtype, "which": truth.which, "before": was, "after": now}
            )
    row["helps"] = _helps(row["gains"])
    return row


def _helps(gains: list[dict[str, Any]]) -> bool:
    """Whether there are fewer NaN, or else fewer bad values or gradients in every format.

    A sound value may come with a derivative that loses a tail, as PyTorch's of sigmoid and expm1
    do; the gains show it.
    """

    def falls(gain: dict[str, Any], key: str) -> bool:
        was, now = gain["before"][key], gain["after"][key]
        return was - now >= max(FEWEST, 0.2 * was)

    def rises(gain: dict[str, Any], key: str) -> bool:
        was, now = gain["before"][key], gain["after"][key]
        return now - was >= max(FEWEST, 0.2 * was)

    if any(rises(gain, "nan") for gain in gains):
        return False
    if any(falls(gain, "nan") for gain in gains):
        return True
    for which in ("value", "slope"):
        own = [gain for gain in gains if gain["which"] == which]
        better = any(falls(gain, "bad") for gain in own)
        if better and not any(rises(gain, "bad") for gain in own):
            return True
    return False


def _expression_subject(subject: Subject, tree: ast.AST) -> Subject:
    assert isinstance(tree, ast.expr)
    return replace(
        subject, call=compiled(tree, subject.framework), derivative=None, source=None, warned={}
    )


def _rewritten(
    subject: Subject, tree: ast.AST, chosen: tuple[Cause, ...]
) -> tuple[Subject, str | None]:
    if isinstance(tree, ast.expr):
        sound = rewrite(tree, chosen)
        return _expression_subject(subject, sound), text(sound)

    def make(name: str, *arguments: ast.expr) -> ast.expr:
        helper = ast.Attribute(ast.Name("_actlab_sound", ast.Load()), name, ast.Load())
        return ast.Call(helper, list(arguments), [])

    assert subject.source is not None
    whole = ast.parse(Path(subject.source).read_text(encoding="utf-8"))
    module_name, _, path = subject.target.name.partition(":")
    reached = _reached(whole, path.partition(".")[0])
    changed = []
    for place, node in enumerate(whole.body):
        if getattr(node, "name", None) in reached:
            one, _ = rewrite_module(ast.Module([node], []), chosen, make)
            if ast.dump(one.body[0]) != ast.dump(node):
                changed.append(ast.unparse(one.body[0]).replace("_actlab_sound.", ""))
            whole.body[place] = one.body[0]
    module = types.ModuleType(module_name)
    module.__file__ = subject.source
    module.__package__ = module_name.rpartition(".")[0]
    vars(module)["_actlab_sound"] = _Sound()
    # The module's own code, which this process has run once already, with some lines changed.
    exec(compile(ast.fix_missing_locations(whole), subject.source, "exec"), vars(module))
    call = instance(module, path, subject.target.name)
    return replace(subject, call=call, warned={}), "\n\n".join(changed)
