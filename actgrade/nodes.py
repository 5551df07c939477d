"""nbval's notebook and cell, made safe to judge somebody else's answers with.

A submission becomes one notebook for each question. Its cells are the course's, but for the answer;
it has a kernel of its own; and the outputs to compare with come from a run of the reference with
the same seed, which exists nowhere but in this process. nbval runs the cells and compares the
outputs, outside the process that runs the learner's code.

What is overridden, and why: ``collect`` (cells come from memory, not from a file), ``setup`` and
``teardown`` (our kernels), the cell's ``setup`` (nbval marks every cell after a timeout as an
expected failure), ``compare_outputs`` (only what is printed counts; the reference is asked for
here), ``sanitize`` (returns text that compares with a tolerance), ``format_output_compare`` and
``repr_failure`` (a reason, never the reference's output).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from nbformat import NotebookNode
from nbval.plugin import IPyNbCell, IPyNbFile, NbCellError

from actgrade.compare import TolerantText, own_lines
from actgrade.origin import calls_of, recording
from actgrade.quote import clean
from actgrade.reasons import Telling, conclude, reason_for
from actgrade.results import QuestionResult
from actgrade.sandbox import make_kernel
from actgrade.sandbox.lost import SECONDS_AFTER_INTERRUPT, KernelLost
from actgrade.trial import CellOutcome, Trial, TrialCell, cells_of
from actgrade.walls import walls_of

if TYPE_CHECKING:
    from actgrade.job import Job, Task
    from actgrade.source import Question


class AllSubmissions(pytest.File):
    """The root of a run that was not started from pytest's command line."""

    job: Job

    def collect(self) -> Iterator[pytest.Collector]:
        """A file for each task of the job."""
        for number, task in enumerate(self.job.tasks):
            node = SubmissionFile.from_parent(
                self, path=self.path, name=str(number), nodeid=f"submission-{number}"
            )
            node.job, node.task = self.job, task
            yield node


class SubmissionFile(pytest.File):
    """One file that was handed in; collects a notebook for each question."""

    job: Job
    task: Task

    def collect(self) -> Iterator[pytest.Collector | pytest.Item]:
        """The questions: to be run, or lost already."""
        for question in self.task.chapter.questions:
            answer = self.task.submission.answers[question.id]
            lost = self.job.lost_before(self.task, question)
            if lost is not None:
                self.job.finish(self.task, lost)
                item = LostQuestion.from_parent(self, name=question.id)
                item.reason = lost.reason
                yield item
                continue
            assert answer.source is not None
            node = QuestionNotebook.from_parent(
                self, path=self.path, name=question.id, nodeid=f"{self.nodeid}::{question.id}"
            )
            node.job, node.task, node.question = self.job, self.task, question
            node.answer = answer.source
            yield node


class LostQuestion(pytest.Item):
    """A question that cannot be run: no answer, or one that may not be."""

    reason = ""

    def runtest(self) -> None:
        """Fail with the reason."""
        raise LostError(self.reason)

    def repr_failure(self, excinfo: Any, style: Any = None) -> str:
        """The reason alone."""
        return str(excinfo.value)

    def reportinfo(self) -> tuple[Any, int, str]:
        """Where pytest says the item is."""
        return self.path, 0, f"{self.path.name}::{self.name}"


class LostError(Exception):
    """A question is lost before it runs."""


class QuestionNotebook(IPyNbFile):
    """The trusted notebook of one question with the learner's answer in it."""

    job: Job
    task: Task
    question: Question
    answer: str

    def collect(self) -> Iterator[QuestionCell]:
        """nbval's cells, from memory."""
        self.outcomes: list[CellOutcome] = []
        self.trial_cells = cells_of(
            self.task.chapter,
            self.question,
            self.answer,
            self.job.seeds,
            self.task.submission.digest,
        )
        for number, cell in enumerate(self.trial_cells):
            # Options never come from comments or tags: the learner's code may contain any.
            options = defaultdict(bool, check=cell.is_judged)
            node = NotebookNode(
                cell_type="code",
                source=cell.source,
                metadata=NotebookNode(),
                outputs=[],
                execution_count=1,  # nbval does not compare cells that were never run
            )
            item = QuestionCell.from_parent(
                self, name=cell.name, cell_num=number, cell=node, options=options
            )
            item.trial_cell = cell
            yield item

    def setup(self) -> None:
        """Start the learner's kernel, and beside it a run of the reference."""
        self.kernel = self.reference = None
        chapter, question = self.task.chapter, self.question
        absent = walls_of(chapter, question).absent
        self.reference = self.job.references.run(
            (chapter.name, question.id), self._reference_cells(), absent
        )
        try:
            self.kernel = make_kernel(self.job.launcher, question.forbid, absent)
        except KernelLost:
            self.kernel = None

    def _reference_cells(self) -> list[TrialCell]:
        return [
            TrialCell("answer", cell.name, self.question.answer) if cell.role == "answer" else cell
            for cell in self.trial_cells
        ]

    def teardown(self) -> None:
        """End both kernels and conclude."""
        if self.kernel is not None:
            self.kernel.stop()
        if self.reference is not None:  # else an interrupt came before it was asked for
            self.job.references.done(self.reference)
        if len(self.outcomes) == len(self.trial_cells):
            self.job.finish(self.task, self.conclude())

    def telling(self) -> Telling:
        """What a reason may say about this question."""
        return Telling(
            reveal=self.job.options.reveal,
            limits=self.job.launcher.limits,
            other_names=self.task.submission.answers[self.question.id].names_elsewhere,
            known_mistake=lambda: self.job.known_mistake(self.task, self.question, self.outcomes),
            calls=self._calls,
        )

    def _calls(self, name: str) -> list[str | None]:
        """The calls behind what the cell ``name`` shows, from one more run of the reference."""
        absent = walls_of(self.task.chapter, self.question).absent
        trial = Trial(self.job.launcher, recording(self._reference_cells()), absent=absent)
        try:
            return calls_of(trial.outcome(name).text)
        finally:
            trial.close()

    def conclude(self) -> QuestionResult:
        """Points, verdict and reason."""
        return conclude(self.question, self.outcomes, self.answer, self.telling())


