"""A small course for the grader's tests: one chapter, three questions, built with nbformat."""

from __future__ import annotations

from pathlib import Path

import nbformat
from nbformat.v4 import (
    new_code_cell,
    new_markdown_cell,
    new_notebook,
    new_output,
    new_raw_cell,
)

from actgrade.results import NotebookResult, QuestionResult
from actgrade.sandbox.limits import Limits

# Short enough for a test, long enough for a busy machine to start Python in.
QUICK = Limits(cell_seconds=5, question_seconds=10)

SETUP = """\
import numpy as np

from actgrade.exercise import show

SEED = 0
"""

SIGN = '''\
def sign(x):
    """-1, 0 or 1 for each number of x, in x's dtype."""
    return np.sign(x)
'''

LEAKY = '''\
def leaky(x, slope=0.1):
    """x where x >= 0, slope * x elsewhere; NaN stays NaN."""
    x = np.asarray(x)
    return np.where(x >= 0, x, slope * x)
'''

MEAN = '''\
def mean_and_spread(x):
    """The mean of x and its population standard deviation, as two floats."""
    return float(np.mean(x)), float(np.std(x))
'''

QUESTIONS = {
    "q1": {
        "title": "The sign",
        "answer": SIGN,
        "forbid": [],
        "check": "show(y=sign(np.array([-2.0, 0.0, 3.5])))",
        "held": [
            (
                1,
                "x = np.random.default_rng(SEED).normal(size=20)\nx[3] = 0\nshow(x=x, y=sign(x))",
            )
        ],
        "wrong": [
            ("def sign(x):\n    return np.where(x > 0, 1.0, -1.0)", "Zero has the sign 0."),
            ("def sign(x):\n    return -np.sign(x)", "The sign is flipped."),
            ("def sign(x):\n    return x", "This returns the number itself."),
            ("def sign(x):\n    return np.sign(x) > 0", "A comparison gives bools."),
        ],
        "hints": ["Three cases.", "Zero is a case.", "`np.sign` does it."],
    },
    "q2": {
        "title": "A leaky line",
        "answer": LEAKY,
        "forbid": ["numpy.maximum"],
        "check": "show(y=leaky(np.array([-1.0, 0.0, 2.0])), scalar=leaky(-3.0))",
        "held": [
            (
                2,
                "x = np.random.default_rng(SEED).normal(size=30) * 4\nshow(x=x, y=leaky(x, 0.2))",
            ),
            (
                1,
                "rng = np.random.default_rng(SEED)\n"
                "slope = rng.uniform(1.5, 3)\n"
                "x = np.append(rng.normal(size=8), np.nan)\n"
                "show(x=x, y=leaky(x, slope))",
            ),
        ],
        "wrong": [
            (
                "def leaky(x, slope=0.1):\n    x = np.asarray(x)\n"
                "    return np.where(x >= 0, x, 0.0)",
                "Without the slope this is ReLU.",
            ),
            (
                "def leaky(x, slope=0.1):\n    x = np.asarray(x)\n"
                "    return np.where(slope * x > x, slope * x, x)",
                "The larger of the two is the right one only for slopes up to 1.",
            ),
            (
                "def leaky(x, slope=0.1):\n    x = np.asarray(x)\n"
                "    return np.where(x >= 0, x, 0.1 * x)",
                "The argument slope is ignored.",
            ),
            (
                "def leaky(x, slope=0.1):\n    x = np.asarray(x)\n"
                "    return np.where(x >= 0, x, -slope * x)",
                "The negative side is folded up.",
            ),
        ],
        "hints": ["Two cases.", "`np.where` chooses.", "`np.where(x >= 0, x, ...)`"],
    },
    "q3": {
        "title": "Two numbers",
        "answer": MEAN,
        "forbid": [],
        "check": "show(result=mean_and_spread(np.array([1.0, 2.0, 6.0])), digits=8)",
        "held": [
            (
                1,
                "x = np.random.default_rng(SEED).normal(3, 2, size=50)\n"
                "show(result=mean_and_spread(x))",
            )
        ],
        "wrong": [
            (
                "def mean_and_spread(x):\n    return float(np.mean(x)), float(np.std(x, ddof=1))",
                "This divides by n - 1.",
            ),
            (
                "def mean_and_spread(x):\n    return float(np.mean(x)), float(np.var(x))",
                "The variance is the square of the spread.",
            ),
            (
                "def mean_and_spread(x):\n    return float(np.std(x)), float(np.mean(x))",
                "The two numbers are swapped.",
            ),
            (
                "def mean_and_spread(x):\n    return float(np.median(x)), float(np.std(x))",
                "The median is not the mean.",
            ),
        ],
        "hints": ["Two calls.", "Mean, then spread.", "`np.mean(x)`, `np.std(x)`"],
    },
}

