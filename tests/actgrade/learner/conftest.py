"""What the learner's tests share: a course in a temporary folder, and ``actlab watch`` in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from learner_course import SAMPLE, Watching

from actgrade.course import Course
from actlab.cli import main


@pytest.fixture(scope="session")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample course with its exercises; tests copy it."""
    root = SAMPLE["write_course"](tmp_path_factory.mktemp("released"))
    assert main(["release", "--course", str(root)]) == 0
    return root


@pytest.fixture
def root(released: Path, tmp_path: Path) -> Path:
    """A course of its own for each test."""
    root = tmp_path / "course"
    for name in ("solutions/90_sample.ipynb", "exercises/90_sample.ipynb"):
        (root / name).parent.mkdir(parents=True)
        (root / name).write_bytes((released / name).read_bytes())
    return root


@pytest.fixture
def course(root: Path) -> Course:
    """The same as an object."""
    return Course.find(root)


@pytest.fixture
def watch(root: Path) -> Iterator:
    """Start ``actlab watch``; it is ended with the test."""
    started = []

    def start(*arguments: str, terminal: bool = True) -> Watching:
        started.append(Watching(root, *arguments, terminal=terminal))
        return started[-1]

    yield start
    for watching in started:
        watching.close()
