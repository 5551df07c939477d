"""All checks of one chapter, by name, with what each found."""

from __future__ import annotations

import multiprocessing
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from actbase.errors import CommandError
from actgrade import right_answers
from actgrade.course import Course
from actgrade.release import build
from actgrade.source import Assignment
from actgrade.verify import verify
from actlab import claims
from bookbuild.chapters import BY_NAME
from bookbuild.checks import form, layout, prose, rerun
from bookbuild.pages import evidence, registry
from bookbuild.paths import ROOT


@dataclass
class Outcome:
    """What one check found: ``faults`` fail the chapter, ``remarks`` do not."""

    check: str
    said: str = ""
    faults: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    seconds: float = 0.0


class Chapter:
    """One chapter of the repository at ``root``, and how each of its checks is made."""

    def __init__(self, name: str, root: Path = ROOT, seed: int | None = None) -> None:
        """Name a chapter, such as ``04_relu``; ``seed`` draws the inputs of hidden tests."""
        self.name = name
        self.root = root
        self.seed = seed
        self.path = root / "notebooks" / f"{name}.ipynb"
        self.course = Course(root)
        self.answers_path = root / "tests" / "actgrade" / "right_answers" / f"{name}.py"

    @cached_property
    def notebook(self) -> dict[str, Any]:
        """The notebook as JSON."""
        return layout.read(self.path)

    @cached_property
    def assignment(self) -> Assignment:
        """Its exercises."""
        return self.course.chapter(self.name)

    def lint(self, outcome: Outcome) -> None:
        """Ruff, on every file of the chapter."""
        files = form.text_files(self.root, self.name)
        beside = Path(sys.executable).with_name("ruff")
        ruff = str(beside) if beside.exists() else shutil.which("ruff")
        if ruff is None:
            outcome.remarks.append("ruff is not installed, so nothing was linted")
            return
        scripts = [path for path in files if path.suffix == ".py"]
        for arguments in (["check", *files], ["format", "--check", *scripts] if scripts else []):
            if not arguments:
                continue
            done = subprocess.run(
                [ruff, *map(str, arguments), "--quiet"]
                + (["--output-format", "concise"] if arguments[0] == "check" else []),
                capture_output=True,
                text=True,
                cwd=self.root,
            )
            if done.returncode:
                outcome.faults += (done.stdout + done.stderr).strip().splitlines()[:10]
        outcome.said = f"{len(files)} files"

    def contents(self, outcome: Outcome) -> None:
        """The table of contents and the README know the chapter."""
        if self.name not in BY_NAME:
            outcome.remarks.append(
                f"{self.name} is not in the list of chapters (bookbuild/chapters.py)"
            )
            return
        outcome.faults += [
            f"{name} is not what the chapters say; run 'python -m bookbuild.pages.registry'"
            for name in registry.outdated(self.root)
        ]

    def sections(self, outcome: Outcome) -> None:
        """The sections, guesses and boxes that every chapter has."""
        outcome.faults += form.section_faults(self.notebook)
        outcome.said = f"{len(layout.sections(self.notebook)) - 1} sections"

    def figures(self, outcome: Outcome) -> None:
        """Every figure has a caption, a name, alt text, and folded code."""
        outcome.faults += form.figure_faults(self.notebook, int(self.name[:2]))
        outcome.remarks += form.unmentioned(self.notebook)
        count = sum(len(part.figures) for part in layout.sections(self.notebook))
        outcome.said = f"{count} figures"

    def numbers(self, outcome: Outcome) -> None:
        """Each number that a reader reads is printed by a cell of its section."""
        outcome.faults += prose.faults(self.notebook)

    def claims(self, outcome: Outcome) -> None:
        """Every claim of the chapter is decided, by a section that exists and prints."""
        path = self.root / "book" / "claims.csv"
        rows = [row for row in claims.load(path) if row.chapter == self.name]
        if not rows:
            outcome.remarks.append("the ledger has no claim for it")
            return
        outcome.faults += [f"claim {row.id} is still open" for row in rows if not row.decided]
        headings = evidence.sections(self.notebook)
        for row in rows:
            if row.decided:
                outcome.faults += evidence.faults_of(row, headings)
        outcome.said = claims.summary(rows)

    def released(self, outcome: Outcome) -> None:
        """exercises/ is what solutions/ says."""
        built = build(self.course.source_path(self.name), self.course.exercises)
        outcome.faults += [
            f"{one.path.relative_to(self.root)} is out of date; run 'actlab release'"
            for one in built
            if not one.is_current()
        ]

    def graded(self, outcome: Outcome) -> None:
        """The stub earns 0, the reference everything, and every wrong answer loses points."""
        proofs = verify([self.assignment], seed=self.seed)
        kills = [kill for proof in proofs for kill in proof.kills]
        caught = sum(kill.is_caught for kill in kills)
        outcome.faults += [problem for proof in proofs for problem in proof.problems()]
        outcome.said = f"{len(proofs)} questions, {caught} of {len(kills)} wrong answers caught"

    def right_answers(self, outcome: Outcome) -> None:
        """Right answers, written in other ways, get full marks."""
        answers = right_answers.read(self.answers_path)
        outcome.faults += right_answers.faults(self.assignment, answers)
        known = {question.id for question in self.assignment.questions}
        answers = [answer for answer in answers if answer.question in known]
        results = right_answers.graded(self.assignment, answers)
        outcome.faults += right_answers.lost_points(answers, results)
        outcome.said = f"{len(answers)} answers"

    def length(self, outcome: Outcome) -> None:
        """Words, cells and visible lines."""
        measured = form.lengths(self.notebook)
        outcome.said = ", ".join(f"{value} {name}" for name, value in measured.items())
        outcome.faults += form.long_cells(self.notebook)
        outcome.remarks += form.too_long(dict(measured))

    #: Name of a check, and its method, in the order of the table; the slow ones last.
    QUICK = ("lint", "contents", "sections", "figures", "numbers", "claims", "length", "released")
    SLOW = ("graded", "right_answers")


