"""Which bounds on a question are hard on this machine, and which are looked at from outside."""

from __future__ import annotations

import os
import sys

from actgrade.sandbox import cgroup
from actgrade.sandbox.confinement import ISOLATED

HARD = "hard"
WATCHED = "watched"
NONE = "none"
_WORDS = {HARD: "bounded", WATCHED: "looked at a few times a second", NONE: "not bounded"}


def bounds(isolation: str) -> dict[str, str]:
    """How each bound is kept: ``hard``, ``watched`` (a few times a second) or ``none``.

    Args:
        isolation: how kernels are contained, as they say it.
    """
    from_outside = WATCHED if sys.platform == "linux" else NONE
    in_group = HARD if cgroup.delegated() is not None else from_outside
    return {
        "time": HARD,
        "output": HARD,
        "processes": HARD if isolation == ISOLATED else NONE,
        "size of a file": HARD if os.name == "posix" else NONE,
        "memory": in_group,
        "threads": in_group,
        "disk": WATCHED,
    }


def sentence(found: dict[str, str]) -> str:
    """``bounded: time and output; looked at a few times a second: disk``."""
    said = []
    for how, words in _WORDS.items():
        names = [name for name, kept in found.items() if kept == how]
        if names:
            listed = ", ".join(names[:-1]) + (" and " if len(names) > 1 else "") + names[-1]
            said.append(f"{words}: {listed}")
    return "; ".join(said)
