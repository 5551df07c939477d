"""Grade inside Gradescope: ``python -m actgrade.classroom.gradescope [FOLDER]``.

FOLDER is Gradescope's (``/autograder``). Reads ``submission/``, the course in ``source/course/``
and the chapters named in ``source/chapters.txt``, one a line (all that were handed in, without that
file); writes ``results/results.json``. When the grader itself fails there is no such file and the
exit code is not 0, so that Gradescope shows an error to the instructor and nobody gets a zero.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from actbase.console import run_command
from actbase.errors import CommandError
from actbase.files import remove_file, write_json
from actgrade.classroom.single import Graded, grade_one
from actgrade.course import Course
from actgrade.quote import sentence
from actgrade.results import VERDICTS


def results(graded: list[Graded]) -> dict[str, Any]:
    """What Gradescope reads: a test for each question, without held inputs."""
    tests = []
    for notebook in graded:
        chapter = notebook.chapter
        by_id = {question["id"]: question for question in notebook.questions}
        for question in chapter.questions:
            result = by_id.get(question.id)
            passed = result is not None and result["verdict"] == "pass"
            tests.append(
                {
                    "name": f"{chapter.title}: {question.title}",
                    "number": f"{chapter.name} {question.id}",
                    "score": float(result["points"]) if result else 0.0,
                    "max_score": float(question.points),
                    "status": "passed" if passed else "failed",
                    "output": said(result, notebook),
                    "output_format": "text",
                    "visibility": "visible",
                }
            )
    said_first = [
        f"Not graded: {chapter_name(notebook)}: {sentence(notebook.problem)}"
        for notebook in graded
        if notebook.problem
    ]
    if any(not notebook.problem for notebook in graded):
        said_first.append("Your answers ran on inputs that are not in the notebook.")
    notes = [sentence(f"Note: {note}") for notebook in graded for note in notebook.notes]
    return {
        "score": sum(test["score"] for test in tests),
        "output": "\n".join([*said_first, *notes]),
        "output_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "tests": tests,
    }


def chapter_name(notebook: Graded) -> str:
    """The chapter, and the file if there is one."""
    return notebook.chapter.name + (f", {notebook.file}" if notebook.file else "")


def said(result: dict[str, Any] | None, notebook: Graded) -> str:
    """What a learner is told about one question."""
    if result is None:
        return f"Not graded: {sentence(notebook.problem)}"
    reason = f" {sentence(result['reason'])}" if result["reason"] else ""
    return f"{result['verdict']}: {VERDICTS[result['verdict']]}.{reason}"


def main(argv: list[str] | None = None) -> int:
    """Entry point; 0 when ``results.json`` was written."""
    parser = argparse.ArgumentParser(
        prog="python -m actgrade.classroom.gradescope",
        description=__doc__,
        epilog="Example: python -m actgrade.classroom.gradescope /autograder",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", type=Path, nargs="?", default=Path("/autograder"))
    return run_command("autograder", lambda: _grade(parser.parse_args(argv).folder))


def _grade(folder: Path) -> int:
    target = folder / "results" / "results.json"
    try:
        remove_file(target)  # one of an earlier run must not stand for this one
        course = Course.find(folder / "source" / "course")
        listed = folder / "source" / "chapters.txt"
        names = listed.read_text(encoding="utf-8").split() if listed.is_file() else []
        chapters = [course.resolve(name) for name in names]
        try:
            content = results(grade_one(folder / "submission", course, chapters))
        except CommandError as error:
            if error.exit_code != 2:
                raise
            content = {**results([]), "score": 0.0, "output": f"Not graded: {sentence(str(error))}"}
        target.parent.mkdir(parents=True, exist_ok=True)
        write_json(target, content)
    except OSError as error:
        where = error.filename or target
        raise CommandError(f"{where} cannot be used: {error.strerror or error}") from None
    return 0


if __name__ == "__main__":
    sys.exit(main())
