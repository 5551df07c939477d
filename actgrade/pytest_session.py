"""One pytest session for any number of submissions, which reads nothing that a learner wrote."""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbval.plugin
import pytest

if TYPE_CHECKING:
    from actgrade.job import Job


class _Runner:
    """The pytest plugin of one run: hands it the tasks, and keeps it quiet."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self.errors: list[str] = []

    def pytest_configure(self, config: pytest.Config) -> None:
        prepare(config, self._job)

    def pytest_collect_file(self, file_path: Path, parent: pytest.Collector) -> Any:
        from actgrade.nodes import AllSubmissions

        node = AllSubmissions.from_parent(parent, path=file_path)
        node.job = self._job
        return node

    def pytest_internalerror(self, excrepr: Any) -> bool:
        self.errors.append(str(excrepr))
        return True

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.errors.append(str(report.longrepr))


def run_session(job: Job) -> None:
    """Run all tasks of ``job`` in one pytest session, inside this process.

    pytest is shown an empty file of our own: it must not read settings or ``conftest.py`` from a
    folder that a learner filled.
    """
    # In a folder of its own: pytest looks at all that lies beside the file, and beside its parents
    # up to "confcutdir", which in a full temporary folder takes longer than the grading.
    with tempfile.TemporaryDirectory(prefix="pytest-", dir=job.launcher.folder) as root:
        _run_session(job, Path(root))


def _run_session(job: Job, root: Path) -> None:
    runner = _Runner(job)
    start = root / "submissions"
    start.touch()
    arguments = [
        *("-c", os.devnull, f"--rootdir={root}", f"--confcutdir={root}", "--noconftest"),
        *("--disable-plugin-autoload", "-p", "no:cacheprovider"),
        *("-p", "no:faulthandler", "-p", "no:logging", "-p", "no:python", "-p", "no:unittest"),
        *("-p", "no:doctest", "-p", "no:junitxml", "-p", "no:pastebin", "-p", "no:debugging"),
        # These two collect garbage several times at the end, which takes longer than the grading.
        *("-p", "no:unraisableexception", "-p", "no:threadexception"),
        *("-p", "no:warnings", "--capture=no", "--color=no", "-q", str(start)),
    ]
    said = io.StringIO()
    with contextlib.redirect_stdout(said), _without_pytest_variables():
        # nbval as a module: by its name, pytest reads the metadata of every installed package.
        code = pytest.main(arguments, plugins=[nbval.plugin, runner])
    if code == pytest.ExitCode.INTERRUPTED and not runner.errors:
        raise KeyboardInterrupt
    if runner.errors or code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        text = runner.errors[0] if runner.errors else said.getvalue()
        raise RuntimeError(f"pytest ended with {code!r} while grading:\n{text[-4000:]}")


def prepare(config: pytest.Config, job: Job) -> None:
    """Give nbval's options the values that the grader's limits ask for."""
    config.option.nbval_cell_timeout = job.launcher.limits.cell_seconds
    config.option.nbdime = False


@contextlib.contextmanager
def _without_pytest_variables() -> Iterator[None]:
    """Options meant for another pytest (the one that runs our tests) must not reach this one."""
    hidden = {
        name: os.environ.pop(name)
        for name in ("PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PYTEST_CURRENT_TEST")
        if name in os.environ
    }
    try:
        yield
    finally:
        os.environ.update(hidden)
