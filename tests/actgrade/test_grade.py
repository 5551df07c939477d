"""Grading from end to end: points, verdicts, reasons, exit codes."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import time

import grading_sample
import nbformat
import psutil
import pytest
from grading_sample import QUICK, by_question

from actgrade import pytest_session
from actgrade.grade import grade
from actgrade.job import Options
from actgrade.results import VERDICTS
from actgrade.sandbox import confinement
from actgrade.sandbox.launcher import Launcher
from actgrade.table import print_report
from actlab.cli import main

WRONG_SIGN = grading_sample.QUESTIONS["q1"]["wrong"][1][0]
STUB = 'def sign(x):\n    """Doc."""\n    raise NotImplementedError'


def test_the_reference_earns_everything(graded):
    results = graded()
    assert {name: (r.points, r.verdict, r.reason) for name, r in results.items()} == {
        "q1": (1, "pass", ""),
        "q2": (3, "pass", ""),
        "q3": (1, "pass", ""),
    }


@pytest.mark.parametrize(
    ("answer", "verdict", "reason"),
    [
        (STUB, "missing", "not written yet"),
        ("", "error", "it raises NameError: name 'sign' is not defined"),
        ("def sign(x:\n    return", "error", "it is not valid Python: '(' was never closed"),
        ("def sign(x):\n    y = x\n    return y / None", "error", "(line 3 of your answer: return"),
        ("def sign(x):\n    return np.sgn(x)", "error", "it raises AttributeError"),
        ("def sign(x):\n    return helper(x)", "error", "name 'helper' is not defined"),
        ("def sign(x):\n    return None", "fail", "sign(…) is None, not a float (20,)"),
        (WRONG_SIGN, "fail", "known mistake: The sign is flipped (sign(…) has the wrong sign)"),
        (
            "def sign(x):\n    return 3 * np.sign(x)",
            "fail",
            "sign(…) is 3 times the expected",
        ),
        ("def sign(x):\n    return np.ones(10**10)", "error", "it needs more than 2 GiB of memory"),
    ],
)
def test_a_lost_question_says_why_and_costs_no_other(graded, answer, verdict, reason):
    results = graded(q1=answer)
    assert results["q1"].verdict == verdict
    assert results["q1"].points == 0
    assert reason in results["q1"].reason
    assert verdict in VERDICTS
    assert results["q2"].verdict == results["q3"].verdict == "pass"


@pytest.mark.parametrize(
    "answer",
    [
        "def sign(x):\n    return (x > 0) * 1.0 - (x < 0) * 1.0",
        "def sign(x):\n    print(x[0], 'w: float () 1.0', sep='\\n')\n    return np.sign(x)",
        "def sign(x):\n    return np.sign(x.astype(np.float32))",
        "def sign(x):\n    return np.array([float((a > 0) - (a < 0)) for a in x.tolist()])",
        "sign = np.sign",
        "import warnings\n\ndef sign(x):\n    warnings.warn('hm')\n    return np.sign(x)",
        "def sign(x):\n    return np.sign(x)\n\nsign(np.ones(3))",
        "print('my own test', 1 + 1)\n\ndef sign(x):\n    return np.sign(x)",
        "%timeit -n1 -r1 1 + 1\n\ndef sign(x):\n    return np.sign(x)",
    ],
)
def test_another_right_answer_earns_everything(graded, answer):
    assert graded(q1=answer)["q1"].verdict == "pass"


def test_held_checks_earn_their_own_points(graded):
    result = graded(q2=grading_sample.QUESTIONS["q2"]["wrong"][1][0])["q2"]
    assert (result.points, result.maximum, result.verdict) == (2, 3, "partial")
    assert "only for slopes up to 1" in result.reason


def test_a_helper_in_another_cell_is_explained(course, launcher, hand_in):
    path = hand_in(q1="def sign(x):\n    return helper(x)")
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell("def helper(x):\n    return np.sign(x)"))
    nbformat.write(notebook, path)
    result = by_question(grade([path], course, launcher=launcher).notebooks[0])["q1"]
    assert "helper is defined in another cell, and only the answer cell is graded" in result.reason


def test_each_run_draws_new_inputs_unless_a_seed_is_given(graded):
    # The reason quotes the inputs, so it tells whether they are the same.
    answer = "def mean_and_spread(x):\n    return float(x[0]), float(np.std(x))"

    def reason(seed=None):
        return graded(q3=answer, options=Options(seed=seed))["q3"].reason

    assert reason() != reason()
    assert reason(3) == reason(3) != reason(4)


def test_pytest_looks_at_nothing_but_the_submissions(course, launcher, hand_in, monkeypatch):
    """In a full temporary folder it took longer to look around than to grade."""
    for number in range(20):
        (launcher.folder / f"within-{number}").touch()
    seen = []

    def note(self, collection_path):
        if collection_path.is_file():
            seen.append(collection_path.name)

    monkeypatch.setattr(pytest_session._Runner, "pytest_ignore_collect", note, raising=False)
    grade([hand_in()], course, launcher=launcher)
    assert seen == []  # pytest does not ask about what it is told to collect
    for path in launcher.folder.glob("within-*"):
        path.unlink()


def test_in_a_class_no_held_value_is_told(graded):
    answer = "def mean_and_spread(x):\n    return float(x[0]), float(np.std(x))"
    told = graded(q3=answer)["q3"].reason
    assert "it is" in told
    hidden = graded(q3=answer, options=Options(reveal=False))["q3"].reason
    assert "it is" not in hidden


@pytest.mark.parametrize(
    "body",
    [
        "raise ValueError(repr(x))",
        "raise type(repr(x[0]), (Exception,), {})",
        "raise type('ForbiddenUse', (BaseException,), {})(repr(x))",
        "print(x); return x",
        "return repr(x)",
        "return [repr(x)]",
    ],
)
def test_nor_can_the_answer_have_it_told(graded, body):
    answer = f"def sign(x):\n    if len(x) > 3:\n        {body}\n    return np.sign(x)"
    result = graded(q1=answer, options=Options(reveal=False))["q1"]
    assert result.points == 0
    assert not re.search(r"\d\.\d", result.reason), result.reason


@pytest.mark.parametrize(
    "tamper",
    ["edit the check", "edit its output", "clear its output", "skip by tag", "skip by comment",
     "delete the check", "another kernel", "no setup"],
)  # fmt: skip
def test_nothing_but_the_answer_counts(course, launcher, tmp_path, tamper):
    """What would pass under ``pytest --nbval`` on the learner's own file."""
    from actgrade.release import build

    for built in build(course.source_path("90_sample"), tmp_path):
        built.write()
    path = tmp_path / "90_sample.ipynb"
    notebook = nbformat.read(path, as_version=4)
    cell = {cell["id"]: cell for cell in notebook.cells}
    cell["answer-q1"].source = WRONG_SIGN
    cell["answer-q2"].source = grading_sample.LEAKY
    cell["answer-q3"].source = grading_sample.MEAN
    check = cell["check-q1-1"]
    if tamper == "edit the check":
        check.source = "print('y: float (3,) [-1.0 0.0 1.0]')"
    elif tamper == "edit its output":
        check.outputs[0].text = "y: float (3,) [1.0 0.0 -1.0]\n"
    elif tamper == "clear its output":
        check.outputs = []
    elif tamper == "skip by tag":
        for every in notebook.cells:
            every.metadata["tags"] = ["nbval-skip", "nbval-ignore-output", "raises-exception"]
    elif tamper == "skip by comment":
        cell["answer-q1"].source = f"# NBVAL_SKIP\n{WRONG_SIGN}"
    elif tamper == "delete the check":
        notebook.cells.remove(check)
    elif tamper == "another kernel":
        notebook.metadata.kernelspec = {"name": "none", "display_name": "None"}
    elif tamper == "no setup":
        notebook.cells.remove(cell["setup-1"])
    nbformat.write(notebook, path)
    results = by_question(grade([path], course, launcher=launcher).notebooks[0])
    assert [results[name].points for name in ("q1", "q2", "q3")] == [0, 3, 1]


