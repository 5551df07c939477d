"""What an exception says, as far as a sentence has room for it."""

from __future__ import annotations


def first_line(error: BaseException) -> str:
    """The first line of an exception's message that says something, or ""."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), "")
