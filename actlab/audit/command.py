"""Audit activation functions: accuracy in every float format, gradients, contract, cost, training.

FUNCTION is a name of the catalogue (gelu: PyTorch's), an importable module:callable that takes
PyTorch tensors or NumPy arrays, or an expression in x. It runs in a child process with a time
limit, so that a function that hangs or crashes is a finding like any other. A report is a page and
a JSON file (its schema: --schema); what differs from run to run stands in its "timings" alone.

  actlab audit relu gelu silu
  actlab audit 'x / (1 + exp(-x))' --quick
  actlab audit mypackage.layers:my_gelu --reference gelu --fail-on error
  actlab audit mypackage.layers:swish --derivative mypackage.layers:swish_slope
  actlab audit gelu --exhaustive             every float32; it says how many hours first

Exit codes: 0, or 1 where --fail-on finds something, or 2 for a mistake on the command line.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import textwrap
import time
from pathlib import Path
from typing import Any, TextIO

from actbase.errors import CommandError
from actbase.files import replace_file, write_json
from actlab.audit.findings import LEVELS
from actlab.audit.target import Target, TargetError, resolve
from actlab.bench.progress import duration

SCHEMA = Path(__file__).with_name("schema.json")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``actlab audit``."""
    parser.add_argument(
        "functions", nargs="*", metavar="FUNCTION", help="what to audit; several are done in turn"
    )
    parser.add_argument(
        "--quick", action="store_true", help="about ten seconds each: smaller samples, no training"
    )
    parser.add_argument(
        "--fail-on",
        choices=LEVELS,
        metavar="LEVEL",
        help="exit with 1 if there is a finding of this level or above: note, warning or error",
    )
    parser.add_argument(
        "--out",
        default="actlab-audit",
        metavar="FOLDER",
        help="where the reports go (default: actlab-audit)",
    )
    parser.add_argument(
        "--framework",
        choices=("auto", "torch", "numpy"),
        default="auto",
        help="what the function takes (default: what it turns out to take)",
    )
    parser.add_argument(
        "--derivative", metavar="M:C", help="the derivative of a NumPy function, as module:callable"
    )
    parser.add_argument(
        "--reference",
        metavar="F",
        help="judge by this: a name of the catalogue or an expression in x",
    )
    parser.add_argument(
        "--timeout",
        type=float,
        default=10.0,
        metavar="SECONDS",
        help="what the first calls may take before they count as hanging (default: 10)",
    )
    parser.add_argument(
        "--exhaustive", action="store_true", help="try every float32 (hours; says how many)"
    )
    parser.add_argument("--no-train", action="store_true", help="leave the training out")
    parser.add_argument("--no-time", action="store_true", help="leave the timing out")
    parser.add_argument("--schema", action="store_true", help="print the JSON's schema and stop")


def run(arguments: argparse.Namespace) -> int:
    """Run ``actlab audit``; returns the exit code."""
    if arguments.schema:
        print(SCHEMA.read_text(encoding="utf-8"), end="")
        return 0
    if not arguments.functions:
        raise CommandError("name a function to audit, such as gelu or 'x / (1 + exp(-x))'.")
    if not arguments.timeout > 0:
        raise CommandError("--timeout has to be a positive number of seconds.")
    if arguments.exhaustive and arguments.quick:
        raise CommandError("--exhaustive takes hours and --quick ten seconds: choose one.")
    targets = [_resolved(word, arguments) for word in arguments.functions]
    folder = _folder(arguments.out)
    stems = _stems(targets)
    failed = False
    rivals: dict[str, Any] = {}
    for target, stem in zip(targets, stems, strict=True):
        report = _one(target, arguments, rivals)
        _write(report, folder, stem)
        print(listing(report, folder / f"{stem}.html", _width()))
        sys.stdout.flush()
        failed |= _fails(report, arguments.fail_on)
    return 1 if failed else 0


def _resolved(word: str, arguments: argparse.Namespace) -> Target:
    try:
        return resolve(word, arguments.framework, arguments.derivative, arguments.reference)
    except TargetError as error:
        raise CommandError(f"{error}.") from error


def _folder(name: str) -> Path:
    folder = Path(name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CommandError(f"{name} cannot be made a folder: {error.strerror}.") from error
    return folder


def _stems(targets: list[Target]) -> list[str]:
    """A name for the files of each; the second of two that would be the same gets a number."""
    seen: dict[str, int] = {}
    stems = []
    for target in targets:
        seen[target.slug] = seen.get(target.slug, 0) + 1
        count = seen[target.slug]
        stems.append(target.slug if count == 1 else f"{target.slug}-{count}")
    return stems


def _one(target: Target, arguments: argparse.Namespace, rivals: dict[str, Any]) -> dict[str, Any]:
    from actlab.audit.auditing import Audit, Settings

    line = Line(target.given, sys.stderr)

    def confirm(seconds: float) -> None:
        line.close()
        print(
            f"{target.given}: every float32 takes about {duration(seconds)}; Ctrl-C ends it.",
            file=sys.stderr,
        )

    settings = Settings(
        quick=arguments.quick,
        seconds=arguments.timeout,
        exhaustive=arguments.exhaustive,
        trial=not arguments.no_train,
        clock=not arguments.no_time,
    )
    try:
        return Audit(target, settings, line.show, confirm, rivals).run()
    except TargetError as error:
        raise CommandError(f"{error}.") from error
    finally:
        line.close()


def _write(report: dict[str, Any], folder: Path, stem: str) -> None:
    from actlab.audit.report import page

    try:
        write_json(folder / f"{stem}.json", report)
        replace_file(folder / f"{stem}.html", page(report).encode())
    except OSError as error:
        raise CommandError(f"the report could not be written: {error.strerror}.", 1) from error


def _fails(report: dict[str, Any], level: str | None) -> bool:
    if level is None:
        return False
    least = LEVELS.index(level)
    return any(LEVELS.index(finding["level"]) >= least for finding in report["findings"])


def _width() -> int:
    return max(60, min(shutil.get_terminal_size((100, 24)).columns, 120))


def listing(report: dict[str, Any], page: Path, width: int = 100) -> str:
    """The findings by severity, as the terminal shows them."""
    from actlab.audit.report import summary

    seconds = sum(report["timings"]["seconds"].values())
    lines = [f"{report['target']['given']}: {summary(report)} ({duration(seconds)})"]
    for finding in report["findings"]:
        first = f"  {finding['level']:8}"
        lines += textwrap.wrap(
            f"{finding['message']}  [{finding['code']}]",
            width,
            initial_indent=first,
            subsequent_indent=" " * len(first),
            break_on_hyphens=False,
        )
    lines.append(f"  {page}")
    return "\n".join(lines)


class Line:
    """What is going on, on standard error: one line that is rewritten, or few lines in a pipe."""

    def __init__(self, name: str, stream: TextIO) -> None:
        self.name, self.stream = name, stream
        self.live = stream.isatty()
        self.start = time.monotonic()
        self.shown, self.width = -10.0, 0

    def show(self, text: str) -> None:
        """Say what is being done now."""
        now = time.monotonic() - self.start
        if self.live:
            line = f"{self.name}: {text} ({now:.0f} s)"[: _width() - 1]
            self.stream.write("\r" + line.ljust(self.width))
            self.width = len(line)
        elif now - self.shown >= 10:
            self.shown = now
            self.stream.write(f"{self.name}: {text}\n")
        self.stream.flush()

    def close(self) -> None:
        """Remove the line from a terminal."""
        if self.live and self.width:
            self.stream.write("\r" + " " * self.width + "\r")
            self.stream.flush()
            self.width = 0
