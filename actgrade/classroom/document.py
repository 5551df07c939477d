"""The one form that every report of a class is written from: ``results.json``.

``book/grading_schema.md`` explains it for readers. New keys may be added within a version; a change
of meaning makes a new one. It holds no time and no path outside the folder of submissions: the same
submissions, course and key give the same bytes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from actgrade.classroom import similar
from actgrade.classroom.collect import Collection, Learner, Row
from actgrade.source import Assignment

SCHEMA = "actlab-class"
VERSION = 2
_FIELDS = ("id", "title", "points", "maximum", "verdict", "reason", "mistake")


def build(
    collection: Collection,
    results: Mapping[tuple[str, str], Mapping[str, Any] | None],
    chapters: Iterable[Assignment],
    grader: Mapping[str, Any],
) -> dict[str, Any]:
    """The document of a class.

    Args:
        collection: who handed in what.
        results: the kept result for (chapter, digest); None when a unit could not be graded now.
        chapters: of the course, those that are graded.
        grader: engine, key and digest, to say how the grades came about.
    """
    by_name = {chapter.name: chapter for chapter in chapters}
    learners: list[dict[str, Any]] = [
        {"learner": learner, "submissions": []} for learner in collection.learners
    ]
    leads = []
    isolation: set[str] = set()
    by_key = {entry["learner"].key: entry for entry in learners}
    for row in collection.rows:
        result = results.get((row.chapter, row.digest))
        if result and result.get("isolation"):
            isolation.add(result["isolation"])
        by_key[row.learner.key]["submissions"].append(_submission(row, result, by_name))
        leads += _leads(row, result)
    return {
        "schema": SCHEMA,
        "version": VERSION,
        "grader": {**grader, "isolation": " / ".join(sorted(isolation))},
        "layout": collection.layout,
        "assignments": collection.assignments,
        "remarks": list(collection.remarks),
        "chapters": [_chapter(chapter) for chapter in by_name.values()],
        "learners": [_learner(entry["learner"], entry["submissions"]) for entry in learners],
        "questions": _questions(by_name.values(), learners),
        "similar": similar.groups(leads),
        "not_graded": [{"file": file, "reason": reason} for file, reason in collection.not_graded],
        "other_files": collection.other_files,
    }


def _learner(learner: Learner, submissions: list[dict[str, Any]]) -> dict[str, Any]:
    graded = [s for s in submissions if s["points"] is not None]
    return {
        "name": learner.name,
        "login": learner.login,
        "user": learner.user,
        "anonymous": learner.is_anonymous,
        # Nothing that could be graded is not the same as nothing that is right.
        "points": sum(s["points"] for s in graded) if graded else None,
        "maximum": sum(s["maximum"] for s in graded),
        "submissions": submissions,
        "not_graded": [{"file": file, "reason": reason} for file, reason in learner.not_graded],
    }


def label(learner: Mapping[str, Any]) -> str:
    """Who somebody is, also beside others of the same name."""
    name, user = learner["name"], learner["user"]
    return name if not user or user in name else f"{name} ({user})"


def without_grade(document: Mapping[str, Any]) -> list[tuple[Mapping[str, Any], str, str, str]]:
    """Learner, chapter, file and reason of everything that has no grade though handed in."""
    found = []
    for learner in document["learners"]:
        for s in learner["submissions"]:
            if s["points"] is None:
                why = s["error"] or "the course's own answer failed"
                found.append((learner, s["chapter"], s["file"], why))
        if not learner["submissions"]:
            lost = learner["not_graded"] or [{"file": "", "reason": "nothing could be read"}]
            found += [(learner, "", file["file"], file["reason"]) for file in lost]
    return found


def _chapter(chapter: Assignment) -> dict[str, Any]:
    return {
        "name": chapter.name,
        "title": chapter.title,
        "points": float(chapter.points),
        "questions": [
            {"id": question.id, "title": question.title, "points": float(question.points)}
            for question in chapter.questions
        ],
    }


def _submission(
    row: Row, result: Mapping[str, Any] | None, chapters: Mapping[str, Assignment]
) -> dict[str, Any]:
    chapter = chapters[row.chapter]
    error, notes, questions = row.error, list(row.notes), []
    if error is None and result is None:
        error = "was not graded"
    elif error is None and result is not None:
        error = result.get("failed") or result["error"]
        notes += result.get("notes", [])
        questions = [{name: q[name] for name in _FIELDS} for q in result.get("questions", [])]
    is_open = error is not None or any(q["verdict"] == "course" for q in questions)
    return {
        "chapter": row.chapter,
        "file": row.file,
        "digest": row.digest,
        "late": row.late,
        "error": error,
        "notes": notes,
        "doubt": row.doubt,
        # Nobody loses points for what the course or the grader did, or gets them unseen.
        "points": None if is_open else float(sum(q["points"] for q in questions)),
        "maximum": float(chapter.points),
        "questions": questions,
    }


def _leads(row: Row, result: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    return [
        {
            "learner": row.learner.key,
            "name": label({"name": row.learner.name, "user": row.learner.user}),
            "chapter": row.chapter,
            "question": question,
            **answer,
        }
        for question, answer in sorted((result or {}).get("answers", {}).items())
    ]


def _questions(chapters: Iterable[Assignment], learners: list[dict]) -> list[dict[str, Any]]:
    """For each question, how the class did."""
    found = []
    for chapter in chapters:
        rows = [
            submission
            for entry in learners
            for submission in entry["submissions"]
            if submission["chapter"] == chapter.name and submission["questions"]
        ]
        for question in chapter.questions:
            results = [q for row in rows for q in row["questions"] if q["id"] == question.id]
            mistakes = Counter(q["mistake"] for q in results if q["mistake"])
            found.append(
                {
                    "chapter": chapter.name,
                    "id": question.id,
                    "title": question.title,
                    "graded": len(results),
                    "passed": sum(q["verdict"] == "pass" for q in results),
                    "points": sum(q["points"] for q in results) / len(results) if results else None,
                    "maximum": float(question.points),
                    "verdicts": dict(sorted(Counter(q["verdict"] for q in results).items())),
                    "mistakes": [
                        {"because": because, "count": count}
                        for because, count in sorted(
                            mistakes.items(), key=lambda item: (-item[1], item[0])
                        )
                    ],
                }
            )
    return found
