"""What the sandbox can read: libraries and the course's package, and never a solution."""

from __future__ import annotations

from pathlib import Path

import pytest
from grading_sample import QUICK

from actgrade.course import Course
from actgrade.preload import preload_for
from actgrade.sandbox import confinement
from actgrade.sandbox.launcher import Launcher
from actgrade.trial import Trial, TrialCell

ROOT = Path(__file__).resolve().parents[2]
COURSE = Course(ROOT)
CLOSED = [ROOT, *(ROOT / name for name in ("solutions", "exercises", "notebooks", "tests"))]

isolated = pytest.mark.skipif(confinement.missing() is not None, reason="no sandbox here")


def everything() -> list[str]:
    return preload_for(COURSE, [COURSE.chapter(name) for name in COURSE.chapter_names()])


@pytest.fixture(scope="module")
def course_launcher():
    """As for a grade: what the chapters import is there before a cell runs."""
    with Launcher(everything()) as launcher:
        yield launcher


def answer_of(launcher, answer, forbid=()):
    trial = Trial(launcher, [TrialCell("answer", "answer", answer)], forbid)
    try:
        return trial.outcomes()[0]
    finally:
        trial.close()


def test_no_readable_folder_holds_the_solutions():
    assert "actlab" in everything()
    for preload in ([], everything()):
        folders = [*confinement.readable_folders(), *confinement.package_folders(preload)]
        assert not [folder for folder in folders for one in CLOSED if one.is_relative_to(folder)]
        assert not [folder for folder in folders if (folder / "solutions").exists()]


def test_the_folders_are_those_of_the_preloaded_packages():
    grader = confinement.package_folders([])
    assert ROOT / "actbase" in grader
    assert set(confinement.package_folders(["actlab", "numpy", "no_such_thing"])) == {
        *grader,
        ROOT / "actlab",
    }
    assert confinement.package_folders(["numpy.linalg"]) == grader


@isolated
@pytest.mark.parametrize("preload", [("numpy",), ("actlab", "numpy")])
def test_a_kernel_cannot_read_the_repository(preload):
    source = COURSE.source_path(COURSE.chapter_names()[0])
    with Launcher(preload, limits=QUICK) as launcher:
        for look in (f"open({str(source)!r}).read()", f"import os; os.listdir({str(ROOT)!r})"):
            outcome = answer_of(launcher, look)
            assert (outcome.kind, outcome.ename) == ("error", "PermissionError"), outcome


@pytest.mark.parametrize("name", ["actlab.functions", "actlab.bench", "actlab.modules"])
def test_what_is_forbidden_of_the_package_is_forbidden_and_no_crash(course_launcher, name):
    answer = f"import importlib; importlib.import_module({name!r})"
    outcome = answer_of(course_launcher, answer, [name])
    assert outcome.ename == "ForbiddenUse", outcome


@isolated
def test_what_cannot_be_read_is_an_error_and_no_crash():
    with Launcher(("numpy",), limits=QUICK) as launcher:
        outcome = answer_of(launcher, "import actlab.functions", ["actlab.functions"])
        assert outcome.kind == "error", outcome
        assert answer_of(launcher, "print(1)", ["actlab.functions"]).kind == "ok"


def test_the_course_says_which_packages_it_brings(tmp_path):
    from actbase.errors import CommandError

    assert COURSE.packages == ("actlab",)
    assert Course(tmp_path).packages == ()
    for text in ('packages = "actlab"', "packages = ['../solutions']", "packages ="):
        (tmp_path / "pyproject.toml").write_text(f"[tool.actgrade]\n{text}\n")
        with pytest.raises(CommandError, match=r"pyproject\.toml"):
            _ = Course(tmp_path).packages
