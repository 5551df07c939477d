"""Grade notebooks: the one way in, for the command, for pytest and for the author's checks."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from pathlib import Path

from actbase.errors import CommandError
from actgrade import source
from actgrade.course import Course
from actgrade.job import Job, Options, Task
from actgrade.preload import preload_for
from actgrade.recognise import Recogniser, chapter_of_name
from actgrade.results import NotebookResult, QuestionResult, Report
from actgrade.sandbox import confinement
from actgrade.sandbox.bounds import bounds
from actgrade.sandbox.launcher import Launcher
from actgrade.sandbox.limits import Limits
from actgrade.submission import SubmissionError, answers_of, read_file
from actgrade.walls import walls_of

Progress = Callable[[Task, QuestionResult], None]


def grade(
    notebooks: Iterable[Path],
    course: Course,
    *,
    options: Options | None = None,
    launcher: Launcher | None = None,
    engine: str = "pipe",
    limits: Limits | None = None,
    require_sandbox: bool = False,
    started: Callable[[int], None] | None = None,
    progress: Progress | None = None,
) -> Report:
    """Grade every notebook, each question in a kernel of its own.

    Args:
        notebooks: files that were handed in.
        course: where the sources are.
        options: seed, and how much reasons may say.
        launcher: a warm one to use again; it stays open. Default: one for this call, with
            ``engine``, ``limits`` and ``require_sandbox``.
        started: called once with the number of questions.
        progress: called after each question.

    Returns:
        The report; a file that cannot be graded has an ``error`` in it and no questions.

    Raises:
        CommandError: answers are to be isolated, and cannot be.
    """
    options = options or Options()
    results, tasks = [], []
    recogniser = Recogniser(course)
    for path in notebooks:
        try:
            task = make_task(course, path, recogniser)
        except source.SourceError:
            raise
        except CommandError as error:
            results.append(_ungraded(course, path, str(error)))
            continue
        tasks.append(task)
        results.append(task.result)
    own = launcher is None
    launcher = launcher or Launcher(
        preload_for(course, (task.chapter for task in tasks)),
        engine=engine,
        limits=limits,
        require_sandbox=require_sandbox,
    )
    try:
        if started is not None:
            started(sum(len(task.chapter.questions) for task in tasks))
        if tasks:
            launcher.warm_up(
                walls_of(tasks[0].chapter, one).absent for one in tasks[0].chapter.questions
            )
            run(Job(launcher, options, tasks, progress))
    finally:
        if own:
            launcher.close()
    for task in tasks:
        order = [question.id for question in task.chapter.questions]
        task.result.questions.sort(key=lambda result: order.index(result.id))
    reason = confinement.missing()
    isolation = launcher.isolation or (f"none: {reason}" if reason else confinement.ISOLATED)
    return Report(results, launcher.engine, isolation, options.seed, bounds(isolation))


def make_task(course: Course, path: Path, recogniser: Recogniser | None = None) -> Task:
    """The submission at ``path`` and the chapter it belongs to.

    Raises:
        CommandError: the file cannot be graded.
        SourceError: the chapter's source breaks a rule.
    """
    notebook = read_file(path)
    look = (recogniser or Recogniser(course)).look_at(notebook, path.name)
    if look.problem or look.chapter is None:
        raise SubmissionError(f"{path} {look.problem}")
    chapter = course.chapter(look.chapter)
    submission = answers_of(notebook, path, chapter)
    result = NotebookResult(
        path, course.relative(path), chapter.name, chapter.title, chapter.points
    )
    said = chapter_of_name(path.name, course)
    if said not in (None, chapter.name):
        result.notes.append(f"its name says {said}, but it is the notebook of {chapter.name}")
    for identifier, answer in submission.answers.items():
        if answer.note:
            result.notes.append(f"{identifier}: {answer.note}")
    return Task(chapter, submission, result)


def make_job() -> tuple[Job, Course]:
    """A job for pytest's own run, with the course around the working directory."""
    course = Course.find()
    launcher = Launcher(preload_for(course, ()))
    return Job(launcher, Options()), course


def _ungraded(course: Course, path: Path, error: str) -> NotebookResult:
    name, title, maximum = path.stem, path.stem, 0.0
    with contextlib.suppress(CommandError):
        chapter = course.chapter(chapter_of_name(path.name, course) or course.resolve(path.name))
        name, title, maximum = chapter.name, chapter.title, chapter.points
    return NotebookResult(path, course.relative(path), name, title, maximum, error)


def run(job: Job) -> None:
    """Run all tasks of ``job``; their results are filled in.

    Raises:
        CommandError: answers are to be isolated, and were not.
    """
    # Imported late: meanwhile the fork server imports too, on another core.
    from actgrade.pytest_session import run_session

    run_session(job)
    job.launcher.check_isolation()
