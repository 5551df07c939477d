"""What grading the mutants found, kept in the repository: a page shows it, a test holds it.

Grading all mutants of a course takes many minutes, so it is done once and recorded, in a file for
each chapter, ``solutions/mutants/NN_slug.json``. Every entry carries a fingerprint of what it
depends on: the question, its mutants, the reasons and the right answers. Whoever changes one of
them learns from a test, which grades nothing, that ``actlab verify NN --mutants --record`` is due.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from actbase.errors import CommandError
from actbase.files import write_json
from actgrade import right_answers
from actgrade.course import Course
from actgrade.equivalent import reasons_of
from actgrade.mutation import Score, mutants_for, mutate, share_killed
from actgrade.results import QuestionResult
from actgrade.right_answers import RightAnswer
from actgrade.source import Assignment, Question

FOLDER = "mutants"
VERSION = 1


@dataclass(frozen=True)
class Entry:
    """What is known of one question.

    Attributes:
        fingerprint: of all that the other numbers depend on; see :func:`fingerprint`.
        first: how many ``mutants`` there were when they were graded for the first time, and how
            many of them were ``killed``.
        mutants: how many there are now.
        survivors: names of those that earn everything without a reason.
        equivalent: names of those that have a reason.
        right: how many right answers, written differently, there are.
        refused: how the ones differ that do not get full marks.
    """

    fingerprint: str
    first: dict[str, int]
    mutants: int
    survivors: list[str]
    equivalent: list[str]
    right: int
    refused: list[str]

    @property
    def score(self) -> float:
        """Killed mutants as a share of those that can be killed."""
        return share_killed(self.mutants, len(self.survivors), len(self.equivalent))

    @property
    def first_score(self) -> float:
        """The same before anything was done about survivors."""
        lost = self.first["mutants"] - self.first["killed"]
        return share_killed(self.first["mutants"], lost, 0)


Record = dict[str, Entry]


def path_of(course: Course, chapter: str) -> Path:
    """Where the record of a chapter lies."""
    return course.solutions / FOLDER / f"{chapter}.json"


def read(course: Course, chapter: str) -> Record:
    """The record of a chapter by question; empty where there is none.

    Raises:
        CommandError: it cannot be read.
    """
    path = path_of(course, chapter)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["version"] != VERSION:
            raise ValueError(f"its version is {content['version']}, not {VERSION}")
        return {name: Entry(**entry) for name, entry in content["questions"].items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CommandError(f"{path} cannot be read: {error}") from None


def fingerprint(
    chapter: Assignment,
    question: Question,
    reasons: dict[str, str],
    answers: Sequence[RightAnswer],
) -> str:
    """16 hexadecimal digits that change with what an entry says.

    Args:
        reasons: why mutants of this question may survive; their words do not matter.
        answers: right answers to this question.
    """
    earlier = chapter.questions[: chapter.questions.index(question)] if question.needs else ()
    parts = [
        chapter.setup,
        [one.answer for one in earlier],
        [question.answer, question.forbid],
        [[held.source, held.points, asdict(held.tolerance)] for held in question.helds],
        [[mutant.name, mutant.source] for mutant in mutants_for(question)],
        sorted(reasons),
        [answer.source for answer in answers],
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def right_answers_to(course: Course, chapter: Assignment) -> list[RightAnswer]:
    """The right answers of a chapter, where the course has any.

    Raises:
        CommandError: it should have some, and has none for this chapter.
    """
    folder = course.right_answers
    return [] if folder is None else right_answers.read(folder / f"{chapter.name}.py")


def fingerprints(course: Course, chapter: Assignment) -> dict[str, str]:
    """The fingerprints that entries of a chapter should have now, by question.

    Raises:
        CommandError: reasons or right answers cannot be read.
    """
    reasons = reasons_of(course, chapter)
    answers = right_answers_to(course, chapter)
    return {
        question.id: fingerprint(
            chapter,
            question,
            reasons.get(question.id, {}),
            [answer for answer in answers if answer.question == question.id],
        )
        for question in chapter.questions
    }


def faults(course: Course, chapter: Assignment) -> list[str]:
    """Why the record of a chapter is not to be believed or not good, in sentences.

    Raises:
        CommandError: a file cannot be read.
    """
    record = read(course, chapter.name)
    reasons = reasons_of(course, chapter)
    found = []
    for name, now in fingerprints(course, chapter).items():
        entry = record.get(name)
        where = f"{chapter.name} {name}"
        if entry is None or entry.fingerprint != now:
            why = "its mutants were never graded" if entry is None else "it has changed"
            found.append(f"{where}: {why}; run 'actlab verify {chapter.name} --mutants --record'")
            continue
        found += [f"{where}: the mutant “{one}” earns everything" for one in entry.survivors]
        found += [
            f"{where}: the mutant “{one}” has a reason to earn everything, and does not"
            for one in reasons.get(name, {})
            if one not in entry.equivalent
        ]
        found += [f"{where}: the right answer “{one}” is refused" for one in entry.refused]
    known = {question.id for question in chapter.questions}
    found += [
        f"{chapter.name}: there is no question {name}" for name in record if name not in known
    ]
    return found


def renew(
    course: Course,
    chapter: Assignment,
    *,
    seed: int | None = None,
    progress: Callable[[QuestionResult], None] | None = None,
) -> list[Score]:
    """Grade what the record of a chapter does not know yet, and write it down.

    Args:
        seed: of the held inputs; drawn anew when None.
        progress: called after each answer that was graded.

    Returns:
        The scores of the questions that were graded.

    Raises:
        CommandError: a file cannot be read or written.
    """
    record = read(course, chapter.name)
    now = fingerprints(course, chapter)
    answers = right_answers_to(course, chapter)
    scores = mutate(
        [chapter],
        seed=seed,
        wanted=lambda _, question: not _holds(record.get(question.id), now[question.id]),
        progress=progress,
    )
    graded = [one for one in answers if one.question in {score.question.id for score in scores}]
    results = right_answers.graded(chapter, graded) if graded else []
    for score in scores:
        name = score.question.id
        own = [
            (answer, result)
            for answer, result in zip(graded, results, strict=True)
            if answer.question == name
        ]
        before = record.get(name)
        killed = score.mutants - len(score.survivors) - len(score.equivalent)
        record[name] = Entry(
            fingerprint=now[name],
            first=before.first if before else {"mutants": score.mutants, "killed": killed},
            mutants=score.mutants,
            survivors=[mutant.name for mutant in score.survivors],
            equivalent=list(score.equivalent),
            right=len(own),
            refused=[answer.how for answer, result in own if result.points < result.maximum],
        )
    if scores:
        _write(path_of(course, chapter.name), chapter, record)
    return scores


def _holds(entry: Entry | None, now: str) -> bool:
    """Whether nothing has changed since, and nothing was left to be done."""
    return entry is not None and entry.fingerprint == now and not entry.survivors


def _write(path: Path, chapter: Assignment, record: Record) -> None:
    content: dict[str, Any] = {
        "version": VERSION,
        "chapter": chapter.name,
        "questions": {
            question.id: asdict(record[question.id])
            for question in chapter.questions
            if question.id in record
        },
    }
    try:
        path.parent.mkdir(exist_ok=True)
        write_json(path, content)
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror or error}") from None
