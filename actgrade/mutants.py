"""Wrong answers that nobody thought of, derived from a reference answer.

Known wrong answers are mistakes that an author expects. A *mutant* is the reference with one small
change that a program makes: a comparison turned round, a constant moved, a branch dropped, an
argument ignored, a result that is right on a part of the inputs only. A question whose held cells
let one pass has a hole, or the change makes no difference; which of the two, a person says in the
course's files (:mod:`actgrade.equivalent`).

Every mutant has a name that stays as long as the line it changes does, such as
``line 4: < for <=``.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from actgrade.spoilers import spoiled

_COMPARE: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
}
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.Pow: ast.Mult,
    ast.FloorDiv: ast.Div,
    ast.MatMult: ast.Mult,
}
_SIGNS = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Is: "is",
    ast.IsNot: "is not",
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.Pow: "**",
    ast.FloorDiv: "//",
    ast.MatMult: "@",
    ast.And: "and",
    ast.Or: "or",
}

# A number so small is a tolerance, which a hundredth more or less does not change.
_TOLERANCE = 1e-5
# So many rounds and more are a budget: one less ends as near.
_MANY_ROUNDS = 20
# Calls whose keywords say what is checked or warned of.
_NO_VALUE = ("zip", "np.errstate", "warnings.catch_warnings")


@dataclass(frozen=True)
class Mutant:
    """A reference with one change.

    Attributes:
        name: where and what, unique in its answer.
        source: the changed answer.
    """

    name: str
    source: str


def mutants_of(
    source: str, rtol: float = 0.0, asked: Callable[[str], bool] = lambda name: True
) -> list[Mutant]:
    """All mutants of a reference answer, each another program than the reference and the others.

    Args:
        source: the reference.
        rtol: the smallest relative difference that loses points; rounding that stays within it
            makes no mutant.
        asked: whether a function of this name is asked for, and no helper of the reference; what a
            helper is called with is the reference's own business.
    """
    tree = ast.parse(source)
    seen = {ast.unparse(tree)}
    found: list[Mutant] = []
    names: dict[str, int] = {}
    for name, changed in (*_changed(tree), *spoiled(tree, rtol, asked)):
        if changed in seen:
            continue
        seen.add(changed)
        names[name] = names.get(name, 0) + 1
        again = f" ({names[name]})" if names[name] > 1 else ""
        found.append(Mutant(name + again, changed))
    return found


Change = Callable[[ast.AST], None]


def _changed(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """One change in each copy of the tree."""
    nodes = list(ast.walk(tree))
    skipped = _outside_behaviour(tree)
    for index, node in enumerate(nodes):
        if node in skipped:
            continue
        for what, change in _changes(node):
            copied = copy.deepcopy(tree)
            change(list(ast.walk(copied))[index])
            line = getattr(node, "lineno", 0)
            yield f"line {line}: {what}", ast.unparse(ast.fix_missing_locations(copied))


def _outside_behaviour(tree: ast.Module) -> set[ast.AST]:
    """What no value depends on.

    Docstrings, messages of exceptions and annotations; and by convention the seed of a generator of
    the answer's own, the number of rounds of a loop that only gets nearer, and what is warned
    of or made sure of besides.
    """
    found: set[ast.AST] = set()
    for node in ast.walk(tree):
        parts: list[ast.AST | None] = []
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node) is not None:
            parts.append(node.body[0])
        if isinstance(node, ast.Raise):
            parts.append(node.exc)
        if isinstance(node, ast.FunctionDef):
            parts += [node.returns, *(a.annotation for a in node.args.args)]
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("default_rng"):
            parts += [one for one in node.args if isinstance(one, ast.Constant)]
        if isinstance(node, ast.Call) and ast.unparse(node.func) in _NO_VALUE:
            parts += [keyword.value for keyword in node.keywords]
        if isinstance(node, ast.For) and ast.unparse(node.target).startswith("_"):
            parts += [one for one in ast.walk(node.iter) if _is_many(one)]
        for part in parts:
            found.update(ast.walk(part) if part is not None else ())
    return found


def _is_many(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Constant)
        and isinstance(node.value, int)
        and node.value >= _MANY_ROUNDS
    )


def _changes(node: ast.AST) -> Iterator[tuple[str, Change]]:
    if isinstance(node, ast.Compare):
        for position, operator in enumerate(node.ops):
            for other in _COMPARE.get(type(operator), ()):
                what = f"{_SIGNS[other]} for {_SIGNS[type(operator)]}"
                yield what, _set_item("ops", position, other)
    elif isinstance(node, ast.BinOp | ast.AugAssign) and type(node.op) in _ARITHMETIC:
        changed = _ARITHMETIC[type(node.op)]
        yield f"{_SIGNS[changed]} for {_SIGNS[type(node.op)]}", _set("op", changed)
    elif isinstance(node, ast.BoolOp):
        to = ast.Or if isinstance(node.op, ast.And) else ast.And
        yield f"{_SIGNS[to]} for {_SIGNS[type(node.op)]}", _set("op", to)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.Not):
        yield f"without {_unary(node)}", _unwrap
    elif isinstance(node, ast.Constant):
        yield from _constants(node)
    elif isinstance(node, ast.If):
        yield "its condition always true", _condition(value=True)
        yield "its condition never true", _condition(value=False)
    elif isinstance(node, ast.IfExp):
        yield "always the first value", _condition(value=True)
        yield "always the second value", _condition(value=False)
    elif isinstance(node, ast.Call):
        yield from _calls(node)
    elif isinstance(node, ast.FunctionDef):
        yield from _ignored(node)


def _unary(node: ast.UnaryOp) -> str:
    return "the minus" if isinstance(node.op, ast.USub) else "the not"


def _constants(node: ast.Constant) -> Iterator[tuple[str, Change]]:
    value = node.value
    if isinstance(value, bool):
        yield f"{not value} for {value}", _value(not value)
    elif isinstance(value, int):
        yield f"{value + 1} for {value}", _value(value + 1)
        if value:
            yield f"{value - 1} for {value}", _value(value - 1)
    elif isinstance(value, float) and 0 < value <= _TOLERANCE:
        yield f"1000 times {value}", _value(value * 1000)
        yield f"0 for {value}", _value(0.0)
    elif isinstance(value, float):
        yield (
            (f"1.01 times {value}" if value else f"0.01 for {value}"),
            _value(value * 1.01 or 0.01),
        )


def _calls(node: ast.Call) -> Iterator[tuple[str, Change]]:
    called = ast.unparse(node.func)[:40]
    for position, keyword in enumerate(node.keywords):
        if keyword.arg and called not in _NO_VALUE:
            yield f"{called} without {keyword.arg}", _drop("keywords", position)
    if len(node.args) > 1:
        yield f"{called} without its last argument", _drop("args", len(node.args) - 1)
    if len(node.args) == 1 and not node.keywords and isinstance(node.func, ast.Attribute):
        yield f"{called} left out", _replace_by_argument


def _ignored(node: ast.FunctionDef) -> Iterator[tuple[str, Change]]:
    """An argument with a default whose value is not looked at."""
    arguments, defaults = node.args.args, node.args.defaults
    with_default = zip(arguments[len(arguments) - len(defaults) :], defaults, strict=True)
    for argument, default in with_default:
        text = f"{argument.arg} = {ast.unparse(default)}"
        yield f"{node.name} ignores {argument.arg}", _insert(text, node)
    for argument, known in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True):
        if known is not None:
            text = f"{argument.arg} = {ast.unparse(known)}"
            yield f"{node.name} ignores {argument.arg}", _insert(text, node)


def _set(field: str, kind: type[ast.AST]) -> Change:
    return lambda node: setattr(node, field, kind())


def _set_item(field: str, position: int, kind: type[ast.AST]) -> Change:
    return lambda node: getattr(node, field).__setitem__(position, kind())


def _value(value: object) -> Change:
    return lambda node: setattr(node, "value", value)


def _condition(*, value: bool) -> Change:
    return lambda node: setattr(node, "test", ast.Constant(value))


def _drop(field: str, position: int) -> Change:
    return lambda node: getattr(node, field).__delitem__(position)


def _unwrap(node: ast.AST) -> None:
    """A sign or ``not`` left out: ``+x`` for ``-x``, ``not not x`` for ``not x``."""
    assert isinstance(node, ast.UnaryOp)
    if isinstance(node.op, ast.Not):
        node.operand = ast.UnaryOp(ast.Not(), node.operand)
    else:
        node.op = ast.UAdd()


def _replace_by_argument(node: ast.AST) -> None:
    """``f(x)`` becomes ``(x)``: a lambda that returns its argument is called instead."""
    assert isinstance(node, ast.Call)
    node.func = ast.parse("(lambda value: value)", mode="eval").body


def _insert(text: str, like: ast.FunctionDef) -> Change:
    start = 1 if ast.get_docstring(like) is not None else 0

    def change(node: ast.AST) -> None:
        assert isinstance(node, ast.FunctionDef)
        node.body[start:start] = ast.parse(text).body

    return change
