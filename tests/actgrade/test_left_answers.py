"""Answers as people leave them: split, copied, moved, with magics, with names that checks use."""

from __future__ import annotations

import json
import re

import grading_sample
import nbformat
import pytest
from grading_sample import QUESTIONS, by_question

from actgrade.grade import grade
from actgrade.magics import plain_python
from actgrade.stub import make_stub

ANSWERS = {name: question["answer"].strip() for name, question in QUESTIONS.items()}
STUBS = {name: make_stub(text) for name, text in ANSWERS.items()}
TWO = '''\
def mean_and_spread(x):
    """The mean of x and its population standard deviation, as two floats."""
    return average(x), spread(x)
'''
HELPERS = (
    "def average(x):\n    return float(np.mean(x))\n\n\ndef spread(x):\n    return float(np.std(x))"
)


def code(text, question=None, **more):
    """A code cell as a plain mapping; the answer's to a question, if one is named."""
    mark = {"actlab": {"role": "answer", "question": question}} if question else {}
    return {"cell_type": "code", "metadata": mark, "source": text, "outputs": [],
            "execution_count": None, **more}  # fmt: skip


class Notebook:
    """A solved notebook to take apart."""

    def __init__(self, path, course, launcher):
        self._path, self._course, self._launcher = path, course, launcher
        self.content = json.loads(nbformat.writes(grading_sample.submission({})))
        self.cells = self.content["cells"]

    def place(self, question="q1"):
        """Where the answer stands."""
        names = [cell.get("id") for cell in self.cells]
        return names.index(f"answer-{question}")

    def put(self, *cells, question="q1"):
        """Put these cells in the place of an answer."""
        at = self.place(question)
        self.cells[at : at + 1] = cells

    def graded(self):
        self._path.write_text(json.dumps(self.content), encoding="utf-8")
        report = grade([self._path], self._course, launcher=self._launcher)
        self.notes = " | ".join(report.notebooks[0].notes)
        return by_question(report.notebooks[0])


@pytest.fixture
def work(tmp_path, course, launcher):
    return Notebook(tmp_path / "90_sample.ipynb", course, launcher)


# G5 -------------------------------------------------------------------------------------------


def test_halves_that_the_classic_notebook_makes(work):
    work.put(code(HELPERS), code(TWO, "q3", id="answer-q3"), question="q3")
    result = work.graded()["q3"]
    assert (result.verdict, result.points) == ("error", 0)
    assert "average is defined in another cell" in result.reason


LEAKY = ANSWERS["q2"].split("\n")


@pytest.mark.parametrize("marks", [("q2", "q2"), (None, "q2"), ("q2", None), (None, None)])
@pytest.mark.parametrize("cut", [2, 3, 4])
def test_a_cell_cut_inside_a_function(work, marks, cut):
    first, second = "\n".join(LEAKY[:cut]), "\n".join(LEAKY[cut:])
    if cut == 4:
        second = "# nothing more"
    work.put(code(first, marks[0], id="a"), code(second, marks[1], id="b"), question="q2")
    assert work.graded()["q2"].points == 3, work.notes


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """A course whose only question asks for two functions."""
    root = tmp_path_factory.mktemp("pair")
    question = {
        **QUESTIONS["q1"],
        "answer": "def one(x):\n    return x + 1.0\n\n\ndef two(x):\n    return x * 2.0\n",
        "check": "show(y=one(1.0), z=two(1.0))",
        "held": [(1, "show(a=SEED, y=one(float(SEED)))"), (1, "show(z=two(float(SEED)))")],
        "wrong": [(f"def one(x):\n    return {n}\n\n\ndef two(x):\n    return {n}", f"It is {n}.")
                  for n in range(4)],
    }  # fmt: skip
    grading_sample.write_course(root)
    source = grading_sample.build_source()
    source.cells = source.cells[:2] + grading_sample.question_cells("q1", question)
    nbformat.write(source, root / "solutions" / "90_sample.ipynb")
    from actgrade.course import Course

    return Course.find(root)


