"""Run a chapter again, in a process of its own, and say what differs from what is stored."""

from __future__ import annotations

import resource
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from actbase.errors import CommandError
from actgrade.notebooks import execute, normalise, read


@dataclass
class Rerun:
    """One run: its text outputs by cell, the CPU seconds of its kernel, or why it failed."""

    outputs: list[Any] = field(default_factory=list)
    cpu_seconds: float = 0.0
    failure: str = ""


def rerun(path: Path, timeout: float = 180) -> Rerun:
    """Run the notebook at ``path`` from a clean kernel; called in a process of its own."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    try:
        after = execute(read(path), path.parent, timeout)
    except CommandError as error:
        return Rerun(failure=str(error))
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime
    return Rerun([cell.get("outputs") for cell in after.cells], seconds)


def differences(path: Path, runs: list[Rerun]) -> list[str]:
    """A sentence for each run that failed, and for each cell that did not say the same."""
    found = [f"it does not run: {run.failure}" for run in runs if run.failure]
    if found:
        return found[:1]
    stored = [cell.get("outputs") for cell in normalise(read(path)).cells]
    for number, outputs in enumerate(stored, start=1):
        again = [run.outputs[number - 1] for run in runs]
        if any(one != again[0] for one in again):
            found.append(f"cell {number} prints something else every time; round it, or fix a seed")
        elif again and again[0] != outputs:
            found.append(
                f"cell {number} does not print what is stored; run 'actlab execute {path}'"
            )
    return found
