"""From what the cells of a question did to points, a verdict and a reason."""

from __future__ import annotations

import builtins
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from actgrade.apart import STOPPED
from actgrade.feedback import explain_text
from actgrade.magics import lines_of
from actgrade.origin import origins_of
from actgrade.quote import plain, quote
from actgrade.results import QuestionResult
from actgrade.sandbox.cell_names import file_name
from actgrade.sandbox.guard import not_allowed, not_there
from actgrade.sandbox.limits import Limits
from actgrade.source import Question
from actgrade.trial import CellOutcome, defined

FORBIDDEN_ERROR = "ForbiddenUse"
TOO_LONG = "it takes longer than"

_VERDICTS = {
    "differs": "fail",
    "error": "error",
    "timeout": "timeout",
    "crash": "crash",
    "garbage": "crash",
    "output": "output",
    "disk": "output",
    "memory": "crash",
    "threads": "crash",
    "start": "course",
    "course": "course",
}
_ORDER = {"answer": 1, "check": 2, "held": 3}
_ANSWER_LINE = re.compile(r'(?:File "?' + re.escape(file_name("answer")) + r'"?(?:, line |:))(\d+)')


@dataclass(frozen=True)
class Telling:
    """How much a reason may say, and what it may look up.

    Attributes:
        reveal: held inputs and expected values may be named, and what the code says in a held
            cell may be quoted, which it can choose to be the inputs.
        limits: what the kernel was allowed.
        other_names: names that the learner's other cells define.
        calls: given the name of a cell, the call behind each line that it shows.
        known_mistake: given the outcomes, the sentence of the known wrong answer that behaves the
            same, or None.
    """

    reveal: bool
    limits: Limits
    other_names: frozenset[str] = frozenset()
    known_mistake: Callable[[], str | None] = lambda: None
    calls: Callable[[str], Sequence[str | None]] = lambda name: ()


def conclude(
    question: Question, outcomes: Iterable[CellOutcome], answer: str, telling: Telling
) -> QuestionResult:
    """Points, verdict and reason for one question from the outcomes of its cells."""
    # As they stand in the notebook; they run in another order.
    outcomes = sorted(outcomes, key=lambda outcome: _ORDER.get(outcome.cell.role, 0))
    points = sum(o.cell.points for o in outcomes if o.cell.role == "held" and o.kind == "ok")
    if points >= question.points:
        return QuestionResult(question.id, question.title, points, question.points, "pass")
    telltale = _telltale(outcomes)
    if telltale is None:
        reason, verdict = "the question was not run to its end", "crash"
    else:
        reason = reason_for(telltale, question, answer, telling)
        verdict = _VERDICTS.get(telltale.kind, "crash")
        if telltale.kind == "error" and telltale.ename == "NotImplementedError":
            verdict = "missing"
        elif telltale.ename == FORBIDDEN_ERROR:
            verdict = "forbidden"
    if verdict in ("fail", "error"):
        because = telling.known_mistake()
        if because:
            reason = f"known mistake: {because.rstrip('.')} ({reason})"
    if points > 0 and verdict not in ("course", "forbidden"):
        verdict = "partial"
    return QuestionResult(question.id, question.title, points, question.points, verdict, reason)


def _telltale(outcomes: list[CellOutcome]) -> CellOutcome | None:
    """The outcome that explains the lost points best."""
    # An answer that does not even run explains everything after it.
    for outcome in outcomes:
        if outcome.cell.role in ("setup", "needs") and outcome.kind not in ("ok", "skipped"):
            outcome.kind = "course"
            return outcome
    # A visible check is easier to look at than a held-out one, when both fail.
    lost = [o for o in outcomes if o.cell.is_judged and o.kind not in ("ok", "skipped")]
    held = [o for o in lost if o.cell.role == "held"]
    for outcome in outcomes:
        if outcome.cell.role == "answer" and outcome.kind != "ok":
            # What stands above an exit() has run: when its values differ, they are the reason.
            ended = outcome.ename == "SystemExit" and held and held[0].kind == "differs"
            return held[0] if ended else outcome
    if held and held[0].kind == "differs":
        return held[0]
    return lost[0] if lost else None


