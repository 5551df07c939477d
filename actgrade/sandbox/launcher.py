"""Start kernel processes: forked from warm servers on Linux, one by one elsewhere."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType

from actgrade.sandbox import wire
from actgrade.sandbox.confinement import ISOLATED, refuse
from actgrade.sandbox.limits import Limits
from actgrade.sandbox.lost import KernelLost
from actgrade.sandbox.process import Process, Spawned, environment
from actgrade.sandbox.removal import remove_tree
from actgrade.sandbox.scratch import WorkFolder, report
from actgrade.sandbox.server import ForkServer

# Questions that forbid other modules need a server of their own. A chapter has up to three kinds,
# and a server costs about 60 MB.
MOST_SERVERS = 4


class Launcher:
    """Starts kernels, and owns the folder they work in; a context manager.

    Args:
        preload: modules that every kernel will want, imported once where there is a fork server.
        engine: ``pipe`` or ``jupyter``.
        limits: for every question.
        fork: use a fork server; default: on Linux.
        require_sandbox: run nothing in a kernel that is not isolated.

    Attributes:
        isolation: how the kernels are contained, once one has come up.
    """

    def __init__(
        self,
        preload: Iterable[str] = ("numpy",),
        *,
        engine: str = "pipe",
        limits: Limits | None = None,
        fork: bool | None = None,
        require_sandbox: bool = False,
    ) -> None:
        self.engine = engine
        self.limits = limits or Limits()
        self.preload = tuple(preload)
        self.isolation: str | None = None
        self.require_sandbox = require_sandbox
        self._fork = sys.platform == "linux" if fork is None else fork
        self._servers: dict[tuple[str, ...], ForkServer] = {}
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

    def warm_up(self, walls: Iterable[Sequence[str]] = ((),)) -> None:
        """Start fork servers without waiting for them, so that imports overlap.

        Args:
            walls: for each server, the modules that are not there for its kernels. Only the first
                ones are started, as many as are kept.
        """
        if self._fork:
            for absent in list(dict.fromkeys(tuple(one) for one in walls))[:MOST_SERVERS]:
                self._server(absent)

    def _server(self, absent: tuple[str, ...]) -> ForkServer:
        """The server for questions without ``absent``; of those used least recently one goes."""
        server = self._servers.pop(absent, None)
        if server is None:
            idle = [key for key, other in self._servers.items() if not other.is_busy()]
            for key in idle[: max(0, len(self._servers) + 1 - MOST_SERVERS)]:
                self._servers.pop(key).stop()
            preload = [*self.preload_without(absent), *(["ipykernel"] * (self.engine == "jupyter"))]
            server = ForkServer(preload, absent, self.folder)
        self._servers[absent] = server
        return server

    def preload_without(self, absent: Sequence[str]) -> list[str]:
        """What a kernel has loaded that does without ``absent``."""
        return [
            name
            for name in self.preload
            if not any(name == gone or name.startswith(f"{gone}.") for gone in absent)
        ]

    def start(self, absent: Sequence[str] = ()) -> tuple[Process, Path]:
        """A new process, not yet configured, and an empty folder for it.

        Args:
            absent: modules that are not there.

        Raises:
            KernelLost: it could not be started.
        """
        scratch = self.folder / str(self._count)
        scratch.mkdir(mode=0o700)
        self._count += 1
        forked = self._server(tuple(absent)).fork() if self._fork else None
        return (forked or self._spawned()), scratch

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

    def admit(self, process: Process, isolation: str) -> None:
        """Take note of how a kernel is contained that has just come up.

        Args:
            isolation: what it says, before any cell has run in it.

        Raises:
            KernelLost: it is not isolated, and has to be.
        """
        self.isolation = isolation
        process.is_contained = isolation == ISOLATED
        if self.require_sandbox and not process.is_contained:
            raise KernelLost("start", isolation)

    def check_isolation(self) -> None:
        """Nothing that ran without the isolation that is required counts.

        Raises:
            CommandError: a kernel was not isolated, and had to be.
        """
        if self.require_sandbox and self.isolation not in (None, ISOLATED):
            refuse(str(self.isolation).removeprefix("none: "))

    def remove(self, scratch: Path) -> None:
        """Delete a kernel's folder and what its code left there."""
        report(scratch, remove_tree(scratch))

    def close(self) -> None:
        """End the servers and delete every folder."""
        while self._servers:
            self._servers.popitem()[1].stop()
        self._work.close()


def configuration(
    launcher: Launcher,
    scratch: Path,
    forbid: Sequence[str],
    absent: Sequence[str],
    **more: object,
) -> bytes:
    """The first frame for a kernel."""
    return wire.pack(
        {
            "engine": launcher.engine,
            "scratch": str(scratch),
            "limits": launcher.limits.as_dict(),
            "forbid": list(forbid),
            "absent": list(absent),
            "preload": launcher.preload_without(absent),
            **more,
        }
    )
