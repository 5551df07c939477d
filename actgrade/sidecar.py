"""The expected text of every check cell, beside the exercises.

Running a check cell overwrites the expected output that the notebook shows. This file keeps it, so
that the notebook can say at once whether the values agree. It holds nothing that the released
notebook does not show, and no grade depends on it.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from actgrade.source import Assignment

SIDECAR_FOLDER = ".checks"
VERSION = 1


def source_key(text: str) -> str:
    """What a check cell is recognised by: its source, whatever the space around it."""
    lines = [line.rstrip() for line in text.strip().splitlines()]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def sidecar_text(chapter: Assignment) -> str:
    """The content of the file for one chapter, in JSON with a newline at the end."""
    checks = [
        {
            "question": question.id,
            "cell": check.id,
            "source": source_key(check.source),
            "expected": check.expected,
            "rtol": check.tolerance.rtol,
            "atol": check.tolerance.atol,
        }
        for question in chapter.questions
        for check in question.checks
    ]
    content = {"version": VERSION, "chapter": chapter.name, "checks": checks}
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"
