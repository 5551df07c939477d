"""How far a run is: a bar on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from typing import Protocol

SECONDS_BETWEEN_LINES = 10.0


class Counter(Protocol):
    """Counts what is done."""

    def __call__(self, more: int = 1) -> None:
        """``more`` are done."""


@contextlib.contextmanager
def progress(what: str, total: int, done: int = 0) -> Iterator[Counter]:
    """Show on standard error how many of ``total`` are done, ``done`` of them from the start."""
    from rich.console import Console

    console = Console(stderr=True)
    if console.is_terminal:
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        columns = (
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
            TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn(),
        )  # fmt: skip
        with Progress(*columns, console=console, transient=True) as bar:
            line = bar.add_task(what, total=total, completed=done)
            yield lambda more=1: bar.advance(line, more)
        return
    shown = started = time.monotonic()
    count = done

    def step(more: int = 1) -> None:
        nonlocal shown, count
        count += more
        now = time.monotonic()
        if now - shown >= SECONDS_BETWEEN_LINES and count < total:
            text = f"{what} {count} of {total} after {now - started:.0f} s"
            print(text, file=sys.stderr, flush=True)
            shown = now

    yield step
