"""What grading gives: points, a verdict and a reason for each question.

``Report.as_dict`` is what ``actlab grade --json`` writes. Version 1 of the schema::

    {"schema": "actlab-grade", "version": 1,
     "engine": "pipe", "isolation": "landlock+seccomp+rlimits", "seed": null,
     "bounds": {"time": "hard", "memory": "watched"},
     "points": 4.0, "maximum": 5.0,
     "notebooks": [
       {"notebook": "exercises/04_relu.ipynb", "chapter": "04_relu", "title": "ReLU",
        "error": null, "notes": [], "points": 4.0, "maximum": 5.0,
        "questions": [
          {"id": "q1", "title": "...", "points": 2.0, "maximum": 2.0,
           "verdict": "pass", "reason": ""}]}]}

``bounds`` says of everything that is bounded how: ``hard``, ``watched`` (looked at a few times a
second) or ``none``. ``verdict`` is one of :data:`VERDICTS`. ``error`` is a sentence when the
notebook could not be graded; it then has no questions and a maximum of the chapter's points, or 0
for an unknown chapter. New keys may be added within a version; a change of meaning makes a new one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SCHEMA = "actlab-grade"
VERSION = 1

VERDICTS = {
    "pass": "full points",
    "partial": "some held-out checks agree, some do not",
    "fail": "the values differ",
    "missing": "there is no answer, or it still raises NotImplementedError",
    "error": "the answer raises an exception or is not Python",
    "forbidden": "the answer uses what the question does not allow",
    "timeout": "a cell or the whole question took too long",
    "output": "it printed or wrote too much",
    "crash": "the process that ran the answer ended",
    "course": "the course's own answer failed: the author's mistake, not the learner's",
}


@dataclass(frozen=True)
class QuestionResult:
    """The outcome of one question. ``reason`` is empty for a pass, else one sentence."""

    id: str
    title: str
    points: float
    maximum: float
    verdict: str
    reason: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The result in the form of the schema."""
        return {
            "id": self.id,
            "title": self.title,
            "points": float(self.points),
            "maximum": float(self.maximum),
            "verdict": self.verdict,
            "reason": self.reason,
        }


@dataclass
class NotebookResult:
    """The outcome of one file.

    Attributes:
        name: the file as the user knows it.
        error: why the file could not be graded, or None.
        maximum: what the chapter can earn.
        notes: things the learner should know although the file was graded.
    """

    path: Path
    name: str
    chapter: str
    title: str
    maximum: float
    error: str | None = None
    questions: list[QuestionResult] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def points(self) -> float:
        """The points earned."""
        return sum(question.points for question in self.questions)

    @property
    def is_full(self) -> bool:
        """Whether every point was earned."""
        return self.error is None and all(q.points >= q.maximum for q in self.questions)

    def as_dict(self) -> dict[str, Any]:
        """The result in the form of the schema."""
        return {
            "notebook": self.name,
            "chapter": self.chapter,
            "title": self.title,
            "error": self.error,
            "notes": list(self.notes),
            "points": float(self.points),
            "maximum": float(self.maximum),
            "questions": [question.as_dict() for question in self.questions],
        }


@dataclass
class Report:
    """The outcome of one run of the grader."""

    notebooks: list[NotebookResult]
    engine: str
    isolation: str
    seed: int | None
    bounds: dict[str, str] = field(default_factory=dict)

    @property
    def points(self) -> float:
        """The points earned in all notebooks."""
        return sum(notebook.points for notebook in self.notebooks)

    @property
    def maximum(self) -> float:
        """The most that all notebooks can earn."""
        return sum(notebook.maximum for notebook in self.notebooks)

    def as_dict(self) -> dict[str, Any]:
        """The report in the form of the schema."""
        return {
            "schema": SCHEMA,
            "version": VERSION,
            "engine": self.engine,
            "isolation": self.isolation,
            "bounds": dict(self.bounds),
            "seed": self.seed,
            "points": float(self.points),
            "maximum": float(self.maximum),
            "notebooks": [notebook.as_dict() for notebook in self.notebooks],
        }