def test_one_bad_file_costs_no_other(course, launcher, hand_in, tmp_path):
    bad = tmp_path / "bad.ipynb"
    bad.write_text("{")
    lost = tmp_path / "90_sample.ipynb"
    lost.write_text("[]")
    report = grade([bad, hand_in(), lost], course, launcher=launcher)
    first, second, third = report.notebooks
    assert "ends in the middle (line 1)" in first.error
    assert second.is_full
    assert "no list of cells" in third.error
    assert third.maximum == 5  # the chapter is known by the name of the file
    assert (report.points, report.maximum) == (5, 10)


def test_a_failing_reference_is_nobodys_fault_but_the_authors(tmp_path, launcher):
    from actgrade.course import Course

    root = grading_sample.write_course(tmp_path)
    path = root / "solutions" / "90_sample.ipynb"
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.source.startswith('def mean_and_spread(x):\n    """'):
            cell.source = "def mean_and_spread(x):\n    return 1 / 0"
    nbformat.write(notebook, path)
    answer = tmp_path / "answer.ipynb"
    nbformat.write(grading_sample.submission({}), answer)
    results = by_question(grade([answer], Course(root), launcher=launcher).notebooks[0])
    assert results["q3"].verdict == "course"
    assert "not your mistake" in results["q3"].reason
    assert results["q1"].verdict == "pass"


