"""Grade units: what runs in a worker process, on this machine or on a cluster.

A worker keeps one launcher, and with it the fork server that has the libraries imported, for as
long as it lives. Several units share one run of pytest, whose start would otherwise take longer
than the grading.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import gc
import os
import re
import signal
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing import util
from pathlib import Path
from typing import Any

from actgrade.classroom import similar
from actgrade.classroom.store import keep
from actgrade.reasons import TOO_LONG
from actgrade.results import NotebookResult, QuestionResult
from actgrade.source import Assignment, Question
from actgrade.startup import skip_slow_imports

NAME = "submission.ipynb"
# pytest changes the process that it runs in, and a cluster's worker may have several threads.
_ONE_AT_A_TIME = threading.Lock()
_launchers: dict[tuple, Any] = {}
_ADDRESS = re.compile(r"\bat 0x[0-9a-fA-F]+")


@dataclass(frozen=True)
class Unit:
    """A chapter and the bytes of one file, and the name of their result."""

    key: str
    digest: str
    chapter: Assignment
    data: bytes = field(repr=False)


@dataclass(frozen=True)
class Settings:
    """How a worker grades.

    Attributes:
        secret: the instructor's key.
        preload: libraries to import once.
        limits: for every question, as :class:`~actgrade.sandbox.limits.Limits` takes them.
        require_sandbox: grade nothing where answers cannot be isolated.
        keep_in: where to keep each result at once; None when the caller does.
        temporary: where to put temporary files; None for the worker's own place.
    """

    secret: bytes = field(repr=False)
    preload: tuple[str, ...] = ("numpy",)
    engine: str = "pipe"
    limits: tuple[tuple[str, float], ...] = ()
    require_sandbox: bool = False
    keep_in: str | None = None
    temporary: str | None = None


def grade_units(units: Sequence[Unit], settings: Settings) -> list[dict[str, Any]]:
    """Grade ``units`` and return their results, in the form that is kept.

    Raises:
        CommandError: answers cannot be isolated here, and that is required.
    """
    with _ONE_AT_A_TIME:
        return _grade(units, settings)


def ignore_interrupts() -> None:
    """In a worker process: Ctrl-C is for the process that gives the work out."""
    with contextlib.suppress(ValueError):  # not the main thread
        signal.signal(signal.SIGINT, signal.SIG_IGN)


@functools.cache
def end_with_parent() -> None:
    """In a worker process: end soon after the process that gives the work out was killed."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.2)
        os._exit(1)  # the fork server ends when its connection to this process does

    threading.Thread(target=watch, daemon=True).start()


def in_worker(units: Sequence[Unit], settings: Settings) -> list[dict[str, Any]]:
    """:func:`grade_units` for a process that does nothing else."""
    ignore_interrupts()
    end_with_parent()
    return grade_units(units, settings)


def _grade(units: Sequence[Unit], settings: Settings) -> list[dict[str, Any]]:
    from actgrade.sandbox import confinement

    if settings.require_sandbox:
        confinement.require()
    try:
        results = _run(units, settings)
        # On a machine with too much to do a kernel may not start, be killed or run out of time
        # without any fault of the answer. What is the answer's fault happens again.
        return [
            _run([unit], settings, again=True)[0] if _is_doubtful(result) else result
            for unit, result in zip(units, results, strict=True)
        ]
    except RuntimeError as error:
        close_launchers()
        if len(units) > 1:  # one of them did it; the others must not suffer
            return [result for unit in units for result in _grade([unit], settings)]
        message = str(error).strip().splitlines()[0]
        return [{"unit": units[0].key, "failed": f"the grader itself failed: {message}"}]


def _run(units: Sequence[Unit], settings: Settings, again: bool = False) -> list[dict[str, Any]]:
    """Grade ``units``; keep what is beyond doubt, and everything final when it runs ``again``."""
    skip_slow_imports()
    # Imported late: they load pytest and nbval.
    from actgrade.grade import run
    from actgrade.job import Job, Options, Task
    from actgrade.submission import SubmissionError, read_submission
    from actgrade.trial import Seeds

    launcher = _launcher(settings)
    launcher.warm_up()
    results: dict[str, dict[str, Any]] = {}
    tasks: dict[int, Unit] = {}

    def finished(task: Task, _: QuestionResult) -> None:
        unit = tasks[id(task)]
        if len(task.result.questions) < len(task.chapter.questions) or unit.key in results:
            return
        result = _result(unit, task.result, launcher.isolation or sandbox_name())
        result["answers"] = _answers(task.chapter, task.submission.answers)
        results[unit.key] = result
        if (
            settings.keep_in is not None
            and is_final(result)
            and (again or not _is_doubtful(result))
        ):
            keep(Path(settings.keep_in), result)

    with tempfile.TemporaryDirectory(dir=settings.temporary, prefix="units-") as folder:
        job = Job(launcher, Options(reveal=False), [], finished)
        job.seeds = Seeds(settings.secret)
        for number, unit in enumerate(units):
            path = Path(folder) / str(number) / NAME
            path.parent.mkdir()
            path.write_bytes(unit.data)
            chapter = unit.chapter
            graded = NotebookResult(path, NAME, chapter.name, chapter.title, chapter.points)
            try:
                submission = read_submission(path, chapter)
            except SubmissionError as error:
                graded.error = str(error).removeprefix(f"{path} ")
                results[unit.key] = _result(unit, graded, "")
                if settings.keep_in is not None:
                    keep(Path(settings.keep_in), results[unit.key])
                continue
            for name, answer in submission.answers.items():
                if answer.note:
                    graded.notes.append(f"{name}: {answer.note}")
            task = Task(chapter, submission, graded)
            tasks[id(task)] = unit
            job.tasks.append(task)
        if job.tasks:
            run(job)
    lost = [unit.key for unit in units if unit.key not in results]
    if lost:
        raise RuntimeError(f"{len(lost)} submissions were not run to their end")
    return [results[unit.key] for unit in units]


