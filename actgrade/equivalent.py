"""Why some mutants earn everything: reasons that a person gave, checked like code.

They stand beside the sources, in a file for each chapter, ``solutions/equivalent/NN_slug.json``:
``{question: {mutant: reason}}``. A file ``solutions/equivalent.json`` for a small course holds the
same under each chapter's name. A reason says why no input that the prompt promises can tell the
mutant from the reference.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from actbase.errors import CommandError
from actgrade.course import Course
from actgrade.source import Assignment

Reasons = dict[str, dict[str, str]]

ALL_CHAPTERS = "equivalent.json"
FOLDER = "equivalent"


def paths_of(course: Course, chapter: str) -> tuple[Path, Path]:
    """Where reasons of a chapter may stand: the course's file, and its own."""
    return course.solutions / ALL_CHAPTERS, course.solutions / FOLDER / f"{chapter}.json"


def reasons_of(course: Course, chapter: Assignment) -> Reasons:
    """The reasons of a chapter by question and mutant; empty where there is no file.

    Raises:
        CommandError: a file is not what it should be, or names a question that is not there.
    """
    everything, own = paths_of(course, chapter.name)
    found: Reasons = {}
    for path, content in ((everything, _read(everything).get(chapter.name)), (own, _read(own))):
        try:
            for question, reasons in (content or {}).items():
                if question not in {one.id for one in chapter.questions}:
                    raise ValueError(f"{chapter.name} has no question {question!r}")
                if not all(isinstance(r, str) and r.strip() for r in reasons.values()):
                    raise ValueError("a reason is missing")
                found.setdefault(question, {}).update(reasons)
        except (ValueError, AttributeError) as error:
            raise CommandError(f"{path} cannot be read: {error}") from None
    return found


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise CommandError(f"{path} cannot be read: {error}") from None
    if not isinstance(content, dict):
        raise CommandError(f"{path} cannot be read: it is no mapping of names")
    return content
