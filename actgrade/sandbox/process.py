"""Kernel processes, seen from the grading process: forked ones and those started on their own."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import subprocess
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

START_SECONDS = 60.0


class Process(Protocol):
    """A kernel process, seen from the grading process."""

    @property
    def pid(self) -> int:
        """Its number."""

    read_from: int
    write_to: int
    is_contained: bool

    def is_alive(self) -> bool:
        """Whether it still runs."""

    def interrupt(self) -> None:
        """Send it SIGINT, where there is such a thing."""

    def kill(self) -> None:
        """End it, and everything it started, and wait for that; again is harmless."""

    def close(self) -> None:
        """Give the descriptors back, once nobody reads from them."""


@dataclass
class Forked:
    """A child of the fork server. The pidfd names it even after it is gone."""

    pid: int
    pidfd: int
    connection: socket.socket
    # Set when the process has said how it is contained: it then cannot have started others.
    is_contained: bool = False
    read_from: int = field(init=False)
    write_to: int = field(init=False)
    # The thread that reads a flood ends the process, and so may the one that waits.
    _ending: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.read_from = self.write_to = self.connection.fileno()

    def is_alive(self) -> bool:
        """Whether the process still runs."""
        with self._ending:
            return self.pidfd >= 0 and not select.select([self.pidfd], [], [], 0)[0]

    def interrupt(self) -> None:
        """Send SIGINT to the process."""
        self._signal(signal.SIGINT)

    def kill(self) -> None:
        """End the process and wait until it is gone."""
        with self._ending:
            if self.pidfd < 0:
                return
            self._signal(signal.SIGKILL)
            if not self.is_contained:
                # It may have started others; its group is what can be reached.
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(self.pid, signal.SIGKILL)
            select.select([self.pidfd], [], [], 5)
            with contextlib.suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)  # wakes the thread that reads
            os.close(self.pidfd)
            self.pidfd = -1

    def close(self) -> None:
        """Give the descriptor back, once nobody reads from it."""
        self.connection.close()

    def _signal(self, number: int) -> None:
        with contextlib.suppress(OSError):
            signal.pidfd_send_signal(self.pidfd, number)


@dataclass
class Spawned:
    """A process of its own, connected by stdin and stdout."""

    process: subprocess.Popen
    is_contained: bool = False
    read_from: int = field(init=False)
    write_to: int = field(init=False)

    def __post_init__(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.write_to = self.process.stdin.fileno()
        self.read_from = self.process.stdout.fileno()

    @property
    def pid(self) -> int:
        """Its number."""
        return self.process.pid

    def is_alive(self) -> bool:
        """Whether the process still runs."""
        return self.process.poll() is None

    def interrupt(self) -> None:
        """Send SIGINT to the process; nothing on Windows, where only :meth:`kill` helps."""
        if os.name == "posix":
            self.process.send_signal(signal.SIGINT)

    def kill(self) -> None:
        """End the process and its group, and wait until it is gone."""
        if os.name == "posix":
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        """Give the descriptors back, once nobody reads from them."""
        for stream in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(OSError):
                if stream is not None:
                    stream.close()


def environment() -> dict[str, str]:
    """What a kernel process is told about its surroundings: no tokens, no paths of the course."""
    kept = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "SYSTEMROOT", "PYTHONPATH", "XDG_CACHE_HOME")
    inherited = {name: os.environ[name] for name in kept if name in os.environ}
    package = str(Path(__file__).resolve().parents[2])
    paths = [path for path in inherited.get("PYTHONPATH", "").split(os.pathsep) if path]
    return {
        **inherited,
        "PYTHONPATH": os.pathsep.join([*paths, package]),
        "PYTHONHASHSEED": "0",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "MPLBACKEND": "agg",
    }