ONE, OTHER = "def one(x):\n    return x + 1.0", "def two(x):\n    return x * 2.0"
STUB_PAIR = make_stub(f"{ONE}\n\n\n{OTHER}")


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ([code(ONE, "q1"), code(OTHER, "q1")], "joined from the cells 2 and 3"),
        ([code(ONE), code(OTHER, "q1", id="answer-q1")], "joined from the cells 2 and 3"),
        ([code(ONE, id="answer-q1"), code(OTHER)], "joined from the cells 2 and 3"),
        ([code(ONE), code("x = 1"), code(OTHER)], "joined from the cells 2 and 4"),
        ([code(f"{ONE}\n\n\n{OTHER}", "q1"), code(STUB_PAIR, "q1")], "last complete one counts"),
        ([code(STUB_PAIR, "q1"), code(f"{ONE}\n\n\n{OTHER}", "q1")], "the last one counts"),
        ([code(STUB_PAIR, "q1"), code(f"{ONE}\n\n\n{OTHER}")], "found in another cell (cell 3)"),
        ([code(f"{ONE}\n\n\n{OTHER}"), code(STUB_PAIR, "q1")], "found in another cell (cell 2)"),
        ([code(OTHER), code(STUB_PAIR.replace("raise NotImplementedError", "return x + 1.0", 1),
                            "q1")], "joined from the cells 2 and 3"),
        ([code(f"{ONE}\n\n\n{OTHER}"), code("", "q1")], "found in another cell (cell 2)"),
        ([code("import math", "q1"), code(f"{ONE}\n\n\n{OTHER}")], "joined from the cells 2 and 3"),
    ],
)  # fmt: skip
def test_what_is_asked_decides_among_cells(tmp_path, pair, launcher, cells, said):
    content = {"cells": [code("import numpy as np", None, id="s"), *cells],
               "metadata": {"actlab": {"chapter": "90_sample"}}}  # fmt: skip
    path = tmp_path / "x.ipynb"
    path.write_text(json.dumps(content))
    notebook = grade([path], pair, launcher=launcher).notebooks[0]
    assert notebook.points == 2, notebook
    assert said in notebook.notes[0]


# G5, helpers ----------------------------------------------------------------------------------


def test_a_helper_in_another_answer_is_explained(work):
    work.put(code(f"{HELPERS}\n\n\n{ANSWERS['q1']}", "q1", id="answer-q1"))
    work.put(code(TWO, "q3", id="answer-q3"), question="q3")
    result = work.graded()
    assert result["q1"].points == 1
    assert "average is defined in another cell, and only the answer cell is graded" in (
        result["q3"].reason
    )


# G8 -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "points"),
    [
        (f"%%time\n{ANSWERS['q1']}", 1),
        (f"!pip install -q numpy\n{ANSWERS['q1']}", 1),
        ("sign = lambda x: np.sign(x)", 1),
        ("if True:\n    def sign(x):\n        return np.sign(x)", 1),
        ("def sign(x:\n    return np.sign(x)", 0),
    ],
)
def test_cells_without_metadata(work, text, points):
    work.put(code(text))
    for cell in work.cells:
        cell["metadata"] = {}
        cell.pop("id", None)
    del work.content["metadata"]["actlab"]
    results = work.graded()
    assert results["q1"].points == points
    assert results["q1"].verdict == ("pass" if points else "error")
    assert results["q2"].points == 3


# G10 ------------------------------------------------------------------------------------------

HARMLESS = [
    "%%time", "%%capture", "%%timeit", "%timeit -n1 -r1 sum(range(10))", "%matplotlib inline",
    "%matplotlib widget", "%matplotlib notebook", "%matplotlib", "%pylab inline", "!echo hello",
    "!pip install -q numpy", "%pip install -q numpy", "%conda install x", "%load_ext autoreload",
    "%load_ext autoreload\n%autoreload 2", "%config InlineBackend.figure_format = 'retina'",
    "?np.unique", "np.sign?", "np.sign??", "%precision 3\n%who", "%reset -f", "%debug",
    "%load_ext tensorboard",
]  # fmt: skip


