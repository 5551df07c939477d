"""A reference answer in pieces, so that a reader can look at as little of it as is needed."""

from __future__ import annotations

import ast


def solution_steps(source: str) -> list[str]:
    """``source`` cut where its statements begin.

    The first piece holds the head of a function with its docstring and its first statement; each
    further statement of a body, and each one at the top level, is a piece of its own, with the
    comments before it. A loop or a condition is one piece.

    Args:
        source: the code of a reference answer.

    Returns:
        Pieces that joined by newlines are ``source``; at least one.
    """
    lines = source.splitlines()
    starts: list[int] = []
    for node in ast.parse(source).body:
        starts.append(_first_line(node))
        if isinstance(node, ast.ClassDef):
            for member in node.body[1:]:
                starts.append(_first_line(member))
                starts += _later(member)
        else:
            starts += _later(node)
    cuts = sorted({_with_comments(lines, start) for start in starts} | {0})
    ends = [*cuts[1:], len(lines)]
    return ["\n".join(lines[a:b]) for a, b in zip(cuts, ends, strict=True)]


def _later(node: ast.stmt) -> list[int]:
    """Where the statements of a function's body begin, without its docstring and the first."""
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return []
    has_docstring = ast.get_docstring(node, clean=False) is not None
    return [_first_line(inner) for inner in node.body[1 + has_docstring :]]


def _first_line(node: ast.stmt) -> int:
    """The zero-based line on which ``node`` begins, its decorators with it."""
    decorators = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)]) - 1


def _with_comments(lines: list[str], start: int) -> int:
    """``start``, moved up over the comments and empty lines that belong to it."""
    while start and (not lines[start - 1].strip() or lines[start - 1].lstrip().startswith("#")):
        start -= 1
    return start
