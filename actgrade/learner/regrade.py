"""Grade single questions, again and again, with a grader that stays warm."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from actgrade.course import Course
from actgrade.learner.standing import exercise, key_of
from actgrade.learner.state import State, Store
from actgrade.source import Assignment, Question
from actgrade.startup import skip_slow_imports
from actgrade.submission import Submission

if TYPE_CHECKING:
    from actgrade.job import Task
    from actgrade.results import QuestionResult
    from actgrade.sandbox.launcher import Launcher

Progress = Callable[["QuestionResult"], None]


@dataclass(frozen=True)
class Part(Assignment):
    """Some questions of a chapter; the others can still be looked up, since these may need them."""

    everything: tuple[Question, ...] = ()

    def question(self, name: str) -> Question:
        """The question with the id ``name``, of the whole chapter."""
        for question in self.everything:
            if question.id == name:
                return question
        raise KeyError(name)


class Regrader:
    """A warm grader for one learner. Close it at the end, whatever happens."""

    def __init__(self, course: Course, store: Store) -> None:
        self._course = course
        self._store = store
        self._launcher: Launcher | None = None

    @property
    def isolation(self) -> str | None:
        """How the answers are contained; None before the first grading."""
        return self._launcher.isolation if self._launcher else None

    def warm_up(self, chapter: Assignment) -> None:
        """Get ready for the questions of ``chapter``; its libraries load in the background."""
        skip_slow_imports()
        from actgrade.preload import preload_for
        from actgrade.sandbox.launcher import Launcher
        from actgrade.walls import walls_of

        wanted = set(preload_for(self._course, [chapter]))
        if self._launcher is not None:
            if wanted <= set(self._launcher.preload):
                return
            wanted |= set(self._launcher.preload)
            self.close()
        self._launcher = Launcher(sorted(wanted))
        self._launcher.warm_up(walls_of(chapter, one).absent for one in chapter.questions)

    def grade(
        self,
        chapter: Assignment,
        submission: Submission,
        wanted: Collection[str],
        progress: Progress | None = None,
    ) -> list[QuestionResult]:
        """Grade the questions whose ids are ``wanted``, and keep the results.

        Args:
            progress: called with each result after it was kept.
        """
        from actgrade.grade import run
        from actgrade.job import Job, Options, Task
        from actgrade.results import NotebookResult

        self.warm_up(chapter)
        assert self._launcher is not None
        part = Part(
            chapter.name,
            chapter.title,
            chapter.path,
            chapter.setup,
            tuple(question for question in chapter.questions if question.id in wanted),
            chapter.questions,
        )
        path = submission.path
        result = NotebookResult(
            path, self._course.relative(path), chapter.name, chapter.title, chapter.points
        )

        memory = _Memory(self._store, progress)
        run(Job(self._launcher, Options(), [Task(part, submission, result)], memory.add))
        memory.finish()
        order = [question.id for question in part.questions]
        return sorted(result.questions, key=lambda outcome: order.index(outcome.id))

    def close(self) -> None:
        """End the processes behind it."""
        if self._launcher is not None:
            self._launcher.close()
            self._launcher = None


def remember(store: Store, task: Task, result: QuestionResult) -> None:
    """Keep the result of one question."""
    question = task.chapter.question(result.id)
    # Nothing depends on the course's own failure: it is tried again at the next occasion.
    key = ""
    if result.verdict != "course":
        key = key_of(task.chapter, question, task.submission.answers[result.id])

    def change(state: State) -> None:
        record = state.record(task.chapter.name, result.id)
        record.key, record.verdict, record.reason = key, result.verdict, result.reason
        record.points, record.maximum = float(result.points), float(result.maximum)
        record.graded = now()
        record.passed = record.passed or result.points >= result.maximum

    store.update(change)


class _Memory:
    """Keeps results one behind: when a run is interrupted, its last result cannot be trusted."""

    def __init__(self, store: Store, progress: Progress | None = None) -> None:
        self._store = store
        self._progress = progress
        self._last: tuple[Task, QuestionResult] | None = None

    def add(self, task: Task, result: QuestionResult) -> None:
        """A result; the one before it is good."""
        self.finish()
        self._last = (task, result)

    def finish(self) -> None:
        """The run came to its end, so its last result is good, too."""
        if self._last is not None:
            task, result = self._last
            self._last = None
            remember(self._store, task, result)
            if self._progress is not None:
                self._progress(result)


@contextlib.contextmanager
def remembering(
    course: Course, say: Callable[[str], None]
) -> Iterator[Callable[[Task, QuestionResult], None]]:
    """For other commands that grade: keep the results of the course's own exercises.

    Yields:
        What to call with every result, as the ``progress`` of :func:`actgrade.grade.grade`.
        Notebooks from elsewhere are somebody's submission, not this learner's progress, and are
        left out.
    """
    memory = _Memory(Store(course.root, say))

    def keep(task: Task, result: QuestionResult) -> None:
        if task.submission.path.resolve() == exercise(course, task.chapter.name).resolve():
            memory.add(task, result)

    yield keep
    memory.finish()


def now() -> str:
    """The time, as it is written in the file."""
    return datetime.now(UTC).isoformat(timespec="seconds")
