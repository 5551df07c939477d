"""Grade what one learner handed in, for services that start a grader for each submission."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from actbase.errors import CommandError
from actgrade.classroom.collect import collect
from actgrade.classroom.walk import UnreadableError
from actgrade.classroom.work import Settings, Unit, close_launchers, grade_units, is_final
from actgrade.course import Course
from actgrade.source import Assignment


@dataclass(frozen=True)
class Graded:
    """One chapter: its result in the form that the class's store has, or why there is none."""

    chapter: Assignment
    file: str
    questions: tuple[dict[str, Any], ...]
    problem: str = ""
    notes: tuple[str, ...] = ()

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
    # The same sorting as for a class, of which this is the only learner.
    try:
        rows = collect(folder, course, chapters=chapters or None, layout="single").rows
    except CommandError:
        rows = []
    found: dict[str, _Found] = {}
    for row in rows:
        problem, data = f"the file {row.error}" if row.error else "", b""
        if not problem:
            try:
                data = row.read()
            except UnreadableError as error:
                problem = f"the file {error}"
        notes = [*row.notes, *([row.doubt] if row.doubt else [])]
        found[row.chapter] = _Found(row.file, data, problem, tuple(notes))
    if not found and not chapters:
        raise CommandError("no notebook of this course was handed in")
    return _grade(found, course, chapters or sorted(found), require_sandbox)


def _subject(error: str | None, one: _Found) -> str:
    return one.problem or (f"the file {error}" if error else "")


@dataclass(frozen=True)
class _Found:
    """The file that was chosen for one chapter."""

    file: str
    data: bytes
    problem: str
    notes: tuple[str, ...]


def _grade(
    found: dict[str, _Found],
    course: Course,
    chapters: list[str],
    require_sandbox: bool,
) -> list[Graded]:
    from actgrade.preload import preload_for

    units = [
        Unit(name, hashlib.sha256(one.data).hexdigest(), course.chapter(name), one.data)
        for name, one in found.items()
        if not one.problem
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
        one = found[name]
        result = results.get(name, {"error": one.problem, "questions": [], "notes": []})
        if not is_final(result):
            raise CommandError(
                f"{name}: the grader or the course failed, not the learner; grade this again", 1
            )
        graded.append(
            Graded(
                chapter,
                one.file,
                tuple(result["questions"]),
                _subject(result["error"], one),
                (*one.notes, *result["notes"]),
            )
        )
    return graded
