"""What an earlier cell has to import when another cell needs it.

A chapter begins with a cell of imports. Who runs a cell that prints a number needs NumPy from it
and not matplotlib, which is most of what a browser would have to load. So an earlier cell runs
without the imports that nothing uses, and without bare calls that only set such an import up.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Sequence

from bookbuild.live.cells import Cell, Statement


def names_used(target: Cell, earlier: Sequence[Cell]) -> set[str]:
    """The names that a cell reads, and the earlier ones that it needs, imports and set-up aside."""
    found = {name for statement in target.statements for name in _read(statement)}
    for cell in earlier:
        imported = {name for statement in cell.statements for name in statement.imports}
        for statement in cell.statements:
            if not (statement.is_setting and _root_names(statement) & imported):
                found |= _read(statement)
    return found


def _read(statement: Statement) -> set[str]:
    return statement.now | statement.later


def _root_names(statement: Statement) -> set[str]:
    return statement.changes or statement.now


def lean(source: str, used: Collection[str]) -> str:
    """A cell without what only unused imports are for; itself where there is nothing of the kind.

    Args:
        source: of an earlier cell.
        used: names that it must still give, from :func:`names_used`.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return source
    dropped: set[str] = set()
    kept: list[ast.stmt] = []
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias for alias in node.names if _local(alias) in used or alias.name == "*"]
            dropped |= {_local(alias) for alias in node.names} - {_local(name) for name in names}
            node.names = names
            kept += [node] if names else []
        elif not _sets_up(node, dropped):
            kept.append(node)
    if not dropped:
        return source
    tree.body = kept
    return ast.unparse(tree)


def _local(alias: ast.alias) -> str:
    return alias.asname or alias.name.partition(".")[0]


def _sets_up(node: ast.stmt, names: Collection[str]) -> bool:
    """Whether a statement is a bare call such as ``plotting.use_style()`` of one of the names."""
    if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)):
        return False
    root: ast.expr = node.value.func
    if not isinstance(root, ast.Attribute):
        return False
    while isinstance(root, ast.Attribute):
        root = root.value
    return isinstance(root, ast.Name) and root.id in names
