"""Expressions in x: read as a syntax tree, checked node by node, and never handed to ``eval``.

An expression is a number, ``x``, a constant (``pi``, ``e``, ``inf``), arithmetic, a comparison, or
a call of a function of :data:`FUNCTIONS`, under its bare name or behind ``np.``, ``torch.``,
``F.`` or ``math.``. What an operation *does* is given from outside as a table, so that the same
expression runs on tensors, on arrays, and in multiprecision with its derivative.

>>> from actlab.audit.expression import parse, run
>>> import math
>>> run(parse("x / (1 + exp(-x))"), 0.0, {"exp": math.exp})
0.0
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any

#: The functions of an expression and how many arguments they take.
FUNCTIONS: Mapping[str, tuple[int, ...]] = {
    **dict.fromkeys(
        [
            "abs",
            "exp",
            "expm1",
            "log",
            "log1p",
            "log2",
            "sqrt",
            "sin",
            "cos",
            "tan",
            "sinh",
            "cosh",
            "tanh",
            "atan",
            "erf",
            "erfc",
            "sigmoid",
            "logsigmoid",
            "relu",
            "softplus",
            "silu",
            "square",
            "sign",
        ],
        (1,),
    ),
    "maximum": (2,),
    "minimum": (2,),
    "clip": (3,),
    "where": (3,),
    "logaddexp": (2,),
    "pow": (2,),
}
ALIASES: Mapping[str, str] = {
    "arctan": "atan",
    "absolute": "abs",
    "fabs": "abs",
    "clamp": "clip",
    "max": "maximum",
    "min": "minimum",
    "power": "pow",
    "logistic": "sigmoid",
    "expit": "sigmoid",
    "log_sigmoid": "logsigmoid",
    "swish": "silu",
}
CONSTANTS: Mapping[str, str] = {
    "pi": "3.141592653589793238462643383279502884197169399375105820974944592307816406286208998628",
    "e": "2.718281828459045235360287471352662497757247093699959574966967627724076630353547594571",
    "inf": "inf",
}
MODULES = ("np", "numpy", "torch", "F", "math", "special", "functional")
#: An expression longer than this is a program.
LONGEST = 2000
#: Larger powers are no activation function, and ``9**9**9`` would never end.
LARGEST_POWER = 64

_BINARY: Mapping[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_COMPARE: Mapping[type, Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


class ExpressionError(ValueError):
    """A text is no expression in x; the message is one sentence that says why."""


def parse(text: str) -> ast.expr:
    """The checked syntax tree of an expression in x.

    Names are made plain on the way: ``torch.clamp`` becomes ``clip``, ``x ** 2`` a call of ``pow``.

    Raises:
        ExpressionError: it is too long, no Python, does not contain x, or uses what is not allowed.
    """
    if len(text) > LONGEST:
        raise ExpressionError(f"an expression may have {LONGEST} characters, not {len(text)}")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        raise ExpressionError(f"it is not an expression ({type(error).__name__})") from error
    try:
        plain = _checked(tree)
    except RecursionError as error:
        raise ExpressionError("it is nested too deeply") from error
    if not any(isinstance(node, ast.Name) and node.id == "x" for node in ast.walk(plain)):
        raise ExpressionError("it does not contain x")
    if isinstance(plain, ast.Compare):
        raise ExpressionError("a comparison alone is no function of x")
    return plain


def _checked(node: ast.expr) -> ast.expr:
    if isinstance(node, ast.Constant):
        if isinstance(node.value, bool) or not isinstance(node.value, int | float):
            raise ExpressionError(f"{node.value!r} is not a number")
        return node
    if isinstance(node, ast.Name | ast.Attribute):
        name = _bare(node)
        if name == "x" and isinstance(node, ast.Name):
            return node
        if name in CONSTANTS:
            return ast.Name(name, ast.Load())
        raise ExpressionError(f"{name!r} is neither x nor a known constant")
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        operand = _checked(node.operand)
        return ast.UnaryOp(node.op, operand) if isinstance(node.op, ast.USub) else operand
    if isinstance(node, ast.BinOp):
        left, right = _checked(node.left), _checked(node.right)
        if isinstance(node.op, ast.Pow):
            return _power(left, right)
        if type(node.op) not in _BINARY:
            raise ExpressionError(f"the operator {type(node.op).__name__} is not allowed")
        return ast.BinOp(left, node.op, right)
    if isinstance(node, ast.Compare):
        if len(node.ops) != 1 or type(node.ops[0]) not in _COMPARE:
            raise ExpressionError("a comparison is one of <, <=, > and >= between two numbers")
        return ast.Compare(_checked(node.left), node.ops, [_checked(node.comparators[0])])
    if isinstance(node, ast.Call):
        return _call(node)
    raise ExpressionError(f"{type(node).__name__} is not allowed in an expression")


def _call(node: ast.Call) -> ast.expr:
    name = _bare(node.func)
    name = ALIASES.get(name, name)
    if name not in FUNCTIONS:
        raise ExpressionError(f"{name!r} is not a known function")
    if node.keywords or any(isinstance(argument, ast.Starred) for argument in node.args):
        raise ExpressionError(f"{name} takes plain arguments here")
    arguments = [_checked(argument) for argument in node.args]
    if len(arguments) not in FUNCTIONS[name]:
        raise ExpressionError(f"{name} takes {FUNCTIONS[name][0]} arguments, not {len(arguments)}")
    if (name == "where") != (bool(arguments) and isinstance(arguments[0], ast.Compare)):
        raise ExpressionError("a comparison is the first argument of where, and stands only there")
    if any(isinstance(argument, ast.Compare) for argument in arguments[1:]):
        raise ExpressionError("a comparison is the first argument of where, and stands only there")
    if name == "pow":
        return _power(*arguments)
    return ast.Call(ast.Name(name, ast.Load()), arguments, [])


def _power(base: ast.expr, exponent: ast.expr) -> ast.expr:
    value = constant(exponent)
    if value is None:
        raise ExpressionError("an exponent has to be a number; write exp(a*log(b)) for others")
    if abs(value) > LARGEST_POWER:
        raise ExpressionError(f"powers go up to {LARGEST_POWER}")
    return ast.Call(ast.Name("pow", ast.Load()), [base, ast.Constant(value)], [])


def constant(node: ast.expr) -> float | int | None:
    """The value of a number, with its sign; None for anything else."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = constant(node.operand)
        return None if value is None else -value
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        above, below = constant(node.left), constant(node.right)
        return above / below if above is not None and below else None
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return node.value
    return None


