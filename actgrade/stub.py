"""From a reference answer to the stub that a learner starts from.

Two ways, in this order: regions between ``# BEGIN SOLUTION`` and ``# END SOLUTION`` are replaced;
in a cell without such regions every function keeps its signature and docstring and loses its body.
"""

from __future__ import annotations

import ast
import re

NOT_WRITTEN = "raise NotImplementedError"
_BEGIN = re.compile(r"^(\s*)#+\s*BEGIN SOLUTION\s*$")
_END = re.compile(r"^\s*#+\s*END SOLUTION\s*$")


def make_stub(source: str) -> str:
    """The stub for the reference answer ``source``.

    Returns:
        Python source that compiles, ends without a newline, and raises ``NotImplementedError``
        where the learner has to write.

    Raises:
        ValueError: no stub can be made; the message is one sentence.
    """
    lines = source.splitlines()
    if any(_BEGIN.match(line) or _END.match(line) for line in lines):
        stub = _without_regions(lines)
    else:
        stub = _without_bodies(source)
    try:
        compile(stub, "stub", "exec")
    except SyntaxError as error:
        raise ValueError(f"its stub is not Python ({error.msg})") from None
    if "NotImplementedError" not in stub:
        raise ValueError("its stub leaves nothing to write")
    return stub


def _without_regions(lines: list[str]) -> str:
    kept: list[str] = []
    inside = False
    for line in lines:
        begin = _BEGIN.match(line)
        if begin and inside:
            raise ValueError("BEGIN SOLUTION inside a solution")
        if begin:
            inside = True
            kept.append(f"{begin[1]}{NOT_WRITTEN}")
        elif _END.match(line):
            if not inside:
                raise ValueError("END SOLUTION without BEGIN SOLUTION")
            inside = False
        elif not inside:
            kept.append(line)
    if inside:
        raise ValueError("BEGIN SOLUTION without END SOLUTION")
    return "\n".join(kept).strip("\n")


def _without_bodies(source: str) -> str:
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        raise ValueError(f"its answer is not Python ({error.msg}, line {error.lineno})") from None
    lines = source.splitlines()
    # From the last to the first, so that earlier line numbers stay right.
    for node in reversed(tree.body):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            _empty(node, lines)
        elif isinstance(node, ast.ClassDef):
            _empty_methods(node, lines)
        elif not isinstance(node, ast.Import | ast.ImportFrom):
            raise ValueError(
                f"line {node.lineno} of its answer stands outside a function; put it between "
                "# BEGIN SOLUTION and # END SOLUTION, or into the setup cell"
            )
    return "\n".join(lines).strip("\n")


def _empty_methods(node: ast.ClassDef, lines: list[str]) -> None:
    for member in reversed(node.body):
        if isinstance(member, ast.FunctionDef | ast.AsyncFunctionDef):
            _empty(member, lines)


def _empty(node: ast.FunctionDef | ast.AsyncFunctionDef, lines: list[str]) -> None:
    """Replace the body of ``node`` in ``lines``, keeping its docstring."""
    body = list(node.body)
    indent = " " * (node.col_offset + 4)
    if ast.get_docstring(node, clean=False) is not None:
        documentation = body.pop(0)
        start = documentation.end_lineno  # zero-based: the line after the docstring
        indent = " " * documentation.col_offset
    elif body[0].lineno == node.lineno or _header_ends_on(node, body[0]):
        # def f(x): return x
        header = lines[body[0].lineno - 1].encode()[: body[0].col_offset].decode().rstrip()
        lines[body[0].lineno - 1] = header
        start = body[0].lineno
    else:
        start = body[0].lineno - 1
        # Comments between the signature and the first statement are part of the solution.
        while lines[start - 1].lstrip().startswith("#") or not lines[start - 1].strip():
            start -= 1
    end = node.end_lineno
    assert start is not None
    assert end is not None
    lines[start:end] = [f"{indent}{NOT_WRITTEN}"]


def _header_ends_on(node: ast.FunctionDef | ast.AsyncFunctionDef, first: ast.stmt) -> bool:
    """Whether the body begins on the line on which a signature of several lines ends."""
    parts: list[ast.AST] = [*ast.walk(node.args), *([node.returns] if node.returns else [])]
    last = max((getattr(part, "end_lineno", 0) or 0 for part in parts), default=0)
    return first.lineno == last
