"""Start kernel processes: forked from a warm server on Linux, one by one elsewhere."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Protocol

from actgrade.sandbox import wire
from actgrade.sandbox.limits import Limits
from actgrade.sandbox.lost import KernelLost
from actgrade.sandbox.removal import remove_tree
from actgrade.sandbox.scratch import WorkFolder, report
from actgrade.sandbox.watch import Watch

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


class Launcher:
    """Starts kernels, and owns the folder they work in; a context manager.

    Args:
        preload: modules that every kernel will want, imported once where there is a fork server.
        engine: ``pipe`` or ``jupyter``.
        limits: for every question.
        fork: use a fork server; default: on Linux.
    """

    def __init__(
        self,
        preload: Iterable[str] = ("numpy",),
        *,
        engine: str = "pipe",
        limits: Limits | None = None,
        fork: bool | None = None,
    ) -> None:
        self.engine = engine
        self.limits = limits or Limits()
        self.preload = tuple(preload)
        self.isolation: str | None = None
        self._fork = sys.platform == "linux" if fork is None else fork
        self._server: subprocess.Popen | None = None
        self._control: socket.socket | None = None
        self._ready = False
        self._work = WorkFolder()
        self.folder = self._work.path
        self._count = 0

    def __enter__(self) -> Launcher:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def warm_up(self) -> None:
        """Start the fork server without waiting for it, so that imports overlap."""
        if self._fork and self._server is None:
            ours, theirs = socket.socketpair()
            preload = list(self.preload) + (["ipykernel"] * (self.engine == "jupyter"))
            self._server = subprocess.Popen(
                [
                    *(sys.executable, "-P", "-m", "actgrade.sandbox.forkserver"),
                    *(str(theirs.fileno()), *preload),
                ],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env=environment(),
                cwd=self.folder,
            )
            theirs.close()
            self._control, self._ready = ours, False

    def start(self) -> tuple[Process, Path]:
        """A new process, not yet configured, and an empty folder for it.

        Raises:
            KernelLost: it could not be started.
        """
        scratch = self.folder / str(self._count)
        scratch.mkdir(mode=0o700)
        self._count += 1
        return (self._forked() if self._fork else self._spawned()), scratch

    def _forked(self) -> Forked:
        for attempt in (1, 2):
            self.warm_up()
            try:
                return self._ask_server()
            except OSError as error:
                # A server that is gone (killed by hand, out of memory) is started once more.
                reason = self._stop_server() or str(error)
                if attempt == 2:
                    raise KernelLost("start", f"the fork server ended: {reason}") from None
        raise AssertionError

    def _ask_server(self) -> Forked:
        assert self._control is not None
        control = self._control
        control.settimeout(START_SECONDS)
        if not self._ready:
            if control.recv(16) != b"ready":
                raise ConnectionError("it did not come up")
            self._ready = True
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                socket.send_fds(control, [b"fork"], [theirs.fileno()])
            answer, descriptors, _, _ = socket.recv_fds(control, 64, 1)
            if not answer or not descriptors:
                raise ConnectionError("no answer")
        except BaseException:
            ours.close()
            raise
        return Forked(json.loads(answer)["pid"], descriptors[0], ours)

    def _spawned(self) -> Spawned:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "actgrade.sandbox.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment(),
            cwd=self.folder,
            start_new_session=True,
            bufsize=0,
        )
        return Spawned(process)

    def _stop_server(self) -> str:
        """End the server; the last line it wrote, if it complained."""
        said = ""
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._server is not None:
            self._server.terminate()
            try:
                said = self._server.communicate(timeout=5)[1].decode(errors="replace")
            except subprocess.TimeoutExpired:
                self._server.kill()
                self._server.communicate()
            self._server = None
        lines = [line for line in said.splitlines() if line.strip()]
        return lines[-1] if lines else ""

    def watch(self, process: Process, scratch: Path) -> Watch:
        """End ``process`` when it uses more of disk, memory or threads than the limits allow."""
        return Watch(scratch, process.pid, self.limits, process.kill)

    def remove(self, scratch: Path) -> None:
        """Delete a kernel's folder and what its code left there."""
        report(scratch, remove_tree(scratch))

    def close(self) -> None:
        """End the server and delete every folder."""
        self._stop_server()
        self._work.close()


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


def configuration(
    launcher: Launcher, scratch: Path, forbid: Sequence[str], **more: object
) -> bytes:
    """The first frame for a kernel."""
    return wire.pack(
        {
            "engine": launcher.engine,
            "scratch": str(scratch),
            "limits": launcher.limits.as_dict(),
            "forbid": list(forbid),
            "preload": list(launcher.preload),
            **more,
        }
    )
