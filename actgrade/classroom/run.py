"""Grade a folder of submissions and write everything that comes of it."""

from __future__ import annotations

import codecs
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from actbase.errors import CommandError
from actbase.files import remove_file, replace_file, write_json
from actgrade.classroom import document as documents
from actgrade.classroom import gradebook, html_report, junit, key, schedule
from actgrade.classroom.collect import Collection, Row
from actgrade.classroom.progress_bar import progress
from actgrade.classroom.store import FOLDER, Store, unit_key
from actgrade.classroom.walk import UnreadableError
from actgrade.classroom.work import Settings, Unit, is_final
from actgrade.course import Course
from actgrade.fingerprint import grader_digest
from actgrade.sandbox.limits import Limits
from actgrade.source import Assignment


@dataclass(frozen=True)
class Plan:
    """How to grade a class.

    Attributes:
        secret: the instructor's key.
        jobs: worker processes; None for all cores.
        scheduler: the address of a Dask scheduler, or None to grade on this machine.
        chapters: have a column in the gradebook though nobody handed them in.
    """

    secret: bytes = field(repr=False)
    engine: str = "pipe"
    limits: Limits = field(default_factory=Limits)
    require_sandbox: bool = False
    jobs: int | None = None
    scheduler: str | None = None
    chapters: tuple[str, ...] = ()


@dataclass
class Outcome:
    """What came of it.

    Attributes:
        again: units that could not be graded now, and will be in the next run.
        kept: units that an earlier run had graded.
    """

    document: dict[str, Any]
    graded: int
    kept: int
    again: int


def grade_class(collection: Collection, course: Course, plan: Plan, out: Path) -> Outcome:
    """Grade every row, in parallel, and write the reports into ``out``.

    Raises:
        CommandError: ``out`` cannot be written, or nothing can be graded; whatever was graded
            until then is kept.
    """
    from actgrade.preload import preload_for

    store = Store(out)
    with store.working() as temporary:
        names = sorted({row.chapter for row in collection.rows} | set(plan.chapters))
        chapters = [course.chapter(name) for name in names]
        limits = plan.limits.as_dict()
        grader = {
            "engine": plan.engine,
            "limits": limits,
            "key": key.fingerprint(plan.secret),
            "digest": grader_digest(),
        }
        keys = {
            (row.chapter, row.digest): unit_key(
                _digest_of(course.source_path(row.chapter)), row.digest, grader
            )
            for row in collection.rows
            if row.digest and row.error is None
        }
        results = {unit: store.get(name) for unit, name in keys.items()}
        missing = [unit for unit, result in results.items() if result is None]
        settings = Settings(
            plan.secret,
            tuple(preload_for(course, chapters)),
            plan.engine,
            tuple(sorted(limits.items())),
            plan.require_sandbox,
            None if plan.scheduler else str(store.results),
            None if plan.scheduler else str(temporary),
        )
        kept = len(keys) - len(missing)
        with progress("graded", len(keys), kept) as step:

            def done(result: dict[str, Any]) -> None:
                unit = by_key[result["unit"]]
                results[unit] = result
                if is_final(result) and store.get(result["unit"]) is None:
                    store.put(result)
                step()

            by_key = {name: unit for unit, name in keys.items()}
            units = _units(collection.rows, course, keys, set(missing))
            if missing and plan.scheduler:
                schedule.on_cluster(units, plan.scheduler, settings, done)
            elif missing:
                schedule.here(units, len(missing), settings, done, plan.jobs)
        document = documents.build(collection, results, chapters, grader)
        write_reports(document, chapters, out)
    again = sum(result is None or not is_final(result) for result in results.values())
    return Outcome(document, len(missing) - again, kept, again)


def _units(
    rows: Iterable[Row],
    course: Course,
    keys: dict[tuple[str, str], str],
    missing: set[tuple[str, str]],
) -> Iterator[Unit]:
    """What is to be graded, read when its turn comes; identical files once."""
    for row in rows:
        unit = (row.chapter, row.digest)
        if unit not in missing:
            continue
        missing.discard(unit)
        try:
            data = row.read()
        except UnreadableError as error:
            raise CommandError(f"{row.file} {error}; it changed while it was graded", 1) from None
        if hashlib.sha256(data).hexdigest() != row.digest:
            raise CommandError(f"{row.file} changed while it was graded; run this again", 1)
        yield Unit(keys[unit], row.digest, course.chapter(row.chapter), data)


def _digest_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write_reports(document: dict[str, Any], chapters: list[Assignment], out: Path) -> None:
    """Write every file of the report; each is complete or not there.

    Raises:
        CommandError: one cannot be written.
    """
    names = html_report.file_names(document["learners"])
    text: list[tuple[Path, Callable[[], str]]] = [
        (out / "gradebook.csv", lambda: gradebook.gradebook(document)),
        (out / "not_graded.csv", lambda: gradebook.not_graded(document)),
        (out / "similar.csv", lambda: gradebook.similar(document)),
        (out / "junit.xml", lambda: junit.junit(document)),
        (out / "index.html", lambda: html_report.overview(document, names)),
        (
            out / "results.json",
            lambda: json.dumps(document, indent=1, ensure_ascii=False) + "\n",
        ),
    ]
    try:
        _write_feedback(document, chapters, names, out)
        for path, make in text:
            mark = codecs.BOM_UTF8 if path.suffix == ".csv" else b""
            replace_file(path, mark + make().encode("utf-8", "backslashreplace"))
    except OSError as error:
        where = error.filename or out
        raise CommandError(
            f"{where} cannot be written ({error.strerror or error}); the grades are kept, run the "
            "same command again",
            2,
        ) from None


def _write_feedback(
    document: dict[str, Any], chapters: list[Assignment], names: list[str], out: Path
) -> None:
    """All pages; nobody's page of an earlier run stays behind, and no other file is touched."""
    folder, listed = out / "feedback", out / FOLDER / "pages.json"
    folder.mkdir(exist_ok=True)
    before = _names_in(listed)
    write_json(listed, sorted(before | set(names)))
    for name, text in html_report.feedback(document, chapters, names):
        replace_file(folder / name, text.encode("utf-8", "backslashreplace"))
    for name in before - set(names):
        remove_file(folder / name)
    write_json(listed, sorted(names))


def _names_in(listed: Path) -> set[str]:
    """The pages that earlier runs wrote."""
    try:
        content = json.loads(listed.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return set()
    names = content if isinstance(content, list) else []
    return {name for name in names if isinstance(name, str) and Path(name).name == name}
