"""Check everything about a chapter, and print one table.

Lint; table of contents; sections, guesses and boxes; figures; numbers in prose, captions and alt
texts against what the cells of the same section print; claims; length; exercises up to date, stub
0, reference full, every known wrong answer caught, right answers full; and the notebook run twice.

Exit status 0 when nothing fails, 1 otherwise. What is only too long is said, and does not fail.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from actbase.errors import CommandError
from bookbuild.paths import ROOT


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``actlab check``."""
    parser.add_argument("chapters", nargs="+", metavar="CHAPTER", help="such as 04 or 04_relu")
    parser.add_argument(
        "--quick", action="store_true", help="run and grade nothing; a second or two"
    )
    parser.add_argument(
        "--seed", type=int, metavar="N", help="draw the same hidden inputs every time (new ones)"
    )
    parser.add_argument("--root", type=Path, default=ROOT, metavar="DIR", help="another clone")


def resolve(wanted: str, root: Path) -> str:
    """The chapter in ``notebooks/`` that ``wanted`` means: a number, a name or a path.

    Raises:
        CommandError: there is none.
    """
    names = sorted(path.stem for path in (root / "notebooks").glob("[0-9][0-9]_*.ipynb"))
    stem = Path(wanted).stem
    fitting = [
        name
        for name in names
        if stem in (name, name[3:]) or (stem.isdigit() and int(stem) == int(name[:2]))
    ]
    if len(fitting) != 1:
        raise CommandError(
            f"no chapter {wanted!r} in {root / 'notebooks'}; there are: {', '.join(names)}"
        )
    return fitting[0]


def run(arguments: argparse.Namespace) -> int:
    """``actlab check``: 0 when every chapter passes."""
    # What a kernel prints must not depend on how many cores it finds.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    root = arguments.root.resolve()
    names = [resolve(wanted, root) for wanted in arguments.chapters]

    from bookbuild.checks.chapter import check

    failed = 0
    for name in names:
        print(f"{name}")
        faults: list[str] = []
        for outcome in check(name, root, quick=arguments.quick, seed=arguments.seed):
            mark = "FAIL" if outcome.faults else "warn" if outcome.remarks else "ok"
            count = f"{len(outcome.faults)} faults" if outcome.faults else ""
            said = "; ".join(filter(None, [count, outcome.said]))
            print(f"  {mark:<5}{outcome.check:<14}{outcome.seconds:6.1f} s  {said}", flush=True)
            faults += [f"{outcome.check}: {fault}" for fault in outcome.faults]
            faults += [f"{outcome.check} (warning): {remark}" for remark in outcome.remarks]
            failed += len(outcome.faults)
        for fault in faults:
            print(f"    {fault}")
    print(f"{failed} faults" if failed else "all checks pass")
    return 1 if failed else 0
