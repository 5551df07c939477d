"""What a kernel may send, and when: a machine of three states that believes nothing twice.

*Starting*: the first frame says ``ready`` or ``failed``; it is sent before any code of a learner
runs, and is the last one that is believed. *Serving*: what cells print, show and raise, and one
``reply`` for each cell that was sent, in their order. *Over*: after ``failed`` nothing comes.
Whatever else arrives, or more than a cell may print, ends the kernel.

No thread and no process is in here, so that a test can send anything to it.
"""

from __future__ import annotations

from typing import Any

from actgrade.sandbox import wire
from actgrade.sandbox.lost import KernelLost

Frame = tuple[str, str, dict[str, Any]]

# A frame without content fills memory too.
BYTES_OF_A_FRAME = 64
# Beside what may be printed, for the frame around it.
BYTES_AROUND = 4096

STARTING, SERVING, OVER = "starting", "serving", "over"


class Incoming:
    """The frames of one kernel, in the order in which they arrive.

    Args:
        most: bytes of output of one cell.

    Attributes:
        state: ``starting``, ``serving`` or ``over``.
        sent: how many cells were sent; whoever sends one counts it here.
    """

    def __init__(self, most: int) -> None:
        self.state = STARTING
        self.sent = 0
        self._most = most
        self._size = 0
        self._done = 0

    @property
    def most_bytes(self) -> int:
        """The longest body that is worth reading."""
        return self._most + BYTES_AROUND

    def take(self, body: bytes) -> Frame | None:
        """The frame in ``body``; None for one that says nothing.

        Raises:
            KernelLost: the kernel has printed too much, or has sent what it may not send now.
        """
        self._size += len(body) + BYTES_OF_A_FRAME
        if self._size > self._most + BYTES_OF_A_FRAME:
            raise KernelLost("output", "it prints too much")
        try:
            frame = wire.message(wire.load(body))
        except wire.WireError as error:
            raise KernelLost("garbage", str(error)) from None
        kind, parent, _ = frame
        if (kind in wire.FIRST) != (self.state == STARTING):
            raise KernelLost("garbage", f"a {kind} while it was {self.state}")
        if self.state == STARTING:
            self.state = SERVING if kind == "ready" else OVER
        elif kind == "reply":
            if self._done == self.sent or parent != f"cell-{self._done + 1}":
                return None
            self._size, self._done = 0, self._done + 1
        return frame
