"""Functions around a function of a reference that spoil its result for one kind of input or use.

They are part of a mutant's source, so they run where a learner's code runs, and look into tuples,
lists, dicts, arrays and tensors alike. Which of them could make a difference is said by the code of
the function: one that returns a text has no digits to round.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

# The input is the first argument that is not a function.
_HELPERS = '''
def _input(arguments, keywords):
    values = [*arguments, *keywords.values()]
    return next((value for value in values if not callable(value)), None)


def _each(value, change):
    """A copy with every number, array and text in it changed."""
    if isinstance(value, dict):
        return {key: _each(member, change) for key, member in value.items()}
    if isinstance(value, (tuple, list)):
        members = [_each(member, change) for member in value]
        return type(value)(*members) if hasattr(value, "_fields") else type(value)(members)
    return value if value is None else change(value)


def _numbers(value):
    found = []
    _each(value, found.append)
    return [one for one in found if not isinstance(one, str) and hasattr(one, "__abs__")]


def _is_writeable(value):
    return not hasattr(value, "flags") or value.flags.writeable


def _wrong(value):
    import numpy as np

    if isinstance(value, str):
        return value + "?"
    if isinstance(value, (bool, np.bool_)):
        return not value
    kind = str(getattr(value, "dtype", type(value).__name__))
    if "bool" in kind:
        return ~value
    return 0.5 * value if "float" in kind else value + 1 if "int" in kind else value


def _wrong_where(condition, inputs, result):
    """`result`, wrong where the input is, or all of it where shapes do not say where that is."""
    import numpy as np

    def change(value):
        for one in _numbers(inputs):
            here = condition(one)
            if np.shape(one) == np.shape(value) != ():
                if hasattr(value, "detach"):
                    return value.where(~here, _wrong(value))
                return np.where(here, _wrong(value), value)
        return _wrong(value)

    met = any(bool(np.any(np.asarray(condition(one)))) for one in _numbers(inputs))
    return _each(result, change) if met else result
'''

SPOILERS = {
    "right only for inputs within 4": """
def {name}(*arguments, **keywords):
    inputs = _each(_input(arguments, keywords), lambda value: value)
    result = _{name}(*arguments, **keywords)
    return _wrong_where(lambda value: abs(value) > 4, inputs, result)
""",
    "right only for inputs beyond 0.001": """
def {name}(*arguments, **keywords):
    inputs = _each(_input(arguments, keywords), lambda value: value)
    result = _{name}(*arguments, **keywords)
    return _wrong_where(lambda value: (abs(value) < 1e-3) & (value != 0), inputs, result)
""",
    "rounded to float32": """
def {name}(*arguments, **keywords):
    import numpy as np

    def change(value):
        if "float64" in str(getattr(value, "dtype", "")):
            if hasattr(value, "detach"):
                return value.float().double()
            return value.astype(np.float32).astype(np.float64)
        return float(np.float32(value)) if isinstance(value, float) else value

    return _each(_{name}(*arguments, **keywords), change)
""",
    "rounded to float16": """
def {name}(*arguments, **keywords):
    import numpy as np

    def change(value):
        if "float" in str(getattr(value, "dtype", "")):
            if hasattr(value, "detach"):
                return value.half().to(value.dtype)
            return value.astype(np.float16).astype(value.dtype)
        return float(np.float16(value)) if isinstance(value, float) else value

    return _each(_{name}(*arguments, **keywords), change)
""",
    "changes its first input": """
def {name}(*arguments, **keywords):
    import copy

    result = copy.deepcopy(_{name}(*arguments, **keywords))

    def change(value):
        kind = str(getattr(value, "dtype", ""))
        if not getattr(value, "shape", ()) or not _is_writeable(value):
            return
        if "float" in kind:
            value *= 0.5
        elif "bool" in kind:
            value ^= True
        elif "int" in kind:
            value += 1

    _each(_input(arguments, keywords), change)
    return result
""",
    "remembers its first result": """
_kept_{name} = []
def {name}(*arguments, **keywords):
    if not _kept_{name}:
        _kept_{name}.append(_{name}(*arguments, **keywords))
    return _kept_{name}[0]
""",
    "right only for the first element": """
