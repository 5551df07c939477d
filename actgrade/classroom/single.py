"""Grade what one learner handed in, for services that start a grader for each submission."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from actbase.errors import CommandError
from actgrade.classroom.collect import chapter_of_data, chapter_of_name
from actgrade.classroom.layouts import EXERCISES, copy_number
from actgrade.classroom.walk import Found, UnreadableError, Walk, find
from actgrade.classroom.work import Settings, Unit, close_launchers, grade_units, is_final
from actgrade.course import Course
from actgrade.quote import quote
from actgrade.source import Assignment


@dataclass(frozen=True)
class Graded:
    """One chapter: its result in the form that the class's store has, or why there is none."""

    chapter: Assignment
    file: str
    questions: tuple[dict[str, Any], ...]
    problem: str = ""

    @property
    def points(self) -> float:
        """The points earned."""
        return float(sum(question["points"] for question in self.questions))


def grade_one(
    folder: Path, course: Course, chapters: list[str], *, require_sandbox: bool = False
) -> list[Graded]:
    """Grade the notebooks below ``folder``, with new inputs each time.

    Args:
        chapters: what is asked for; empty for whatever was handed in.

    Raises:
        CommandError: nothing was handed in, or the grader or the course failed, for which nobody
            should get a zero.
    """
    if not folder.is_dir():
        raise CommandError(f"{folder} is not a folder")
    found: dict[str, tuple[Found, bytes, str]] = {}
    files = [file for file in find(folder, Walk([])) if file.parts[-1].endswith(".ipynb")]
    # In a copy of the course the other notebooks are no answers.
    files = [file for file in files if EXERCISES in file.parts[:-1]] or files
    for file in sorted(files, key=_age):
        try:
            data, problem = file.read(), ""
        except UnreadableError as error:
            data, problem = b"", str(error)
        name = chapter_of_data(data, course) or chapter_of_name(file.parts[-1], course)
        if name is not None and name in (chapters or course.chapter_names()):
            found[name] = (file, data, problem)
    if not found and not chapters:
        raise CommandError("no notebook of this course was handed in")
    return _grade(found, course, chapters or sorted(found), require_sandbox)


def _age(file: Found) -> tuple[int, float, str]:
    return copy_number(file.parts[-1].removesuffix(".ipynb"))[1], file.modified, file.name


def _grade(
    found: dict[str, tuple[Found, bytes, str]],
    course: Course,
    chapters: list[str],
    require_sandbox: bool,
) -> list[Graded]:
    from actgrade.preload import preload_for

    units = [
        Unit(name, hashlib.sha256(data).hexdigest(), course.chapter(name), data)
        for name, (_, data, problem) in found.items()
        if not problem
    ]
    settings = Settings(
        secrets.token_bytes(32),
        tuple(preload_for(course, (unit.chapter for unit in units))),
        require_sandbox=require_sandbox,
    )
    try:
        results = {result["unit"]: result for result in grade_units(units, settings)}
    finally:
        close_launchers()
    graded = []
    for name in chapters:
        chapter = course.chapter(name)
        if name not in found:
            problem = f"no notebook of {name} was handed in"
            graded.append(Graded(chapter, "", (), problem))
            continue
        file, _, problem = found[name]
        result = results.get(name, {"error": problem, "questions": []})
        if not is_final(result):
            raise CommandError(
                f"{name}: the grader or the course failed, not the learner; grade this again", 1
            )
        graded.append(
            Graded(
                chapter, quote(file.name, 200), tuple(result["questions"]), result["error"] or ""
            )
        )
    return graded
