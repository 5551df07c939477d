"""A place for attacks: courses, a folder and ports of somebody else's, one launcher, and a batch.

Everything lies in one folder of the test's own, and what the server starts is bounded once more
from outside, should the sandbox have a hole.
"""

from __future__ import annotations

import os
import resource
import socket
import stat
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import grading_sample
import nbformat
import pytest
from left_behind import living_kernels, servers

from actgrade.course import Course
from actgrade.grade import grade
from actgrade.job import Options
from actgrade.notebooks import write
from actgrade.results import QuestionResult, Report
from actgrade.sandbox.launcher import Launcher
from actgrade.sandbox.limits import Limits
from actgrade.verify import handed_in
from trial.cases import VISIBLE, Case

COURSE = Course(Path(__file__).resolve().parents[3])
# Tight, so that a trial takes minutes; what is right needs a tenth of it.
LIMITS = Limits(
    cell_seconds=1.5,
    question_seconds=3,
    memory_bytes=2**30,
    disk_bytes=128 * 2**20,
)
# What the server and its children may use at most, whatever the sandbox does.
BOUNDS = {
    resource.RLIMIT_NPROC: 4096,
    resource.RLIMIT_AS: 16 * 2**30,
    resource.RLIMIT_FSIZE: 256 * 2**20,
    resource.RLIMIT_CORE: 0,
}


@dataclass
class Fought:
    """What came of one case.

    Attributes:
        error: why the file was not graded, or None.
        seconds: by question, from the end of the one before.
    """

    results: dict[str, QuestionResult] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    error: str | None = None


class Battlefield:
    """The sample course, somebody else's folder and ports, and one launcher to attack."""

    def __init__(self, root: Path, engine: str, limits: Limits = LIMITS) -> None:
        (root / "course").mkdir()
        self.root, self.engine, self.limits = root, engine, limits
        self.course = Course(grading_sample.write_course(root / "course"))
        self.solutions = self.course.source_path("90_sample")
        self.outside = root / "outside"
        self.outside.mkdir()
        (self.outside / "canary").write_text("alive")
        (self.outside / "canary").chmod(0o640)
        self.born = (self.outside / "canary").stat()
        self.tcp = socket.create_server(("127.0.0.1", 0))
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(self.tcp.getsockname())
        self.local = socket.socket(socket.AF_UNIX)
        self.local.bind(str(self.outside / "socket"))
        self.local.listen()
        for listening in (self.tcp, self.udp, self.local):
            listening.setblocking(False)
        self.launcher = Launcher(("numpy",), engine=engine, limits=limits)
        self.launcher.warm_up()
        for server in servers():
            for which, most in BOUNDS.items():
                resource.prlimit(server.pid, which, (most, most))
        self._count = 0

    def close(self) -> None:
        """Close what listens, and the launcher."""
        for listening in (self.tcp, self.udp, self.local):
            listening.close()
        self.launcher.close()

    def code(self, text: str) -> str:
        """An attack's code with the places that it asks for."""
        for name, value in {
            "@SOLUTIONS@": self.solutions,
            "@OUTSIDE@": self.outside,
            "@PORT@": self.tcp.getsockname()[1],
            "@GRADER@": os.getpid(),
            "@VISIBLE@": VISIBLE,
        }.items():
            text = text.replace(name, str(value))
        return text

    def fight(self, cases: Sequence[Case]) -> list[Fought]:
        """Grade all of ``cases``; those of one course and with the same options in one run."""
        found: dict[str, Fought] = {}
        groups: dict[tuple[str | None, bool], list[Case]] = {}
        for case in cases:
            groups.setdefault((case.chapter, case.reveal), []).append(case)
        for (chapter, reveal), group in groups.items():
            course = self.course if chapter is None else COURSE
            made = [self._notebook(case) for case in group]
            # The chapters' own code loads other libraries, and has its own limits of time.
            launcher = self.launcher if chapter is None else None
            fought = self.graded(made, course=course, reveal=reveal, launcher=launcher)
            found.update(zip((case.id for case in group), fought, strict=True))
        return [found[case.id] for case in cases]

    def _notebook(self, case: Case) -> nbformat.NotebookNode:
        answers = {name: self.code(text) for name, text in case.answers.items()}
        if case.chapter is None:
            return grading_sample.submission(answers)
        chapter = COURSE.chapter(case.chapter)
        return handed_in(chapter, {q.id: answers.get(q.id, q.answer) for q in chapter.questions})

    def graded(
        self,
        notebooks: Iterable[nbformat.NotebookNode | bytes],
        *,
        course: Course | None = None,
        reveal: bool = True,
        launcher: Launcher | None = None,
    ) -> list[Fought]:
        """Write the notebooks (bytes as they are), grade them in one run, and take the time."""
        paths = []
        for notebook in notebooks:
            self._count += 1
            paths.append(self.root / f"{self._count}.ipynb")
            if isinstance(notebook, bytes):
                paths[-1].write_bytes(notebook)
            else:
                write(notebook, paths[-1])
        seconds: dict[tuple[Path, str], float] = {}
        last = [time.monotonic()]

        def progress(task, result) -> None:
            now = time.monotonic()
            seconds[task.result.path, result.id] = now - last[0]
            last[0] = now

        self.report: Report = grade(
            paths,
            course or self.course,
            launcher=launcher,
            engine=self.engine,
            options=Options(explain=False, reveal=reveal),
            progress=progress,
        )
        by_path = {book.path: book for book in self.report.notebooks}
        fought = []
        for path in paths:
            book = by_path[path]
            times = {name: s for (where, name), s in seconds.items() if where == path}
            results = {result.id: result for result in book.questions}
            fought.append(Fought(results, times, book.notes, book.error))
        return fought

    def check_nothing_is_left(self) -> None:
        """Nobody else's file, port, folder or process has changed."""
        canary = self.outside / "canary"
        now = canary.stat()
        assert canary.read_text() == "alive"
        assert stat.S_IMODE(now.st_mode) == 0o640
        assert (now.st_uid, now.st_mtime_ns) == (self.born.st_uid, self.born.st_mtime_ns)
        assert sorted(path.name for path in self.outside.iterdir()) == ["canary", "socket"]
        for listening in (self.tcp, self.local):
            with pytest.raises(BlockingIOError):
                listening.accept()
        with pytest.raises(BlockingIOError):
            self.udp.recv(1)
        left = [path.name for path in self.launcher.folder.iterdir() if path.is_dir()]
        assert left == []
        assert living_kernels() == []


def unfair(case: Case, fought: Fought) -> list[str]:
    """What did not hold for one case, in sentences; empty when all did."""
    if fought.error is not None:
        return [f"{case.id}: not graded: {fought.error}"]
    found = []
    for name, result in fought.results.items():
        if name in case.answers:
            if result.points:
                found.append(f"earns {result.points:g} points in {name} ({result.verdict})")
            if result.verdict not in case.fair:
                found.append(f"{name} gets {result.verdict}: {result.reason}")
            if not result.reason or len(result.reason) >= 600 or not result.reason.isprintable():
                found.append(f"the reason of {name} is no sentence: {result.reason!r}")
        elif result.verdict != "pass":
            found.append(f"costs {name}: {result.verdict}, {result.reason}")
        if case.secret and case.secret in result.reason:
            found.append(f"the reason of {name} has what nobody may read: {result.reason}")
    return [f"{case.id}: {one}" for one in found]
