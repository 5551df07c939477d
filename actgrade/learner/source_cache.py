"""The sources of the exercises, kept in a form that loads in milliseconds.

Reading a notebook with nbformat costs about a second, most of it imports. What a source says is
therefore kept as JSON in ``.actlab/chapters/`` and used as long as the source is unchanged. The
copies can be deleted at any time.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
from pathlib import Path
from typing import Any

from actbase.files import replace_file
from actgrade import source
from actgrade.course import FOLDER, Course
from actgrade.startup import skip_slow_imports

_KINDS = (source.Assignment, source.Question, source.Check, source.Held, source.Wrong)
# A copy that another version of the package wrote has other fields.
_FORM = [[field.name for field in dataclasses.fields(kind)] for kind in _KINDS]


def load(course: Course, name: str) -> source.Assignment:
    """The chapter ``name``, from the copy where it is current, else from its source.

    Raises:
        CommandError: there is no source, or it breaks a rule.
    """
    path = course.source_path(name)
    copy = course.root / FOLDER / "chapters" / f"{name}.json"
    stamp = _stamp(path)
    chapter = _from_copy(copy, path, stamp)
    if chapter is None:
        skip_slow_imports()
        chapter = source.load(path)
        if stamp is not None:
            # A copy that cannot be kept costs time, nothing else.
            with contextlib.suppress(OSError):
                _keep(chapter, copy, stamp)
    return chapter


def _stamp(path: Path) -> list[int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return [status.st_mtime_ns, status.st_size]


def _from_copy(copy: Path, path: Path, stamp: list[int] | None) -> source.Assignment | None:
    try:
        content = json.loads(copy.read_text(encoding="utf-8"))
        if stamp is None or content["stamp"] != stamp or content["form"] != _FORM:
            return None
        return _chapter(content["chapter"], path)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _keep(chapter: source.Assignment, copy: Path, stamp: list[int]) -> None:
    fields = dataclasses.asdict(chapter)
    del fields["path"]
    text = json.dumps({"form": _FORM, "stamp": stamp, "chapter": fields}, ensure_ascii=False)
    copy.parent.mkdir(parents=True, exist_ok=True)
    replace_file(copy, text.encode())


def _chapter(fields: dict[str, Any], path: Path) -> source.Assignment:
    return source.Assignment(
        fields["name"],
        fields["title"],
        path,
        tuple(fields["setup"]),
        tuple(_question(question) for question in fields["questions"]),
    )


def _question(fields: dict[str, Any]) -> source.Question:
    fields = {key: tuple(v) if isinstance(v, list) else v for key, v in fields.items()}
    fields["checks"] = tuple(_with_tolerance(source.Check, c) for c in fields["checks"])
    fields["helds"] = tuple(_with_tolerance(source.Held, h) for h in fields["helds"])
    fields["wrongs"] = tuple(source.Wrong(**wrong) for wrong in fields["wrongs"])
    return source.Question(**fields)


def _with_tolerance(kind: Any, fields: dict[str, Any]) -> Any:
    return kind(**{**fields, "tolerance": source.Tolerance(**fields["tolerance"])})
