"""Grade exercises: your answers run on inputs that are not in the notebook.

Names are chapters (04_relu, 04, relu) or notebooks (a path); without one, all of exercises/ is
graded. Each question runs in a process of its own. The exit code is 0 with full marks, 1 when
points are missing, 2 when something could not be graded.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from actbase.errors import CommandError
from actbase.files import why_not_written, write_json
from actgrade.commands import limit_options
from actgrade.course import Course
from actgrade.learner.standing import copies, exercise
from actgrade.plain_math import plain_math
from actgrade.recognise import Look, Recogniser
from actgrade.startup import skip_slow_imports


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``actlab grade``."""
    parser.add_argument(
        "notebooks", nargs="*", metavar="CHAPTER|NOTEBOOK", help="what to grade (all exercises)"
    )
    parser.add_argument(
        "--hint",
        nargs="?",
        const="",
        metavar="QUESTION",
        help="add a hint, for the first question without full points or for the one named; "
        "q1:2 and q1:3 say more than q1",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results to FILE too")
    parser.add_argument(
        "--engine",
        choices=("pipe", "jupyter"),
        default="pipe",
        help="pipe: a light IPython, fast; jupyter: a real Jupyter kernel (pipe)",
    )
    parser.add_argument(
        "--require-sandbox",
        action="store_true",
        help="grade nothing where this machine cannot isolate the answers",
    )
    parser.add_argument(
        "--seed",
        type=int,
        metavar="N",
        help="draw the same inputs every time (new ones for each run and notebook)",
    )
    limit_options.add_arguments(parser)
    parser.add_argument(
        "--course", type=Path, metavar="DIR", help="the folder that holds solutions/ (found)"
    )


def run(arguments: argparse.Namespace) -> int:
    """``actlab grade``: 0 with full marks, 1 when points are missing, 2 for bad input."""
    from actgrade.sandbox import confinement

    skip_slow_imports()
    if arguments.require_sandbox:
        confinement.require()
    limit_options.check_engine(arguments)
    course = Course.find(arguments.course)
    paths = chosen(course, arguments.notebooks)
    if arguments.json is not None and (reason := why_not_written(arguments.json)):
        raise CommandError(f"{arguments.json} cannot be written: {reason}")

    # Imported late: it loads pytest, and the sentences above need none of it.
    from actgrade.grade import grade
    from actgrade.job import Options
    from actgrade.learner.regrade import remembering
    from actgrade.table import print_report

    def warn(sentence: str) -> None:
        print(sentence, file=sys.stderr)

    with _progress() as (started, step), remembering(course, warn) as keep:

        def done(task: Any, result: Any) -> None:
            keep(task, result)
            step(task, result)

        report = grade(
            paths,
            course,
            options=Options(seed=arguments.seed),
            engine=arguments.engine,
            limits=limit_options.from_arguments(arguments),
            require_sandbox=arguments.require_sandbox,
            started=started,
            progress=done,
        )
    print_report(report, sys.stdout)
    if arguments.hint is not None:
        print(_hint(arguments.hint, report, course))
    if arguments.json is not None:
        save_json(report.as_dict(), arguments.json)
    if any(notebook.error for notebook in report.notebooks):
        return 2
    return 0 if all(notebook.is_full for notebook in report.notebooks) else 1


def chosen(course: Course, names: list[str]) -> list[Path]:
    """The notebooks that the names on the command line mean.

    Raises:
        CommandError: a name means nothing, or there is nothing to grade.
    """
    if not names:
        found = [exercise(course, name) for name in course.chapter_names()]
        found = [path for path in found if path.exists()]
        at_hand = {path.name for path in found}
        recogniser = Recogniser(course)
        for path in copies(course):
            if path in found:
                continue
            try:
                look = recogniser.look(path.read_bytes(), path.name)
            except OSError as error:
                look = Look(None, str(error))
            if look.problem is None and f"{look.chapter}.ipynb" in at_hand:
                print(f"note: {course.relative(path)} is a copy and not graded", file=sys.stderr)
            else:
                found.append(path)  # what is wrong with it is said with the others
        if not found:
            raise CommandError(f"{course.exercises} has no notebooks; 'actlab release' builds them")
        return found
    paths = []
    for name in names:
        path = Path(name)
        if path.is_dir() and ("/" in name or not course.chapter_names()):
            raise CommandError(f"{name} is a folder; name a chapter or a notebook")
        if path.is_file():
            paths.append(path)
            continue
        if path.suffix == ".ipynb" and path.parent != Path():
            raise CommandError(f"no such notebook: {name}")
        wanted = course.resolve(name)
        path = exercise(course, wanted)
        if not path.is_file():
            raise CommandError(f"{course.relative(path)} is missing; 'actlab release' builds it")
        if path.name != f"{wanted}.ipynb":
            released = f"{wanted}.ipynb"
            reason = f"no answers are written in {released}"
            print(f"note: {course.relative(path)} is graded: {reason}", file=sys.stderr)
        paths.append(path)
    return paths


@contextlib.contextmanager
def _progress() -> Iterator[tuple[Callable[[int], None], Callable[..., None]]]:
    """A bar on a terminal's stderr, nothing in a pipe."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        yield (lambda total: None), (lambda task, result: None)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        line = bar.add_task("starting", total=None)

        def started(total: int) -> None:
            bar.update(line, total=total)

        def step(task: Any, result: Any) -> None:
            bar.update(line, description=f"{task.chapter.name} {result.id}", advance=1)

        yield started, step


def _hint(wanted: str, report: Any, course: Course) -> str:
    """The hint asked for, as text."""
    identifier, _, level = wanted.partition(":")
    if level and level not in ("1", "2", "3"):
        raise CommandError(f"--hint {wanted}: a question has the hints 1, 2 and 3")
    number = int(level or 1)
    candidates = [
        (notebook, question)
        for notebook in report.notebooks
        for question in notebook.questions
        if (question.id == identifier if identifier else question.points < question.maximum)
    ]
    if not candidates:
        if identifier:
            raise CommandError(f"--hint {wanted}: no question {identifier!r} was graded")
        return "No hint: every question has full points."
    notebook, question = candidates[0]
    text = course.chapter(notebook.chapter).question(question.id).hints[number - 1]
    text = plain_math(text)
    more = f" (more: --hint {question.id}:{number + 1})" if number < 3 else ""
    return f"Hint {number} of 3 for {notebook.chapter} {question.id}{more}:\n{text}"


def save_json(content: Any, path: Path) -> None:
    """Write ``content`` where somebody asked for it.

    Raises:
        CommandError: the file cannot be written.
    """
    try:
        write_json(path, content)
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror or error}") from None
