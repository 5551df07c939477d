"""Check cells apart from an answer: what it redefines must not change what they mean.

Runs in the kernel, as the course's own code. Before the answer it keeps what the course defined;
afterwards the checks run with that, and with those names of the answer that the question asks for.
An answer that says ``from pylab import *`` or ``np = 3`` changes itself and not the checks.

It also turns what would end or stop the program into an exception, alike on every engine.
"""

from __future__ import annotations

import ast
import builtins
import functools
import json
import re
import sys
from collections.abc import Callable, Iterable
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType, NoneType
from typing import Any

from actgrade.sandbox.guard import refuse_handed_on

STOPPED = "breakpoint()"
KEPT = "_actlab_course"
CALLS = "actlab calls: "
MOST_OF_A_CALL = 300
_ADDRESS = re.compile(r" at 0x[0-9a-f]+\b")

# What the course's last cell before the answer ends with.
REMEMBER = f"from actgrade.apart import Apart as _actlab_apart\n{KEPT} = _actlab_apart(globals())\n"


class Apart:
    """What the course has defined before the answer runs.

    Args:
        namespace: of the cells; ``exit`` and ``quit`` in it are replaced.
    """

    def __init__(self, namespace: dict[str, Any]) -> None:
        for name in ("exit", "quit"):
            namespace[name] = _end
        sys.breakpointhook = _stop
        if "pdb" in sys.modules:  # the shell has imported it, or ipykernel
            sys.modules["pdb"].set_trace = _stop  # type: ignore[attr-defined]
        self._own = dict(namespace)

    def run(self, source: str, file: str, namespace: dict[str, Any], asked: Iterable[str]) -> None:
        """Run a check cell.

        Args:
            source: its text.
            file: the name that tracebacks show.
            namespace: of the answer, of which the check sees the names in ``asked``.
        """
        self._see(namespace, asked)
        # By attribute: the answer may have a "compile" of its own.
        builtins.exec(builtins.compile(source, file, "exec"), self._own)

    def record(
        self, source: str, file: str, namespace: dict[str, Any], asked: Iterable[str]
    ) -> None:
        """Run a check cell of the reference, and print what its functions are called with.

        Before the lines of each ``show`` stands one that begins with :data:`CALLS`.
        """
        self._see(namespace, asked)
        calls = _Calls(self._own["show"])
        own = {name: calls.noting(name, self._own[name]) for name in asked if name in self._own}
        tree = _Noting().visit(ast.parse(source))
        names = {**self._own, **own, "_actlab_show": calls.begin, "_actlab_note": calls.note}
        builtins.exec(builtins.compile(ast.fix_missing_locations(tree), file, "exec"), names)

    def _see(self, namespace: dict[str, Any], asked: Iterable[str]) -> None:
        for name in asked:
            if name in namespace:
                refuse_handed_on(namespace[name])
                self._own[name] = namespace[name]


class _Noting(ast.NodeTransformer):
    """Has ``show`` say when it begins, and each of its values when it is there."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id == "show":
            node.func = ast.Call(ast.Name("_actlab_show", ast.Load()), [], [])
            for keyword in node.keywords:
                if keyword.arg != "digits":
                    note = ast.Name("_actlab_note", ast.Load())
                    keyword.value = ast.Call(note, [ast.Constant(keyword.arg), keyword.value], [])
        return node


class _Calls:
    """Remembers calls until the values that came of them are shown."""

    def __init__(self, show: Callable[..., None]) -> None:
        self._show = show
        self._pending: list[str] = []
        self._before: list[str] = []
        self._notes: dict[str, list[str]] = {}

    def noting(self, name: str, thing: Any) -> Any:
        """A function that does the same and is remembered; anything else as it is."""
        if not isinstance(thing, FunctionType):
            return thing

        @functools.wraps(thing)
        def called(*arguments: Any, **keywords: Any) -> Any:
            said = [_said(value) for value in arguments]
            said += [f"{key}={_said(value)}" for key, value in keywords.items()]
            call = f"{name}({', '.join(said)})"
            cut = len(call) > MOST_OF_A_CALL
            self._pending.append(f"{call[:MOST_OF_A_CALL]}…" if cut else call)
            return thing(*arguments, **keywords)

        return called

    def begin(self) -> Callable[..., None]:
        """A ``show`` begins: what was called before it belongs to no value of its alone."""
        self._before, self._pending, self._notes = self._pending, [], {}
        return self.show

    def note(self, label: str | None, value: Any) -> Any:
        """The value ``label`` is there, and what was called since the one before made it.

        Without a label it is a dictionary of several.
        """
        made, self._pending = self._pending or self._before, []
        self._notes.update(dict.fromkeys(value if label is None else [label], made))
        return value

    def show(self, **values: Any) -> None:
        """Print the calls, then the values."""
        print(CALLS + json.dumps(self._notes))
        self._show(**values)


def _said(value: Any) -> str:
    import numpy as np

    if isinstance(value, MethodType | BuiltinFunctionType) and not isinstance(
        value.__self__, ModuleType | type | NoneType
    ):
        return "a function"  # the name of a method says what it does for its object
    if isinstance(value, FunctionType | MethodType | BuiltinFunctionType | type | np.ufunc):
        return value.__name__.strip("<>")
    with np.printoptions(threshold=12, edgeitems=3, precision=6):
        return _ADDRESS.sub("", " ".join(repr(value).split()))


def run_apart(source: str, file: str, asked: Iterable[str]) -> str:
    """The cell that runs ``source`` as a check."""
    return f"{KEPT}.run({source!r}, {file!r}, globals(), {sorted(asked)!r})"


def _end(*_: Any, **__: Any) -> None:
    """``exit()`` and ``quit()``; a notebook's own would end one kernel and not the other."""
    raise SystemExit


def _stop(*_: Any, **__: Any) -> None:
    """``breakpoint()``: there is nobody to type."""
    raise SystemExit(STOPPED)
