"""Show a report: a table in a terminal, plain lines in a pipe."""

from __future__ import annotations

from typing import IO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from actgrade.quote import sentence
from actgrade.results import NotebookResult, QuestionResult, Report
from actgrade.sandbox.confinement import ISOLATED

_STYLES = {"pass": "green", "partial": "yellow"}


def print_report(report: Report, stream: IO[str]) -> None:
    """Write the whole report to ``stream``; colours and wrapping only when it is a terminal."""
    console = Console(file=stream, highlight=False, markup=False, emoji=False)
    for notebook in report.notebooks:
        if console.is_terminal:
            _print_table(notebook, console)
        else:
            stream.write(plain_notebook(notebook))
    if len(report.notebooks) > 1:
        lost = sum(notebook.error is not None for notebook in report.notebooks)
        maximum = sum(n.maximum for n in report.notebooks if n.error is None)
        more = f"; {lost} not graded" if lost else ""
        stream.write(f"In all: {amount(report.points)} of {amount(maximum)} points{more}.\n")
    if report.isolation != ISOLATED:
        reason = report.isolation.removeprefix("none: ")
        stream.write(f"Not isolated: {reason}. Grade only answers that you trust.\n")


def amount(points: float) -> str:
    """Points without a needless decimal point."""
    return f"{points:g}"


def plain_notebook(notebook: NotebookResult) -> str:
    """One notebook as lines of text."""
    lines = [_title(notebook)]
    lines += [f"  note: {note}" for note in notebook.notes]
    if notebook.error is not None:
        return "\n".join([*lines, f"  not graded: {notebook.error}", ""])
    wide = max((len(question.id) for question in notebook.questions), default=0)
    for question in notebook.questions:
        score = f"{amount(question.points)}/{amount(question.maximum)}"
        lines.append(
            f"  {question.id:<{wide}}  {score:>5}  {question.verdict:<9}  {question.title}"
        )
        if question.reason:
            lines.append(f"  {'':<{wide}}  {_reason(question)}")
    return "\n".join([*lines, ""])


def _title(notebook: NotebookResult) -> str:
    score = f"{amount(notebook.points)} of {amount(notebook.maximum)} points"
    if notebook.error is not None:
        score = "not graded, which is no zero"
    return f"{notebook.name}: {notebook.title}, {score}"


def _reason(question: QuestionResult) -> str:
    # Not capitalised: many reasons begin with the name of a value.
    return sentence(question.reason) if question.reason else ""


def _print_table(notebook: NotebookResult, console: Console) -> None:
    console.print(Text(_title(notebook), style="bold"))
    for note in notebook.notes:
        console.print(Text(f"note: {note}"))
    if notebook.error is not None:
        console.print(Text(f"not graded: {notebook.error}", style="red"))
        return
    table = Table(show_edge=False, pad_edge=False)
    table.add_column("question", no_wrap=True)
    table.add_column("title", ratio=2)
    table.add_column("points", justify="right", no_wrap=True)
    table.add_column("reason", ratio=4)
    for question in notebook.questions:
        style = _STYLES.get(question.verdict, "red")
        table.add_row(
            Text(question.id),
            Text(question.title),
            Text(f"{amount(question.points)}/{amount(question.maximum)}", style=style),
            Text(_reason(question)),
        )
    console.print(table)
    console.print()
