"""Whatever editing does to a solved notebook: full points, or a sentence that names the reason."""

from __future__ import annotations

import copy
import json
import random
import re

import grading_sample
import nbformat
import pytest
from grading_sample import QUESTIONS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actgrade.grade import grade
from actgrade.stub import make_stub

BASE = json.loads(nbformat.writes(grading_sample.submission({})))
STUBS = {name: make_stub(question["answer"].strip()) for name, question in QUESTIONS.items()}
NAMES = ["90_sample.ipynb", "90_sample (1).ipynb", "Copy of 90_sample.ipynb", "homework.ipynb",
         "90_sample.ipynb.txt", "90_SAMPLE.IPYNB", "Übung – 名前.json"]  # fmt: skip
# What a reason may name: a name that is elsewhere, a cell that is missing or no code, a line.
REASONS = re.compile(
    r"is defined in another cell|answer cell is missing|is of type|not written yet|"
    r"is not valid Python|line \d+|NameError|goes on inside a function|"
    r"were joined|was joined from|has no return"
)


def text_of(cell):
    source = cell["source"]
    return "".join(source) if isinstance(source, list) else source


def move(cells, draw):
    cells.insert(draw.randrange(len(cells) + 1), cells.pop(draw.randrange(len(cells))))


def split(cells, draw):
    at = draw.randrange(len(cells))
    lines = text_of(cells[at]).split("\n")
    if len(lines) < 2:
        return
    cut = draw.randrange(1, len(lines))
    first, second = copy.deepcopy(cells[at]), copy.deepcopy(cells[at])
    first["source"], second["source"] = "\n".join(lines[:cut]), "\n".join(lines[cut:])
    # JupyterLab keeps the mark on both, the classic notebook on the second.
    if draw.random() < 0.5:
        first["metadata"] = {}
    first["id"] = f"new{draw.randrange(10**6)}"
    cells[at : at + 1] = [first, second]


def duplicate(cells, draw):
    at = draw.randrange(len(cells))
    twin = copy.deepcopy(cells[at])
    twin["id"] = f"new{draw.randrange(10**6)}"
    cells.insert(draw.randrange(at, len(cells) + 1), twin)


def add_a_stub(cells, draw):
    name = draw.choice(sorted(STUBS))
    cell = {"cell_type": "code", "id": f"new{draw.randrange(10**6)}", "outputs": [],
            "metadata": {"actlab": {"role": "answer", "question": name}},
            "source": STUBS[name], "execution_count": None}  # fmt: skip
    cells.insert(draw.randrange(len(cells) + 1), cell)


def strip_one(cells, draw):
    cell = draw.choice(cells)
    cell["metadata"] = {}
    if draw.random() < 0.5:
        cell.pop("id", None)


def strip_all(cells, draw):
    for cell in cells:
        cell["metadata"] = {}
        cell.pop("id", None)


def rename_ids(cells, draw):
    for number, cell in enumerate(cells):
        cell["id"] = f"c{number}"


def add_an_empty_cell(cells, draw):
    cells.insert(draw.randrange(len(cells) + 1), {
        "cell_type": draw.choice(["code", "markdown", "raw"]), "metadata": {}, "source": "",
        "outputs": [], "execution_count": None, "id": f"new{draw.randrange(10**6)}",
    })  # fmt: skip


def add_a_magic(cells, draw):
    cell = draw.choice(cells)
    line = draw.choice(["%%time", "%matplotlib inline", "!ls", "?np"])
    if cell["cell_type"] == "code" and not text_of(cell).startswith((" ", "%")):
        cell["source"] = f"{line}\n{text_of(cell)}"


EDITS = [move, split, duplicate, add_a_stub, strip_one, strip_all, rename_ids, add_an_empty_cell,
         add_a_magic]  # fmt: skip


def edited(edits, seed):
    content, draw = copy.deepcopy(BASE), random.Random(seed)
    for edit in edits:
        edit(content["cells"], draw)
    if strip_all in edits:
        content["metadata"] = {}
    return content


@settings(
    max_examples=25, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
@given(st.lists(st.sampled_from(EDITS), min_size=1, max_size=4), st.integers(0, 10**6),
       st.sampled_from(NAMES))  # fmt: skip
def test_editing_costs_no_points_in_silence(tmp_path, course, launcher, edits, seed, name):
    check(tmp_path, course, launcher, edits, seed, name)


@pytest.mark.slow
@settings(
    max_examples=400, deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
@given(st.lists(st.sampled_from(EDITS), min_size=1, max_size=6), st.integers(0, 10**6),
       st.sampled_from(NAMES))  # fmt: skip
def test_much_editing_costs_no_points_in_silence(tmp_path, course, launcher, edits, seed, name):
    check(tmp_path, course, launcher, edits, seed, name)


def check(tmp_path, course, launcher, edits, seed, name):
    path = tmp_path / name
    path.write_text(json.dumps(edited(edits, seed)), encoding="utf-8")
    notebook = grade([path], course, launcher=launcher).notebooks[0]
    path.unlink()
    assert notebook.error is None, notebook.error
    for result in notebook.questions:
        said = [result.reason, *(n for n in notebook.notes if n.startswith(f"{result.id}: "))]
        assert result.points == result.maximum or any(map(REASONS.search, said)), (result, said)
    # What only moves, copies, strips or adds keeps every point.
    if split not in edits:
        assert notebook.points == notebook.maximum, (notebook.questions, notebook.notes)
