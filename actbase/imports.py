"""What a piece of Python imports, read from its syntax; nothing is imported for it."""

from __future__ import annotations

import ast
from collections.abc import Iterator


def parsed(code: str) -> ast.Module:
    """A module of ``code``; an empty one for code that is unfinished.

    IPython's own syntax (``%timeit``, ``!ls``) is passed over.
    """
    lines = ("" if line.lstrip().startswith(("%", "!")) else line for line in code.splitlines())
    try:
        return ast.parse("\n".join(lines))
    except SyntaxError:
        return ast.Module([], [])


def module_imports(
    tree: ast.Module, *, all_of_them: bool = True, names: bool = True
) -> Iterator[str]:
    """The dotted names that ``tree`` imports.

    Args:
        tree: a parsed module or cell.
        all_of_them: also those inside functions and ``try``; else only what must be there for the
            import of the module itself to succeed.
        names: of ``from a import b`` also ``a.b``, which may be a module.
    """
    waiting: list[ast.stmt] = list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.module and not node.level:
                yield node.module
                if names:
                    yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            waiting += node.orelse
        elif isinstance(node, ast.Try) and not all_of_them and _catches_missing(node):
            waiting += node.orelse + node.finalbody
        elif not all_of_them and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        else:
            waiting += _statements(node)


def _catches_missing(node: ast.Try) -> bool:
    return any(
        handler.type is None or "ImportError" in ast.unparse(handler.type)
        for handler in node.handlers
    )


_BODIES = ("body", "orelse", "finalbody")


def _statements(parent: ast.stmt) -> list[ast.stmt]:
    """The statements in the bodies of ``parent``; none for a statement without a body."""
    holders = [parent, *getattr(parent, "handlers", []), *getattr(parent, "cases", [])]
    return [one for holder in holders for name in _BODIES for one in getattr(holder, name, [])]
