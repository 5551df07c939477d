"""Which function of the answer a shown value comes from, and what it was called with.

The first is read from the source of a check cell. The second is found out by a run of the
reference, in a process of its own and only for a value that is wrong: :func:`recording` makes the
cells of that run, and :func:`calls_of` reads what they print.
"""

from __future__ import annotations

import ast
import functools
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from actgrade.apart import CALLS, KEPT
from actgrade.trial import TrialCell
from actgrade.values import parse_line

_INDEX = re.compile(r"\w+\[(\d+)\]")


@functools.lru_cache(maxsize=256)
def functions_of(source: str, asked: frozenset[str]) -> dict[str, str]:
    """The name of every value that ``source`` shows, and the one function of ``asked`` behind it.

    A value that comes from several functions, or from none, is left out.
    """
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return {}
    behind: dict[str, set[str]] = {}
    found: dict[str, set[str]] = {}
    for node in _in_order(tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                for name in _names(target):
                    behind[name] = _functions(node.value, asked, behind)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id != "show":
                continue
            for keyword in node.keywords:
                functions = _functions(keyword.value, asked, behind)
                found.setdefault(keyword.arg or "", set()).update(functions or {""})
    return {label: min(names) for label, names in found.items() if len(names) == 1 and min(names)}


def _in_order(tree: ast.AST) -> list[ast.Assign | ast.Call]:
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Assign | ast.Call)]
    return sorted(nodes, key=lambda node: (node.lineno, node.col_offset))


def _names(node: ast.AST) -> list[str]:
    return [one.id for one in ast.walk(node) if isinstance(one, ast.Name)]


def _functions(node: ast.AST, asked: frozenset[str], behind: dict[str, set[str]]) -> set[str]:
    found: set[str] = set()
    for name in _names(node):
        found |= {name} if name in asked else behind.get(name, set())
    return found


def recording(cells: Iterable[TrialCell]) -> list[TrialCell]:
    """Cells of the reference whose checks also print what its functions are called with."""
    return [
        replace(cell, source=cell.source.replace(f"{KEPT}.run(", f"{KEPT}.record(", 1))
        if cell.is_judged
        else cell
        for cell in cells
    ]


def calls_of(text: str) -> list[str | None]:
    """For every line that a recorded check shows, the call behind it, where there is one."""
    found: list[str | None] = []
    calls: dict[str, Sequence[str]] = {}
    for line in text.rstrip().splitlines():
        if line.startswith(CALLS):
            calls = json.loads(line.removeprefix(CALLS))
            continue
        shown = parse_line(line)
        name = shown.name if shown else ""
        found.append(_one_of(calls.get(name.partition("[")[0], ()), name))
    return found


def _one_of(calls: Sequence[str], name: str) -> str | None:
    if len(calls) == 1:
        return calls[0]
    index = _INDEX.match(name)
    return calls[int(index[1])] if index and int(index[1]) < len(calls) else None
