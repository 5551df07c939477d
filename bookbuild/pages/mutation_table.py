"""How hard it is to get past the hidden tests: mutation scores, from the record in the repository.

Nothing is graded here. A question that has changed since its mutants were graded says so instead
of showing old numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from actgrade import mutation_record
from actgrade.course import Course
from actgrade.equivalent import paths_of, reasons_of
from actgrade.mutation_record import Entry
from bookbuild.pages.ledger import escape


@dataclass(frozen=True)
class Row:
    """One question.

    Attributes:
        entry: what is known of its mutants; None where nothing holds.
        reasons: why some of them may earn everything, by name.
    """

    title: str
    entry: Entry | None
    reasons: dict[str, str]


def sources(course: Course, chapter: str) -> list[Path]:
    """The files that the rows of a chapter depend on, besides its notebook."""
    paths = [mutation_record.path_of(course, chapter), *paths_of(course, chapter)]
    if course.right_answers is not None:
        paths.append(course.right_answers / f"{chapter}.py")
    return [path for path in paths if path.exists()]


def rows(course: Course, chapter: str) -> list[Row]:
    """What is known of the questions of a chapter, in their order.

    Raises:
        CommandError: a file cannot be read.
    """
    assignment = course.chapter(chapter)
    record = mutation_record.read(course, chapter)
    reasons = reasons_of(course, assignment)
    now = mutation_record.fingerprints(course, assignment)
    found = []
    for question in assignment.questions:
        entry = record.get(question.id)
        if entry is not None and entry.fingerprint != now[question.id]:
            entry = None
        found.append(Row(question.title, entry, reasons.get(question.id, {})))
    return found


def summary(found: Sequence[Row]) -> str:
    """The sentences above all chapters; empty where nothing was graded."""
    known = [row.entry for row in found if row.entry is not None]
    if not known:
        return ""
    mutants = sum(entry.mutants for entry in known)
    equivalent = sum(len(entry.equivalent) for entry in known)
    survivors = sum(len(entry.survivors) for entry in known)
    first = sum(entry.first["killed"] for entry in known) / sum(
        entry.first["mutants"] for entry in known
    )
    right = sum(entry.right for entry in known)
    refused = sum(len(entry.refused) for entry in known)
    return (
        f"Programs changed the reference answers of {len(known)} questions in small ways. When "
        f"these *mutants* were first graded, {first:.0%} of them lost points; the hidden tests "
        f"were sharpened until {mutants - equivalent - survivors:,} of {mutants:,} do. "
        f"{equivalent:,} cannot lose any, for reasons that are given below"
        + (f", and {survivors:,} still pass without a reason. " if survivors else ". ")
        + f"Of {right:,} right answers that were written in other ways, {refused:,} are refused."
    )


def markdown(found: Sequence[Row]) -> str:
    """The table of one chapter, and the folded reasons; empty where nothing was graded."""
    if all(row.entry is None for row in found):
        return ""
    lines = [
        "| Question | Mutants | Caught at first | Caught now | Make no difference "
        "| Right answers refused |",
        "|:--|--:|--:|--:|--:|--:|",
    ]
    for row in found:
        entry = row.entry
        if entry is None:
            lines.append(f"| {escape(row.title)} | changed since | – | – | – | – |")
            continue
        lines.append(
            f"| {escape(row.title)} | {entry.mutants} | {entry.first_score:.0%} | "
            f"{entry.score:.0%} | {len(entry.equivalent)} | {len(entry.refused)} of {entry.right} |"
        )
    return "\n".join([*lines, "", *_folded(found)])


def _folded(found: Sequence[Row]) -> list[str]:
    """Why mutants make no difference, and which pass without a reason, behind a button."""
    body = []
    for row in found:
        if row.entry is None:
            continue
        items = [f"- {escape(name)}: {escape(row.reasons[name])}" for name in row.entry.equivalent]
        items += [f"- {escape(name)}: passes, and should not" for name in row.entry.survivors]
        if items:
            body += [f"**{escape(row.title)}**", "", *items, ""]
    if not body:
        return []
    return ["::::{dropdown} Mutants that earn everything, and why", *body, "::::"]
