"""The same grades from a Dask cluster: a scheduler and two workers, each a process of its own."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from class_sample import canvas, notebook, put

needs_dask = pytest.mark.skipif(
    importlib.util.find_spec("distributed") is None,
    reason="Dask is not installed: pip install 'actlab[cluster]'",
)
SECONDS = 60


@contextlib.contextmanager
def started(arguments: list[str], folder: Path, pattern: str) -> Iterator[str]:
    """A process in a session of its own, and what it says that matches ``pattern``."""
    log = folder / f"{arguments[0]}-{len(list(folder.iterdir()))}.log"
    with log.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "distributed.cli." + arguments[0], *arguments[1:]],
            stdout=file, stderr=file, cwd=folder,
            env={**os.environ, "DASK_DISTRIBUTED__DIAGNOSTICS__NVML": "False"},
        )  # fmt: skip
    try:
        end = time.monotonic() + SECONDS
        while not (found := re.search(pattern, log.read_text())):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.05)
        yield found[1]
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory) -> Iterator[str]:
    """The address of a scheduler on loopback with two workers."""
    folder = tmp_path_factory.mktemp("cluster")
    with contextlib.ExitStack() as stack:
        scheduler = ["dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
        address = stack.enter_context(
            started(scheduler, folder, r"Scheduler at:\s+(tcp://127\.0\.0\.1:\d+)")
        )
        for _ in range(2):
            worker = ["dask_worker", address, "--nthreads", "1", "--host", "127.0.0.1"]
            worker += ["--no-dashboard", "--local-directory", str(folder)]
            stack.enter_context(started(worker, folder, r"Registered to:\s+(\S+)"))
        yield address


@needs_dask
def test_a_cluster_gives_the_same_gradebook(cluster, grade, tmp_path, capsys):
    canvas(tmp_path / "submissions", 10)
    put(tmp_path / "submissions", "broken_77_1_90_sample.ipynb", b"{")
    assert grade("--jobs", "1") == 3  # the broken notebook is not graded
    names = ("gradebook.csv", "results.json", "index.html", "junit.xml")
    alone = {name: (tmp_path / "grades" / name).read_bytes() for name in names}
    (tmp_path / "grades").rename(tmp_path / "alone")
    capsys.readouterr()
    assert grade("--scheduler", cluster) == 3
    assert "graded 10;" in capsys.readouterr().out
    assert {name: (tmp_path / "grades" / name).read_bytes() for name in names} == alone
    # A second run finds everything kept, and one more submission is all that it grades.
    put(tmp_path / "submissions", "late_78_2_90_sample.ipynb", notebook(50))
    assert grade("--scheduler", cluster) == 3
    assert "graded 1, 10 kept" in capsys.readouterr().out
    assert threading.active_count() < 30


@needs_dask
def test_nobody_at_that_address(grade, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("actgrade.classroom.schedule.CONNECT_SECONDS", 1)
    canvas(tmp_path / "submissions", 1)
    assert grade("--scheduler", "tcp://127.0.0.1:9") == 2
    assert "no scheduler answers at tcp://127.0.0.1:9" in capsys.readouterr().err
    assert grade("--scheduler", "nonsense://x") == 2
    assert "no scheduler answers" in capsys.readouterr().err


def test_without_dask_a_sentence_says_what_to_install(grade, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    canvas(tmp_path / "submissions", 1)
    assert grade("--scheduler", "tcp://127.0.0.1:9") == 2
    said = capsys.readouterr().err.strip()
    assert "--scheduler needs Dask, which is not installed: pip install 'actlab[cluster]'" in said
