"""The property table of the book, from `actlab.properties`, measured once and then kept.

A measurement of all functions takes some ten seconds. Its rows are kept in a JSON file whose name
contains a digest of the code and of the versions that they depend on, so a change of either
measures again and nothing else does.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from actbase.files import write_json
from actlab.functions import CATALOGUE
from bookbuild.pages.ledger import escape
from bookbuild.paths import ROOT

PACKAGE = ROOT / "actlab"
# Which columns stand together, each group a table that fits a page.
GROUPS: dict[str, tuple[str, ...]] = {
    "shape": ("Range", "Minimum at", "Monotone", "Range of f′", "Kinks", "Smoothness"),
    "gaussian": ("E f", "E f²", "E f′²", "Exact zeros"),
    "limits": (
        "Zero gradient, float32",
        "Zero gradient, bfloat16",
        "Overflow, float16",
        "Saved for backward",
    ),
}


def digest() -> str:
    """What the measurements depend on: the catalogue's and the measuring code, and versions."""
    found = hashlib.sha256()
    files = [*sorted((PACKAGE / "functions").rglob("*.py")), PACKAGE / "properties.py"]
    for path in files:
        found.update(path.read_bytes())
    for package in ("numpy", "torch"):
        found.update(f"{package} {importlib.metadata.version(package)}".encode())
    found.update(f"{sys.platform} {sys.version_info[:2]}".encode())
    return found.hexdigest()[:16]


def rows(cache: Path) -> list[dict[str, str]]:
    """The rows of :func:`actlab.properties.property_table`, measured or as kept in ``cache``.

    Args:
        cache: a folder, made if it does not exist; rows of other digests in it are removed.
    """
    kept = cache / f"properties-{digest()}.json"
    if kept.exists():
        return json.loads(kept.read_text(encoding="utf-8"))
    from actlab.properties import property_table

    table = property_table()
    cache.mkdir(parents=True, exist_ok=True)
    for old in cache.glob("properties-*.json"):
        old.unlink()
    write_json(kept, table)
    return table


def table(group: str, measured: Sequence[Mapping[str, str]], meaning: Mapping[str, str]) -> str:
    """One group of columns as Markdown: a line for each column that explains it, then the table.

    Args:
        group: a key of :data:`GROUPS`.
        measured: the rows.
        meaning: what each column says.
    """
    columns = GROUPS[group]
    lines = [f"*{escape(column)}*: {escape(meaning[column])}." for column in columns]
    head = ["Function", *columns]
    body = [[row[column] for column in head] for row in measured]
    return "\n".join([" ".join(lines), "", *_markdown(head, body)])


def formulas() -> str:
    """Every function of the catalogue: formula, parameters, paper, and who uses it."""
    body = []
    for entry in CATALOGUE.values():
        parameters = ", ".join(f"${p.symbol} = {p.default:.4g}$" for p in entry.parameters)
        formula = entry.formula.replace("|x|", r"\lvert x\rvert")  # a bar would end the cell
        body.append(
            (
                escape(entry.title),
                rf"$\displaystyle {formula}$",
                parameters or "none",
                f"{{cite:t}}`{entry.paper}`",
                ", ".join(f"[{escape(use.model)}]({use.address})" for use in entry.used_by) or "",
            )
        )
    head = ("Function", "Formula", "Parameters", "Source", "Used by, for example")
    return "\n".join(_markdown(head, body, escaped=True))


def _markdown(
    head: Sequence[str], body: Sequence[Sequence[str]], escaped: bool = False
) -> list[str]:
    cell = str if escaped else escape
    return [
        "| " + " | ".join(head if escaped else map(escape, head)) + " |",
        "|" + ":--|" * len(head),
        *("| " + " | ".join(cell(value) for value in row) + " |" for row in body),
    ]