def reason_for(outcome: CellOutcome, question: Question, answer: str, telling: Telling) -> str:
    """Why one cell earned nothing: a sentence without a full stop."""
    limits = telling.limits
    if outcome.kind == "differs":
        name = outcome.cell.name
        held = next((held for held in question.helds if held.id == name), None)
        return explain_text(
            outcome.expected or "",
            outcome.text,
            outcome.cell.tolerance,
            reveal=telling.reveal,
            # The names in a visible check are before the learner's eyes.
            origins=origins_of(held.source, defined(question.answer)) if held else None,
            calls=lambda: telling.calls(name),
        )
    if outcome.kind == "error":
        return _explain_error(outcome, question, answer, telling)
    if outcome.kind == "timeout":
        line = answer_line(outcome)
        where = f"; it was in line {line[0]} of your answer" if line else ""
        return (
            f"{TOO_LONG} {limits.cell_seconds:g} s for a cell or "
            f"{limits.question_seconds:g} s in all{where}"
        )
    if outcome.kind == "output":
        return f"it prints more than {limits.output_bytes / 2**20:g} MiB in one cell"
    if outcome.kind == "disk":
        return f"it writes more than {limits.disk_bytes / 2**20:g} MiB of files"
    if outcome.kind == "memory":
        return f"it needs more than {limits.memory_bytes / 2**30:g} GiB of memory"
    if outcome.kind == "threads":
        return f"it starts more than {limits.threads} threads"
    if outcome.kind == "crash":
        return "the Python process ended while it ran (an exit, a crash, or too much memory)"
    if outcome.kind == "garbage":
        return "what it sent to the grader is no message of a notebook"
    if outcome.kind == "start":
        return "no Python process could be started for it"
    if outcome.kind == "course":
        return (
            "the course's own code failed, which is not your mistake; please report question "
            f"{question.id}" + (f" ({outcome.ename})" if outcome.ename else "")
        )
    if outcome.kind == "unfinished":
        return "it was not judged to its end; grade it again"
    return "it was not run, because the process had ended"


def _explain_error(outcome: CellOutcome, question: Question, answer: str, telling: Telling) -> str:
    name, message = quote(outcome.ename, 60), quote(outcome.evalue, 160)
    line = answer_line(outcome)
    # Held cells run before the checks: what an answer has seen there, it could say in a check.
    may_quote = telling.reveal or outcome.cell.role not in ("held", "check")
    if not may_quote and not isinstance(getattr(builtins, name, None), type):
        name = name if name == FORBIDDEN_ERROR else "an exception"
    if name == FORBIDDEN_ERROR:
        # An answer may raise something of that name too, with words of its own.
        named = any(
            message in (not_allowed(word), not_there(word.partition(".")[0]))
            for word in question.forbid
        )
        return message if named else "it raises an exception of the grader's"
    if name == "NotImplementedError":
        return "not written yet"
    if name in ("SyntaxError", "IndentationError", "TabError") and may_quote:
        at = f" (line {line[0]} of your answer)" if line else ""
        message = re.sub(r" \(<cell answer>, line \d+\)", "", message)
        return f"it is not valid Python: {message}{at}"
    if name in ("SystemExit", "BdbQuit", "StdinNotImplementedError"):
        return _explain_end(name, message, line, answer)
    if name == "MemoryError":
        return f"it needs more than {telling.limits.memory_bytes / 2**30:g} GiB of memory"
    if name == "NameError":
        match = re.match(r"name '(\w+)' is not defined", message)
        if match and match[1] in telling.other_names:
            return (
                f"{match[1]} is defined in another cell, and only the answer cell is graded: "
                "move it there"
            )
    text = f"it raises {name}" + (f": {message}" if message and may_quote else "")
    return text + _at(line, answer)


def _explain_end(name: str, message: str, line: tuple[int] | None, answer: str) -> str:
    """What ends or stops the program: there is nobody to go on."""
    at = _at(line, answer)
    if name == "SystemExit" and message != STOPPED:
        return f"it ends the program, as exit() and sys.exit() do{at}: remove that"
    if name == "StdinNotImplementedError":
        return f"it waits for somebody to type, and nobody is there{at}"
    return f"it stops in the debugger, and nobody is there to go on{at}: remove that"


def _at(line: tuple[int] | None, answer: str) -> str:
    """Where in the answer, with that line; empty where nobody knows."""
    if line is None:
        return ""
    lines = lines_of(answer)
    source = lines[line[0] - 1].strip() if line[0] <= len(lines) else ""
    shown = f": {quote(source, 60)}" if source else ""
    return f" (line {line[0]} of your answer{shown})"


def answer_line(outcome: CellOutcome) -> tuple[int] | None:
    """The line of the learner's answer in which the exception arose, or None."""
    found = None
    for text in outcome.traceback:
        for match in _ANSWER_LINE.finditer(plain(text)):
            found = match
    return (int(found[1]),) if found and len(found[1]) < 7 else None
