"""Lines for a learner's eyes, the same in every command; and a bar for what takes long."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from actgrade.learner.standing import Standing

if TYPE_CHECKING:
    from rich.console import Console


def warn(sentence: str) -> None:
    """Say something beside the result, on standard error."""
    print(f"note: {sentence}", file=sys.stderr, flush=True)


def points(got: float, maximum: float) -> str:
    """``3/5``, without needless decimals."""
    return f"{got:g}/{maximum:g}"


def result_line(question: str, got: float, maximum: float, verdict: str, title: str) -> str:
    """One question on one line."""
    return f"{question:<4} {points(got, maximum):>6}  {verdict:<9}  {title}"


def question_lines(standings: Iterable[Standing], current: str | None = None) -> list[str]:
    """A line for every question; the current one has an arrow."""
    return [
        f"{'>' if s.question.id == current else ' '} "
        + result_line(s.question.id, s.points, s.question.points, s.words, s.question.title)
        for s in standings
    ]


def chapter_score(standings: Iterable[Standing]) -> tuple[float, float]:
    """Points and maximum of a chapter."""
    standings = list(standings)
    return sum(s.points for s in standings), sum(s.question.points for s in standings)


def meter(got: float, maximum: float, width: int = 24) -> str:
    """A bar of text that shows a part of a whole."""
    filled = int(width * got / maximum) if maximum else 0
    return f"[{'#' * filled}{'-' * (width - filled)}]"


@contextlib.contextmanager
def bar(console: Console | None, what: str, total: int) -> Iterator[Callable[[str], None]]:
    """A bar while something is done; nothing where ``console`` is None or no terminal.

    Yields:
        A function to call after each of the ``total`` steps, with what comes next.
    """
    if console is None or not console.is_terminal or total == 0:
        yield lambda text: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    # The grader redirects standard output for a while; the bar must not do that as well.
    with Progress(
        *columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False
    ) as progress:
        task = progress.add_task(what, total=total)

        def step(text: str) -> None:
            progress.update(task, advance=1, description=text or what)

        yield step


def stderr_console() -> Console | None:
    """A console for bars, or None in a pipe."""
    if not sys.stderr.isatty():
        return None
    from rich.console import Console

    return Console(stderr=True, highlight=False, markup=False)
