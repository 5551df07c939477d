"""What running costs in the page, in a sentence: from the record of ``benchmarks/live.py``."""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import Any

from bookbuild.paths import ROOT

RECORD = Path("benchmarks", "pages", "live.json")
#: Of an ordinary mobile line, for the seconds that a local server does not show.
MEGABITS = 10
#: Processes that want a core, for each core, beyond which seconds say more about the machine.
BUSY = 1.0


def load(root: Path = ROOT) -> dict[str, Any]:
    """The record."""
    return json.loads((root / RECORD).read_text(encoding="utf-8"))


def row(record: dict[str, Any], kind: str, when: str) -> dict[str, Any]:
    """A kind of result (``checks``, ``prints``, ``draws``), ``cold``, ``again`` or ``warm``.

    Raises:
        KeyError: the record has no such row.
    """
    for one in record["rows"]:
        if (one["kind"], one["when"]) == (kind, when):
            return one
    raise KeyError(f"{RECORD} has no row for {kind}, {when}")


def seconds(value: float) -> str:
    """Two digits, as a reader needs them."""
    return f"{value:.1f} s" if value < 9.95 else f"{value:.0f} s"


def megabytes(value: float) -> str:
    """Whole megabytes, and none where it is next to none."""
    return f"{value:.0f} MB" if value >= 0.5 else "nothing"


def load_of(record: dict[str, Any]) -> float:
    """Median load average while it was measured, for each core."""
    loads = [load for load in record["load_averages"] if load is not None]
    return statistics.median(loads) / record["device"]["cores"] if loads else 0.0


def sentence(record: dict[str, Any], kind: str = "checks") -> str:
    """What the first, the next, and the first of a later visit cost."""
    cold, again, warm = (row(record, kind, when) for when in ("cold", "again", "warm"))
    line = 8 * cold["megabytes"] / MEGABITS
    busy = ", which was busy," if load_of(record) > BUSY else ""
    return (
        f"The first check loads Python, {megabytes(cold['megabytes'])}. With the files on the same "
        f"machine{busy} that took {seconds(cold['seconds'])}; a line of {MEGABITS} Mbit/s adds "
        f"{seconds(line)}. Every further check took {seconds(again['seconds'])}. At a later visit "
        f"{megabytes(warm['megabytes'])} is loaded, and the first check took "
        f"{seconds(warm['seconds'])}."
    )


def details(record: dict[str, Any]) -> str:
    """Where and when it was measured, and how busy the machine was."""
    device = record["device"]
    loads = [load for load in record["load_averages"] if load is not None]
    busy = f", load {min(loads):.1f} to {max(loads):.1f}" if loads else ""
    return (
        f"Medians of {record['rounds']} rounds on {record['created'][:10]}: {record['browser']}, "
        f"Pyodide {record['pyodide']}, {device['cores']} cores of {device['name']}{busy}. A bare "
        f"start of Pyodide took {seconds(row(record, 'bare Pyodide', 'cold')['seconds'])} there."
    )
