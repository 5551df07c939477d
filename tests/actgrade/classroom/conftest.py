"""What the class's tests share: the sample course, and a way to run the command."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import class_sample
import pytest

from actgrade.classroom.collect import Collection, collect
from actgrade.course import Course
from actlab.cli import main


@pytest.fixture(scope="session")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """The sample course; tests must not change it."""
    return Course.find(class_sample.SAMPLE["write_course"](tmp_path_factory.mktemp("course")))


@pytest.fixture(scope="session")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key that is the same in every test."""
    path = tmp_path_factory.mktemp("key") / "class.key"
    path.write_text("ab" * 32)
    path.chmod(0o600)
    return path


@pytest.fixture
def gather(course: Course, tmp_path: Path) -> Callable[..., Collection]:
    """Write these files and collect them."""

    def run(files: dict[str, bytes], **options: object) -> Collection:
        for name, data in files.items():
            class_sample.put(tmp_path / "submissions", name, data)
        return collect(tmp_path / "submissions", course, **options)

    return run


@pytest.fixture
def grade(course: Course, key: Path, tmp_path: Path) -> Callable[..., int]:
    """Run ``actlab class grade`` on ``submissions`` into ``grades``, both below ``tmp_path``."""

    def run(*options: str) -> int:
        return main(
            [
                *("class", "grade", str(tmp_path / "submissions")),
                *("--out", str(tmp_path / "grades"), "--course", str(course.root)),
                *("--key", str(key), *options),
            ]
        )

    return run
