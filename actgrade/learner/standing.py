"""Where a learner stands: the notebook on disk beside what the last grading said."""

from __future__ import annotations

import dataclasses
import difflib
import functools
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from actbase.errors import CommandError
from actgrade.answers import is_stub
from actgrade.course import Course
from actgrade.learner import source_cache
from actgrade.learner.state import Record, State
from actgrade.recognise import Recogniser
from actgrade.source import Assignment, Question
from actgrade.submission import Answer, Submission, read_submission


@dataclass(frozen=True)
class Standing:
    """One question now.

    Attributes:
        key: what would be graded now; equal to ``record.key`` when that was graded last.
        is_stub: nothing was written yet.
        record: of the last grading.
    """

    question: Question
    key: str
    is_stub: bool
    record: Record

    @property
    def is_graded(self) -> bool:
        """Whether the last grading was of this very answer."""
        return bool(self.record.key) and self.record.key == self.key

    @property
    def is_due(self) -> bool:
        """Whether saving it asks for a grading: it changed, and something was or is written."""
        return not self.is_graded and not (self.is_stub and not self.record.key)

    @property
    def points(self) -> float:
        """The points of the last grading; none for a stub."""
        return 0.0 if self.is_stub else self.record.points

    @property
    def is_open(self) -> bool:
        """Whether there is something left to do."""
        return self.is_stub or not self.is_graded or self.record.points < self.question.points

    @property
    def words(self) -> str:
        """The verdict of the last grading, and what changed since; in a few words."""
        if self.is_stub:
            said = "not started"
        elif not self.record.verdict:
            said = "not graded yet"
        else:
            said = self.record.verdict + ("" if self.is_graded else ", changed since")
        return said + (", solution seen" if self.record.gave_up else "")


def key_of(chapter: Assignment, question: Question, answer: Answer) -> str:
    """A digest of everything that a verdict depends on, the drawn inputs aside."""
    fields = dataclasses.asdict(question)
    for name in ("title", "prompts", "hints"):
        del fields[name]
    needed = [chapter.question(name).answer for name in question.needs]
    content = [fields, chapter.setup, needed, answer.source, answer.problem]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def stand(
    chapter: Assignment, submission: Submission, records: Mapping[str, Record]
) -> list[Standing]:
    """The standing of every question of a chapter, in order."""
    found = []
    for question in chapter.questions:
        answer = submission.answers[question.id]
        key = key_of(chapter, question, answer)
        record = records.get(question.id, Record())
        found.append(
            Standing(
                question,
                key,
                answer.source is not None and is_stub(question, answer.source),
                record,
            )
        )
    return found


def exercise(course: Course, name: str) -> Path:
    """The notebook that a learner edits for the chapter ``name``.

    It is the one that the course released, unless nothing is written in it and something is in a
    copy beside it: the same choice as for a class.
    """
    released = course.exercises / f"{name}.ipynb"
    others = copies(course)
    if not others:
        return released
    signed = tuple((path, _signature(path)) for path in (released, *others))
    return _chosen(course.root, name, signed)


def copies(course: Course) -> list[Path]:
    """Notebooks in ``exercises/`` whose names are no chapter's."""
    names = {f"{name}.ipynb" for name in course.chapter_names()}
    try:
        found = sorted(course.exercises.iterdir())
    except OSError:
        return []
    return [
        path
        for path in found
        if ".ipynb" in path.name.lower() and path.name not in names and path.name[0] != "."
    ]


def _signature(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


@functools.lru_cache(256)
def _chosen(root: Path, name: str, signed: tuple[tuple[Path, object], ...]) -> Path:
    """The file that is graded for a chapter; kept as long as no file changes."""
    course = Course(root)
    recogniser = Recogniser(course, lambda chapter: source_cache.load(course, chapter))
    released = signed[0][0]
    ranked = []
    for path, _ in signed:
        try:
            look = recogniser.look(path.read_bytes(), path.name)
        except OSError:
            continue
        if look.chapter == name and look.written and not (look.problem or look.is_source):
            ranked.append((path == released, len(look.written), path.name, path))
    return max(ranked)[-1] if ranked else released


def read(course: Course, name: str, state: State) -> tuple[Assignment, list[Standing]]:
    """The chapter ``name`` and the standing of its questions.

    Raises:
        CommandError: its source or the learner's notebook cannot be read.
    """
    chapter = source_cache.load(course, name)
    path = exercise(course, name)
    if not path.exists():
        raise CommandError(
            f"{course.relative(path)} is missing; 'actlab reset {name}' puts it back"
        )
    return chapter, stand(chapter, read_submission(path, chapter), state.records(name))


def first_open(standings: list[Standing], after: str | None = None) -> Standing | None:
    """The first question with something left to do, searching on from ``after`` and around."""
    names = [standing.question.id for standing in standings]
    start = names.index(after) + 1 if after in names else 0
    for standing in (*standings[start:], *standings[:start]):
        if standing.is_open:
            return standing
    return None


def find_question(chapter: Assignment, wanted: str) -> Question:
    """The question that ``wanted`` means: ``q2`` or ``2``.

    Raises:
        CommandError: there is none; the message names what is near.
    """
    names = [question.id for question in chapter.questions]
    for name in (wanted, wanted.lower(), f"q{wanted}"):
        if name in names:
            return chapter.question(name)
    close = difflib.get_close_matches(wanted, names, n=3, cutoff=0.5)
    near = [name for name in names if name in close] or names
    listed = near[0] if len(near) == 1 else f"{', '.join(near[:-1])} or {near[-1]}"
    raise CommandError(f"{chapter.name} has no question {wanted!r}; did you mean {listed}?")
