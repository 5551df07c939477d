"""A namespace of their own for the cells that judge.

A check that says ``time = 3`` must not replace a helper of that name in the learner's functions,
and a learner who defines ``show`` or ``np`` must not replace the check's. So a judging cell sees
what the course had defined before the first answer ran, what earlier judging cells have defined,
and, of the learner's names, those that it uses and that are neither.
"""

from __future__ import annotations

import ast
import builtins
from types import ModuleType
from typing import Any

JUDGING = ("check", "held")


class Spaces:
    """Keeps the course's names and the learner's apart in one IPython shell.

    Args:
        shell: an IPython shell, in whose namespace all cells run that do not judge.
    """

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._judging: ModuleType | None = None
        self._away: tuple[ModuleType, dict[str, Any]] | None = None

    def enter(self, role: str, source: str) -> None:
        """Before a cell of this role runs."""
        self.leave()
        if role == "answer":
            self._keep_course()
        elif role in JUDGING:
            self._keep_course()
            self._judge(source)

    def leave(self) -> None:
        """After it has run; again is harmless."""
        if self._away is not None:
            self._shell.user_module, self._shell.user_ns = self._away
            self._away = None

    def _keep_course(self) -> None:
        """Remember what there is before the first answer, which is the course's."""
        if self._judging is None:
            self._judging = ModuleType("__main__")
            vars(self._judging).update(self._shell.user_ns)
            self._own = set(vars(self._judging))

    def _judge(self, source: str) -> None:
        assert self._judging is not None
        space, learners = vars(self._judging), self._shell.user_ns
        for name in names_used(source) - self._own:
            if name in learners:
                space[name] = learners[name]
            else:
                space.pop(name, None)
        self._own |= names_bound(source)
        self._away = self._shell.user_module, learners
        self._shell.user_module, self._shell.user_ns = self._judging, space


class Apart(Spaces):
    """The same in a learner's notebook, where nobody knows which names are the course's.

    A check sees all names, and leaves none behind.
    """

    def _keep_course(self) -> None:
        self._judging = ModuleType("__main__")
        vars(self._judging).update(self._shell.user_ns)
        self._own = set(vars(self._judging))


def names_used(source: str) -> set[str]:
    """Names that ``source`` reads anywhere, built-in ones left out unless somebody binds them."""
    return {
        node.id
        for node in _walk(source)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    } - set(dir(builtins))


def names_bound(source: str) -> set[str]:
    """Names that ``source`` binds at its top level."""
    found: set[str] = set()
    for node in _walk(source):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found.update((alias.asname or alias.name).partition(".")[0] for alias in node.names)
    return found


def _walk(source: str) -> list[ast.AST]:
    try:
        return list(ast.walk(ast.parse(source)))
    except (SyntaxError, ValueError):
        return []  # a course's own cell with a magic; it then sees the course's names only