# The command ---------------------------------------------------------------------------------


@pytest.fixture
def root(tmp_path, capsys):
    root = grading_sample.write_course(tmp_path)
    assert main(["release", "--course", str(root)]) == 0
    capsys.readouterr()
    return root


def run(root, *arguments) -> int:
    return main(["grade", "--course", str(root), *map(str, arguments)])


def solve(root, **answers):
    path = root / "exercises" / "90_sample.ipynb"
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        name = cell["id"].removeprefix("answer-")
        if name in grading_sample.QUESTIONS:
            cell.source = answers.get(name, grading_sample.QUESTIONS[name]["answer"])
    nbformat.write(notebook, path)


def test_an_untouched_exercise_scores_nothing(root, capsys):
    assert run(root) == 1
    said = capsys.readouterr().out
    assert "Sample chapter, 0 of 5 points" in said
    assert said.count("not written yet") == 3
    assert "\x1b" not in said


def test_full_marks_are_exit_code_0(root, capsys):
    solve(root)
    assert run(root, "90_sample") == 0
    assert "5 of 5 points" in capsys.readouterr().out


def test_the_json_has_the_documented_form(root, tmp_path, capsys):
    solve(root, q1=WRONG_SIGN)
    assert run(root, "sample", "--json", tmp_path / "out.json", "--seed", 7) == 1
    content = json.loads((tmp_path / "out.json").read_text())
    assert {
        k: content[k] for k in ("schema", "version", "engine", "seed", "points", "maximum")
    } == {
        "schema": "actlab-grade",
        "version": 1,
        "engine": "pipe",
        "seed": 7,
        "points": 4.0,
        "maximum": 5.0,
    }
    (notebook,) = content["notebooks"]
    assert (notebook["chapter"], notebook["error"], notebook["notes"]) == ("90_sample", None, [])
    assert notebook["questions"][0] == {
        "id": "q1",
        "title": "The sign",
        "points": 0.0,
        "maximum": 1.0,
        "verdict": "fail",
        "reason": "known mistake: The sign is flipped (sign(…) has the wrong sign)",
    }
    assert [question["verdict"] for question in notebook["questions"][1:]] == ["pass", "pass"]


@pytest.mark.parametrize(
    ("hint", "text"),
    [
        (["--hint"], "Hint 1 of 3 for 90_sample q1 (more: --hint q1:2):\nThree cases."),
        (["--hint", "q2"], "Hint 1 of 3 for 90_sample q2 (more: --hint q2:2):\nTwo cases."),
        (["--hint", "q2:3"], "Hint 3 of 3 for 90_sample q2:\n`np.where(x >= 0, x, ...)`"),
    ],
)
def test_hints_come_one_at_a_time(root, capsys, hint, text):
    assert run(root, "90_sample", *hint) == 1
    assert text in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["04_relu"], "no chapter '04_relu'; did you mean 90_sample?"),
        (["none/90_sample.ipynb"], "no such notebook: none/90_sample.ipynb"),
        (["--hint", "q9", "--"], "no question 'q9' was graded"),
        (["--hint", "q1:7", "--"], "a question has the hints 1, 2 and 3"),
        (["--json", "none/out.json"], "there is no folder none"),
    ],
)
def test_bad_input_is_a_sentence_and_exit_code_2(root, capsys, arguments, sentence):
    assert run(root, *arguments) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert error.count("\n") == 1


def test_a_file_that_is_no_notebook_is_exit_code_2_and_the_rest_is_graded(root, capsys):
    solve(root)
    (root / "exercises" / "91_other.ipynb").write_text("not JSON")
    assert run(root) == 2
    said = capsys.readouterr().out
    assert "5 of 5 points" in said
    assert "not graded: " in said


@pytest.mark.parametrize("option", ["--cell-timeout=0", "--memory=-1", "--output=x", "--engine=x"])
def test_senseless_limits_are_refused(root, capsys, option):
    with pytest.raises(SystemExit) as caught:
        run(root, option)
    assert caught.value.code == 2


def test_without_a_sandbox_it_says_so_or_refuses(root, capsys, monkeypatch):
    monkeypatch.setattr(confinement, "missing", lambda: "this machine has no walls")
    assert run(root, "--require-sandbox") == 2
    assert "cannot be isolated: this machine has no walls" in capsys.readouterr().err


