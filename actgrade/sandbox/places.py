"""Where modules lie, found without importing them, and how to name everything but some of them.

Landlock knows no exceptions: a folder that may be read may be read as a whole. So where a module is
to be out of reach, the folders around it are named entry by entry, without it.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import os
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

_PYTHON_FOLDER = re.compile(r"python3(\.\d+)?")
_SUFFIXES = (
    *importlib.machinery.SOURCE_SUFFIXES,
    *importlib.machinery.BYTECODE_SUFFIXES,
    *importlib.machinery.EXTENSION_SUFFIXES,
)


def module_folders(readable: Iterable[Path]) -> list[Path]:
    """The folders in which an interpreter would look for modules, this one's and others'.

    Args:
        readable: the folders that code may read.
    """
    found = [Path(entry) for entry in sys.path if entry]
    for folder in readable:
        pythons = [folder, *_named(folder)]
        for python in pythons:
            found += [python, *(python / name for name in ("site-packages", "dist-packages"))]
    return sorted({folder.resolve() for folder in found if folder.is_dir()})


def _named(folder: Path) -> Iterator[Path]:
    try:
        yield from (entry for entry in folder.iterdir() if _PYTHON_FOLDER.fullmatch(entry.name))
    except OSError:
        return


def is_module(name: str) -> bool:
    """Whether the dotted ``name`` is a module's and not that of something in one."""
    head, *rest = name.split(".")
    if not rest:
        return True
    try:
        spec = importlib.util.find_spec(head)  # of a top-level name: nothing is imported for it
    except (ImportError, ValueError):
        return False
    places = (spec.submodule_search_locations or ()) if spec is not None else ()
    return any(_files_of(Path(place), rest) for place in places)


def files_of_module(name: str, folders: Iterable[Path]) -> set[Path]:
    """Every file and folder that the dotted ``name`` could be imported from, in all ``folders``."""
    found: set[Path] = set()
    for folder in folders:
        found |= _files_of(folder, name.split("."))
    return {path.resolve() for path in found}


def _files_of(folder: Path, parts: list[str]) -> set[Path]:
    for part in parts[:-1]:
        folder = folder / part
    last = parts[-1]
    candidates = [folder / last, *(folder / f"{last}{suffix}" for suffix in _SUFFIXES)]
    found = {path for path in candidates if path.exists()}
    # Extensions of another interpreter, and compiled text, whose names say which one's they are.
    for pattern in (f"{last}.*.so", f"lib-dynload/{last}.*.so", f"__pycache__/{last}.*.pyc"):
        found |= set(folder.glob(pattern))
    return found


def without(folder: Path, closed: set[Path]) -> Iterator[Path]:
    """What has to be named so that all of ``folder`` is, but for ``closed``.

    Args:
        folder, closed: resolved paths. Links are left out: where they lead to is named there.
    """
    if folder in closed or any(folder.is_relative_to(path) for path in closed):
        return
    if not any(path.is_relative_to(folder) for path in closed):
        yield folder
        return
    with os.scandir(folder) as entries:
        inside = sorted((entry.name, entry.is_symlink()) for entry in entries)
    for name, is_link in inside:
        if not is_link:
            yield from without(folder / name, closed)
