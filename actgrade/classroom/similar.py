"""Answers that are the same once names of locals, comments and layout are taken away.

A lead and not a verdict: short answers have few ways to be written, and learners who talked about a
problem write alike. So the list says how large an answer is, how many share it, and whether it is
the published reference.
"""

from __future__ import annotations

import ast
import hashlib
import io
import tokenize
import warnings
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

# A smaller syntax tree than this has hardly a second way to be written.
SMALL = 25


class _Canonical(ast.NodeTransformer):
    """Renames what the code itself binds, in the order of appearance."""

    def __init__(self, bound: set[str]) -> None:
        self._bound = bound
        self._names: dict[str, str] = {}

    def _name(self, name: str) -> str:
        if name not in self._bound:
            return name
        return self._names.setdefault(name, f"v{len(self._names)}")

    def visit_Name(self, node: ast.Name) -> ast.AST:
        node.id = self._name(node.id)
        return node

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.arg, node.annotation = self._name(node.arg), None
        return node

    def visit_keyword(self, node: ast.keyword) -> ast.AST:
        self.generic_visit(node)
        return node

    def visit_alias(self, node: ast.alias) -> ast.AST:
        if node.asname:
            node.asname = self._name(node.asname)
        return node

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.AST:
        if node.name:
            node.name = self._name(node.name)
        self.generic_visit(node)
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        if node.value is None:
            return ast.Pass()
        plain = ast.Assign(targets=[node.target], value=node.value)
        return self.generic_visit(plain)

    def visit_Global(self, node: ast.Global) -> ast.AST:
        node.names = [self._name(name) for name in node.names]
        return node

    visit_Nonlocal = visit_Global  # type: ignore[assignment]

    def visit_FunctionDef(self, node: Any) -> ast.AST:
        node.name, node.returns = self._name(node.name), None
        node.body = _without_docstring(node.body)
        self.generic_visit(node)
        return node

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        node.name = self._name(node.name)
        node.body = _without_docstring(node.body)
        self.generic_visit(node)
        return node


def _without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    first = body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
        return body[1:] or [ast.Pass()]
    return body


def _bound(tree: ast.AST, kept: set[str]) -> set[str]:
    """Names that the code binds, but for those that the question asks for."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            names.add(node.id)
        elif isinstance(node, ast.arg):
            names.add(node.arg)
        elif isinstance(node, ast.alias) and node.asname:
            names.add(node.asname)
        elif isinstance(
            node, ast.ExceptHandler | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
        ):
            names |= {node.name} if node.name else set()
    return names - kept


def fingerprint(source: str, kept: Iterable[str] = ()) -> tuple[str, int]:
    """A digest of the normalised ``source``, and the size of its syntax tree in nodes.

    Args:
        source: the code of one answer cell, hostile or not Python.
        kept: names that the question asks for, which are not renamed.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source)
        tree.body = _without_docstring(tree.body) if tree.body else []
        tree = _Canonical(_bound(tree, set(kept))).visit(tree)
        text, size = ast.dump(tree), sum(1 for _ in ast.walk(tree))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        tokens = _tokens(source)
        text, size = "tokens " + " ".join(tokens), len(tokens)
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:32], size


def _tokens(source: str) -> list[str]:
    """Words of what is not Python, or is IPython, without comments and layout."""
    found = []
    layout = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type not in layout:
                found.append(token.string)
    except (tokenize.TokenError, SyntaxError, ValueError):
        return source.split()
    return found


def names_of(source: str) -> set[str]:
    """The functions and classes that a reference answer defines at its top level."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return set()
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    names = {node.name for node in tree.body if isinstance(node, kinds)}
    for node in tree.body:
        if isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return names


def groups(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Answers that several learners share.

    Args:
        rows: one for each learner, chapter and question, with ``learner``, ``name``, ``chapter``,
            ``question``, ``fingerprint``, ``size``, ``kind`` (``written``, ``stub`` or
            ``reference``).

    Returns:
        Groups, the most telling first: large answers that few share before small or common ones.
    """
    answered: dict[tuple[str, str], set[str]] = defaultdict(set)
    shared: dict[tuple[str, str, str], list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        if row["kind"] == "stub" or not row["fingerprint"]:
            continue
        answered[row["chapter"], row["question"]].add(row["learner"])
        shared[row["chapter"], row["question"], row["fingerprint"]].append(row)
    found = []
    for (chapter, question, _), members in shared.items():
        if len({member["learner"] for member in members}) < 2:
            continue
        found.append(
            {
                "chapter": chapter,
                "question": question,
                "learners": [member["name"] for member in members],
                "answered_by": len(answered[chapter, question]),
                "size": members[0]["size"],
                "is_reference": members[0]["kind"] == "reference",
                "is_small": members[0]["size"] < SMALL,
            }
        )
    found.sort(
        key=lambda group: (
            group["is_reference"],
            group["is_small"],
            len(group["learners"]) / group["answered_by"],
            -group["size"],
            group["chapter"],
            group["question"],
            group["learners"],
        )
    )
    return found
