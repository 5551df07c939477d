"""Write the skeleton of a chapter: notebook, exercises, right answers. No file is overwritten.

The skeleton is complete: it has the sections that every chapter has, one question with all its
parts, and passes 'actlab check'. Replace it piece by piece, and keep it passing.
"""

from __future__ import annotations

import argparse
import os
import re
from pathlib import Path
from typing import Any

from actbase.errors import CommandError
from actbase.files import replace_file
from bookbuild.chapters import BY_NAME
from bookbuild.paths import ROOT

NOTEBOOK = """\
# {title}

Begin with a failure or a picture, on the first screen. Say who met it, when and why, with a primary source.

:::{{admonition}} The chapter in one minute
:class: minute
Four or five sentences. Each number in them is printed by a cell: half of the outputs are 0, which is 50 %.
:::
+
import numpy as np
import torch

from actlab import plotting

torch.set_num_threads(1)
plotting.use_style()
+
x = np.array([-2.0, -0.5, 0.5, 2.0])
y = np.maximum(x, 0)
print(f"inputs {{x}}, outputs {{y}}: {{100 * (y == 0).mean():.0f}} % are 0")
+
Say in a sentence what the reader has seen.

## Predict first

Write down three guesses.

1. What share of the outputs is 0 when the inputs are centred? *(a number, %)*
2. Where is the function steepest? *(choose: left of 0 / right of 0 / everywhere the same)*
3. What happens to a gradient on its way through a unit that is off? *(in words)*

## One line and its slope

Forward in NumPy, a few lines. Then the derivative by hand, and PyTorch.
+
def forward(x):
    return np.maximum(x, 0)


def derivative(x):
    return (x > 0).astype(x.dtype)
+
rng = np.random.default_rng(0)
x = rng.standard_normal(1000)
h = 1e-6
away = abs(x) > h  # a difference must not reach across the kink
by_difference = (forward(x + h) - forward(x - h)) / (2 * h)
print("differences agree:", np.allclose(derivative(x)[away], by_difference[away], atol=1e-6))

t = torch.tensor(x, requires_grad=True)
torch.relu(t).sum().backward()
print("autograd agrees:", np.array_equal(derivative(x), t.grad.numpy()))
left, right = derivative(np.array([-1.0, 1.0]))
print(f"slope at -1: {{left:.0f}}, at 1: {{right:.0f}}")
+
**Guess 2.** **Right of 0**: the slope is 1 there, and 0 on the left ({{numref}}`fig-{number}-curve`).

**Guess 3.** **Nothing of it arrives**: it is multiplied by the slope, and that is 0.
+
!figure
+
The book's recurring network with this function:
+
!shown What is to be seen: which points lie in which colour, and where the bends of the units run.
from actlab import portrait

portrait.show("{function}")
+
## Break it

Where the naive formula overflows, loses its gradient or saturates; then the sound form.
+
edge = np.array([-np.inf, np.nan, np.inf])
with np.errstate(invalid="ignore"):
    print("x * (x > 0):  ", edge * (edge > 0))
print("np.maximum:   ", np.maximum(edge, 0))
+
The product turns an infinite input into NaN, and the maximum does not.

## Measure

The experiment: question, arms, pairing, seeds and the power they give, an interval. What takes longer than half a minute runs in `experiments/{number}_name.py`, and is loaded here.
+
shares = [np.mean(np.random.default_rng(seed).standard_normal(9999) <= 0) for seed in range(20)]
half = 2 * np.std(shares, ddof=1) / len(shares) ** 0.5
share = 100 * np.mean(shares)
print(f"20 seeds: {{share:.0f}} % of the outputs are 0, give or take {{100 * half:.1f}}")
+
**Guess 1.** It is **50 %**, over 20 seeds.

## What it costs
+
!shown The card of the function: its curve and slope, its moments, the ends of the floats, its cost.
from actlab import cards

cards.show("{function}")
+
A sentence that reads the card. [Chapter 13](13_cost.ipynb) says how it is measured.

## What people get wrong
+
!hidden
print(f"outputs that are 0: {{share:.0f}} %")
+
:::{{admonition}} "A sentence that people read"
:class: myth
What was measured, with the number that settles it: 50 %.
:::

:::{{admonition}} "Another one"
:class: myth
What was measured.
:::

All sentences that this chapter settles are in the [ledger](../book/claims.md).

## What this cannot say

What was not varied, and what may therefore come out differently.

## Summary

Three or four sentences: what to remember.

**Exercises.** [Questions about this chapter](../exercises/{name}.ipynb). `actlab grade {name}` tells you where you stand.

**Next.** What the next chapter asks, and why.

**References.** Primary sources: {{cite:t}}`nair2010relu`.
"""

