"""Compare two runs of a system on the same rows, and block the second if it is a regression.

Exit code 0: passes. 1: blocked, with every rule that blocked it. 2: the input cannot be compared.

A run is a JSON file with row ids, cohorts, scores and a version ('actlab gate --schema run').
Rules: an exact McNemar test for all rows and each cohort, corrected after Holm; the most points
that all rows, and each cohort, may lose; floors by name; what ties are worth; the median latency.

  actlab gate before.json after.json --html gate.html --json gate.json
  actlab gate before.json after.json --k 5 --floor "json=0.6" --floor "all rows=0.4"
  actlab gate before.json after.json --max-latency 1.1
  actlab gate --schema report              the JSON Schema of what --json writes
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from actbase.errors import CommandError
from actbase.files import replace_file, write_json
from actlab.evaluation import report
from actlab.evaluation.gate import Policy, decide
from actlab.evaluation.runs import load


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``actlab gate``."""
    usual = Policy()
    parser.add_argument("before", nargs="?", metavar="BEFORE", help="run of the version in use")
    parser.add_argument("after", nargs="?", metavar="AFTER", help="run of the candidate")
    parser.add_argument(
        "--k", type=int, default=usual.k, metavar="N", help="candidates a user sees (default: 1)"
    )
    parser.add_argument(
        "--judge",
        choices=("recall", "match"),
        default=usual.judge,
        help="judge a row by recall at k, or by whether its answer is the expected one "
        "(default: recall)",
    )
    for flag, name, what in (
        ("--level", "level", "error rate of all tests together"),
        ("--max-drop", "drop", "points that all rows together may lose"),
        ("--max-cohort-drop", "cohort_drop", "points that a cohort may lose"),
        ("--max-ties", "ties", "points that the order of ties may be worth"),
    ):
        parser.add_argument(
            flag,
            dest=name,
            type=float,
            default=getattr(usual, name),
            metavar="X",
            help=f"{what} (default: {getattr(usual, name):g})",
        )
    parser.add_argument(
        "--min-rows",
        type=int,
        default=usual.min_rows,
        metavar="N",
        help="smaller cohorts are tested, but --max-cohort-drop does not hold for them "
        f"(default: {usual.min_rows})",
    )
    parser.add_argument(
        "--floor",
        action="append",
        default=[],
        metavar="COHORT=X",
        help="lowest score that a cohort, or 'all rows', may have afterwards; may be repeated",
    )
    parser.add_argument(
        "--max-latency",
        dest="latency",
        type=float,
        metavar="FACTOR",
        help="the most by which the median latency may grow (default: not looked at)",
    )
    parser.add_argument("--html", metavar="FILE", help="write the report as one HTML page")
    parser.add_argument("--json", metavar="FILE", help="write the report as JSON")
    parser.add_argument(
        "--schema", choices=("run", "report"), help="print the JSON Schema of a file, and stop"
    )


def _policy(arguments: argparse.Namespace) -> Policy:
    floors = {}
    for text in arguments.floor:
        cohort, equals, floor = text.rpartition("=")
        try:
            floors[cohort] = float(floor)
        except ValueError:
            equals = ""
        if not (equals and cohort):
            raise CommandError(f"--floor {text!r} is no COHORT=X, such as json=0.6.")
    names = ("k", "judge", "level", "drop", "cohort_drop", "ties", "min_rows", "latency")
    return Policy(**{name: getattr(arguments, name) for name in names}, floors=floors)


def run(arguments: argparse.Namespace) -> int:
    """Run ``actlab gate``; returns the exit code."""
    if arguments.schema:
        schema = report.RUN_SCHEMA if arguments.schema == "run" else report.REPORT_SCHEMA
        print(json.dumps(schema, indent=1, ensure_ascii=False))
        return 0
    if not (arguments.before and arguments.after):
        raise CommandError("two runs are needed: actlab gate before.json after.json")
    try:
        policy = _policy(arguments)
        before, after = load(arguments.before), load(arguments.after)
        verdict = decide(before, after, policy)
    except ValueError as error:  # a RunError too
        raise CommandError(_sentence(error)) from None
    content = report.content(before, after, verdict)
    try:
        if arguments.json:
            write_json(Path(arguments.json), content)
        if arguments.html:
            page = report.html(before, after, verdict)
            replace_file(Path(arguments.html), page.encode())
    except OSError as error:
        raise CommandError(f"the report cannot be written: {error.strerror or error}.") from None
    print("\n".join(report.lines(before, after, verdict)))
    for file in filter(None, (arguments.json, arguments.html)):
        print(f"report: {file}", file=sys.stderr)
    return 0 if verdict.passed else 1


def _sentence(error: Exception) -> str:
    text = str(error)
    return text if text.endswith(".") else f"{text}."
