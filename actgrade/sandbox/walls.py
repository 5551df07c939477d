"""Modules that are not there: nothing of them is loaded, nothing of them can be read or imported.

Two locks. The import system refuses them with an ordinary ``ModuleNotFoundError``, which libraries
that would use a module if it were there expect. Landlock refuses to read their files, which holds
when code has taken the first lock off. Where there is no Landlock the first one is a fence.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from importlib.abc import MetaPathFinder
from pathlib import Path
from types import ModuleType


class Absent(MetaPathFinder):
    """Stands before every other finder and refuses some modules."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = tuple(names)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> None:
        """Refuse a module that is not there, and leave all others to the next finder."""
        if any(fullname == name or fullname.startswith(f"{name}.") for name in self.names):
            raise ModuleNotFoundError(f"{fullname} is not there for this question", name=fullname)


def put_up(absent: Iterable[str], preload: Iterable[str], work: Path) -> None:
    """Take ``absent`` away from this process and from all that it forks.

    What is loaded already is needed by something that is: it stays, for the guard to watch.

    Args:
        preload, work: as for :func:`actgrade.sandbox.confinement.wall_off`.
    """
    from actgrade.sandbox import confinement  # not in a browser, which has no walls to put up

    names = [name for name in absent if name not in sys.modules]
    if not names:
        return
    sys.meta_path.insert(0, Absent(names))
    if confinement.missing() is None:
        confinement.wall_off(names, preload, work)


def absent() -> tuple[str, ...]:
    """The modules that are not there for this process."""
    return next((f.names for f in sys.meta_path if isinstance(f, Absent)), ())
