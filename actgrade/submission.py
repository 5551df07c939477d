"""Take a learner's answers, and nothing else, out of whatever file was handed in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from actbase.errors import CommandError
from actgrade import source
from actgrade.answers import Answer, defined_names, find_answers
from actgrade.notebook_file import NotANotebookError, NotebookFile, parse

__all__ = ["Answer", "Submission", "SubmissionError", "defined_names", "read_submission"]

MOST_BYTES = 20 * 2**20


class SubmissionError(CommandError):
    """The file cannot be graded at all."""


@dataclass(frozen=True)
class Submission:
    """The answers of one file.

    Attributes:
        digest: SHA-256 of the file's bytes.
    """

    path: Path
    digest: str
    answers: Mapping[str, Answer]


def read_file(path: Path) -> NotebookFile:
    """The notebook at ``path``, whatever its name.

    Raises:
        SubmissionError: it is no notebook that could be graded; the message is one sentence.
    """
    try:
        if not path.is_file():
            reason = "is a folder" if path.is_dir() else "does not exist"
            raise SubmissionError(f"{path} {reason}")
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise SubmissionError(
                f"{path} has {size / 2**20:.0f} MiB; a notebook may have {MOST_BYTES // 2**20} "
                "(clear its outputs)"
            )
        data = path.read_bytes()
    except OSError as error:
        raise SubmissionError(f"{path} cannot be read: {error.strerror or error}") from None
    try:
        return parse(data)
    except NotANotebookError as reason:
        raise SubmissionError(f"{path} {reason}") from None


def read_submission(path: Path, chapter: source.Assignment) -> Submission:
    """The answers in the file at ``path`` to the questions of ``chapter``.

    Raises:
        SubmissionError: the file is no notebook, or has none of them.
    """
    return answers_of(read_file(path), path, chapter)


def answers_of(notebook: NotebookFile, path: Path, chapter: source.Assignment) -> Submission:
    """The answers in ``notebook``, which was read from ``path``.

    Raises:
        SubmissionError: it has none of this chapter's.
    """
    answers = find_answers(notebook.cells, chapter.questions)
    if all(answer.source is None and answer.problem == "its answer cell is missing"
           for answer in answers.values()):  # fmt: skip
        claimed = notebook.claimed_chapter
        other = f"it is the notebook of {claimed}" if claimed not in (None, chapter.name) else ""
        raise SubmissionError(
            f"{path} has no answer cells of {chapter.name}"
            + (f": {other}" if other else "; is it the notebook of that chapter?")
        )
    return Submission(path, notebook.digest, answers)