@pytest.mark.parametrize("line", HARMLESS)
def test_what_only_measures_or_shows_is_left_out(line):
    plain = plain_python(f"{line}\n{ANSWERS['q2']}")
    assert plain.problem is None
    compile(plain.source, "answer", "exec")
    assert plain.source.split("\n")[-1] == ANSWERS["q2"].split("\n")[-1]
    assert len(plain.source.split("\n")) == len(f"{line}\n{ANSWERS['q2']}".split("\n"))
    assert len(plain.notes) == line.count("\n") + 1
    assert "line 1" in plain.notes[0]


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("files = !ls", "no shell commands here: remove line 1 (files = !ls)"),
        ("%%bash\necho hi", "line 1 (%%bash) makes the cell something else than Python: remove it"),
        ("%%writefile mine.py", "line 1 (%%writefile mine.py) makes the cell"),
        ("%run other.py", "line 1 (%run other.py) is a magic that the grader does not run"),
        ("x = %sx ls", "no shell commands here: remove line 1"),
    ],
)
def test_what_would_change_the_answer_is_refused_by_line(work, line, sentence):
    work.put(code(f"{line}\n{ANSWERS['q1']}", "q1", id="answer-q1"))
    results = work.graded()
    assert results["q1"].verdict == "error"
    assert sentence in results["q1"].reason
    assert results["q2"].points == 3


def test_magics_of_every_kind_at_once(work):
    work.put(code(f"%%time\n{ANSWERS['q1']}", "q1", id="answer-q1"))
    work.put(code(f"{ANSWERS['q2']}\n%timeit -n 1 -r 1 leaky(2.0)\n", "q2"), question="q2")
    work.put(code(f"!echo hello\n{ANSWERS['q3']}\nmean_and_spread?", "q3"), question="q3")
    assert [r.points for r in work.graded().values()] == [1, 3, 1]
    assert "q1: line 1 (%%time) is left out" in work.notes
    assert "q3: line 1 (!echo hello) is left out; line 5 (mean_and_spread?)" in work.notes


def test_signs_of_magics_in_python_stay():
    for text in (
        "x = 7 \\\n% 3",
        'x = """\n%time\n!ls\n"""',
        "x = (7\n% 3)",
        "y = 1 if x != 2 else 3",
    ):
        assert plain_python(text).source == text
    mixed = 'def f():\n    """\n    %matplotlib\n    """\n    return 1\n%timeit f()'
    assert plain_python(mixed).source == mixed.removesuffix("%timeit f()")
    assert plain_python("%time x = 3").source == "x = 3"


# G11 ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        "from numpy import *", "def show(x):\n    print(x)", "np = 3\nimport numpy as xp",
        "show = print", "def print(*a):\n    pass", "float = int", "SEED = 5", "x = None",
        "from math import *", "raised = 1", "abs = sum = len = None",
    ],
)  # fmt: skip
def test_checks_hold_their_own_names(work, line):
    answer = "def sign(x):\n    return (x > 0) * 1.0 - (x < 0) * 1.0"
    work.put(code(f"{line}\n{answer}", "q1", id="answer-q1"))
    assert work.graded()["q1"].points == 1


def test_stars_of_plots_are_no_show(work):
    pytest.importorskip("matplotlib")
    work.put(code(f"from matplotlib.pyplot import *\n{ANSWERS['q1']}", "q1", id="answer-q1"))
    assert work.graded()["q1"].points == 1


