"""Every mistake an author can make in a source notebook is named in a sentence of its own."""

from __future__ import annotations

from pathlib import Path

import grading_sample
import nbformat
import pytest

from actbase.errors import CommandError
from actgrade import source
from actgrade.course import Course

PATH = Path("90_sample.ipynb")


@pytest.fixture
def notebook() -> nbformat.NotebookNode:
    return grading_sample.build_source()


def cells(notebook, question, role):
    return [
        cell
        for cell in notebook.cells
        if cell.metadata.get("actlab", {}).get("question") == question
        and cell.metadata["actlab"]["role"] == role
    ]


def problems(notebook) -> list[str]:
    with pytest.raises(source.SourceError) as caught:
        source.parse(notebook, PATH, outputs_required=True)
    assert caught.value.exit_code == 2
    return caught.value.problems


def test_a_sound_notebook_is_read_in_full(notebook):
    chapter = source.parse(notebook, PATH, outputs_required=True)
    assert (chapter.name, chapter.title, chapter.points) == ("90_sample", "Sample chapter", 5)
    assert [question.id for question in chapter.questions] == ["q1", "q2", "q3"]
    leaky = chapter.question("q2")
    assert leaky.title == "A leaky line"
    assert leaky.forbid == ("numpy.maximum",)
    assert [held.points for held in leaky.helds] == [2, 1]
    assert [held.id for held in leaky.helds] == ["held-q2-1", "held-q2-2"]
    assert leaky.checks[0].expected == grading_sample.CHECK_OUTPUTS["q2"]
    assert len(leaky.wrongs) == 4
    assert leaky.hints == ("Two cases.", "`np.where` chooses.", "`np.where(x >= 0, x, ...)`")
    with pytest.raises(KeyError):
        chapter.question("q9")


def drop(role, question="q1", count=1):
    def change(notebook):
        for cell in cells(notebook, question, role)[:count]:
            notebook.cells.remove(cell)

    return change


def mark(role, question="q1", /, **more):
    def change(notebook):
        cells(notebook, question, role)[0].metadata["actlab"].update(more)

    return change


def copy(role, question="q1"):
    def change(notebook):
        twin = nbformat.from_dict(dict(cells(notebook, question, role)[0]))
        twin["id"] = "twin"
        notebook.cells.append(twin)

    return change


def set_source(role, text, question="q1"):
    def change(notebook):
        cells(notebook, question, role)[0].source = text

    return change


def same_ids(notebook):
    notebook.cells[0]["id"] = notebook.cells[1]["id"]


def no_outputs(notebook):
    cells(notebook, "q1", "check")[0].outputs = []


def wrong_type(notebook):
    cell = cells(notebook, "q1", "wrong")[0]
    cell.cell_type = "markdown"


def stray_code(notebook):
    notebook.cells.append(nbformat.v4.new_code_cell("1 + 1", id="stray"))


def wrong_is_reference(notebook):
    cells(notebook, "q1", "wrong")[0].source = cells(notebook, "q1", "answer")[0].source


def twice_the_same_wrong(notebook):
    first, second = cells(notebook, "q1", "wrong")[:2]
    second.source = first.source


def no_metadata(notebook):
    notebook.metadata.pop("actlab")


def figure_in_check(notebook):
    cells(notebook, "q1", "check")[0].outputs.append(
        nbformat.v4.new_output("display_data", data={"text/plain": "<Figure>"})
    )


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (mark("held", role="hold"), "unknown role 'hold'"),
        (mark("answer", role="setup"), "setup cell belongs to no question"),
        (mark("answer", question="Q 1"), "needs a question id such as q1"),
        (mark("check", points=3), "a check cell has no option 'points'"),
        (wrong_type, "a wrong cell is of type raw, not markdown"),
        (stray_code, "is code without a role"),
        (same_ids, "share the cell id"),
        (drop("prompt"), "question q1: it has no prompt cell"),
        (mark("prompt", title=" "), "exactly one prompt cell carries the question's title"),
        (drop("answer"), "question q1: it has 0 answer cells"),
        (copy("answer"), "question q1: it has 2 answer cells"),
        (drop("check"), "question q1: it has no check cell"),
        (drop("held"), "question q1: it has no held cell"),
        (drop("wrong"), "it has 3 wrong answers; it needs at least 4"),
        (drop("hint"), "it has 2 hints; it needs 3"),
        (copy("hint"), "it has 4 hints; it needs 3"),
        (no_outputs, "has no stored output"),
        (figure_in_check, "must only print"),
        (mark("held", points=0), "needs points, a positive number"),
        (mark("held", points="2"), "needs points, a positive number"),
        (mark("held", points=True), "needs points, a positive number"),
        (mark("held", rtol=-1), "rtol in cell"),
        (mark("held", atol="small"), "atol in cell"),
        (set_source("held", "show(y=sign(1.0))"), "does not use SEED"),
        (mark("wrong", because=""), "needs because"),
        (wrong_is_reference, "one of its wrong answers is the reference answer"),
        (twice_the_same_wrong, "two of its wrong answers are the same"),
        (mark("answer", forbid="numpy.sign"), "forbid in cell"),
        (mark("answer", forbid=["numpy..sign"]), "forbid in cell"),
        (mark("answer", needs=["q2"]), "needs 'q2', which is no earlier question"),
        (no_metadata, "needs actlab.chapter"),
    ],
)
def test_a_mistake_is_named(notebook, change, sentence):
    change(notebook)
    assert any(sentence in problem for problem in problems(notebook)), problems(notebook)


def test_all_mistakes_are_named_at_once(notebook):
    drop("hint")(notebook)
    drop("held", "q2", 2)(notebook)
    found = problems(notebook)
    assert len(found) == 2
    with pytest.raises(source.SourceError, match=r"q1: .*(?s:.*)q2: "):
        source.parse(notebook, PATH)


def test_an_empty_notebook_has_no_questions(notebook):
    notebook.cells = notebook.cells[:2]
    assert any("no questions" in problem for problem in problems(notebook))


def test_stored_outputs_are_only_needed_to_release(notebook):
    no_outputs(notebook)
    assert source.parse(notebook, PATH).question("q1").checks[0].expected is None


@pytest.mark.parametrize("name", ["90_sample", "90", "sample", "90_sample.ipynb", "x/90_sample"])
def test_a_chapter_is_found_by_any_reasonable_name(course, name):
    assert course.resolve(name) == "90_sample"


def test_an_unknown_chapter_names_what_is_near(course):
    with pytest.raises(CommandError, match=r"no chapter '90_smaple'; did you mean 90_sample\?"):
        course.resolve("90_smaple")


def test_a_folder_without_solutions_is_no_course(tmp_path):
    with pytest.raises(CommandError, match=r"no folder solutions/"):
        Course.find(tmp_path)
