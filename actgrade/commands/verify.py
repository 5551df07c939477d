"""Prove that exercises grade as they should, before they are released.

For every question of the chapters named (all by default): the empty stub must earn nothing, the
reference everything, and every known wrong answer must lose points. Prints the kill table; the exit
code is 1 when something is not caught.

With --mutants, programs change the reference in small ways instead (a comparison, a constant, a
branch, an ignored argument, a result that is right for some inputs only), and every change must
lose points unless solutions/equivalent/04_relu.json says why it makes no difference. --record keeps
the result in solutions/mutants/, for the questions that have changed since:
    actlab verify --mutants 04_relu
    actlab verify --mutants --record 04_relu
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from actbase.errors import CommandError
from actgrade.commands.grade import save_json
from actgrade.course import Course
from actgrade.source import Assignment
from actgrade.startup import skip_slow_imports


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``actlab verify``."""
    parser.add_argument("chapters", nargs="*", metavar="CHAPTER", help="chapters to verify (all)")
    parser.add_argument(
        "--engine", choices=("pipe", "jupyter"), default="pipe", help="as for 'actlab grade'"
    )
    parser.add_argument(
        "--mutants", action="store_true", help="grade changes of the references instead"
    )
    parser.add_argument(
        "--record", action="store_true", help="with --mutants: keep the result in solutions/mutants"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the kill table to FILE")
    parser.add_argument(
        "--seed", type=int, metavar="N", help="draw the same inputs every time (new ones)"
    )
    parser.add_argument(
        "--course", type=Path, metavar="DIR", help="the folder that holds solutions/ (found)"
    )


def run(arguments: argparse.Namespace) -> int:
    """``actlab verify``: 0 when every question is sound, 1 when one is not."""
    if arguments.record and not arguments.mutants:
        raise CommandError("--record keeps what --mutants finds: say both")
    skip_slow_imports()
    course = Course.find(arguments.course)
    names = [course.resolve(name) for name in arguments.chapters] or course.chapter_names()
    if not names:
        raise CommandError(f"there are no notebooks in {course.solutions}")
    chapters = [course.chapter(name) for name in names]

    count = 0

    def step(result: object) -> None:
        nonlocal count
        count += 1
        if sys.stderr.isatty():
            print(f"\r{count} answers graded", end="", file=sys.stderr, flush=True)

    def clear() -> None:
        if sys.stderr.isatty():
            print("\r" + " " * 40 + "\r", end="", file=sys.stderr)

    if arguments.mutants:
        return _mutants(course, chapters, arguments, step, clear)
    from actgrade.verify import verify

    proofs = verify(chapters, engine=arguments.engine, seed=arguments.seed, progress=step)
    clear()
    problems = []
    for proof in proofs:
        caught = sum(kill.is_caught for kill in proof.kills)
        print(
            f"{proof.chapter} {proof.question.id}: reference {proof.reference.points:g} of "
            f"{proof.question.points:g}, stub {proof.stub.points:g}, "
            f"{caught} of {len(proof.kills)} wrong answers caught"
        )
        for kill in proof.kills:
            print(f"    {kill.because} -> {kill.result.verdict}: {kill.result.reason}")
        problems += proof.problems()
    if arguments.json is not None:
        save_json([proof.as_dict() for proof in proofs], arguments.json)
    for problem in problems:
        print(f"PROBLEM {problem}")
    return 1 if problems else 0


def _mutants(
    course: Course,
    chapters: list[Assignment],
    arguments: argparse.Namespace,
    step: Callable[[object], None],
    clear: Callable[[], None],
) -> int:
    from actgrade import mutation, mutation_record

    scores: list[mutation.Score] = []
    for chapter in chapters:
        if arguments.record:
            new = mutation_record.renew(course, chapter, seed=arguments.seed, progress=step)
            if not new:
                print(f"{chapter.name}: the record is up to date")
            scores += new
        else:
            scores += mutation.mutate([chapter], seed=arguments.seed, progress=step)
    clear()
    problems = []
    for one in scores:
        where = f"{one.chapter} {one.question.id}"
        print(
            f"{where}: {one.mutants} mutants, score {one.score:.0%}, {len(one.survivors)} survive, "
            f"{len(one.equivalent)} equivalent"
        )
        problems += [f"{where}: {mutant.name} earns everything" for mutant in one.survivors]
        problems += [f"{where}: the reason for {name!r} is stale" for name in one.stale]
    if arguments.json is not None:
        save_json([one.as_dict() for one in scores], arguments.json)
    for problem in problems:
        print(f"PROBLEM {problem}")
    return 1 if problems else 0
