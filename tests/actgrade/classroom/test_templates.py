"""What Gradescope and GitHub would run, run here in folders like theirs."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from class_sample import CHAPTER, QUESTIONS, notebook, put

from actgrade.classroom import github

TEMPLATES = Path(__file__).parents[3] / "templates"
WRONG = QUESTIONS["q1"]["wrong"][1][0]


@pytest.fixture
def autograder(tmp_path, course):
    """Gradescope's folder with the sample course in it, and a way to run the template."""
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "course").symlink_to(course.root)
    (tmp_path / "submission").mkdir()

    def run() -> tuple[subprocess.CompletedProcess, dict | None]:
        process = subprocess.run(
            [TEMPLATES / "gradescope" / "run_autograder"],
            env={**os.environ, "AUTOGRADER_ROOT": str(tmp_path),
                 "AUTOGRADER_PYTHON": sys.executable},
            capture_output=True, text=True, timeout=90, check=False,
        )  # fmt: skip
        target = tmp_path / "results" / "results.json"
        return process, json.loads(target.read_text()) if target.exists() else None

    return tmp_path, run


@pytest.mark.skipif(sys.platform == "win32", reason="a shell script")
def test_gradescope_gets_a_test_for_each_question(autograder):
    root, run = autograder
    put(root / "submission", "my work.ipynb", notebook(q1=WRONG))
    process, results = run()
    assert process.returncode == 0, process.stderr
    assert [test["score"] for test in results["tests"]] == [0, 3, 1]
    assert [test["status"] for test in results["tests"]] == ["failed", "passed", "passed"]
    assert results["score"] == 4
    assert "known mistake: The sign is flipped" in results["tests"][0]["output"]
    assert results["stdout_visibility"] == "hidden"
    # Keys of Gradescope's specification, and no others.
    assert set(results) <= {"score", "output", "output_format", "visibility", "stdout_visibility",
                            "tests", "execution_time", "extra_data"}  # fmt: skip


@pytest.mark.skipif(sys.platform == "win32", reason="a shell script")
def test_gradescope_says_what_is_missing(autograder):
    root, run = autograder
    process, results = run()
    assert process.returncode == 0, process.stderr
    assert results["output"] == "Not graded: no notebook of this course was handed in."
    assert results["tests"] == []
    (root / "source" / "chapters.txt").write_text("sample\n")
    put(root / "submission", "essay.ipynb", b"{}")
    process, results = run()
    assert results["score"] == 0
    said = "Not graded: the file is not a notebook: it has no list of cells."
    assert results["tests"][0]["output"] == said
    assert f"Not graded: {CHAPTER}, essay.ipynb: the file is not a notebook" in results["output"]
    (root / "submission" / "essay.ipynb").unlink()
    put(root / "submission", "essay.pdf", b"%PDF")
    process, results = run()
    said = f"Not graded: no notebook of {CHAPTER} was handed in."
    assert results["tests"][0]["output"] == said
    (root / "source" / "chapters.txt").write_text("nonsense\n")
    process, results = run()
    assert process.returncode != 0
    assert results is None  # an error for the instructor, and no zero for the learner
    assert "no chapter 'nonsense'" in process.stderr


def test_github_gets_points_a_summary_and_an_exit_code(tmp_path, course, monkeypatch, capsys):
    for variable in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"):
        monkeypatch.setenv(variable, str(tmp_path / variable))
    repository = tmp_path / "submission"
    put(repository, f"exercises/{CHAPTER}.ipynb", notebook(q1=WRONG))
    put(repository, f"solutions/{CHAPTER}.ipynb", notebook(0))
    arguments = [str(repository), "--course", str(course.root), CHAPTER]
    assert github.main(arguments) == 1
    line = (tmp_path / "GITHUB_OUTPUT").read_text()
    content = json.loads(base64.b64decode(line.removeprefix("result=")))
    assert content["max_score"] == 5
    assert sum(test["score"] for test in content["tests"]) == 4
    assert [test["status"] for test in content["tests"]] == ["fail", "pass", "pass"]
    assert "**4 of 5 points**" in (tmp_path / "GITHUB_STEP_SUMMARY").read_text()
    put(repository, f"exercises/{CHAPTER}.ipynb", notebook(0))
    assert github.main(arguments) == 0
    assert github.main([str(tmp_path / "nowhere"), "--course", str(course.root)]) == 2
    assert "is not a folder" in capsys.readouterr().err


def test_the_summary_is_no_markup():
    content = {"max_score": 1, "tests": [{"name": "<b>|", "message": "[x](y) `a`", "score": 0}]}
    assert r"| &lt;b&gt;\| | \[x\]\(y\) \`a\` |" in github.summary(content)


def test_the_workflow_is_yaml_and_calls_what_exists():
    workflow = yaml.safe_load((TEMPLATES / "github-classroom" / "classroom.yml").read_text())
    job = workflow["jobs"]["autograding"]
    assert job["name"] == "Autograding Tests"  # where the reporter puts the points
    steps = {step.get("id") or step["name"]: step for step in job["steps"] if "name" in step}
    assert "-m actgrade.classroom.github" in steps["grade"]["run"]
    reporter = steps["Autograding Reporter"]
    assert f"{reporter['with']['runners'].upper()}_RESULTS" in reporter["env"]


@pytest.mark.skipif(sys.platform == "win32", reason="bash")
@pytest.mark.parametrize("name", ["setup.sh", "run_autograder"])
def test_scripts_are_executable_bash(name):
    path = TEMPLATES / "gradescope" / name
    assert os.access(path, os.X_OK)
    subprocess.run(["bash", "-n", path], check=True)
