"""The kill table: the sample course is sound, and a course that is not is found out."""

from __future__ import annotations

import json

import grading_sample
import nbformat
import pytest

from actgrade.course import Course
from actgrade.verify import verify
from actlab.cli import main


def test_the_sample_course_is_sound(course, launcher):
    proofs = verify([course.chapter("90_sample")], launcher=launcher)
    assert [proof.problems() for proof in proofs] == [[], [], []]
    assert [len(proof.kills) for proof in proofs] == [4, 4, 4]
    assert all(proof.reference.verdict == "pass" for proof in proofs)
    assert all(proof.stub.verdict == "missing" for proof in proofs)
    assert all(kill.result.reason for proof in proofs for kill in proof.kills)


@pytest.fixture
def broken(tmp_path):
    root = grading_sample.write_course(tmp_path)
    path = root / "solutions" / "90_sample.ipynb"
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if (
            "because" in cell.metadata.get("actlab", {})
            and "sign is flipped" in (cell.metadata["actlab"]["because"])
        ):
            cell.source = "def sign(x):\n    return np.sign(x) + 0.0"  # right after all
        if cell.source == grading_sample.QUESTIONS["q3"]["check"]:
            cell.outputs[0].text = cell.outputs[0].text.replace("3.0", "4.0")
        if cell.source == grading_sample.LEAKY.strip():
            cell.source = cell.source.replace("np.where(x >= 0, x, slope * x)", "np.maximum(x, 1)")
    nbformat.write(notebook, path)
    return root


def test_a_course_that_is_not_sound_is_found_out(broken, launcher):
    proofs = verify([Course(broken).chapter("90_sample")], launcher=launcher)
    problems = [problem for proof in proofs for problem in proof.problems()]
    for sentence in (
        "q1: a known wrong answer is not caught (pass, 1 of 1 points): The sign is flipped",
        "q2: the reference earns 0 of 3 points: it uses numpy.maximum",
        "q3: the stored output of check-q3-1 is not what the reference prints",
    ):
        assert any(sentence in problem for problem in problems), problems


def test_the_command_prints_the_table_and_the_problems(broken, capsys):
    out = broken / "table.json"
    assert main(["verify", "--course", str(broken), "--json", str(out), "--seed", "1"]) == 1
    first = json.loads(out.read_text())
    assert [proof["question"] for proof in first] == ["q1", "q2", "q3"]
    assert [wrong["caught"] for wrong in first[0]["wrong"]] == [True, False, True, True]
    assert first[2]["problems"]
    said = capsys.readouterr().out
    assert "90_sample q1: reference 1 of 1, stub 0, 3 of 4 wrong answers caught" in said
    assert "    Zero has the sign 0. -> fail: " in said
    assert said.count("PROBLEM") >= 3