def test_a_wrong_answer_that_redefines_a_check_s_names_stays_wrong(work):
    answer = "def show(**values):\n    print('y: float (3,) [-1.0 0.0 1.0]')\n\n"
    work.put(code(f"{answer}def sign(x):\n    return x", "q1", id="answer-q1"))
    assert work.graded()["q1"].points == 0


# G15 ------------------------------------------------------------------------------------------


def test_a_time_out_keeps_what_is_right(tmp_path, pair):
    from actgrade.sandbox.launcher import Launcher
    from actgrade.sandbox.limits import Limits

    quick = Limits(cell_seconds=1.5, question_seconds=6)
    texts = {
        "in a function": f"{ONE}\n\n\ndef two(x):\n    while True:\n        pass",
        "in the first": f"def one(x):\n    while True:\n        pass\n\n\n{OTHER}",
        "below": f"{ONE}\n\n\n{OTHER}\nimport time\ntime.sleep(60)",
    }
    got = {}
    with Launcher(("numpy",), limits=quick) as launcher:
        for name, text in texts.items():
            path = tmp_path / f"{name}.ipynb"
            path.write_text(json.dumps({
                "cells": [code(text, "q1")], "metadata": {"actlab": {"chapter": "90_sample"}},
            }))  # fmt: skip
            (got[name],) = grade([path], pair, launcher=launcher).notebooks[0].questions
    assert (got["in a function"].points, got["in a function"].verdict) == (1, "partial")
    assert "it takes longer than 1.5 s for a cell" in got["in a function"].reason
    assert re.search("in line [67] of your answer", got["in a function"].reason)
    assert (got["in the first"].points, got["in the first"].verdict) == (1, "partial")
    assert got["below"].points == 2


# G16 ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["pipe", "jupyter"])
def test_what_ends_or_stops_a_program_is_one_verdict_on_both_engines(tmp_path, course, engine):
    body = "def sign(x):\n    {}\n    return np.sign(x)"
    answers = {
        "exit()": (body.format("exit()"), "it ends the program, as exit() and sys.exit() do"),
        "quit()": (body.format("quit()"), "it ends the program"),
        "sys.exit": (f"import sys\n{body.format('sys.exit(0)')}", "it ends the program"),
        "raise": (body.format("raise SystemExit"), "it ends the program"),
        "breakpoint": (body.format("breakpoint()"), "it stops in the debugger, and nobody is"),
        "set_trace": (f"import pdb\n{body.format('pdb.set_trace()')}", "it stops in the"),
        "at the end": (f"{ANSWERS['q1']}\nexit()", None),
        "quit at the end": (f"{ANSWERS['q1']}\nquit()", None),
        "sys at the end": (f"{ANSWERS['q1']}\nimport sys\nsys.exit(0)", None),
    }
    paths = []
    for name, (text, _) in answers.items():
        paths.append(tmp_path / f"{name}.ipynb")
        content = json.loads(nbformat.writes(grading_sample.submission({})))
        content["cells"] = [c for c in content["cells"] if c["id"] == "setup-1"]
        content["cells"].append(code(text, "q1"))
        paths[-1].write_text(json.dumps(content))
    report = grade(paths, course, engine=engine)
    for (name, (_, sentence)), notebook in zip(answers.items(), report.notebooks, strict=True):
        result = by_question(notebook)["q1"]
        if sentence is None:
            assert result.points == 1, (name, result)
        else:
            assert (result.points, result.verdict) == (0, "error"), (name, result)
            assert sentence in result.reason, (name, result)


# Encodings ------------------------------------------------------------------------------------


def test_a_line_is_counted_as_python_counts(work):
    text = 'def sign(x):\n    """A\u2028B\x0cC"""\n    y = x\n    return y / None'
    work.put(code(text, "q1", id="answer-q1"))
    assert "(line 4 of your answer: return y / None)" in work.graded()["q1"].reason
    work.put(code(text.replace("\n", "\r\n"), "q1", id="answer-q1"))
    assert "(line 4 of your answer: return y / None)" in work.graded()["q1"].reason
