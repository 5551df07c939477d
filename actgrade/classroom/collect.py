"""From a folder of submissions to one row for each learner and chapter.

Every file ends in one of three places: it is the submission of a row, it is named in
``not_graded`` with a reason, or it is one of the many files that every repository has and that no
exercise is read from, which are counted.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from actbase.errors import CommandError
from actgrade.classroom.layouts import EXERCISES, LAYOUTS, Owner, Paths, copy_number
from actgrade.classroom.walk import Found, UnreadableError, Walk, find
from actgrade.course import Course
from actgrade.quote import quote

NAMES = {"canvas": "Canvas", "moodle": "Moodle", "github": "GitHub Classroom", "folder": "folders"}


@dataclass(frozen=True)
class Learner:
    """A person, as far as the export tells.

    Attributes:
        key: unique, stable between runs; not shown.
        name, login, user: to show, harmless text.
    """

    key: str
    name: str
    login: str = ""
    user: str = ""


@dataclass
class Row:
    """One learner's submission for one chapter.

    Attributes:
        file: its path below the folder of submissions, harmless text.
        digest: SHA-256 of its bytes; empty when they could not be read.
        error: why it cannot be read, or None.
        notes: what the instructor and the learner should know about the choice of this file.
    """

    learner: Learner
    chapter: str
    file: str
    digest: str
    read: Callable[[], bytes]
    late: bool = False
    error: str | None = None
    notes: list[str] = field(default_factory=list)


@dataclass
class Collection:
    """What was found.

    Attributes:
        not_graded: (path, reason) of files that look like work but have no row.
        other_files: how many files no exercise is read from (a repository has many).
    """

    layout: str
    learners: list[Learner]
    rows: list[Row]
    not_graded: list[tuple[str, str]]
    assignments: list[str]
    other_files: int = 0


@dataclass
class _Candidate:
    found: Found
    owner: Owner
    chapter: str
    digest: str
    error: str | None
    notes: list[str]


def collect(
    root: Path,
    course: Course,
    *,
    chapters: Iterable[str] | None = None,
    layout: str = "auto",
    slug: str | None = None,
    progress: Callable[[int], None] = lambda files: None,
) -> Collection:
    """Find all submissions below ``root``, a folder or a zip file.

    Args:
        chapters: only these; None for all that the course has.
        layout: one of :data:`~actgrade.classroom.layouts.LAYOUTS`, or ``auto`` for the one that
            most files have.
        slug: the name of the GitHub Classroom assignment.
        progress: called with the number of files read so far.

    Raises:
        CommandError: there is nothing there.
    """
    walk = Walk([])
    everything = list(find(root, walk))
    works = [file for file in everything if file.parts[-1].lower().endswith(".ipynb")]
    paths = Paths([file.parts for file in works], slug)
    if not works and not walk.problems:
        raise CommandError(f"{root} holds no notebooks")
    if layout == "auto":
        guesses = Counter(o.layout for o in map(paths.guess, (f.parts for f in works)) if o)
        layout = max(LAYOUTS, key=lambda name: (guesses[name], -LAYOUTS.index(name)))
    wanted = set(course.chapter_names() if chapters is None else chapters)
    not_graded = [(_shown(path) or root.name, reason) for path, reason in walk.problems]
    others = walk.ignored
    candidates: dict[tuple[str, str], list[_Candidate]] = defaultdict(list)
    owners = {file.parts: paths.owner(file.parts, layout) for file in everything}
    # Whoever has a copy of the course has many notebooks that are no exercises.
    has_exercises = {
        owner.key for file in works if (owner := owners[file.parts]) and owner.in_exercises
    }
    for number, file in enumerate(everything):
        progress(number)
        owner = owners[file.parts]
        is_work = file.parts[-1].lower().endswith(".ipynb")
        if owner and owner.key in has_exercises and not owner.in_exercises:
            if is_work and len(file.parts) - 1 == len(owner.place.split("/")):
                not_graded.append((_shown(file.name), f"is not in the folder {EXERCISES}/"))
            else:
                others += 1
            continue
        if not is_work:
            if layout == "github" or owner is None:
                others += 1
            else:
                not_graded.append((_shown(file.name), "is not a notebook"))
            continue
        if owner is None:
            not_graded.append((_shown(file.name), _unknown(layout)))
            continue
        candidate, problem = _candidate(file, owner, course, wanted)
        if candidate is None:
            if problem:
                not_graded.append((_shown(file.name), problem))
            else:
                others += 1
            continue
        candidates[owner.key, candidate.chapter].append(candidate)
    progress(len(everything))
    rows = []
    for some in candidates.values():
        rows += _choose(some, not_graded)
    people = {row.learner.key: row.learner for row in rows}
    rows.sort(key=lambda row: (_order(row.learner), row.chapter))
    return Collection(
        layout,
        sorted(people.values(), key=_order),
        rows,
        sorted(not_graded),
        [quote(name, 100) for name in paths.assignments()] if layout == "github" else [],
        others,
    )


def _order(learner: Learner) -> tuple[str, str]:
    return learner.name.casefold(), learner.key


def _shown(path: str) -> str:
    return quote(path, 300)


def _unknown(layout: str) -> str:
    return f"its path does not say whose it is (the other files come from {NAMES[layout]})"


def _candidate(
    file: Found, owner: Owner, course: Course, wanted: set[str]
) -> tuple[_Candidate | None, str]:
    """The file with the chapter that it belongs to, or None and the reason, if it needs one."""
    error, data = None, b""
    try:
        data = file.read()
    except UnreadableError as problem:
        error = str(problem)
    notes = []
    said, claimed = chapter_of_name(owner.file, course), chapter_of_data(data, course)
    if said and claimed and said != claimed:
        notes.append(f"its name says {said}, but it is the notebook of {claimed}")
    chapter = claimed or said
    if chapter is None:
        reason = error or "neither its name nor its content says which chapter it belongs to"
        return None, reason
    if chapter not in wanted:
        return None, "" if owner.layout == "github" else f"belongs to {chapter}, not asked for"
    digest = "" if error else hashlib.sha256(data).hexdigest()
    return _Candidate(file, owner, chapter, digest, error, notes), ""


def chapter_of_name(name: str, course: Course) -> str | None:
    """The chapter that a file's name means, whatever a platform or the learner added to it."""
    stem, _ = copy_number(name.removesuffix(".ipynb").strip())
    with contextlib.suppress(CommandError):
        return course.resolve(stem)
    inside = [chapter for chapter in course.chapter_names() if chapter in stem.lower()]
    return inside[0] if len(inside) == 1 else None