def {name}(*arguments, **keywords):
    def change(value):
        if getattr(value, "shape", ()) and all(value.shape):
            return 0 * value + value.reshape(-1)[0] if "bool" not in str(value.dtype) else (
                value | True if value.reshape(-1)[0] else value & False)
        return value

    return _each(_{name}(*arguments, **keywords), change)
""",
    "returns its first input": """
def {name}(*arguments, **keywords):
    return _input(arguments, keywords)
""",
}

#: What needs an input that is no function, and what an argument at all.
_OF_INPUTS = {
    "right only for inputs within 4",
    "right only for inputs beyond 0.001",
    "changes its first input",
    "returns its first input",
}
_OF_ARGUMENTS = {*_OF_INPUTS, "remembers its first result"}
# Calls whose result is one number or a text.
_SINGLE = {"float", "int", "bool", "str", "len", "round", "item", "floor", "ceil"}
_WHOLE = {"int", "bool", "str", "len", "floor", "ceil"}
#: Rounding to so many bits moves a number by this share of itself, at most.
_ROUNDING = {"rounded to float32": 2.0**-24, "rounded to float16": 2.0**-11}


def spoiled(
    tree: ast.Module, rtol: float, asked: Callable[[str], bool]
) -> Iterator[tuple[str, str]]:
    """Each function that is asked for behind each spoiler that could make a difference.

    Args:
        tree: the answer.
        rtol: the smallest relative difference that loses points.
        asked: whether a function of this name is asked for, and no helper.

    Yields:
        What is spoiled, and the source of the changed answer.
    """
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef) or not asked(node.name):
            continue
        left_out = _without_consequence(node, rtol)
        for what, wrapper in SPOILERS.items():
            if what not in left_out:
                code = f"{ast.unparse(tree)}\n\n_{node.name} = {node.name}\n{_HELPERS}\n"
                yield f"{node.name}: {what}", code + wrapper.format(name=node.name)


def _without_consequence(node: ast.FunctionDef, rtol: float) -> set[str]:
    """Spoilers that leave this function as it is, whatever it is called with."""
    found = {what for what, error in _ROUNDING.items() if rtol > error}
    arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    called = {
        call.func.id
        for call in ast.walk(node)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name)
    }
    if not arguments and not node.args.vararg:
        found |= _OF_ARGUMENTS
    elif all(argument.arg in called for argument in arguments):
        found |= _OF_INPUTS
    returned = list(_returned(node))
    if returned and all(_is(value, _SINGLE) for value in returned):
        found.add("right only for the first element")
    if returned and all(_is(value, _WHOLE) for value in returned):
        found |= set(_ROUNDING)
    return found


def _returned(node: ast.FunctionDef) -> Iterator[ast.expr]:
    """The values that a function returns, those of the functions within it left out."""
    waiting: list[ast.AST] = list(node.body)
    while waiting:
        one = waiting.pop()
        if isinstance(one, ast.FunctionDef | ast.Lambda | ast.ClassDef):
            continue
        if isinstance(one, ast.Return) and one.value is not None:
            yield one.value
        waiting += ast.iter_child_nodes(one)


def _is(value: ast.expr, calls: set[str]) -> bool:
    """Whether this is a text, a whole number or a call of one of these, or several of them."""
    if isinstance(value, ast.IfExp):
        return _is(value.body, calls) and _is(value.orelse, calls)
    if isinstance(value, ast.BinOp) and ("float" in calls or not isinstance(value.op, ast.Div)):
        return _is(value.left, calls) and _is(value.right, calls)
    if isinstance(value, ast.Attribute) and ast.unparse(value) in (
        "math.inf",
        "math.nan",
        "np.inf",
        "np.nan",
    ):
        return True
    if isinstance(value, ast.UnaryOp):
        return _is(value.operand, calls)
    if isinstance(value, ast.Tuple):
        return all(_is(member, calls) for member in value.elts)
    if isinstance(value, ast.Constant):
        return not isinstance(value.value, float) or "float" in calls
    if not isinstance(value, ast.Call):
        return False
    function = value.func
    if ast.unparse(function).startswith("math.") and "float" in calls:
        return True
    name = function.attr if isinstance(function, ast.Attribute) else ast.unparse(function)
    return name in calls
