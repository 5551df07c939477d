"""Known cancellations and overflows in a formula, found in its syntax tree and written soundly.

The patterns are looked for in expressions and in the source of functions alike: ``torch.tanh(u)``,
``np.tanh(u)``, ``u.tanh()`` and a local variable that was set to one of them are all tanh of u.
Each rewriting is an identity of real numbers, except :data:`CUBE`, which holds where a cube stands
inside a tanh; whether it helps is for the caller to measure.

>>> from actlab.audit.expression import parse, text
>>> from actlab.audit.rewriting import causes, rewrite
>>> tree = parse("1 - tanh(x)**2")
>>> [cause.name for cause in causes(tree)]
['1 − tanh²']
>>> text(rewrite(tree))
'4 * sigmoid(2 * x) * sigmoid(-(2 * x))'
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from actlab.audit.expression import ALIASES, constant

#: Makes a call of a function of :data:`actlab.audit.expression.FUNCTIONS`.
Make = Callable[..., ast.expr]
Bindings = Mapping[str, ast.expr]


@dataclass(frozen=True)
class Cause:
    """One kind of numerical mistake.

    Attributes:
        name: as people call it.
        why: what goes wrong, as a clause.
        instead: what is written instead.
    """

    name: str
    why: str
    instead: str


TANH_SQUARED = Cause("1 − tanh²", "tanh is rounded to ±1 and the difference to 0", "4σ(2u)σ(−2u)")
ONE_PLUS_TANH = Cause(
    "1 ± tanh", "in one tail it is the difference of two equal numbers", "2σ(±2u)"
)
ONE_MINUS_SIGMOID = Cause("1 − σ", "σ is rounded to 1 and the difference to 0", "σ(−u)")
ONE_PLUS_ERF = Cause("1 ± erf", "in one tail it is the difference of two equal numbers", "erfc(∓u)")
EXP_MINUS_ONE = Cause("eˣ − 1", "near 0 the digits of x are lost in the 1", "expm1(u)")
LOG_ONE_PLUS = Cause("log(1 + u)", "near 0 the digits of u are lost in the 1", "log1p(u)")
LOG_ONE_PLUS_EXP = Cause(
    "log(1 + eˣ)", "eˣ overflows on the right, and is lost in the 1 on the left",
    "max(u, 0) + log1p(e^−|u|)",
)  # fmt: skip
EXP_OVERFLOW = Cause(
    "exp overflow", "e^−x overflows, and with it the derivative becomes ∞ · 0", "u·σ(x)"
)
TANH_BY_EXP = Cause("tanh by exponentials", "both exponentials overflow, and ∞/∞ is NaN", "tanh(u)")
TWO_SIGMOID = Cause("2σ − 1", "near 0 it is the difference of two equal numbers", "tanh(u/2)")
CUBE = Cause("x³ overflow", "the cube leaves the type long before x does", "clip(u, −30, 30)³")
WHERE_NAN = Cause(
    "where-NaN",
    "the branch that is not taken is computed all the same, and its ∞ times 0 is NaN in the "
    "gradient",
    "where(c, f(where(c, x, k)), g(where(c, k, x)))",
)
SQRT_ZERO = Cause(
    "√ at 0", "its derivative is infinite at 0, and ∞ · 0 is NaN", "where(u > 0, √u, 0)"
)
CAUSES = (
    TANH_SQUARED, ONE_PLUS_TANH, ONE_MINUS_SIGMOID, ONE_PLUS_ERF, EXP_MINUS_ONE, LOG_ONE_PLUS,
    LOG_ONE_PLUS_EXP, EXP_OVERFLOW, TANH_BY_EXP, TWO_SIGMOID, CUBE, WHERE_NAN, SQRT_ZERO,
)  # fmt: skip
#: Those whose rewriting is an identity and has the same derivative everywhere.
IDENTITIES = tuple(cause for cause in CAUSES if cause not in (CUBE, WHERE_NAN, SQRT_ZERO))


# --- reading a tree -------------------------------------------------------------------------------


def _same(a: ast.expr, b: ast.expr) -> bool:
    return ast.dump(a) == ast.dump(b)


def _negated(node: ast.expr) -> ast.expr:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return node.operand
    value = constant(node)
    if value is not None:
        return ast.Constant(-value)
    return ast.UnaryOp(ast.USub(), node)


def _opposite(a: ast.expr, b: ast.expr) -> bool:
    return _same(_negated(a), b) or _same(a, _negated(b))


def _times(factor: int, node: ast.expr) -> ast.expr:
    return ast.BinOp(ast.Constant(factor), ast.Mult(), node)


class Reader:
    """Sees calls behind module prefixes, methods, operators and single-assignment variables."""

    def __init__(self, bindings: Bindings) -> None:
        self.bindings = bindings

    def resolve(self, node: ast.expr, depth: int = 8) -> ast.expr:
        """What a local variable was set to."""
        while isinstance(node, ast.Name) and node.id in self.bindings and depth:
            node, depth = self.bindings[node.id], depth - 1
        return node

    def call(self, node: ast.expr, *names: str) -> list[ast.expr] | None:
        """The arguments of a call of one of ``names``, or None."""
        node = self.resolve(node)
        if not isinstance(node, ast.Call) or node.keywords:
            return None
        function, arguments = node.func, list(node.args)
        if isinstance(function, ast.Attribute):
            name = function.attr
            if not _is_module(function.value):
                arguments = [function.value, *arguments]  # u.tanh()
        elif isinstance(function, ast.Name):
            name = function.id
        else:
            return None
        return arguments if ALIASES.get(name, name) in names else None

    def one(self, node: ast.expr, name: str) -> ast.expr | None:
        """The argument of a call with one argument, or None."""
        arguments = self.call(node, name)
        return arguments[0] if arguments is not None and len(arguments) == 1 else None

    def power(self, node: ast.expr) -> tuple[ast.expr, float] | None:
        """Base and exponent of u**n, pow(u, n), square(u), u*u and u*u*u."""
        node = self.resolve(node)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
            n = constant(node.right)
            return (node.left, n) if n is not None else None
        arguments = self.call(node, "pow")
        if arguments is not None and len(arguments) == 2:
            n = constant(arguments[1])
            return (arguments[0], n) if n is not None else None
        base = self.one(node, "square")
        if base is not None:
            return base, 2
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
            if _same(node.left, node.right):
                return node.left, 2
            inner = self.power(node.left)
            if inner is not None and inner[1] == 2 and _same(inner[0], node.right):
                return node.right, 3
        return None

    def pair(self, node: ast.expr) -> tuple[float, int, ast.expr] | None:
        """(number, sign, term) of number ± term, for a sum of two of which one is a number."""
        node = self.resolve(node)
        if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Add | ast.Sub):
            return None
        sign = 1 if isinstance(node.op, ast.Add) else -1
        left, right = constant(node.left), constant(node.right)
        if left is not None and right is None:
            return self._signed(left, sign, node.right)
        if right is not None and left is None:
            return self._signed(sign * right, 1, node.left)
        return None

    @staticmethod
    def _signed(number: float, sign: int, term: ast.expr) -> tuple[float, int, ast.expr]:
        if isinstance(term, ast.UnaryOp) and isinstance(term.op, ast.USub):
            return number, -sign, term.operand
        return number, sign, term

    def one_plus_exp(self, node: ast.expr) -> ast.expr | None:
        """v of 1 + exp(v), or None."""
        found = self.pair(node)
        if found is None or found[:2] != (1, 1):
            return None
        return self.one(found[2], "exp")


def _is_module(node: ast.expr) -> bool:
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name) and node.id in (
        "np", "numpy", "torch", "F", "math", "special", "nn", "functional", "scipy", "sp",
    )  # fmt: skip


# --- patterns -------------------------------------------------------------------------------------

Match = tuple[Cause, ast.expr]


def _sum(node: ast.expr, see: Reader, make: Make) -> Match | None:
    found = see.pair(node)
    if found is None:
        return None
    number, sign, term = found
    if number == -1 and sign == 1:
        u = see.one(term, "exp")
        if u is not None:
            return EXP_MINUS_ONE, make("expm1", u)
        u = _twice_sigmoid(term, see)
        if u is not None:
            return TWO_SIGMOID, make("tanh", ast.BinOp(u, ast.Div(), ast.Constant(2)))
    if number != 1:
        return None
    squared = see.power(term)
    if sign == -1 and squared is not None and squared[1] == 2:
        u = see.one(squared[0], "tanh")
        if u is not None:
            both = [make("sigmoid", v) for v in (_times(2, u), _negated(_times(2, u)))]
            product = ast.BinOp(_times(4, both[0]), ast.Mult(), both[1])
            return TANH_SQUARED, product
    if sign == -1:
        u = _twice_sigmoid(term, see)
        if u is not None:
            half = ast.BinOp(_negated(u), ast.Div(), ast.Constant(2))
            return TWO_SIGMOID, make("tanh", half)
        u = see.one(term, "sigmoid")
        if u is not None:
            return ONE_MINUS_SIGMOID, make("sigmoid", _negated(u))
    u = see.one(term, "tanh")
    if u is not None:
        inner = _times(2, u) if sign == 1 else _negated(_times(2, u))
        return ONE_PLUS_TANH, _times(2, make("sigmoid", inner))
    u = see.one(term, "erf")
    if u is not None:
        return ONE_PLUS_ERF, make("erfc", _negated(u) if sign == 1 else u)
    return None


def _twice_sigmoid(node: ast.expr, see: Reader) -> ast.expr | None:
    node = see.resolve(node)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        for number, other in ((node.left, node.right), (node.right, node.left)):
            if constant(number) == 2:
                return see.one(other, "sigmoid")
    return None


def _quotient(node: ast.expr, see: Reader, make: Make) -> Match | None:
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Div):
        return None
    above, below = see.resolve(node.left), see.resolve(node.right)
    if isinstance(above, ast.BinOp) and isinstance(above.op, ast.Sub):
        up, down = see.one(above.left, "exp"), see.one(above.right, "exp")
        sums = isinstance(below, ast.BinOp) and isinstance(below.op, ast.Add)
        if up is not None and down is not None and sums and _opposite(up, down):
            both = [see.one(side, "exp") for side in (below.left, below.right)]  # type: ignore[attr-defined]
            if all(v is not None and any(_same(v, w) for w in (up, down)) for v in both):
                return TANH_BY_EXP, make("tanh", up)
    v = see.one_plus_exp(below)
    if v is None:
        return None
    difference = see.one(above, "expm1")
    plain = see.pair(above)
    if difference is None and plain is not None and plain[:2] == (-1, 1):
        difference = see.one(plain[2], "exp")
    if difference is not None and _same(difference, v):
        return TANH_BY_EXP, make("tanh", ast.BinOp(v, ast.Div(), ast.Constant(2)))
    own = see.one(above, "exp")
    if own is not None and _same(own, v):
        return EXP_OVERFLOW, make("sigmoid", v)
    gate = make("sigmoid", _negated(v))
    if constant(above) == 1:
        return EXP_OVERFLOW, gate
    return EXP_OVERFLOW, ast.BinOp(node.left, ast.Mult(), gate)


def _logarithm(node: ast.expr, see: Reader, make: Make) -> Match | None:
    inside = see.one(node, "log")
    if inside is None:
        u = see.one(node, "log1p")
        v = see.one(u, "exp") if u is not None else None
        return (LOG_ONE_PLUS_EXP, make("softplus", v)) if v is not None else None
    v = see.one_plus_exp(inside)
    if v is not None:
        return LOG_ONE_PLUS_EXP, make("softplus", v)
    found = see.pair(inside)
    if found is not None and found[0] == 1:
        return LOG_ONE_PLUS, make("log1p", found[2] if found[1] == 1 else _negated(found[2]))
    return None


def _cube(node: ast.expr, see: Reader, make: Make) -> Match | None:
    if isinstance(node, ast.Name):
        return None
    found = see.power(node)
    if found is None or found[1] != 3 or see.call(found[0], "clip") is not None:
        return None
    bounded = make("clip", found[0], ast.Constant(-30), ast.Constant(30))
    return CUBE, ast.BinOp(bounded, ast.Pow(), ast.Constant(3))


def _choice(node: ast.expr, see: Reader, make: Make) -> Match | None:
    arguments = see.call(node, "where")
    if isinstance(node, ast.Name) or arguments is None or len(arguments) != 3:
        return None
    condition, taken, other = arguments
    test = see.resolve(condition)
    if not isinstance(test, ast.Compare) or len(test.ops) != 1:
        return None
    side, limit = test.left, test.comparators[0]
    if constant(side) is not None:
        side, limit = limit, side
    bound = constant(limit)
    if not isinstance(side, ast.Name) or bound is None:
        return None
    name, k = side.id, ast.Constant(bound)

    def inside(branch: ast.expr, when: ast.expr, *, keep: bool) -> ast.expr:
        if constant(branch) is not None or isinstance(branch, ast.Name):
            bound_to = see.resolve(branch)
            if bound_to is branch or not isinstance(branch, ast.Name):
                return branch
            branch = bound_to
        own, masked = ast.Name(name, ast.Load()), copy.deepcopy(k)
        chosen = make("where", when, own, masked) if keep else make("where", when, masked, own)
        return _Replace(name, chosen, see.bindings).visit(copy.deepcopy(branch))

    first, second = inside(taken, test, keep=True), inside(other, test, keep=False)
    if _same(first, taken) and _same(second, other):
        return None
    return WHERE_NAN, make("where", condition, first, second)


class _Replace(ast.NodeTransformer):
    """Puts an expression in the place of a variable, and opens local variables that hold it."""

    def __init__(self, name: str, by: ast.expr, bindings: Bindings) -> None:
        self.name, self.by, self.bindings = name, by, bindings

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id == self.name:
            return copy.deepcopy(self.by)
        if node.id in self.bindings:
            return self.visit(copy.deepcopy(self.bindings[node.id]))
        return node


def _root(node: ast.expr, see: Reader, make: Make) -> Match | None:
    if isinstance(node, ast.Name):
        return None
    u = see.one(node, "sqrt")
    if u is None or constant(u) is not None or see.call(u, "where") is not None:
        return None
    zero, one = ast.Constant(0.0), ast.Constant(1.0)
    positive = ast.Compare(u, [ast.Gt()], [ast.Constant(0)])
    inner = make("where", positive, u, one)
    return SQRT_ZERO, make("where", positive, make("sqrt", inner), zero)


_PATTERNS = (_sum, _quotient, _logarithm, _cube, _choice, _root)


class _Rewriter(ast.NodeTransformer):
    def __init__(self, chosen: Iterable[Cause], make: Make, bindings: Bindings) -> None:
        self.chosen = tuple(chosen)
        self.see, self.make = Reader(bindings), make
        self.found: dict[str, Cause] = {}

    def visit(self, node: Any) -> Any:
        if isinstance(node, ast.FunctionDef):
            return self._function(node)
        node = self.generic_visit(node)
        if isinstance(node, ast.expr):
            for pattern in _PATTERNS:
                match = pattern(node, self.see, self.make)
                if match is not None and match[0] in self.chosen:
                    self.found[match[0].name] = match[0]
                    # What a rewriting made is not looked at again, or a clip would be clipped.
                    return match[1]
        return node

    def _function(self, node: ast.FunctionDef) -> ast.FunctionDef:
        before, self.see = self.see, Reader(_bindings(node))
        self.generic_visit(node)
        self.see = before
        return node


def _bindings(function: ast.FunctionDef) -> dict[str, ast.expr]:
    """Local variables that are set exactly once, and never by anything but ``name = …``."""
    single: dict[str, ast.expr] = {}
    stores: dict[str, int] = {argument.arg: 2 for argument in function.args.args}
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            stores[node.id] = stores.get(node.id, 0) + 1
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            target = node.targets[0]
            if isinstance(target, ast.Name):
                single[target.id] = node.value
    return {name: value for name, value in single.items() if stores[name] == 1}


def plain_call(name: str, *arguments: ast.expr) -> ast.expr:
    """A call by bare name, for expressions."""
    return ast.Call(ast.Name(name, ast.Load()), list(arguments), [])


def rewrite(
    tree: ast.expr,
    chosen: Iterable[Cause] = IDENTITIES,
    make: Make = plain_call,
) -> ast.expr:
    """An expression with some kinds of mistake removed; the tree that is given stays."""
    return _to_calls(_Rewriter(chosen, make, {}).visit(copy.deepcopy(tree)))


def rewrite_module(
    tree: ast.Module, chosen: Iterable[Cause], make: Make
) -> tuple[ast.Module, tuple[Cause, ...]]:
    """The source of a module with some kinds of mistake removed, and which there were."""
    rewriter = _Rewriter(chosen, make, {})
    result = rewriter.visit(copy.deepcopy(tree))
    return ast.fix_missing_locations(result), tuple(rewriter.found.values())


def causes(tree: ast.AST) -> tuple[Cause, ...]:
    """The kinds of mistake that occur in an expression or in a module's source.

    Each is looked for alone: what removes one may hide or make another.
    """
    found = []
    for cause in CAUSES:
        rewriter = _Rewriter((cause,), plain_call, {})
        rewriter.visit(copy.deepcopy(tree))
        found += list(rewriter.found.values())
    return tuple(found)


def _to_calls(tree: ast.expr) -> ast.expr:
    """Powers as the call that :func:`actlab.audit.expression.run` knows."""

    class Powers(ast.NodeTransformer):
        def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
            self.generic_visit(node)
            if isinstance(node.op, ast.Pow):
                return plain_call("pow", node.left, node.right)
            return node

    return Powers().visit(tree)
