"""Errors that somebody at a keyboard reads, and what an exception says in one line."""

from __future__ import annotations


class CommandError(Exception):
    """A mistake of the person at the keyboard: shown as one sentence, without a traceback.

    Args:
        message: what is wrong and what to do, in one sentence.
        exit_code: 2 for bad input (as argparse and pytest do), 1 for an honest "no".
    """

    def __init__(self, message: str, exit_code: int = 2) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def first_line(error: BaseException) -> str:
    """The first line of an exception's message that says something, or ""."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), "")
