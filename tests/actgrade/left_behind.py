"""What an attack may have left: processes of the sandbox that outlive their question."""

from __future__ import annotations

import contextlib
import time

import psutil


def servers() -> list[psutil.Process]:
    """The fork servers of this process."""
    return [one for one in psutil.Process().children() if _is_kernel_or_server(one)]


def living_kernels(seconds: float = 5) -> list[psutil.Process]:
    """Processes that were forked from one of our servers and are there for so long.

    Another run of the tests has kernels of the same command line: what descends from its server is
    not ours. What has lost its parents may be.
    """
    end = time.monotonic() + seconds  # a server reaps when it is told; that takes a moment
    while True:
        ours = {server.pid for server in servers()}
        alive = [
            process
            for process in psutil.process_iter()
            if process.pid not in ours and _is_kernel_or_server(process)
            if process.is_running() and not _is_of_another_run(process, ours)
        ]
        if not alive or time.monotonic() > end:
            return alive
        time.sleep(0.1)


def _is_of_another_run(process: psutil.Process, ours: set[int]) -> bool:
    """Whether it is a server whose parent runs Python, or comes from such a one, and not ours."""
    top, above = process, _parent(process)
    while above is not None and _is_kernel_or_server(above):
        top, above = above, _parent(above)
    return top.pid not in ours and above is not None and _program(above) == _program()


def _parent(process: psutil.Process) -> psutil.Process | None:
    with contextlib.suppress(psutil.Error):
        return process.parent()
    return None


def _is_kernel_or_server(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.Error):
        return "actgrade.sandbox.forkserver" in process.cmdline()
    return False


def _program(process: psutil.Process | None = None) -> str | None:
    with contextlib.suppress(psutil.Error):
        return (process or psutil.Process()).exe()
    return None
