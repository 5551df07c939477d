"""Which cells of a chapter can run in a browser, and which earlier ones each of them needs.

The cells are read, not run. A name that a cell uses leads to the last earlier cell that gives it a
value, and to the cells between that change it in place (``rng.normal()`` moves a generator on,
``ax.set(...)`` a figure), so that running only what is needed prints what the book prints. Where
reading cannot tell, a cell too many is run rather than one too few.
"""

from __future__ import annotations

import ast
import symtable
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

NOT_PYTHON = "IPython"
_COMPREHENSIONS = ("listcomp", "setcomp", "dictcomp", "genexpr")
# fmt: off
# Methods of arrays and texts that leave their object as it is. Any other method may change it.
_PURE_METHODS = frozenset((
    "all", "any", "argmax", "argmin", "argsort", "astype", "clip", "conj", "copy", "cumsum",
    "dot", "flatten", "format", "get", "imag", "item", "items", "join", "keys", "max", "mean",
    "min", "nonzero", "numpy", "prod", "ravel", "real", "repeat", "replace", "reshape",
    "round", "split", "startswith", "std", "strip", "sum", "swapaxes", "take", "tolist",
    "trace", "transpose", "upper", "values", "var",
))
# fmt: on


@dataclass
class Statement:
    """One top-level statement.

    Attributes:
        defines: names that it gives a value.
        now: names that it reads when it runs.
        later: names that the functions in it read when they are called.
        changes: names whose object it may change in place.
        imports: local name -> dotted name of what is imported.
        fixed: names that it defines by an import, ``def`` or ``class``: nothing changes them.
        is_setting: a bare call of something imported, such as ``torch.set_num_threads(1)``.
    """

    defines: set[str] = field(default_factory=set)
    now: set[str] = field(default_factory=set)
    later: set[str] = field(default_factory=set)
    changes: set[str] = field(default_factory=set)
    imports: dict[str, str] = field(default_factory=dict)
    fixed: set[str] = field(default_factory=set)
    is_setting: bool = False


@dataclass
class Cell:
    """A code cell, read.

    Attributes:
        is_python: False for IPython's own syntax and for code that does not parse.
    """

    id: str
    statements: list[Statement] = field(default_factory=list)
    is_python: bool = True

    @property
    def defines(self) -> set[str]:
        """Every name that the cell gives a value."""
        return {name for statement in self.statements for name in statement.defines}

    @property
    def now(self) -> set[str]:
        """The names that it reads before it has given them a value itself."""
        found: set[str] = set()
        defined: set[str] = set()
        for statement in self.statements:
            found |= statement.now - defined
            defined |= statement.defines
        return found

    @property
    def later(self) -> set[str]:
        """The names that its functions read when they are called."""
        return {name for statement in self.statements for name in statement.later}

    @property
    def changes(self) -> set[str]:
        """The names of earlier cells whose objects it may change."""
        found: set[str] = set()
        defined: set[str] = set()
        for statement in self.statements:
            found |= statement.changes - defined
            defined |= statement.defines
        return found


