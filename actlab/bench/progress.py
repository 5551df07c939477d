"""Progress on standard error: one line that is rewritten on a terminal, few lines in a pipe."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TextIO

SECONDS_BETWEEN_LINES = 10.0


def duration(seconds: float) -> str:
    """A time span as a person says it: 45 s, 3 min, 1 h 10 min."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


class Progress:
    """Shows how many of ``total`` rows are done and how long the rest will take.

    Args:
        total: rows in all.
        stream: where to write; default standard error.
        clock: seconds, for tests.
    """

    def __init__(
        self,
        total: int,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.total, self.done = total, 0
        self.stream = stream or sys.stderr
        self.clock = clock
        self.started = self.shown = clock()
        self.live = self.stream.isatty()
        self.width = 0

    def advance(self, rows: int, label: str) -> None:
        """Count ``rows`` more as done."""
        self.done = min(self.total, self.done + rows)
        now = self.clock()
        if not self.live and now - self.shown < SECONDS_BETWEEN_LINES:
            return
        self.shown = now
        left = ""
        if self.done:
            seconds = (now - self.started) / self.done * (self.total - self.done)
            left = f", {duration(seconds)} left" if self.done < self.total else ""
        text = f"{self.done}/{self.total} rows{left}: {label}"
        if self.live:
            self.stream.write("\r" + text.ljust(self.width))
            self.width = len(text)
        else:
            self.stream.write(text + "\n")
        self.stream.flush()

    def close(self) -> None:
        """Remove the line from a terminal."""
        if self.live and self.width:
            self.stream.write("\r" + " " * self.width + "\r")
            self.stream.flush()
            self.width = 0
