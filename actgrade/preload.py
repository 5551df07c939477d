"""What a kernel has loaded before the first cell: imported once, in the fork server."""

from __future__ import annotations

from collections.abc import Iterable

from actbase.imports import module_imports, parsed
from actgrade import source
from actgrade.course import Course
from actgrade.walls import walls_of

# What a chapter imports of these is imported once; everything else where it is needed.
PRELOADED = ("numpy", "torch", "matplotlib", "scipy", "sklearn")


def preload_for(course: Course, chapters: Iterable[source.Assignment]) -> list[str]:
    """The modules to import once.

    They are what the chapters' own code imports of large libraries, what is watched in these, and
    the packages that come with the course, which a kernel may read for being named here. What a
    question does without is left out for that question.
    """
    found = {"numpy"}
    for chapter in chapters:
        for text in (*chapter.setup, *(question.answer for question in chapter.questions)):
            found.update(module_imports(parsed(text), names=False))
        for question in chapter.questions:  # what is watched, the guard must be able to find
            found |= {name.split(".")[0] for name in walls_of(chapter, question).fences}
    found = {name for name in found if name.split(".")[0] in PRELOADED}
    if any(name.split(".")[0] == "matplotlib" for name in found):
        found.add("matplotlib.pyplot")  # it looks for fonts, which takes a second
    # The first cell of a question asks for this one of ours.
    return sorted(found.union(course.packages, ("actgrade.apart",)))
