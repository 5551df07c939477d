"""What of a question's forbidden names is put out of reach, and what is only watched.

A module that a question forbids, and that nothing of the course's own code for this question
imports, is not there while the question runs: a wall. Of a package that comes with the course the
rest is not there either, but for what that code imports: whoever may not use ``actlab.functions``
would find the same functions in ``actlab.properties``. Everything else that is forbidden (a name
within NumPy; a module that the checks themselves need) is watched by
:mod:`actgrade.sandbox.guard`: a fence.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from actbase.imports import module_imports, parsed
from actgrade.sandbox import confinement
from actgrade.sandbox.places import is_module
from actgrade.source import Assignment, Question


@dataclass(frozen=True)
class Walls:
    """How the names that a question forbids are kept from its answer.

    Attributes:
        absent: modules that are not there.
        fences: names that are there, and watched.
    """

    absent: tuple[str, ...] = ()
    fences: tuple[str, ...] = ()


def walls_of(chapter: Assignment, question: Question) -> Walls:
    """The walls and fences of one question."""
    needed = [chapter.question(name).answer for name in question.needs]
    own = (
        *chapter.setup,
        *needed,
        question.answer,
        *(check.source for check in question.checks),
        *(held.source for held in question.helds),
    )
    return _walls(question.forbid, own)


def announced(chapter: Assignment, question: Question) -> list[str]:
    """What a learner has to be told not to use, in the order in which the author names it.

    Where all of a package is out of reach, that is its name and not that of a part.
    """
    absent = walls_of(chapter, question).absent
    names = (next((a for a in absent if _is_in(name, a)), name) for name in question.forbid)
    return list(dict.fromkeys(names))


@functools.lru_cache(maxsize=256)
def _walls(forbid: tuple[str, ...], own_code: tuple[str, ...]) -> Walls:
    if not forbid:
        return Walls()
    needed = {name for text in own_code for name in module_imports(parsed(text))}
    absent: set[str] = set()
    for top in sorted({name.partition(".")[0] for name in forbid}):
        folder = confinement.course_folder(top)
        if folder is None:
            continue
        if not any(_is_in(name, top) for name in needed):
            absent.add(top)
            continue
        kept = _kept(top, folder, needed)
        needed = (needed | kept) - {top}  # the package itself is only the way to its parts
        absent |= {f"{top}.{path.stem}" for path in folder.iterdir() if _is_part(path)} - kept
    fences = []
    for name in forbid:
        if any(_is_in(name, other) for other in absent):
            continue
        if is_module(name) and not _is_needed(name, needed):
            absent.add(name)
        else:
            fences.append(name)
    return Walls(tuple(sorted(absent)), tuple(fences))


def _is_needed(name: str, needed: Iterable[str]) -> bool:
    """Whether code that imports ``needed`` may not run without the module ``name``.

    ``import numpy`` may use ``numpy.random`` without naming it in an import.
    """
    return any(_is_in(one, name) or _is_in(name, one) for one in needed)


def _kept(top: str, folder: Path, needed: Iterable[str]) -> set[str]:
    """The direct parts of a package of the course that ``needed`` imports, and theirs in turn."""
    kept: set[str] = set()
    waiting = [name for name in needed if _is_in(name, top)]
    while waiting:
        part = waiting.pop().split(".")[1:2]
        if not part or f"{top}.{part[0]}" in kept:
            continue
        place = folder / part[0]
        if not _is_part(place) and not _is_part(place.with_suffix(".py")):
            continue  # a function of the package itself
        kept.add(f"{top}.{part[0]}")
        waiting += [name for name in _imports(place) if _is_in(name, top)]
    return kept


def _is_in(name: str, module: str) -> bool:
    return name == module or name.startswith(f"{module}.")


def _is_part(path: Path) -> bool:
    if path.stem.startswith("__"):
        return False
    return (path.suffix == ".py" and path.is_file()) or (path / "__init__.py").is_file()


def _imports(place: Path) -> list[str]:
    """What the files of one part of a package import when they are imported."""
    files = sorted(place.rglob("*.py")) if place.is_dir() else [place.with_suffix(".py")]
    return [
        name
        for file in files
        for name in module_imports(parsed(file.read_text(encoding="utf-8")), all_of_them=False)
    ]