def read(identifier: str, source: str) -> Cell:
    """The cell with this source."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return Cell(identifier, is_python=False)
    return Cell(identifier, [_statement(node) for node in tree.body])


def needs(cells: Sequence[Cell], target: int, blocked: Collection[str] = frozenset()) -> list[int]:
    """The indices of the cells that must have run before ``cells[target]``, in order.

    Args:
        cells: all code cells of the notebook.
        target: index of the cell to run.
        blocked: ids of cells that cannot run here. They are asked for what only they define, and
            are not run for what they change.
    """
    found: set[int] = set()
    seen: set[tuple[str, int]] = set()
    cell = cells[target]
    waiting = [(name, target) for name in cell.now | (cell.later - cell.defines)]
    while waiting:
        name, before = waiting.pop()
        if (name, before) in seen:
            continue
        seen.add((name, before))
        for index in _writers(cells, name, before, blocked):
            found.add(index)
            # A function looks its names up when it is called, so no earlier than here.
            waiting += [(other, index) for other in cells[index].now]
            waiting += [(other, target) for other in cells[index].later - cell.defines]
    return sorted(found - {target})


def _writers(cells: Sequence[Cell], name: str, before: int, blocked: Collection[str]) -> list[int]:
    """The last cell before ``before`` that defines ``name``, and those that change it after."""
    changing: list[int] = []
    for index in range(before - 1, -1, -1):
        cell = cells[index]
        if name in cell.defines:
            if any(name in statement.fixed for statement in cell.statements):
                return [index]
            changing.append(index)
            if name not in cell.now:  # x = x + 1 needs the x before it
                return changing
        elif name in cell.changes and cell.id not in blocked:
            changing.append(index)
    return []


def causes(cells: Sequence[Cell], cause_of: Callable[[str], str | None]) -> dict[str, str | None]:
    """For each cell, what it needs that a browser does not have; None when it can run there.

    An import of something that is missing does no harm by itself, and neither does a bare call that
    only sets it up; what uses the name for a value does.

    Args:
        cells: all code cells of the notebook.
        cause_of: why a module cannot be imported, or None.
    """
    missing: dict[str, str] = {}
    fixed: set[str] = set()  # np.abs(...) changes no np
    found: dict[str, str | None] = {}
    for cell in cells:
        found[cell.id] = None if cell.is_python else NOT_PYTHON
        for number, statement in enumerate(cell.statements, start=1):
            cause = _cause(statement, missing)
            if cause and not (statement.is_setting and number < len(cell.statements)):
                found[cell.id] = found[cell.id] or cause
            fixed = (fixed - statement.defines) | statement.fixed
            for name in statement.defines | (statement.changes - fixed if cause else set()):
                why = cause or cause_of(statement.imports.get(name, "builtins"))
                if why:
                    missing[name] = why
                else:
                    missing.pop(name, None)
    return found


def _cause(statement: Statement, missing: Mapping[str, str]) -> str | None:
    used = sorted((statement.now | statement.later) & set(missing))
    return missing[used[0]] if used else None


def _statement(node: ast.stmt) -> Statement:
    statement = Statement()
    if isinstance(node, ast.Import):
        for alias in node.names:
            local = alias.asname or alias.name.partition(".")[0]
            statement.imports[local] = alias.name
    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
        for alias in node.names:
            # Of a package, its module; of a module, the name in it: asking for both is right.
            statement.imports[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    table = symtable.symtable(ast.unparse(node), "cell", "exec")
    for symbol in table.get_symbols():
        if symbol.is_assigned() or symbol.is_imported():
            statement.defines.add(symbol.get_name())
        if symbol.is_referenced():
            statement.now.add(symbol.get_name())
    for child in table.get_children():
        _add_scope(child, statement, called=False)
    if isinstance(
        node, ast.Import | ast.ImportFrom | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    ):
        statement.fixed = set(statement.defines)
    statement.changes = set(_changes(node))
    # del x and x += 1 read what they change.
    statement.now |= {
        sub.target.id
        for sub in ast.walk(node)
        if isinstance(sub, ast.AugAssign) and isinstance(sub.target, ast.Name)
    } & statement.defines
    call = node.value if isinstance(node, ast.Expr) else None
    statement.is_setting = isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)
    return statement


def _add_scope(table: symtable.SymbolTable, statement: Statement, *, called: bool) -> None:
    """The global names of a function, class or comprehension, and of those inside it."""
    is_function = table.get_type() == "function"
    called = called or (is_function and table.get_name() not in _COMPREHENSIONS)
    for symbol in table.get_symbols():
        if symbol.is_global() and symbol.is_referenced():
            (statement.later if called else statement.now).add(symbol.get_name())
    for child in table.get_children():
        _add_scope(child, statement, called=called)


def _changes(node: ast.stmt) -> Iterator[str]:
    """Names whose object a statement changes in place, as far as it can be seen."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return  # when it is called, which is another cell's doing
    for sub in ast.walk(node):
        if isinstance(sub, ast.Attribute | ast.Subscript) and not isinstance(sub.ctx, ast.Load):
            yield from _root(sub)
        elif isinstance(sub, ast.AugAssign):
            yield from _root(sub.target)
        elif (
            isinstance(sub, ast.Call)
            and isinstance(sub.func, ast.Attribute)
            and sub.func.attr not in _PURE_METHODS
        ):
            yield from _root(sub.func)


def _root(node: ast.expr) -> Iterator[str]:
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    if isinstance(node, ast.Name):
        yield node.id