@pytest.mark.parametrize("fork", [True, False])
def test_where_nothing_isolates_answers_are_graded_and_it_is_said(
    course, hand_in, tmp_path, monkeypatch, fork
):
    shadow = tmp_path / "shadow"
    shadow.mkdir()
    (shadow / "seccompy.py").write_text("raise ImportError('no', name='seccompy')")
    monkeypatch.setenv("PYTHONPATH", str(shadow))
    stray = "import subprocess\nsubprocess.Popen(['sleep', '600'])\n"
    path = hand_in(q1=stray + WRONG_SIGN, q2="import os\nos._exit(0)")
    with Launcher(("numpy",), limits=QUICK, fork=fork and sys.platform == "linux") as launcher:
        report = grade([path], course, launcher=launcher)
    results = by_question(report.notebooks[0])
    assert [results[name].verdict for name in ("q1", "q2", "q3")] == ["fail", "crash", "pass"]
    reason = "the package seccompy is not installed"
    assert report.isolation == f"none: {reason}"
    said = io.StringIO()
    print_report(report, said)
    assert f"Not isolated: {reason}. Grade only answers that you trust." in said.getvalue()
    # What the answer started is ended with it, where it has not left its group.
    sleeping = [
        p for p in psutil.process_iter(["cmdline"]) if p.info["cmdline"] == ["sleep", "600"]
    ]
    assert [p for p in sleeping if p.status() != psutil.STATUS_ZOMBIE] == []


@pytest.mark.skipif(confinement.missing() is not None, reason="needs Landlock and seccomp")
def test_with_a_sandbox_nothing_is_said_about_it(root, capsys):
    assert run(root, "--require-sandbox") == 1
    assert "solated" not in capsys.readouterr().out


def test_the_same_from_pytest(root):
    solve(root, q1=WRONG_SIGN)
    arguments = ["--actlab-grade", "-p", "no:cacheprovider", "-q"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *arguments, "exercises/90_sample.ipynb"],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "90_sample.ipynb::q1::held-q1-1" in done.stdout
    assert "y has the wrong sign" in done.stdout
    assert "2 failed, 11 passed" in done.stdout
    assert "4 of 5 points" in done.stdout


def test_pytest_does_not_grade_unasked(root):
    arguments = ["-q", "--collect-only"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *arguments, "exercises"],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "no tests collected" in done.stdout


def test_a_folder_of_the_learner_is_never_imported(course, launcher, tmp_path):
    """pytest would run conftest.py and __init__.py beside the notebooks it is given."""
    for name in ("conftest.py", "__init__.py", "pytest.ini", "sitecustomize.py"):
        (tmp_path / name).write_text("raise SystemExit('imported')")
    path = tmp_path / "x.ipynb"
    nbformat.write(grading_sample.submission({}), path)
    assert grade([path], course, launcher=launcher).notebooks[0].is_full


def test_a_dead_fork_server_is_started_again(course, hand_in):
    with Launcher(("numpy",), limits=QUICK) as launcher:
        assert grade([hand_in()], course, launcher=launcher).notebooks[0].is_full
        for server in launcher._servers.values():
            server._process.kill()
            server._process.wait()
        assert grade([hand_in()], course, launcher=launcher).notebooks[0].is_full


def test_a_killed_grader_leaves_no_process(root):
    solve(root, q1="while True:\n    pass")
    command = [sys.executable, "-m", "actlab", "grade", "--course", str(root)]
    grader = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    me = psutil.Process(grader.pid)
    deadline = time.monotonic() + 60
    while not (family := me.children(recursive=True)) or len(family) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    grader.kill()
    grader.wait()
    _, alive = psutil.wait_procs(family, timeout=20)
    assert alive == []


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("import numpy as np", ["numpy"]),
        ("from scipy.special import erf\nimport math", ["numpy", "scipy.special"]),
        ("import torch.nn.functional as F", ["numpy", "torch.nn.functional"]),
        ("import matplotlib", ["matplotlib", "matplotlib.pyplot", "numpy"]),
        ("import requests\nfrom . import x\n%magic", ["numpy"]),
    ],
)
def test_what_a_chapter_imports_is_imported_once(course, text, wanted):
    from dataclasses import replace

    from actgrade.preload import preload_for

    chapter = replace(course.chapter("90_sample"), setup=(text,))
    ours = {"actgrade.apart"}
    assert preload_for(course, [chapter]) == sorted(ours.union(wanted))


def test_a_comparison_that_breaks_off_leaves_no_points(graded, monkeypatch):
    def breaks(self, *arguments):
        raise RuntimeError("nobody foresaw this")

    monkeypatch.setattr("actgrade.nodes.QuestionCell.compare_outputs", breaks)
    results = graded()
    assert {result.points for result in results.values()} == {0}
    assert results["q1"].reason == "it was not judged to its end; grade it again"
