"""The gradebook and two lists, as CSV files that are safe to open.

They begin with a byte order mark: without one, spreadsheet programs read names in another encoding.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Any

from actgrade.classroom.document import without_grade

# What Canvas exports and imports; the rest are assignments.
CANVAS_COLUMNS = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
POINTS_POSSIBLE = "    Points Possible"
# A spreadsheet takes a cell that begins so for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")


def guarded(text: str) -> str:
    """``text`` as a cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text


def number(value: float | None) -> str:
    """Points without a useless ``.0``; empty where there are none to give."""
    return "" if value is None else f"{value:.10g}"


def gradebook(document: Mapping[str, Any]) -> str:
    """``gradebook.csv``: a row of points possible, then a row for each learner.

    A cell is empty where nothing was handed in or nothing could be graded: Canvas then leaves the
    grade that it has. Why is in ``not_graded.csv``, and where the file is not for Canvas, which
    would take more columns for assignments, in columns of their own.
    """
    chapters = document["chapters"]
    for_canvas = document["layout"] == "canvas" and not any(
        learner["anonymous"] for learner in document["learners"]
    )
    more = [] if for_canvas else ["Identifier", "Not graded"]
    rows = [
        [*CANVAS_COLUMNS, *more, *(_heading(chapter) for chapter in chapters)],
        [POINTS_POSSIBLE, "", "", "", "", *("" for _ in more),
         *(number(chapter["points"]) for chapter in chapters)],
    ]  # fmt: skip
    reasons: dict[int, list[str]] = {}
    for learner, chapter, file, why in without_grade(document):
        where = chapter or file
        reasons.setdefault(id(learner), []).append(f"{where}: {why}" if where else why)
    for learner in document["learners"]:
        points = {s["chapter"]: s["points"] for s in learner["submissions"]}
        why_not = "; ".join(reasons.get(id(learner), []))
        rows.append(
            [
                guarded(learner["name"]),
                # Only Canvas's own numbers mean anything to Canvas.
                learner["user"] if for_canvas else "",
                "",
                guarded(learner["login"]),
                "",
                *([] if for_canvas else [guarded(learner["user"]), guarded(why_not)]),
                *(number(points.get(chapter["name"])) for chapter in chapters),
            ]
        )
    return _csv(rows)


def not_graded(document: Mapping[str, Any]) -> str:
    """``not_graded.csv``: whoever handed in something that has no grade, and why."""
    rows = [["learner", "identifier", "chapter", "file", "not graded because"]]
    rows += [
        [guarded(learner["name"]), guarded(learner["user"]), chapter, guarded(file), guarded(why)]
        for learner, chapter, file, why in without_grade(document)
    ]
    return _csv(rows)


def _heading(chapter: Mapping[str, Any]) -> str:
    return guarded(f"{chapter['name'].split('_')[0]} {chapter['title']}")


def similar(document: Mapping[str, Any]) -> str:
    """``similar.csv``: a row for each group of learners with the same answer."""
    rows: list[list[str]] = [
        ["chapter", "question", "learners", "of", "size", "note", "who (a lead, not a verdict)"]
    ]
    for group in document["similar"]:
        note = "short: few ways to write it" if group["is_small"] else ""
        if group["is_reference"]:
            note = "the published reference answer"
        rows.append(
            [
                group["chapter"],
                group["question"],
                str(len(group["learners"])),
                str(group["answered_by"]),
                str(group["size"]),
                note,
                guarded("; ".join(group["learners"])),
            ]
        )
    return _csv(rows)


def _csv(rows: Iterable[list[str]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()
