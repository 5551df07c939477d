"""Whatever is handed in: a sentence, or the answers and nothing else."""

from __future__ import annotations

import json

import grading_sample
import nbformat
import pytest

from actgrade import submission
from actgrade.submission import SubmissionError, read_submission

ANSWERS = {name: question["answer"] for name, question in grading_sample.QUESTIONS.items()}


@pytest.fixture
def chapter(course):
    return course.chapter("90_sample")


@pytest.fixture
def read(chapter, tmp_path):
    def run(notebook):
        path = tmp_path / "handed_in.ipynb"
        path.write_text(json.dumps(notebook), encoding="utf-8")
        return read_submission(path, chapter)

    return run


@pytest.fixture
def notebook():
    return json.loads(nbformat.writes(grading_sample.submission({})))


def answer_cell(notebook, question="q1"):
    return next(cell for cell in notebook["cells"] if cell["id"] == f"answer-{question}")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty"),
        (b"  \n", "is empty"),
        (b"not a notebook\n", "it is not JSON (line 1)"),
        (b"{" * 100_000, "is not a notebook"),
        (b"[" * 1_000_000, "has more than 500,000 brackets"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\xff\xfe", "it is not text"),
        (b"[]", "it has no list of cells"),
        (b'{"cells": 3}', "it has no list of cells"),
        (b'{"worksheets": [], "nbformat": 3}', "has notebook format 3"),
        (b'{"cells": []}', "has no answer cells of 90_sample"),
        (b'{"cells": [1, null, {"cell_type": 3, "metadata": 4, "source": 5}]}', "no answer cells"),
    ],
)
def test_a_file_that_is_no_notebook(content, sentence, chapter, tmp_path):
    path = tmp_path / "x.ipynb"
    path.write_bytes(content)
    with pytest.raises(SubmissionError) as caught:
        read_submission(path, chapter)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_none(chapter, tmp_path):
    with pytest.raises(SubmissionError, match="does not exist"):
        read_submission(tmp_path / "none.ipynb", chapter)
    with pytest.raises(SubmissionError, match="is a folder"):
        read_submission(tmp_path, chapter)


def test_a_file_that_is_too_large(chapter, tmp_path, monkeypatch):
    monkeypatch.setattr(submission, "MOST_BYTES", 2**20)
    path = tmp_path / "x.ipynb"
    path.write_bytes(b" " * (2**20 + 1))
    with pytest.raises(SubmissionError, match=r"has 1 MiB; a notebook may have 1"):
        read_submission(path, chapter)


def test_answers_are_found_by_metadata(read, notebook):
    for cell in notebook["cells"]:
        cell.pop("id")
    assert {name: found.source for name, found in read(notebook).answers.items()} == ANSWERS


def test_or_by_cell_id(read, notebook):
    for cell in notebook["cells"]:
        cell["metadata"] = {}
    assert {name: found.source for name, found in read(notebook).answers.items()} == ANSWERS


def test_or_by_the_names_of_the_functions(read, notebook):
    for cell in notebook["cells"]:
        cell["metadata"] = {}
        cell.pop("id")
        cell["source"] = "".join(cell["source"])  # as one text; nbformat stores a list of lines
    assert {name: found.source for name, found in read(notebook).answers.items()} == ANSWERS


def test_a_byte_order_mark_does_no_harm(chapter, notebook, tmp_path):
    path = tmp_path / "x.ipynb"
    path.write_text(json.dumps(notebook), encoding="utf-8-sig")
    assert read_submission(path, chapter).answers["q1"].source == ANSWERS["q1"]


def test_a_missing_answer_costs_only_its_question(read, notebook):
    notebook["cells"].remove(answer_cell(notebook))
    found = read(notebook).answers
    assert found["q1"].source is None
    assert found["q1"].problem == "its answer cell is missing"
    assert found["q2"].source == ANSWERS["q2"]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"cell_type": "markdown"}, "its answer cell is of type markdown, not code"),
        ({"cell_type": "\x1b[31m" * 9}, "its answer cell is of type"),
        ({"source": None}, "its answer cell has no text"),
        ({"source": ["x", 3]}, "its answer cell has no text"),
        ({"source": "x" * 300_000}, "its answer is longer than 200000 characters"),
    ],
)
def test_an_answer_that_is_none(read, notebook, change, problem):
    answer_cell(notebook).update(change)
    found = read(notebook).answers
    assert found["q1"].source is None
    assert problem in found["q1"].problem
    assert found["q1"].problem.isprintable()
    assert found["q3"].source == ANSWERS["q3"]


def test_of_two_answers_the_last_counts(read, notebook):
    twin = dict(answer_cell(notebook), id="twin", source="def sign(x):\n    return 7")
    notebook["cells"].append(twin)
    found = read(notebook).answers["q1"]
    assert found.source == "def sign(x):\n    return 7"
    assert found.note == "it has 2 answer cells; the last one counts"
    twin["source"] = answer_cell(notebook)["source"]
    assert read(notebook).answers["q1"].note is None


def test_metadata_of_another_shape_is_no_mark(read, notebook):
    notebook["cells"].append(
        {"cell_type": "code", "metadata": {"actlab": ["role", "answer"]}, "source": "1"}
    )
    notebook["cells"].append({"cell_type": "code", "metadata": [], "source": "1"})
    assert read(notebook).answers["q1"].source == ANSWERS["q1"]


def test_names_of_other_cells_are_known(read, notebook):
    notebook["cells"].append(
        {
            "cell_type": "code",
            "metadata": {},
            "source": "import os.path as p\na, (b, c) = 1, (2, 3)",
        }
    )
    notebook["cells"].append({"cell_type": "code", "metadata": {}, "source": "def (:"})
    assert {"p", "a", "b", "c"} <= read(notebook).answers["q1"].names_elsewhere


def test_the_digest_is_of_the_bytes(read, notebook):
    first = read(notebook).digest
    assert read(notebook).digest == first
    notebook["cells"][0]["source"] = "# other"
    assert read(notebook).digest != first
