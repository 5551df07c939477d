"""What 'actlab watch' shows: a screen that is drawn anew on a terminal, plain lines in a pipe."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from actgrade.learner import wording
from actgrade.learner.standing import Standing
from actgrade.quote import sentence
from actgrade.results import QuestionResult
from actgrade.source import Assignment

KEYS = (
    ("n", "next"),
    ("h", "hint"),
    ("l", "list"),
    ("c", "check all"),
    ("r", "rerun"),
    ("x", "reset"),
    ("q", "quit"),
)
STYLES = {"pass": "green", "partial": "yellow", "missing": "default", "": "default"}


@dataclass
class View:
    """What is to be seen now.

    Attributes:
        current: id of the question that the learner is at.
        text: hints, lists and messages below the verdict.
    """

    chapter: Assignment
    standings: list[Standing]
    current: str
    notebook: str
    text: list[str] = field(default_factory=list)

    @property
    def standing(self) -> Standing:
        """The standing of the current question."""
        return next(s for s in self.standings if s.question.id == self.current)


class Screen:
    """Draws a :class:`View`."""

    def __init__(self) -> None:
        from rich.console import Console

        # The grader redirects sys.stdout while it runs; the file is kept from before.
        self._console = Console(file=sys.stdout, highlight=False, markup=False, emoji=False)
        self.is_live = self._console.is_terminal
        self._notes: list[str] = []

    def note(self, sentence: str) -> None:
        """Say a sentence that has to be seen once: in the next drawing, or at once in a pipe."""
        if self.is_live:
            self._notes.append(sentence)
        else:
            self._console.file.write(f"note: {sentence}\n")
            self._console.file.flush()

    def draw(self, view: View) -> None:
        """Draw the view; in a pipe only its text."""
        if not self.is_live:
            self._plain(view.text)
            return
        from rich.text import Text

        standing = view.standing
        got, most = wording.chapter_score(view.standings)
        console = self._console
        console.clear()
        console.print(Text(f"{view.chapter.name}: {view.chapter.title}", style="bold"))
        score = f"{got:g} of {most:g} points"
        console.print(Text(f"{wording.meter(got, most)} {score}   {view.notebook}"))
        console.print()
        verdict = standing.record.verdict if standing.is_graded else ""
        line = wording.result_line(
            standing.question.id,
            standing.points,
            standing.question.points,
            standing.words,
            standing.question.title,
        )
        console.print(Text(line, style=STYLES.get(verdict, "red")))
        if standing.is_graded and standing.record.reason:
            console.print(Text(sentence(standing.record.reason)))
        for text in (*self._notes, *view.text):
            console.print()
            console.print(Text(text))
        self._notes.clear()
        console.print()
        keys = Text("  ".join(f"{key} {what}" for key, what in KEYS), style="dim")
        console.print(keys)

    def result(self, chapter: Assignment, result: QuestionResult) -> None:
        """A verdict, as soon as it is known; on a terminal the next drawing shows it."""
        if self.is_live:
            return
        line = wording.result_line(
            result.id, result.points, result.maximum, result.verdict, result.title
        )
        lines = [f"{chapter.name} {line}"]
        if result.reason:
            lines.append(f"  {sentence(result.reason)}")
        self._plain(lines)

    @contextmanager
    def grading(self, what: str, total: int) -> Iterator[Callable[[str], None]]:
        """A bar while ``total`` questions are graded."""
        with wording.bar(self._console if self.is_live else None, what, total) as step:
            yield step

    def _plain(self, lines: list[str]) -> None:
        for line in lines:
            self._console.file.write(line + "\n")
        self._console.file.flush()