def chapter_of_data(data: bytes, course: Course) -> str | None:
    """The chapter that a notebook says it belongs to, or None."""
    try:
        mark = json.loads(data.decode("utf-8-sig"))["metadata"]["actlab"]["chapter"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return mark if isinstance(mark, str) and mark in course.chapter_names() else None


def _choose(some: list[_Candidate], not_graded: list[tuple[str, str]]) -> list[Row]:
    """The row of one learner and chapter: the newest of several files."""
    if some[0].owner.layout == "folder" and len({c.owner.place for c in some}) > 1:
        for candidate in some:
            not_graded.append((
                _shown(candidate.found.name),
                f"several folders below {quote(candidate.owner.name, 100)!r} have "
                f"{candidate.chapter}: "
                "which learner's is it? (name the folder that has one folder for each learner)",
            ))  # fmt: skip
        return []
    some.sort(key=_age)
    newest = some[-1]
    notes = list(newest.notes)
    different = {candidate.digest for candidate in some}
    if len(some) > 1:
        others = ", ".join(_shown(c.found.parts[-1]) for c in some[:-1])
        if len(different) == 1 and newest.digest:
            notes.append(f"handed in {len(some)} times without a change")
        elif _age(some[-2])[:-1] == _age(newest)[:-1]:
            notes.append(
                f"nothing tells which of {len(some)} files is the newest; this one was taken "
                f"instead of {others}"
            )
        else:
            notes.append(f"the newest of {len(some)} files, graded instead of {others}")
        for older in some[:-1]:
            if older.digest != newest.digest:
                not_graded.append((
                    _shown(older.found.name),
                    f"another file of the same learner for {newest.chapter} was graded: "
                    f"{_shown(newest.found.name)}",
                ))  # fmt: skip
    owner = newest.owner
    learner = Learner(
        owner.key, quote(owner.name, 120), quote(owner.login, 120), quote(owner.user, 40)
    )
    late = any(candidate.owner.late for candidate in some if candidate is newest)
    return [
        Row(
            learner,
            newest.chapter,
            _shown(newest.found.name),
            newest.digest,
            newest.found.read,
            late,
            newest.error,
            notes,
        )
    ]


def _age(candidate: _Candidate) -> tuple[int, int, float, str]:
    """Larger for a newer file: the platform's number, then a copy's, then the time."""
    _, copy = copy_number(candidate.owner.file.removesuffix(".ipynb"))
    # A number added by the platform is only telling among uploads that have no number of their own.
    return candidate.owner.upload, copy, candidate.found.modified, candidate.found.name