CHECK_OUTPUTS = {
    "q1": "y: float (3,) [-1.0 0.0 1.0]\n",
    "q2": "y: float (3,) [-0.1 0.0 2.0]\nscalar: float () -0.30000000000000004\n",
    "q3": "result: sequence of 2\nresult[0]: float () to 8 digits 3.0\n"
    "result[1]: float () to 8 digits 2.1602469\n",
}


def build_source(name: str = "90_sample") -> nbformat.NotebookNode:
    """The source notebook of the sample chapter."""
    cells = [
        new_markdown_cell("# Sample", id="title"),
        _mark(new_code_cell(SETUP, id="the-setup"), role="setup"),
    ]
    for identifier, question in QUESTIONS.items():
        cells += question_cells(identifier, question)
    return new_notebook(
        cells=cells, metadata={"actlab": {"chapter": name, "title": "Sample chapter"}}
    )


def question_cells(identifier: str, question: dict) -> list[nbformat.NotebookNode]:
    """All cells of one question, with the reference's outputs on its check."""

    def mark(cell, role, **more):
        return _mark(cell, question=identifier, role=role, **more)

    check = new_code_cell(question["check"], execution_count=1)
    check.outputs = [new_output("stream", name="stdout", text=CHECK_OUTPUTS[identifier])]
    answer = mark(new_code_cell(question["answer"].strip()), "answer")
    if question["forbid"]:
        answer.metadata["actlab"]["forbid"] = question["forbid"]
    cells = [
        mark(new_markdown_cell(f"## {question['title']}"), "prompt", title=question["title"]),
        answer,
        mark(check, "check"),
    ]
    cells += [mark(new_code_cell(s), "held", points=p) for p, s in question["held"]]
    cells += [mark(new_raw_cell(s), "wrong", because=b) for s, b in question["wrong"]]
    cells += [mark(new_markdown_cell(text), "hint") for text in question["hints"]]
    return cells


def _mark(cell: nbformat.NotebookNode, **mark) -> nbformat.NotebookNode:
    cell.metadata["actlab"] = mark
    return cell


def write_course(root: Path) -> Path:
    """Write solutions/ and an empty exercises/ below ``root``; return ``root``."""
    (root / "solutions").mkdir()
    (root / "exercises").mkdir()
    nbformat.write(build_source(), root / "solutions" / "90_sample.ipynb")
    return root


def submission(answers: dict[str, str | None]) -> nbformat.NotebookNode:
    """A released notebook with these answers; the reference where ``answers`` says nothing.

    None leaves the answer cell out.
    """
    cells = [_mark(new_code_cell(SETUP, id="setup-1"), role="setup")]
    for identifier, question in QUESTIONS.items():
        text = answers.get(identifier, question["answer"])
        if text is None:
            continue
        cell = new_code_cell(text, id=f"answer-{identifier}")
        cells.append(_mark(cell, question=identifier, role="answer"))
    return new_notebook(cells=cells, metadata={"actlab": {"chapter": "90_sample"}})


def by_question(notebook: NotebookResult) -> dict[str, QuestionResult]:
    """The results of one notebook by question id."""
    assert notebook.error is None, notebook.error
    return {result.id: result for result in notebook.questions}
