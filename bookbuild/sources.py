"""The files of ours that a piece of Python depends on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from actbase.imports import module_imports, parsed
from bookbuild.paths import OURS


def imported_modules(code: str) -> set[str]:
    """The dotted names of our packages that a piece of Python imports, anywhere in it."""
    found = set(module_imports(parsed(code)))
    return {name for name in found if name.partition(".")[0] in OURS}


def _files_of(root: Path, module: str) -> Iterator[Path]:
    """The files of a module, or all files of a package except the top one."""
    path = root.joinpath(*module.split("."))
    if path.with_suffix(".py").exists():
        yield path.with_suffix(".py")
    elif module not in OURS and (path / "__init__.py").exists():
        yield from path.rglob("*.py")


def reachable_files(root: Path, code: str) -> list[Path]:
    """Every file of our packages that ``code`` imports, directly or through another."""
    found: set[Path] = set()
    waiting = imported_modules(code)
    seen: set[str] = set()
    while waiting:
        module = waiting.pop()
        seen.add(module)
        for path in _files_of(root, module):
            if path not in found:
                found.add(path)
                waiting |= imported_modules(path.read_text(encoding="utf-8")) - seen
    return sorted(found)
