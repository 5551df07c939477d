"""Where isolation is asked for there is isolation or no grade; and what bounds a kernel."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from grading_sample import QUICK, by_question

from actbase.errors import CommandError
from actgrade.grade import grade
from actgrade.sandbox import cgroup, confinement
from actgrade.sandbox.bounds import HARD, NONE, WATCHED, bounds, sentence
from actgrade.sandbox.confinement import ISOLATED
from actgrade.sandbox.launcher import Launcher
from actgrade.sandbox.limits import Limits
from actgrade.trial import Trial, TrialCell

LINUX = sys.platform == "linux"
isolated = pytest.mark.skipif(confinement.missing() is not None, reason="no sandbox here")


@isolated
@pytest.mark.parametrize("fork", [True, False])
def test_a_kernel_that_is_not_isolated_grades_nothing(course, hand_in, tmp_path, monkeypatch, fork):
    """The grading process finds everything it needs, and the kernel's process does not."""
    shadow = tmp_path / "shadow"
    shadow.mkdir()
    (shadow / "seccompy.py").write_text("raise ImportError('no', name='seccompy')")
    monkeypatch.setenv("PYTHONPATH", str(shadow))
    canary = tmp_path / "canary"
    path = hand_in(q1=f"open({str(canary)!r}, 'w').write('I ran')")
    with (
        Launcher(("numpy",), limits=QUICK, fork=fork, require_sandbox=True) as launcher,
        pytest.raises(CommandError, match="nothing was graded, because answers cannot be isolated"),
    ):
        grade([path], course, launcher=launcher)
    assert not canary.exists()


@isolated
def test_where_it_is_isolated_it_grades(course, hand_in):
    with Launcher(("numpy",), limits=QUICK, require_sandbox=True) as launcher:
        report = grade([hand_in()], course, launcher=launcher)
    assert by_question(report.notebooks[0])["q1"].verdict == "pass"


