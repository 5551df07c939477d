"""The cells of one question, in the order in which they run, and a run of them without a judge.

A trial of the reference gives the expected output, a trial of a known wrong answer shows whether a
learner made the same mistake. The learner's own answer runs under nbval, in
:mod:`actgrade.nodes`.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from queue import Empty
from typing import TYPE_CHECKING, Any

from actgrade.answers import bound_names
from actgrade.apart import REMEMBER, run_apart
from actgrade.quote import clean
from actgrade.sandbox.cell_names import file_name
from actgrade.sandbox.lost import KernelLost
from actgrade.source import Assignment, Question, Tolerance

if TYPE_CHECKING:
    from actgrade.sandbox.kernel import Kernel
    from actgrade.sandbox.launcher import Launcher


@dataclass(frozen=True)
class TrialCell:
    """One code cell to run.

    Attributes:
        role: setup, needs, answer, check or held.
        name: unique in the question, e.g. ``held-q1-1``.
        points: what it earns when its values agree; 0 unless held.
    """

    role: str
    name: str
    source: str
    points: float = 0.0
    tolerance: Tolerance = field(default_factory=Tolerance)

    @property
    def is_judged(self) -> bool:
        """Whether its output is compared."""
        return self.role in ("check", "held")


@dataclass
class CellOutcome:
    """What one cell did.

    Attributes:
        kind: ``ok``, ``differs``, ``error``, ``timeout``, ``crash``, ``output``, ``garbage``,
            ``start``, ``skipped`` (the kernel was gone before it), ``unfinished`` (not compared) or
            ``course`` (the reference failed, so there is nothing to compare with).
        text: what it printed on stdout.
        expected: what the reference printed, where that is known.
        ename, evalue, traceback: of the exception that ended it, if one did.
    """

    cell: TrialCell
    kind: str = "ok"
    text: str = ""
    expected: str | None = None
    ename: str = ""
    evalue: str = ""
    traceback: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Seeds:
    """Where ``SEED`` comes from: a key nobody can guess, and what was handed in.

    Two submissions get different inputs, and the same one gets other inputs each time, unless the
    person who grades asks for a fixed seed.
    """

    key: bytes
    fixed: int | None = None

    def seed(self, chapter: Assignment, cell: str, digest: str) -> int:
        """The seed of one held cell, 0 to 2**32 - 1."""
        key = self.key if self.fixed is None else f"fixed {self.fixed}".encode()
        digest = digest if self.fixed is None else ""
        message = f"{chapter.name}/{cell}/{digest}".encode()
        return int.from_bytes(hmac.new(key, message, hashlib.sha256).digest()[:4], "big")


def cells_of(
    chapter: Assignment, question: Question, answer: str, seeds: Seeds, digest: str
) -> list[TrialCell]:
    """Everything that runs for one question, with ``answer`` in the place of the reference."""
    cells = [
        TrialCell("setup", f"setup-{number}", text)
        for number, text in enumerate(chapter.setup, start=1)
    ]
    for name in _all_needs(chapter, question):
        cells.append(TrialCell("needs", f"needs-{name}", chapter.question(name).answer))
    last = cells.pop() if cells else TrialCell("setup", "setup-1", "")
    cells.append(replace(last, source=f"{last.source}\n\n{REMEMBER}"))
    cells.append(TrialCell("answer", f"answer-{question.id}", answer))
    asked = defined(question.answer)
    # Those with points first: a part that takes too long must not use up the others' time.
    for held in question.helds:
        # For the course's functions, too: they look for SEED where they were defined.
        seed = f"SEED = {seeds.seed(chapter, held.id, digest)}\n"
        text = seed + run_apart(seed + held.source, file_name("held"), asked)
        cells.append(TrialCell("held", held.id, text, held.points, held.tolerance))
    for check in question.checks:
        text = run_apart(check.source, file_name("check"), asked)
        cells.append(TrialCell("check", check.id, text, tolerance=check.tolerance))
    return cells


@functools.cache
def defined(reference: str) -> frozenset[str]:
    """The names that a reference answer defines, which is what its question asks for."""
    return frozenset(bound_names(ast.parse(reference), imports=False))


def _all_needs(chapter: Assignment, question: Question) -> list[str]:
    """Questions whose reference answer this one builds on, and those that they build on, first."""
    ordered: list[str] = []
    for name in question.needs:
        for earlier in (*_all_needs(chapter, chapter.question(name)), name):
            if earlier not in ordered:
                ordered.append(earlier)
    return ordered


class Trial:
    """Run cells in a kernel of their own; they start at once, and are waited for one by one."""

    def __init__(
        self,
        launcher: Launcher,
        cells: list[TrialCell],
        forbid: Sequence[str] = (),
        absent: Sequence[str] = (),
    ) -> None:
        from actgrade.sandbox import make_kernel

        self._outcomes: dict[str, CellOutcome] = {}
        self._cells = list(cells)
        self._lost: KernelLost | None = None
        self._requests: list[str] = []
        self._kernel: Kernel | None = None
        try:
            self._kernel = make_kernel(launcher, forbid, absent)
            for cell in cells:
                self._kernel.announce(cell.role)
                self._requests.append(self._kernel.execute_cell_input(cell.source))
        except KernelLost as lost:
            self._lost = lost

    def outcome(self, name: str) -> CellOutcome:
        """The outcome of the cell with this name, after waiting for it."""
        while name not in self._outcomes:
            index = len(self._outcomes)
            cell = self._cells[index]
            self._outcomes[cell.name] = self._collect(cell, index)
        return self._outcomes[name]

    def outcomes(self) -> list[CellOutcome]:
        """The outcomes of all cells, in order."""
        return [self.outcome(cell.name) for cell in self._cells]

    def close(self) -> None:
        """End the kernel."""
        if self._kernel is not None:
            self._kernel.stop()

    def _collect(self, cell: TrialCell, index: int) -> CellOutcome:
        outcome = CellOutcome(cell)
        kernel = self._kernel
        if self._lost is not None or kernel is None:
            outcome.kind = self._lost.kind if self._lost and index == 0 else "skipped"
            return outcome
        request = self._requests[index]
        try:
            kernel.await_reply(request)
            while True:
                message = kernel.get_message("iopub", 1.0)
                if message["parent_header"].get("msg_id") != request:
                    continue
                if message["msg_type"] == "status":
                    if message["content"]["execution_state"] == "idle":
                        return outcome
                    continue
                _add(outcome, message)
        except Empty:
            self._lost = KernelLost("timeout", "time is up")
            kernel.stop()
            outcome.kind = "timeout"
        except KernelLost as lost:
            self._lost = lost
            outcome.kind = lost.kind
        return outcome


def _add(outcome: CellOutcome, message: dict[str, Any]) -> None:
    kind, content = message["msg_type"], message["content"]
    if kind == "stream" and content["name"] == "stdout":
        outcome.text += clean(content["text"])
    elif kind == "error":
        outcome.kind = "error"
        outcome.ename, outcome.evalue = clean(content["ename"]), clean(content["evalue"])
        outcome.traceback = [clean(line) for line in content["traceback"]]
