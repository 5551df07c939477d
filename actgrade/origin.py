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
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from actgrade.apart import CALLS, KEPT
from actgrade.trial import TrialCell
from actgrade.values import parse_line

_INDEX = re.compile(r"\w+\[(\d+)\]")
_ADDING = {"append", "extend", "add", "update", "insert"}


@dataclass(frozen=True)
class Origins:
    """Which functions of an answer the values of a check cell come from.

    Attributes:
        functions: by the name of a value, the one function behind it; "" where it comes from
            several, or from none.
        made: the same for values whose names are made only when the cell runs.
        called: the functions that the cell calls, in their order.
        derived: names of values that are computed from what the function behind them returns.
    """

    functions: Mapping[str, str] = field(default_factory=dict)
    made: str = ""
    called: tuple[str, ...] = ()
    derived: frozenset[str] = frozenset()

    def function(self, label: str) -> str:
        """The function behind the value ``label``, or ""."""
        return self.functions.get(label, self.made)


@functools.lru_cache(maxsize=256)
def origins_of(source: str, asked: frozenset[str]) -> Origins:
    """What ``source`` shows, and the functions of ``asked`` behind it."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return Origins()
    behind: dict[str, set[str]] = {}
    found: dict[str, set[str]] = {}
    called: list[str] = []
    derived: set[str] = set()
    for node in _in_order(tree):
        if isinstance(node, ast.Name):
            called += [node.id] if node.id in asked and node.id not in called else []
        elif isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name) and node.func.id == "show":
                for keyword in node.keywords:
                    functions = _functions(keyword.value, asked, behind)
                    found.setdefault(keyword.arg or "", set()).update(functions or {""})
                    if keyword.arg and not _is_plain(keyword.value, asked):
                        derived.add(keyword.arg)
            elif isinstance(node.func, ast.Attribute) and node.func.attr in _ADDING:
                for name in _names(node.func.value):
                    added = (_functions(value, asked, behind) for value in node.args)
                    behind[name] = behind.get(name, set()).union(*added)
        else:
            value = node.iter if isinstance(node, ast.For) else node.value
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                for name in _names(target):
                    old = behind.get(name, set()) if isinstance(node, ast.AugAssign) else set()
                    behind[name] = old | _functions(value, asked, behind)
    one = {label: min(names) if len(names) == 1 else "" for label, names in found.items()}
    return Origins(one, one.pop("", ""), tuple(called), frozenset(derived))


_Node = ast.Assign | ast.AugAssign | ast.NamedExpr | ast.For | ast.Call | ast.Name


def _in_order(tree: ast.AST) -> list[_Node]:
    nodes = [node for node in ast.walk(tree) if isinstance(node, _Node)]
    return sorted(nodes, key=lambda node: (node.lineno, node.col_offset))


def _names(node: ast.AST) -> list[str]:
    return [one.id for one in ast.walk(node) if isinstance(one, ast.Name)]


def _is_plain(node: ast.AST, asked: frozenset[str]) -> bool:
    """Whether a value is what a function returns, or a part or another form of it."""
    if isinstance(node, ast.Subscript | ast.Starred):
        return _is_plain(node.value, asked)
    if isinstance(node, ast.List | ast.Tuple):
        return all(_is_plain(one, asked) for one in node.elts)
    if isinstance(node, ast.ListComp):
        return _is_plain(node.elt, asked)
    if isinstance(node, ast.Call):
        if isinstance(node.func, ast.Name) and node.func.id in asked | {"raised"}:
            return True
        form = ast.unparse(node.func) in ("bool", "float", "int", "list", "str", "np.array")
        return form and len(node.args) > 0 and _is_plain(node.args[0], asked)
    return isinstance(node, ast.Name)


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
