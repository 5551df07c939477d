"""The grading process's side of a fork server: start it, ask it for kernels, end it."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from actgrade.sandbox.lost import KernelLost
from actgrade.sandbox.process import START_SECONDS, Forked, environment


class ForkServer:
    """One warm process with some modules loaded, and others out of its reach.

    It starts at once, without being waited for, so that imports overlap.

    Args:
        preload: modules to import once.
        absent: modules that are not there for its kernels.
        folder: where the kernels work.
    """

    def __init__(self, preload: Sequence[str], absent: Sequence[str], folder: Path) -> None:
        self._preload, self._absent, self._folder = preload, absent, folder
        self._process: subprocess.Popen | None = None
        self._children: list[Forked] = []
        self._start()

    def _start(self) -> None:
        ours, theirs = socket.socketpair()
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-P", "-m", "actgrade.sandbox.forkserver"),
                *(str(theirs.fileno()), ",".join(self._absent), *self._preload),
            ],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=environment(),
            cwd=self._folder,
        )
        theirs.close()
        self._control, self._ready = ours, False

    @property
    def pid(self) -> int | None:
        """Its number, while it runs."""
        return None if self._process is None else self._process.pid

    def is_busy(self) -> bool:
        """Whether a kernel still lives, which would end with the server."""
        self._children = [child for child in self._children if child.is_alive()]
        return bool(self._children)

    def fork(self) -> Forked:
        """A new kernel process.

        Raises:
            KernelLost: it could not be started.
        """
        for attempt in (1, 2):
            if self._process is None:
                self._start()
            try:
                child = self._ask()
            except OSError as error:
                # A server that is gone (killed by hand, out of memory) is started once more.
                reason = self.stop() or str(error)
                if attempt == 2:
                    raise KernelLost("start", f"the fork server ended: {reason}") from None
            else:
                self._children.append(child)
                return child
        raise AssertionError

    def _ask(self) -> Forked:
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

    def stop(self) -> str:
        """End the server and its kernels; the last line it wrote, if it complained."""
        self._control.close()
        if self._process is None:
            return ""
        process, self._process, said = self._process, None, ""
        process.terminate()
        try:
            said = process.communicate(timeout=5)[1].decode(errors="replace")
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
        lines = [line for line in said.splitlines() if line.strip()]
        return lines[-1] if lines else ""
