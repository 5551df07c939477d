"""The ``actlab`` command: parse, call one function of one module, return an exit code.

A command is a module with ``add_arguments(parser)`` and ``run(arguments) -> int``; the table below
names it. It is imported only when its command is used, so that ``actlab --help`` loads neither
torch nor pytest, and so that this package knows the grader by name only.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from dataclasses import dataclass

from actbase.console import run_command
from actlab import __version__


@dataclass(frozen=True)
class Command:
    """One sub-command: where its code is, what it does in a line, and an example."""

    module: str
    summary: str
    example: str


COMMANDS: dict[str, Command] = {
    "progress": Command(
        "actgrade.commands.progress",
        "show your points and what comes next (also without a command)",
        "actlab progress 04_relu",
    ),
    "watch": Command("actgrade.commands.watch", "grade on save", "actlab watch 04_relu"),
    "hint": Command("actgrade.commands.hint", "give one more hint", "actlab hint 04_relu q2"),
    "reset": Command(
        "actgrade.commands.reset", "put a released stub back", "actlab reset 04_relu q2"
    ),
    "solution": Command(
        "actgrade.commands.solution",
        "print the reference answer, after a pass",
        "actlab solution 04_relu q2",
    ),
    "grade": Command("actgrade.commands.grade", "grade exercises", "actlab grade 04_relu"),
    "class": Command(
        "actgrade.commands.classroom",
        "grade a class, and prove the exercises before a release",
        "actlab class grade submissions/ --out grades",
    ),
    "release": Command(
        "actgrade.commands.release",
        "build exercises/ from solutions/",
        "actlab release --check",
    ),
    "verify": Command(
        "actgrade.commands.verify",
        "prove that exercises grade as they should",
        "actlab verify 04_relu",
    ),
    "execute": Command(
        "actgrade.commands.execute",
        "run a notebook from a clean kernel and store its text outputs",
        "actlab execute notebooks/04_relu.ipynb",
    ),
    "new": Command("bookbuild.new", "write a chapter's skeleton", "actlab new 05_deep_gradients"),
    "check": Command(
        "bookbuild.checks.command", "check everything about a chapter", "actlab check 04"
    ),
    "bench": Command(
        "actlab.bench.command", "benchmark the functions", "actlab bench --sizes 2^20"
    ),
    "gate": Command(
        "actlab.evaluation.command",
        "block a candidate that breaks more than it fixes",
        "actlab gate before.json after.json --html gate.html",
    ),
    "audit": Command(
        "actlab.audit.command",
        "audit your own function, or one of the catalogue",
        "actlab audit 'x / (1 + exp(-x))' --quick",
    ),
}


def build_parser() -> argparse.ArgumentParser:
    """The parser without the sub-commands' own options, which are added when one is named."""
    parser = argparse.ArgumentParser(
        prog="actlab",
        description="Tools of the course 'Activation Functions, Measured'.",
        epilog="'actlab COMMAND --help' explains one command. Example: actlab grade 04_relu",
    )
    parser.add_argument("--version", action="version", version=f"actlab {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    for name, command in COMMANDS.items():
        commands.add_parser(name, help=command.summary, add_help=False)
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run ``actlab`` with ``argv`` (default: the process's own) and return its exit code."""
    argv = (sys.argv[1:] if argv is None else argv) or ["progress"]
    name = f"actlab {argv[0]}" if argv[0] in COMMANDS else "actlab"
    return run_command(name, lambda: _run(argv))


def _run(argv: list[str]) -> int:
    parser = build_parser()
    if argv[0] not in COMMANDS:
        parser.parse_args(argv)  # handles --help, --version and an unknown command
        parser.print_help()
        return 2
    name, command = argv[0], COMMANDS[argv[0]]
    module = importlib.import_module(command.module)
    own = argparse.ArgumentParser(
        prog=f"actlab {name}",
        description=module.__doc__,
        epilog=f"Example: {command.example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    module.add_arguments(own)
    return module.run(own.parse_args(argv[1:]))
