"""What ends a kernel before its cells are done."""

from __future__ import annotations

# After a cell's reply, its last messages have this long to arrive; after an interrupt, Python has
# this long to say where it was. Both in all, however many messages come.
SECONDS_TO_DRAIN = 5.0
SECONDS_AFTER_INTERRUPT = 1.0


class KernelLost(Exception):
    """The kernel is gone, and with it the rest of its question.

    Attributes:
        kind: ``crash`` (the process ended), ``output`` (more than it may print), ``disk``,
            ``memory``, ``threads`` (it uses more than it may), ``garbage`` (what it sent is no
            message), ``start`` (it never came up: our fault, not the learner's).
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
