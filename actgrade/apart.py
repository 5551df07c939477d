"""Check cells apart from an answer: what it redefines must not change what they mean.

Runs in the kernel, as the course's own code. Before the answer it keeps what the course defined;
afterwards the checks run with that, and with those names of the answer that the question asks for.
An answer that says ``from pylab import *`` or ``np = 3`` changes itself and not the checks.

It also turns what would end or stop the program into an exception, alike on every engine.
"""

from __future__ import annotations

import builtins
import sys
from collections.abc import Iterable
from typing import Any

STOPPED = "breakpoint()"
KEPT = "_actlab_course"

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
        for name in asked:
            if name in namespace:
                self._own[name] = namespace[name]
        # By attribute: the answer may have a "compile" of its own.
        builtins.exec(builtins.compile(source, file, "exec"), self._own)


def run_apart(source: str, file: str, asked: Iterable[str]) -> str:
    """The cell that runs ``source`` as a check."""
    return f"{KEPT}.run({source!r}, {file!r}, globals(), {sorted(asked)!r})"


def _end(*_: Any, **__: Any) -> None:
    """``exit()`` and ``quit()``; a notebook's own would end one kernel and not the other."""
    raise SystemExit


def _stop(*_: Any, **__: Any) -> None:
    """``breakpoint()``: there is nobody to type."""
    raise SystemExit(STOPPED)
