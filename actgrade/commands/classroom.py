"""Grade a class: from the folder that a learning platform exports to a gradebook.

'actlab class COMMAND --help' explains one command.
"""

from __future__ import annotations

import argparse
import codecs
import sys
from pathlib import Path
from typing import Any

from actbase.errors import CommandError
from actgrade.commands import limit_options

_GRADE = """\
Grade every submission below a folder (or in a zip file) as Canvas, Moodle or GitHub Classroom
exports it, and write a gradebook, results, a page of feedback for each learner and an overview.

A run that ends early continues where it stopped when you start it again: each submission is kept
as soon as it is graded. The exit code is 0 when everything that was handed in has a grade, 1 when
something has to be graded again (run the same command), 2 for bad input, 3 when somebody handed in
what cannot be graded (see 'For your attention' in index.html), 130 after Ctrl-C."""

_GRADE_EXAMPLE = "Example: actlab class grade submissions/ --out grades"

_VERIFY = """\
What you run before a release: every empty stub must earn nothing, every reference everything, every
known wrong answer must lose points, and exercises/ must be up to date with solutions/. Prints the
kill table; the exit code is 1 when something is not so."""

_LISTED = 40
_VERIFY_EXAMPLE = "Example: actlab class verify 04_relu"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The two commands of ``actlab class`` and their options."""
    from actgrade.commands import verify

    commands = parser.add_subparsers(dest="class_command", metavar="COMMAND", required=True)
    form: dict[str, Any] = {"formatter_class": argparse.RawDescriptionHelpFormatter}
    grade = commands.add_parser(
        "grade", help="grade submissions", description=_GRADE, epilog=_GRADE_EXAMPLE, **form
    )
    _add_grade_arguments(grade)
    proof = commands.add_parser(
        "verify", help="prove the exercises", description=_VERIFY, epilog=_VERIFY_EXAMPLE, **form
    )
    verify.add_arguments(proof)


def _add_grade_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "submissions", type=Path, metavar="SUBMISSIONS", help="a folder or a zip file"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where to write")
    parser.add_argument(
        "--chapter", action="append", metavar="NAME", help="grade only this one; may be repeated"
    )
    parser.add_argument(
        "--layout",
        choices=("auto", "canvas", "moodle", "github", "folder"),
        default="auto",
        help="who exported it; folder: one for each learner (what fits most files)",
    )
    parser.add_argument(
        "--assignment",
        metavar="SLUG",
        help="the GitHub Classroom assignment, if the names of the repositories do not tell",
    )
    parser.add_argument(
        "--zip-encoding",
        metavar="NAME",
        help="of names in old zip files that do not say theirs, e.g. gbk or cp932",
    )
    parser.add_argument(
        "--key",
        type=Path,
        metavar="FILE",
        help="draws the held inputs; made on first use (~/.config/actlab/class.key)",
    )
    parser.add_argument(
        "--course", type=Path, metavar="DIR", help="the folder that holds solutions/ (found)"
    )
    work = parser.add_argument_group("work")
    work.add_argument(
        "--jobs", type=limit_options.positive(int), metavar="N", help="worker processes (all cores)"
    )
    work.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        help="use a Dask cluster, e.g. tcp://10.0.0.1:8786 (needs: pip install 'actlab[cluster]')",
    )
    work.add_argument(
        "--engine", choices=("pipe", "jupyter"), default="pipe", help="as for 'actlab grade'"
    )
    work.add_argument(
        "--require-sandbox",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="grade nothing where a machine cannot isolate the answers (the default)",
    )
    limit_options.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """``actlab class``: what the command named returns."""
    return _verify(arguments) if arguments.class_command == "verify" else _grade(arguments)


def _verify(arguments: argparse.Namespace) -> int:
    from actgrade.commands import release, verify

    proven = verify.run(arguments)
    current = release.run(
        argparse.Namespace(chapters=arguments.chapters, check=True, course=arguments.course)
    )
    return proven or current


def _grade(arguments: argparse.Namespace) -> int:
    from actgrade.classroom import key
    from actgrade.classroom.collect import NAMES, collect
    from actgrade.course import Course
    from actgrade.sandbox import confinement
    from actgrade.startup import skip_slow_imports

    skip_slow_imports()
    root, out = arguments.submissions, arguments.out
    if not root.exists():
        raise CommandError(f"{root} does not exist")
    if root.is_file() and root.suffix.lower() != ".zip":
        raise CommandError(f"{root} is neither a folder nor a zip file")
    if root.is_dir() and (root.resolve() in (out.resolve(), *out.resolve().parents)):
        raise CommandError(f"--out {out} lies in the folder of submissions; name another folder")
    if out.exists() and not out.is_dir():
        raise CommandError(f"--out {out} is not a folder")
    if arguments.scheduler is None and arguments.require_sandbox:
        confinement.require()
    limit_options.check_engine(arguments)
    course = Course.find(arguments.course)
    wanted = [course.resolve(name) for name in arguments.chapter or ()] or None
    try:
        codecs.lookup(arguments.zip_encoding or "utf-8")
    except LookupError:
        raise CommandError(f"--zip-encoding {arguments.zip_encoding}: no such encoding") from None
    collection = collect(
        root,
        course,
        chapters=wanted,
        layout=arguments.layout,
        slug=arguments.assignment,
        zip_encoding=arguments.zip_encoding,
    )
    for remark in collection.remarks:
        print(f"note: {remark}")
    for path, reason in collection.not_graded[:_LISTED]:
        print(f"no row: {path}: {reason}")
    if len(collection.not_graded) > _LISTED:
        more = len(collection.not_graded) - _LISTED
        print(f"no row: {more} more files, all named in {out / 'index.html'}")
    if not collection.learners:
        raise CommandError(f"{root} holds no notebook that could be graded")
    rows, people = len(collection.rows), len(collection.learners)
    assignment = f", assignment {', '.join(collection.assignments)}"
    print(
        f"{rows} submission{_s(rows)} of {people} learner{_s(people)} "
        f"({NAMES[collection.layout]}{assignment if collection.assignments else ''})",
        flush=True,
    )
    secret, made = key.load(arguments.key)
    if made:
        print(
            f"made the key {arguments.key or key.default_path()}: keep it secret, and keep it to "
            "grade the same again"
        )
    return _grade_collection(collection, course, arguments, secret)


def _grade_collection(
    collection: Any, course: Any, arguments: argparse.Namespace, secret: bytes
) -> int:
    from actgrade.classroom import document as documents
    from actgrade.classroom.run import Plan, grade_class
    from actgrade.sandbox.bounds import bounds, sentence

    plan = Plan(
        secret,
        arguments.engine,
        limit_options.from_arguments(arguments),
        arguments.require_sandbox,
        arguments.jobs,
        arguments.scheduler,
        tuple(course.resolve(name) for name in arguments.chapter or ()),
    )
    out = arguments.out
    try:
        outcome = grade_class(collection, course, plan, out)
    except KeyboardInterrupt:
        print(
            "\nactlab class: interrupted; what was graded is kept, run the same command to go on",
            file=sys.stderr,
        )
        return 130
    kept = f", {outcome.kept} kept from an earlier run" if outcome.kept else ""
    print(f"graded {outcome.graded}{kept}; answers ran: {_isolation(outcome.document)}")
    if arguments.scheduler is None:
        print(sentence(bounds(outcome.document["grader"]["isolation"])))
    without = documents.without_grade(outcome.document)
    for learner, _, file, why in without:
        print(f"not graded: {documents.label(learner)}: {file}: {why}")
    doubts = sum(bool(s["doubt"]) for e in outcome.document["learners"] for s in e["submissions"])
    if doubts:
        print(f"{doubts} choice{_s(doubts)} between files to look at in {out / 'index.html'}")
    for name in ("index.html", "gradebook.csv"):
        print(f"wrote {out / name}")
    if outcome.again:
        print(
            f"{outcome.again} submission{_s(outcome.again)} could not be graded for a reason that "
            "is not the learner's: see 'For your attention' in index.html, then run this again",
            file=sys.stderr,
        )
        return 1
    if without:
        count = len({id(learner) for learner, *_ in without})
        print(
            f"{count} learner{_s(count)} without a grade, which is no zero: see 'For your "
            "attention' in index.html, or not_graded.csv",
            file=sys.stderr,
        )
        return 3
    return 0


def _isolation(document: dict[str, Any]) -> str:
    from actgrade.sandbox import confinement

    isolation = document["grader"]["isolation"]
    if not isolation:
        return "none had to"
    return "isolated" if isolation == confinement.ISOLATED else f"NOT ISOLATED ({isolation})"


def _s(count: int) -> str:
    return "" if count == 1 else "s"