def test_a_class_is_isolated_or_not_graded(course, hand_in, tmp_path, monkeypatch, capsys):
    from actlab.cli import main

    learner = tmp_path / "in" / "ada"
    learner.mkdir(parents=True)
    hand_in().rename(learner / "90_sample.ipynb")
    monkeypatch.setattr(confinement, "missing", lambda: "this machine has no walls")
    where = [str(tmp_path / "in"), "--course", str(course.root), "--key", str(tmp_path / "key")]
    assert main(["class", "grade", *where, "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert "nothing was graded, because answers cannot be isolated: this machine has no" in said
    assert not (tmp_path / "out").exists()


@isolated
def test_an_old_landlock_has_no_say_in_emptying_a_file_so_seccomp_has(tmp_path):
    kept = tmp_path / "kept"
    kept.write_text("x")
    code = f"""
        import os
        from pathlib import Path
        from actgrade.sandbox import confinement
        confinement.landlock_version = lambda: 2
        confinement._restrict_calls(False)
        for empty in (
            lambda: os.truncate({str(kept)!r}, 0),
            lambda: os.open({str(kept)!r}, os.O_RDONLY | os.O_TRUNC),
        ):
            try:
                empty()
            except PermissionError:
                continue
            raise SystemExit(1)
        mine = Path({str(tmp_path / "mine")!r})
        mine.write_text("first")
        mine.write_text("2")
        with mine.open("r+") as file:
            file.truncate(0)
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True)
    assert kept.read_text() == "x"


def test_the_report_says_which_bounds_are_hard(course, hand_in, launcher, monkeypatch):
    report = grade([hand_in()], course, launcher=launcher).as_dict()
    assert report["bounds"]["time"] == report["bounds"]["output"] == HARD
    assert report["bounds"]["processes"] == (HARD if report["isolation"] == ISOLATED else NONE)
    in_group = bounds(ISOLATED)["memory"]
    assert in_group == (HARD if cgroup.delegated() else WATCHED if LINUX else NONE)
    monkeypatch.setattr(cgroup, "delegated", lambda: Path("/"))
    assert bounds(ISOLATED)["memory"] == bounds(ISOLATED)["threads"] == HARD
    monkeypatch.setattr(cgroup, "delegated", lambda: None)
    monkeypatch.setattr(sys, "platform", "darwin")
    assert bounds("none: darwin has no Landlock and seccomp") == {
        **dict.fromkeys(("time", "output", "size of a file"), HARD),
        **dict.fromkeys(("processes", "memory", "threads"), NONE),
        "disk": WATCHED,
    }


def test_the_bounds_are_said_in_a_line():
    found = {"time": HARD, "output": HARD, "memory": NONE, "disk": WATCHED}
    assert sentence(found) == (
        "bounded: time and output; looked at a few times a second: disk; not bounded: memory"
    )


# --- control groups ---------------------------------------------------------------------------


class Files:
    """Stands in for the kernel's side of a file system of control groups."""

    def __init__(self, monkeypatch, refuse=()):
        self.written: list[tuple[str, str]] = []
        self.refuse = refuse
        monkeypatch.setattr(cgroup, "_write", self.write)

    def write(self, file: Path, value: object) -> None:
        if file.name in self.refuse or not file.parent.is_dir():
            raise PermissionError(file)
        self.written.append((f"{file.parent.name}/{file.name}", str(value)))


def delegated(folder: Path, *, procs="7\n", controllers="cpu memory pids\n", enabled="") -> Path:
    own = folder / "own"
    own.mkdir(parents=True)
    for name, text in (
        ("cgroup.procs", procs),
        ("cgroup.controllers", controllers),
        ("cgroup.subtree_control", enabled),
    ):
        (own / name).write_text(text)
    return own


def test_a_group_that_is_ours_is_divided(tmp_path, monkeypatch):
    files = Files(monkeypatch)
    own = delegated(tmp_path)
    assert cgroup.divide(own, 7) == own
    assert files.written == [
        ("actlab-grader-7/cgroup.procs", "7"),
        ("own/cgroup.subtree_control", "+memory +pids"),
    ]


@pytest.mark.parametrize(
    "what",
    [
        {"procs": "7\n8\n"},  # somebody else lives in it
        {"controllers": "cpu pids\n"},
        {"controllers": ""},
    ],
)
def test_a_group_that_is_not_ours_is_left_alone(tmp_path, monkeypatch, what):
    files = Files(monkeypatch)
    own = delegated(tmp_path, **what)
    assert cgroup.divide(own, 7) is None
    assert files.written == []
    assert {path.name for path in own.iterdir() if path.is_dir()} == set()


def test_a_group_that_cannot_be_written_to_is_left_alone(tmp_path, monkeypatch):
    files = Files(monkeypatch)
    monkeypatch.setattr(cgroup.os, "access", lambda path, mode: False)
    assert cgroup.divide(delegated(tmp_path), 7) is None
    assert files.written == []


def test_what_was_begun_is_undone_where_the_system_refuses(tmp_path, monkeypatch):
    files = Files(monkeypatch, refuse=("cgroup.subtree_control",))
    own = delegated(tmp_path)
    with pytest.raises(PermissionError):
        cgroup.divide(own, 7)
    assert files.written[-1] == ("own/cgroup.procs", "7")
    assert not (own / "actlab-grader-7").exists()


def test_a_worker_uses_what_the_process_that_started_it_has_made(tmp_path, monkeypatch):
    Files(monkeypatch)
    own = delegated(tmp_path, enabled="memory pids\n", procs="")
    leaf = own / "actlab-grader-7"
    leaf.mkdir()
    assert cgroup.divide(leaf, 8) == own


def test_a_group_bounds_memory_and_threads_and_goes(tmp_path, monkeypatch):
    files = Files(monkeypatch, refuse=("memory.swap.max",))
    monkeypatch.setattr(cgroup, "delegated", lambda: tmp_path)
    group = cgroup.group_for(7, Limits(memory_bytes=1000, threads=5))
    name = group.folder.name
    assert files.written == [
        (f"{name}/memory.max", "1000"),
        (f"{name}/pids.max", "5"),
        (f"{name}/memory.oom.group", "1"),
        (f"{name}/cgroup.procs", "7"),
    ]
    assert group.excess() is None
    (group.folder / "memory.events").write_text("oom 1\noom_kill 2\n")
    assert group.excess() == ("memory", "it uses too much memory")
    (group.folder / "memory.events").unlink()
    group.remove()
    assert not group.folder.exists()
    assert files.written[-1] == (f"{name}/cgroup.kill", "1")


@pytest.mark.parametrize("refuse", ["memory.max", "pids.max", "cgroup.procs"])
def test_a_group_that_bounds_nothing_is_no_group(tmp_path, monkeypatch, refuse):
    Files(monkeypatch, refuse=(refuse,))
    monkeypatch.setattr(cgroup, "delegated", lambda: tmp_path)
    assert cgroup.group_for(7, Limits()) is None
    assert list(tmp_path.iterdir()) == []


def test_the_own_group_is_found_where_it_is_mounted(tmp_path):
    (tmp_path / "cgroup").write_text("5:memory:/x\n0::/user/a\n")
    mount = (
        "25 20 0:22 / /sys rw - sysfs sysfs rw\n35 24 0:30 {} /sys/fs/cgroup rw - cgroup2 c rw\n"
    )
    (tmp_path / "mountinfo").write_text(mount.format("/"))
    assert cgroup.own_group(tmp_path) == Path("/sys/fs/cgroup/user/a")
    (tmp_path / "mountinfo").write_text(mount.format("/user"))
    assert cgroup.own_group(tmp_path) == Path("/sys/fs/cgroup/a")
    (tmp_path / "mountinfo").write_text(mount.format("/other"))
    assert cgroup.own_group(tmp_path) is None
    (tmp_path / "cgroup").write_text("5:memory:/x\n")
    assert cgroup.own_group(tmp_path) is None
    assert cgroup.own_group(tmp_path / "nowhere") is None


@pytest.mark.skipif(cgroup.delegated() is None, reason="no control group is delegated to us")
@pytest.mark.parametrize("engine", ["pipe", "jupyter"])
def test_a_kernel_that_takes_too_much_is_ended_by_the_system(engine):
    limits = Limits(memory_bytes=256 * 2**20)
    code = "import mmap\nm = mmap.mmap(-1, 2**30, flags=mmap.MAP_PRIVATE)\nm.write(b'x' * 2**30)"
    with Launcher(("numpy",), engine=engine, limits=limits) as launcher:
        trial = Trial(launcher, [TrialCell("answer", "answer", code)])
        assert trial.outcomes()[0].kind in ("memory", "error")
        trial.close()
