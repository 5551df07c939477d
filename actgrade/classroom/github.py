"""Grade inside GitHub Actions: ``python -m actgrade.classroom.github REPOSITORY --course DIR``.

Prints the points, adds a table to the job's summary, and sets the output ``result`` in the form
that GitHub Classroom's reporter reads. The exit code is 0 with full marks, 1 with less.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import re
import sys
from pathlib import Path
from typing import Any

from actbase.console import run_command
from actbase.errors import CommandError
from actgrade.classroom.gradescope import said
from actgrade.classroom.single import Graded, grade_one
from actgrade.course import Course


def payload(graded: list[Graded]) -> dict[str, Any]:
    """What ``autograding-grading-reporter`` reads."""
    tests = []
    for notebook in graded:
        by_id = {question["id"]: question for question in notebook.questions}
        for question in notebook.chapter.questions:
            result = by_id.get(question.id)
            points = float(result["points"]) if result else 0.0
            tests.append(
                {
                    "name": f"{notebook.chapter.name} {question.id}: {question.title} "
                    f"({points:g} of {question.points:g})",
                    "status": "pass" if result and result["verdict"] == "pass" else "fail",
                    "score": points,
                    "message": said(result, notebook),
                }
            )
    return {
        "version": 1,
        "status": "pass" if all(test["status"] == "pass" for test in tests) else "fail",
        "max_score": float(sum(notebook.chapter.points for notebook in graded)),
        "tests": tests,
    }


def summary(content: dict[str, Any]) -> str:
    """A table in Markdown; nothing of a learner's text is read as markup."""
    lines = ["| Question | What the grader says |", "|:--|:--|"]
    lines += [f"| {_cell(test['name'])} | {_cell(test['message'])} |" for test in content["tests"]]
    points = sum(test["score"] for test in content["tests"])
    return f"**{points:g} of {content['max_score']:g} points**\n\n" + "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_{}\[\]()#+!|~@-])", r"\\\1", text)


def main(argv: list[str] | None = None) -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(
        prog="python -m actgrade.classroom.github",
        description=__doc__,
        epilog="Example: python -m actgrade.classroom.github submission --course course 04_relu",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("repository", type=Path, help="the learner's repository")
    parser.add_argument("chapters", nargs="*", help="what to grade (all that was handed in)")
    parser.add_argument("--course", type=Path, required=True, help="the folder of the course")
    parser.add_argument("--require-sandbox", action="store_true", help="as for 'actlab grade'")
    return run_command("autograding", lambda: _grade(parser.parse_intermixed_args(argv)))


def _grade(arguments: argparse.Namespace) -> int:
    course = Course.find(arguments.course)
    chapters = [course.resolve(name) for name in arguments.chapters]
    content = payload(
        grade_one(arguments.repository, course, chapters, require_sandbox=arguments.require_sandbox)
    )
    for test in content["tests"]:
        print(f"{test['name']}: {test['message']}")
    _append("GITHUB_STEP_SUMMARY", summary(content))
    encoded = base64.b64encode(json.dumps(content).encode()).decode()
    _append("GITHUB_OUTPUT", f"result={encoded}\n")
    return 0 if content["status"] == "pass" else 1


def _append(variable: str, text: str) -> None:
    if path := os.environ.get(variable):
        try:
            with Path(path).open("a", encoding="utf-8", errors="backslashreplace") as file:
                file.write(text)
        except OSError as error:
            reason = error.strerror or str(error)
            raise CommandError(f"{path} cannot be written: {reason}") from None


if __name__ == "__main__":
    sys.exit(main())
