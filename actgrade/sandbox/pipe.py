"""The grading process's side of a kernel that speaks :mod:`actgrade.sandbox.wire`.

It has the methods that nbval calls on its ``RunningKernel``, so nbval's cells run on it unchanged.
"""

from __future__ import annotations

import contextlib
import os
import select
import threading
import time
from collections.abc import Sequence
from queue import Empty, Queue
from typing import Any

from actgrade.sandbox import wire
from actgrade.sandbox.incoming import Frame, Incoming
from actgrade.sandbox.kernel import Contained
from actgrade.sandbox.launcher import Launcher, configuration
from actgrade.sandbox.lost import SECONDS_TO_DRAIN, KernelLost
from actgrade.sandbox.process import START_SECONDS

# What a pipe or a socket takes whole, when it takes anything.
BYTES_SENT_AT_ONCE = 4096


class PipeKernel(Contained):
    """One question's kernel over a pair of pipes or a socket.

    Args:
        launcher: where processes come from.
        forbid: dotted names that code of the role ``answer`` may not use.
        absent: modules that are not there, for any code.
    """

    # nbval asks a kernel for its language in one code path of its coverage support.
    language = "python"

    def __init__(
        self, launcher: Launcher, forbid: Sequence[str] = (), absent: Sequence[str] = ()
    ) -> None:
        super().__init__(launcher, absent)
        self._incoming = Incoming(launcher.limits.output_bytes)
        self._frames: Queue[Frame | KernelLost] = Queue()
        self._reader = threading.Thread(target=self._read, name="kernel reader", daemon=True)
        self._reader.start()
        self._started = False
        self._write(configuration(launcher, self._scratch, forbid, absent))

    # What nbval calls ------------------------------------------------------------------------

    def execute_cell_input(self, cell_input: str, allow_stdin: bool | None = None) -> str:
        """Send one cell, of the role that was announced; return the id of the request."""
        self._incoming.sent += 1
        request = f"cell-{self._incoming.sent}"
        self._write(wire.pack({"id": request, "role": self._role(), "code": cell_input}))
        return request

    def await_reply(self, msg_id: str, timeout: float | None = None) -> None:
        """Wait until the cell is done, collecting what it prints.

        Raises:
            queue.Empty: time is up, for the cell or for the question.
            KernelLost: the process is gone or has printed too much.
        """
        end = time.monotonic() + (
            self._launcher.limits.cell_seconds if timeout is None else timeout
        )
        end = min(end, self._deadline or end)
        self._drain_end = None
        self._receive_until(msg_id, end)
        self._look_at_what_is_left()
        self._drain_end = time.monotonic() + SECONDS_TO_DRAIN

    def get_message(self, stream: str, timeout: float | None = None) -> dict[str, Any]:
        """The next message of the ``iopub`` kind, in Jupyter's form."""
        end = time.monotonic() + (timeout if timeout is not None else 1e9)
        end = end if self._drain_end is None else min(end, self._drain_end)
        # Also when there is something to take: messages that never end must not keep us.
        while time.monotonic() <= end:
            if self._waiting:
                return self._waiting.popleft()
            self._take(end)
        raise Empty

    def await_idle(self, parent_id: str, timeout: float) -> None:
        """Drop messages up to the end of the cell."""
        while True:
            message = self.get_message("iopub", timeout)
            if message["parent_header"]["msg_id"] == parent_id and message["msg_type"] == "status":
                return

    # What the grader adds --------------------------------------------------------------------

    def _disconnect(self) -> None:
        self._reader.join(5)

    def _receive_until(self, request: str, end: float) -> None:
        while True:
            kind, parent = self._take(end)
            if kind == "reply" and parent == request:
                return
            if self._started and time.monotonic() > end:
                raise Empty

    def _take(self, end: float) -> tuple[str, str]:
        """Move one frame into the waiting messages."""
        if self._lost is not None:
            raise self._lost
        if not self._started:
            # The libraries' imports are not the learner's time.
            end = max(end, time.monotonic() + START_SECONDS)
        try:
            frame = self._frames.get(timeout=max(0.0, end - time.monotonic()))
        except Empty:
            if not self._process.is_alive():
                raise self._lose(_ended()) from None
            raise
        if isinstance(frame, KernelLost):
            raise self._lose(frame)
        kind, parent, content = frame
        if not self._started:
            self._begin(kind, content)
        elif kind == "reply":
            self._waiting.append(_as_message("status", parent, {"execution_state": "idle"}))
        else:
            self._waiting.append(_as_message(kind, parent, content))
        return kind, parent

    def _begin(self, kind: str, content: dict[str, Any]) -> None:
        """Take the first frame, which is sent before any cell runs and is the last one believed."""
        if kind == "failed":
            raise self._lose(KernelLost("start", content["reason"]))
        self._started = True
        try:
            self._launcher.admit(self._process, content["isolation"])
        except KernelLost as lost:
            raise self._lose(lost) from None
        if self._deadline is not None:
            self._deadline = time.monotonic() + self._launcher.limits.question_seconds

    def _write(self, data: bytes) -> None:
        """Send ``data``; a kernel that does not read it is ended when its time is up."""
        if len(data) <= BYTES_SENT_AT_ONCE and _is_writable(self._process.write_to):
            self._send(data)
            return
        if self._started and self._deadline is not None:
            seconds = max(0.0, self._deadline - time.monotonic())
        else:  # the cells of a trial are sent while it comes up
            seconds = START_SECONDS + self._launcher.limits.question_seconds
        end = threading.Timer(seconds, self._process.kill)
        end.daemon = True
        end.start()
        self._send(data)
        end.cancel()

    def _send(self, data: bytes) -> None:
        with contextlib.suppress(OSError):  # the reader has seen the end, and says why
            wire.write_all(self._process.write_to, data)

    def _read(self) -> None:
        """In a thread of its own: read frames until the end, a flood or garbage."""
        while True:
            try:
                body = wire.read_frame(self._process.read_from, self._incoming.most_bytes)
                if body is None:
                    raise _ended()
                frame = self._incoming.take(body)
            except KernelLost as lost:
                self._end(lost)
                return
            except wire.WireError as error:
                flood = "a frame of" in str(error)
                self._end(KernelLost("output" if flood else "garbage", str(error)))
                return
            except OSError:
                self._end(_ended())
                return
            if frame is not None:
                self._frames.put(frame)

    def _end(self, lost: KernelLost) -> None:
        # Now, not when somebody next looks: a flood must not fill memory meanwhile.
        with contextlib.suppress(OSError):
            self._process.kill()
        self._frames.put(lost)


def _is_writable(descriptor: int) -> bool:
    """Whether :data:`BYTES_SENT_AT_ONCE` can be written without waiting."""
    return os.name == "posix" and bool(select.select([], [descriptor], [], 0)[1])


def _ended() -> KernelLost:
    return KernelLost("crash", "the process ended")


def _as_message(kind: str, parent: str, content: dict[str, Any]) -> dict[str, Any]:
    return {"msg_type": kind, "parent_header": {"msg_id": parent}, "content": content}
