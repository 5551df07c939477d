"""The options that bound what a learner's code may use, for 'actlab grade' and 'actlab class'."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import Any

from actbase.errors import CommandError
from actgrade.sandbox.limits import Limits

_DEFAULT = Limits()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The group ``limits``."""
    group = parser.add_argument_group("limits")
    group.add_argument(
        "--cell-timeout", type=positive(float), default=_DEFAULT.cell_seconds, metavar="S",
        help="a cell (%(default)g s)",
    )  # fmt: skip
    group.add_argument(
        "--question-timeout", type=positive(float), default=_DEFAULT.question_seconds,
        metavar="S", help="in all (%(default)g s)",
    )  # fmt: skip
    group.add_argument(
        "--memory", type=positive(int), default=_DEFAULT.memory_bytes // 2**20, metavar="MIB",
        help="a question (%(default)s MiB)",
    )  # fmt: skip
    group.add_argument(
        "--output", type=positive(int), default=_DEFAULT.output_bytes // 2**10, metavar="KIB",
        help="a cell (%(default)s KiB)",
    )  # fmt: skip
    group.add_argument(
        "--disk", type=positive(int), default=_DEFAULT.disk_bytes // 2**20, metavar="MIB",
        help="a question's files (%(default)s MiB)",
    )  # fmt: skip


def from_arguments(arguments: argparse.Namespace) -> Limits:
    """The limits that the options ask for."""
    return Limits(
        cell_seconds=arguments.cell_timeout,
        question_seconds=arguments.question_timeout,
        memory_bytes=arguments.memory * 2**20,
        output_bytes=arguments.output * 2**10,
        disk_bytes=arguments.disk * 2**20,
    )


def check_engine(arguments: argparse.Namespace) -> None:
    """Refuse the engine that this platform does not have.

    Raises:
        CommandError: it is ``jupyter``, and this is not Linux.
    """
    if arguments.engine == "jupyter" and sys.platform != "linux":
        raise CommandError("the engine jupyter needs Linux; use --engine pipe")


def positive(kind: type) -> Callable[[str], Any]:
    """A converter for argparse: a number of ``kind`` above zero."""

    def convert(text: str) -> Any:
        value = kind(text)
        if not 0 < value < 1e9:
            raise ValueError
        return value

    convert.__name__ = "positive number"  # argparse names the type in its message
    return convert