def check(
    name: str, root: Path = ROOT, *, quick: bool = False, seed: int | None = None
) -> Iterator[Outcome]:
    """Make all checks of a chapter, one after the other, while it runs twice beside them.

    Args:
        name: such as ``04_relu``.
        root: the repository.
        quick: neither run nor grade anything.
        seed: of the hidden tests' inputs; drawn anew when None.
    """
    chapter = Chapter(name, root, seed)
    checks: list[str] = [*Chapter.QUICK, *(() if quick else Chapter.SLOW)]
    context = multiprocessing.get_context("spawn")
    pool = None if quick else ProcessPoolExecutor(2, mp_context=context)
    try:
        began = time.monotonic()
        runs = [pool.submit(rerun.rerun, chapter.path) for _ in range(2)] if pool else []
        for one in checks:
            yield _made(one, getattr(chapter, one))
        if runs:
            outcome = _made("twice", partial(_twice, chapter, [run.result() for run in runs]))
            outcome.seconds = time.monotonic() - began
            yield outcome
    finally:
        if pool:
            pool.shutdown(cancel_futures=True)


def _twice(chapter: Chapter, runs: list[rerun.Rerun], outcome: Outcome) -> None:
    outcome.faults += rerun.differences(chapter.path, runs)
    seconds = min(run.cpu_seconds for run in runs)
    outcome.said = f"{seconds:.0f} CPU seconds"
    outcome.remarks += form.too_long({"CPU seconds": seconds})


def _made(name: str, make: Callable[[Outcome], None]) -> Outcome:
    outcome = Outcome(name.replace("_", " "))
    start = time.monotonic()
    try:
        make(outcome)
    except CommandError as error:
        outcome.faults.append(str(error))
    except claims.ClaimsError as error:
        outcome.faults.append(f"the ledger cannot be read: {error}")
    outcome.seconds = time.monotonic() - start
    return outcome
