"""Notebooks whose metadata, ids and cells lie: each changes the sample's submission in place.

The first answer is wrong in all of them, and must earn nothing; the others are right, and keep
their points unless the forgery is said to cost them.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import grading_sample
import nbformat

from trial.cases import VISIBLE

Notebook = dict[str, Any]
WRONG = "def sign(x):\n    return x\n"
RIGHT = grading_sample.SIGN


def submission() -> Notebook:
    """The sample's submission as plain data, with a wrong answer to q1."""
    return json.loads(nbformat.writes(grading_sample.submission({"q1": WRONG})))


def code(source: str, identifier: str = "more", **mark: Any) -> Notebook:
    """A code cell, with a mark of the course where one is given."""
    metadata = {"actlab": mark} if mark else {}
    return {
        "cell_type": "code",
        "id": identifier,
        "metadata": metadata,
        "source": source,
        "outputs": [],
        "execution_count": 1,
    }


def answer(book: Notebook, question: str = "q1") -> Notebook:
    """The answer cell of one question."""
    return next(cell for cell in book["cells"] if cell["id"] == f"answer-{question}")


FORGERIES: dict[str, Callable[[Notebook], None]] = {}


def forgery(function: Callable[[Notebook], None]) -> Callable[[Notebook], None]:
    """Keep a forgery under its name."""
    FORGERIES[function.__name__.replace("_", " ")] = function
    return function


@forgery
def a_held_cell_of_ones_own(book: Notebook) -> None:
    book["cells"].append(code("show(y=1)", question="q1", role="held", points=100))


@forgery
def a_check_that_prints_what_it_should(book: Notebook) -> None:
    book["cells"].append(code(f"print({VISIBLE!r})", question="q1", role="check"))


@forgery
def outputs_that_are_right(book: Notebook) -> None:
    for cell in book["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"] = [
                {"output_type": "stream", "name": "stdout", "text": f"{VISIBLE}\nq1: pass\n"}
            ]


@forgery
def a_setup_that_redefines_everything(book: Notebook) -> None:
    book["cells"].insert(
        0, code("show = lambda **k: None\nclass np:\n    pass\nSEED = 1", "setup-1", role="setup")
    )


@forgery
def a_setup_that_imports_the_answer(book: Notebook) -> None:
    book["cells"].insert(0, code("sign = __import__('numpy').sign", "s", role="setup"))


@forgery
def points_in_the_metadata_of_the_answer(book: Notebook) -> None:
    answer(book)["metadata"]["actlab"].update(points=9, forbid=[], verdict="pass", skip=True)


@forgery
def points_in_the_metadata_of_the_notebook(book: Notebook) -> None:
    book["metadata"]["actlab"].update(points=9, questions={"q1": {"points": 1, "verdict": "pass"}})


@forgery
def another_kernel_and_another_language(book: Notebook) -> None:
    book["metadata"]["kernelspec"] = {"name": "bash", "language": "bash", "display_name": "x"}
    book["metadata"]["language_info"] = {"name": "R", "version": [3]}


@forgery
def tags_that_skip_and_that_expect_to_fail(book: Notebook) -> None:
    for cell in book["cells"]:
        cell["metadata"]["tags"] = ["nbval-skip", "raises-exception", "nbval-ignore-output"]


@forgery
def execution_counts_of_other_types(book: Notebook) -> None:
    for cell, count in zip(book["cells"], (None, -1, 1.5, "x", [], 2**70), strict=False):
        cell["execution_count"] = count


@forgery
def the_same_id_for_every_cell(book: Notebook) -> None:
    for cell in book["cells"]:
        cell["id"] = "answer-q1"


@forgery
def ids_that_are_no_text(book: Notebook) -> None:
    for cell, identifier in zip(book["cells"], (None, 3, [], {"a": 1}), strict=False):
        cell["id"] = identifier


@forgery
def ids_of_other_answers(book: Notebook) -> None:
    answer(book)["id"], answer(book, "q3")["id"] = "answer-q3", "answer-q1"


@forgery
def a_copy_of_the_answer_with_an_empty_mark(book: Notebook) -> None:
    copied = copy.deepcopy(answer(book))
    copied["metadata"]["actlab"] = {}
    book["cells"].append(copied)


@forgery
def a_mark_for_a_question_that_is_none(book: Notebook) -> None:
    book["cells"].append(code(WRONG, "x", question="q99", role="answer"))
    book["cells"].append(code(WRONG, "y", question="", role="answer"))
    book["cells"].append(code(WRONG, "z", question=["q1"], role="answer"))


@forgery
def a_role_that_is_none(book: Notebook) -> None:
    for role in ("reference", "solution", "needs", "Answer", "answer ", "wrong", 3):
        book["cells"].append(code("print('x')", f"r-{role}", question="q1", role=role))


@forgery
def a_reference_in_a_raw_cell(book: Notebook) -> None:
    cell = code(RIGHT, "raw", question="q1", role="answer")
    cell["cell_type"] = "raw"
    book["cells"].append(cell)


@forgery
def a_reference_in_a_text_cell(book: Notebook) -> None:
    cell = code(f"```python\n{RIGHT}```", "text", question="q1", role="answer")
    cell["cell_type"] = "markdown"
    book["cells"].insert(0, cell)


@forgery
def attachments_and_widgets(book: Notebook) -> None:
    answer(book)["attachments"] = {"x.png": {"image/png": "AAAA"}}
    book["metadata"]["widgets"] = {"application/vnd.jupyter.widget-state+json": {"state": {}}}


@forgery
def a_format_of_the_future(book: Notebook) -> None:
    book["nbformat"], book["nbformat_minor"] = 5, 99


@forgery
def a_format_that_is_no_number(book: Notebook) -> None:
    book["nbformat"], book["nbformat_minor"] = "4; DROP TABLE", None


@forgery
def a_source_in_pieces(book: Notebook) -> None:
    answer(book)["source"] = list(WRONG)


@forgery
def a_source_with_two_kinds_of_line_ends(book: Notebook) -> None:
    answer(book)["source"] = WRONG.replace("\n", "\r\n") + "\r# end\x0b\u2028"


@forgery
def the_mark_of_the_verifier(book: Notebook) -> None:
    book["metadata"]["actlab"]["is_source"] = True
    for cell in book["cells"]:
        cell["metadata"].setdefault("actlab", {})["reference"] = True


@forgery
def metadata_that_hides_and_collapses(book: Notebook) -> None:
    for cell in book["cells"]:
        cell["metadata"].update(
            deletable=False, editable=False, collapsed=True, nbgrader={"grade": True, "points": 9}
        )


@forgery
def cells_after_the_end(book: Notebook) -> None:
    book["cells"] += [code("raise SystemExit", f"c{n}") for n in range(200)]


@forgery
def keys_beside_the_cells(book: Notebook) -> None:
    book["worksheets"] = [{"cells": [code(RIGHT)]}]
    book["__class__"] = {"cells": []}
    book["Cells"] = []


@forgery
def a_needs_of_its_own(book: Notebook) -> None:
    answer(book)["metadata"]["actlab"]["needs"] = ["q2", "q3"]
    answer(book)["metadata"]["actlab"]["asked"] = []
    answer(book)["metadata"]["actlab"]["rtol"] = 1e9
