"""What the two engines share: what the grader asks of a kernel, and the process behind one."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from typing import Any, Protocol

from actgrade.sandbox.cgroup import group_for
from actgrade.sandbox.launcher import Launcher
from actgrade.sandbox.lost import SECONDS_AFTER_INTERRUPT, KernelLost
from actgrade.sandbox.watch import Watch


class Kernel(Protocol):
    """A kernel for one question: what nbval calls on its own, and :meth:`announce`."""

    def is_alive(self) -> bool:
        """Whether cells can still be run."""

    def announce(self, role: str) -> None:
        """The next cell has this role."""

    def execute_cell_input(self, cell_input: str, allow_stdin: bool | None = None) -> str:
        """Send one cell, of the role that was announced; return the id of the request."""

    def await_reply(self, msg_id: str, timeout: float | None = None) -> None:
        """Wait until the cell is done.

        Raises:
            queue.Empty: time is up, for the cell or for the question.
            KernelLost: the process is gone or has used too much of something.
        """

    def get_message(self, stream: str, timeout: float | None = None) -> dict[str, Any]:
        """The next message, in Jupyter's form; raises as :meth:`await_reply` does."""

    def await_idle(self, parent_id: str, timeout: float) -> None:
        """Drop messages up to the end of the cell."""

    def interrupt(self) -> None:
        """Ask the cell to stop, which makes Python say where it was."""

    def stop(self) -> None:
        """End the process and delete its folder; again is harmless."""


class Contained:
    """A process of the launcher's with its folder, its limits and who watches them.

    Args:
        launcher: where processes come from.
        absent: modules that are not there, for any code.
    """

    def __init__(self, launcher: Launcher, absent: Sequence[str]) -> None:
        self._launcher = launcher
        self._most = launcher.limits.output_bytes
        self._process, self._scratch = launcher.start(absent)
        self._watch = Watch(
            self._scratch,
            self._process.pid,
            launcher.limits,
            self._process.kill,
            group_for(self._process.pid, launcher.limits),
        )
        self._deadline: float | None = None
        self._drain_end: float | None = None
        self._waiting: deque[dict[str, Any]] = deque()
        self._lost: KernelLost | None = None
        self._next_role = "other"
        self._stopped = False

    def is_alive(self) -> bool:
        """Whether cells can still be run."""
        return not self._stopped and self._lost is None and self._process.is_alive()

    def announce(self, role: str) -> None:
        """The next cell has this role."""
        self._next_role = role

    def interrupt(self) -> None:
        """Ask the cell to stop, which makes Python say where it was."""
        self._process.interrupt()
        self._drain_end = time.monotonic() + SECONDS_AFTER_INTERRUPT

    def stop(self) -> None:
        """End the process and delete its folder; again is harmless."""
        if self._stopped:
            return
        self._stopped = True
        self._watch.stop()
        self._process.kill()
        self._disconnect()
        self._process.close()
        self._watch.close()
        self._launcher.remove(self._scratch)

    def _disconnect(self) -> None:
        """End what talks to the process, which is gone."""

    def _role(self) -> str:
        """The role that was announced; the cell after it has none."""
        role, self._next_role = self._next_role, "other"
        # The question's time begins with its first cell.
        if self._deadline is None:
            self._deadline = time.monotonic() + self._launcher.limits.question_seconds
        return role

    def _look_at_what_is_left(self) -> None:
        """After a cell.

        Raises:
            KernelLost: it holds more than it may.
        """
        if (seen := self._watch.look(quickly=True)) is not None:
            raise self._lose(KernelLost(*seen))

    def _lose(self, reason: KernelLost) -> KernelLost:
        """End the process; why, in the words of who saw it first."""
        if (seen := self._watch.reason) is not None:
            reason = KernelLost(*seen)
        self._lost = reason
        self._process.kill()
        return reason