class QuestionCell(IPyNbCell):
    """One cell of a question, run and compared by nbval."""

    parent: QuestionNotebook
    trial_cell: TrialCell

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self.output_timeout = SECONDS_AFTER_INTERRUPT
        self.outcome: CellOutcome | None = None
        self.expected: str | None = None

    def setup(self) -> None:
        """Unlike nbval: a cell after a timeout is lost, not expected to fail."""

    def stop(self) -> None:
        """nbval calls this on the cell when it means the kernel."""
        if self.parent.kernel is not None:
            self.parent.kernel.stop()

    def runtest(self) -> None:
        """Run and compare as nbval does, and keep what happened."""
        outcome = self.outcome = CellOutcome(self.trial_cell)
        self.parent.outcomes.append(outcome)
        kernel = self.parent.kernel
        if kernel is None or not kernel.is_alive():
            gone_before = any(
                o.kind not in ("ok", "differs", "error") for o in self.parent.outcomes[:-1]
            )
            outcome.kind = "skipped" if gone_before else "start" if kernel is None else "crash"
            raise LostError("the kernel is gone")
        # Until nbval has compared, nothing counts as right: an interrupt, or an exception that
        # nobody foresaw, must not leave points behind.
        outcome.kind = "unfinished"
        kernel.announce(self.trial_cell.role)
        try:
            super().runtest()
        except KernelLost as lost:
            outcome.kind = lost.kind
            raise
        except NbCellError:
            outcome.kind = "differs"
            raise
        else:
            outcome.kind = "ok"
        finally:
            self._keep_outputs(outcome)
            if self.parent.timed_out:
                outcome.kind = "timeout"
                # Where the interrupt ended the cell, the next ones run, as after an exception:
                # who got one part right keeps its points. Twice is enough.
                self.parent.timed_out = False
                if sum(o.kind == "timeout" for o in self.parent.outcomes) > 1:
                    kernel.stop()
        if outcome.kind == "timeout":
            raise LostError("time is up")

    def _keep_outputs(self, outcome: CellOutcome) -> None:
        outcome.expected = self.expected
        for output in self.test_outputs or []:
            if output.output_type == "stream" and output.name == "stdout":
                outcome.text += clean(output.text)
            elif output.output_type == "error":
                outcome.kind = "error"
                outcome.ename, outcome.evalue = clean(output.ename), clean(output.evalue)
                outcome.traceback = [clean(line) for line in output.traceback]

    def compare_outputs(self, test: Any, ref: Any, skip_compare: Any = None) -> bool:
        """Compare what was printed with what the reference printed for the same seed."""
        assert self.parent.reference is not None
        reference = self.parent.reference.outcome(self.trial_cell.name)
        if reference.kind != "ok":
            assert self.outcome is not None
            self.outcome.ename = reference.ename or reference.kind
            raise KernelLost("course", "the reference failed")
        self.expected = reference.text
        printed = [o for o in test if o.output_type == "stream" and o.name == "stdout"]
        wanted = [NotebookNode(output_type="stream", name="stdout", text=reference.text)]
        text = own_lines(reference.text, clean("".join(output.text for output in printed)))
        printed = [NotebookNode(output_type="stream", name="stdout", text=text)]
        return super().compare_outputs(printed, wanted, skip_compare)

    def sanitize(self, s: Any) -> Any:
        """Text that compares with this cell's tolerance."""
        return TolerantText(clean(s), self.trial_cell.tolerance) if isinstance(s, str) else s

    def format_output_compare(self, key: str, left: Any, right: Any) -> None:
        """No diff: it would show the reference's output, and takes minutes for long text."""

    def repr_failure(self, excinfo: Any, style: Any = None) -> str:
        """The reason, in the words of the report."""
        if self.outcome is None or self.outcome.kind == "unfinished":
            return f"the grader itself failed: {excinfo.value!r}"
        notebook = self.parent
        # Without the calls, which take a run of their own.
        telling = replace(notebook.telling(), calls=lambda name: ())
        return reason_for(self.outcome, notebook.question, notebook.answer, telling)

    def reportinfo(self) -> tuple[Any, int, str]:
        """Where pytest says the item is."""
        return self.path, 0, f"{self.path.name}::{self.parent.name}::{self.name}"
