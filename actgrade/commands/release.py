"""Build exercises/ from solutions/.

Answers become stubs that raise NotImplementedError, checks keep their expected output, and held-out
checks, known wrong answers and hints are left out. Files in exercises/ that have no source in
solutions/ are reported and left alone. Never edit exercises/ by hand.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from actbase.errors import CommandError
from actgrade.course import Course
from actgrade.release import Built, build
from actgrade.sidecar import SIDECAR_FOLDER
from actgrade.startup import skip_slow_imports


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``actlab release``."""
    parser.add_argument(
        "chapters", nargs="*", metavar="CHAPTER", help="chapters to build, e.g. 04_relu (all)"
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="write nothing; name the files that differ and exit with 1",
    )
    parser.add_argument(
        "--course", type=Path, metavar="DIR", help="the folder that holds solutions/ (found)"
    )


def run(arguments: argparse.Namespace) -> int:
    """``actlab release``: 0 when exercises/ is up to date afterwards, 1 when --check differs."""
    skip_slow_imports()
    course = Course.find(arguments.course)
    chosen = [course.resolve(name) for name in arguments.chapters] or course.chapter_names()
    if not chosen:
        raise CommandError(f"there are no notebooks in {course.solutions}")
    built = [file for name in chosen for file in build(course.source_path(name), course.exercises)]
    stale = [] if arguments.chapters else _without_source(course, built)
    differing = [file.path for file in built if not file.is_current()]
    if arguments.check:
        for path in differing:
            print(f"out of date: {course.relative(path)}")
        for path in stale:
            print(f"has no source in solutions/: {course.relative(path)}")
        if differing or stale:
            print("Run 'actlab release' and commit the result.")
            return 1
        print(f"exercises/ is up to date ({len(chosen)} notebooks).")
        return 0
    for file in built:
        if file.path in differing:
            file.write()
            print(f"wrote {course.relative(file.path)}")
    for path in stale:
        print(
            f"has no source in solutions/, delete it if nobody works on it: {course.relative(path)}"
        )
    if not differing:
        print(f"exercises/ is up to date ({len(chosen)} notebooks).")
    return 0


def _without_source(course: Course, built: list[Built]) -> list[Path]:
    """Released files whose source is gone."""
    known = {file.path for file in built}
    found = [
        *course.exercises.glob("*.ipynb"),
        *(course.exercises / SIDECAR_FOLDER).glob("*.json"),
    ]
    return sorted(path for path in found if path not in known)
