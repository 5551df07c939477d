"""Right answers, each written in another way: who thinks differently must not lose points for it.

A file of right answers holds cells ``# %% q1: how it differs``, each a full answer to that
question. Every question has at least :data:`LEAST` of them.
"""

from __future__ import annotations

import ast
import re
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from actbase.errors import CommandError
from actgrade.course import Course
from actgrade.grade import grade
from actgrade.job import Options
from actgrade.notebooks import write
from actgrade.preload import PRELOADED, preload_for
from actgrade.results import QuestionResult
from actgrade.sandbox.launcher import Launcher
from actgrade.source import Assignment
from actgrade.verify import handed_in

LEAST = 5
SEED = 314159
_CELL = re.compile(r"^# %% (\w+): (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class RightAnswer:
    """One cell: the question, how this answer differs from the others, and its source."""

    question: str
    how: str
    source: str


def read(path: Path) -> list[RightAnswer]:
    """The cells of the file at ``path``.

    Raises:
        CommandError: there is no such file.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise CommandError(f"there are no right answers: {path} is missing") from None
    parts = _CELL.split(text)
    return [
        RightAnswer(question, how.strip(), source.strip() + "\n")
        for question, how, source in zip(parts[1::3], parts[2::3], parts[3::3], strict=True)
    ]


def faults(chapter: Assignment, answers: Sequence[RightAnswer]) -> list[str]:
    """What is wrong with the file itself, one sentence a fault: too few, or two alike."""
    found = []
    counts = Counter(answer.question for answer in answers)
    known = {question.id for question in chapter.questions}
    found += [
        f"right answers to {name}, which is no question" for name in sorted({*counts} - known)
    ]
    for question in chapter.questions:
        if counts[question.id] < LEAST:
            found.append(f"{question.id} has {counts[question.id]} right answers; it needs {LEAST}")
    seen = {
        (question.id, _shape(question.answer)): "the reference" for question in chapter.questions
    }
    for answer in answers:
        key = (answer.question, _shape(answer.source))
        if key in seen:
            found.append(f"{answer.question}: “{answer.how}” is the same code as {seen[key]}")
        seen.setdefault(key, f"“{answer.how}”")
    names = Counter((answer.question, answer.how) for answer in answers)
    found += [
        f"{name[0]}: two answers are called “{name[1]}”" for name, n in names.items() if n > 1
    ]
    return found


def _shape(source: str) -> str:
    """Code without its layout and comments."""
    try:
        return ast.dump(ast.parse(source))
    except SyntaxError:
        return source


def graded(
    chapter: Assignment, answers: Sequence[RightAnswer], *, seed: int = SEED, engine: str = "pipe"
) -> list[QuestionResult]:
    """What each answer earns, in their order; one fork server serves all of them.

    Args:
        chapter: the exercises that they answer.
        answers: of :func:`read`, each to a question of ``chapter``.
        seed: of the held inputs.
        engine: of the kernels.
    """
    course = Course(chapter.path.resolve().parents[1])
    # Each notebook takes the next answer to every question: one kernel a question anyway.
    books: list[dict[str, str | None]] = []
    where: list[int] = []
    used: Counter[str] = Counter()
    for answer in answers:
        number = used[answer.question]
        used[answer.question] += 1
        if number == len(books):
            books.append({question.id: None for question in chapter.questions})
        books[number][answer.question] = answer.source
        where.append(number)
    # Imported once, and not by every kernel: what the chapter imports, and the answers.
    text = "\n".join(answer.source for answer in answers)
    needed = {name for name in PRELOADED if re.search(rf"\b{name}\b", text)}
    with (
        tempfile.TemporaryDirectory(prefix="actlab-right-") as folder,
        Launcher(sorted({*preload_for(course, [chapter]), *needed}), engine=engine) as launcher,
    ):
        paths = [Path(folder) / f"{number}.ipynb" for number in range(len(books))]
        for book, path in zip(books, paths, strict=True):
            write(handed_in(chapter, book), path)
        options = Options(seed=seed)
        report = grade(paths, course, options=options, launcher=launcher)
    tables = [{result.id: result for result in book.questions} for book in report.notebooks]
    return [tables[number][answer.question] for number, answer in zip(where, answers, strict=True)]


def lost_points(answers: Sequence[RightAnswer], results: Sequence[QuestionResult]) -> list[str]:
    """A sentence for each answer that did not get full marks."""
    return [
        f"{answer.question}: “{answer.how}” gets {result.points:g} of {result.maximum:g} points "
        f"({result.verdict}): {result.reason}"
        for answer, result in zip(answers, results, strict=True)
        if (result.verdict, result.points) != ("pass", result.maximum)
    ]