def _bare(node: ast.expr) -> str:
    """``exp`` for ``exp``, ``np.exp``, ``torch.nn.functional.exp``."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        raise ExpressionError("only named functions can be called")
    if parts and node.id not in MODULES:
        raise ExpressionError(f"{node.id!r} is not one of the modules {', '.join(MODULES)}")
    return parts[0] if parts else node.id


def run(
    node: ast.expr,
    x: Any,
    table: Mapping[str, Callable[..., Any]],
    number: Callable[[str], Any] = float,
) -> Any:
    """The value of a checked tree.

    Args:
        node: what :func:`parse` returned, or a tree of such nodes.
        x: whatever the table's functions and Python's operators can work with.
        table: what each function of :data:`FUNCTIONS` that occurs does.
        number: makes a number of its digits, as they are written.
    """
    if isinstance(node, ast.Constant):
        return number(repr(node.value))
    if isinstance(node, ast.Name):
        return x if node.id == "x" else number(CONSTANTS[node.id])
    if isinstance(node, ast.UnaryOp):
        return -run(node.operand, x, table, number)
    if isinstance(node, ast.BinOp):
        left, right = run(node.left, x, table, number), run(node.right, x, table, number)
        return _BINARY[type(node.op)](left, right)
    if isinstance(node, ast.Compare):
        left = run(node.left, x, table, number)
        right = run(node.comparators[0], x, table, number)
        return _COMPARE[type(node.ops[0])](left, right)
    assert isinstance(node, ast.Call)
    assert isinstance(node.func, ast.Name)
    if node.func.id == "pow":
        exponent = constant(node.args[1])
        return table["pow"](run(node.args[0], x, table, number), exponent)
    arguments = [run(argument, x, table, number) for argument in node.args]
    return table[node.func.id](*arguments)


# --- tables ---------------------------------------------------------------------------------------


def numpy_table() -> dict[str, Callable[..., Any]]:
    """What the functions are on NumPy arrays."""
    import numpy as np
    from scipy import special

    table: dict[str, Callable[..., Any]] = {
        name: getattr(np, name)
        for name in [
            "abs",
            "exp",
            "expm1",
            "log",
            "log1p",
            "log2",
            "sqrt",
            "sin",
            "cos",
            "tan",
            "sinh",
            "cosh",
            "tanh",
            "square",
            "sign",
            "maximum",
            "minimum",
            "clip",
            "where",
            "logaddexp",
        ]
    }
    return table | {
        "atan": np.arctan,
        "erf": special.erf,
        "erfc": special.erfc,
        "sigmoid": special.expit,
        "logsigmoid": special.log_expit,
        "relu": lambda x: np.maximum(x, 0),
        "softplus": lambda x: np.logaddexp(x, 0),
        "silu": lambda x: x * special.expit(x),
        "pow": lambda x, n: x**n,
    }


def torch_table() -> dict[str, Callable[..., Any]]:
    """What the functions are on PyTorch's tensors."""
    import torch
    from torch.nn import functional

    def tensors(function: Callable[..., Any]) -> Callable[..., Any]:
        """For functions that take no plain number beside a tensor."""

        def of(*arguments: Any) -> Any:
            like = next((a for a in arguments if isinstance(a, torch.Tensor)), None)
            if like is None:
                like = torch.zeros((), dtype=torch.float64)
            return function(
                *(torch.as_tensor(a, dtype=like.dtype, device=like.device) for a in arguments)
            )

        return of

    own: dict[str, Callable[..., Any]] = {
        "logsigmoid": functional.logsigmoid,
        "softplus": functional.softplus,
        "silu": functional.silu,
        "clip": torch.clamp,
        "where": torch.where,
        "pow": lambda x, n: x**n,
    }
    named = {name: tensors(getattr(torch, name)) for name in FUNCTIONS if name not in own}
    return named | own


def compiled(node: ast.expr, framework: str) -> Callable[[Any], Any]:
    """A function of one array (``numpy``) or tensor (``torch``)."""
    table = torch_table() if framework == "torch" else numpy_table()

    def number(text: str) -> float | int:
        return int(text) if text.lstrip("-").isdigit() else float(text)

    return lambda x: run(node, x, table, number)


def text(node: ast.expr) -> str:
    """A checked tree as people write it, with ``**`` for powers."""

    class Powers(ast.NodeTransformer):
        def visit_Call(self, call: ast.Call) -> ast.expr:
            self.generic_visit(call)
            if isinstance(call.func, ast.Name) and call.func.id == "pow":
                return ast.BinOp(call.args[0], ast.Pow(), call.args[1])
            return call

    import copy

    return ast.unparse(ast.fix_missing_locations(Powers().visit(copy.deepcopy(node))))
