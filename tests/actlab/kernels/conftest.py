"""Tests marked ``interpreted`` run in a second process, where Triton interprets its kernels.

Triton decides between compiling and interpreting when it is imported, so one process can do only
one of the two, and the tests of the machine code need the other. ``TRITON_INTERPRET=1 pytest``
runs the interpreted tests in this process instead, which is the way to use a debugger.
"""

from __future__ import annotations

import importlib.util
import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import interpreter_worker
import pytest

from actlab.kernels.availability import interpreting

HAS_TRITON = importlib.util.find_spec("triton") is not None


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "interpreted: runs kernels in Triton's interpreter")
    config.addinivalue_line("markers", "compiled: needs Triton's compiler")


def pytest_runtest_setup(item: pytest.Item) -> None:
    needs = [item.get_closest_marker(name) for name in ("interpreted", "compiled", "gpu")]
    if any(needs) and not HAS_TRITON:
        pytest.skip("Triton is not installed (it exists for Linux only)")
    if any(needs[1:]) and interpreting():
        pytest.skip("TRITON_INTERPRET=1 is set: nothing is compiled")
    if needs[2]:
        from actlab import kernels

        possible, reason = kernels.available()
        if not possible:
            pytest.skip(reason)


@pytest.fixture(scope="session", autouse=True)
def _worker(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    pool = request.config.stash.get(POOL, None)
    if pool is not None:
        pool.shutdown(cancel_futures=True)


POOL = pytest.StashKey[ProcessPoolExecutor]()


def _pool(config: pytest.Config) -> ProcessPoolExecutor:
    if POOL not in config.stash:
        context = multiprocessing.get_context("spawn")
        config.stash[POOL] = ProcessPoolExecutor(1, context)
    return config.stash[POOL]


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    if pyfuncitem.get_closest_marker("interpreted") is None or interpreting():
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    # The process starts with the first task and inherits the environment of that moment.
    os.environ["TRITON_INTERPRET"] = "1"
    try:
        task = _pool(pyfuncitem.config).submit(
            interpreter_worker.call,
            Path(pyfuncitem.module.__file__),
            pyfuncitem.function.__name__,
            arguments,
        )
    finally:
        del os.environ["TRITON_INTERPRET"]
    trouble = task.result(timeout=300)
    if trouble:
        pytest.fail(trouble, pytrace=False)
    return True
