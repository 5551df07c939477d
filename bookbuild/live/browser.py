"""What a piece of Python imports, and what of that a browser has."""

from __future__ import annotations

import ast
import sys
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from actbase.imports import module_imports
from bookbuild.paths import OURS, ROOT

#: The modules of them that a page may load, packages with all that they hold. What of them needs
#: something that a browser does not have is found by looking at the imports. Timing
#: (``actlab.bench``) makes no sense there.
ROOMS = (
    "actbase",
    *("actlab.functions", "actlab.palette", "actlab.plotting", "actlab.showing"),
    *("actlab.style", "actlab.claims", "actlab.properties"),
    *("bookbuild.live", "bookbuild.themed_svg", "bookbuild.paths"),
    # What the judge of the page reaches.
    *("actgrade.answers", "actgrade.apart", "actgrade.magics", "actgrade.notebook_file"),
    *(
        "actgrade.stub",
        "actgrade.compare",
        "actgrade.exercise",
        "actgrade.feedback",
        "actgrade.forbid",
    ),
    *(
        "actgrade.mistakes",
        "actgrade.origin",
        "actgrade.quote",
        "actgrade.reasons",
        "actgrade.results",
    ),
    *("actgrade.sidecar", "actgrade.source", "actgrade.submission", "actgrade.trial"),
    *("actgrade.values", "actgrade.verdict", "actgrade.sandbox.cell_names"),
    *("actgrade.sandbox.guard", "actgrade.sandbox.limits", "actgrade.sandbox.lost"),
    "actgrade.sandbox.walls",
)


class Browser:
    """What the browser has.

    Args:
        packages: import name -> name of the package that brings it, for everything that Pyodide
            can load here.
    """

    def __init__(self, packages: Mapping[str, str]) -> None:
        self._packages = packages
        self._causes: dict[str, str | None] = {}

    def cause(self, module: str) -> str | None:
        """Why ``module`` cannot be imported: the name of what is missing; None when it can.

        ``actlab.training`` has the cause ``torch``, which it imports.
        """
        if module in self._causes:
            return self._causes[module]
        external = {name for name in _reachable(module) if name.partition(".")[0] not in OURS}
        tops = sorted({name.partition(".")[0] for name in external})
        missing = [top for top in tops if not self._has(top)]
        if "torch" in missing:  # what readers know, when several things are missing
            missing = ["torch"]
        if not missing:
            missing = sorted(
                ".".join(name.split(".")[:2])
                for name in _reachable(module)
                if name.partition(".")[0] in OURS and not in_rooms(name)
            )
        self._causes[module] = missing[0] if missing else None
        return self._causes[module]

    def _has(self, top: str) -> bool:
        return top in sys.stdlib_module_names or top in self._packages

    def packages(self, code: str) -> set[str]:
        """The packages to load before ``code`` runs; what cannot be parsed needs none."""
        try:
            tree = ast.parse(code)
        except SyntaxError:
            return set()
        found: set[str] = set()
        waiting, seen = set(module_imports(tree, all_of_them=True)), set()
        while waiting:
            module = waiting.pop()
            if module in seen:
                continue
            seen.add(module)
            top = module.partition(".")[0]
            if top in self._packages:
                found.add(self._packages[top])
            elif top in OURS and (path := file_of(module)) and not self.cause(module):
                # A package's own module is imported with everything above it.
                waiting |= {module.rpartition(".")[0]} - {""}
                waiting |= set(module_imports(_parsed(path), all_of_them=True))
        return found


def in_rooms(module: str) -> bool:
    """Whether ``module`` of ours is one of the rooms, lies in one, or holds one."""
    return any(f"{module}.".startswith(f"{room}.") for room in ROOMS) or any(
        room.startswith(f"{module}.") for room in ROOMS
    )


def file_of(module: str) -> Path | None:
    """The file of a module of ours, or None when there is none of that name."""
    path = ROOT.joinpath(*module.split("."))
    if (path / "__init__.py").exists():
        return path / "__init__.py"
    path = path.with_suffix(".py")
    return path if path.is_file() else None


def name_of(path: Path) -> str:
    """The dotted name of the module in ``path``."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@lru_cache(maxsize=512)
def _reachable(module: str) -> frozenset[str]:
    """Every module that must be there for the import of ``module`` to succeed, itself included."""
    waiting, seen = [module], set()
    while waiting:
        name = waiting.pop()
        if name in seen or not name:
            continue
        top = name.partition(".")[0]
        if top not in OURS:
            seen.add(top)
            continue
        waiting.append(name.rpartition(".")[0])
        if (path := file_of(name)) is not None:  # else a name inside a module
            seen.add(name)
            waiting += module_imports(_parsed(path), all_of_them=False)
    return frozenset(seen)


@lru_cache(maxsize=512)
def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))
