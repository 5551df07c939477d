"""Ways to lay out a right answer that change nothing of what it does."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Callable


def _with_prints(source: str) -> str:
    """A print at the top of every function, as people leave them."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            node.body.insert(0, ast.parse(f"print('in {node.name}')").body[0])
    return ast.unparse(tree)


def _with_tabs(source: str) -> str:
    """Tabs for the indentation that the syntax asks for, outside of texts and brackets."""
    lines = ast.unparse(ast.parse(source)).split("\n")
    if any('"""' in line for line in lines):
        return source
    return "\n".join(
        "\t" * ((len(line) - len(line.lstrip())) // 4) + line.lstrip() for line in lines
    )


def _in_try(source: str) -> str:
    return f"try:\n{textwrap.indent(source, '    ')}\nfinally:\n    pass\n"


LAYOUTS: dict[str, Callable[[str], str]] = {
    "written out by a program": lambda source: ast.unparse(ast.parse(source)) + "\n",
    "prints in every function": _with_prints,
    "tabs": _with_tabs,
    "line ends of Windows": lambda source: source.replace("\n", "\r\n"),
    "blank lines and spaces around": lambda source: "\n\n \n" + source + "\n\n   \n\t\n",
    "comments around": lambda source: (
        f"# My answer: ünïcödé ✓\n{source}\n# %% done\n# NBVAL_SKIP\n"
    ),
    "inside an if": lambda source: f"if True:\n{textwrap.indent(source, '    ')}\n",
    "inside a try": _in_try,
    "magics around": lambda source: f"%matplotlib inline\n{source}\n%timeit 1\n!ls\n?print\n",
    "other names of its own": lambda source: (
        "import numpy as np2, math as m2\ntime = mean = x2 = show_ = data = result = None\n"
        + source
    ),
    "the course's names taken": lambda source: (
        f"{source}\nSEED = 'mine'\nheld_rng = x = y = None\n"
    ),
    "a main at its end": lambda source: (
        f"{source}\nif __name__ == '__main__':\n    print('y: float (3,) [1.0 2.0 3.0]')\n"
    ),
    "written twice": lambda source: f"{source}\n\n{source}",
    "a value at its end": lambda source: f"{source}\n'done'\n",
}