FIGURE = """\
def panels(figure, narrow):
    axes = figure.subplots(2, 1) if narrow else figure.subplots(1, 2)
    grid = np.linspace(-3, 3, 601)
    line = plotting.identity("{function}").line
    for ax, curve, title in zip(axes, (forward, derivative), ("The function", "Its derivative")):
        for part in (grid < 0, grid > 0):
            ax.plot(grid[part], curve(grid[part]), **line)
        ax.set(xlabel="x", title=title)


plotting.show(panels, wide=(7.2, 3.0), narrow=(3.6, 5.0))
"""
CAPTION = "What to conclude: the slope is 0 on the left and 1 on the right, and nothing between."
ALT = "Two panels. Left, a line that lies flat up to zero and then rises. Right, a step up at zero."

SETUP = """\
import numpy as np

from actgrade.exercise import show

SEED = 0  # the grader draws another
"""
PROMPT = """\
## 1. A function that keeps its promises

Write `relu(x)` for NumPy arrays of any shape. It returns a **new** array with $\\max(x, 0)$ in each place and the dtype of `x`. NaN stays NaN, and $-\\infty$ becomes 0.
"""
ANSWER = '''\
def relu(x):
    """max(x, 0) as a new array of the same shape and dtype; NaN stays NaN."""
    return np.maximum(x, 0)
'''
CHECK = """\
show(y=relu(np.array([[-2.0, 0.0, 3.0], [np.nan, np.inf, -np.inf]])))
show(dtype=str(relu(np.array([-1.0, 2.0], np.float16)).dtype))
"""
HELD = """\
held_rng = np.random.default_rng(SEED)
x = held_rng.standard_normal((4, 5)) * np.array([1e-3, 1.0, 10.0, 1e4, 1e300])
x[0, 0], x[1, 1], x[2, 2], x[3, 3] = np.nan, np.inf, -np.inf, 0.0
held_given = x.copy()
with np.errstate(all="ignore"):
    show(x=x, y=relu(held_given))
show(untouched=held_given)
for held_dtype in (np.float16, np.float32, np.int64):
    held_y = relu((10 * held_rng.standard_normal(6)).astype(held_dtype))
    show(y_of_another_dtype=held_y, dtype=str(held_y.dtype))
"""
#: Because, and the answer.
WRONG = (
    (
        "x * (x > 0) multiplies −inf by 0, which is NaN; a maximum gives the 0 that was asked for.",
        "def relu(x):\n    return x * (x > 0)\n",
    ),
    (
        "The assignment changes the array of the caller; return a new one.",
        "def relu(x):\n    x[x < 0] = 0\n    return x\n",
    ),
    (
        "A comparison with NaN is false, so np.where turns NaN into 0 and hides the fault.",
        "def relu(x):\n    return np.where(x > 0, x, np.zeros_like(x))\n",
    ),
    (
        "The float64 zeros make every result float64; the plain number 0 has no dtype of its own.",
        "def relu(x):\n    return np.maximum(x, np.zeros(np.shape(x)))\n",
    ),
    (
        "This is the absolute value: negative inputs come back positive instead of as 0.",
        "def relu(x):\n    return np.abs(x)\n",
    ),
)
HINTS = (
    "Try your function on $-\\infty$ and on NaN before you try it on anything else.",
    "NumPy has an elementwise maximum of two arguments that passes NaN on.",
    "`np.maximum(x, 0)`, with the plain Python number.",
)
RIGHT = '''\
"""Right answers to {name}, each written in another way; all get full marks."""
# ruff: noqa: F811, F821
# The cells repeat names, and use what the notebook's set-up cell defines (np).


# %% q1: clip without an upper end
def relu(x):
    return np.clip(x, 0, None)


# %% q1: a copy with the negatives overwritten
def relu(x):
    y = np.array(x)
    y[y < 0] = 0
    return y


# %% q1: the negatives chosen, not the positives
def relu(x):
    return np.where(x < 0, np.zeros_like(x), x)


# %% q1: one element after the other
def relu(x):
    y = np.empty_like(x)
    for place, value in np.ndenumerate(x):
        y[place] = 0 if value < 0 else value
    return y


# %% q1: the ufunc with a place for its result
def relu(x):
    y = np.empty_like(x)
    np.maximum(x, 0, out=y)
    return y
'''


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``actlab new``."""
    parser.add_argument("chapter", metavar="NN_SLUG", help="its name, such as 05_deep_gradients")
    parser.add_argument(
        "--function", default="relu", metavar="NAME", help="for its card and portrait (relu)"
    )
    parser.add_argument("--root", type=Path, default=ROOT, metavar="DIR", help="another clone")


def files(name: str, function: str = "relu") -> dict[str, Any]:
    """What the skeleton of the chapter ``name`` consists of: path to notebook or text."""
    return {
        f"notebooks/{name}.ipynb": chapter(name, function),
        f"solutions/{name}.ipynb": exercises(name),
        f"tests/actgrade/right_answers/{name}.py": RIGHT.format(name=name),
    }


def chapter(name: str, function: str) -> Any:
    """The notebook of the chapter, not yet run."""
    from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

    planned = BY_NAME.get(name)
    title = planned.question if planned else "What does this function buy?"
    about = {"title": title, "number": name[:2], "name": name, "function": function}
    cells = []
    for number, part in enumerate(NOTEBOOK.format(**about).strip().split("\n+\n")):
        if part == "!figure":
            cell = new_code_cell(FIGURE.format(**about).strip())
            figure = {"name": f"fig-{name[:2]}-curve", "caption": CAPTION}
            mystnb = {"figure": figure, "image": {"alt": ALT}}
            cell.metadata = {"tags": ["hide-input"], "mystnb": mystnb}
        elif part.startswith("!hidden\n"):
            cell = new_code_cell(part.removeprefix("!hidden\n"), metadata={"tags": ["hide-input"]})
        elif part.startswith("!shown "):
            words, _, code = part.removeprefix("!shown ").partition("\n")
            cell = new_code_cell(code, metadata={"mystnb": {"image": {"alt": words}}})
        elif re.match(r"(import|from|def|\w+ = |\w+, \w+ = )", part):
            cell = new_code_cell(part)
        else:
            cell = new_markdown_cell(part)
        cell["id"] = f"cell-{number}"
        cells.append(cell)
    return new_notebook(cells=cells)


def exercises(name: str) -> Any:
    """The source of its exercises, with one question, not yet run."""
    from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_raw_cell

    makers = {"markdown": new_markdown_cell, "code": new_code_cell, "raw": new_raw_cell}
    from actgrade.source import CELL_TYPES

    cells = [
        new_markdown_cell(f"# Questions\n\nExercises for [the chapter](../notebooks/{name}.ipynb).")
    ]
    counts: dict[str, int] = {}

    def add(role: str, text: str, **options: Any) -> None:
        counts[role] = counts.get(role, 0) + 1
        question = {} if role == "setup" else {"question": "q1"}
        cell = makers[CELL_TYPES[role]](text.strip())
        cell["id"] = f"setup-{counts[role]}" if role == "setup" else f"{role}-q1-{counts[role]}"
        cell.metadata["actlab"] = {"role": role, **question, **options}
        cells.append(cell)

    add("setup", SETUP)
    add("prompt", PROMPT, title="A function that keeps its promises")
    add("answer", ANSWER)
    add("check", CHECK)
    add("held", HELD, points=1)
    for because, wrong in WRONG:
        add("wrong", wrong, because=because)
    for hint in HINTS:
        add("hint", hint)
    cells[0]["id"] = "text-1"
    return new_notebook(cells=cells, metadata={"actlab": {"chapter": name, "title": "Questions"}})


def run(arguments: argparse.Namespace) -> int:
    """``actlab new``: 0 when the skeleton is written and run."""
    name, root = arguments.chapter, arguments.root.resolve()
    if not re.fullmatch(r"\d\d_[a-z0-9_]+", name):
        raise CommandError(
            f"{name!r} is no name of a chapter; two digits and words: 05_deep_gradients"
        )
    made = files(name, arguments.function)
    taken = [path for path in made if (root / path).exists()]
    if taken:
        raise CommandError(f"{taken[0]} exists already; nothing was written")

    from actgrade.course import Course
    from actgrade.notebooks import execute, write
    from actgrade.release import build
    from bookbuild.pages import registry

    # What a kernel prints must not depend on how many cores it finds.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    for path, content in made.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str):
            replace_file(target, content.encode())
        else:
            write(execute(content, target.parent), target)
        print(f"wrote {path}")
    course = Course(root)
    for built in build(course.source_path(name), course.exercises):
        built.write()
        print(f"wrote {built.path.relative_to(root)}")
    if name in BY_NAME:
        registry.main(["--root", str(root)])
    else:
        print(f"{name} is not in the list of chapters; bookbuild/chapters.py has one line for each")
    print(f"Now write it; 'actlab check {name}' says what it lacks.")
    return 0
