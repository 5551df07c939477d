"""Hostile answers, run for real: q1 earns nothing, q2 and q3 their points, nothing is left behind.

All are run with the engine ``pipe``; with ``jupyter`` a few in every run and all in the slow one.
"""

from __future__ import annotations

import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import grading_sample
import nbformat
import psutil
import pytest
from attacks import ATTACKS
from grading_sample import by_question
from left_behind import living_kernels

from actgrade.grade import grade
from actgrade.job import Options
from actgrade.sandbox import confinement
from actgrade.sandbox.launcher import Launcher
from actgrade.sandbox.limits import Limits

pytestmark = pytest.mark.skipif(
    confinement.missing() is not None, reason="needs Landlock and seccomp"
)
LIMITS = Limits(cell_seconds=1.5, question_seconds=4)
SOME = (
    "patch show",
    "send messages for ever",
    "_exit inside",
    "loop that catches",
    "100,000 displays",
    "fork",
    "UDP",
    "read the solution",
    "close every descriptor",
    "coloured exception",
)


class Battlefield:
    """A course, somebody else's folder and a port, and one launcher to attack."""

    def __init__(self, root: Path, engine: str) -> None:
        (root / "course").mkdir()
        self.root = root
        self.solutions = grading_sample.write_course(root / "course") / "solutions"
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
        self.launcher = Launcher(("numpy",), engine=engine, limits=LIMITS)

    def close(self) -> None:
        for listening in (self.tcp, self.udp, self.local):
            listening.close()
        self.launcher.close()

    def code(self, name: str) -> str:
        code = ATTACKS[name].code.replace("@SOLUTIONS@", str(self.solutions / "90_sample.ipynb"))
        code = code.replace("@OUTSIDE@", str(self.outside))
        return code.replace("@PORT@", str(self.tcp.getsockname()[1]))

    def results(self, names):
        from actgrade.course import Course

        paths = []
        for index, name in enumerate(names):
            paths.append(self.root / f"{index}.ipynb")
            nbformat.write(grading_sample.submission({"q1": self.code(name)}), paths[-1])
        report = grade(
            paths,
            Course(self.solutions.parent),
            launcher=self.launcher,
            options=Options(explain=False),
        )
        assert report.isolation == confinement.ISOLATED
        return dict(zip(names, map(by_question, report.notebooks), strict=True))

    def check_nothing_is_left(self) -> None:
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


def test_a_kernel_that_is_still_there_is_seen():
    """By the run that has started it, and by no other."""
    other = "import left_behind; raise SystemExit(len(left_behind.living_kernels(0)))"
    with Launcher(("numpy",)) as launcher:
        process, _ = launcher.start()
        assert [one.pid for one in living_kernels(0)] == [process.pid]
        subprocess.run([sys.executable, "-c", other], cwd=Path(__file__).parent, check=True)
        process.kill()
        process.close()
        assert living_kernels() == []


@pytest.fixture(scope="module")
def field(tmp_path_factory):
    field = Battlefield(tmp_path_factory.mktemp("pipe"), "pipe")
    yield field
    field.close()


@pytest.fixture(scope="module")
def fought(field):
    return field.results(list(ATTACKS))


def assert_fair(name: str, results) -> None:
    attack = ATTACKS[name]
    lost = results["q1"]
    assert lost.points == 0, lost
    assert lost.verdict in attack.fair, lost
    assert lost.reason
    assert lost.reason.isprintable()
    assert len(lost.reason) < 600
    lost.reason.encode()
    assert results["q2"].verdict == "pass", results["q2"]
    assert results["q3"].verdict == "pass", results["q3"]


@pytest.mark.parametrize("name", ATTACKS)
def test_the_verdict_is_fair(field, fought, name):
    results = fought[name]
    for _ in range(2):
        # The limits are tight, and on a busy machine a right answer may run out of time.
        if all(results[other].verdict == "pass" for other in ("q2", "q3")):
            break
        results = field.results([name])[name]
    assert_fair(name, results)


def test_messages_that_never_end_do_not_keep_the_grader(field):
    start = time.monotonic()
    assert_fair(
        "send messages for ever",
        field.results(["send messages for ever"])["send messages for ever"],
    )
    assert time.monotonic() - start < LIMITS.question_seconds + 10


def test_nothing_is_left_behind(field, fought):
    field.check_nothing_is_left()


def test_the_report_is_intact(fought, field, tmp_path, capsys):
    """A hostile answer's words reach the JSON and the terminal as words."""
    import json

    from actlab.cli import main

    path = tmp_path / "x.ipynb"
    nbformat.write(grading_sample.submission({"q1": ATTACKS["coloured exception"].code}), path)
    out = tmp_path / "out.json"
    arguments = ["--course", str(field.solutions.parent), "--json", str(out)]
    assert main(["grade", *arguments, str(path)]) == 1
    said = capsys.readouterr().out
    assert "\x1b" not in said
    assert "\x07" not in said
    reason = json.loads(out.read_text())["notebooks"][0]["questions"][0]["reason"]
    assert reason.startswith("it raises ValueError: RED\\u0007[bold]")


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(SOME, id="some"),
        pytest.param(tuple(ATTACKS), id="all", marks=pytest.mark.slow),
    ],
)
def test_the_same_with_a_real_jupyter_kernel(tmp_path, names):
    field = Battlefield(tmp_path, "jupyter")
    try:
        fought = field.results(list(names))
        unfair = []
        for name in names:
            try:
                assert_fair(name, fought[name])
            except AssertionError as error:
                unfair.append(f"{name}: {error}")
        assert not unfair, "\n".join(unfair)
        field.check_nothing_is_left()
    finally:
        field.close()


@pytest.mark.slow
def test_a_soak_of_200_gradings_leaves_nothing(field):
    names = [*("_exit", "print 100 MB", "close every descriptor", "read the solution", "patch show",
               "segfault inside", "fork", "coloured exception")]  # fmt: skip
    grader = psutil.Process()
    field.results(names)
    before = (grader.num_fds(), grader.num_threads())
    for _ in range(25):
        for name, results in field.results(names).items():
            assert_fair(name, results)
    assert (grader.num_fds(), grader.num_threads()) == before
    field.check_nothing_is_left()
