"""Put a released stub back into a learner's notebook, and keep what was there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from actbase.errors import CommandError
from actbase.files import replace_file
from actgrade.course import FOLDER, Course
from actgrade.learner.standing import exercise
from actgrade.source import Assignment, Question, question_of, role_of
from actgrade.startup import skip_slow_imports
from actgrade.submission import read_submission


def reset(course: Course, chapter: Assignment, question: Question | None) -> str:
    """Put the stub back and return what to tell the learner.

    Args:
        question: None for the whole notebook.

    Raises:
        CommandError: it could not be done; the notebook is as it was.
    """
    path = exercise(course, chapter.name)
    released = _released(course, chapter)
    if question is None or not path.exists():
        data = released
    else:
        data = _with_stub(path, json.loads(released), chapter, question)
    try:
        if path.exists() and data == path.read_bytes():
            return f"{course.relative(path)} has the stub already; nothing was changed."
        backup = keep_backup(course, path) if path.exists() else None
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, data)
    except OSError as error:
        name = course.relative(Path(error.filename or path))
        raise CommandError(
            f"{name} cannot be written ({error.strerror or error}); {course.relative(path)} is as "
            "it was"
        ) from None
    what = f"the stub of {question.id}" if question else "the released notebook"
    said = f"{what[0].upper()}{what[1:]} is back in {course.relative(path)}."
    if backup is not None:
        said += f" What was there is kept in {course.relative(backup)}."
    return said + " If JupyterLab has it open: File > Reload Notebook from Disk."


def keep_backup(course: Course, path: Path) -> Path:
    """Copy ``path`` to a new file in the folder of backups and return that.

    Raises:
        OSError: there is no complete copy.
    """
    folder = course.root / FOLDER / "backups"
    folder.mkdir(parents=True, exist_ok=True)
    stamp = f"{datetime.now():%Y-%m-%d-%H%M%S}"
    data = path.read_bytes()
    number = 1
    while True:
        more = "" if number == 1 else f"-{number}"
        backup = folder / f"{path.stem}-{stamp}{more}{path.suffix}"
        try:
            backup.touch(exist_ok=False)
        except FileExistsError:
            number += 1
            continue
        try:
            replace_file(backup, data)
        except OSError:
            backup.unlink(missing_ok=True)
            raise
        return backup


def _released(course: Course, chapter: Assignment) -> bytes:
    skip_slow_imports()
    from actgrade.release import build

    notebook = f"{chapter.name}.ipynb"
    files = build(course.source_path(chapter.name), course.exercises)
    return next(file.text for file in files if file.path.name == notebook).encode()


def _with_stub(
    path: Path, released: dict[str, Any], chapter: Assignment, question: Question
) -> bytes:
    """The learner's notebook with the released answer and checks of one question."""
    submission = read_submission(path, chapter)  # says in a sentence what is wrong with the file
    content = json.loads(path.read_bytes().decode("utf-8-sig"))
    cells = content["cells"]
    stub = _cells_of(released, question, "answer")[0]
    found = [cell for cell in cells if isinstance(cell, dict)]
    counted = [found[place] for place in submission.answers[question.id].cells]
    mine = _cells_of(content, question, "answer")
    mine = mine or [cell for cell in found if cell.get("id") == stub["id"]]
    for cell in [*mine, *(cell for cell in counted if cell not in mine)]:
        # Of an answer in several cells the stub is in one, and nothing in the others.
        text = stub["source"] if cell in mine or (not mine and cell is counted[0]) else ""
        cell.update(cell_type="code", source=text, outputs=[], execution_count=None)
    mine = mine or counted
    if not mine:
        cells.insert(_place(cells, question), stub)
    # The expected output, too: a check that was run shows the learner's.
    for original in _cells_of(released, question, "check"):
        for cell in _cells_of(content, question, "check"):
            if cell.get("id") == original["id"]:
                cell.update(source=original["source"], outputs=original["outputs"])
                cell["execution_count"] = None
    text = json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    try:
        return text.encode()
    except UnicodeEncodeError:  # half a surrogate pair, which only JSON's escapes can hold
        return json.dumps(content, indent=1, sort_keys=True).encode() + b"\n"


def _cells_of(content: dict[str, Any], question: Question, role: str) -> list[dict[str, Any]]:
    return [
        cell
        for cell in content["cells"]
        if isinstance(cell, dict)
        and isinstance(cell.get("metadata"), Mapping)
        and role_of(cell) == role
        and question_of(cell) == question.id
    ]


def _place(cells: list[Any], question: Question) -> int:
    """Where a lost answer cell belongs: after the last cell of the question's prompt."""
    prompts = [
        index
        for index, cell in enumerate(cells)
        if cell in _cells_of({"cells": cells}, question, "prompt")
    ]
    return prompts[-1] + 1 if prompts else len(cells)
