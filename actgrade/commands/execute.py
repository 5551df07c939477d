"""Run notebooks from a clean kernel and store their text outputs.

The stored text is what nbval compares later. Image payloads are not stored: they differ from one
matplotlib to the next, nbval does not compare them, and the book makes its own.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from actbase.errors import CommandError
from actgrade.notebooks import execute, read, write


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``actlab execute``."""
    parser.add_argument("notebooks", nargs="+", type=Path, metavar="NOTEBOOK")
    parser.add_argument(
        "--check", action="store_true", help="change nothing; exit 1 if a stored output differs"
    )
    parser.add_argument(
        "--timeout", type=float, default=120, metavar="S", help="seconds a cell may take (120)"
    )


def run(arguments: argparse.Namespace) -> int:
    """``actlab execute``: run each notebook named and store (or compare) its text outputs."""
    # The kernel inherits this: a notebook's text must not depend on how many cores it finds.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    differing = []
    for path in arguments.notebooks:
        before = read(path)
        print(f"{path} ... ", end="", file=sys.stderr, flush=True)
        start = time.monotonic()
        try:
            after = execute(before, path.parent, arguments.timeout)
        except CommandError as error:
            print("failed", file=sys.stderr)
            raise CommandError(f"{path}: {error}", error.exit_code) from error
        print(f"{time.monotonic() - start:.1f} s", file=sys.stderr)
        if not arguments.check:
            write(after, path)
        elif after != before:
            differing.append(str(path))
    if differing:
        print("stored outputs differ: " + ", ".join(differing))
    return 1 if differing else 0
