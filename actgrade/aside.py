"""Run a cell of a learner's notebook without leaving a name behind."""

from __future__ import annotations

from types import ModuleType
from typing import Any


class Aside:
    """A copy of the namespace for one cell: it sees all names, and what it binds is gone after it.

    So a check that says ``x = ...`` replaces no ``x`` in a function of the learner's, neither
    while it runs nor afterwards. The grader keeps the two apart by :mod:`actgrade.apart`.

    Args:
        shell: an IPython shell.
    """

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._away: tuple[ModuleType, dict[str, Any]] | None = None

    def enter(self) -> None:
        """Before the cell runs."""
        self.leave()
        copied = ModuleType("__main__")
        vars(copied).update(self._shell.user_ns)
        self._away = self._shell.user_module, self._shell.user_ns
        self._shell.user_module, self._shell.user_ns = copied, vars(copied)

    def leave(self) -> None:
        """After it has run; again is harmless."""
        if self._away is not None:
            self._shell.user_module, self._shell.user_ns = self._away
            self._away = None
