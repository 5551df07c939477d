"""What a question does not allow: the look at the source of an answer.

It resolves names through the imports of the set-up cells and of the answer, and reads no further
than that: ``getattr(F, "ge" + "lu")`` is for the guard in the kernel
(:mod:`actgrade.sandbox.guard`), which sees the call and not the name.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

# Methods of types that cannot be guarded at run time are recognised by their names.
_UNGUARDED_TYPES = ("numpy.ndarray",)
_IMPORTERS = ("__import__", "importlib.import_module", "importlib.__import__")


def forbidden_use(answer: str, forbid: Sequence[str], setup: Sequence[str] = ()) -> str | None:
    """Why ``answer`` loses its question, or None when it mentions nothing forbidden.

    Args:
        answer: source of the answer cell.
        forbid: dotted names of functions, classes, methods or modules.
        setup: sources of the set-up cells, whose imports the answer may use.
    """
    if not forbid:
        return None
    tree = _parse(answer)
    if tree is None:
        return None  # it will not run either
    aliases: dict[str, str] = {}
    for text in setup:
        module = _parse(text)
        if module is not None:
            aliases |= _imports(module)
    for name in _rebound(tree):
        aliases.pop(name, None)
    aliases |= _imports(tree)
    only_named = _only_named(tree)
    for node in ast.walk(tree):
        if node in only_named:
            continue
        for mentioned in _mentions(node, aliases):
            for name in forbid:
                if _is_or_is_in(mentioned, name):
                    return _sentence(name, mentioned, node)
        method = _forbidden_method(node, forbid, aliases)
        if method is not None:
            return _sentence(method, method, node)
    return None


def _sentence(name: str, mentioned: str, node: ast.AST) -> str:
    shown = mentioned if len(mentioned) < 60 else name
    line = getattr(node, "lineno", None)
    where = f" (line {line})" if line else ""
    return f"it uses {shown}{where}, which this question does not allow"


def _parse(text: str) -> ast.Module | None:
    # IPython's magics and shell lines are not Python, and import nothing that counts.
    lines = ["" if line.lstrip().startswith(("%", "!")) else line for line in text.splitlines()]
    try:
        return ast.parse("\n".join(lines))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _imports(tree: ast.Module) -> dict[str, str]:
    """Local name -> dotted name, for every import in ``tree``."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.asname:
                    found[alias.asname] = alias.name
                else:
                    root = alias.name.split(".")[0]
                    found[root] = root
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                found[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return found


def _rebound(tree: ast.Module) -> set[str]:
    """Names that the answer gives a meaning of its own somewhere."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.arg):
            names.add(node.arg)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
    return names


def _only_named(tree: ast.Module) -> set[ast.AST]:
    """What stands in an annotation or is asked for by ``isinstance``: a name and no use."""
    places: list[ast.AST | None] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.arg | ast.AnnAssign):
            places.append(node.annotation)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            places.append(node.returns)
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "isinstance"
            and len(node.args) == 2
        ):
            places.append(node.args[1])
    found: set[ast.AST] = set()
    for place in places:
        if place is not None and not any(isinstance(one, ast.Call) for one in ast.walk(place)):
            found.update(ast.walk(place))
    return found


def _mentions(node: ast.AST, aliases: dict[str, str]) -> Iterator[str]:
    """Dotted names that one node of the tree refers to."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
        yield node.module
        yield from (f"{node.module}.{alias.name}" for alias in node.names)
    elif isinstance(node, ast.Attribute | ast.Name):
        dotted = _dotted(node, aliases)
        if dotted is not None:
            yield dotted
    elif isinstance(node, ast.Call) and len(node.args) >= 1:
        yield from _called(node, aliases)
    elif (
        isinstance(node, ast.Subscript)
        and isinstance(node.slice, ast.Constant)
        and isinstance(node.slice.value, str)
        and _dotted(node.value, aliases) == "sys.modules"
    ):
        yield node.slice.value


def _called(node: ast.Call, aliases: dict[str, str]) -> Iterator[str]:
    """``getattr(module, "name")``, ``import_module("name")`` and the like."""
    texts = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
    function = _dotted(node.func, aliases)
    if function is None and isinstance(node.func, ast.Name):
        function = node.func.id
    if function in _IMPORTERS:
        yield from texts
    elif function == "getattr" and texts:
        owner = _dotted(node.args[0], aliases)
        if owner is not None:
            yield f"{owner}.{texts[0]}"


def _dotted(node: ast.expr, aliases: dict[str, str]) -> str | None:
    """``np.maximum.reduce`` as ``numpy.maximum.reduce``, when ``np`` is an import."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name) or node.id not in aliases:
        return None
    return ".".join([aliases[node.id], *reversed(parts)])


def _is_or_is_in(mentioned: str, forbidden: str) -> bool:
    return mentioned == forbidden or mentioned.startswith(f"{forbidden}.")


def _forbidden_method(node: ast.AST, forbid: Sequence[str], aliases: dict[str, str]) -> str | None:
    if not isinstance(node, ast.Attribute) or _dotted(node, aliases) is not None:
        return None
    for kind in _UNGUARDED_TYPES:
        if f"{kind}.{node.attr}" in forbid:
            return f"{kind}.{node.attr}"
    return None