def is_final(result: dict[str, Any]) -> bool:
    """Whether grading again would give the same: not when the grader or the course failed."""
    return "failed" not in result and all(
        question["verdict"] != "course" for question in result["questions"]
    )


def _is_doubtful(result: dict[str, Any]) -> bool:
    return any(
        q["verdict"] in ("course", "crash", "timeout")
        or (q["verdict"] == "partial" and q.get("reason", "").startswith(TOO_LONG))
        for q in result["questions"]
    )


def sandbox_name() -> str:
    """How answers are contained on this machine, when no kernel was needed to find out."""
    from actgrade.sandbox import confinement

    return confinement.missing() or confinement.ISOLATED


def _result(unit: Unit, graded: NotebookResult, isolation: str) -> dict[str, Any]:
    order = [question.id for question in unit.chapter.questions]
    questions = sorted(graded.questions, key=lambda result: order.index(result.id))
    return {
        "unit": unit.key,
        "chapter": unit.chapter.name,
        "digest": unit.digest,
        "error": graded.error,
        "notes": list(graded.notes),
        "isolation": isolation,
        "questions": [_question(unit.chapter.question(q.id), q) for q in questions],
        "answers": {},
    }


def _question(question: Question, result: QuestionResult) -> dict[str, Any]:
    fields = result.as_dict()
    # Where an object lies in memory differs from run to run and tells nobody anything.
    fields["reason"] = _ADDRESS.sub("at 0x...", fields["reason"])
    known = (wrong.because for wrong in question.wrongs)
    fields["mistake"] = next(
        (b for b in known if fields["reason"].startswith(f"known mistake: {b.rstrip('.')} (")), None
    )
    return fields


def _answers(chapter: Assignment, answers: Any) -> dict[str, dict[str, Any]]:
    """What is compared between learners: a fingerprint of every answer, and no source."""
    found = {}
    for question in chapter.questions:
        text = answers[question.id].source
        if text is None:
            continue
        kept, stub, reference = _of_the_course(question.answer)
        digest, size = similar.fingerprint(text, kept)
        kind = "written"
        if not text.strip() or digest == stub:
            kind = "stub"
        elif digest == reference:
            kind = "reference"
        found[question.id] = {"fingerprint": digest, "size": size, "kind": kind}
    return found


@functools.lru_cache(maxsize=1024)
def _of_the_course(reference: str) -> tuple[frozenset[str], str, str]:
    """The names a question asks for, and the fingerprints of its stub and of its reference."""
    from actgrade.stub import make_stub

    kept = frozenset(similar.names_of(reference))
    stub, itself = (
        similar.fingerprint(text, kept)[0] for text in (make_stub(reference), reference)
    )
    return kept, stub, itself


def _launcher(settings: Settings) -> Any:
    """The warm launcher for these settings; there is one in a process."""
    from actgrade.sandbox.launcher import Launcher
    from actgrade.sandbox.limits import Limits

    wanted = (
        settings.preload,
        settings.engine,
        settings.limits,
        settings.temporary,
        settings.require_sandbox,
    )
    if wanted not in _launchers:
        close_launchers()
        before = tempfile.tempdir
        tempfile.tempdir = settings.temporary or before
        limits: dict[str, Any] = dict(settings.limits)
        try:
            _launchers[wanted] = Launcher(
                settings.preload,
                engine=settings.engine,
                limits=Limits(**limits),
                require_sandbox=settings.require_sandbox,
            )
        finally:
            tempfile.tempdir = before
        # A worker of joblib does not run what atexit knows, and other processes run only that.
        util.Finalize(None, close_launchers, exitpriority=10)
        atexit.register(close_launchers)
        # What is loaded by now stays; to look through it for garbage takes a tenth of a second.
        gc.freeze()
    return _launchers[wanted]


def close_launchers() -> None:
    """End the fork server of this process, if it has one."""
    while _launchers:
        _launchers.popitem()[1].close()
