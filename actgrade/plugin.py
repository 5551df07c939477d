"""Grade notebooks with pytest: ``pytest --actlab-grade exercises/04_relu.ipynb``.

``actlab grade`` runs the same nodes. It hands pytest nothing of a learner's but the text of the
answers; this option lets pytest read the folder of the notebook (``conftest.py``, settings), so use
it for your own work and ``actlab grade`` for other people's.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from actgrade.job import Job

_JOB: pytest.StashKey[Job] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option ``--actlab-grade``."""
    group = parser.getgroup("actlab", "grading of exercises")
    group.addoption(
        "--actlab-grade",
        action="store_true",
        help="grade the notebooks named, as 'actlab grade' does; without it they are left alone",
    )


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> Any:
    """A submission for each notebook, when asked for."""
    if file_path.suffix != ".ipynb" or not parent.config.getoption("actlab_grade", False):
        return None
    from actbase.errors import CommandError
    from actgrade.grade import make_job, make_task
    from actgrade.nodes import SubmissionFile
    from actgrade.pytest_session import prepare

    config = parent.config
    try:
        if _JOB not in config.stash:
            config.stash[_JOB], course = make_job()
            config.stash[_JOB].course = course  # type: ignore[attr-defined]
            config.add_cleanup(config.stash[_JOB].launcher.close)
            prepare(config, config.stash[_JOB])
        job = config.stash[_JOB]
        task = make_task(job.course, file_path)  # type: ignore[attr-defined]
        job.tasks.append(task)
    except CommandError as error:
        raise pytest.UsageError(str(error)) from None
    node = SubmissionFile.from_parent(parent, path=file_path)
    node.job, node.task = job, task
    return node


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """A line of points for each notebook that was graded."""
    job = config.stash.get(_JOB, None)
    if job is None:
        return
    terminalreporter.section("points")
    for task in job.tasks:
        result = task.result
        terminalreporter.line(f"{result.name}: {result.points:g} of {result.maximum:g} points")
